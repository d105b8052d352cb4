"""`repz-console spend`: enter, list and take back the money that the team records in the journal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from repz_console.commands.common import (
    as_input,
    columns,
    config_option,
    in_session,
    print_json,
    print_line,
    refuse_damaged,
)
from repz_console.commands.exits import Exit, Stop
from repz_console.engine.session import Session
from repz_console.providers.base import SpendBook
from repz_console.room.views import BudgetView
from repz_console.tui.paint.format import money


@click.group
def command() -> None:
    """Enter, list and take back money spent."""


# An amount such as -30 is no option.
@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("line")
@click.argument("amount")
@click.option("--committed", is_flag=True, help="Promised, not yet paid.")
@click.option("--on", metavar="DATE", help="The day it was spent, such as 2027-02-05; today if not given.")
@click.option("--note", default="", help="What it was for.")
@config_option
@click.pass_context
def add(ctx: click.Context, line: str, amount: str, committed: bool, on: str | None, note: str) -> None:
    """Enter AMOUNT on the budget line LINE and print the entry's id. A negative one is a refund."""

    async def enter(session: Session) -> str:
        clock = session.view().clock
        today = clock.now.astimezone(ZoneInfo(clock.zone)).date()
        kind = "committed" if committed else "actual"
        with as_input():
            event = _book(session).added(line, amount, entry=kind, on=on or today.isoformat(), today=today, note=note)
        await session.write(event)
        return f"{getattr(event, 'source', '')}:{getattr(event, 'spend', '')}"

    print_line(in_session(ctx, enter))


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as data.")
@config_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List every entry, newest first, and what is left."""

    async def look(session: Session) -> tuple[BudgetView | None, str]:
        view = session.view()
        return view.budget, view.journal.damage

    budget, damage = in_session(ctx, look)
    if budget is None:
        raise Stop(Exit.INPUT, "the plan has no [budget]")
    if as_json:
        print_json(budget.entries)
        refuse_damaged(damage)
        return
    rows = [
        (
            entry.id,
            entry.on.isoformat(),
            money(entry.amount, budget.currency),
            "taken back" if entry.voided else entry.kind,
            entry.line,
            entry.who or "-",
            entry.note,
        )
        for entry in budget.entries
    ]
    for text in columns(rows, right=(2,)):
        print_line(text)
    doubt = "?" if damage else ""
    print_line(f"{money(budget.left, budget.currency)}{doubt} left of {money(budget.total, budget.currency)}")
    refuse_damaged(damage)


@command.command()
@click.argument("entry")
@click.option("--reason", default="", help="Why; kept in the journal.")
@config_option
@click.pass_context
def void(ctx: click.Context, entry: str, reason: str) -> None:
    """Take ENTRY back, named as `spend list` prints it. It stays in the journal and leaves the sums."""

    async def take_back(session: Session) -> None:
        with as_input():
            event = _book(session).voided(entry, reason)
        await session.write(event)

    in_session(ctx, take_back)


def _book(session: Session) -> SpendBook:
    book = session.book()
    if book is None:
        raise Stop(Exit.INPUT, "the plan has no source that spend is entered in; one of kind `ledger` needs no server")
    return book

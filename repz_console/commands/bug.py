"""`repz-console bug`: file, list and change the bugs that the team keeps in the journal."""

from __future__ import annotations

from datetime import datetime

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
from repz_console.facts import PRIORITIES, Bug
from repz_console.providers.base import BugTriage
from repz_console.tui.paint.times import age

_PRIORITY = click.Choice(PRIORITIES, case_sensitive=False)


@click.group
def command() -> None:
    """File, list and change bugs."""


@command.command()
@click.argument("title")
@click.option("-p", "--priority", type=_PRIORITY, default="P2", show_default=True)
@click.option("-a", "--assignee", default="", help="Who has it.")
@click.option("--note", default="", help="Anything else worth knowing.")
@config_option
@click.pass_context
def add(ctx: click.Context, title: str, priority: str, assignee: str, note: str) -> None:
    """File a bug and print its id."""

    async def file(session: Session) -> str:
        with as_input():
            event = _tracker(session).filed(title, priority, assignee=assignee, note=note)
        await session.write(event)
        return f"{getattr(event, 'source', '')}:{getattr(event, 'bug', '')}"

    print_line(in_session(ctx, file))


@command.command("list")
@click.option("-p", "--priority", type=_PRIORITY, multiple=True, help="Only these priorities.")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@click.option("--json", "as_json", is_flag=True, help="Print them as data.")
@config_option
@click.pass_context
def list_(ctx: click.Context, priority: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """List the open bugs, worst and oldest first."""
    wanted = {word.upper() for word in priority} or set(PRIORITIES)

    async def look(session: Session) -> tuple[list[Bug], datetime, str]:
        view = session.view()
        shown = [bug for bug in view.bugs.bugs if bug.priority in wanted and (everything or bug.state == "open")]
        return shown, view.clock.now, view.journal.damage

    bugs, now, damage = in_session(ctx, look)
    if as_json:
        print_json(bugs)
    else:
        rows = [
            (bug.id, bug.priority, bug.state, age(now - bug.opened_at), bug.assignee or "-", bug.title) for bug in bugs
        ]
        for line in columns(rows, right=(3,)):
            print_line(line)
    refuse_damaged(damage)


@command.command("set")
@click.argument("bug")
@click.option("-p", "--priority", type=_PRIORITY, help="How bad it is.")
@click.option("-a", "--assignee", help="Who has it; an empty text for nobody.")
@click.option("-s", "--state", type=click.Choice(["open", "resolved"]), help="Resolve it, or open it again.")
@click.option("--title", help="Its title.")
@click.option("--note", help="Anything else worth knowing.")
@config_option
@click.pass_context
def set_(
    ctx: click.Context,
    bug: str,
    priority: str | None,
    assignee: str | None,
    state: str | None,
    title: str | None,
    note: str | None,
) -> None:
    """Change BUG, named as `bug list` prints it."""
    fields = {"priority": priority, "assignee": assignee, "state": state, "title": title, "note": note}
    said = {name: value for name, value in fields.items() if value is not None}
    if not said:
        raise click.UsageError("say what to change: --priority, --assignee, --state, --title or --note", ctx)

    async def change(session: Session) -> None:
        with as_input():
            event = _tracker(session).changed(bug, **said)
        await session.write(event)

    in_session(ctx, change)


def _tracker(session: Session) -> BugTriage:
    tracker = session.bugs()
    if tracker is None:
        raise Stop(Exit.INPUT, "the plan has no source that bugs can be filed in; one of kind `local` needs no server")
    return tracker

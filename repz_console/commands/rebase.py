"""`repz-console rebase`: move every date of the plan so that full launch falls on another instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from repz_console.commands.common import ask, columns, config_option, in_session, print_line
from repz_console.commands.conn import conn_held
from repz_console.commands.exits import Exit, Stop
from repz_console.engine.session import Session
from repz_console.plan import schedule
from repz_console.plan.model import Plan
from repz_console.room import words
from repz_console.tui.paint.format import count


@click.command
@click.option("--full-launch", "when", required=True, metavar="INSTANT", help="Such as 2027-02-05T09:00.")
@click.option("--dry-run", is_flag=True, help="Only print what would move.")
@config_option
@click.pass_context
def command(ctx: click.Context, when: str, dry_run: bool) -> None:
    """Move every date so that full launch falls on INSTANT; times of day stay as they are.

    Without an offset INSTANT is a wall-clock time where full launch takes place. It needs the conn and a person who
    confirms. The journal keeps it; config.toml is never written.
    """

    async def move(session: Session) -> str:
        plan = session.plan
        try:
            instant = schedule.typed_instant(when, schedule.launch_zone(plan))
            moved = schedule.rebase(plan, instant)
        except ValueError as error:
            raise Stop(Exit.INPUT, str(error)) from None
        for text in _report(plan, moved):
            print_line(text)
        if dry_run:
            return "nothing was changed: this was a dry run"
        await _confirmed_rebase(session, instant)
        return f"full launch is now {words.instant(instant)}"

    print_line(in_session(ctx, move))


async def _confirmed_rebase(session: Session, instant: datetime) -> None:
    async with conn_held(session, "move the plan"):
        answer = await ask("Type  rebase  to move them: ", otherwise="moving the plan needs a person at a terminal")
        if answer != "rebase":
            raise Stop(Exit.HELD, "that was not `rebase`; nothing was changed")
        session.touch()
        refused = await session.rebase(instant)
        if refused:
            raise Stop(Exit.HELD, refused)


def _report(plan: Plan, moved: Plan) -> Iterator[str]:
    moves = schedule.moves(plan, moved)
    yield from columns(
        (
            move.kind,
            move.title,
            f"{move.was:%a %Y-%m-%d}",
            "->",
            f"{move.now:%a %Y-%m-%d}",
            "" if move.weekday_kept else "another weekday",
        )
        for move in moves
    )
    at = schedule.full_launch(moved)
    lost = sum(not move.weekday_kept for move in moves)
    kept = f"{lost} of them on another weekday" if lost else "every weekday is kept"
    yield f"{count(len(moves), 'date')} by {schedule.shift_days(plan, at):+,} days, {kept}"
    zone = schedule.launch_zone(moved)
    yield f"full launch {at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}, {words.instant(at)}"

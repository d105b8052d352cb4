"""`repz-console rebase`: move every date of the plan so that full launch falls on another instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from zoneinfo import ZoneInfo

import click

from repz_console.commands.common import ask, columns, config_option, in_session, print_line
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
        instant = parsed(when, plan.launch.full_launch.zone or plan.launch.zone)
        try:
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


def parsed(text: str, zone: str) -> datetime:
    """An ISO instant as UTC; a wall-clock time in `zone` where it has no offset. Raises `Stop`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    # The calendar's very first and last years have days that a change of zone would take out of it.
    if at is None or not MINYEAR < at.year < MAXYEAR:
        raise Stop(Exit.INPUT, f"{text!r} is no instant: write it like 2027-02-05T09:00")
    if len(text) <= len("2027-02-05"):
        raise Stop(Exit.INPUT, f"{text!r} has no time of day: write it like {text}T09:00")
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    local = at.replace(tzinfo=ZoneInfo(zone))
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != at:
        raise Stop(Exit.INPUT, f"{text} does not exist in {zone}: the clock is put forward over it")
    return local.astimezone(UTC)


async def _confirmed_rebase(session: Session, instant: datetime) -> None:
    refused = await session.take_conn()
    if refused:
        raise Stop(Exit.NOT_ALLOWED, f"the conn could not be taken: {refused}")
    try:
        answer = await ask("Type  rebase  to move them: ", otherwise="moving the plan needs a person at a terminal")
        if answer != "rebase":
            raise Stop(Exit.NOT_ALLOWED, "that was not `rebase`; nothing was changed")
        session.touch()
        refused = await session.rebase(instant)
        if refused:
            raise Stop(Exit.NOT_ALLOWED, refused)
    finally:
        await session.release_conn()


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
    zone = moved.launch.full_launch.zone or moved.launch.zone
    yield f"full launch {at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}, {words.instant(at)}"

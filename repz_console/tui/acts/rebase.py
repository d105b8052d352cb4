"""Moving every date of the plan to a new full launch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from repz_console.plan import schedule
from repz_console.plan.model import Plan
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Form
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import fit

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


async def rebase(app: ConsoleApp) -> None:
    """Ask for the full-launch instant, show every date that moves, and journal it."""
    plan = app.live.plan
    zone = _zone(plan)
    proposed = suggestion(plan, app.now)

    def mistake(text: str) -> str:
        try:
            schedule.rebase(plan, schedule.typed_instant(text, zone.key))
        except ValueError as error:
            return str(error)
        return ""

    instant = Text(
        "at", "Full launch", f"{proposed.astimezone(zone):%Y-%m-%dT%H:%M}", needed=True, limit=16, check=mistake
    )
    intro = paragraphs(
        [
            f"Full launch is at {schedule.full_launch(plan).astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key} now.",
            "Every date moves by the same number of days; times of day stay.",
        ],
        60,
    )
    answer = await app.ask(Form("Move the plan", [instant], intro=intro, submit="Show what moves"))
    if answer is None:
        return
    at = schedule.typed_instant(answer["at"], zone.key)
    moved = schedule.rebase(plan, at)
    moves = schedule.moves(plan, moved)
    if not any(move.days for move in moves):
        app.say("Nothing would move.")
        return
    agreed = await app.ask(
        Form(
            f"{len(moves)} dates move by {schedule.shift_days(plan, at):+d} days",
            intro=lambda width, glyphs: _moves(moves, width, glyphs),
            submit="Move them",
            dangerous=True,
            wide=76,
        )
    )
    if agreed is None:
        return
    refused = await app.live.rebase(at)
    if refused:
        app.say(f"Not moved: {refused}", "bad")
    else:
        app.say(f"Full launch is {at.astimezone(zone):%a %Y-%m-%d %H:%M}.", "ok")


def suggestion(plan: Plan, now: datetime) -> datetime:
    """The full launch as planned, or, for a plan that has passed, moved on by whole weeks so that its first day is
    ahead of `now` again."""
    launch = schedule.full_launch(plan)
    first, last = schedule.plan_span(plan)
    if last > now:
        return launch
    weeks = (now - first) // timedelta(weeks=1) + 1
    zone = _zone(plan)
    return (launch.astimezone(zone) + timedelta(weeks=weeks)).astimezone(UTC)


def _zone(plan: Plan) -> ZoneInfo:
    return ZoneInfo(schedule.launch_zone(plan))


def _moves(moves: list[schedule.Move], width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    room = max(10, width - 42)
    for move in moves:
        before, after = (name[:3] for name in move.weekdays)
        kept = before == after
        lines.append(
            (
                (f"{move.kind:<7} ", "muted"),
                (f"{fit(move.title, room, glyphs.ellipsis)} ", "text"),
                (f"{before} {move.was} {glyphs.arrow} {after} {move.now}", "text" if kept else "warn"),
                ("" if kept else f" {glyphs.warn}", "warn"),
            )
        )
    if not all(move.weekday_kept for move in moves):
        lines.insert(0, ((f"{glyphs.warn} Not every weekday is kept: move by whole weeks to keep them.", "warn"),))
    return lines

"""What Enter does on the Rollout tab: it opens the selected row, or compares, as the foot of the pane says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.room.views import ChangeView
from repz_console.tui.acts import consenting, polling, steering
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.lists import Reader
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import exposure_percent
from repz_console.tui.paint.rollout_gates import station_of

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


async def enter(app: ConsoleApp) -> None:
    """Open what is selected; compare where that is a region, a feature, a stage or nothing."""
    kind, identity = app.selected
    rollout = app.rollout
    if rollout is None:
        return
    if kind == "gate":
        gate = next((one for one in rollout.gates if one.id == identity), None)
        if gate is not None:
            await consenting.gate(app, rollout, gate)
    elif kind == "station" and rollout.poll is not None:
        station = station_of(rollout.poll, identity)
        if station is not None:
            await polling.station(app, rollout, rollout.poll, station)
    elif kind == "poll":
        await polling.poll(app)
    elif kind == "approval" and rollout.approval is not None:
        await consenting.approve(app, rollout, rollout.approval)
    elif kind == "waiver":
        waiver = next((one for one in rollout.waivers if one.waiver == identity), None)
        if waiver is not None:
            await consenting.waiver(app, rollout, waiver)
    elif kind == "override":
        await app.ask(Reader("Overridden", lambda width, _: paragraphs(rollout.overrides, width, "bad")))
    elif kind == "change":
        changes = (rollout.change, *rollout.unknown)
        change = next((one for one in changes if one is not None and one.op == identity), None)
        if change is not None:
            await app.ask(Reader("The change", lambda _width, glyphs: _steps(change, glyphs)))
    else:
        await steering.compare(app)


def _steps(change: ChangeView, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = [
        ((f"{change.action} to {exposure_percent(change.target)} by {change.who}: {change.state}", "strong"),),
        ((change.why, "text"),),
    ]
    signs = {"applied": (glyphs.done, "ok"), "refused": (glyphs.bad, "bad"), "unknown": (glyphs.warn, "bad")}
    for step in change.steps:
        mark, role = signs.get(step.state, (glyphs.open, "muted"))
        said = f": {step.why}" if step.why else ""
        lines.append(
            (
                (f"{mark} {step.controller or 'the rest'} {' '.join(step.features)}  ", "text"),
                (f"{step.state}{said}", role),
            )
        )
    return lines

"""The planned stages of a rollout."""

from __future__ import annotations

from collections.abc import Sequence

from repz_console.room.views import RolloutView, RoomView, StageView
from repz_console.tui.paint.base import Brush, Glyphs, Line
from repz_console.tui.paint.format import percent, regions_of
from repz_console.tui.paint.rows import Cell, Rows, columns, longest
from repz_console.tui.paint.times import minute, weekday, zone_of
from repz_console.tui.paint.words import stage_name

_WIDE = 100
"""Columns from which every region and feature of a stage is listed."""
_STATE_ROLE = {"done": "ok", "current": "accent", "next": "strong", "planned": "muted"}


def stages(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    """The planned stages. Where there is no room for every region and feature, what each one adds to the one before."""
    glyphs, width = brush.glyphs, rows.width
    wide = width >= _WIDE
    names = [stage_name(stage) for stage in rollout.stages]
    whens = [when(stage, view) for stage in rollout.stages]
    wheres = [regions_of(stage.exposure, rollout.regions) for stage in rollout.stages]
    whats = [_features(stage.features, rollout) for stage in rollout.stages]
    if not wide:
        wheres, whats = _additions(wheres), _additions(whats)
    title = max(5, longest(names, 28 if wide else 17))
    at = max(4, longest(whens, 20))
    where = max(7, longest(wheres, 34 if wide else 15))
    left = max(0, width - 1 - (3 + title + at + 7 + where + 8))
    head = (
        Cell("", 1),
        Cell("Stage", title, "title"),
        Cell("When", at, "muted"),
        Cell("Share", 7, "muted", right=True),
        Cell("Regions", where, "muted"),
        Cell("Features", left, "muted"),
    )
    rows.add(_row(head, glyphs))
    for index, stage in enumerate(rollout.stages):
        role = _STATE_ROLE[stage.state]
        body = "muted" if stage.state in ("done", "planned") else "text"
        note = f"  {glyphs.dot} {stage.note}" if stage.note and wide else ""
        row = (
            Cell(_sign(stage, glyphs), 1, role),
            Cell(names[index], title, role if stage.state != "done" else "text"),
            Cell(whens[index], at, body),
            Cell(percent(stage.percent), 7, role if stage.state in ("current", "next") else body, right=True),
            Cell(wheres[index], where, body),
            Cell(whats[index] + note, left, body),
        )
        rows.add(_row(row, glyphs), f"stage:{stage.id}")


def when(stage: StageView, view: RoomView) -> str:
    """Its planned instant; only the day where the plan gives no time."""
    zone = zone_of(view.clock.zone)
    on = weekday(stage.at.astimezone(zone).date())
    return f"{on} {minute(stage.at, zone)}" if stage.timed else on


def _features(features: tuple[str, ...], rollout: RolloutView) -> str:
    """Feature ids in the plan's order, what it does not know after them."""
    known = [feature for feature, _ in rollout.features if feature in features]
    return " ".join([*known, *(feature for feature in features if feature not in known)]) or "no feature"


def _additions(lists: Sequence[str]) -> list[str]:
    """Each list of words as what it adds to the one before, or drops; a list of something else as it is."""
    said: list[str] = []
    before: list[str] = []
    for words in lists:
        now = words.split()
        gained, lost = [word for word in now if word not in before], [word for word in before if word not in now]
        if not before or not set(before) & set(now):
            said.append(words)
        else:
            said.append(" ".join([*(f"+{word}" for word in gained), *(f"-{word}" for word in lost)]) or "the same")
        before = now
    return said


def _row(cells: tuple[Cell, ...], glyphs: Glyphs) -> Line:
    line = columns(cells, glyphs, 2)
    # The sign stands close to its title.
    return (line[0], line[1], (" ", "text"), *line[3:])


def _sign(stage: StageView, glyphs: Glyphs) -> str:
    signs = {"done": glyphs.done, "current": glyphs.ok, "next": glyphs.arrow[-1:], "planned": glyphs.off}
    return signs[stage.state]

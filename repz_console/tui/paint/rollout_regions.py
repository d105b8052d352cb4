"""Where a rollout stands region by region, and which of its features are on."""

from __future__ import annotations

from collections.abc import Mapping

from repz_console.facts import Exposure
from repz_console.room.views import RegionView, RolloutView, StageView
from repz_console.tui.paint.base import Brush, Glyphs, Line
from repz_console.tui.paint.format import cell_width, fit, percent
from repz_console.tui.paint.rows import Cell, Rows, columns, longest
from repz_console.tui.paint.words import TRUSTED

_NUMBERS = (7, 7, 10, 8)
"""Columns of planned, desired, configured, and next or draft."""
_NOTE = 6
_LEAST_BAR = 8
_LEAST_TITLE = 8


def table(rows: Rows, rollout: RolloutView, brush: Brush, width: int) -> None:
    """A row a region: planned, desired, configured, and what comes next; the draft in its place while there is one."""
    draft = brush.choices.draft
    # A blank column, two between each, and one at the right edge.
    notes = [_note(region, draft) for region in rollout.where]
    note = longest(notes, _NOTE)
    taken = 2 + sum(_NUMBERS) + 2 * len(_NUMBERS) + (note + 2 if note else 0)
    wanted = max(longest((region.title for region in rollout.where), 22), cell_width("All visitors"))
    title = max(_LEAST_TITLE, min(wanted, width - taken))
    bar = width - taken - title - 2
    head = [Cell("Region", title, "title")]
    for name, room in zip(("Planned", "Desired", "Configured", "Draft" if draft else "Next"), _NUMBERS, strict=True):
        head.append(Cell(name, room, "mark" if draft is not None and name == "Draft" else "muted", right=True))
    rows.add(columns(head, brush.glyphs, 2))
    for region, said in zip(rollout.where, notes, strict=True):
        line = columns(
            [*_region(region, rollout, draft, title, brush.glyphs), Cell(said, note, "accent")], brush.glyphs, 2
        )
        if bar >= _LEAST_BAR:
            line = (*line, ("  ", "text"), *_bar(region.configured, _coming(region, draft), bar, brush.glyphs))
        rows.add(line, f"region:{region.id}")
    _everybody(rows, rollout, title, draft is not None, brush.glyphs)


def _coming(region: RegionView, draft: Exposure | None) -> float | None:
    """Where it goes: by the draft, else at the next stage."""
    if draft is None:
        return region.next
    return draft.percent.get(region.id, 0.0) if draft.features else 0.0


def _note(region: RegionView, draft: Exposure | None) -> str:
    if draft is None:
        return "enters" if region.enters else ""
    coming = _coming(region, draft)
    if coming and region.configured == 0:
        return "enters"
    return "leaves" if region.configured and not coming else ""


def _region(region: RegionView, rollout: RolloutView, draft: Exposure | None, title: int, glyphs: Glyphs) -> list[Cell]:
    coming, now = _coming(region, draft), region.configured
    trusted = rollout.configured.freshness in TRUSTED
    drifted = now is not None and region.desired is not None and now != region.desired
    shown = "unknown" if now is None else f"{glyphs.bad} {percent(now)}" if drifted else percent(now)
    shown += "" if now is None or trusted else "?"
    role = "bad" if now is None or drifted else "strong" if trusted else "warn"
    moves = coming is not None and now is not None and coming != now
    following = "-" if coming is None else f"{glyphs.arrow} {percent(coming)}" if moves else percent(coming)
    return [
        Cell(region.title, title),
        Cell(percent(region.planned), _NUMBERS[0], right=True),
        Cell("-" if region.desired is None else percent(region.desired), _NUMBERS[1], right=True),
        Cell(shown, _NUMBERS[2], role, right=True),
        Cell(following, _NUMBERS[3], "mark" if draft is not None else "strong" if moves else "muted", right=True),
    ]


def _bar(now: float | None, coming: float | None, width: int, glyphs: Glyphs) -> Line:
    """What is configured as a bar, with a mark where it goes."""
    if now is None:
        return ((fit("?", width), "bad"),)
    full = _columns_of(now, width)
    cells = [(glyphs.full, "bar")] * full + [(glyphs.track, "track")] * (width - full)
    if coming is not None and coming != now:
        cells[max(0, _columns_of(coming, width) - 1)] = (glyphs.now, "mark")
    return tuple(cells)


def _columns_of(share: float, width: int) -> int:
    """Little is never drawn as nothing."""
    return 0 if share <= 0 else max(1, min(width, round(share * width / 100)))


def _everybody(rows: Rows, rollout: RolloutView, title: int, drafted: bool, glyphs: Glyphs) -> None:
    """The shares of all people, where the plan says how many live where."""
    if not told_of_all(rollout):
        return
    shares: Mapping[str, float | None] = {
        "planned": _of_all(rollout.planned.exposure, rollout),
        "desired": _of_all(rollout.desired.exposure, rollout),
        "configured": rollout.of_all,
        "next": rollout.next.of_all if rollout.next is not None and not drafted else None,
    }
    cells = [Cell(f"All {rollout.cohort}", title, "muted")]
    for share, room in zip(shares.values(), _NUMBERS, strict=True):
        cells.append(Cell("" if share is None else rounded(share), room, "muted", right=True))
    rows.add(columns(cells, glyphs, 2))


def told_of_all(rollout: RolloutView) -> bool:
    """Whether the plan says how many live where. That nobody sees anything is known without."""
    return rollout.of_all is not None and any(stage.of_all is not None for stage in rollout.stages)


def rounded(share: float) -> str:
    """A share of all people: it stands on estimates, so tenths are the finest that say anything."""
    return percent(round(share, 1)) if share >= 0.1 or share == 0 else "<0.1 %"


def _of_all(exposure: Exposure | None, rollout: RolloutView) -> float | None:
    """What is known of an exposure's share of all people: that of what is configured, and of the plan's stages."""
    if exposure is None:
        return None
    if exposure == rollout.configured.exposure:
        return rollout.of_all
    return next((stage.of_all for stage in rollout.stages if stage.exposure == exposure), None)


def features(rows: Rows, rollout: RolloutView, brush: Brush) -> None:
    """A row a feature: whether it is on, and the stage that switches it on."""
    if not rollout.features:
        return
    glyphs, draft = brush.glyphs, brush.choices.draft
    configured = rollout.configured.exposure
    rows.title("Features", "Space switches one in the draft")
    titles = longest((name for _, name in rollout.features), 32)
    for identity, name in rollout.features:
        on = None if configured is None else identity in configured.features
        mark, word, role = {
            None: ("?", "unknown", "bad"),
            True: (glyphs.done, "on", "ok"),
            False: (glyphs.off, "off", "muted"),
        }[on]
        line = [(f" {mark} ", role), (fit(name, titles, glyphs.ellipsis), "text"), (f"  {fit(word, 7)}", role)]
        if draft is not None and on is not None and (identity in draft.features) != on:
            line.append((f"  {glyphs.arrow} {'off' if on else 'on'} in the draft", "mark"))
        else:
            line.append((f"  {_when(identity, rollout)}", "muted"))
        rows.add(line, f"feature:{identity}")


def _when(feature: str, rollout: RolloutView) -> str:
    first: StageView | None = next((stage for stage in rollout.stages if feature in stage.features), None)
    if first is None:
        return "in no stage"
    return f"next, with {first.title}" if first == rollout.next else f"from {first.title}"

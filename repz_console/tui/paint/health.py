"""The Health tab: every metric of the plan with its value, targets and age, and what the box itself reads.

Row keys: `metric:ID`, `box:SOURCE/NAME`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from repz_console.facts import Freshness
from repz_console.room.views import BoxView, MetricView, RoomView, TargetView
from repz_console.tui.paint.base import Brush, Glyphs, Line, Sheet
from repz_console.tui.paint.format import cut, plain, quantity, spark, spread, wrap
from repz_console.tui.paint.rows import Cell, columns, drawn_late, labelled, matches, side, side_width
from repz_console.tui.paint.times import age, clock, moment, zone_of
from repz_console.tui.paint.words import FRESHNESS_ROLE, TRUSTED, chip, sign

_STATE_ROLE = {"MISSED": "bad", "BLIND": "warn", "OFF": "muted", "MET": "ok", "WATCH": "info"}
_BOX = "box"
_ORDER = ("monitor", _BOX, "beta", "daily", "weekly", "monthly")
_SPARK, _DATA = 10, 9
_SPARK_FROM = 72
_SOURCE_FROM = 100

_Row = tuple[str, Callable[[], Line]]
"""A row's key and its line, drawn when it is looked at."""


def paint(view: RoomView, brush: Brush) -> Sheet:
    """All metrics by group: what the launch watches live first, then what is read besides the plan."""
    aside = side_width(brush.size)
    width = brush.size.width - aside
    words, glyphs = brush.choices.filter, brush.glyphs
    rows: list[_Row] = []
    groups: dict[str, list[_Row]] = {}
    for metric in view.health.metrics:
        if matches(words, metric.title, metric.id, state(metric), metric.source, *metric.groups):
            row = (f"metric:{metric.id}", partial(_metric, metric, view, width, glyphs))
            groups.setdefault(metric.groups[0] if metric.groups else "", []).append(row)
    for reading in view.health.box:
        if matches(words, reading.name, reading.source, "box"):
            row = (f"box:{reading.source}/{reading.name}", partial(_box, reading, view, width, glyphs))
            groups.setdefault(_BOX, []).append(row)
    for group in sorted(groups, key=lambda group: _ORDER.index(group) if group in _ORDER else len(_ORDER)):
        rows += (("", partial(_heading, _group_title(group), width, glyphs, first=not rows)), *groups[group])
    if not rows:
        nothing = f" Nothing has the words {words}." if words else " The plan has no metric."
        rows.append(("", lambda: ((nothing, "muted"),)))
    rows[:0] = _odd(view, glyphs)
    detail = side(_detail(view, brush, aside - 3), aside, brush.size.height - 1, glyphs) if aside else ()
    return drawn_late([_header(view, brush)], rows, width, glyphs, detail, aside)


def state(metric: MetricView) -> str:
    """The metric in a word: MISSED, BLIND (nothing to trust), OFF (no source), MET, or WATCH (no target)."""
    if metric.freshness is Freshness.OFF:
        return "OFF"
    if metric.value is None or metric.freshness not in TRUSTED:
        return "BLIND"
    if any(target.met is False for target in metric.targets):
        return "MISSED"
    if not metric.targets:
        return "WATCH"
    return "MET" if all(target.met for target in metric.targets) else "BLIND"


def _header(view: RoomView, brush: Brush) -> Line:
    health, glyphs = view.health, brush.glyphs
    left: list[tuple[str, str]] = [(" Health", "strong")]
    for role, number, word in (
        ("bad", health.missed, "missed"),
        ("ok", health.met, "met"),
        ("warn", health.blind, "blind"),
    ):
        if number:
            left += [("  ", "text"), (f"{sign(role, glyphs)} {number} {word}", role)]
    if brush.choices.filter:
        left.append((f"  filter: {brush.choices.filter}", "accent"))
    right = chip(health.freshness, _sources(view), view, glyphs)
    return spread(left, right, brush.size.width, glyphs.ellipsis)


def _sources(view: RoomView) -> set[str]:
    return {metric.source for metric in view.health.metrics} | {reading.source for reading in view.health.box}


def _odd(view: RoomView, glyphs: Glyphs) -> list[_Row]:
    """What is odd about those who tell the metrics, such as a clock that is wrong."""
    telling, warn = _sources(view), sign("warn", glyphs)
    odd = [(source.id, note) for source in view.sources.sources if source.id in telling for note in source.notes]
    lines: list[Line] = [((f" {warn} {source}: {note}", "warn"),) for source, note in odd]
    return [("", partial(tuple, line)) for line in lines]


def _group_title(group: str) -> str:
    return {"monitor": "Live monitors", _BOX: "Besides the plan", "": "Others"}.get(
        group, group[:1].upper() + group[1:]
    )


def _title_width(width: int) -> int:
    source = 13 if width >= _SOURCE_FROM else 0
    trend = _SPARK + 1 if width >= _SPARK_FROM else 0
    return max(12, width - 1 - (9 + 1) - (10 + 1) - (12 + 1) - trend - (_DATA + 1) - source)


def _trend(history: tuple[float, ...], trusted: bool, width: int, glyphs: Glyphs) -> Cell:
    """The sparkline's column, none where the pane is narrow."""
    room = _SPARK if width >= _SPARK_FROM else 0
    return Cell(spark(history, room, glyphs), room, "bar" if trusted else "muted")


def _heading(title: str, width: int, glyphs: Glyphs, first: bool) -> Line:
    names = ("Value", "Target", "Trend", "Data", "Source") if first else ("",) * 5
    cells = [Cell(title, 9 + 1 + _title_width(width), "title"), Cell(names[0], 10, "muted", right=True)]
    cells += [
        Cell(names[1], 12, "muted", right=True),
        Cell(names[2], _SPARK if width >= _SPARK_FROM else 0, "muted", right=True),
    ]
    cells += [Cell(names[3], _DATA, "muted")]
    cells += [Cell(names[4], 12, "muted")] if width >= _SOURCE_FROM else []
    return columns(cells, glyphs)


def _metric(metric: MetricView, view: RoomView, width: int, glyphs: Glyphs) -> Line:
    word = state(metric)
    role = _STATE_ROLE[word]
    target = judged(metric)
    goal = f"{target.op} {_value(target.value, metric.unit)}" if target else ""
    cells = [Cell(f"{sign(role, glyphs)} {word}", 9, role), Cell(metric.title, _title_width(width))]
    if word == "OFF":
        cells += [Cell("no source", 10, "muted", right=True), Cell(goal, 12, "muted", right=True)]
        cells += [_trend((), False, width, glyphs), Cell("OFF (i)", _DATA, "muted")]
        return columns(cells, glyphs)
    value_role = {"MISSED": "bad", "BLIND": "muted"}.get(word, "strong")
    cells += [
        Cell(_value(metric.value, metric.unit), 10, value_role, right=True),
        Cell(goal, 12, "muted", right=True),
        _trend(metric.history, word != "BLIND", width, glyphs),
        _data(metric, view),
    ]
    cells += [Cell(metric.source, 12, "muted")] if width >= _SOURCE_FROM else []
    return columns(cells, glyphs)


def judged(metric: MetricView) -> TargetView | None:
    """The target that says most: the first missed one, else the first."""
    missed = [target for target in metric.targets if target.met is False]
    return (*missed, *metric.targets, None)[0]


def _value(value: float | None, unit: str) -> str:
    return "no data" if value is None else quantity(value, unit)


def _data(metric: MetricView | BoxView, view: RoomView) -> Cell:
    """How fresh the value is, with its age once that matters."""
    word, role = metric.freshness.value, FRESHNESS_ROLE[metric.freshness]
    if metric.freshness is Freshness.LIVE or metric.at is None:
        return Cell(word, _DATA, role)
    return Cell(f"{word} {age(view.clock.now - metric.at)}", _DATA, role)


def _box(reading: BoxView, view: RoomView, width: int, glyphs: Glyphs) -> Line:
    trusted = reading.value is not None and reading.freshness in TRUSTED
    role = "info" if trusted else "warn"
    cells = [
        Cell(f"{glyphs.dot} {'READ' if trusted else 'BLIND'}", 9, role),
        Cell(f"{reading.source}: {reading.name}", _title_width(width)),
        Cell(_value(reading.value, reading.unit), 10, "text" if trusted else "muted", right=True),
        Cell("", 12),
        _trend(reading.history, trusted, width, glyphs),
        _data(reading, view),
    ]
    return columns(cells, glyphs)


def _detail(view: RoomView, brush: Brush, room: int) -> list[Line]:
    """Everything about the row under the cursor."""
    kind, _, identity = brush.choices.cursor.partition(":")
    glyphs, zone = brush.glyphs, zone_of(view.clock.zone)
    if kind == "box":
        found = [each for each in view.health.box if f"{each.source}/{each.name}" == identity]
        return _box_detail(found[0], view, room, glyphs) if found else []
    metric = next((metric for metric in view.health.metrics if kind == "metric" and metric.id == identity), None)
    if metric is None:
        return [(("Move to a row to see it in full.", "muted"),)]
    word = state(metric)
    lines: list[Line] = [((cut(metric.title, room, glyphs.ellipsis), "strong"),), ()]
    lines.append(labelled("state", f"{sign(_STATE_ROLE[word], glyphs)} {word}", _STATE_ROLE[word]))
    lines.append(labelled("value", _value(metric.value, metric.unit), "strong"))
    if metric.at is not None:
        day_too = moment(metric.at, view.clock.now, zone)
        when = clock(metric.at, zone) if ":" in day_too and len(day_too) == 5 else day_too
        lines.append(labelled("as of", f"{when} {metric.freshness.value}", FRESHNESS_ROLE[metric.freshness]))
    lines.append(labelled("source", metric.source or "none: i shows how to connect one"))
    if metric.note:
        pieces = wrap(metric.note, room - 10, 3, glyphs.ellipsis)
        lines += [labelled("" if number else "note", piece, "warn") for number, piece in enumerate(pieces)]
    if metric.history:
        low, high = min(metric.history), max(metric.history)
        lines += [(), ((spark(metric.history, room, glyphs).lstrip(), "bar"),)]
        lines.append(((f"from {plain(low, 2)} to {plain(high, 2)}", "muted"),))
    lines += [(), (("Targets", "title"),)] if metric.targets else [(), (("No target is set.", "muted"),)]
    for target in metric.targets:
        role = {True: "ok", False: "bad", None: "warn"}[target.met]
        word = {True: "met", False: "missed", None: "unknown"}[target.met]
        goal = f"{target.op} {_value(target.value, metric.unit)}"
        window = f", {target.window}" if target.window else ""
        lines.append(
            ((f"{sign(role, glyphs)} {word:<8}", role), (f"{goal}  ", "text"), (target.said + window, "muted"))
        )
    return lines


def _box_detail(reading: BoxView, view: RoomView, room: int, glyphs: Glyphs) -> list[Line]:
    at = f"{clock(reading.at, zone_of(view.clock.zone))} {reading.freshness.value}"
    lines: list[Line] = [((f"{reading.source}: {reading.name}", "strong"),), ()]
    lines.append(labelled("value", _value(reading.value, reading.unit), "strong"))
    lines.append(labelled("as of", at, FRESHNESS_ROLE[reading.freshness]))
    if reading.history:
        lines += [(), ((spark(reading.history, room, glyphs).lstrip(), "bar"),)]
    lines += [(), (("No metric of the plan asks for it.", "muted"),)]
    return lines

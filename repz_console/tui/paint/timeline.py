"""The Timeline tab: a gantt by line. Sections fold, a task opens into its checklists, dates run along the top.

Row keys: `section:ID`, `task:ID`, `item:CHECKLIST/ITEM`, and `checklist:ID` for one that no task carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from repz_console.room.views import ChecklistView, ItemView, RoomView, SectionView, TaskView, TimelineView
from repz_console.tui.paint.base import Brush, Line, Sheet, Size, Span
from repz_console.tui.paint.format import cut, fit, fit_right, pad, percent, spread
from repz_console.tui.paint.gantt import ZOOMS, Axis, Cells, cells_of, line_of
from repz_console.tui.paint.rows import Rows
from repz_console.tui.paint.times import age, moment, weekday, zone_of
from repz_console.tui.paint.words import as_of, chip

_OWNER_FROM = 100
_DATES_FROM = 120
_OWNER, _PERCENT, _DATES = 14, 5, 15
_STATE_ROLE = {"done": "ok", "active": "accent", "upcoming": "muted", "overdue": "bad"}
_ITEM_ROLE = {"done": "ok", "open": "text", "n/a": "muted"}


@dataclass(frozen=True)
class _Layout:
    """Widths of the columns left of the bars."""

    title: int
    owner: int
    dates: int

    @property
    def left(self) -> int:
        """Columns left of the bars: cursor, sign and its blank, title, percent and a blank."""
        return 3 + self.title + 1 + _PERCENT + 1 + sum(width + 1 for width in (self.owner, self.dates) if width)


def _layout(size: Size) -> _Layout:
    width = size.width
    title = 16 if width < 72 else 21 if width < _OWNER_FROM else 24
    return _Layout(title, _OWNER if width >= _OWNER_FROM else 0, _DATES if width >= _DATES_FROM else 0)


def bars_width(size: Size) -> int:
    """How many columns of time a pane of this size shows."""
    return size.width - _layout(size).left


def axis_of(view: RoomView, brush: Brush) -> Axis:
    """The time axis that the pane would be drawn on: for scrolling and zooming."""
    timeline, zone = view.timeline, zone_of(view.clock.zone)
    first, last = timeline.start.astimezone(zone).date(), timeline.end.astimezone(zone).date()
    zoom = brush.choices.zoom if brush.choices.zoom in ZOOMS else "day"
    days = (last - first).days + 1
    return Axis(
        first, days, zone, zoom, max(0, brush.choices.scroll), bars_width(brush.size), view.clock.now, brush.glyphs
    )


def most_scroll(view: RoomView, brush: Brush) -> int:
    """The largest useful `Choices.scroll`: the plan's last column at the right edge."""
    axis = axis_of(view, brush)
    return max(0, axis.total - axis.width)


def scroll_to_now(view: RoomView, brush: Brush) -> int:
    """The `Choices.scroll` that puts the present a third from the left, or as near as the plan allows."""
    axis = axis_of(view, brush)
    return min(max(0, axis.absolute(view.clock.now) - axis.width // 3), most_scroll(view, brush))


def paint(view: RoomView, brush: Brush) -> Sheet:
    """The gantt under its date ruler."""
    timeline, choices = view.timeline, brush.choices
    layout, axis = _layout(brush.size), axis_of(view, brush)
    rows = Rows(brush.size.width, brush.glyphs)
    rows.add(_header(view, brush))
    for label, cells in zip(("", _column_titles(layout)), axis.ruler(), strict=True):
        rows.add((*pad(((label, "muted"),), layout.left), *line_of(cells)))
    carried = {checklist for section in timeline.sections for task in section.tasks for checklist in task.checklists}
    by_id = {checklist.id: checklist for checklist in timeline.checklists}
    for section in timeline.sections:
        key = f"section:{section.id}"
        folded = key in choices.folded
        rows.add(_section(section, folded, layout, axis), key)
        for task in () if folded else section.tasks:
            rows.add(_task(task, layout, axis), f"task:{task.id}")
            if choices.open == f"task:{task.id}":
                lists = [by_id[identity] for identity in task.checklists if identity in by_id]
                _opened(rows, view, lists, layout, axis)
    loose = [checklist for checklist in timeline.checklists if checklist.id not in carried]
    if loose:
        rows.add(_blank_row(axis, layout, ((" ", "text"), ("Checklists without a bar", "title"))))
    for checklist in loose:
        rows.add(_checklist(checklist, layout, axis), f"checklist:{checklist.id}")
        if choices.open == f"checklist:{checklist.id}":
            _items(rows, view, checklist, layout, axis)
    if not timeline.sections and not loose:
        rows.text("The plan has no task. Add [[task]] tables to config.toml.", "muted")
    return rows.sheet(header=3)


def _header(view: RoomView, brush: Brush) -> Line:
    timeline, zone = view.timeline, zone_of(view.clock.zone)
    ids = [source.id for source in view.sources.sources if source.kind == "plan"]
    left: list[Span] = [(" Timeline", "strong")]
    left.append((f"  {timeline.items_done} of {timeline.items_total} items done", "text"))
    left.append((f"  by {brush.choices.zoom}, {view.clock.now.astimezone(zone):%Z}", "muted"))
    right = chip(timeline.freshness, as_of(view, ids, timeline.freshness), view, brush.glyphs, zone)
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


def _column_titles(layout: _Layout) -> str:
    titles = [f"   {fit('Task', layout.title)}"]
    titles += [fit("Owner", layout.owner)] if layout.owner else []
    titles += [fit("From, to", layout.dates)] if layout.dates else []
    return " ".join([*titles, fit_right("Done", _PERCENT)])


def _left(axis: Axis, layout: _Layout, mark: Span, title: Span, owner: str, dates: str, done: Span) -> Cells:
    dots = axis.glyphs.ellipsis
    spans: list[Span] = [(" ", "text"), mark, (" ", "text"), (fit(title[0], layout.title, dots), title[1])]
    if layout.owner:
        spans.append((f" {fit(owner, layout.owner, dots)}", "muted"))
    if layout.dates:
        spans.append((f" {fit(dates, layout.dates, dots)}", "muted"))
    spans.append((f" {fit_right(done[0], _PERCENT, dots)} ", done[1]))
    return cells_of(tuple(spans), layout.left)


def _between(start: datetime, end: datetime, axis: Axis) -> str:
    first, last = start.astimezone(axis.zone).date(), end.astimezone(axis.zone).date()
    days = max(1, (last - first).days)
    return f"{weekday(first)}, {days}d"


def _percent(value: float | None) -> str:
    return "-" if value is None else percent(round(value))


def _section(section: SectionView, folded: bool, layout: _Layout, axis: Axis) -> Line:
    mark = (axis.glyphs.fold if folded else axis.glyphs.unfold, "muted")
    done = (_percent(section.percent), "text")
    dates = _between(section.start, section.end, axis)
    left = _left(axis, layout, mark, (section.title, "title"), "", dates, done)
    cells = axis.background()
    if folded:
        axis.draw_bar(cells, section.start, section.end, section.percent, "bar")
    else:
        axis.draw_rule(cells, section.start, section.end)
    axis.draw_now(cells)
    return line_of(left + cells)


def _task(task: TaskView, layout: _Layout, axis: Axis) -> Line:
    glyphs, role = axis.glyphs, _STATE_ROLE[task.state]
    mark = {"done": glyphs.done, "active": glyphs.ok, "upcoming": glyphs.off, "overdue": glyphs.bad}[task.state]
    done = (_percent(task.percent), "text" if task.percent is not None else "muted")
    dates = _between(task.start, task.end, axis)
    title_role = "muted" if task.state == "done" else "text"
    left = _left(axis, layout, (mark, role), (f" {task.title}", title_role), task.owner, dates, done)
    cells = axis.background()
    axis.draw_bar(cells, task.start, task.end, task.percent, role if role != "muted" else "bar")
    axis.draw_now(cells)
    if task.state == "overdue":
        _, behind = axis.span(task.start, task.end)
        axis.draw_text(cells, max(0, behind + 1), f"late {age(axis.now - task.end)}", "bad")
    return line_of(left + cells)


def _blank_row(axis: Axis, layout: _Layout, text: Line) -> Line:
    """Text over the whole row, with the weekends and the now-line showing through where it leaves room."""
    cells = cells_of(text, layout.left + axis.width)
    behind = axis.background()
    axis.draw_now(behind)
    for column, (sign, role) in enumerate(behind):
        place = layout.left + column
        free = all(cells[near][0] == " " for near in range(place - 1, min(place + 2, len(cells))))
        if free and role == "now":
            cells[place] = (sign, role)
    return line_of(cells)


def _checklist(checklist: ChecklistView, layout: _Layout, axis: Axis) -> Line:
    total = len(checklist.items)
    complete = checklist.done >= total
    mark = (axis.glyphs.done, "ok") if complete else (axis.glyphs.off, "muted")
    done = (f"{checklist.done}/{total}", "text")
    left = _left(axis, layout, mark, (f" {checklist.title}", "text"), checklist.owner, checklist.priority, done)
    cells = axis.background()
    axis.draw_now(cells)
    return line_of(left + cells)


def _opened(rows: Rows, view: RoomView, lists: list[ChecklistView], layout: _Layout, axis: Axis) -> None:
    if not lists:
        nothing: Line = (("     no checklist: p says how far it is", "muted"),)
        rows.add(_blank_row(axis, layout, nothing))
    for checklist in lists:
        facts = ", ".join(part for part in (checklist.priority, checklist.owner) if part)
        title = (f"     {checklist.title} ", "title")
        head: Line = (title, (f"{checklist.done}/{len(checklist.items)}  {facts}", "muted"))
        rows.add(_blank_row(axis, layout, pad(head, rows.width, axis.glyphs.ellipsis)))
        _items(rows, view, checklist, layout, axis)


def _items(rows: Rows, view: RoomView, checklist: ChecklistView, layout: _Layout, axis: Axis) -> None:
    for item in checklist.items:
        rows.add(_blank_row(axis, layout, _item(item, view, rows.width, axis)), f"item:{item.id}")


def _item(item: ItemView, view: RoomView, width: int, axis: Axis) -> Line:
    glyphs = axis.glyphs
    sign = {"done": glyphs.done, "open": glyphs.off, "n/a": glyphs.line[:1]}[item.state]
    role = _ITEM_ROLE[item.state]
    optional = " (optional)" if item.optional and item.state == "open" else ""
    left: Line = (
        (f"     {sign} ", role),
        (item.title, "muted" if item.state == "n/a" else "text"),
        (optional, "muted"),
    )
    if item.state == "open":
        return pad(left, width, glyphs.ellipsis)
    when = f" {moment(item.at, view.clock.now, axis.zone)}" if item.at else ""
    note = f" {glyphs.dot} {item.note}" if item.note else ""
    who = cut(f"{item.state} {item.who}{when}{note}", width // 2, glyphs.ellipsis)
    return spread(left, ((who, "muted"),), width, glyphs.ellipsis)


def section_keys(timeline: TimelineView) -> frozenset[str]:
    """The keys of all sections: what folding everything folds."""
    return frozenset(f"section:{section.id}" for section in timeline.sections)

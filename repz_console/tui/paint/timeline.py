"""The Timeline tab: a gantt by line. Sections fold, a task opens into its checklists, dates run along the top.

Row keys: `section:ID`, `task:ID`, `item:CHECKLIST/ITEM`, and `checklist:ID` for one that no task carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from repz_console.facts import Freshness
from repz_console.room.views import ChecklistView, ItemView, RoomView, SectionView, TaskView
from repz_console.tui.paint.base import Brush, Line, Sheet, Size, Span
from repz_console.tui.paint.format import clip, cut, fit, fit_right, pad, percent, spread
from repz_console.tui.paint.gantt import ZOOMS, Axis, Cells, cells_of, line_of
from repz_console.tui.paint.rows import clip_all, drawn_late
from repz_console.tui.paint.times import age, moment, weekday, zone_of
from repz_console.tui.paint.words import chip

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
    """The gantt under its date ruler. Rows are listed at once and drawn when they are looked at."""
    timeline, choices, glyphs = view.timeline, brush.choices, brush.glyphs
    width = brush.size.width
    drawing = _Drawing(view, _layout(brush.size), axis_of(view, brush), width)
    rows: list[tuple[str, Callable[[], Line]]] = []
    carried = {checklist for section in timeline.sections for task in section.tasks for checklist in task.checklists}
    by_id = {checklist.id: checklist for checklist in timeline.checklists}
    for section in timeline.sections:
        key = f"section:{section.id}"
        folded = key in choices.folded
        rows.append((key, partial(drawing.section, section, folded)))
        for task in () if folded else section.tasks:
            rows.append((f"task:{task.id}", partial(drawing.task, task)))
            if choices.open == f"task:{task.id}":
                rows += drawing.opened([by_id[identity] for identity in task.checklists if identity in by_id])
    loose = [checklist for checklist in timeline.checklists if checklist.id not in carried]
    if loose:
        rows.append(("", partial(drawing.text, ((" ", "text"), ("Checklists without a bar", "title")))))
    for checklist in loose:
        rows.append((f"checklist:{checklist.id}", partial(drawing.checklist, checklist)))
        if choices.open == f"checklist:{checklist.id}":
            rows += drawing.items(checklist)
    if not rows:
        nothing = (" The plan has no task. Add [[task]] tables to config.toml.", "muted")
        rows.append(("", partial(drawing.text, (nothing,))))
    head = clip_all([_header(view, brush), *drawing.ruler()], width, glyphs)
    return drawn_late(head, rows, width, glyphs)


def _header(view: RoomView, brush: Brush) -> Line:
    timeline, zone = view.timeline, zone_of(view.clock.zone)
    ids = [source.id for source in view.sources.sources if source.kind == "plan"]
    left: list[Span] = [(" Timeline", "strong")]
    done = str(timeline.items_done) if timeline.freshness is not Freshness.OFF else "?"
    left.append((f"  {done} of {timeline.items_total} items done", "text"))
    left.append((f"  by {brush.choices.zoom}, {view.clock.now.astimezone(zone):%Z}", "muted"))
    right = chip(timeline.freshness, ids, view, brush.glyphs)
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


def _percent(value: float | None) -> str:
    return "-" if value is None else percent(round(value))


@dataclass(frozen=True)
class _Drawing:
    """Draws the rows: what is left of the bars, then the bars."""

    view: RoomView
    layout: _Layout
    axis: Axis
    width: int

    def ruler(self) -> list[Line]:
        """The dates, beside the titles of the columns."""
        layout = self.layout
        titles = [f"   {fit('Task', layout.title)}"]
        titles += [fit("Owner", layout.owner)] if layout.owner else []
        titles += [fit("From, days", layout.dates)] if layout.dates else []
        label = " ".join([*titles, fit_right("Done", _PERCENT)])
        upper, lower = self.axis.ruler()
        return [
            (*pad((), layout.left), *line_of(upper)),
            (*pad(((label, "muted"),), layout.left), *line_of(lower)),
        ]

    def section(self, section: SectionView, folded: bool) -> Line:
        """A section's heading: its extent, or one bar for all of it where it is folded."""
        axis = self.axis
        mark = (axis.glyphs.fold if folded else axis.glyphs.unfold, "muted")
        dates = self._dates(section.start, section.end)
        left = self._left(mark, (section.title, "title"), "", dates, (_percent(section.percent), "text"))
        cells = axis.background()
        if folded:
            axis.draw_bar(cells, section.start, section.end, section.percent, "bar")
        else:
            axis.draw_rule(cells, section.start, section.end)
        axis.draw_now(cells)
        return line_of(left + cells)

    def task(self, task: TaskView) -> Line:
        """A task's bar; how late it is stands behind one that is overdue."""
        axis, glyphs, role = self.axis, self.axis.glyphs, _STATE_ROLE[task.state]
        mark = {"done": glyphs.done, "active": glyphs.ok, "upcoming": glyphs.off, "overdue": glyphs.bad}[task.state]
        done = (_percent(task.percent), "text" if task.percent is not None else "muted")
        title = (f" {task.title}", "muted" if task.state == "done" else "text")
        left = self._left((mark, role), title, task.owner, self._dates(task.start, task.end), done)
        cells = axis.background()
        axis.draw_bar(cells, task.start, task.end, task.percent, "bar" if task.state == "upcoming" else role)
        axis.draw_now(cells)
        if task.state == "overdue":
            _, behind = axis.span(task.start, task.end)
            axis.draw_text(cells, max(0, behind + 1), f"late {age(axis.now - task.end)}", "bad")
        return line_of(left + cells)

    def checklist(self, checklist: ChecklistView) -> Line:
        """A checklist that no task carries."""
        axis, total = self.axis, len(checklist.items)
        mark = (axis.glyphs.done, "ok") if checklist.done >= total else (axis.glyphs.off, "muted")
        done = (f"{checklist.done}/{total}", "text")
        left = self._left(mark, (f" {checklist.title}", "text"), checklist.owner, checklist.priority, done)
        cells = axis.background()
        axis.draw_now(cells)
        return line_of(left + cells)

    def opened(self, lists: Sequence[ChecklistView]) -> Iterator[tuple[str, Callable[[], Line]]]:
        """The rows below an open task."""
        if not lists:
            yield "", partial(self.text, (("     no checklist: p says how far it is", "muted"),))
        for checklist in lists:
            facts = ", ".join(part for part in (checklist.priority, checklist.owner) if part)
            so_far = f"{checklist.done}/{len(checklist.items)}  {facts}"
            yield "", partial(self.text, ((f"     {checklist.title} ", "title"), (so_far, "muted")))
            yield from self.items(checklist)

    def items(self, checklist: ChecklistView) -> Iterator[tuple[str, Callable[[], Line]]]:
        """A row an item."""
        return ((f"item:{item.id}", partial(self.item, item)) for item in checklist.items)

    def item(self, item: ItemView) -> Line:
        """An item with its state, and who gave it that state and when."""
        glyphs = self.axis.glyphs
        mark = {"done": glyphs.done, "open": glyphs.off, "n/a": glyphs.line}[item.state]
        optional = " (optional)" if item.optional and item.state == "open" else ""
        left: Line = (
            (f"     {mark} ", _ITEM_ROLE[item.state]),
            (item.title, "muted" if item.state == "n/a" else "text"),
            (optional, "muted"),
        )
        if item.state == "open":
            return self.text(left)
        when = f" {moment(item.at, self.view.clock.now, self.axis.zone)}" if item.at else ""
        note = f" {glyphs.dot} {item.note}" if item.note else ""
        who = cut(f"{item.state} {item.who}{when}{note}", self.width // 2, glyphs.ellipsis)
        return self.text(spread(left, ((who, "muted"),), self.width, glyphs.ellipsis))

    def text(self, line: Line) -> Line:
        """Text over the whole row, the now-line showing through where it leaves room."""
        cells = cells_of(clip(line, self.width, self.axis.glyphs.ellipsis), self.width)
        place = self.layout.left + self.axis.column(self.axis.now)
        if self.layout.left <= place < self.width:
            around = cells[place - 1 : place + 2]
            if all(text == " " for text, _ in around):
                cells[place] = (self.axis.glyphs.now, "now")
        return line_of(cells)

    def _left(self, mark: Span, title: Span, owner: str, dates: str, done: Span) -> Cells:
        layout, dots = self.layout, self.axis.glyphs.ellipsis
        spans: list[Span] = [(" ", "text"), mark, (" ", "text"), (fit(title[0], layout.title, dots), title[1])]
        if layout.owner:
            spans.append((f" {fit(owner, layout.owner, dots)}", "muted"))
        if layout.dates:
            spans.append((f" {fit(dates, layout.dates, dots)}", "muted"))
        spans.append((f" {fit_right(done[0], _PERCENT, dots)} ", done[1]))
        return cells_of(tuple(spans), layout.left)

    def _dates(self, start: datetime, end: datetime) -> str:
        first, last = start.astimezone(self.axis.zone).date(), end.astimezone(self.axis.zone).date()
        return f"{weekday(first)}, {max(1, (last - first).days)}d"

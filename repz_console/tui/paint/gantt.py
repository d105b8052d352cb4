"""The time axis of the timeline: which column an instant falls on, the date ruler, bars and the now-line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property

from repz_console.tui.paint.base import Glyphs, Line, Span
from repz_console.tui.paint.format import cell_width, clusters
from repz_console.tui.paint.times import day, month, weekday

ZOOMS = ("hour", "day", "week")
"""From the closest to the furthest."""

_COLUMNS_A_DAY = {"hour": 48, "day": 3, "week": 1}
_HOURS_A_LABEL = 3

Cells = list[Span]
"""One entry a terminal cell; the second cell of a wide character is an empty text."""


@dataclass(frozen=True)
class Axis:
    """Columns of wall-clock time in the launch's zone, `scroll` of them left of the first one shown."""

    origin: date
    """The day of column 0 before scrolling."""
    days: int
    zone: tzinfo
    zoom: str
    scroll: int
    width: int
    now: datetime
    glyphs: Glyphs

    @property
    def a_day(self) -> int:
        """Columns a day takes."""
        return _COLUMNS_A_DAY.get(self.zoom, _COLUMNS_A_DAY["day"])

    @property
    def total(self) -> int:
        """Columns that the whole plan takes."""
        return self.days * self.a_day

    def absolute(self, at: datetime) -> int:
        """The column of an instant, counted from the plan's first day."""
        local = at.astimezone(self.zone)
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        return (local.date() - self.origin).days * self.a_day + seconds * self.a_day // 86400

    def column(self, at: datetime) -> int:
        """The column of an instant on the screen; negative or past the width where it is out of sight."""
        return self.absolute(at) - self.scroll

    def span(self, start: datetime, end: datetime) -> tuple[int, int]:
        """First column and the one behind the last of a stretch, at least one column long."""
        first = self.column(start)
        return first, max(first + 1, self.column(end - timedelta(microseconds=1)) + 1)

    def _day_at(self, column: int) -> date:
        return self.origin + timedelta(days=(column + self.scroll) // self.a_day)

    def background(self) -> Cells:
        """An empty row: weekends dotted where a day is narrow enough to see them as such."""
        return list(self._background)

    @cached_property
    def _background(self) -> Cells:
        blank: Span = (" ", "text")
        weekend: Span = (self.glyphs.open, "muted")
        if self.zoom == "hour":
            return [blank] * self.width
        return [weekend if self._day_at(column).weekday() >= 5 else blank for column in range(self.width)]

    def draw_now(self, cells: Cells) -> None:
        """The now-line, through whatever is there."""
        column = self.column(self.now)
        if 0 <= column < self.width:
            cells[column] = (self.glyphs.now, "now")

    def draw_bar(self, cells: Cells, start: datetime, end: datetime, percent: float | None, role: str) -> None:
        """A bar filled as far as it is done: to its end only when whole, and never empty once begun."""
        first, behind = self.span(start, end)
        length = behind - first
        filled = round(length * (percent or 0.0) / 100)
        if percent and percent < 100 and length > 1:
            filled = min(max(filled, 1), length - 1)
        for column in range(max(0, first), min(self.width, behind)):
            done = column - first < filled
            cells[column] = (self.glyphs.full, role) if done else (self.glyphs.track, "track")

    def draw_rule(self, cells: Cells, start: datetime, end: datetime) -> None:
        """A thin line over a stretch: an unfolded section's extent."""
        first, behind = self.span(start, end)
        for column in range(max(0, first), min(self.width, behind)):
            cells[column] = (self.glyphs.line, "muted")

    def draw_text(self, cells: Cells, column: int, text: str, role: str) -> None:
        """Plain text from a column on, if all of it is in sight."""
        if column >= 0 and column + cell_width(text) <= self.width and cell_width(text) == len(text):
            for offset, char in enumerate(text):
                cells[column + offset] = (char, role)

    def ruler(self) -> tuple[Cells, Cells]:
        """The two lines of dates above the bars."""
        upper: Cells = [(" ", "text")] * self.width
        lower: Cells = [(" ", "text")] * self.width
        self._upper(upper)
        {"hour": self._hours, "week": self._weeks}.get(self.zoom, self._days)(lower)
        column = self.column(self.now)
        if 0 <= column < self.width and upper[column][0] == " ":
            upper[column] = (self.glyphs.mark, "now")
        return upper, lower

    def _upper(self, cells: Cells) -> None:
        taken, before = -1, None
        for column in range(self.width):
            on = self._day_at(column)
            group = on if self.zoom == "hour" else (on.year, on.month)
            if group != before:
                text = weekday(on) if self.zoom == "hour" else f"{month(on.month)} {on.year}"
                fits = column + len(text) <= self.width and (before is None or column > taken)
                # A first label that the next one would run into gives way to it.
                ahead = self._day_at(min(self.width - 1, column + len(text)))
                crowded = before is None and (ahead if self.zoom == "hour" else (ahead.year, ahead.month)) != group
                if fits and not crowded:
                    self.draw_text(cells, column, text, "strong")
                    taken = column + len(text)
                before = group

    def _days(self, cells: Cells) -> None:
        today = self.now.astimezone(self.zone).date()
        for column in range(self.width):
            if (column + self.scroll) % self.a_day == 0:
                on = self._day_at(column)
                role = "now" if on == today else "muted" if on.weekday() >= 5 else "text"
                self.draw_text(cells, column, f"{on.day:>2}", role)

    def _weeks(self, cells: Cells) -> None:
        for column in range(self.width):
            on = self._day_at(column)
            if on.weekday() == 0:
                self.draw_text(cells, column, day(on), "text")

    def _hours(self, cells: Cells) -> None:
        step = self.a_day // 24 * _HOURS_A_LABEL
        for column in range(self.width):
            if (column + self.scroll) % step == 0:
                hour = (column + self.scroll) % self.a_day // (self.a_day // 24)
                self.draw_text(cells, column, f"{hour:02}:00", "text")


def line_of(cells: Iterable[Span]) -> Line:
    """Cells as a line, neighbours of one role joined."""
    spans: list[Span] = []
    for text, role in cells:
        if spans and spans[-1][1] == role:
            spans[-1] = (spans[-1][0] + text, role)
        else:
            spans.append((text, role))
    return tuple(spans)


def cells_of(line: Line, width: int) -> Cells:
    """A line as exactly `width` cells, blank behind its end. The line must fit."""
    cells: Cells = []
    for text, role in line:
        for piece, taken in clusters(text):
            cells.append((piece, role))
            cells.extend([("", role)] * (taken - 1))
    return cells + [(" ", "text")] * (width - len(cells))

"""Painted lines on the screen: the widgets that draw them, row by row, and only the rows that changed."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, NamedTuple

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from repz_console.text import safe
from repz_console.tui.paint.base import Glyphs, Line, Sheet
from repz_console.tui.paint.format import cell_width
from repz_console.tui.themes import Palette

_CACHED_STRIPS = 4096
_LONGEST = 1000
"""Characters of one span: more than any screen has columns."""

EMPTY = Sheet(lines=(), keys=())


@lru_cache(maxsize=4096)
def shown(text: str) -> str:
    """`text` as it may stand on a screen, whichever way it came here: harmless, and as wide as everybody counts it.

    Text is made safe where it enters; this is for what slipped through. A character whose width the painters and the
    compositor's tables do not agree on would move what stands behind it, and gives way to U+FFFD.
    """
    text = safe(text, _LONGEST)
    if text.isascii():
        return text
    return "".join(
        char if char.isascii() or cell_width(char) == get_character_cell_size(char) else "\ufffd" for char in text
    )


class Row(NamedTuple):
    """One row as it stands on the screen: equal rows need no drawing."""

    line: Line
    side: Line | None
    """The detail beside it, where the sheet has a side."""
    selected: bool


class Artist:
    """Turns lines into strips under one palette. Shared by all widgets; replaced when the theme changes."""

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        self.palette = palette
        self.glyphs = glyphs
        self._strips: dict[tuple[Line, int, str], Strip] = {}

    def strip(self, line: Line, width: int, layer: str = "background") -> Strip:
        """`line`, cut or filled to `width` columns."""
        key = (line, width, layer)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > _CACHED_STRIPS:
                self._strips.clear()
            style = self.palette.style
            strip = Strip([Segment(shown(text), style(role, layer)) for text, role in line if text])
            strip = self._strips[key] = strip.adjust_cell_length(width, style("text", layer))
        return strip

    def row(self, row: Row, width: int, side_width: int) -> Strip:
        """A row of a sheet, with the cursor sign where it is selected and its side where it has one."""
        main = width if row.side is None else max(0, width - side_width)
        if row.selected:
            sign = self.strip(((self.glyphs.cursor, "accent"),), 1, "cursor")
            strip = Strip.join([sign, self.strip(row.line, main, "cursor").crop(1, main)])
        else:
            strip = self.strip(row.line, main)
        if row.side is None:
            return strip
        return Strip.join([strip, self.strip(row.side, width - main)])


class LineView(Widget):
    """One line of text over the whole width."""

    DEFAULT_CSS = "LineView { height: 1; width: 1fr; }"

    def __init__(self, artist: Artist, *, id: str) -> None:
        super().__init__(id=id)
        self.artist = artist
        self.line: Line = ()

    def show(self, line: Line) -> None:
        """Draw `line`; an equal one costs nothing."""
        if line != self.line:
            self.line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line, whichever row is asked for."""
        return self.artist.strip(self.line, self.size.width)


class SheetView(Widget):
    """A painted pane: header rows that stay, rows that scroll, one of which may be selected."""

    DEFAULT_CSS = "SheetView { height: 1fr; width: 1fr; }"
    WHEEL: ClassVar[int] = 3

    def __init__(self, artist: Artist, *, id: str) -> None:
        super().__init__(id=id)
        self.artist = artist
        self.sheet = EMPTY
        self.top = 0
        """How many scrolling lines are above the first one shown."""
        self.cursor = ""
        self._index = -1
        self._hint = 0
        """Where the cursor was last, so that it is found at once and has neighbours when its row is gone."""
        self._rows: list[Row] = []

    # Showing

    def show(self, sheet: Sheet, cursor: str = "", *, follow: bool = False) -> None:
        """Draw `sheet` with the row `cursor` selected. `follow` scrolls so that this row is in sight."""
        self.sheet, self.cursor = sheet, cursor
        self._index = self._find(cursor)
        if self._index >= 0:
            self._hint = self._index
        if follow and self._index >= 0:
            self._bring_into_view(self._index)
        self._arrange()

    def repaint(self) -> None:
        """Draw every row again, as after a change of theme."""
        self._rows = []
        self._arrange()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Row `y` of the screen area."""
        width = self.size.width
        if y < len(self._rows):
            return self.artist.row(self._rows[y], width, self.sheet.side_width)
        return self.artist.strip((), width)

    def on_resize(self, event: events.Resize) -> None:
        """More or fewer rows fit."""
        self._rows = []
        self._arrange()

    def _arrange(self) -> None:
        self.top = max(0, min(self.top, self._last_top()))
        before, self._rows = self._rows, [self._row(y) for y in range(self.size.height)]
        if len(before) != len(self._rows):
            self.refresh()
            return
        width = self.size.width
        changed = [
            Region(0, y, width, 1) for y, (old, new) in enumerate(zip(before, self._rows, strict=True)) if old != new
        ]
        if changed:
            self.refresh(*changed)

    def _row(self, y: int) -> Row:
        sheet = self.sheet
        below = y - (self.size.height - len(sheet.foot))
        if below >= 0:
            return Row(sheet.foot[below], None, False)
        index = y if y < sheet.header else y + self.top
        line = sheet.lines[index] if index < len(sheet.lines) else ()
        if y < sheet.header:
            return Row(line, None, False)
        side = None
        if sheet.side_width:
            place = y - sheet.header
            side = sheet.side[place] if place < len(sheet.side) else ()
        return Row(line, side, index == self._index and self._index >= 0)

    # Moving

    @property
    def lost(self) -> bool:
        """Whether the selected row is not in the sheet any more."""
        return bool(self.cursor) and self._index < 0

    @property
    def page(self) -> int:
        """Scrolling rows in sight."""
        return max(1, self.size.height - self.sheet.header - len(self.sheet.foot))

    def step(self, rows: int) -> str:
        """The key of the selectable row `rows` further on (or back), the last one where they run out.

        A sheet that has nothing to select is scrolled, and the answer is empty.
        """
        start = self._index
        if start < 0:
            first = self._next(self.sheet.header + self.top - 1, 1)
            if first < 0:
                self.scroll_by(rows)
                return ""
            return self.sheet.keys[first]
        index, direction = start, 1 if rows > 0 else -1
        if abs(rows) > 1:
            index = max(self.sheet.header, min(len(self.sheet.keys) - 1, start + rows)) - direction
        found = self._next(index, direction)
        if found < 0:
            found = self._next(index + direction, -direction)
            if direction < 0:
                self.top = 0
            else:
                self.top = self._last_top()
            self._arrange()
        return self.sheet.keys[found] if found >= 0 else ""

    def end(self, direction: int) -> str:
        """The key of the last selectable row (`direction` 1) or the first (-1); scrolls there where there is none."""
        self.top = self._last_top() if direction > 0 else 0
        found = self._next(len(self.sheet.keys), -1) if direction > 0 else self._next(-1, 1)
        self._arrange()
        return self.sheet.keys[found] if found >= 0 else ""

    def scroll_by(self, rows: int) -> None:
        """Move the lines without moving the cursor."""
        self.top += rows
        self._arrange()

    def key_at(self, y: int) -> str:
        """The key of the row at screen row `y`, empty if it cannot be selected."""
        if y >= self.size.height - len(self.sheet.foot):
            return ""
        index = y if y < self.sheet.header else y + self.top
        return self.sheet.keys[index] if 0 <= index < len(self.sheet.keys) else ""

    def nearest(self) -> str:
        """The key of the row that has taken the place of a selected one that is gone; empty if there is none."""
        count = len(self.sheet.keys)
        start = min(max(self._hint, self.sheet.header), count) - 1
        found = self._next(start, 1)
        if found < 0:
            found = self._next(start + 1, -1)
        return self.sheet.keys[found] if found >= 0 else ""

    def _next(self, index: int, direction: int) -> int:
        keys = self.sheet.keys
        index += direction
        while 0 <= index < len(keys):
            if keys[index]:
                return index
            index += direction
        return -1

    def _find(self, cursor: str) -> int:
        if not cursor:
            return -1
        keys, near = self.sheet.keys, self._hint
        for index in (near, near + 1, near - 1):
            if 0 <= index < len(keys) and keys[index] == cursor:
                return index
        try:
            return keys.index(cursor)
        except ValueError:
            return -1

    def _bring_into_view(self, index: int) -> None:
        place = index - self.sheet.header
        if place < 0:
            return
        if place < self.top:
            # Whatever stands above the first row that can be selected comes into sight with it.
            self.top = 0 if self._next(index, -1) < 0 else place
        elif place >= self.top + self.page:
            self.top = place - self.page + 1

    def _last_top(self) -> int:
        return max(0, len(self.sheet.lines) - self.sheet.header - self.page)

    # The mouse looks around; it never changes anything

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        self.scroll_by(self.WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        self.scroll_by(-self.WHEEL)

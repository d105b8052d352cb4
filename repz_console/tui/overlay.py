"""The widget that draws a dialog over the pane."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from repz_console.tui.dialogs.base import Dialog, frame
from repz_console.tui.paint.base import Line, Size
from repz_console.tui.sheet import Artist


class Overlay(Widget):
    """Shows one dialog in the middle of the screen, or nothing."""

    DEFAULT_CSS = "Overlay { layer: over; position: absolute; display: none; }"

    def __init__(self, artist: Artist, *, id: str) -> None:
        super().__init__(id=id)
        self.artist = artist
        self._lines: list[Line] = []
        self._place = (0, 0, 0, 0)

    def show(self, dialog: Dialog | None, screen: Size) -> None:
        """Draw `dialog` on a screen of this size; None takes the overlay away."""
        if dialog is None:
            self.display = False
            return
        left, top, width, lines = frame(dialog, screen, self.artist.glyphs)
        place = (left, top, width, len(lines))
        before, self._lines = self._lines, lines
        if place != self._place or not self.display:
            self._place = place
            self.styles.offset = (left, top)
            self.styles.width, self.styles.height = width, len(lines)
            self.display = True
            self.refresh()
            return
        changed = [Region(0, y, width, 1) for y, (old, new) in enumerate(zip(before, lines, strict=True)) if old != new]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Row `y` of the dialog."""
        line = self._lines[y] if y < len(self._lines) else ()
        return self.artist.strip(line, self.size.width, "surface")

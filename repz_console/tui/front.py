"""The widgets of the screen and what each of them shows."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.widget import Widget

from repz_console.actions import ACTIONS
from repz_console.room.views import RoomView
from repz_console.text import safe
from repz_console.tui import panes
from repz_console.tui.acts.reasons import why_not
from repz_console.tui.overlay import Overlay
from repz_console.tui.paint.base import Brush, Choices, Line, Sheet, Size
from repz_console.tui.paint.format import brief, pad, wrap
from repz_console.tui.paint.status import banner, key_line, message_line, small, status_line, tab_line
from repz_console.tui.sheet import Artist, LineView, SheetView

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

log = logging.getLogger(__name__)


class Front:
    """One widget a line, one for every pane, one for every dialog."""

    def __init__(self, app: ConsoleApp, artist: Artist, last_status: str) -> None:
        """Shows `last_status` until there is a status of now."""
        self._app = app
        self.artist = artist
        self.status = LineView(artist, id="status")
        self.status.line = ((last_status, "muted"),)
        self.tabs = LineView(artist, id="tabs")
        self.banner = LineView(artist, id="banner")
        self.banner_more = LineView(artist, id="banner-more")
        for line in (self.banner, self.banner_more):
            line.display = False
        self.pane = SheetView(artist, id="pane")
        self.keys = LineView(artist, id="keys")
        self.overlay = Overlay(artist, id="overlay")
        self._basis: tuple[Any, ...] = ()
        """What the pane was last painted from."""
        self._visited: set[str] = set()

    @property
    def widgets(self) -> tuple[Widget, ...]:
        """From top to bottom, then what lies over them."""
        return (self.status, self.tabs, self.banner, self.banner_more, self.pane, self.keys, self.overlay)

    def draw_with(self, artist: Artist) -> None:
        """Draw everything in other colours."""
        self.artist = artist
        for widget in (self.status, self.tabs, self.banner, self.banner_more, self.pane, self.keys, self.overlay):
            widget.artist = artist
            widget.refresh()

    def forget(self) -> None:
        """Paint the pane next time whatever it was painted from."""
        self._basis = ()

    def show_pane(self, *, follow: bool = False) -> None:
        """Paint the pane again if anything it shows is another object than last time."""
        view = self._app.view
        size = Size(self._app.size.width, self.pane_height)
        if view is None:
            self.pane.show(Sheet([((" Opening the launch ...", "muted"),)], [""]))
            return
        if self._app.too_small:
            self.pane.show(self._small_sheet(view))
            self._basis = ()
            return
        basis = (self._app.tab, size, self._app.choice, *panes.shown(self._app.tab, view))
        if len(basis) == len(self._basis) and all(map(_unchanged, basis, self._basis)) and not follow:
            return
        self._basis = basis
        self.pane.show(self._painted(view, size), self._app.choice.cursor, follow=follow)
        if self.pane.lost:
            # The selected row is gone: the one in its place takes over.
            self._app.choose(cursor=self.pane.nearest())

    def _painted(self, view: RoomView, size: Size) -> Sheet:
        brush = Brush(
            size, self._app.choice, self.artist.glyphs, self._app.session.actor.user if self._app.session else ""
        )
        try:
            if self._app.tab not in self._visited:
                self._visited.add(self._app.tab)
                brush = replace(brush, choices=self._first_look(view, brush))
            return panes.paint(self._app.tab, view, brush)
        except Exception as error:
            # A pane that cannot be drawn must not take the way back with it.
            log.exception("the pane %s cannot be drawn", self._app.tab)
            text = f" This pane cannot be drawn: {type(error).__name__}: {safe(error)}. The others still work."
            return Sheet([((text, "bad"),)], [""])

    def _first_look(self, view: RoomView, brush: Brush) -> Choices:
        if self._app.tab == "timeline":
            self._app.choices["timeline"] = replace(brush.choices, scroll=panes.scroll_to_now(view, brush))
        return self._app.choice

    @property
    def pane_height(self) -> int:
        """Rows of the pane."""
        return max(0, self._app.size.height - 3 - bool(self.banner.display) - bool(self.banner_more.display))

    def _small_sheet(self, view: RoomView) -> Sheet:
        size = Size(self._app.size.width, self._app.size.height)
        lines: list[Line] = list(small(view, size, self.artist.glyphs, self._app.now))
        message = self._app.messages.now
        if message is not None and size.height > 1:
            # What is exposed and the way back stay; the end of a message is often what matters.
            most = max(1, size.height - 3)
            pieces = wrap(brief(message[0], most * size.width), size.width, most, self.artist.glyphs.ellipsis)
            lines[size.height - len(pieces) :] = [pad([(piece, message[1])], size.width) for piece in pieces]
        return Sheet(lines, [""] * len(lines))

    def show_frame(self) -> None:
        """Draw the lines around the pane, or none of them on a screen too small for a pane."""
        plain = not self._app.too_small
        for widget in (self.status, self.tabs, self.keys):
            widget.display = plain
        if self._app.view is None or not plain:
            self.banner.display = self.banner_more.display = False
            return
        width, glyphs = self._app.size.width, self.artist.glyphs
        self.status.show(status_line(self._app.view, width, glyphs, self._app.now))
        self.tabs.show(tab_line(self._app.tab, width, self._app.view.rollout.blocker, glyphs))
        warned = banner(self._app.view, width, glyphs)
        for number, widget in enumerate((self.banner, self.banner_more)):
            widget.display = number < len(warned)
            widget.show(warned[number] if widget.display else ())
        self.show_keys()

    def show_keys(self) -> None:
        """Draw the last line: a message, a line to type on, or the keys that work here."""
        message, dialog = self._app.messages.now, self._app.dialog
        if message is not None:
            line = message_line(message, ACTIONS, self._app.size.width, self._app.keymap, self.artist.glyphs)
        elif dialog is not None and dialog.inline:
            line = dialog.body(Size(self._app.size.width, 1), self.artist.glyphs)[0]
        else:
            here = [action for action in ACTIONS if not action.tabs or self._app.tab in action.tabs]
            disabled = [action.id for action in here if action.shown and why_not(self._app, action)]
            line = key_line(here, self._app.size.width, disabled, self._app.keymap)
        self.keys.show(line)

    def show_dialog(self) -> None:
        """Draw the dialog that has the keyboard, or take the last one away."""
        dialog = self._app.dialog
        self.show_keys()
        over = dialog if dialog is not None and not dialog.inline else None
        self.overlay.show(over, Size(self._app.size.width, self._app.size.height))


def _unchanged(new: object, old: object) -> bool:
    return new is old or (isinstance(new, (str, int, tuple, Choices)) and new == old)

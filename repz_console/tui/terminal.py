"""The terminal: one writer that never waits, and an app that sends it only the cells that changed.

The only file that leans on Textual's private API; `tests/test_tui_textual.py` fails loudly where Textual changes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from repz_console.tui.beat import GAP, Beat
from repz_console.tui.cells import COLOR_SYSTEMS, PLAIN, Cells, Pen, pen_of
from repz_console.tui.descriptor import give_back, in_foreground, make_raw, own_description, size_of
from repz_console.tui.inlet import Inlet
from repz_console.tui.keyboard import Pace
from repz_console.tui.modes import ALTERNATE_SCREEN
from repz_console.tui.outlet import STALL, Outlet
from repz_console.tui.signals import ENDING, ENDS_WITHIN, LEAVES_WITHIN, Signals

LATE_AFTER_STALL = 0.5
"""Seconds after a stall in which keys count as typed blindly."""
STOOD_STILL = 3.0
"""Seconds without a turn of the loop that are worth a word: much may have changed meanwhile."""

_RESIZE_PAUSE = 0.05
_LAST_WORDS = 0.3
_BEFORE_STOP = 1.0
"""Seconds that what has to happen before a stop may take."""
_CONTINUING = 0.1
_MOUSE_ON, _MOUSE_OFF = "\x1b[?1000h\x1b[?1006h", "\x1b[?1000l\x1b[?1006l"
_ENTER = "\x1b[?25l\x1b[?7l\x1b[?2004h"
_ASK_SYNC = "\x1b[?2026$p"
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"


class HurriedKey(events.Key):
    """A key that came together with others or right after one: nobody saw what the one before did."""

    def __init__(self, key: events.Key, first: bool) -> None:
        super().__init__(key.key, key.character)
        self.first = first
        """Whether there was a pause before it: it began the hurry."""


class GuardDriver(Driver):
    """Reads and writes the terminal within the event loop, and never waits for it."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._in = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self._out = own_description(sys.__stdout__.fileno() if sys.__stdout__ else 1)
        self._outlet = Outlet(self._out, self._loop, self._caught_up, self._hang_up)
        self._attributes: list[Any] | None = None
        self._parser = XTermParser(False)
        self._inlet = Inlet(self._in, self._loop, self._take, self._hang_up)
        self._inlet.take_mouse(mouse)
        self._pace = Pace()
        self._behind = False
        self._thawed_at = -1e9
        self._woke_at = -1e9
        self._beat = Beat(self._loop, self._woke)
        self._signals: Signals | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._ending = False
        """Whether the app is on its way out: it is not stopped any more, and its terminal not taken again."""
        self._resizing: asyncio.TimerHandle | None = None
        self._running = False
        self.gone = False
        """Whether the terminal has hung up: nothing can be read or shown any more."""
        self._size = size or size_of(self._out)
        self.cells = Cells(*self._size)

    # Life

    def start_application_mode(self) -> None:
        """Take the terminal, its keys and the signals that end a program."""
        app = self._app
        self._attributes = make_raw(self._in)
        if not (isinstance(app, GuardedApp) and app.on_alternate_screen):
            self.write(ALTERNATE_SCREEN)
        self._start()
        self._signals = Signals(self._loop, self._signalled, self._leave)
        self._post_size()

    def _start(self) -> None:
        self._running = True
        self.write(_ENTER + (_MOUSE_ON if self._mouse else ""))
        if os.environ.get("TERM_PROGRAM") != "Apple_Terminal":
            # That one writes the query on the screen instead of answering it.
            self.write(_ASK_SYNC)
        self._inlet.start()
        self._beat.start()

    def disable_input(self) -> None:
        """Read no more keys."""
        self._inlet.stop()
        self._beat.stop()
        if self._resizing is not None:
            self._resizing.cancel()
            self._resizing = None

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was; what else there is to close has a few seconds."""
        self._ending = True
        self._give_back()
        if self._signals is not None:
            self._signals.end_within(LEAVES_WITHIN, self._app.return_code or 0)

    def _give_back(self) -> None:
        self.disable_input()
        self._outlet.drop()
        if self._running and not self.gone:
            give_back(self._out, self._in, self._attributes, _LAST_WORDS)
        self._running = False

    def close(self) -> None:
        """Let go of the terminal. Signals that end a program stay harmless until it has ended by itself."""
        # The descriptor stays open: a deadline that writes to it must not meet a file that got its number.
        self.gone = True

    def _leave(self, code: int) -> None:
        """End the process without waiting for anything. Called in another thread: the loop may be standing still."""
        if self._running and not self.gone:
            give_back(self._out, self._in, self._attributes)
        os._exit(code)

    def _hang_up(self) -> None:
        if self.gone:
            return
        self.gone = True
        self.disable_input()
        self._outlet.drop()
        if self._signals is not None:
            self._signals.end_within(ENDS_WITHIN, ENDING[signal.SIGHUP])
        self._end(ENDING[signal.SIGHUP])

    # Signals

    def _signalled(self, number: int) -> None:
        if number in ENDING:
            self._end(ENDING[signal.Signals(number)])
        elif self.gone or self._ending:
            return
        elif number == signal.SIGWINCH:
            if self._resizing is None:
                self._resizing = self._loop.call_later(_RESIZE_PAUSE, self._resized)
        elif self._stopping is None and (number == signal.SIGTSTP or not in_foreground(self._in)):
            self._stopping = self._loop.create_task(self._stop())
        elif self._stopping is None:
            self._take_again()

    def _end(self, code: int) -> None:
        if not self._ending:
            self._ending = True
            self._app.exit(return_code=code)

    async def _stop(self) -> None:
        app = self._app
        if isinstance(app, GuardedApp):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(app.before_stop(), _BEFORE_STOP)
        if not self._ending:
            self._give_back()
        signals = self._signals
        while signals is not None and not (signals.ending or self._ending):
            signals.stop_here()
            if in_foreground(self._in):
                self._take_again()
                # The signal that continued it says nothing new.
                await asyncio.sleep(_CONTINUING)
                break
            # Continued in the background: there is no terminal to draw on, unless it was continued to be ended.
            await asyncio.sleep(_CONTINUING)
        self._stopping = None

    def _take_again(self) -> None:
        """After a stop, of which a shell may have made anything of the terminal."""
        slept = self._beat.slept
        make_raw(self._in)
        self.write(ALTERNATE_SCREEN)
        self._start()
        self._woke(slept, GAP)
        # Of a window that was dragged meanwhile only the shell was told.
        self._resized()

    def _woke(self, slept: float, worth_a_word: float = STOOD_STILL) -> None:
        self._woke_at = time.monotonic()
        if slept > worth_a_word and isinstance(self._app, GuardedApp):
            self._app.on_awake(slept)

    # Size

    def _resized(self) -> None:
        self._resizing = None
        size = size_of(self._out)
        if size == self._size:
            # It may have been another one in between, for which the terminal has moved what it shows.
            self.repaint()
            return
        self._size = size
        self.cells.resize(*size)
        self._post_size()

    def _post_size(self) -> None:
        assert self._size is not None
        size = Size(*self._size)
        self._app.post_message(events.Resize(size, size))

    # Keys

    @property
    def stalled(self) -> bool:
        """Whether the terminal has not taken what it was sent for so long that nobody can be following it."""
        return self._outlet.waits > STALL

    @property
    def blind(self) -> bool:
        """Whether the person at the keyboard cannot have seen the screen as it is: keys typed now are not trusted."""
        now = time.monotonic()
        return (
            self._outlet.waits > GAP
            or self._beat.asleep
            or now - max(self._thawed_at, self._woke_at) < LATE_AFTER_STALL
        )

    def send_message(self, message: Message) -> None:
        """Give the app a message. Everything here runs in the app's own loop."""
        app = self._app
        if isinstance(message, events.Key | events.Paste) and isinstance(app, GuardedApp) and self.blind:
            app.on_late(message)
        else:
            app.post_message(message)

    def _take(self, typed: list[str], now: float) -> None:
        """Send the app what was typed."""
        messages = [message for message in map(self._parsed, typed) if message is not None]
        keys = sum(isinstance(message, events.Key) for message in messages)
        hurried, paused = self._pace.hurried(keys, now) if keys else (False, False)
        for message in messages:
            if hurried and isinstance(message, events.Key):
                message = HurriedKey(message, paused)
                paused = False
            self.process_message(message)

    def _parsed(self, piece: str) -> Message | None:
        """The one message that a key, a paste or a report is; None for what Textual does not know."""
        if piece == "\x1b":
            return events.Key("escape", piece)
        messages = list(self._parser.feed(piece))
        if len(messages) != 1:
            # What it does not know it would hold back, and type out later.
            self._parser = XTermParser(False)
            return None
        return messages[0]

    # Output

    def use_mouse(self, on: bool) -> None:
        """Ask the terminal to send clicks and the wheel, or to keep them for selecting text."""
        self._mouse = on
        self._inlet.take_mouse(on)
        self.write(_MOUSE_ON if on else _MOUSE_OFF)

    def write(self, data: str) -> None:
        """Send something other than a frame, after what is on its way."""
        if not self.gone:
            self._outlet.write(data)

    def paint(self, synchronised: bool = False) -> None:
        """Make the terminal show `cells`; while it is still busy with an earlier frame, as soon as it is not."""
        if self._outlet.busy or self.gone:
            self._behind = True
            return
        self._behind = False
        changes = self.cells.changes()
        if changes:
            self.write(f"{_SYNC_START}{changes}{_SYNC_END}" if synchronised else changes)

    def repaint(self) -> None:
        """Send every cell again, whatever the terminal may show by now."""
        self.cells.forget()
        self.paint()

    def _caught_up(self, stalled: bool) -> None:
        if stalled:
            self.cells.forget()
            self._thawed_at = time.monotonic()
            self._behind = True
        if self._behind and self._running:
            self.paint()


class GuardedApp(App[None]):
    """An app whose frames go through `GuardDriver`, and whose crash shows no secret."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(self, *, on_alternate_screen: bool = False) -> None:
        super().__init__(driver_class=GuardDriver, ansi_color=True)
        self.on_alternate_screen = on_alternate_screen
        """Whether the alternate screen is on already, so that what stands on it stays until the first frame."""
        self.defect: Exception | None = None
        """The exception that ended the app, if one did. Nothing of it is printed: a traceback with its variables'
        values would put secrets on the screen."""
        self._disable_tooltips = True
        self._disable_notifications = True
        self._pens: dict[Style, Pen] = {}
        self._color_system = COLOR_SYSTEMS.get(self.console.color_system or "")
        self.animation_level = "none"

    @property
    def guard(self) -> GuardDriver | None:
        """The driver, when there is a real terminal."""
        return self._driver if isinstance(self._driver, GuardDriver) else None

    async def before_stop(self) -> None:
        """The shell is about to stop this program, for nobody knows how long; override to let go of what is held."""

    def on_awake(self, slept: float) -> None:
        """Nothing here moved for so many seconds; override to say so."""

    def on_late(self, event: events.Key | events.Paste) -> None:
        """This was typed while the person could not see the screen. It is dropped; override to say so."""

    def _set_pointer_shape(self, shape: str) -> None:
        """The mouse pointer stays as it is: a terminal that does not know the sequence may write it on the screen."""

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        guard = self.guard
        if guard is None or not isinstance(renderable, LayoutUpdate | ChopsUpdate):
            super()._display(screen, renderable)
            return
        if self._batch_count or not self._running or self._closed:
            return
        try:
            for row, column, strip in pieces(renderable):
                guard.cells.put(row, column, self._runs(strip))
        except Exception as error:
            self._handle_exception(error)
            return
        guard.paint(self._sync_available)

    def _runs(self, strip: Strip) -> Iterator[tuple[str, Pen]]:
        for text, style, control in strip:
            if not control:
                yield text, PLAIN if style is None else self._pen(style)

    def _pen(self, style: Style) -> Pen:
        pen = self._pens.get(style)
        if pen is None:
            pen = self._pens[style] = pen_of(style, self._color_system)
        return pen

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 70
        self.defect = self.defect or error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()


def pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """(row, column, strip) of everything that an update of Textual's compositor wants drawn."""
    if isinstance(update, LayoutUpdate):
        for row, line in enumerate(update.strips, update.region.y):
            column = update.region.x
            for strip in line:
                yield row, column, strip
                column += strip.cell_length
        return
    for row, first, last in update.spans:
        for end, (column, chop) in zip(update.chop_ends[row], update.chops[row].items(), strict=False):
            if chop is not None and column <= last and end > first:
                yield row, column, chop if end <= last else chop.crop(0, last - column)

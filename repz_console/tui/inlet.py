"""What comes from the terminal: read within the event loop, and given on once it is known to be typed."""

from __future__ import annotations

import asyncio
import os
import time
from codecs import getincrementaldecoder
from collections.abc import Callable

from repz_console.tui.keyboard import InputFilter


class Inlet:
    """Reads from a descriptor while there is something to read, between `start` and `stop`."""

    def __init__(
        self,
        fileno: int,
        loop: asyncio.AbstractEventLoop,
        typed: Callable[[list[str], float], None],
        hung_up: Callable[[], None],
    ) -> None:
        """`typed` is called with what was typed, piece by piece as `InputFilter` gives it, and the monotonic time at
        which it was read; `hung_up` when there is nobody to read from any more."""
        self.fileno = fileno
        self._loop = loop
        self._typed = typed
        self._hung_up = hung_up
        self._decode = getincrementaldecoder("utf-8")("surrogateescape").decode
        self._filter = InputFilter()
        self._waiting: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Read from now on."""
        self._loop.add_reader(self.fileno, self._read)

    def stop(self) -> None:
        """Read no more."""
        self._loop.remove_reader(self.fileno)
        self._wait_until(None)

    def take_mouse(self, on: bool) -> None:
        """Whether reports of the mouse were asked for; others are no such thing."""
        self._filter.mouse = on

    def _read(self) -> None:
        try:
            data = os.read(self.fileno, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hung_up()
            return
        now = time.monotonic()
        self._give(self._filter.feed(self._decode(data), now), now)

    def tick(self) -> None:
        """Give what has become typing because nothing more came."""
        now = time.monotonic()
        self._give(self._filter.flush(now), now)

    def _give(self, pieces: list[str], now: float) -> None:
        self._wait_until(self._filter.deadline, now)
        self._typed(pieces, now)

    def _wait_until(self, deadline: float | None, now: float = 0.0) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = None if deadline is None else self._loop.call_later(max(0.0, deadline - now), self.tick)

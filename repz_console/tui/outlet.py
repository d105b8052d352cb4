"""What is on its way to the terminal. Writing never waits: what it does not take at once goes when it does."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

STALL = 2.0
"""Seconds without the terminal taking a byte after which its screen is no longer trusted."""


class Outlet:
    """Writes to a descriptor that never blocks, within the event loop."""

    def __init__(
        self,
        fileno: int,
        loop: asyncio.AbstractEventLoop,
        through: Callable[[bool], None],
        hung_up: Callable[[], None],
    ) -> None:
        """`through` is called when everything that had to wait has been taken, with whether the terminal had stalled
        meanwhile; `hung_up` when there is nobody to write to any more."""
        self.fileno = fileno
        self._loop = loop
        self._through = through
        self._hung_up = hung_up
        self._pending = bytearray()
        self._since = 0.0
        self._stalled = False

    @property
    def busy(self) -> bool:
        """Whether something is still on its way."""
        return bool(self._pending)

    @property
    def waits(self) -> float:
        """Seconds for which the terminal has taken nothing of what is on its way."""
        return time.monotonic() - self._since if self._pending else 0.0

    def write(self, data: str) -> None:
        """Send `data` after what is on its way."""
        busy = self.busy
        self._pending += data.encode("utf-8", "replace")
        if busy:
            return
        self._drain()
        if self._pending:
            self._since = time.monotonic()
            self._loop.add_writer(self.fileno, self._goes_on)

    def drop(self) -> None:
        """Forget what is on its way."""
        self._pending.clear()
        self._stalled = False
        self._loop.remove_writer(self.fileno)

    def _goes_on(self) -> None:
        self._stalled = self._stalled or self.waits > STALL
        self._drain()
        self._since = time.monotonic()
        if not self._pending:
            stalled, self._stalled = self._stalled, False
            self._loop.remove_writer(self.fileno)
            self._through(stalled)

    def _drain(self) -> None:
        while self._pending:
            try:
                sent = os.write(self.fileno, self._pending)
            except BlockingIOError:
                return
            except OSError:
                self.drop()
                self._hung_up()
                return
            del self._pending[:sent]

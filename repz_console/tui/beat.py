"""Whether the event loop turns: a beat that notices when it did not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from repz_console.store import boottime

GAP = 1.0
"""Seconds without a turn after which what was typed meanwhile was typed blindly."""
_EVERY = 0.25


class Beat:
    """Beats in the event loop, between `start` and `stop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, woke: Callable[[float], None]) -> None:
        """`woke` is called after a sleep of more than `GAP` seconds, with its length."""
        self._loop = loop
        self._woke = woke
        self._next: asyncio.TimerHandle | None = None
        self._awake_at = 0.0

    @property
    def asleep(self) -> bool:
        """Whether a beat is overdue."""
        return self.slept > GAP

    @property
    def slept(self) -> float:
        """Seconds since the last beat, on a clock that also counts what the machine itself slept."""
        return boottime.now().seconds - self._awake_at

    def start(self) -> None:
        """Begin, and forget what was before."""
        self.stop()
        self._awake_at = boottime.now().seconds
        self._next = self._loop.call_later(_EVERY, self._beat)

    def stop(self) -> None:
        """Beat no more; `slept` goes on."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _beat(self) -> None:
        slept = self.slept
        self.start()
        if slept > GAP:
            self._woke(slept)

"""A terminal at the end of a slow line: what a program draws arrives late, at so many bytes a second."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from types import TracebackType
from typing import Self

from tests.support.pty import Terminal

RATE = 115_200 / 8
"""Bytes a second of the line."""
ONE_WAY = 0.03
"""Seconds that a byte is under way in each direction: 60 ms there and back."""
WINDOW = 256 * 1024
"""Bytes that the sending side takes off the program's hands before it has to wait, as sshd and TCP together do."""
_STEP = 0.005


class SlowLine:
    """`terminal`, seen and typed on over a slow line."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.seen = bytearray()
        """What has arrived."""
        self.last = 0.0
        """Monotonic time at which the last byte arrived."""
        self._sent: deque[tuple[float, bytes]] = deque()
        self._typed: deque[tuple[float, str]] = deque()
        self._queue = bytearray()
        self._credit = 0.0
        self._at = time.monotonic()

    def __enter__(self) -> Self:
        self.terminal.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminal.__exit__(kind, error, trace)

    def type(self, keys: str) -> None:
        """Press a key; it arrives later."""
        self._typed.append((time.monotonic() + ONE_WAY, keys))

    def run(self, seconds: float) -> None:
        """Let time pass on the line."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._step()

    def settle(self, gap: float = 0.5, most: float = 60.0) -> float:
        """Let time pass until nothing has arrived for `gap` seconds; returns when the last byte did."""
        until = time.monotonic() + most
        began = time.monotonic()
        while time.monotonic() < until and (
            self._queue or self._sent or time.monotonic() - max(self.last, began) < gap
        ):
            self._step()
        return self.last

    @property
    def backlog(self) -> int:
        """Bytes that the program has written and nobody has seen."""
        return len(self._queue) + sum(len(piece) for _, piece in self._sent)

    def _step(self) -> None:
        now = time.monotonic()
        self._credit = min(self._credit + (now - self._at) * RATE, RATE * 0.02)
        self._at = now
        while self._typed and self._typed[0][0] <= now:
            self.terminal.send(self._typed.popleft()[1])
        room = WINDOW - len(self._queue)
        if room > 0 and select.select([self.terminal.fd], [], [], _STEP)[0]:
            self._queue += os.read(self.terminal.fd, room)
        elif room <= 0:
            time.sleep(_STEP)
        goes = min(int(self._credit), len(self._queue))
        if goes:
            self._sent.append((now + ONE_WAY, bytes(self._queue[:goes])))
            del self._queue[:goes]
            self._credit -= goes
        while self._sent and self._sent[0][0] <= now:
            self.seen += self._sent.popleft()[1]
            self.last = now

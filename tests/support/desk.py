"""The console on a pseudo-terminal within this process: bytes go through the kernel, the driver and a real session."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from repz_console.engine.session import Session
from repz_console.tui import inlet, terminal
from repz_console.tui.app import ConsoleApp
from tests.support.console import app_on, text_of
from tests.support.sessions import eventually

COLUMNS, ROWS = 80, 24


class Clock:
    """Stands in for `time` in the driver: a pause need not be waited for."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.ahead = 0.0

    def monotonic(self) -> float:
        """Seconds, with the pauses that were not waited for."""
        return float(self._real.monotonic()) + self.ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Deaf:
    """Stands in for the driver's signals: this process is not the console's to end."""

    def __init__(self, *_: object) -> None: ...

    def end_within(self, seconds: float, code: int) -> None:
        """Does not."""


class Desk:
    """A person, and a terminal that answers, at one console."""

    def __init__(self, app: ConsoleApp, session: Session, fd: int, clock: Clock) -> None:
        self.app, self.session, self._fd, self._clock = app, session, fd, clock
        self.taken = 0
        """Bytes that the console has read."""

    @property
    def guard(self) -> terminal.GuardDriver:
        """The driver."""
        assert self.app.guard is not None
        return self.app.guard

    async def send(self, data: bytes) -> None:
        """Bytes arrive in one piece; returns when the console has read and done what they mean."""
        wanted = self.taken + len(data)
        os.write(self._fd, data)
        async with asyncio.timeout(60):
            while self.taken < wanted:  # noqa: ASYNC110 - polled as fast as the loop turns
                await asyncio.sleep(0)
        await self.idle()

    def type_unread(self, data: bytes) -> None:
        """Bytes arrive while the console does not read."""
        os.write(self._fd, data)

    async def pause(self, seconds: float) -> None:
        """Nothing comes for a while, which is not waited for: the driver's timers go off."""
        # Timers are due before the pause is over.
        self._pass(seconds / 2)
        self.guard._inlet.tick()
        self._pass(seconds / 2)
        await self.idle()

    def _pass(self, seconds: float) -> None:
        self._clock.ahead += seconds

    async def idle(self) -> None:
        """Wait until the app has taken every key."""
        while not self.app._message_queue.empty():  # noqa: ASYNC110 - a queue has no event for that
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    def text(self) -> str:
        """What stands on the screen."""
        return text_of(self.app)


@asynccontextmanager
async def at_desk(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The console at work on `session`, its first frame painted and its keyboard trusted."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    os.set_blocking(master, False)
    stream = os.fdopen(slave, "r+b", buffering=0)
    monkeypatch.setattr(sys, "__stdin__", stream)
    monkeypatch.setattr(sys, "__stdout__", stream)
    clock = Clock(terminal.time)
    for module in (terminal, inlet):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(terminal, "Signals", Deaf)

    async def opening() -> Session:
        return session

    app = app_on(opening, folder)
    desk = Desk(app, session, master, clock)
    real_read = os.read

    def read(fd: int, size: int) -> bytes:
        data = real_read(fd, size)
        if fd == stream.fileno():
            desk.taken += len(data)
        return data

    monkeypatch.setattr(inlet.os, "read", read)
    loop = asyncio.get_running_loop()

    def shown() -> None:
        with contextlib.suppress(BlockingIOError):
            real_read(master, 1 << 20)

    loop.add_reader(master, shown)
    running = loop.create_task(app.run_async(mouse=False))
    try:
        await eventually(lambda: app._shown and app.hands is not None and app._seen_at < float("inf"))
        await asyncio.sleep(0.6)
        yield desk
    finally:
        # A test may have kept keys from ending the app.
        ConsoleApp.exit(app)
        await asyncio.wait_for(running, 60)
        loop.remove_reader(master)
        os.close(master)
        with contextlib.suppress(OSError):
            stream.close()

"""A program in a terminal of our own: what it writes and when, and what a person would see."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

PAUSE = 0.05
"""Seconds between two keys."""


class Terminal:
    """Runs `command` in a pty of `columns` x `rows` and keeps the screen it draws.

    Answers nothing that the program asks of its terminal, as the plainest terminal would. Leaving the context ends the
    program by SIGKILL if it still runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        """Everything written so far."""
        self.writes: list[tuple[float, int]] = []
        """(monotonic time, bytes) of each piece read."""
        self.status: int | None = None
        """The wait status, once it ended."""
        self.started = time.monotonic()
        self._typed = 0.0
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if cwd is not None:
                    os.chdir(cwd)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(command[0], list(command), environment)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def text(self) -> str:
        """The screen as a person sees it."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float) -> bytes:
        """What comes within `seconds`; returns early when the program ends."""
        collected = bytearray()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            piece = self._piece(left)
            if piece is None:
                break
            collected += piece
        return bytes(collected)

    def until(self, seen: Callable[[str], bool] | str, seconds: float = 60) -> float:
        """Seconds since the start until the screen satisfies `seen` (a text on it, or a test of the whole screen).

        Raises AssertionError with the screen if it never does.
        """
        satisfied = (lambda screen: seen in screen) if isinstance(seen, str) else seen
        until = time.monotonic() + seconds
        while not satisfied(self.text()):
            left = until - time.monotonic()
            if left <= 0 or self._piece(left) is None:
                raise AssertionError(f"not seen: {seen!r}\n{self.text()}")
        return time.monotonic() - self.started

    def quiet(self, gap: float = 0.3, seconds: float = 10) -> float:
        """Wait until nothing was written for `gap` seconds; returns the time of the last byte."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            piece = self._piece(gap)
            if not piece:
                break
        return self.writes[-1][0] if self.writes else self.started

    def send(self, keys: str | bytes) -> None:
        """Type, after the pause that even a fast typist makes."""
        time.sleep(max(0.0, self._typed + PAUSE - time.monotonic()))
        self._typed = time.monotonic()
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size, as a person dragging it would."""
        self.columns, self.rows = columns, rows
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Lose the line, as a dropped SSH connection does."""
        os.close(self.fd)
        self.fd = -1

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int:
        """The exit code, negative for a signal. Raises AssertionError if it does not end in time."""
        until = time.monotonic() + seconds
        while self.status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.status = status
                break
            if time.monotonic() > until:
                raise AssertionError(f"still running after {seconds} s\n{self.text()}")
            if self.fd < 0 or self._piece(0.02) is None:
                time.sleep(0.02)
        # Its last words may still be on their way.
        while self._piece(0):
            pass
        return os.waitstatus_to_exitcode(self.status)

    def modes(self) -> dict[str, bool]:
        """Which of the modes that a full-screen program switches on are on now."""
        names = {b"1049": "alternate screen", b"1000": "mouse", b"2004": "bracketed paste", b"25": "cursor"}
        state: dict[str, bool] = {}
        for code, name in names.items():
            on, off = self.raw.rfind(b"\x1b[?" + code + b"h"), self.raw.rfind(b"\x1b[?" + code + b"l")
            if max(on, off) >= 0:
                state[name] = on > off
        return state

    def memory(self) -> int:
        """Peak resident bytes of the program so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        return 0

    def cpu(self) -> float:
        """Seconds of processor time the program used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def waits_to_write(self) -> bool:
        """Whether the program has more to write than its terminal took, and sleeps until that takes more."""
        process = Path(f"/proc/{self.pid}")
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(descriptor) == "anon_inode:[eventpoll]":
                    watched = (process / "fdinfo" / descriptor.name).read_text()
                    if any(int(events, 16) & select.EPOLLOUT for events in re.findall(r"events: *(\w+)", watched)):
                        return True
        return False

    def close(self) -> None:
        """End the program at once and let the terminal go."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                _, self.status = os.waitpid(self.pid, 0)
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _piece(self, seconds: float) -> bytes | None:
        """The next bytes, empty after `seconds` without any, None when the program closed the terminal."""
        if self.fd < 0:
            return None
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return b""
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            return None
        if not piece:
            return None
        self.writes.append((time.monotonic(), len(piece)))
        self.raw += piece
        self._stream.feed(piece)
        return piece


def console(*arguments: str) -> list[str]:
    """The command that starts the console under test with this interpreter."""
    return [sys.executable, "-m", "repz_console", *arguments]

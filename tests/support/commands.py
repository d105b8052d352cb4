"""Runs the command line as a person or a script would, and gives back what came out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from repz_console.cli import entry

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = [sys.executable, "-c", "from repz_console.cli import main; main()"]
PATIENCE = 60.0
"""Seconds after which a program that should have answered counts as stuck."""


class Answer(NamedTuple):
    """What one run gave."""

    code: int
    out: str
    err: str


class Commands:
    """The command line inside this process."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, *arguments: str) -> Answer:
        """Run one command line."""
        self._captured.readouterr()
        code = int(entry(arguments))
        out, err = self._captured.readouterr()
        return Answer(code, out, err)


def environment() -> dict[str, str]:
    """This process's environment for a program that is started anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Start the program without a terminal."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _take_terminal() -> None:
    """Make the terminal on stdin the one that Ctrl+C comes from. Runs in the child, before the program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, arguments: Sequence[str], cwd: Path) -> None:
        self.said = ""
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=cwd,
            env={**environment(), "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)

    def wait_for(self, text: str) -> str:
        """Everything said so far, once `text` is part of it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.said:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} was never said, only: {self.said!r}")
        return self.said

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self._master, line.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl+C."""
        os.write(self._master, b"\x03")

    def end(self) -> int:
        """Wait for the program to end, and give its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        code = self._process.wait(PATIENCE)
        os.close(self._master)
        return code

    def _read(self, patience: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, patience))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.said += data.decode(errors="replace")
        return bool(data)

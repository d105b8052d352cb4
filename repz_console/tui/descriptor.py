"""The terminal's descriptor: one of our own to write to, its size, its keys raw, and everything given back."""

from __future__ import annotations

import contextlib
import os
import termios
import tty
from collections.abc import Iterable
from typing import Any

from repz_console.tui.modes import LEAVE


def own_description(fileno: int) -> int:
    """A descriptor of the same terminal that can be made non-blocking without making the shell's so."""
    for path in _names(fileno):
        with contextlib.suppress(OSError):
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    # Without a name in this mount namespace writes may wait, as any other program's.
    return os.dup(fileno)


def _names(fileno: int) -> Iterable[str]:
    with contextlib.suppress(OSError):
        yield os.ttyname(fileno)
    yield "/dev/tty"


def size_of(fileno: int) -> tuple[int, int]:
    """Columns and rows, 80x24 where the terminal does not say."""
    try:
        width, height = os.get_terminal_size(fileno)
    except OSError:
        width, height = 0, 0
    return width or 80, height or 24


def make_raw(fileno: int) -> list[Any] | None:
    """Every key as it is typed; gives the attributes from before."""
    try:
        before = termios.tcgetattr(fileno)
        attributes = termios.tcgetattr(fileno)
        attributes[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        attributes[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        attributes[tty.CC][termios.VMIN] = 1
        termios.tcsetattr(fileno, termios.TCSANOW, attributes)
    except (termios.error, OSError):
        return None
    return before


def restore(fileno: int, attributes: list[Any]) -> None:
    """The attributes from before."""
    with contextlib.suppress(termios.error, OSError):
        termios.tcsetattr(fileno, termios.TCSANOW, attributes)


def hard_exit(out: int, fileno: int, attributes: list[Any] | None, code: int) -> None:
    """End the process without waiting for anything, the terminal given back as far as it takes it."""
    with contextlib.suppress(OSError):
        os.write(out, LEAVE.encode())
    if attributes is not None:
        restore(fileno, attributes)
    os._exit(code)

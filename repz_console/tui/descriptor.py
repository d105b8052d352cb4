"""The terminal's descriptor: one of our own to write to, its size, its keys raw, and everything given back."""

from __future__ import annotations

import contextlib
import os
import termios
import time
import tty
from collections.abc import Iterable
from typing import Any

from repz_console.tui.modes import LEAVE

_SANE_KEYS = {
    "VINTR": b"\x03",
    "VQUIT": b"\x1c",
    "VERASE": b"\x7f",
    "VKILL": b"\x15",
    "VEOF": b"\x04",
    "VEOL": b"\0",
    "VEOL2": b"\0",
    "VSTART": b"\x11",
    "VSTOP": b"\x13",
    "VSUSP": b"\x1a",
    "VREPRINT": b"\x12",
    "VWERASE": b"\x17",
    "VLNEXT": b"\x16",
    "VDISCARD": b"\x0f",
    "VMIN": b"\x01",
    "VTIME": b"\0",
}
"""The keys that a terminal acts on by itself, as every system sets them at first."""


def own_description(fileno: int) -> int:
    """A descriptor of the same terminal whose writes never wait, without making the shell's so."""
    for path in _names(fileno):
        with contextlib.suppress(OSError):
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    # Somebody else's terminal, and not the controlling one. What waits for it cannot be ended: that is worse than a
    # shell that finds its own descriptor changed, which `reset` mends.
    shared = os.dup(fileno)
    os.set_blocking(shared, False)
    return shared


def _names(fileno: int) -> Iterable[str]:
    with contextlib.suppress(OSError):
        yield os.ttyname(fileno)
    yield "/dev/tty"
    # Where this mount namespace has no name for it.
    yield f"/proc/self/fd/{fileno}"


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


def in_foreground(fileno: int) -> bool:
    """Whether the terminal is this program's to set, and not that of the shell which has it in the background."""
    try:
        return os.tcgetpgrp(fileno) == os.getpgrp()
    except OSError:
        return True


def say_last(out: int, words: str, patience: float = 0.0) -> None:
    """Write to a terminal that may not be reading. After `patience` seconds, what it has not read yet is thrown away
    to make room: the last words matter more than the frames before them."""
    deadline = time.monotonic() + patience
    left, discarded = words.encode(), False
    while left:
        try:
            left = left[os.write(out, left) :]
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.01)
            elif discarded:
                return
            else:
                discarded = True
                left = words.encode()
                with contextlib.suppress(termios.error):
                    termios.tcflush(out, termios.TCOFLUSH)
        except OSError:
            return


def give_back(out: int, fileno: int, attributes: list[Any] | None, patience: float = 0.0) -> None:
    """The terminal as it was before; keys not read yet are thrown away. Nothing, while it is another program's."""
    if not in_foreground(fileno):
        return
    say_last(out, LEAVE, patience)
    if attributes is not None:
        with contextlib.suppress(termios.error):
            termios.tcflush(fileno, termios.TCIFLUSH)
        restore(fileno, attributes)


def make_sane(fileno: int) -> None:
    """The attributes that `stty sane` sets: lines, echo, and the keys that signal. Raises `OSError`."""
    try:
        attributes = termios.tcgetattr(fileno)
        attributes[tty.IFLAG] &= ~(termios.IGNBRK | termios.INLCR | termios.IGNCR | termios.IXOFF | termios.ISTRIP)
        attributes[tty.IFLAG] |= termios.BRKINT | termios.ICRNL | termios.IMAXBEL | termios.IXON
        attributes[tty.OFLAG] |= termios.OPOST | termios.ONLCR
        attributes[tty.CFLAG] |= termios.CREAD
        attributes[tty.LFLAG] &= ~(termios.ECHONL | termios.NOFLSH | termios.TOSTOP | termios.ECHOPRT)
        attributes[tty.LFLAG] |= termios.ISIG | termios.ICANON | termios.IEXTEN | termios.ECHO
        attributes[tty.LFLAG] |= termios.ECHOE | termios.ECHOK | termios.ECHOCTL | termios.ECHOKE
        for name, key in _SANE_KEYS.items():
            attributes[tty.CC][getattr(termios, name)] = key
        termios.tcflow(fileno, termios.TCOON)
        termios.tcsetattr(fileno, termios.TCSANOW, attributes)
    except termios.error as error:
        raise OSError(*error.args) from error

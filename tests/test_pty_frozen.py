"""A terminal that stops reading: the console goes on, ends when it is told to, and gives the terminal back."""

from __future__ import annotations

import os
import pty
import random
import select
import signal
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle

import pytest

from repz_console.events import ConnReleased
from tests.conftest import Figure
from tests.support.consoles import PATIENCE, Consoles, opened, take_conn
from tests.support.pty import Terminal
from tests.test_pty_ending import ENDS_WITHIN, EXIT_CODES, IGNORING, given_back

SEED = 20
AT_ONCE = 5
"""Consoles that are frozen and ended together."""
PROMISED = 2.5
"""Seconds in which a console ends that was told to; on a busy machine `ENDS_WITHIN`."""


def freeze(terminal: Terminal, hold: float = 0.0) -> None:
    """Read no more of what a console draws, which goes on until the terminal takes no byte, and `hold` seconds more."""
    columns, rows = terminal.columns, terminal.rows
    line = os.open(os.readlink(f"/proc/{terminal.pid}/fd/0"), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        until = time.monotonic() + PATIENCE
        # Another size is painted whole, and no key has to be in time for it.
        for narrower in cycle((1, 0)):
            terminal.resize(columns - narrower, rows)
            time.sleep(0.15)
            if not narrower and not select.select([], [line], [], 0)[1]:
                break
            assert time.monotonic() < until, "it draws too little to fill the line"
        time.sleep(hold)
    finally:
        os.close(line)


def ended(terminal: Terminal, since: float) -> float:
    """Seconds from `since` until a console has ended that nobody reads from."""
    while terminal.status is None:
        done, status = os.waitpid(terminal.pid, os.WNOHANG)
        if done:
            terminal.status = status
        elif time.monotonic() - since > ENDS_WITHIN:
            raise AssertionError(f"immortal\n{terminal.text()}")
        else:
            time.sleep(0.01)
    return time.monotonic() - since


@contextmanager
def several(consoles: Consoles, count: int, under: Sequence[str] = ()) -> Iterator[list[Terminal]]:
    """Several consoles on one launch, all of them open."""
    with ExitStack() as stack:
        terminals = [stack.enter_context(consoles.open(columns=200, rows=50, under=under)) for _ in range(count)]
        for terminal in terminals:
            opened(terminal)
        yield terminals


def batches(count: int) -> Iterator[int]:
    """`count` in parts of `AT_ONCE`."""
    for start in range(0, count, AT_ONCE):
        yield min(AT_ONCE, count - start)


@pytest.mark.figure
def test_a_frozen_console_is_ended_by_sigterm_and_gives_the_terminal_back(consoles: Consoles, figure: Figure) -> None:
    chance = random.Random(SEED)
    count = figure.count(3, 200)
    fresh = _attributes_of_a_new_terminal()
    times: list[float] = []
    for batch in batches(count):
        with several(consoles, batch) as terminals:
            for terminal in terminals:
                freeze(terminal, chance.choice((0, 0, 0.5)))
            told = []
            for terminal in terminals:
                told.append(time.monotonic())
                terminal.kill(signal.SIGTERM)
            times += [ended(terminal, since) for terminal, since in zip(terminals, told, strict=True)]
            for terminal in terminals:
                assert terminal.wait() == EXIT_CODES[signal.SIGTERM]
                assert given_back(terminal), "what it reads once it thaws puts it right"
                assert termios.tcgetattr(terminal.fd) == fresh
    figure.say(f"{count} SIGTERM to frozen consoles: 0 immortal, {count} terminals restored, {_kept(times)}")


@pytest.mark.figure
def test_a_frozen_console_whose_line_drops_ends(consoles: Consoles, figure: Figure) -> None:
    chance = random.Random(SEED)
    count = figure.count(3, 200)
    times: list[float] = []
    for batch in batches(count):
        ignored = chance.random() < 0.5
        under = [sys.executable, "-c", IGNORING, "SIGHUP"] if ignored else []
        with several(consoles, batch, under) as terminals:
            for terminal in terminals:
                freeze(terminal, chance.choice((0, 0, 0.5)))
            told = []
            for terminal in terminals:
                told.append(time.monotonic())
                terminal.hang_up()
            times += [ended(terminal, since) for terminal, since in zip(terminals, told, strict=True)]
            for terminal in terminals:
                assert terminal.wait() == EXIT_CODES[signal.SIGHUP]
    figure.say(f"{count} frozen hang-ups: 0 immortal, {_kept(times)}")


def _attributes_of_a_new_terminal() -> list[object]:
    ends = pty.openpty()
    try:
        return termios.tcgetattr(ends[0])
    finally:
        for end in ends:
            os.close(end)


def _kept(times: Sequence[float]) -> str:
    kept = sum(seconds <= PROMISED for seconds in times)
    return f"{kept} of {len(times)} ended within {PROMISED} s, the slowest in {max(times):.1f} s"


def test_a_frozen_console_goes_on_and_paints_whole_when_it_thaws(consoles: Consoles) -> None:
    with consoles.open(columns=120, rows=40) as terminal:
        opened(terminal)
        take_conn(terminal)
        freeze(terminal, 2.5)
        used = terminal.cpu()
        time.sleep(1)
        assert terminal.cpu() - used < 0.5, "it waits without spinning"
        assert consoles.run("bug", "add", "it burns", "-p", "P0").returncode == 0
        time.sleep(1.5)
        terminal.screen.reset()
        before = len(terminal.raw)
        terminal.until("P0:1", PATIENCE)
        terminal.quiet()
        assert b"\x1b[2J" in terminal.raw[before:], "what it shows is not trusted any more"
        assert "! WAY BACK" in terminal.text().splitlines()[-1]
        assert not consoles.events(ConnReleased)


def test_a_console_whose_line_takes_nothing_from_the_start_ends_too(consoles: Consoles) -> None:
    with consoles.open(under=["sh", "-c", 'yes & sleep 0.5; exec "$0" "$@"']) as terminal:
        time.sleep(2)
        since = time.monotonic()
        terminal.kill(signal.SIGTERM)
        ended(terminal, since)
        assert terminal.wait() == EXIT_CODES[signal.SIGTERM]

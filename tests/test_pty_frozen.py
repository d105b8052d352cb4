"""A terminal that stops reading: the console goes on, ends when it is told to, and gives the terminal back."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, zip_longest

import pytest

from repz_console.engine.conn import TTL
from repz_console.events import ConnReleased
from repz_console.tui.outlet import STALL
from tests.conftest import Figure
from tests.support.consoles import PATIENCE, Consoles, live, opened, take_conn
from tests.support.pty import Terminal
from tests.test_pty_ending import ENDS_WITHIN, EXIT_CODES, IGNORING, given_back

AT_ONCE = 10
"""Consoles that are frozen and ended together."""
PROMISED = 2.5
"""Seconds in which a console ends that was told to; on a busy machine `ENDS_WITHIN`."""
LINE = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
"""How a line is opened to see and to take the room that it has."""
HANGING = """
import os, sys, time
from pathlib import Path
from repz_console.cli import main
from repz_console.tui.app import ConsoleApp

tick = ConsoleApp._tick

def hang(self):
    if Path("hang").exists():
        Path(f"{os.getpid()} hangs").touch()
        time.sleep(60)
    tick(self)

ConsoleApp._tick = hang
del sys.argv[1:4]
main()
"""
"""The console, whose loop stands still from when there is a file `hang`. It is started with its own command behind."""
HASTY = """
import sys
from repz_console.cli import main
from repz_console.engine import conn
from repz_console.tui import outlet, terminal

conn.TTL, conn.RENEW_EVERY = 1.5, 0.3
outlet.STALL = terminal.STALL = 0.3
del sys.argv[1:4]
main()
"""
"""The console, which notices a stall and loses the conn in shorter times."""


def freeze(*terminals: Terminal, amid_frame: bool = True) -> None:
    """Read no more of what consoles draw, until each waits for a line that takes not one byte: in the middle of
    painting everything, or else with what changes by itself."""
    lines = [os.open(os.readlink(f"/proc/{terminal.pid}/fd/0"), LINE) for terminal in terminals]
    try:
        until = time.monotonic() + PATIENCE
        for wider in cycle((-1, 1)):
            for terminal, line in zip(terminals, lines, strict=True):
                if amid_frame:
                    # Another size is painted whole, and no key has to be in time for it.
                    terminal.resize(terminal.columns + wider, terminal.rows)
                else:
                    fill(line)
            time.sleep(0.1)
            if wider > 0 and all(terminal.waits_to_write() for terminal in terminals):
                break
            assert time.monotonic() < until, "it draws too little to fill the line"
        for line in lines:
            fill(line)
    finally:
        for line in lines:
            os.close(line)


def fill(line: int) -> None:
    """Write to a line until it takes nothing. When the kernel moves on what a console wrote, there is room again, of
    which it tells those who ask, but not those who wait already."""
    while select.select([], [line], [], 0)[1]:
        with suppress(BlockingIOError):
            os.write(line, b" " * 4096)
        time.sleep(0.01)


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
        until = time.monotonic() + PATIENCE
        opening = terminals
        while opening:
            for terminal in opening:
                terminal.read(0.05)
            opening = [terminal for terminal in opening if not live(terminal.text())]
            assert time.monotonic() < until, opening[0].text()
        yield terminals


def end(terminals: Sequence[Terminal], numbers: Sequence[signal.Signals] = ()) -> list[float]:
    """End consoles by a signal each, or without signals by dropping their lines; the seconds that each took."""
    told = []
    for terminal, number in zip_longest(terminals, numbers):
        told.append(time.monotonic())
        if number:
            terminal.kill(number)
        else:
            terminal.hang_up()
    return [ended(terminal, since) for terminal, since in zip(terminals, told, strict=True)]


def rounds(count: int) -> Iterator[tuple[int, float]]:
    """`count` in parts of `AT_ONCE`, each with the seconds to stay frozen before being told to end."""
    for start, hold in zip(range(0, count, AT_ONCE), cycle((0, 0.5, STALL + 0.2)), strict=False):
        yield min(AT_ONCE, count - start), hold


def as_before(terminal: Terminal, fresh: list[object]) -> bool:
    """Whether a terminal's modes and attributes are those of a shell, once it has read what was left for it."""
    return given_back(terminal) and termios.tcgetattr(terminal.fd) == fresh


@pytest.mark.figure
def test_a_frozen_console_is_ended_by_sigterm_and_gives_the_terminal_back(
    consoles: Consoles, figure: Figure, fresh: list[object]
) -> None:
    times: list[float] = []
    for count, hold in rounds(figure.count(2, 200)):
        with several(consoles, count) as terminals:
            freeze(*terminals)
            time.sleep(hold)
            times += end(terminals, [signal.SIGTERM] * count)
            for terminal in terminals:
                assert terminal.wait() == EXIT_CODES[signal.SIGTERM]
                assert as_before(terminal, fresh), "what it reads once it thaws puts it right"
    figure.say(f"{len(times)} SIGTERM to frozen consoles: 0 immortal, all terminals restored, {_kept(times)}")


@pytest.mark.figure
def test_a_frozen_console_whose_line_drops_ends(consoles: Consoles, figure: Figure) -> None:
    times: list[float] = []
    ignoring = [sys.executable, "-c", IGNORING, "SIGHUP"]
    for (count, hold), under in zip(rounds(figure.count(2, 200)), cycle(([], ignoring)), strict=False):
        with several(consoles, count, under) as terminals:
            freeze(*terminals)
            time.sleep(hold)
            times += end(terminals)
            for terminal in terminals:
                assert terminal.wait() == EXIT_CODES[signal.SIGHUP]
    figure.say(f"{len(times)} frozen hang-ups: 0 immortal, {_kept(times)}")


@pytest.mark.figure
def test_a_console_whose_loop_stands_still_ends_too_and_gives_the_terminal_back(
    consoles: Consoles, figure: Figure, fresh: list[object]
) -> None:
    times: list[float] = []
    numbers = list(EXIT_CODES)
    for _ in range(figure.count(1, 5)):
        with several(consoles, len(numbers), [sys.executable, "-c", HANGING]) as terminals:
            freeze(*terminals[::2])
            (consoles.folder / "hang").touch()
            until = time.monotonic() + PATIENCE
            while not all((consoles.folder / f"{terminal.pid} hangs").exists() for terminal in terminals):
                assert time.monotonic() < until
                time.sleep(0.05)
            times += end(terminals, numbers)
            for terminal, number in zip(terminals, numbers, strict=True):
                assert terminal.wait() == EXIT_CODES[number]
                assert as_before(terminal, fresh)
        (consoles.folder / "hang").unlink()
        # Another signal comes to the one that is not frozen.
        numbers.append(numbers.pop(0))
    figure.say(f"{len(times)} signals to hanging loops: 0 immortal, all terminals restored, {_kept(times)}")


@pytest.fixture
def fresh() -> list[object]:
    """The attributes of a new terminal."""
    ends = pty.openpty()
    try:
        return termios.tcgetattr(ends[0])
    finally:
        for one in ends:
            os.close(one)


def _kept(times: Sequence[float]) -> str:
    kept = sum(seconds <= PROMISED for seconds in times)
    return f"{kept} of {len(times)} ended within {PROMISED} s, the slowest in {max(times):.1f} s"


@pytest.mark.figure
def test_a_frozen_console_waits_without_spinning_loses_the_conn_and_paints_whole_when_it_thaws(
    consoles: Consoles, figure: Figure
) -> None:
    """The quick form waits for shorter times, the full one for the real ones."""
    with consoles.open(columns=120, rows=40, under=[] if figure.full else [sys.executable, "-c", HASTY]) as terminal:
        opened(terminal)
        take_conn(terminal)
        freeze(terminal, amid_frame=False)
        since, used = time.monotonic(), terminal.cpu()
        while not consoles.events(ConnReleased):
            assert time.monotonic() - since < STALL + TTL + PATIENCE, "it keeps the conn"
            time.sleep(0.1)
        lost, used = time.monotonic() - since, terminal.cpu() - used
        # Looking after the conn each 0.3 s takes its share in the quick form.
        assert used < 0.05 * (lost + 1), "it spins"
        (released,) = consoles.events(ConnReleased)
        assert "lapsed" in released.why
        assert consoles.run("bug", "add", "it burns", "-p", "P0").returncode == 0
        terminal.screen.reset()
        before = len(terminal.raw)
        terminal.until(lambda screen: "P0:1" in screen and "conn FREE" in screen, PATIENCE)
        terminal.quiet()
        assert b"\x1b[2J" in terminal.raw[before:], "what it shows is not trusted any more"
        assert "! WAY BACK" in terminal.text().splitlines()[-1]
    times = f"the real {STALL + TTL:g} s" if figure.full else "shorter times"
    figure.say(f"a frozen console lost the conn after {lost:.1f} s, by {times}, with {used / lost:.1%} of a processor")


def test_a_console_whose_line_takes_nothing_from_the_start_ends_too(consoles: Consoles) -> None:
    with consoles.open(under=["sh", "-c", 'yes & sleep 0.5; exec "$0" "$@"']) as terminal:
        until = time.monotonic() + PATIENCE
        while not terminal.waits_to_write():
            assert time.monotonic() < until, "it never came to write"
            time.sleep(0.05)
        end([terminal], [signal.SIGTERM])
        assert terminal.wait() == EXIT_CODES[signal.SIGTERM]

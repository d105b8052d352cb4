"""How a console ends: by its key, by a signal, by a line that drops. The terminal is as it was, and nothing is kept."""

from __future__ import annotations

import signal
import sys
import termios

import pytest

from repz_console.events import ConnReleased, ConsoleClosed
from tests.support.consoles import ENTER, PATIENCE, TAB, Consoles, on_button, opened, press, take_conn
from tests.support.pty import Terminal

EXIT_CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
ENDS_WITHIN = 60.0
"""Seconds after which a console that was told to end counts as stuck."""
IGNORING = """
import os, signal, sys
signal.signal(getattr(signal, sys.argv[1]), signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""As `nohup` starts a program."""


def given_back(terminal: Terminal) -> bool:
    """Whether the terminal's modes are those of a shell."""
    modes = terminal.modes()
    return (
        not modes["alternate screen"]
        and modes["cursor"]
        and not modes.get("bracketed paste", False)
        and not modes.get("mouse", False)
    )


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_leaving_with_the_conn_asks_first_and_gives_it_up(consoles: Consoles, key: str) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        take_conn(terminal)
        press(terminal, key, "You have the conn. Leaving gives it up")
        terminal.send(ENTER)
        terminal.until(lambda screen: "Leave the console?" not in screen, PATIENCE)
        assert terminal.status is None
        press(terminal, key, "Leave the console?")
        press(terminal, TAB, on_button)
        terminal.send(ENTER)
        assert terminal.wait(ENDS_WITHIN) == 0
        assert given_back(terminal)
    assert len(consoles.events(ConnReleased)) == 1


@pytest.mark.parametrize("number", list(EXIT_CODES), ids=lambda number: number.name)
def test_a_signal_ends_it_with_its_code_and_gives_terminal_and_conn_back(
    consoles: Consoles, number: signal.Signals
) -> None:
    with consoles.open() as terminal:
        before = termios.tcgetattr(terminal.fd)
        opened(terminal)
        take_conn(terminal)
        terminal.kill(number)
        assert terminal.wait(ENDS_WITHIN) == EXIT_CODES[number]
        assert given_back(terminal)
        assert termios.tcgetattr(terminal.fd) == before
        assert b"Traceback" not in terminal.raw
    assert len(consoles.events(ConnReleased)) == 1
    assert len(consoles.events(ConsoleClosed)) == 1


@pytest.mark.parametrize("number", list(EXIT_CODES), ids=lambda number: number.name)
def test_a_signal_before_the_first_paint_gives_the_terminal_back_too(
    consoles: Consoles, number: signal.Signals
) -> None:
    with consoles.open() as terminal:
        before = termios.tcgetattr(terminal.fd)
        terminal.until(lambda _: b"\x1b[?1049h" in terminal.raw, PATIENCE)
        terminal.kill(number)
        assert terminal.wait(ENDS_WITHIN) == EXIT_CODES[number]
        assert given_back(terminal)
        assert termios.tcgetattr(terminal.fd) == before
        assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("ignored", ["", "SIGHUP"])
def test_a_line_that_drops_ends_it_and_frees_the_conn(consoles: Consoles, ignored: str) -> None:
    under = [sys.executable, "-c", IGNORING, ignored] if ignored else []
    with consoles.open(under=under) as terminal:
        opened(terminal)
        take_conn(terminal)
        terminal.hang_up()
        assert terminal.wait(ENDS_WITHIN) == EXIT_CODES[signal.SIGHUP]
    assert len(consoles.events(ConnReleased)) == 1
    assert len(consoles.events(ConsoleClosed)) == 1
    assert consoles.run("journal", "verify").returncode == 0


def test_a_line_that_drops_during_a_dialog_ends_it(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        press(terminal, "N", "Note for the record")
        terminal.hang_up()
        assert terminal.wait(ENDS_WITHIN) == EXIT_CODES[signal.SIGHUP]

"""A console stopped as a job of a shell, and continued: in the foreground, in the background, or only to be ended."""

from __future__ import annotations

import os
import signal
import termios
from pathlib import Path

from repz_console.events import ConnReleased
from tests.support.consoles import PATIENCE, Consoles, eventually, open_tab, opened, take_conn
from tests.support.pty import Terminal
from tests.test_pty_ending import EXIT_CODES, given_back

SHELL = ["bash", "-c", 'set -m; "$0" "$@"; echo STOPPED; while read -r line; do eval "$line"; done']
"""A shell with job control, which does with its job what is typed."""


def job_of(terminal: Terminal) -> int:
    """The console's process: the shell's only child."""
    return int(Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()[0])


def state_of(process: int) -> str:
    """`T` for a stopped process, `S` for a waiting one, empty for none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def stopped(consoles: Consoles, terminal: Terminal) -> int:
    """Suspend the console in that terminal, and wait until its shell is there."""
    process = job_of(terminal)
    os.kill(process, signal.SIGTSTP)
    terminal.until("STOPPED", PATIENCE)
    assert state_of(process) == "T"
    assert given_back(terminal)
    assert termios.tcgetattr(terminal.fd)[3] & termios.ICANON
    return process


def test_a_suspended_console_gives_up_the_conn_and_comes_back_whole(consoles: Consoles) -> None:
    with consoles.open(under=SHELL) as terminal:
        opened(terminal)
        take_conn(terminal)
        stopped(consoles, terminal)
        assert len(consoles.events(ConnReleased)) == 1
        terminal.read(1.2)
        terminal.screen.reset()
        terminal.send("fg\n")
        terminal.until("s: look again before acting", PATIENCE)
        terminal.until("conn FREE", PATIENCE)
        assert not termios.tcgetattr(terminal.fd)[3] & termios.ICANON
        # Keys that come at once are taken for typed blindly.
        terminal.read(1)
        open_tab(terminal, 5, "Bugs")


def test_a_window_that_was_dragged_meanwhile_is_filled(consoles: Consoles) -> None:
    """The signal about it goes to whoever is in the foreground then: the shell."""
    with consoles.open(under=SHELL) as terminal:
        opened(terminal)
        stopped(consoles, terminal)
        terminal.resize(100, 30)
        terminal.read(0.5)
        terminal.send("fg\n")
        terminal.until(lambda text: text.split("\n")[29].rstrip().endswith("! WAY BACK"), PATIENCE)


def test_one_continued_in_the_background_leaves_the_terminal_to_the_shell(consoles: Consoles) -> None:
    with consoles.open(under=SHELL) as terminal:
        opened(terminal)
        process = stopped(consoles, terminal)
        before = len(terminal.raw)
        terminal.send("bg\n")
        terminal.read(1.5)
        eventually(lambda: state_of(process) == "T", terminal)
        assert b"\x1b" not in terminal.raw[before:]
        terminal.send("fg\n")
        terminal.until("! WAY BACK", PATIENCE)


def test_a_stopped_one_can_be_ended(consoles: Consoles) -> None:
    with consoles.open(under=SHELL) as terminal:
        opened(terminal)
        process = stopped(consoles, terminal)
        terminal.send("kill %1; wait -f %1; echo ENDED $?\n")
        terminal.until(f"ENDED {EXIT_CODES[signal.SIGTERM]}", PATIENCE)
        assert state_of(process) == ""
        assert given_back(terminal)
        assert termios.tcgetattr(terminal.fd)[3] & termios.ICANON


def test_one_that_was_stopped_without_being_asked_paints_again(consoles: Consoles) -> None:
    with consoles.open(under=SHELL) as terminal:
        opened(terminal)
        os.kill(job_of(terminal), signal.SIGSTOP)
        terminal.until("STOPPED", PATIENCE)
        terminal.read(3.5)
        terminal.send("fg\n")
        terminal.until("s: look again before acting", PATIENCE)
        terminal.until("! WAY BACK", PATIENCE)
        assert not termios.tcgetattr(terminal.fd)[3] & termios.ICANON


def test_where_no_shell_could_continue_it_a_console_goes_on(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        terminal.kill(signal.SIGTSTP)
        terminal.read(1)
        assert state_of(terminal.pid) != "T"
        open_tab(terminal, 5, "Bugs")
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0

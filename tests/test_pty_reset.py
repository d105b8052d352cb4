"""`repz-console reset`: what a killed console left behind is put right by a command that is typed blindly."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.support.consoles import PATIENCE, Consoles, opened
from tests.support.pty import Terminal, console
from tests.test_pty_ending import given_back

ON = (1000, 1002, 1003, 1004, 1006, 1015, 2004, 2026, 1049)
MESS = "".join(f"\x1b[?{mode}h" for mode in ON) + "\x1b[?25l\x1b[?7l\x1b[>1u"
SHELL = ["sh", "-c", '"$0" "$@"; while read -r line; do eval "$line"; done']
"""A shell that asks its terminal for nothing: what a program left is what it has."""


def attributes_of(fileno: int) -> list[object]:
    attributes = termios.tcgetattr(fileno)
    return [*attributes[:4], attributes[6]]


def test_a_terminal_whose_console_was_killed_is_put_right_blindly(consoles: Consoles) -> None:
    with consoles.open(under=SHELL) as terminal:
        opened(terminal)
        child = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()[0]
        os.kill(int(child), signal.SIGKILL)
        terminal.read(0.5)
        left = attributes_of(terminal.fd)
        assert terminal.modes()["alternate screen"]
        # Enter sends what a raw terminal does not take for the end of a line.
        terminal.send(f"{' '.join(console('reset'))}; echo MENDED $?\n")
        terminal.until("MENDED 0", PATIENCE)
        assert given_back(terminal)
        mended = attributes_of(terminal.fd)
        assert mended != left
        terminal.send("stty sane; echo SANE-$((1 + 1))\n")
        terminal.until("SANE-2", PATIENCE)
        assert mended == attributes_of(terminal.fd)


def test_every_mode_of_any_program_is_switched_off(tmp_path: Path) -> None:
    mess = tmp_path / "mess"
    mess.write_text(MESS)
    script = f'cat {mess}; stty raw -echo -opost; "$@"; stty -a; echo MENDED'
    with Terminal(["sh", "-c", script, "sh", *console("reset")], columns=120, cwd=Path.cwd()) as terminal:
        terminal.until("MENDED", PATIENCE)
        off = bytes(terminal.raw).partition(MESS.encode())[2]
        assert {int(mode) for mode in re.findall(rb"\x1b\[\?(\d+)l", off)} >= set(ON)
        assert given_back(terminal)
        assert b"\x1b[<99u" in off
        words = terminal.text().split()
        for name in ("icanon", "echo", "isig", "icrnl", "onlcr", "opost", "iexten"):
            assert name in {word.strip(";") for word in words}, name


@pytest.mark.parametrize("stopped", [False, True], ids=["reading", "not reading"])
def test_it_needs_no_config_and_waits_for_nothing(tmp_path: Path, stopped: bool) -> None:
    env = {"REPZ_CONFIG": str(tmp_path / "there is none.toml")}
    with Terminal(console("reset"), env=env, cwd=Path.cwd()) as terminal:
        if stopped:
            termios.tcflow(terminal.fd, termios.TCIOFF)
        assert terminal.wait(PATIENCE) == 0


def test_without_a_terminal_it_says_so(consoles: Consoles) -> None:
    answer = consoles.run("reset")
    assert answer.returncode == 64
    assert "no terminal" in answer.stderr
    assert answer.stdout == ""


def test_one_output_redirected_it_still_finds_the_terminal(tmp_path: Path) -> None:
    script = 'stty -echo; "$@" </dev/null >/dev/null; stty -a | tr " " "\\n" | grep -x echo'
    with Terminal(["sh", "-c", script, "sh", *console("reset")], cwd=Path.cwd()) as terminal:
        terminal.until("echo", PATIENCE)
        assert terminal.wait(PATIENCE) == 0


def test_it_does_not_load_the_screen() -> None:
    loaded = subprocess.run(
        [*console()[:1], "-c", "import repz_console.commands.reset, sys; print('textual' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "False\n"


@pytest.mark.parametrize("shell", ["sh", "dash"])
def test_typed_with_enter_and_then_ctrl_j_it_works_all_the_same(tmp_path: Path, shell: str) -> None:
    """Raw, as a killed console leaves it: what Enter sends becomes part of the last word."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = 'stty raw -echo; echo READY; read -r line; eval "$line"; echo MENDED $?; stty -a'
    command = " ".join(console("reset"))
    with Terminal([shell, "-c", script], columns=120, cwd=Path.cwd()) as terminal:
        terminal.until("READY", PATIENCE)
        terminal.send(f"{command}\r\n")
        terminal.until("MENDED 0", PATIENCE)
        terminal.until(lambda screen: " icanon" in screen and " echo" in screen, PATIENCE)

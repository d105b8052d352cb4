"""A defect ends the console with one line: no traceback and no variable's value on the terminal, which is as before."""

from __future__ import annotations

import stat
import sys
import termios
from pathlib import Path

import pytest

from tests.support.consoles import PATIENCE, Consoles, painted
from tests.support.pty import Terminal
from tests.test_pty_ending import given_back

SECRET = "tok_canary_5f2a"
BROKEN = f"""
import sys
from repz_console.tui import app, front

def broken(self, *arguments):
    token = {SECRET!r}
    raise RuntimeError("the defect")

where, name = sys.argv.pop(1).split(".")
setattr({{"app": app.ConsoleApp, "front": front.Front}}[where], name, broken)
from repz_console.cli import main
main()
"""
"""The console, one of its methods broken."""


def started(consoles: Consoles, broken: str) -> Terminal:
    command = [sys.executable, "-c", BROKEN, broken, "--config", str(consoles.config)]
    return Terminal(command, columns=300, env=consoles.environment, cwd=consoles.folder)


@pytest.mark.parametrize("broken", ["app._tick", "app.on_resize", "app.compose", "app.on_mount"])
def test_a_defect_ends_it_with_one_line_and_the_terminal_as_it_was(consoles: Consoles, broken: str) -> None:
    with started(consoles, broken) as terminal:
        before = termios.tcgetattr(terminal.fd)
        assert terminal.wait(PATIENCE) == 70
        assert given_back(terminal)
        assert termios.tcgetattr(terminal.fd) == before
        said = bytes(terminal.raw).rpartition(b"1049l")[2].decode()
        assert "this should not have happened: RuntimeError: the defect; details are in " in said
        for word in ("Traceback", "raise RuntimeError", SECRET, "broken("):
            assert word not in terminal.raw.decode(), word
        (kept,) = state_folder(consoles).glob("crash-*.txt")
        assert str(kept) in said
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert "in broken" in kept.read_text()
        assert SECRET not in kept.read_text(), "variables' values are not kept either"


def test_a_defect_that_does_not_end_it_is_kept_where_only_its_user_reads(consoles: Consoles) -> None:
    with started(consoles, "front.show_frame") as terminal:
        terminal.until("NOT UP TO DATE: the room cannot be told: RuntimeError: the defect", PATIENCE)
        assert "Traceback" not in terminal.raw.decode()
        assert terminal.status is None
        terminal.read(1)
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0
    kept = state_folder(consoles) / "defects.log"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "the defect" in kept.read_text()
    assert SECRET not in kept.read_text()


def test_what_is_written_past_the_console_does_not_reach_the_screen(consoles: Consoles) -> None:
    env = {"PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "always", "PYTHONDEVMODE": "1"}
    with consoles.open(env=env) as terminal:
        painted(terminal)
        terminal.read(2)
        screen = terminal.text()
        assert screen.startswith("PRODUCTION")
        assert "Warning" not in screen
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0


def state_folder(consoles: Consoles) -> Path:
    """Where this test's user has the console's own files."""
    import platformdirs

    return platformdirs.user_state_path("repz-console")

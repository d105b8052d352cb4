"""The terminal is never waited for, always given back, and only told what changed."""

from __future__ import annotations

import os
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual import _compositor
from textual.strip import Strip

from repz_console.tui.cells import Pen
from repz_console.tui.terminal import GuardDriver, GuardedApp, pen_of, pieces
from tests.support.consoles import STILL, open_tab
from tests.support.pty import Terminal, console
from tests.support.sessions import CONFIG, launch


def test_an_update_of_part_of_the_screen_is_taken_apart() -> None:
    left, right = Strip([Segment("left ")]), Strip([Segment("right")])
    update = _compositor.ChopsUpdate([{0: left, 5: right}], [(0, 5, 8)], [[5, 10]])
    assert [(row, column, strip.text) for row, column, strip in pieces(update)] == [(0, 5, "rig")]


def test_colours_are_as_many_as_the_terminal_has() -> None:
    from rich.color import ColorSystem

    style = Style(color="#ff0000", bgcolor="default", bold=True, reverse=True)
    assert pen_of(style, ColorSystem.TRUECOLOR) == Pen("1;7", "38;2;255;0;0", "49")
    assert pen_of(style, ColorSystem.STANDARD).front in ("31", "91")
    assert pen_of(style, None) == Pen("1;7")


def test_a_defect_keeps_no_variable_for_the_screen() -> None:
    app = GuardedApp()
    app._handle_exception(ValueError("broken"))
    assert isinstance(app.defect, ValueError)
    assert app.return_code == 70
    assert app._exit_renderables == []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    launch(tmp_path, CONFIG)
    return tmp_path


@pytest.fixture
def terminal(place: Path) -> Iterator[Terminal]:
    with Terminal(console(), env=environment(place), cwd=Path.cwd()) as terminal:
        yield terminal


def environment(place: Path) -> dict[str, str]:
    return {"REPZ_CONFIG": str(place / "config.toml"), "NO_COLOR": "", "TEXTUAL_PRESS": "q"}


def opened(terminal: Terminal) -> Terminal:
    terminal.until("WAY BACK")
    terminal.quiet(STILL)
    return terminal


def cooked(terminal: Terminal) -> bool:
    return bool(termios.tcgetattr(terminal.fd)[3] & termios.ICANON)


def test_q_leaves_and_gives_the_terminal_back(terminal: Terminal) -> None:
    opened(terminal)
    assert not cooked(terminal)
    terminal.send("q")
    assert terminal.wait() == 0
    assert terminal.modes() == {
        "alternate screen": False, "mouse": False, "bracketed paste": False, "cursor": True,
    }  # fmt: skip
    assert cooked(terminal)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=["term", "hup", "int"]
)
def test_a_signal_ends_it_in_an_orderly_way(terminal: Terminal, number: int, code: int) -> None:
    opened(terminal).kill(number)
    assert terminal.wait() == code
    assert terminal.modes()["alternate screen"] is False
    assert terminal.modes()["cursor"] is True
    assert cooked(terminal)


@pytest.mark.parametrize("ignored", [False, True], ids=["default", "ignored"])
def test_a_lost_line_ends_it(place: Path, ignored: bool) -> None:
    prefix = "trap '' HUP; " if ignored else ""
    command = ["sh", "-c", f'{prefix}exec "$@"', "sh", *console()]
    with Terminal(command, env=environment(place), cwd=Path.cwd()) as terminal:
        opened(terminal).hang_up()
        assert terminal.wait() == 129


def test_a_terminal_that_stops_reading_does_not_stop_the_program(terminal: Terminal) -> None:
    opened(terminal)
    for _ in range(60):
        terminal.send("1234567")
    time.sleep(1)
    used = terminal.cpu()
    time.sleep(1)
    assert terminal.cpu() - used < 0.5
    terminal.kill(signal.SIGTERM)
    assert terminal.wait() == 143


def test_bytes_that_are_no_text_do_no_harm(terminal: Terminal) -> None:
    opened(terminal).send(b"\xff\xe9\xc3(\x80")
    open_tab(terminal, 5, "Bugs")


def test_an_unchanged_second_writes_next_to_nothing(terminal: Terminal) -> None:
    opened(terminal).read(1.5)
    for _ in range(5):
        before = len(terminal.raw)
        terminal.read(2)
        if (len(terminal.raw) - before) / 2 < 250:
            return
    raise AssertionError("it goes on writing")


def test_a_resize_paints_the_new_screen(terminal: Terminal) -> None:
    opened(terminal).resize(120, 40)
    terminal.until(lambda text: "WAY BACK" in text.split("\n")[39])
    terminal.resize(80, 24)
    terminal.until(lambda text: "WAY BACK" in text.split("\n")[23])


def test_keys_typed_while_it_slept_are_dropped_but_the_way_back_opens(terminal: Terminal) -> None:
    opened(terminal).kill(signal.SIGSTOP)
    terminal.send("q!k")
    time.sleep(1.6)
    terminal.kill(signal.SIGCONT)
    terminal.until("Nobody of visitors")
    terminal.read(1)
    assert terminal.status is None
    terminal.send("\x1b")
    terminal.until("3 keys typed while the screen stood still were dropped")


def test_the_last_status_is_there_before_the_plan_is_read(place: Path) -> None:
    with Terminal(console(), env=environment(place), cwd=Path.cwd()) as terminal:
        opened(terminal).send("q")
        assert terminal.wait() == 0
    with Terminal(console(), env=environment(place), cwd=Path.cwd()) as terminal:
        terminal.until(" ago: PRODUCTION")
        assert b"1049h" in terminal.raw
        terminal.until("WAY BACK")


@pytest.mark.parametrize(
    ("shell", "environment", "said"),
    [
        ("exec \"$@\" </dev/null", {}, "needs a terminal"),
        ("exec \"$@\"", {"TERM": "dumb"}, "TERM is dumb"),
    ],
)  # fmt: skip
def test_what_cannot_show_it_is_refused_with_what_to_do(
    place: Path, shell: str, environment: dict[str, str], said: str
) -> None:
    env = {"REPZ_CONFIG": str(place / "config.toml"), **environment}
    with Terminal(["sh", "-c", shell, "sh", *console()], columns=200, env=env, cwd=Path.cwd()) as terminal:
        terminal.until(said)
        assert "repz-console status" in terminal.text()
        assert terminal.wait() == 64


def test_a_broken_config_leaves_the_shell_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[launch]\nnam = 1\n")
    os.chmod(tmp_path / "config.toml", 0o600)
    env = {"REPZ_CONFIG": str(tmp_path / "config.toml")}
    with Terminal(console(), env=env, cwd=Path.cwd()) as terminal:
        assert terminal.wait() == 2
        assert terminal.modes()["alternate screen"] is False
        assert b"nam" in terminal.raw.rpartition(b"1049l")[2]


def test_there_is_one_driver() -> None:
    assert GuardedApp().driver_class is GuardDriver

"""The command line as a whole: help, unknown words, and every kind of failure as one line and a code."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from repz_console.cli import COMMANDS, entry
from repz_console.commands import failures
from repz_console.commands.exits import Exit, Stop
from repz_console.config import ConfigError, Mistake
from repz_console.providers.base import ProviderError
from repz_console.store.errors import FenceError, StoreError
from tests.support.commands import PROGRAM, Commands, environment


@pytest.fixture
def repz(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def test_help_names_every_command_and_the_exit_codes(repz: Commands) -> None:
    answer = repz("--help")
    assert answer.code == 0
    for name, (_, line) in COMMANDS.items():
        assert name in answer.out
        assert line in answer.out
    assert "64 no terminal" in answer.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_begins_with_a_usage_line(name: str, repz: Commands) -> None:
    answer = repz(name, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: repz-console {name}")


def test_an_unknown_command_is_bad_input_with_the_nearest_one_named(repz: Commands) -> None:
    answer = repz("chek")
    assert answer.code == Exit.INPUT
    assert "did you mean 'check'?" in answer.err
    assert answer.out == ""


def test_an_unknown_option_is_bad_input_on_stderr(repz: Commands) -> None:
    answer = repz("status", "--jsno")
    assert answer.code == Exit.INPUT
    assert answer.out == ""
    assert "--jsno" in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Stop(Exit.INCOMPLETE, "nobody knows"), 4, "nobody knows"),
        (StoreError("the disk is full"), 3, "the disk is full"),
        (FenceError("token 3 is not held"), 3, "token 3 is not held"),
        (ProviderError("no answer"), 3, "no answer"),
        (ConfigError([Mistake("config.toml", 7, "launch.nam", "an unknown key", "name", "name")]), 2, "config.toml:7"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_failure_with_a_name_is_its_line_and_its_code(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _fail_with(error, monkeypatch)
    assert entry(["check"]) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_defect_is_one_line_and_a_private_file_without_locals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_with(ZeroDivisionError("by\x1b[2Jzero"), monkeypatch)
    assert entry(["check"]) == Exit.DEFECT
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err
    file = Path(err.strip().rpartition("details are in ")[2])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "ZeroDivisionError" in text
    assert "kept from everyone" not in text


def test_a_reader_that_leaves_is_no_failure_to_report(root: Path) -> None:
    program = subprocess.Popen(
        [*PROGRAM, "check", str(root / "config.toml"), "--json"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    assert program.stderr.read() == ""
    assert program.wait(120) == 141


def test_without_a_terminal_the_console_says_so_and_exits_64(tmp_path: Path) -> None:
    answer = subprocess.run(
        PROGRAM, cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert answer.returncode == Exit.NO_TERMINAL
    assert "terminal" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str, repz: Commands) -> None:
    answer = repz("completion", shell)
    assert answer.code == 0
    assert "_REPZ_CONSOLE_COMPLETE" in answer.out


def test_a_shell_that_completes_gets_the_commands_without_importing_them() -> None:
    code = "import sys; from repz_console.cli import entry; entry([]); assert 'msgspec' not in sys.modules"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **environment(),
            "_REPZ_CONSOLE_COMPLETE": "bash_complete",
            "COMP_WORDS": "repz-console s",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr == ""
    assert answer.stdout.split() == ["plain,status", "plain,spend", "plain,store"]


def _fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "kept from everyone"

    def broken(*_: object) -> None:
        hidden = secret
        assert hidden
        raise error

    monkeypatch.setattr("repz_console.config.load", broken)


def test_failures_say_themselves_under_the_programs_name(capsys: pytest.CaptureFixture[str]) -> None:
    failures.say("something")
    assert capsys.readouterr().err == "repz-console: something\n"


@pytest.mark.parametrize("name", ["journal", "rollout", "store", "bug", "spend"])
def test_no_line_of_help_is_cut_at_80_columns(name: str, repz: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = repz(name, "--help").out.partition("Commands:")[2].splitlines()
    assert listed
    assert not [line for line in listed if line.endswith("...") or len(line) > 80]


def test_a_carriage_return_behind_the_command_is_the_enter_of_a_raw_terminal(repz: Commands) -> None:
    assert repz("reset\r").code == Exit.NO_TERMINAL
    assert "no command" in repz("chek\r").err

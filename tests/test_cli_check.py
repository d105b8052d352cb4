"""`check` and `init`: mistakes with their places, contradictions as findings, a config to start from."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from repz_console import config
from repz_console.commands.init import filled
from repz_console.plan.lint import findings
from tests.support.commands import Commands


@pytest.fixture
def repz(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


@pytest.fixture
def started(repz: Commands, tmp_path: Path) -> Path:
    """A config that `init` wrote."""
    file = tmp_path / "config.toml"
    assert repz("init", str(file)).code == 0
    return file


def test_the_launch_that_comes_with_the_console_is_valid_and_its_contradictions_are_told(
    repz: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = repz("check")
    assert answer.code == 0
    assert answer.err == ""
    assert "$1,827" in answer.out
    assert "$9,827" in answer.out
    assert "(the packaged default) is valid" in answer.out.splitlines()[-1]


def test_findings_as_data_have_rule_severity_figures_and_places(repz: Commands) -> None:
    answer = repz("check", "--json")
    data = json.loads(answer.out)
    assert data["valid"] is True
    assert data["mistakes"] == []
    assert {finding["severity"] for finding in data["findings"]} <= {"error", "warning", "info"}
    sums = [finding for finding in data["findings"] if "$1,827" in finding["text"]]
    assert sums[0]["rule"] == "sum-mismatch"
    assert sums[0]["figures"]
    assert ".toml:" in sums[0]["where"][0]


def test_every_mistake_is_told_at_once_on_stderr_with_its_place(repz: Commands, started: Path) -> None:
    text = started.read_text().replace("percent = 5", 'percent = "five"').replace("controller", "controler")
    started.write_text(text)
    answer = repz("check", str(started))
    assert answer.code == 2
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert any("rollout.production.stage[0].percent" in line and '"five"' in line for line in lines)
    assert any("controler" in line and "did you mean controller?" in line for line in lines)
    number = 1 + text.splitlines().index('percent = "five"')
    assert any(f"config.toml:{number}:" in line for line in lines)


def test_mistakes_as_data_go_to_stdout_and_keep_the_exit_code(repz: Commands, started: Path) -> None:
    started.write_text(started.read_text().replace("[launch]", "[lunch]"))
    answer = repz("check", str(started), "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["valid"] is False
    assert json.loads(answer.out)["mistakes"]


def test_a_file_that_does_not_exist_is_bad_input(repz: Commands, tmp_path: Path) -> None:
    answer = repz("check", str(tmp_path / "nowhere.toml"))
    assert answer.code == 2
    assert "nowhere.toml" in answer.err


def test_a_file_that_others_could_have_written_is_refused(repz: Commands, started: Path) -> None:
    started.chmod(0o666)
    answer = repz("check", str(started))
    assert answer.code == 2
    assert "everyone can write" in answer.err


def test_strict_turns_contradictions_into_an_exit_code(repz: Commands, started: Path) -> None:
    assert repz("check", "--strict").code == 1
    filled_seat = started.read_text().replace("users = []", 'users = ["alice"]')
    started.write_text(filled_seat)
    assert repz("check", str(started), "--strict").code == 0


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_config_may_be_named_before_or_after_the_command(repz: Commands, started: Path, place: str) -> None:
    named = ("--config", str(started))
    answer = repz(*named, "check") if place == "before" else repz("check", *named)
    assert answer.code == 0
    assert str(started) in answer.out


def test_what_init_writes_is_private_to_its_writer_and_valid(started: Path) -> None:
    assert stat.S_IMODE(started.stat().st_mode) == 0o644
    loaded = config.load(started)
    assert loaded.plan.launch.full_launch.on.weekday() == 4
    assert {source.kind for source in loaded.plan.source.values()} == {"plan", "local", "ledger", "host", "flagd"}


def test_init_leaves_a_file_alone_that_exists(repz: Commands, started: Path) -> None:
    started.write_text("precious")
    answer = repz("init", str(started))
    assert answer.code == 2
    assert started.read_text() == "precious"


def test_init_fills_in_what_it_is_told(repz: Commands, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    words = ["--title", "Döner 2.0", "--environment", "STAGE EU", "--zone", "Europe/Berlin"]
    answer = repz("init", str(file), *words, "--full-launch", "2031-05-16")
    assert answer.code == 0
    launch = config.load(file).plan.launch
    assert (launch.title, launch.environment, launch.zone) == ("Döner 2.0", "STAGE EU", "Europe/Berlin")
    assert launch.full_launch.on == date(2031, 5, 16)


@pytest.mark.parametrize(
    "words",
    [
        ("--title", 'a"b'),
        ("--environment", "two\nlines"),
        ("--zone", "Europe/Nowhere"),
        ("--full-launch", "tomorrow"),
        ("--title", " "),
    ],
    ids=" ".join,
)
def test_init_refuses_what_could_not_stand_in_the_file(repz: Commands, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "config.toml"
    answer = repz("init", str(file), *words)
    assert answer.code == 2
    assert not file.exists()


def test_no_placeholder_is_left_in_what_init_writes() -> None:
    text = filled("My launch", "PRODUCTION", "UTC", date(2031, 5, 16))
    assert "@" not in text
    assert tomllib.loads(text)["launch"]["name"] == "my-launch"


def test_what_init_leaves_commented_out_of_a_rollout_is_sound() -> None:
    text = filled("My launch", "PRODUCTION", "UTC", date(2031, 5, 14))
    start, end = text.index("[rollout.production]"), text.index("# -- What it may cost")
    offered = re.sub(r"^# (?=\[|[a-z_]+ = )", "", text[start:end], flags=re.MULTILINE)
    plan = config.load_text(text[:start] + offered + text[end:], {}, Path("config.toml")).plan
    canary, full = plan.rollout["production"].stage
    assert (canary.checklists, canary.not_before, canary.bake.minutes) == (("readiness",), True, 1440)
    assert (full.poll, full.approvals, [rule.metric for rule in full.metrics]) == ("go", 1, ["latency"])
    assert plan.rollout["production"].automatic.hold
    assert [freeze.id for freeze in plan.freeze] == ["weekend"]
    assert {finding.rule for finding in findings(plan, str, datetime(2031, 1, 1, tzinfo=UTC))} <= {
        "empty-seat",
        "metric-without-source",
        "region-jump",
    }


def test_plain_http_to_another_machine_is_refused_with_its_place(repz: Commands, started: Path) -> None:
    with started.open("a") as file:
        file.write('\n[source.site]\nkind = "probe"\nurl = "http://repz.com/health"\n')
    answer = repz("check", str(started))
    line = started.read_text().splitlines().index("[source.site]") + 1
    assert answer.code == 2
    assert f"config.toml:{line}: source.site: " in answer.err + answer.out
    assert "plain http is only for this machine" in answer.err + answer.out

"""`bug`, `spend`, `journal`, `rebase`, `status`, `record`: what is written from the command line and read back."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from repz_console.events import PlanAdopted
from repz_console.facts import Actor
from repz_console.plan.schedule import typed_instant
from repz_console.store.journal import Journal
from tests.support.commands import PATIENCE, Commands, Terminal, start


@pytest.fixture
def repz(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The command line in a folder with a launch of its own."""
    monkeypatch.chdir(tmp_path)
    commands = Commands(capsys)
    assert commands("init", "--full-launch", "2031-05-16").code == 0
    return commands


def test_a_bug_is_filed_listed_and_resolved(repz: Commands) -> None:
    identity = repz("bug", "add", "it burns", "-p", "p0", "-a", "alice").out.strip()
    assert identity.startswith("bugs:")
    listed = json.loads(repz("bug", "list", "--json").out)
    assert [(bug["id"], bug["priority"], bug["assignee"]) for bug in listed] == [(identity, "P0", "alice")]
    assert "it burns" in repz("bug", "list").out
    assert repz("bug", "list", "-p", "P1").out == ""
    assert repz("bug", "set", identity, "--state", "resolved").code == 0
    assert repz("bug", "list").out == ""
    assert "resolved" in repz("bug", "list", "--all").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", " "), "title"),
        (("set", "B0", "-s", "open"), "no bug B0"),
        (("set", "B0"), "say what to change"),
        (("add", "x", "-p", "P9"), "P9"),
    ],
)
def test_a_bug_that_makes_no_sense_is_bad_input(repz: Commands, words: tuple[str, ...], said: str) -> None:
    answer = repz("bug", *words)
    assert answer.code == 2
    assert said in answer.err


def test_spend_is_entered_summed_and_taken_back(repz: Commands) -> None:
    identity = repz("spend", "add", "reserve", "1,250.50", "--note", "extra capacity").out.strip()
    assert "-$250.50 left of $1,000" in repz("spend", "list").out
    assert repz("spend", "void", identity, "--reason", "typed twice").code == 0
    listed = repz("spend", "list").out
    assert "taken back" in listed
    assert "$1,000 left of $1,000" in listed
    assert repz("spend", "void", identity).code == 2


def test_today_is_the_launchs_day(repz: Commands, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('zone = "UTC"', 'zone = "Pacific/Auckland"'))
    with time_machine.travel(datetime(2031, 5, 1, 20, tzinfo=UTC)):
        assert repz("spend", "add", "hosting", "12.50").code == 0
    assert json.loads(repz("spend", "list", "--json").out)[0]["on"] == "2031-05-02"


def test_a_refund_is_a_negative_amount(repz: Commands) -> None:
    assert repz("spend", "add", "reserve", "-30").code == 0
    assert "$1,030 left" in repz("spend", "list").out
    assert repz("spend", "add", "reserve", "5", "--nte", "x").code == 2


def test_spend_on_a_day_far_from_the_plan_is_bad_input(repz: Commands) -> None:
    answer = repz("spend", "add", "reserve", "5", "--on", "1999-01-01")
    assert answer.code == 2
    assert "1999-01-01 is more than 366 days from today and from the plan" in answer.err
    assert json.loads(repz("spend", "list", "--json").out) == []


def test_spend_on_a_line_that_does_not_exist_is_bad_input(repz: Commands) -> None:
    answer = repz("spend", "add", "reserv", "5")
    assert answer.code == 2
    assert "nearest is reserve" in answer.err


def test_the_journal_is_read_shown_exported_and_verified(repz: Commands, tmp_path: Path) -> None:
    for title in ("one", "two", "three"):
        repz("bug", "add", title)
    assert repz("journal", "tail", "-n", "2").out.count("filed P2") == 2
    assert json.loads(repz("journal", "show", "2", "--json").out)["event"]["title"] == "two"
    assert "two" in repz("journal", "show", "2").out
    assert repz("journal", "show", "9").code == 2
    exported = [json.loads(line) for line in repz("journal", "export", "--after", "1").out.splitlines()]
    assert [entry["seq"] for entry in exported] == [2, 3]
    verified = json.loads(repz("journal", "verify", "--json").out)
    assert verified["ok"] is True
    assert verified["length"] == 3
    assert verified["head"] == f"3:{exported[-1]['hash']}"
    assert repz("journal", "verify", "--head", verified["head"]).code == 0
    assert repz("journal", "verify", "--head", f"4:{'0' * 64}").code == 1


def test_nothing_that_somebody_wrote_acts_on_the_terminal(repz: Commands, tmp_path: Path) -> None:
    repz("bug", "add", "one")
    text = "[launch]\n# \x9b2J \u202e \U000e0041\n"
    journal = Journal.open(tmp_path / "store")
    adopted = PlanAdopted(hash="\x1b[2J", text=text, path="/srv/\x1b]0;gone\x07/config.toml")
    journal.append(adopted, Actor(user="mallory", uid=666, host="jump"))
    journal.close()
    said = [repz("journal", *words).out for words in (["tail"], ["show", "2"], ["show", "2", "--json"], ["export"])]
    for out in said:
        assert all(char.isprintable() or char == "\n" for char in out)
    assert json.loads(said[2])["event"]["text"] == text


def test_a_changed_entry_is_named_by_verify(repz: Commands, tmp_path: Path) -> None:
    for title in ("one", "marked", "three"):
        repz("bug", "add", title)
    file = tmp_path / "store" / "journal.db"
    assert b"marked" in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(b"marked", b"MARKED"))
    answer = repz("journal", "verify")
    assert answer.code == 1
    assert "entry 2 is broken" in answer.out


def test_reading_the_journal_makes_none(repz: Commands, tmp_path: Path) -> None:
    assert repz("journal", "verify").code == 0
    assert not (tmp_path / "store" / "journal.db").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-02-05T09:00", datetime(2027, 2, 5, 14, 0, tzinfo=UTC)),
        ("2027-02-05T09:00:00", datetime(2027, 2, 5, 14, 0, tzinfo=UTC)),
        ("2027-07-05T09:00", datetime(2027, 7, 5, 13, 0, tzinfo=UTC)),
        ("2027-02-05T09:00Z", datetime(2027, 2, 5, 9, 0, tzinfo=UTC)),
        ("2027-02-05T09:00+01:00", datetime(2027, 2, 5, 8, 0, tzinfo=UTC)),
    ],
)
def test_an_instant_without_an_offset_is_wall_clock_time_at_the_launch(text: str, expected: datetime) -> None:
    assert typed_instant(text, "America/New_York") == expected


@pytest.mark.parametrize(
    "text", ["2027-02-05", "soon", "", "2027-03-14T02:30", "0001-01-01T00:00+14:00", "9999-12-31T23:00"]
)
def test_an_instant_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no instant|no time of day|does not exist"):
        typed_instant(text, "America/New_York")


def test_an_instant_that_is_none_is_bad_input(repz: Commands) -> None:
    assert repz("rebase", "--full-launch", "2027-02-05").code == 2


def test_a_dry_run_tells_every_move_and_changes_nothing(repz: Commands) -> None:
    answer = repz("rebase", "--full-launch", "2031-05-24T09:00", "--dry-run")
    assert answer.code == 0
    assert "Fri 2031-05-16  ->  Sat 2031-05-24  another weekday" in answer.out
    assert "+8 days" in answer.out
    assert json.loads(repz("status", "--json").out)["launch"]["rebased_days"] == 0


@pytest.mark.parametrize("when", ["2200-01-01T09:00", "1969-12-31T09:00"])
def test_a_rebase_to_a_year_without_a_calendar_is_bad_input(repz: Commands, when: str) -> None:
    answer = repz("rebase", "--full-launch", when, "--dry-run")
    assert (answer.code, answer.out) == (2, "")
    assert "1970 to 2199" in answer.err


def test_a_rebase_is_confirmed_at_a_terminal_and_leaves_the_config_alone(repz: Commands, tmp_path: Path) -> None:
    before = (tmp_path / "config.toml").read_text()
    assert repz("rebase", "--full-launch", "2031-05-23T09:00").code == 3
    for typed, code, days in (("no", 3, 0), ("rebase", 0, 7)):
        terminal = Terminal(["rebase", "--full-launch", "2031-05-23T09:00"], tmp_path)
        terminal.wait_for("Type  rebase")
        terminal.type(typed)
        assert terminal.end() == code
        assert json.loads(repz("status", "--json").out)["launch"]["rebased_days"] == days
    assert json.loads(repz("status", "--json").out)["clock"]["t0"] == "2031-05-23T09:00:00Z"
    assert (tmp_path / "config.toml").read_text() == before


def test_status_as_data_has_every_area(repz: Commands) -> None:
    data = json.loads(repz("status", "--json").out)
    areas = "launch clock timeline rollout health bugs budget control sources findings journal"
    assert set(areas.split()) <= set(data)


def test_status_asks_no_source_unless_told_to(repz: Commands) -> None:
    def box(*options: str) -> str:
        data = json.loads(repz("status", "--json", *options).out)
        return str(next(source["freshness"] for source in data["sources"]["sources"] if source["id"] == "box"))

    assert box() == "DOWN"
    assert box("--refresh") == "LIVE"
    assert box() == "LIVE"


def test_status_as_text_names_what_matters(repz: Commands) -> None:
    repz("bug", "add", "it burns", "-p", "P0")
    out = repz("status").out
    for word in ("PRODUCTION", "T-", "ROLLOUT", "HEALTH", "1 P0 open", "$1,000", "conn  FREE", "block"):
        assert word in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_recorder_polls_for_everyone_until_it_is_told_to_end(
    repz: Commands, tmp_path: Path, number: signal.Signals
) -> None:
    recorder = start("record", cwd=tmp_path)
    try:
        deadline = time.monotonic() + PATIENCE
        while not json.loads(repz("status", "--json").out)["control"]["collector"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        recorder.send_signal(number)
        out, err = recorder.communicate(timeout=PATIENCE)
    finally:
        recorder.kill()
    assert recorder.returncode == 0
    assert out == ""
    assert "polls the sources for everyone" in err
    assert f"ends: {number.name}" in err
    assert "Traceback" not in err
    assert json.loads(repz("status", "--json").out)["control"]["collector"] == ""

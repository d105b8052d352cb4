"""`doctor`: what it says about terminals, configs, stores, sources and clocks, good and bad."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repz_console import config
from repz_console.commands.doctor import zones
from repz_console.commands.examine import clock, configuration, sharing, sources, storage, terminal
from repz_console.commands.examine.answer import Answer
from repz_console.events import NoteAdded, StoreRestored, StoreSteers
from repz_console.facts import Actor
from repz_console.store.journal import Journal
from tests.support.broken import fill, mounted
from tests.support.commands import Commands
from tests.support.users import needs_root

LAUNCH = """
[launch]
name = "small"
title = "Small"
environment = "TEST"
zone = "Europe/Berlin"
full_launch = { on = 2031-05-16, time = 09:00:00, zone = "America/New_York" }
"""


@pytest.fixture
def repz(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def of(answers: list[Answer], subject: str) -> Answer:
    return next(answer for answer in answers if answer.subject == subject)


def looked_at(environment: dict[str, str], **known: Any) -> list[Answer]:
    given: dict[str, Any] = {"is_terminal": True, "size": (80, 24), "encoding": "utf-8", "tmux": lambda _: None}
    return terminal.examine(environment, **{**given, **known})


def config_of(folder: Path, text: str) -> config.Loaded:
    file = folder / "config.toml"
    file.write_text(LAUNCH + text)
    return config.load(file)


def test_a_good_terminal_has_nothing_to_mend() -> None:
    answers = looked_at({"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    assert {answer.state for answer in answers} == {"ok"}


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_that_cannot_show_the_console_is_named(term: str) -> None:
    assert of(looked_at({"TERM": term}), "TERM").state == "warn"


def test_a_small_terminal_says_what_it_has_and_needs() -> None:
    answer = of(looked_at({"TERM": "xterm"}, size=(50, 10)), "size")
    assert answer.state == "warn"
    assert "50x10" in answer.line
    assert "60x15" in answer.remedy


def test_tmux_settings_that_get_in_the_way_are_told_with_the_line_that_mends_them() -> None:
    set_to = {"escape-time": "500", "set-clipboard": "external", "default-terminal": "screen"}
    answers = looked_at({"TERM": "screen", "TMUX": "/tmp/tmux,1,0"}, tmux=set_to.get)
    assert of(answers, "escape-time").state == "warn"
    assert "escape-time 20" in of(answers, "escape-time").remedy
    assert "set-clipboard on" in of(answers, "set-clipboard").remedy
    assert "tmux-256color" in of(answers, "default-terminal").remedy


def test_ssh_without_tmux_is_worth_a_warning() -> None:
    answers = looked_at({"TERM": "xterm", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})
    assert of(answers, "session").state == "warn"


def test_the_config_is_found_with_its_reason_and_its_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(LAUNCH + "\n[launhc]\n")
    answers, loaded = configuration.examine(file)
    assert loaded is None
    assert of(answers, "file").line == f"{file} (--config)"
    assert of(answers, "mistake").state == "bad"
    assert "launhc" in of(answers, "mistake").line


def test_a_whole_journal_is_good_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    journal = Journal.open(tmp_path)
    actor = Actor("alice", 1000, "box")
    for number in range(5):
        journal.append(NoteAdded(f"note {number}"), actor)
    journal.close()
    assert "5 entries" in of(storage.examine(str(tmp_path), tmp_path), "journal").line
    file = tmp_path / "journal.db"
    content = file.read_bytes()
    assert b"note 3" in content
    file.write_bytes(content.replace(b"note 3", b"NOTE 3"))
    answer = of(storage.examine(str(tmp_path), tmp_path), "journal")
    assert answer.state == "bad"
    assert "4" in answer.line


@needs_root
def test_a_disk_that_takes_no_entry_is_bad(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    with mounted("-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", at=tmp_path / "store"):
        Journal.open(tmp_path / "store").close()
        fill(tmp_path / "store")
        found = of(storage.examine("store", tmp_path), "space")
        assert found.state == "bad"
        assert "takes no entry: No space left on device" in found.line


def test_a_store_that_does_not_steer_is_bad_until_it_does(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    journal = Journal.open(tmp_path / "store")
    me = Actor("ann", 1, "jump", "pts/1", "c1")
    journal.append(NoteAdded("first"), me)
    assert "steering" not in [each.subject for each in storage.examine("store", tmp_path)]
    journal.append(StoreRestored(1, "00", "old", "/srv", datetime.now(UTC)), me)
    found = of(storage.examine("store", tmp_path), "steering")
    assert found.state == "bad"
    assert found.line.startswith("restored at ")
    assert "take-over" in found.remedy
    journal.append(StoreSteers(epoch=1), me)
    assert "steering" not in [each.subject for each in storage.examine("store", tmp_path)]
    journal.close()


def test_a_log_that_is_not_folded_in_is_named_with_its_size(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    Journal.open(tmp_path).close()
    log = tmp_path / "telemetry.db-wal"
    log.write_bytes(b"")
    assert not any(answer.subject == "log" for answer in storage.examine(str(tmp_path), tmp_path))
    os.truncate(log, 20 * 1024 * 1024)
    answer = of(storage.examine(str(tmp_path), tmp_path), "log")
    assert answer.state == "warn"
    assert "telemetry.db-wal has 20 MB" in answer.line


def test_a_store_that_everyone_can_write_is_bad(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(0o777)
    answers = storage.examine(str(folder), tmp_path)
    assert [answer.state for answer in answers] == ["bad"]
    assert "writable by everyone" in answers[0].line


def test_a_group_folder_without_setgid_is_worth_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(0o770)
    assert of(sharing.examine(folder, ()), "rights").state == "warn"


def test_each_source_is_tried_and_a_failing_one_hides_no_other(tmp_path: Path) -> None:
    text = """
[source.box]
kind = "host"
[source.bugs]
kind = "local"
[source.broken]
kind = "flagd"
path = "flags.json"
"""
    (tmp_path / "flags.json").write_text("{ this is no JSON")
    answers = asyncio.run(sources.examine(config_of(tmp_path, text), tmp_path))
    assert of(answers, "bugs").state == "ok"
    assert "readings" in of(answers, "box").line
    assert ": cpu, memory, " in of(answers, "box").line
    assert of(answers, "broken").state in ("bad", "warn")


def test_a_kill_that_could_not_be_written_is_told_before_it_is_needed(tmp_path: Path) -> None:
    text = '[source.flags]\nkind = "flagd"\npath = "missing/folder/flags.json"\n'
    answer = of(asyncio.run(sources.examine(config_of(tmp_path, text), tmp_path)), "flags way back")
    assert answer.state == "bad"
    assert answer.line.startswith("roll back and kill would fail now: the folder ")


def test_a_damaged_flag_file_can_be_killed_and_not_rolled_back_and_doctor_says_so(tmp_path: Path) -> None:
    (tmp_path / "flags.json").write_text("{")
    text = '[source.flags]\nkind = "flagd"\npath = "flags.json"\n'
    answers = asyncio.run(sources.examine(config_of(tmp_path, text), tmp_path))
    assert of(answers, "flags").state == "bad"
    assert of(answers, "flags way back").line.startswith("a kill would work now, a roll back would fail: ")


def test_zones_come_from_the_whole_plan_and_unknown_ones_are_bad(tmp_path: Path) -> None:
    plan = config_of(tmp_path, "").plan
    assert zones(plan) == {"Europe/Berlin", "America/New_York"}
    assert of(clock.examine(zones(plan)), "zones").state == "ok"
    assert of(clock.examine(["Mars/Olympus"]), "zones").state == "bad"


def test_the_command_exits_by_what_stands_in_the_way(repz: Commands, tmp_path: Path) -> None:
    config_of(tmp_path, f'[store]\npath = "{tmp_path / "store"}"\n')
    good = repz("doctor", "--json", "--config", str(tmp_path / "config.toml"))
    assert good.code == 0
    assert {answer["area"] for answer in json.loads(good.out)} >= {"terminal", "config", "store", "clock"}
    bad = repz("doctor", "--config", str(tmp_path / "nowhere.toml"))
    assert bad.code == 1
    assert "BAD" in bad.out
    assert "1 to mend" in bad.out

"""The emergency file: whole or not there, safe between processes, and imported once whatever happens meanwhile."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import stat
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repz_console.events import ChangeIntended, EmergencyImported, NoteAdded, RolloutHeld
from repz_console.facts import Exposure
from repz_console.store import emergency, syslog
from repz_console.store.emergency import NAME, SIZE, SLOT, SLOTS, Emergency, EmergencyFile, Record, bring_in
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.conftest import Figure
from tests.support.store import actor, python

AT = datetime(2027, 2, 1, 12, tzinfo=UTC)
PROLOGUE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from repz_console.events import RolloutHeld
from repz_console.store import emergency
from repz_console.store.emergency import Emergency, EmergencyFile, Record
from repz_console.store.journal import Journal
from tests.support.store import actor
folder = Path(sys.argv[1])
"""


def record(number: int, **event: str) -> Record:
    return Record(f"held:{number}", AT + timedelta(seconds=number), actor(), RolloutHeld("production", **event), "full")


@pytest.fixture
def file(tmp_path: Path) -> EmergencyFile:
    made = EmergencyFile(tmp_path / NAME, shared=True)
    made.prepare()
    return made


def test_it_is_on_the_disk_before_it_is_needed_and_for_this_user_alone(file: EmergencyFile) -> None:
    found = file.path.stat()
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (SIZE, 0o600)
    assert found.st_blocks * 512 >= SIZE
    assert file.free() == SLOTS
    file.write(record(1))
    file.prepare()
    assert file.read() == [record(1)]


def test_one_in_a_folder_of_a_group_is_for_the_group(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    made = EmergencyFile(tmp_path / NAME, shared=True)
    made.prepare()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o660


def test_records_come_back_as_they_were_in_their_order_until_they_are_cleared(file: EmergencyFile) -> None:
    written = [record(number, reason="it burns") for number in range(5)]
    file.write(*written[:3])
    file.write(*written[3:])
    assert file.read() == written
    file.clear({"held:1", "held:4"})
    assert [each.unique for each in file.read()] == ["held:0", "held:2", "held:3"]
    assert file.free() == SLOTS - 3


@pytest.mark.parametrize("kept", [1, 51, 60, 200])
def test_a_record_that_was_cut_short_is_none_and_its_slot_is_used_last(file: EmergencyFile, kept: int) -> None:
    file.write(record(1), record(2))
    raw = file.path.read_bytes()
    file.path.write_bytes(raw[: SLOT + kept] + bytes(SLOT - kept) + raw[2 * SLOT :])
    assert file.read() == [record(1)]
    file.write(*(record(number) for number in range(10, 10 + SLOTS - 1)))
    assert len(file.read()) == SLOTS
    with pytest.raises(StoreError, match="full"):
        file.write(record(99))


def test_every_single_changed_byte_of_a_record_shows(file: EmergencyFile) -> None:
    file.write(record(1, reason="x" * 100))
    raw = file.path.read_bytes()
    used = len(raw.rstrip(b"\0"))
    chance = random.Random(7)
    for at in chance.sample(range(used), 80):
        broken = bytearray(raw)
        broken[at] ^= 1 << chance.randrange(8)
        file.path.write_bytes(broken)
        assert file.read() == [], at


def test_evidence_that_does_not_fit_is_left_out_and_the_change_is_not(file: EmergencyFile) -> None:
    gates = {str(number): "PASS " * 20 for number in range(100)}
    evidence = {"gates": gates, "plan_hash": "abc"}
    intent = ChangeIntended("op1", "production", "kill", Exposure({}), None, "3", evidence=evidence)
    file.write(Record("change.intended:op1", AT, actor(), intent))
    (found,) = file.read()
    assert isinstance(found.event, ChangeIntended)
    assert (found.event.op, found.event.evidence["plan_hash"]) == ("op1", "abc")
    assert "gates" not in found.event.evidence
    with pytest.raises(StoreError, match="does not fit"):
        file.write(record(1, reason="x" * SLOT))


def test_a_writer_that_never_lets_go_of_the_file_does_not_stop_another(file: EmergencyFile) -> None:
    with file.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        started = time.monotonic()
        file.write(record(1), record(2))
        assert time.monotonic() - started < 60
        assert len(file.read()) == 2
        with pytest.raises(StoreError, match="busy"):
            file.clear({"held:1"})


def test_a_link_and_a_pipe_in_its_place_are_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(bytes(SIZE))
    (tmp_path / "linked").symlink_to(tmp_path / "victim")
    os.mkfifo(tmp_path / "pipe")
    for name in ("linked", "pipe"):
        with pytest.raises(StoreError):
            EmergencyFile(tmp_path / name, shared=True).write(record(1))
    assert not any((tmp_path / "victim").read_bytes())


def test_a_rehearsal_leaves_nothing_also_of_one_that_was_killed(file: EmergencyFile) -> None:
    file.write(Record("rehearsal:old", AT, actor(), NoteAdded("rehearsal")), record(1))
    file.rehearse(actor())
    assert file.read() == [record(1)]
    assert file.free() == SLOTS - 1


def test_a_record_of_a_newer_version_waits_for_that_version(file: EmergencyFile, tmp_path: Path) -> None:
    content = emergency._encoded(record(1)).replace(b"rollout.held", b"rollout.hexd")
    file.path.write_bytes(emergency._head(1, content) + content + bytes(SIZE - len(content) - 52))
    assert file.read() == []
    assert file.free() == SLOTS - 1


def test_what_no_file_takes_is_remembered_and_news_is_told_once(tmp_path: Path) -> None:
    places = Emergency(tmp_path)
    assert places.news() == ()
    places.prepare()
    places.files[0].write(record(1))
    old = time.time_ns() - 10**9
    os.utime(places.files[0].path, ns=(old, old))
    assert places.news() == (record(1),)
    assert places.news() is None
    places.remember(record(2))
    assert places.news() == (record(1), record(2))
    places.clear({"held:1", "held:2"})
    assert places.news() == ()


def test_a_record_becomes_one_entry_under_its_own_name_and_time(tmp_path: Path) -> None:
    places = Emergency(tmp_path)
    places.prepare()
    places.files[0].write(record(1), record(2))
    journal = Journal.open(tmp_path)
    journal.append(record(1).event, actor(), unique="held:1")
    assert bring_in(journal, places, actor("ben")) == 1
    first, second, told = journal.entries()
    assert (second.event, second.at, second.actor) == (record(2).event, record(2).at, record(2).actor)
    assert told.event == EmergencyImported(entries=(2,), why="full")
    assert told.actor.user == "ben"
    assert first.seq == 1
    assert places.read() == ()
    assert bring_in(journal, places, actor("ben")) == 0
    assert journal.verify().ok
    journal.close()


def test_writers_that_are_killed_lose_nothing_that_was_said_to_be_written(tmp_path: Path) -> None:
    file = EmergencyFile(tmp_path / NAME, shared=True)
    file.prepare()
    code = PROLOGUE + (
        "file = EmergencyFile(folder / emergency.NAME, shared=True)\n"
        "for number in range(1000):\n"
        "    unique = f'{sys.argv[2]}:{number}'\n"
        "    file.write(Record(unique, datetime.now(UTC), actor(), RolloutHeld('production', 'x' * 900)))\n"
        "    print(unique, flush=True)\n"
        "    file.clear({f'{sys.argv[2]}:{number - 8}'})\n"
    )
    acked = 0
    for turn in range(3):
        writers = [python(code, tmp_path, f"{turn}.{each}") for each in range(3)]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        time.sleep(random.Random(turn).uniform(0, 0.2))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        kept = [writer.communicate()[0].split() for writer in writers]
        found = {each.unique for each in file.read()}
        for uniques in kept:
            acked += len(uniques) + 1
            assert set(uniques[-7:]) <= found
        file.clear(found)
    assert acked > 9


@pytest.mark.figure
def test_two_consoles_that_are_killed_while_they_import_make_one_entry_of_each_record(
    tmp_path: Path, figure: Figure
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    code = PROLOGUE + (
        "journal = Journal.open(folder)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "emergency.bring_in(journal, Emergency(folder), actor(sys.argv[2]))\n"
    )
    rounds, records = figure.count(3, 100), 0
    journal = Journal.open(tmp_path)
    places = Emergency(tmp_path)
    places.prepare()
    for turn in range(rounds):
        written = [record(turn * 100 + number) for number in range(10)]
        places.files[0].write(*written)
        records += len(written)
        importers = [python(code, tmp_path, name, stdin=-1) for name in ("ana", "ben")]
        for importer in importers:
            assert importer.stdout is not None
            assert importer.stdin is not None
            importer.stdout.readline()
        for importer in importers:
            assert importer.stdin is not None
            importer.stdin.write("\n")
            importer.stdin.flush()
        time.sleep(chance.uniform(0, 0.02))
        for importer in importers:
            importer.send_signal(signal.SIGKILL)
            importer.communicate()
        bring_in(journal, places, actor("cleo"))
        assert places.read() == ()
    entries = journal.entries()
    held = [entry.at for entry in entries if isinstance(entry.event, RolloutHeld)]
    told = [seq for entry in entries if isinstance(entry.event, EmergencyImported) for seq in entry.event.entries]
    assert len(held) == len(set(held)) == len(told) == len(set(told)) == records, f"seed {seed}"
    assert journal.verify().ok
    journal.close()
    figure.say(f"{2 * rounds:,} kills of consoles that import: {records:,} of {records:,} records journaled, each once")


def test_syslog_is_told_without_waiting_and_what_nobody_hears_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    monkeypatch.setattr(syslog, "SOCKETS", (path,))
    assert not syslog.tell("nobody is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(os.fspath(path))
        assert syslog.tell("killed \x1b[2J\nproduction")
        heard = listener.recv(4096).decode()
        assert heard.startswith(f"<9>repz-console[{os.getpid()}]: killed ")
        assert heard.isprintable()
        told = [True]
        done = threading.Event()

        def flood() -> None:
            while told[-1] and len(told) < 100_000:
                told.append(syslog.tell("x" * 900))
            done.set()

        threading.Thread(target=flood, daemon=True).start()
        assert done.wait(60), "it waits for a daemon that does not read"
        assert not told[-1]


def test_what_is_older_than_the_journal_was_recorded_for_another_one_and_is_left_alone(tmp_path: Path) -> None:
    places = Emergency(tmp_path)
    places.prepare()
    old, new = record(1), record(2)
    places.files[0].write(old)
    journal = Journal.open(tmp_path)
    made = tmp_path / "journal.lock"
    os.utime(made, (AT.timestamp() + 2, AT.timestamp() + 2))
    assert bring_in(journal, places, actor("ben")) == 0
    assert journal.entries() == []
    journal.append(NoteAdded("the first"), actor(), at=AT + timedelta(seconds=2))
    places.files[0].write(new)
    assert bring_in(journal, places, actor("ben")) == 1
    assert [entry.event for entry in journal.entries()][1] == new.event
    assert places.read() == (old,)
    journal.close()

"""A disk that refuses, at any write or sync: nothing acknowledged is lost, and one line says what is wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from repz_console.events import NoteAdded
from repz_console.store import checkpoint, database
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from tests.conftest import Figure
from tests.support.disk import REFUSALS, Disk
from tests.support.store import actor

ANA = actor()
ENTRIES = 40
"""Enough for 200 writes and syncs, with several checkpoints among them."""
SAID = {
    "EIO": r"^The disk refused to read or write \S+journal\.db \(SQLITE_IOERR_\w+\): look at `dmesg`",
    "ENOSPC": r"^The disk (is full: nothing was written|refused to read or write)",
    "EROFS": r"^\S+journal\.db may not be written by you",
}


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "IDLE_PAGES", 12)


def session(folder: Path, said: list[str]) -> dict[int, str]:
    """A console's work on whatever disk there is: what was acknowledged, and in `said` what was not."""
    acknowledged: dict[int, str] = {}
    try:
        journal = Journal.open(folder)
    except StoreError as error:
        said.append(str(error))
        return acknowledged
    leases = Leases(journal)
    for number in range(ENTRIES):
        try:
            if number % 10 == 0:
                leases.take("conn", ANA, 60)
            entry = journal.append(NoteAdded(f"{number} " + "x" * 200), ANA)
            acknowledged[entry.seq] = entry.hash
        except StoreError as error:
            said.append(str(error))
        journal.tend()
    assert not journal.damage, "a disk that refuses is not a damaged file"
    if said and not acknowledged:
        assert journal.refused or journal.trouble
    journal.close()
    return acknowledged


@pytest.mark.figure
@pytest.mark.usefixtures("often")
def test_no_refused_write_is_acknowledged_and_lost(tmp_path: Path, figure: Figure) -> None:
    most = figure.count(5, 200)
    places = range(1, most + 1) if most == 200 else sorted(random.Random(5).sample(range(1, 200), most))
    tried, heard, kept = 0, 0, 0
    for refusal in REFUSALS:
        for at in places:
            for times in (1, 0):
                folder = tmp_path / f"{refusal}-{at}-{times}"
                folder.mkdir()
                said: list[str] = []
                with Disk() as disk:
                    disk.fail(at, refusal, times)
                    acknowledged = session(folder, said)
                journal = Journal.open(folder)
                assert journal.trouble == ""
                found = {entry.seq: entry.hash for entry in journal.entries()}
                assert {seq: found.get(seq) for seq in acknowledged} == acknowledged
                assert journal.verify().ok
                if times:
                    assert len(acknowledged) >= ENTRIES - 2 or not acknowledged, "one failure must not end the session"
                assert journal.append(NoteAdded("the disk is back"), ANA).seq == len(found) + 1
                journal.close()
                tried, heard, kept = tried + 1, heard + bool(said), kept + len(acknowledged)
    assert heard > tried // 2
    figure.say(
        f"{tried:,} disks refusing (EIO, ENOSPC, EROFS; once, for good) at {most} of 200 writes and syncs: "
        f"0 of {kept:,} acknowledged entries lost, all reopened whole"
    )


@pytest.mark.parametrize("refusal", sorted(REFUSALS))
def test_a_refusal_is_one_plain_line_and_the_next_write_goes_through(tmp_path: Path, refusal: str) -> None:
    with Disk() as disk:
        journal = Journal.open(tmp_path)
        journal.append(NoteAdded("before"), ANA)
        for at in range(1, 6):
            disk.fail(at, refusal, 1)
            with pytest.raises(StoreError, match=SAID[refusal]) as caught:
                journal.append(NoteAdded("x"), ANA)
            assert "\n" not in str(caught.value)
            assert journal.refused == str(caught.value)
            assert journal.trouble == ""
            disk.fails_at = 0
            journal.append(NoteAdded("after"), ANA)
            assert journal.refused == ""
        assert [entry.event for entry in journal.entries()] == [NoteAdded("before")] + [NoteAdded("after")] * 5
        journal.close()


@pytest.mark.usefixtures("often")
def test_a_checkpoint_that_fails_takes_back_no_entry_and_is_said(tmp_path: Path) -> None:
    with Disk() as disk:
        journal = Journal.open(tmp_path)
        journal.append_many([NoteAdded("x" * 3000)] * 20, ANA)
        disk.fail(1, "EIO")
        journal.tend()
        assert "refused" in journal.refused
        assert len(journal.entries()) == 20
        disk.fails_at = 0
        journal.append_many([NoteAdded("x" * 3000)] * 20, ANA)
        assert journal.refused == ""
        journal.tend()
        assert journal.refused == ""
        assert sum(step.what == "sync" and step.file == "journal.db" for step in disk.steps) >= 2
        journal.close()


def test_a_full_disk_leaves_no_half_copy(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append_many([NoteAdded("x" * 500)] * 200, ANA)
    db = database.connect(journal.path, read_only=True)
    with Disk() as disk:
        disk.fail(5, "ENOSPC", 1)
        with pytest.raises(StoreError, match="disk is full"):
            database.copy(db, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    database.copy(db, tmp_path / "copy.db")
    db.close()


def test_a_disk_that_turned_read_only_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "is_read_only", lambda path: True)
    with Disk() as disk:
        journal = Journal.open(tmp_path)
        disk.fail(1, "EIO")
        with pytest.raises(StoreError, match=r"is read-only: nothing was written; `dmesg` tells why"):
            journal.append(NoteAdded("x"), ANA)
        journal.close()


def test_a_disk_without_room_for_shared_memory_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_has_no_room", lambda path: True)
    with Disk() as disk:
        journal = Journal.open(tmp_path)
        disk.fail(1, "EIO", 1)
        with pytest.raises(StoreError, match="disk is full"):
            journal.append(NoteAdded("x"), ANA)
        journal.close()


def test_a_journal_opened_on_a_full_disk_says_so_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal.open(tmp_path).close()
    monkeypatch.setattr(database, "_has_no_room", lambda path: True)
    journal = Journal.open(tmp_path)
    assert "disk is full" in journal.condition.refused
    assert not journal.condition.trouble, "it is tried again"
    journal.append(NoteAdded("room after all"), actor("ana"))
    assert journal.condition.refused == ""
    journal.close()

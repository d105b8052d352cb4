"""Opening the store: damaged, newer, older, foreign and unwritable files."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
import pytest

from repz_console.events import NoteAdded
from repz_console.store import journal as journal_module
from repz_console.store import telemetry as telemetry_module
from repz_console.store.errors import NewerStore, StoreError
from repz_console.store.journal import Journal
from repz_console.store.schema import JOURNAL, TELEMETRY, Schema
from repz_console.store.telemetry import Telemetry
from tests.support.store import actor

ANA = actor()
NEXT_JOURNAL = Schema(
    JOURNAL.name, JOURNAL.application_id, (*JOURNAL.steps, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT")
)


def written(folder: Path, length: int = 200) -> None:
    journal = Journal.open(folder)
    journal.append_many([NoteAdded(f"note {number} " + "x" * 300) for number in range(length)], ANA)
    journal.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".db-shm"}


def test_a_journal_of_rubbish_opens_for_reading_untouched(tmp_path: Path) -> None:
    rubbish = os.urandom(20_000)
    (tmp_path / "journal.db").write_bytes(rubbish)
    journal = Journal.open(tmp_path)
    assert "damaged" in journal.trouble
    assert journal.damage == journal.trouble
    assert journal.entries() == []
    with pytest.raises(StoreError, match="damaged"):
        journal.append(NoteAdded("x"), ANA)
    journal.close()
    assert (tmp_path / "journal.db").read_bytes() == rubbish


@pytest.mark.parametrize(("page", "whole"), [(3, True), (5, False), (10, False)])
def test_a_journal_with_a_broken_page_opens_for_reading_untouched(tmp_path: Path, page: int, whole: bool) -> None:
    written(tmp_path)
    raw = bytearray((tmp_path / "journal.db").read_bytes())
    raw[page * 4096 : page * 4096 + 4096] = os.urandom(4096)
    (tmp_path / "journal.db").write_bytes(raw)
    journal = Journal.open(tmp_path)
    assert "damaged" in journal.trouble
    assert "\n" not in journal.trouble
    assert (len(journal.entries()) == 200) is whole
    assert not journal.verify().ok
    with pytest.raises(StoreError, match="damaged"):
        journal.append(NoteAdded("x"), ANA)
    journal.close()
    reader = Journal.open(tmp_path, read_only=True)
    assert "damaged" in reader.trouble
    assert reader.damage == reader.trouble
    reader.close()
    assert (tmp_path / "journal.db").read_bytes() == bytes(raw)


def test_a_half_journal_opens_for_reading(tmp_path: Path) -> None:
    written(tmp_path)
    raw = (tmp_path / "journal.db").read_bytes()
    (tmp_path / "journal.db").write_bytes(raw[: len(raw) // 2])
    journal = Journal.open(tmp_path)
    assert "damaged" in journal.trouble
    journal.entries()
    journal.close()


def test_a_torn_log_loses_only_what_was_not_finished(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for number in range(20):
        journal.append(NoteAdded(f"{number}"), ANA)
    copy = tmp_path / "copy"
    copy.mkdir()
    log = (tmp_path / "journal.db-wal").read_bytes()
    (copy / "journal.db").write_bytes((tmp_path / "journal.db").read_bytes())
    (copy / "journal.db-wal").write_bytes(log[:-2000])
    torn = Journal.open(copy)
    assert torn.trouble == ""
    assert torn.head()[0] == 19
    assert torn.verify().ok


@pytest.mark.parametrize("log_left", [False, True])
def test_a_newer_journal_is_refused_and_not_touched(tmp_path: Path, log_left: bool) -> None:
    written(tmp_path, 3)
    newer = apsw.Connection(str(tmp_path / "journal.db"))
    newer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    newer.execute(f"CREATE TABLE later (x); PRAGMA user_version = {JOURNAL.version + 1}")
    if not log_left:
        newer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    newer.close()
    before = contents(tmp_path)
    for read_only in (False, True):
        with pytest.raises(NewerStore, match=r"newer repz-console .*not touched"):
            Journal.open(tmp_path, read_only=read_only)
    assert contents(tmp_path) == before
    assert bool(before["journal.db-wal"]) is log_left


def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path: Path) -> None:
    for name in ("journal.db", "telemetry.db"):
        other = apsw.Connection(str(tmp_path / name))
        other.execute("CREATE TABLE bookmarks (url)")
        other.close()
    before = {name: (tmp_path / name).read_bytes() for name in ("journal.db", "telemetry.db")}
    with pytest.raises(StoreError, match="another program"):
        Journal.open(tmp_path)
    with pytest.raises(StoreError, match="another program"):
        Telemetry.open(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_an_older_journal_is_brought_up_with_a_copy_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, 3)
    old = Journal.open(tmp_path)
    entries, head = old.entries(), old.head()
    old.close()
    monkeypatch.setattr(journal_module, "JOURNAL", NEXT_JOURNAL)
    journal = Journal.open(tmp_path)
    assert journal.read("PRAGMA user_version") == [(JOURNAL.version + 1,)]
    assert journal.entries() == entries
    assert journal.append(NoteAdded("x"), ANA).seq == 4
    assert journal.verify(head).ok
    (copy,) = tmp_path.glob("journal-version-*.db")
    assert apsw.Connection(str(copy)).execute("PRAGMA user_version").get == JOURNAL.version


def test_no_upgrade_while_another_console_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Journal.open(tmp_path)
    old.append(NoteAdded("x"), ANA)
    monkeypatch.setattr(journal_module, "JOURNAL", NEXT_JOURNAL)
    with pytest.raises(StoreError, match="close the others"):
        Journal.open(tmp_path)
    with pytest.raises(StoreError, match="needs an upgrade"):
        Journal.open(tmp_path, read_only=True)
    assert old.append(NoteAdded("y"), ANA).seq == 2
    old.close()
    assert Journal.open(tmp_path).append(NoteAdded("z"), ANA).seq == 3


def test_a_failed_upgrade_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, 3)
    broken = Schema(JOURNAL.name, JOURNAL.application_id, (*JOURNAL.steps, "CREATE TABLE a (x); CREATE TABLE a (x)"))
    monkeypatch.setattr(journal_module, "JOURNAL", broken)
    with pytest.raises(StoreError, match="already exists"):
        Journal.open(tmp_path)
    monkeypatch.undo()
    journal = Journal.open(tmp_path)
    assert journal.append(NoteAdded("x"), ANA).seq == 4
    assert journal.read("SELECT count(*) FROM sqlite_schema WHERE name = 'a'") == [(0,)]


def test_telemetry_is_brought_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Telemetry.open(tmp_path).close()
    later = Schema(TELEMETRY.name, TELEMETRY.application_id, (*TELEMETRY.steps, "CREATE TABLE later (x)"))
    with monkeypatch.context() as patch:
        patch.setattr(telemetry_module, "TELEMETRY", later)
        Telemetry.open(tmp_path).close()
    with pytest.raises(NewerStore):
        Telemetry.open(tmp_path)


def test_reading_only_makes_and_changes_nothing(tmp_path: Path) -> None:
    empty = Journal.open(tmp_path, read_only=True)
    assert "no journal" in empty.trouble
    assert empty.damage == ""
    assert (empty.entries(), empty.head(), empty.verify().ok) == ([], (0, ""), True)
    assert list(tmp_path.iterdir()) == []
    writer = Journal.open(tmp_path)
    writer.append(NoteAdded("x"), ANA)
    reader = Journal.open(tmp_path, read_only=True)
    assert len(reader.entries()) == 1
    with pytest.raises(StoreError, match="reading"):
        reader.append(NoteAdded("y"), ANA)
    writer.append(NoteAdded("z"), ANA)
    assert reader.head()[0] == 2


def test_two_consoles_may_start_at_once_on_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch(0o600)
    one, two = Journal.open(tmp_path), Journal.open(tmp_path)
    assert (one.append(NoteAdded("x"), ANA).seq, two.append(NoteAdded("y"), ANA).seq) == (1, 2)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    written(tmp_path / "real", 1)
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "journal.db").symlink_to(tmp_path / "real" / "journal.db")
    with pytest.raises(StoreError, match="cannot be opened"):
        Journal.open(tmp_path / "fake")

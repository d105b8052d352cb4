"""The journal: entries come back as they were written, in order, once, and nothing else can be done to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repz_console.events import (
    BugFiled,
    ChangeIntended,
    EntryErased,
    Event,
    NoteAdded,
    PlanAdopted,
    SpendAdded,
    TaskProgressed,
    Unknown,
)
from repz_console.facts import Exposure
from repz_console.store import payload
from repz_console.store.journal import Journal, StoreError
from tests.support.store import actor, tamper

ANA = actor()
REST = "at, kind, actor, payload, payload_hash, hash, uniq FROM entry WHERE seq = 1"


def test_entries_come_back_as_written(tmp_path: Path) -> None:
    spend = SpendAdded("ledger", "s1", "ads", Decimal("12.10"), "actual", date(2026, 2, 1), "café")
    change = ChangeIntended("op1", "web", "set", Exposure({"us": 20.5}, ("core",)), None, "7", evidence={"p0": 0})
    first = Journal.open(tmp_path)
    written = [first.append(spend, ANA), first.append(change, actor("bo", "c2"))]
    first.close()
    again = Journal.open(tmp_path)
    assert again.entries() == written
    assert [entry.event for entry in written] == [spend, change]
    assert [entry.seq for entry in written] == [1, 2]
    assert written[0].kind == "spend.added"
    assert written[1].actor == actor("bo", "c2")
    assert again.head() == (2, written[1].hash)
    assert again.trouble == ""


def test_entries_can_be_read_in_parts(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    assert journal.head() == (0, "")
    assert journal.entries() == []
    journal.append_many([NoteAdded(str(number)) for number in range(1, 11)], ANA)

    def seqs(**query: Any) -> list[int]:
        return [entry.seq for entry in journal.entries(**query)]

    assert seqs(after=7) == [8, 9, 10]
    assert seqs(after=2, limit=2) == [3, 4]
    assert seqs(newest=True, limit=3) == [10, 9, 8]
    assert seqs(after=8, newest=True) == [10, 9]
    found = journal.entry(4)
    assert found is not None
    assert found.seq == 4
    assert journal.entry(11) is None


def test_a_time_is_kept_in_utc(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    noon = datetime(2026, 2, 1, 12, 0, 0, 123456, timezone(timedelta(hours=-5)))
    journal.append(NoteAdded("x"), ANA, at=noon)
    (entry,) = journal.entries()
    assert entry.at == noon
    assert entry.at.tzinfo is UTC
    with pytest.raises(ValueError, match="zone"):
        journal.append(NoteAdded("x"), ANA, at=datetime(2026, 2, 1))  # noqa: DTZ001 - that is the mistake
    assert journal.head()[0] == 1


def test_a_unique_key_is_written_once(tmp_path: Path) -> None:
    one, two = Journal.open(tmp_path), Journal.open(tmp_path)
    first = one.append(NoteAdded("first"), ANA, unique="source.failed/api/1")
    assert two.append(NoteAdded("second"), actor("bo"), unique="source.failed/api/1") == first
    assert two.append(NoteAdded("third"), ANA, unique="source.failed/api/2").seq == 2
    assert one.head()[0] == 2


def test_many_are_written_all_or_none(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    with pytest.raises(ValueError, match=r"task\.progressed"):
        journal.append_many([NoteAdded("a"), TaskProgressed("t", float("nan"))], ANA)
    assert journal.entries() == []
    assert journal.append_many([], ANA) == []
    assert [entry.seq for entry in journal.append_many([NoteAdded("a"), NoteAdded("b")], ANA)] == [1, 2]


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    with pytest.raises(ValueError, match="unknown"):
        journal.append(Unknown("future.kind"), ANA)
    with pytest.raises(ValueError, match=r"bug\.filed"):
        journal.append(BugFiled("local", "1", "x", "P9"), ANA)  # type: ignore[arg-type] # what a slip would write
    assert journal.head()[0] == 0


def test_other_connections_see_a_write_by_its_version(tmp_path: Path) -> None:
    one, two = Journal.open(tmp_path), Journal.open(tmp_path)
    before, own = two.data_version(), one.data_version()
    one.append(NoteAdded("x"), ANA)
    assert two.data_version() != before
    assert one.data_version() == own
    assert [entry.event for entry in two.entries()] == [NoteAdded("x")]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET payload = '{}' WHERE seq = 1",
        "UPDATE entry SET payload = NULL WHERE seq = 1",
        "UPDATE entry SET actor = '{}'",
        "DELETE FROM entry WHERE seq = 2",
        "INSERT OR REPLACE INTO entry SELECT seq, " + REST,
        "INSERT OR REPLACE INTO entry SELECT 3, " + REST,
        "INSERT INTO entry SELECT 9, " + REST.replace("uniq", "NULL"),
    ],
)
def test_the_file_itself_refuses_all_but_the_next_entry(tmp_path: Path, sql: str) -> None:
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("a"), ANA, unique="a")
    journal.append(NoteAdded("b"), ANA)
    stranger = apsw.Connection(str(journal.path))
    with pytest.raises(apsw.ConstraintError):
        stranger.execute(sql)
    assert journal.verify().ok
    assert journal.head()[0] == 2


def test_an_unknown_kind_is_shown_not_dropped(tmp_path: Path) -> None:
    class Later(Event, frozen=True, tag="later.thing"):
        what: str
        note: str

    journal = Journal.open(tmp_path)
    kinds = payload._EVENT
    try:
        payload._EVENT = msgspec.json.Decoder(Later)
        journal.append(Later("x", "bell\x07"), ANA)  # type: ignore[arg-type] # as a newer program would
    finally:
        payload._EVENT = kinds
    (entry,) = journal.entries()
    assert entry.kind == "later.thing"
    assert entry.event == Unknown("later.thing", {"what": "x", "note": "bell␇"})
    assert journal.verify().ok


def test_strings_are_kept_raw_and_shown_safe(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    hostile = "INC-2\x1b[>q \u202egnp\x9b"
    entry = journal.append(NoteAdded(hostile), actor("eve\x1b[2J"))
    assert entry.event == NoteAdded("INC-2␛[>q \ufffdgnp\ufffd")
    assert entry.actor.user == "eve<U+001B>[2J"
    assert journal.entries() == [entry]
    raw = apsw.Connection(str(journal.path)).execute("SELECT payload FROM entry").get
    assert msgspec.json.decode(raw)["text"] == hostile


def test_a_plan_keeps_its_line_breaks(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    adopted = PlanAdopted("h", '[launch]\ntitle = "é"\n' * 2000, "config.toml", {"more.toml": "a = 1\n"})
    assert journal.append(adopted, ANA).event == adopted


def test_a_payload_can_be_erased_and_the_chain_holds(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("token is hunter2secret"), ANA)
    journal.append(NoteAdded("after"), ANA)
    record = journal.erase(1, actor("bo"), "a token leaked")
    assert record.event == EntryErased(1, "a token leaked")
    assert record.actor.user == "bo"
    erased = journal.entries()[0]
    assert (erased.kind, erased.event) == ("note.added", Unknown("note.added", {"erased": True}))
    assert journal.verify().ok
    with pytest.raises(StoreError, match="erased already"):
        journal.erase(1, ANA, "again")
    with pytest.raises(StoreError, match="no entry 3"):
        journal.erase(3, ANA, "the record itself")
    with pytest.raises(StoreError, match="no entry 9"):
        journal.erase(9, ANA, "nothing there")
    assert journal.head()[0] == 3
    for file in tmp_path.iterdir():
        assert b"hunter2secret" not in file.read_bytes(), file
    journal.close()
    assert Journal.open(tmp_path).trouble == ""


def test_a_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("before"), ANA)
    journal._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="disk is full"):
        journal.append(NoteAdded("x" * 100_000), ANA)
    assert "disk is full" in journal.refused
    assert not journal.trouble
    with journal.writing():
        pass
    assert journal.refused, "nothing was written, which proves nothing"
    journal._db.execute("PRAGMA max_page_count = 100000")
    assert journal.append(NoteAdded("after"), ANA).seq == 2
    assert journal.refused == ""
    assert journal.verify().ok


def test_a_disk_that_takes_anothers_entry_is_no_longer_full(tmp_path: Path) -> None:
    journal, other = Journal.open(tmp_path), Journal.open(tmp_path)
    journal.data_version()
    journal._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="disk is full"):
        journal.append(NoteAdded("x" * 100_000), ANA)
    journal.data_version()
    assert journal.refused
    other.append(NoteAdded("there is room"), ANA)
    journal.data_version()
    assert journal.refused == ""


def test_a_busy_journal_says_so(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal._db.set_busy_timeout(10)
    other = apsw.Connection(str(journal.path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="busy"):
        journal.append(NoteAdded("x"), ANA)
    other.execute("ROLLBACK")
    assert journal.append(NoteAdded("x"), ANA).seq == 1


def test_a_replaced_file_takes_no_more_writes(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("x"), ANA)
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (tmp_path / name).rename(tmp_path / f"old-{name}")
    newer = Journal.open(tmp_path)
    newer.append(NoteAdded("in the new file"), ANA)
    with pytest.raises(StoreError, match="moved or replaced"):
        journal.append(NoteAdded("lost"), ANA)
    assert "moved or replaced" in journal.trouble
    assert journal.damage == journal.trouble
    journal.close()
    assert newer.append(NoteAdded("still"), ANA).seq == 2
    newer.close()
    assert [entry.event for entry in Journal.open(tmp_path).entries()] == [
        NoteAdded("in the new file"),
        NoteAdded("still"),
    ]


def test_a_file_moved_without_its_log_is_not_started_anew(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("x"), ANA)
    journal.path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match="without its log"):
        Journal.open(tmp_path)


def test_a_journal_that_was_cut_takes_no_more_writes(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append_many([NoteAdded("a"), NoteAdded("b")], ANA)
    tamper(tmp_path, "DELETE FROM entry WHERE seq = 2")
    with pytest.raises(StoreError, match="cut"):
        journal.append(NoteAdded("c"), ANA)
    assert "cut" in journal.damage


@pytest.mark.parametrize("read_only", [False, True])
def test_who_only_reads_sees_that_it_was_cut_or_moved(tmp_path: Path, read_only: bool) -> None:
    Journal.open(tmp_path).append_many([NoteAdded("a"), NoteAdded("b")], ANA)
    reader = Journal.open(tmp_path, read_only=read_only)
    assert len(reader.entries()) == 2
    assert reader.damage == ""
    tamper(tmp_path, "DELETE FROM entry WHERE seq = 2")
    reader.entries(after=2)
    assert "cut" in reader.damage
    moved = Journal.open(tmp_path, read_only=read_only)
    moved.path.rename(tmp_path / "elsewhere.db")
    moved.data_version()
    assert "moved or replaced" in moved.damage


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Mn", "Zl", "Zp", "Cn"]), max_size=40)
EVENTS = st.one_of(
    st.builds(NoteAdded, TEXT),
    st.builds(TaskProgressed, TEXT, st.floats(0, 100)),
    st.builds(BugFiled, TEXT, TEXT, TEXT, st.sampled_from(["P0", "P4"]), TEXT, TEXT),
    st.builds(
        SpendAdded,
        TEXT,
        TEXT,
        TEXT,
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
        st.sampled_from(["actual", "committed"]),
        st.dates(),
        TEXT,
    ),
)


@settings(max_examples=40)
@given(events=st.lists(EVENTS, max_size=6))
def test_any_events_round_trip_and_chain(tmp_path_factory: pytest.TempPathFactory, events: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal.open(folder)
    written = journal.append_many(events, ANA)
    assert journal.entries() == written
    stored = [row[0] for row in journal.read("SELECT payload FROM entry ORDER BY seq")]
    assert [payload._EVENT.decode(raw) for raw in stored] == events
    result = journal.verify(journal.head() if events else None)
    assert (result.ok, result.length) == (True, len(events))
    journal.close()


@given(st.binary(max_size=60))
def test_any_bytes_decode_to_something(raw: bytes) -> None:
    event = payload.decode("note.added", raw)
    assert isinstance(event, Event)

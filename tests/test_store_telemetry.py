"""The telemetry: the last word of every source, the past, who is here; a damaged file costs nothing but history."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import apsw
import msgspec
import pytest

from repz_console.facts import (
    Bug,
    Exposure,
    Facts,
    Person,
    Reading,
    RolloutState,
    Snapshot,
    Spend,
    TaskProgress,
    Tick,
)
from repz_console.store.errors import NewerStore, StoreError
from repz_console.store.schema import TELEMETRY
from repz_console.store.telemetry import Telemetry
from tests.support.store import Clock

T0 = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
BUG = Bug("local:1", "It breaks", "P0", "open", T0, T0, "ana")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def snapshot(
    seconds: float, value: float | None = 1.0, *, bugs: tuple[Bug, ...] | None = None, error: str = ""
) -> Snapshot:
    """What `box` said at a time."""
    facts = Facts((Reading("cpu", value, at(seconds), "%"), Reading("load", 0.5, at(seconds))), bugs=bugs)
    return Snapshot("box", "host", 1, facts, at(seconds), at(seconds), error)


def rows(telemetry: Telemetry, sql: str) -> list[tuple[object, ...]]:
    db = apsw.Connection(str(telemetry.path))
    found = list(db.execute(sql))
    db.close()
    return found


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry.open(tmp_path)


def test_everything_a_source_can_say_comes_back(telemetry: Telemetry, tmp_path: Path) -> None:
    facts = Facts(
        readings=(Reading("a", 1.25, at(0.5), "ms", ""), Reading("b", None, at(1), "", "no data: café")),
        bugs=(BUG,),
        spend=(Spend("s1", "ads", Decimal("12.10"), "actual", date(2026, 2, 1)),),
        ticks=(Tick("list/item", "done", "ana", T0),),
        progress=(TaskProgress("t", 33.3, "bo", T0),),
        rollouts=(RolloutState("web", Exposure({"us": 20.0}, ("core",)), "7", "ana", T0, "op", ("odd",)),),
    )
    full = Snapshot("full", "demo", 30, facts, at(2), at(3), "timed out")
    never = Snapshot("never", "probe", 10, None, None, at(3), "refused")
    telemetry.save([full, never], at(3))
    assert telemetry.load() == {"full": full, "never": never}
    assert Telemetry.open(tmp_path).load() == {"full": full, "never": never}


def test_an_unchanged_source_only_moves_its_times(telemetry: Telemetry, tmp_path: Path) -> None:
    telemetry.save([snapshot(0)], at(0))
    stored = rows(telemetry, "SELECT revision, facts FROM source")
    for second in range(1, 90):
        telemetry.save([snapshot(second)], at(second))
    assert rows(telemetry, "SELECT revision, facts FROM source") == stored
    assert rows(telemetry, "SELECT count(*) FROM past") == [(1,)]
    assert Telemetry.open(tmp_path).load() == {"box": snapshot(89)}


def test_nothing_is_written_when_nothing_came(telemetry: Telemetry, tmp_path: Path) -> None:
    other = Telemetry.open(tmp_path)
    telemetry.save([snapshot(0)], at(0))
    seen = other.data_version()
    for second in range(1, 9):
        telemetry.save([snapshot(0)], at(second))
    assert other.data_version() == seen
    telemetry.save([snapshot(9)], at(9))
    assert other.data_version() != seen


def test_a_failure_keeps_the_last_facts(telemetry: Telemetry) -> None:
    telemetry.save([snapshot(0)], at(0))
    failed = msgspec.structs.replace(snapshot(0), last_try_at=at(1), error="timed out")
    telemetry.save([failed], at(1))
    assert telemetry.load() == {"box": failed}
    assert telemetry.past("box", at(0.5)) == (snapshot(0).facts, "")
    assert telemetry.past("box", at(2)) == (snapshot(0).facts, "timed out")


def test_the_past_can_be_asked(telemetry: Telemetry) -> None:
    assert telemetry.past("box", at(0)) == (None, "")
    telemetry.save([snapshot(0, bugs=())], at(0))
    telemetry.save([snapshot(5, bugs=(BUG,))], at(5))
    telemetry.save([snapshot(7, bugs=())], at(7))
    bugs = [
        found.bugs if (found := telemetry.past("box", at(second))[0]) else None for second in (-1, 0, 4, 5, 6, 7, 99)
    ]
    assert bugs == [None, (), (), (BUG,), (BUG,), (), ()]
    assert telemetry.past("other", at(9)) == (None, "")


def test_numbers_alone_are_kept_by_the_minute_then_the_quarter_hour_then_dropped(telemetry: Telemetry) -> None:
    for second in range(0, 1800, 20):
        telemetry.save([snapshot(second, float(second))], at(second))
    telemetry.save([snapshot(1801, 1.0, bugs=(BUG,))], at(1801))
    minutes = [row[0] for row in rows(telemetry, "SELECT at FROM past ORDER BY at")]
    assert len(minutes) == 31
    telemetry.prune(at(3 * 86400))
    times = [row[0] for row in rows(telemetry, "SELECT at FROM past ORDER BY at")]
    assert times == [int(at(second).timestamp()) for second in (0, 900, 1801)]
    telemetry.prune(at(89 * 86400))
    assert len(rows(telemetry, "SELECT at FROM past")) == 3
    telemetry.prune(at(91 * 86400))
    assert rows(telemetry, "SELECT at FROM past") == []
    assert telemetry.load()["box"].facts is not None


def test_another_collector_takes_over_and_the_first_comes_back(telemetry: Telemetry, tmp_path: Path) -> None:
    second = Telemetry.open(tmp_path)
    telemetry.save([snapshot(0, 1.0)], at(0))
    second.save([snapshot(1, 2.0)], at(1))
    # To the first one nothing has changed since its own save; the file holds the other's value.
    telemetry.save([snapshot(2, 1.0)], at(2))
    assert second.load() == {"box": snapshot(2, 1.0)}


def test_unreadable_facts_are_said_not_shown(telemetry: Telemetry, tmp_path: Path) -> None:
    telemetry.save([snapshot(0)], at(0))
    telemetry.close()
    db = apsw.Connection(str(telemetry.path))
    db.execute("UPDATE source SET facts = x'00'")
    db.close()
    (loaded,) = Telemetry.open(tmp_path).load().values()
    assert loaded.facts is None
    assert "cannot be read" in loaded.error


def person(user: str, console: str, seconds: float = 0) -> Person:
    return Person(user, "box", "", console, at(seconds), "room", at(seconds))


def test_people_are_here_while_they_say_so(tmp_path: Path) -> None:
    clock = Clock()
    one, two = (Telemetry.open(tmp_path, clock=clock) for _ in range(2))
    one.here(person("ana", "c1", 5))
    two.here(person("bo", "c2", 1))
    assert one.people() == two.people() == (person("bo", "c2", 1), person("ana", "c1", 5))
    clock.seconds += 10
    moved = msgspec.structs.replace(person("ana", "c1", 5), tab="bugs")
    one.here(moved)
    clock.seconds += 5
    assert two.people() == (moved,)
    one.left("c1")
    assert two.people() == ()
    one.here(moved)
    clock.boot = "boot-2"
    assert one.people() == ()
    one.prune(at(0))
    assert rows(one, "SELECT * FROM person") == []


@pytest.mark.parametrize(
    "content", [b"not a database, and long enough to look at it" * 200, b"short", b"SQLite format 3\0" * 999]
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "telemetry.db").write_bytes(content)
    telemetry = Telemetry.open(tmp_path)
    assert "set aside" in telemetry.notice
    (aside,) = tmp_path.glob("telemetry-damaged-*.db")
    assert aside.read_bytes() == content
    assert aside.name in telemetry.notice
    telemetry.save([snapshot(0)], at(0))
    assert telemetry.load() == {"box": snapshot(0)}
    assert Telemetry.open(tmp_path).notice == ""


def test_damage_found_later_is_set_aside_and_work_goes_on(tmp_path: Path) -> None:
    telemetry = Telemetry.open(tmp_path)
    for second in range(0, 4000, 60):
        telemetry.save([snapshot(second, second * 1.1)], at(second))
    telemetry.close()
    raw = bytearray(telemetry.path.read_bytes())
    raw[4096:] = os.urandom(len(raw) - 4096)
    telemetry.path.write_bytes(raw)
    for name in ("telemetry.db-wal", "telemetry.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    again = Telemetry.open(tmp_path)
    with pytest.raises(StoreError, match="damaged"):
        again.load()
    assert "set aside" in again.notice
    again.save([snapshot(0)], at(0))
    assert again.load() == {"box": snapshot(0)}
    assert len(list(tmp_path.glob("telemetry-damaged-*.db"))) == 1


def test_others_follow_when_the_file_is_set_aside_or_deleted(tmp_path: Path) -> None:
    one, two = Telemetry.open(tmp_path), Telemetry.open(tmp_path)
    one.save([snapshot(0)], at(0))
    for path in tmp_path.glob("telemetry.db*"):
        path.unlink()
    one.save([snapshot(1)], at(1))
    assert two.load() == {"box": snapshot(1)}
    two.close()
    one.save([snapshot(2, 5.0)], at(2))
    one.close()
    assert Telemetry.open(tmp_path).load() == {"box": snapshot(2, 5.0)}


def test_a_newer_file_is_refused_and_not_touched(telemetry: Telemetry, tmp_path: Path) -> None:
    telemetry.close()
    db = apsw.Connection(str(telemetry.path))
    db.execute(f"PRAGMA user_version = {TELEMETRY.version + 1}")
    db.close()
    before = telemetry.path.read_bytes()
    with pytest.raises(NewerStore, match="newer"):
        Telemetry.open(tmp_path)
    assert telemetry.path.read_bytes() == before


def test_a_full_disk_says_so_and_loses_no_newer_value(telemetry: Telemetry) -> None:
    telemetry.save([snapshot(0)], at(0))
    assert telemetry._db is not None
    telemetry._db.execute("PRAGMA max_page_count = 1")
    many = tuple(msgspec.structs.replace(BUG, id=f"local:{os.urandom(9).hex()}") for _ in range(2000))
    with pytest.raises(StoreError, match="disk is full"):
        telemetry.save([snapshot(20, bugs=many)], at(20))
    telemetry._db.execute("PRAGMA max_page_count = 100000")
    telemetry.save([snapshot(20, bugs=many)], at(21))
    assert telemetry.load() == {"box": snapshot(20, bugs=many)}

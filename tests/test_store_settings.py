"""How the store's files are opened and kept: the settings, one checkpointer, nothing left half read."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import apsw
import pytest

from repz_console.events import NoteAdded
from repz_console.facts import Person
from repz_console.store import checkpoint, database
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from repz_console.store.telemetry import Telemetry
from tests.support.store import actor, python
from tests.test_store_telemetry import at, snapshot

ANA = actor()
PAGES = 20
PERSON = Person("ana", "box", "pilot", "c1", at(0))


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "IDLE_PAGES", PAGES)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every connection of this test changes, each with the `BEGIN` that it is under, or `none`."""
    seen: list[str] = []

    def hook(db: apsw.Connection) -> None:
        begun = "none"

        def trace(_: object, sql: str, bindings: object) -> bool:
            nonlocal begun
            if sql.startswith("BEGIN"):
                begun = sql
            elif sql.split()[0] in ("INSERT", "UPDATE", "DELETE"):
                seen.append(f"{begun if db.in_transaction else 'none'}: {' '.join(sql.split()[:3])}")
            return True

        db.exec_trace = trace

    monkeypatch.setattr(apsw, "connection_hooks", [hook])
    return seen


def log(folder: Path, name: str = "journal") -> int:
    return (folder / f"{name}.db-wal").stat().st_size


@pytest.mark.parametrize(("name", "synchronous"), [("journal", 2), ("telemetry", 1)])
def test_the_settings_of_a_connection_that_writes(tmp_path: Path, name: str, synchronous: int) -> None:
    db = Journal.open(tmp_path)._db if name == "journal" else Telemetry.open(tmp_path)._db
    assert db is not None
    found = {pragma: db.execute(f"PRAGMA {pragma}").get for pragma in (
        "journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys", "recursive_triggers", "trusted_schema",
        "secure_delete", "cell_size_check", "journal_size_limit",
    )}  # fmt: skip
    assert found == {
        "journal_mode": "wal",
        "synchronous": synchronous,
        "wal_autocheckpoint": 0,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "trusted_schema": 0,
        "secure_delete": 1,
        "cell_size_check": 1,
        "journal_size_limit": 4 * 1024 * 1024,
    }
    assert db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1)
    assert db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1)
    tables = [row[0] for row in db.execute("SELECT strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'")]
    assert tables
    assert all(tables)


def test_a_renewal_that_may_be_lost_leaves_the_next_entry_durable(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    leases = Leases(journal)
    lease = leases.take("conn", ANA, 60)
    assert lease is not None
    with pytest.raises(RuntimeError), journal.writing(durable=False):
        raise RuntimeError
    assert leases.renew(lease)
    with journal.writing():
        assert journal.read("PRAGMA synchronous") == [(2,)]


def test_every_write_takes_the_lock_before_it_reads(tmp_path: Path, statements: list[str]) -> None:
    journal, telemetry = Journal.open(tmp_path), Telemetry.open(tmp_path)
    leases = Leases(journal)
    lease = leases.take("conn", ANA, 60)
    assert lease is not None
    journal.append(NoteAdded("x"), ANA, unique="key")
    leases.renew(lease)
    journal.erase(1, ANA, "a secret")
    leases.release(lease)
    telemetry.save([snapshot(0)], at(0))
    telemetry.here(PERSON)
    telemetry.left("c1")
    telemetry.prune(at(0))
    telemetry.close()
    journal.close()
    assert len(statements) > 10
    assert [sql for sql in statements if not sql.startswith("BEGIN IMMEDIATE: ")] == []


@pytest.mark.usefixtures("often")
def test_the_log_stays_short_however_much_is_written(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for number in range(100):
        journal.append(NoteAdded(f"{number}" + "x" * 1000), ANA)
        journal.tend()
    assert log(tmp_path) < 3 * PAGES * 4096
    assert journal.path.stat().st_size > 100_000


def test_a_long_burst_does_not_wait_for_an_idle_moment(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for _ in range(12):
        journal.append_many([NoteAdded("x" * 3000)] * 150, ANA)
    assert journal.path.stat().st_size > 4_000_000
    assert log(tmp_path) < 2 * checkpoint.BUSY_PAGES * 4096


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("name", ["journal", "telemetry"])
def test_nobody_checkpoints_while_another_does(tmp_path: Path, name: str) -> None:
    """As a process that writes ever more than SQLite's own limit of 1,000 pages."""
    store = Journal.open(tmp_path) if name == "journal" else Telemetry.open(tmp_path)
    before = store.path.stat().st_size
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    db = store._db
    assert db is not None
    for _ in range(10):
        with database.transaction(db):
            db.execute("CREATE TABLE IF NOT EXISTS heap (it BLOB)")
            db.execute("INSERT INTO heap VALUES (zeroblob(1000000))")
        store.tend()
    assert store.path.stat().st_size == before
    assert log(tmp_path, name) > 9_000_000
    os.close(other)
    store.tend()
    assert store.path.stat().st_size > 9_000_000
    store.close()
    assert not (tmp_path / f"{name}.db-wal").exists()


@pytest.mark.usefixtures("often")
def test_a_long_reader_keeps_the_log_only_while_it_reads(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("x"), ANA)
    reader = database.connect(journal.path, read_only=True)
    half_read = reader.execute("SELECT seq FROM entry UNION ALL SELECT 2")
    next(half_read)
    for _ in range(30):
        journal.append_many([NoteAdded("x" * 3000)] * 50, ANA)
        journal.tend()
    grown = log(tmp_path)
    assert grown > 5_000_000
    half_read.close()
    reader.close()
    for _ in range(30):
        journal.append_many([NoteAdded("x" * 3000)] * 50, ANA)
        journal.tend()
    assert log(tmp_path) <= 4 * 1024 * 1024 < grown
    assert journal.verify().ok


def test_who_erases_is_told_what_a_long_reader_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    journal = Journal.open(tmp_path)
    journal.append(NoteAdded("a secret"), ANA)
    reader = database.connect(journal.path, read_only=True)
    half_read = reader.execute("SELECT 1 FROM entry UNION ALL SELECT 2")
    next(half_read)
    with pytest.raises(StoreError, match=r"Entry 1 is erased, but .* stays in journal\.db-wal until all consoles"):
        journal.erase(1, ANA, "not for the journal")
    assert [entry.kind for entry in journal.entries()] == ["note.added", "entry.erased"]
    half_read.close()
    reader.close()
    journal.close()
    assert not (tmp_path / "journal.db-wal").exists()
    assert b"a secret" not in journal.path.read_bytes()


def test_the_last_to_close_folds_the_log_in_and_removes_it(tmp_path: Path) -> None:
    one, two = Journal.open(tmp_path), Journal.open(tmp_path)
    one.append(NoteAdded("x"), ANA)
    one.close()
    assert log(tmp_path)
    two.close()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("journal.db")] == ["journal.db"]


def test_nothing_is_left_half_read(tmp_path: Path) -> None:
    journal, telemetry = Journal.open(tmp_path), Telemetry.open(tmp_path)
    leases = Leases(journal)
    journal.append_many([NoteAdded(str(number)) for number in range(50)], ANA)
    telemetry.save([snapshot(0)], at(0))
    telemetry.here(PERSON)
    looks = [
        lambda: journal.entries(limit=3),
        lambda: journal.entries(newest=True),
        lambda: journal.entry(7),
        journal.head,
        journal.data_version,
        journal.verify,
        lambda: leases.take("conn", ANA, 5),
        lambda: leases.holder("conn"),
        lambda: journal.append(NoteAdded("y"), ANA, unique="key"),
        lambda: journal.append(NoteAdded("y"), ANA, unique="key"),
        telemetry.load,
        lambda: telemetry.past("box", at(1)),
        lambda: telemetry.history("box", "load", at(0)),
        telemetry.people,
        telemetry.data_version,
    ]
    others = [database.connect(path) for path in (journal.path, telemetry.path)]
    for other in others:
        assert other.execute("PRAGMA user_version").get
    kept = []
    for look in looks:
        kept.append(look())
        for other in others:
            other.set_busy_timeout(0)
            assert other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE) == (0, 0)


def test_a_big_file_is_checked_soon_after_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repz_console.store import journal as module

    journal = Journal.open(tmp_path)
    journal.append_many([NoteAdded("x" * 300) for _ in range(500)], ANA)
    journal.close()
    raw = bytearray(journal.path.read_bytes())
    raw[5 * 4096 : 6 * 4096] = os.urandom(4096)
    journal.path.write_bytes(raw)
    monkeypatch.setattr(module, "_CHECKED_WHOLE", 1000)
    journal = Journal.open(tmp_path)
    journal.tend()
    assert journal.trouble == "", "not while the screen is being painted"
    monkeypatch.setattr(module, "_CHECKED_AFTER", 0.0)
    journal.tend()
    assert "damaged" in journal.damage
    assert journal.trouble == journal.damage


OPENED = """
import sys
opened = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and ".db" in arguments[0].rsplit("/", 1)[-1]:
        path, _, flags = arguments
        import os
        if not flags & os.O_EXCL:
            opened.append(path)
sys.addaudithook(hook)
from datetime import UTC, datetime
from pathlib import Path
from repz_console.commands.examine import storage
from repz_console.events import NoteAdded
from repz_console.store import backup
from repz_console.store.journal import Journal
from repz_console.store.telemetry import Telemetry
from tests.support.store import actor
folder = Path(sys.argv[1])
journal, telemetry = Journal.open(folder), Telemetry.open(folder)
journal.append(NoteAdded("x"), actor())
journal.verify()
telemetry.save([], datetime.now(UTC))
journal.tend()
telemetry.tend()
storage.examine(str(folder), folder)
backup.write(folder, folder / "copy")
Journal.open(folder).close()
journal.close()
telemetry.close()
print(opened)
"""


def test_a_file_that_sqlite_has_open_is_opened_by_nobody_else(tmp_path: Path) -> None:
    """Closing any handle of a file frees all locks that the process has on it, SQLite's as well."""
    process = python(OPENED, tmp_path)
    output, errors = process.communicate(timeout=120)
    assert (output.strip(), process.returncode) == ("[]", 0), errors

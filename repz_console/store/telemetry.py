"""The telemetry: what every source last said, how it changed for 90 days, each reading's history, and who is here.

Deleting the file loses no decision, so it is written without waiting for the disk, and a damaged one is set aside. One
process saves (the collector); all of them read, and each says for itself that somebody is at its screen.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from repz_console.facts import Facts, Person, Reading, Snapshot
from repz_console.store import boottime, database, outside
from repz_console.store.checkpoint import Checkpointer
from repz_console.store.errors import StoreError
from repz_console.store.history import History, roll_up
from repz_console.store.schema import TELEMETRY
from repz_console.text import safe

KEPT_DAYS = 90
PRESENT_SECONDS = 15.0
"""How long somebody counts as here without saying so again."""

THINNED_AFTER = 2 * 86400
"""Age in seconds from which changes of nothing but numbers are kept once a quarter hour; until then once a minute."""

_MINUTE = 60
_QUARTER = 900
_TIDY_EVERY = 600
_FACTS = msgspec.json.Decoder(Facts)
_PERSON = msgspec.json.Decoder(Person)
_TIMES = msgspec.json.Decoder(list[datetime])
_LOAD = "SELECT source, kind, interval, revision, facts, read_at, last_ok_at, last_try_at, error FROM source"
_SAVE = """
    INSERT INTO source (source, kind, interval, revision, facts, read_at, last_ok_at, last_try_at, error)
    VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET
        kind = excluded.kind, interval = excluded.interval, revision = revision + 1, facts = excluded.facts,
        read_at = excluded.read_at, last_ok_at = excluded.last_ok_at, last_try_at = excluded.last_try_at,
        error = excluded.error
    RETURNING revision
"""


class _Saved(Struct):
    """A source as this process last wrote it."""

    snapshot: Snapshot
    revision: int
    past_at: int
    """Second of the newest row in `past`."""


class Telemetry:
    """The open telemetry file. One object belongs to one thread; several processes may have the file open.

    `notice` is empty, or one line that says that a damaged file was set aside.
    """

    def __init__(self, folder: Path, clock: Callable[[], boottime.Instant]) -> None:
        """Use `open`."""
        self.path = folder.resolve() / "telemetry.db"
        self.notice = ""
        self._clock = clock
        self._lock = database.Lock(self.path.with_suffix(".lock"))
        self._saved: dict[str, _Saved] = {}
        self._history = History()
        self._tidied = 0
        self._db: apsw.Connection | None = None
        self._checkpointer: Checkpointer | None = None
        self._inode = 0

    @classmethod
    def open(cls, folder: Path, *, clock: Callable[[], boottime.Instant] = boottime.now) -> Telemetry:
        """Open the telemetry in `folder`, making it if need be. A damaged file is set aside, with a `notice`.

        Raises `NewerStore` for a file of a newer program, `StoreError` if it cannot be opened or made.
        """
        telemetry = cls(folder, clock)
        try:
            telemetry._lock.shared()
            with telemetry._database():
                pass
        except BaseException:
            telemetry.close()
            raise
        return telemetry

    def save(self, snapshots: Iterable[Snapshot], now: datetime) -> None:
        """Write what changed, in one transaction; nothing if nothing did. Raises `StoreError`.

        Of a source whose facts and error are as before, only the times are written. Facts that differ in nothing but
        when they were read count as unchanged.
        """
        snapshots = list(snapshots)
        for snapshot in snapshots:
            if snapshot.facts is not None and not self._is_saved(snapshot):
                self._history.add(snapshot.source, snapshot.facts.readings)
        changed = [snapshot for snapshot in snapshots if not self._is_saved(snapshot)]
        second = int(now.timestamp())
        with self._database() as db:
            if changed or self._history.due(now):
                with database.transaction(db):
                    for snapshot in changed:
                        self._write(db, snapshot, second)
                    if self._history.due(now):
                        self._history.write(db, now)
        if abs(second - self._tidied) >= _TIDY_EVERY:
            self._tidied = second
            self.prune(now)
        self.tend(busy=True)

    def load(self) -> dict[str, Snapshot]:
        """Every source's last snapshot, by source. Facts of an unreadable shape are left out, with the error said."""
        with self._database() as db:
            return {row[0]: _snapshot(row) for row in list(db.execute(_LOAD))}

    def past(self, source: str, at: datetime) -> tuple[Facts | None, str]:
        """A source's facts and error as they stood at `at`; (None, "") before its first record.

        Numbers alone are as of the minute, after two days as of the quarter hour.
        """
        with self._database() as db:
            row = db.execute(
                "SELECT facts, error FROM past WHERE source = ? AND at <= ? ORDER BY at DESC, id DESC LIMIT 1",
                (source, int(at.timestamp())),
            ).get
        if row is None:
            return None, ""
        return (_unpack(row[0]) if row[0] is not None else None), safe(row[1])

    def history(self, source: str, reading: str, since: datetime, points: int = 60) -> list[tuple[datetime, float]]:
        """A reading's means since `since`, at most `points`, oldest first. A time without readings has no point.

        They are ten-second means for an hour, then of a minute for two days, then of a quarter hour. Readings with the
        unit `count` are added up instead.
        """
        with self._database() as db:
            return self._history.read(db, source, reading, since, points)

    def data_version(self) -> int:
        """A number that changes when another connection has written. Own writes do not change it."""
        with self._database() as db:
            return int(db.execute("PRAGMA data_version").get)

    def here(self, person: Person) -> None:
        """Say that somebody is at a screen, for the next 15 seconds."""
        now = self._clock()
        with self._database() as db, database.transaction(db):
            db.execute(
                "INSERT INTO person (console, person, boot, expires) VALUES (?, ?, ?, ?) ON CONFLICT (console)"
                " DO UPDATE SET person = excluded.person, boot = excluded.boot, expires = excluded.expires",
                (person.console, msgspec.json.encode(person).decode(), now.boot, now.seconds + PRESENT_SECONDS),
            )

    def left(self, console: str) -> None:
        """Say that a console was closed."""
        with self._database() as db, database.transaction(db):
            db.execute("DELETE FROM person WHERE console = ?", (console,))

    def people(self) -> tuple[Person, ...]:
        """Everybody who is here, longest first."""
        now = self._clock()
        with self._database() as db:
            rows = list(db.execute("SELECT person, boot, expires FROM person"))
        people = []
        for raw, boot, expires in rows:
            if now.before(boot, expires):
                with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
                    people.append(outside.somebody(raw, _PERSON))
        return tuple(sorted(people, key=lambda person: (person.since, person.console)))

    def prune(self, now: datetime) -> None:
        """Add up what is old enough to be kept coarser, and drop what is past its time. `save` does it by itself."""
        second = int(now.timestamp())
        instant = self._clock()
        with self._database() as db, database.transaction(db):
            self._history.write(db, now)
            roll_up(db, now)
            db.execute(
                "DELETE FROM past WHERE at < ?2 - ?3 AND numbers_only AND EXISTS ("
                " SELECT 1 FROM past AS earlier WHERE earlier.source = past.source AND earlier.at < past.at"
                " AND earlier.at / ?1 = past.at / ?1)",
                (_QUARTER, second, THINNED_AFTER),
            )
            db.execute("DELETE FROM past WHERE at < ?", (second - KEPT_DAYS * 86400,))
            db.execute("DELETE FROM person WHERE boot <> ? OR expires < ?", (instant.boot, instant.seconds))

    def tend(self, *, busy: bool = False) -> None:
        """What is done while nobody waits: fold a long log in, or with `busy` only a very long one."""
        if self._checkpointer is not None:
            with suppress(StoreError):  # a disk that refuses this refuses the next save, which says so
                self._checkpointer.tend(busy=busy)

    def close(self) -> None:
        """Write the last readings and close. Harmless twice."""
        if self._db is not None:
            with suppress(StoreError), self._database() as db, database.transaction(db):
                self._history.write(db, None)
        self._disconnect()
        self._lock.close()

    def _is_saved(self, snapshot: Snapshot) -> bool:
        saved = self._saved.get(snapshot.source)
        return saved is not None and (saved.snapshot is snapshot or saved.snapshot == snapshot)

    def _write(self, db: apsw.Connection, snapshot: Snapshot, second: int) -> None:
        saved = self._saved.get(snapshot.source)
        if saved is None:
            rows = list(db.execute(_LOAD + " WHERE source = ?", (snapshot.source,)))
            saved = _Saved(_snapshot(rows[0]), rows[0][3], 0) if rows else None
        old = saved.snapshot if saved else None
        times = (_times(snapshot), _stamp(snapshot.last_ok_at), _stamp(snapshot.last_try_at))
        if saved and old and _same(old.facts, snapshot.facts) and _frame(old) == _frame(snapshot):
            db.execute(
                "UPDATE source SET read_at = ?, last_ok_at = ?, last_try_at = ? WHERE source = ? AND revision = ?",
                (*times, snapshot.source, saved.revision),
            )
            if db.changes():
                self._saved[snapshot.source] = _Saved(snapshot, saved.revision, saved.past_at)
                return
        packed = _pack(snapshot.facts)
        row = (snapshot.source, snapshot.kind, snapshot.interval, packed, *times, snapshot.error)
        revision = db.execute(_SAVE, row).get
        numbers_only = bool(old and old.error == snapshot.error and _same_but_numbers(old.facts, snapshot.facts))
        past_at = saved.past_at if saved else 0
        if not numbers_only or second // _MINUTE != past_at // _MINUTE:
            db.execute(
                "INSERT INTO past (source, at, numbers_only, facts, error) VALUES (?, ?, ?, ?, ?)",
                (snapshot.source, second, numbers_only, packed, snapshot.error),
            )
            past_at = second
        self._saved[snapshot.source] = _Saved(snapshot, revision, past_at)

    @contextmanager
    def _database(self) -> Iterator[apsw.Connection]:
        """The connection, made anew if the file was replaced; a file that turns out damaged is set aside."""
        if self._db is not None and database.inode(self.path) != self._inode:
            self._disconnect()
        if self._db is None:
            self._connect()
        assert self._db is not None
        try:
            with database.plain_errors(self.path):
                yield self._db
        except StoreError as error:
            self._forget()
            if not database.is_damage(error):
                raise
            self._set_aside(str(error))
            raise

    def _connect(self) -> None:
        try:
            self._open_file()
        except StoreError as error:
            if not database.is_damage(error):
                raise
            self._set_aside(str(error))
            self._open_file()

    def _open_file(self) -> None:
        database.create(self.path)
        db = database.connect(self.path)
        try:
            with database.plain_errors(self.path):
                database.version(db, TELEMETRY)
                database.settle(db, durable=False)
                database.bring_up(db, TELEMETRY, self._lock)
        except BaseException:
            db.close()
            raise
        self._db, self._inode = db, database.inode(self.path)
        self._checkpointer = Checkpointer(db, self.path)

    def _set_aside(self, why: str) -> None:
        """Rename the damaged file, unless another console has just done so."""
        damaged = self._inode or database.inode(self.path)
        self._disconnect(damaged=True)
        if database.inode(self.path) != damaged:
            return
        name = f"telemetry-damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}Z.db"
        with suppress(FileNotFoundError):
            os.rename(self.path, self.path.with_name(name))
        for side in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.rename(f"{self.path}{side}", self.path.with_name(name + side))
        self.notice = f"The telemetry was damaged and set aside as {name}; no decision is lost ({why})"

    def _disconnect(self, *, damaged: bool = False) -> None:
        if self._checkpointer is not None:
            self._checkpointer.close(fold=not damaged and database.inode(self.path) == self._inode)
        self._db, self._checkpointer, self._inode = None, None, 0
        self._forget()

    def _forget(self) -> None:
        """What this process remembers of the file may not be in it: the next save writes everything again."""
        self._saved.clear()
        self._history.forget()


def _frame(snapshot: Snapshot) -> tuple[str, float, str]:
    return snapshot.kind, snapshot.interval, snapshot.error


def _same(one: Facts | None, other: Facts | None) -> bool:
    """Whether two facts differ in nothing, or in nothing but when they were read."""
    if one is other:
        return True
    if one is None or other is None or len(one.readings) != len(other.readings):
        return False
    if not all(map(_same_reading, one.readings, other.readings)):
        return False
    return _same_but_numbers(one, other)


def _same_reading(one: Reading, other: Reading) -> bool:
    return one.value == other.value and one.name == other.name and one.unit == other.unit and one.note == other.note


def _same_but_numbers(one: Facts | None, other: Facts | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.bugs == other.bugs
        and one.rollouts == other.rollouts
        and one.spend == other.spend
        and one.ticks == other.ticks
        and one.progress == other.progress
    )


def _pack(facts: Facts | None) -> bytes | None:
    return None if facts is None else zlib.compress(msgspec.json.encode(facts), 1)


def _unpack(packed: bytes) -> Facts:
    return outside.decode(zlib.decompress(packed), _FACTS)


def _times(snapshot: Snapshot) -> str:
    """When the readings were read: one time if it is the same for all, as it mostly is."""
    times = [reading.at for reading in snapshot.facts.readings] if snapshot.facts else []
    if times and all(at == times[0] for at in times):
        times = times[:1]
    return msgspec.json.encode(times).decode()


def _snapshot(row: tuple[str, str, float, int, bytes | None, str, str | None, str | None, str]) -> Snapshot:
    source, kind, interval, _, packed, read_at, last_ok_at, last_try_at, error = row
    facts = None
    if packed is not None:
        try:
            facts = _unpack(packed)
            times = _TIMES.decode(read_at)
            if len(times) == 1:
                times *= len(facts.readings)
            readings = tuple(
                reading if reading.at == at else msgspec.structs.replace(reading, at=at)
                for reading, at in zip(facts.readings, times, strict=True)
            )
            facts = msgspec.structs.replace(facts, readings=readings)
        except (msgspec.DecodeError, zlib.error, ValueError, RecursionError) as problem:
            error = error or f"what was stored of it cannot be read: {problem}"
            facts = None
    times_of_all = _moment(last_ok_at), _moment(last_try_at)
    return Snapshot(safe(source), safe(kind), interval, facts, *times_of_all, safe(error))


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _moment(raw: str | None) -> datetime | None:
    return None if raw is None else datetime.fromisoformat(raw)

"""The journal: what people decided and what was observed, append-only, chained, on disk when `append` returns.

It guards against mistakes and crashes, not against an insider who may write the file: such a person can rewrite the
whole chain. Cutting off the newest entries shows only against a head noted elsewhere; `verify` takes one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct

from repz_console.events import AnyEvent, Entry, EntryErased
from repz_console.facts import Actor
from repz_console.store import boottime, database
from repz_console.store.checkpoint import Checkpointer
from repz_console.store.errors import CutError, FenceError, StoreError
from repz_console.store.fence import Fence, check
from repz_console.store.rows import Writer, to_entry
from repz_console.store.schema import JOURNAL
from repz_console.store.verify import Verification, verify, verify_tail

__all__ = ["Condition", "Fence", "FenceError", "Journal", "StoreError", "Verification"]

_OLDEST = "SELECT seq, at, kind, actor, payload, hash FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
_NEWEST = "SELECT seq, at, kind, actor, payload, hash FROM entry WHERE seq > ? ORDER BY seq DESC LIMIT ?"
_CHECKED_WHOLE = 8 * 1024 * 1024
"""Bytes up to which the whole file is checked when it is opened (4 ms); a bigger one is checked soon after."""
_CHECKED_AFTER = 3.0
"""Seconds after opening from which that is done: by then the screen has been painted."""


class Condition(Struct, frozen=True):
    """What is wrong with a journal, each in one plain line; empty for what is not."""

    trouble: str = ""
    """Why nothing can be appended to it, as long as it is open."""
    damage: str = ""
    """Why it could not be read in full: what it does not hold may have happened all the same."""
    refused: str = ""
    """Why the disk took nothing when it was last written to. The next try may succeed."""


class Journal:
    """The open journal. One object belongs to one thread; several processes may have the file open.

    `path` is the file. `trouble`, `damage` and `refused` are those of its `Condition`.
    """

    def __init__(
        self,
        path: Path,
        db: apsw.Connection,
        condition: Condition,
        lock: database.Lock,
        clock: Callable[[], boottime.Instant],
    ) -> None:
        """Use `open`."""
        self.path = path
        self.trouble, self.damage, self.refused = condition.trouble, condition.damage, condition.refused
        self.clock = clock
        self._db = db
        self._lock = lock
        self._inode = database.inode(path)
        self._seen = 0
        self._version = -1
        self._checkpointer = Checkpointer(db, path)
        self._unchecked_since: float | None = None

    @property
    def condition(self) -> Condition:
        """What is wrong with it, as far as it was read and written until now."""
        return Condition(self.trouble, self.damage, self.refused)

    @classmethod
    def open(
        cls, folder: Path, *, read_only: bool = False, clock: Callable[[], boottime.Instant] = boottime.now
    ) -> Journal:
        """Open the journal in `folder`, making it if need be.

        A damaged journal, one that this user may not write, and with `read_only` one that does not exist yet, opens
        for reading with `trouble` set, the damaged one with `damage` too. Raises `NewerStore` for a file of a newer
        program and `StoreError` for a file that cannot be opened at all or needs an upgrade while other consoles have
        it open.
        """
        path = folder.resolve() / "journal.db"
        lock = database.Lock(path.with_suffix(".lock"), make=not read_only)
        try:
            lock.shared()
            journal = cls(path, *_connect(path, lock, read_only), lock, clock)
        except BaseException:
            lock.close()
            raise
        if journal._inode and (damage := journal._examine()):
            journal._distrust(damage)
        elif not read_only:
            # Whoever only looks would not find out by writing.
            journal.refused = database.why_no_room(path)
        return journal

    def append(
        self,
        event: AnyEvent,
        actor: Actor,
        *,
        fence: Fence | None = None,
        unique: str = "",
        at: datetime | None = None,
    ) -> Entry:
        """Write one entry; it is on disk when this returns.

        With `unique`, a second entry of that key is not written: the first is returned. With `fence`, `FenceError`
        is raised and nothing written unless the lease is still held. `at` (aware) defaults to now. Raises `StoreError`
        if it cannot be written, `ValueError` if the event is not one that could be read back.
        """
        with self.writing(fence) as writer:
            return writer.append(event, actor, unique=unique, at=at)

    def append_many(
        self, events: Sequence[AnyEvent], actor: Actor, *, fence: Fence | None = None, at: datetime | None = None
    ) -> list[Entry]:
        """Write all of them, in order, or none."""
        if not events:
            return []
        with self.writing(fence) as writer:
            return [writer.append(event, actor, at=at) for event in events]

    @contextmanager
    def writing(self, fence: Fence | None = None, *, durable: bool = True) -> Iterator[Writer]:
        """One transaction for what must be true together, such as a lease and the entry that records it.

        Without `durable` it may be lost in a power cut, though not in a crash; never for entries.
        """
        if self.trouble:
            raise StoreError(self.trouble)
        self._refuse_replaced()
        try:
            with database.plain_errors(self.path):
                # Each time: one write that is not durable must not leave the next one so.
                database.synchronous(self._db, durable=durable)
                before = self._db.total_changes()
                with database.transaction(self._db):
                    if fence is not None:
                        check(self._db, fence, self.clock())
                    writer = Writer(self._db, self._seen)
                    yield writer
        except StoreError as error:
            self._take_note(error)
            raise
        self._seen = writer.seq
        if self._db.total_changes() != before:  # a transaction that wrote nothing proves nothing
            self.refused = ""
        self._fold_log(busy=True)

    def tend(self) -> None:
        """What is done while nobody waits: fold a long log in, and check a file that was too big for `open`."""
        if self.trouble:
            return
        self._fold_log(busy=False)
        if self._unchecked_since is not None and time.monotonic() - self._unchecked_since >= _CHECKED_AFTER:
            self._unchecked_since = None
            if damage := self._fault():
                self._distrust(damage)

    def entries(self, after: int = 0, limit: int | None = None, newest: bool = False) -> list[Entry]:
        """Entries with a higher `seq` than `after`, at most `limit`: the oldest ones, oldest first, or with
        `newest` the newest ones, newest first. From a damaged file, those that can be read.
        """
        rows = self.read(_NEWEST if newest else _OLDEST, (after, -1 if limit is None else limit))
        self._look_for_cut()
        return [to_entry(row) for row in rows]

    def entry(self, seq: int) -> Entry | None:
        """One entry, or None."""
        found = self.entries(after=seq - 1, limit=1)
        return found[0] if found and found[0].seq == seq else None

    def born(self) -> datetime | None:
        """When it began: at its first entry; while it has none, when its lock file was made. None if that is not
        known."""
        rows = self.read("SELECT at FROM entry ORDER BY seq LIMIT 1")
        if rows:
            return datetime.fromisoformat(rows[0][0])
        with suppress(OSError):
            return datetime.fromtimestamp(self.path.with_suffix(".lock").stat().st_mtime, UTC)
        return None

    def head(self) -> tuple[int, str]:
        """The newest entry's number and hash; (0, "") of an empty journal."""
        rows = self.read("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1")
        return (rows[0][0], rows[0][1].hex()) if rows else (0, "")

    def data_version(self) -> int:
        """A number that changes when another connection has written, entries or leases. Own writes do not change it."""
        self._look_for_replacement()
        with database.plain_errors(self.path):
            version = int(self._db.execute("PRAGMA data_version").get)
        if version != self._version:
            if self._version >= 0:  # somebody else could write, so that the disk takes something again
                self.refused = ""
            self._version = version
        return version

    def verify(self, known: tuple[int, str] | None = None) -> Verification:
        """Check every entry, and the file. `known` is a head noted earlier: the journal must still contain it."""
        return verify(self._db, known)

    def erase(self, seq: int, actor: Actor, reason: str) -> Entry:
        """Erase an entry's payload for good; the entry, its hash and the chain stay. Returns the entry that says so.

        Copies made before keep it. Raises `StoreError` if there is no such entry or it is itself such a record.
        """
        with self.writing() as writer:
            found = self._db.execute("SELECT kind, payload IS NULL FROM entry WHERE seq = ?", (seq,)).get
            if found is None or found[0] == "entry.erased":
                raise StoreError(f"There is no entry {seq} that could be erased")
            if found[1]:
                raise StoreError(f"Entry {seq} is erased already")
            record = writer.append(EntryErased(seq=seq, reason=reason), actor)
            self._db.execute("UPDATE entry SET payload = NULL WHERE seq = ?", (seq,))
        # The log still holds the old page until it is folded into the file and cut.
        try:
            self._checkpointer.empty()
        except StoreError as error:
            why = (
                f"Entry {seq} is erased, but what it held stays in {self.path.name}-wal until all consoles were closed"
            )
            raise StoreError(why) from error
        return record

    def close(self) -> None:
        """Close it. Harmless twice."""
        self._checkpointer.close(fold=not self.trouble and database.inode(self.path) == self._inode)
        self._lock.close()

    def read(self, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of one query, complete at once: a half-read cursor would keep the log from being folded in. From a
        damaged file, those that can be read."""
        rows: list[tuple[Any, ...]] = []
        try:
            with database.plain_errors(self.path):
                for row in self._db.execute(sql, bindings):
                    rows.append(row)  # noqa: PERF402 - what was read before the damage is kept
        except StoreError as error:
            if not database.is_damage(error):
                raise
            self._distrust(str(error))
        return rows

    def _fold_log(self, *, busy: bool) -> None:
        """Never an error of the write before it, which is on disk."""
        try:
            self._checkpointer.tend(busy=busy)
        except StoreError as error:
            self._take_note(error)

    def _take_note(self, error: StoreError) -> None:
        if isinstance(error, CutError) or database.is_damage(error):
            self._distrust(str(error))
        elif database.is_refusal(error):
            self.refused = str(error)

    def _refuse_replaced(self) -> None:
        """A file moved away or put back from a copy would take writes that nobody finds again."""
        if self._look_for_replacement():
            raise StoreError(self.trouble)

    def _look_for_replacement(self) -> bool:
        """Whether what is at the path is no longer this file, so that others write where this console does not look."""
        if not self._inode or database.inode(self.path) == self._inode:
            return False
        self.trouble = self.damage = f"{self.path} was moved or replaced while it was open: start this console again"
        return True

    def _look_for_cut(self) -> None:
        """Distrust a file that ends before an entry that was read from it or written to it."""
        if self.damage or self._db.in_transaction:
            return
        rows = self.read("SELECT max(seq) FROM entry")
        end = (rows[0][0] or 0) if rows else 0
        if rows and end < self._seen:
            self._distrust(str(CutError(end, self._seen)))
        self._seen = max(self._seen, end)

    def _distrust(self, damage: str) -> None:
        """From here on the file is only read, and left as it is for whoever comes to repair it."""
        self.trouble = self.damage = damage
        database.keep_untouched(self._db)
        self._db.execute("PRAGMA query_only = ON")

    def _examine(self) -> str:
        """What is wrong with a file that was just opened; empty if nothing."""
        try:
            if self.path.stat().st_size > _CHECKED_WHOLE:
                self._unchecked_since = time.monotonic()
            elif damage := self._fault():
                return damage
            return verify_tail(self._db)
        except apsw.Error as error:
            return f"{self.path} is damaged: {error}"

    def _fault(self) -> str:
        """What SQLite finds wrong with the whole file; empty if nothing."""
        try:
            found = database.fault(self._db, "quick_check")
        except apsw.Error as error:
            found = str(error)
        return f"{self.path} is damaged: {found}" if found else ""


def _connect(path: Path, lock: database.Lock, read_only: bool) -> tuple[apsw.Connection, Condition]:
    """The connection, and what is wrong with it."""
    if read_only and not path.exists():
        return _empty(), Condition(f"There is no journal at {path} yet")
    if not read_only:
        database.create(path)
    writable = not read_only and os.access(path, os.W_OK)
    db = database.connect(path, read_only=not writable)
    try:
        with database.plain_errors(path):
            if writable:
                database.version(db, JOURNAL)
                database.settle(db, durable=True)
                database.bring_up(db, JOURNAL, lock)
                return db, Condition()
            found = database.version(db, JOURNAL)
            if not found:
                db.close()
                return _empty(), Condition(f"There is nothing in {path} yet")
            if found < JOURNAL.version:
                raise StoreError(f"{path} needs an upgrade: open it once with a console that may write it")
            if read_only:
                return db, Condition("Opened for reading")
            if database.is_read_only(path):
                return db, Condition(database.read_only_disk(path))
            return db, Condition(f"{path} may not be written by you: open for reading")
    except StoreError as error:
        db.close()
        if not database.is_damage(error):
            raise
        return _empty(), Condition(str(error), str(error))


def _empty() -> apsw.Connection:
    """Stands in for a file that does not exist or is no database: every question has an empty answer."""
    db = apsw.Connection(":memory:")
    for step in JOURNAL.steps:
        db.execute(step)
    return db

"""The emergency file: what is done without the journal is recorded here, and journaled once that is possible again.

It is made while the disk is well, with every block written, and a record goes into a slot that is there already: a full
disk does not stop it. Every slot has a checksum, so that one whose writer was killed is told from one that holds a
record. Records have the journal's unique keys: however often one is imported, it becomes one entry.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import struct
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace
from platformdirs import user_state_path

from repz_console.events import AnyEvent, ChangeIntended, EmergencyImported, NoteAdded, Unknown
from repz_console.facts import Actor
from repz_console.store import payload, place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.text import safe

NAME = "emergency.slots"
SLOT = 4096
"""Bytes of a slot: what a disk writes in one piece, if it can."""
SLOTS = 64
SIZE = SLOT * SLOTS
LOCK_PATIENCE = 0.5
"""Seconds that a writer waits for another one before it goes on beside it."""

_MAGIC = b"REPZEMG1"
_HEAD = struct.Struct(">8sQI32s")
"""Magic, number, length of the content, SHA-256 over number, length and content."""
_ROOM = SLOT - _HEAD.size
_REHEARSAL = "rehearsal:"
_TRIES = 8


class Record(Struct, frozen=True):
    """An entry that the journal did not take."""

    unique: str
    """Its unique key in the journal."""
    at: datetime
    """When it was decided or observed; aware."""
    actor: Actor
    event: AnyEvent
    why: str = ""
    """Why the journal did not take it."""


class _Stored(Struct, frozen=True):
    unique: str
    at: datetime
    actor: Raw
    event: Raw
    why: str = ""


_DECODER = msgspec.json.Decoder(_Stored)


class EmergencyFile:
    """One such file. Keeps nothing open, so that each call may come from a thread of its own."""

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """`shared` is the one in the store's folder, which every console there reads."""
        self.path = path
        self.shared = shared

    def prepare(self) -> None:
        """Make it, or make it whole, with all its blocks on the disk. Raises `StoreError`."""
        with self._errors("made"):
            if not self.shared:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.create(self.path)
            with self._opened(os.O_RDWR) as handle:
                found = os.fstat(handle)
                if found.st_size >= SIZE and found.st_blocks * 512 >= SIZE:
                    return
                self._lock_alone(handle)
                size = os.fstat(handle).st_size
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(handle, 0, SIZE)
                # Written too: a block that is only reserved still needs its file system's books to be written.
                for slot in range(SLOTS):
                    if slot * SLOT >= size or not any(os.pread(handle, SLOT, slot * SLOT)):
                        os.pwrite(handle, bytes(SLOT), slot * SLOT)
                os.fsync(handle)

    def write(self, *records: Record) -> None:
        """Put records into free slots; they are on the disk when this returns. Raises `StoreError`."""
        with contextlib.suppress(StoreError):  # whole already, as a rule; if not, whatever slots there are may do
            self.prepare()
        with self._errors("written"), self._opened(os.O_RDWR) as handle:
            alone = _lock(handle)
            for record in records:
                self._put(handle, _encoded(record), alone)

    def read(self) -> list[Record]:
        """The records in it, oldest first; torn slots and rehearsals are passed over. Raises `StoreError`."""
        with self._errors("read"), self._opened(os.O_RDONLY) as handle:
            found = sorted(_filled(os.pread(handle, SIZE, 0)), key=lambda slot: slot.number)
        records = (_decoded(slot.content) for slot in found)
        return [record for record in records if record is not None and not record.unique.startswith(_REHEARSAL)]

    def clear(self, uniques: Collection[str]) -> None:
        """Empty the slots of these records. Raises `StoreError`."""
        with self._errors("written"), self._opened(os.O_RDWR) as handle:
            self._lock_alone(handle)
            for slot in _filled(os.pread(handle, SIZE, 0)):
                record = _decoded(slot.content)
                if record is not None and record.unique in uniques:
                    os.pwrite(handle, bytes(SLOT), slot.place * SLOT)
            _sync(handle)

    def rehearse(self, actor: Actor) -> None:
        """Write a record that says nothing, read it back and clear it. Raises `StoreError`."""
        record = Record(_REHEARSAL + secrets.token_hex(8), datetime.now(UTC), actor, NoteAdded("rehearsal"))
        self.write(record)
        with self._errors("read"), self._opened(os.O_RDONLY) as handle:
            found = [_decoded(slot.content) for slot in _filled(os.pread(handle, SIZE, 0))]
        left = {each.unique for each in found if each is not None and each.unique.startswith(_REHEARSAL)}
        self.clear(left)
        if record.unique not in left:
            raise StoreError(f"{self.path} does not give back what was written to it")

    def free(self) -> int:
        """Slots that can take a record and whose block is on the disk. Raises `StoreError`."""
        with self._errors("read"), self._opened(os.O_RDONLY) as handle:
            whole = os.fstat(handle).st_blocks * 512 >= SIZE
            return len(_free(os.pread(handle, SIZE, 0))) if whole else 0

    def stamp(self) -> tuple[int, int, int]:
        """Changes when it is written to; all 0 where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _put(self, handle: int, content: bytes, alone: bool) -> None:
        for _ in range(_TRIES):
            raw = os.pread(handle, SIZE, 0)
            free = _free(raw)
            if not free:
                raise StoreError(f"{self.path} is full, or was never prepared")
            number = 1 + max((slot.number for slot in _filled(raw)), default=0)
            data = _head(number, content) + content
            # Beside another writer the same slot is seldom chosen twice, and then seen by reading back.
            offset = SLOT * (free[0] if alone else secrets.choice(free))
            os.pwrite(handle, data, offset)
            _sync(handle)
            if os.pread(handle, len(data), offset) == data:
                return
        raise StoreError(f"{self.path} does not keep what is written to it")

    def _lock_alone(self, handle: int) -> None:
        if not _lock(handle):
            raise StoreError(f"{self.path} is busy: another process keeps it locked")

    @contextmanager
    def _opened(self, how: int) -> Iterator[int]:
        handle = os.open(self.path, how | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise StoreError(f"{self.path} is no plain file")
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self.path} cannot be {done}: {error.strerror or error}") from error


class Emergency:
    """Every place that may hold records of one store: its own file, then this user's, then this process's memory."""

    def __init__(self, folder: Path, *, hangs: bool = False) -> None:
        """`folder` is the store's, as the config means it. One whose disk `hangs` is written to, never looked at."""
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16] + ".slots"
        self.files = (
            EmergencyFile(folder / NAME, shared=True),
            *(EmergencyFile(each / name) for each in own_folders()),
        )
        """Best first."""
        self._watched = self.files[1:] if hangs else self.files
        self.unprepared = ""
        """Why there is no file in the store's folder that surely takes a record; empty if there is."""
        self.remembered: tuple[Record, ...] = ()
        """What no file took: kept for as long as this process runs."""
        self._stamps: list[tuple[int, int, int]] = []
        self._remembering = threading.Lock()

    def prepare(self) -> None:
        """Make the file in the store's folder while the disk is well."""
        try:
            self.files[0].prepare()
        except StoreError as error:
            self.unprepared = str(error)

    def remember(self, *records: Record) -> None:
        """Keep what no file took."""
        with self._remembering:  # whoever imports meanwhile, in another thread, forgets only what it imported
            self.remembered += records

    def news(self) -> tuple[Record, ...] | None:
        """All records if that may have changed since the last call, else None. Costs a look at each file's time."""
        stamps = [file.stamp() for file in self._watched]
        if stamps == self._stamps and not self.remembered:
            return None
        # What is written within one tick of the disk's clock does not show: such a file is read once more.
        settled = time.time_ns() - 100_000_000
        self._stamps = stamps if all(written < settled for _, written, _ in stamps) else []
        return self.read()

    def read(self) -> tuple[Record, ...]:
        """All records, oldest first, each once. A file that cannot be read has none."""
        found = {record.unique: record for record in self.remembered}
        for file in self._watched:
            if file.stamp() != (0, 0, 0):
                with contextlib.suppress(StoreError):
                    found |= {record.unique: record for record in file.read()}
        return tuple(sorted(found.values(), key=lambda record: record.at))

    def clear(self, uniques: Collection[str]) -> None:
        """Forget these records everywhere. One that stays in a file is found there and dealt with again."""
        with self._remembering:
            self.remembered = tuple(record for record in self.remembered if record.unique not in uniques)
        for file in self._watched:
            if file.stamp() != (0, 0, 0):
                with contextlib.suppress(StoreError):
                    file.clear(uniques)


def of_journal(records: Iterable[Record], journal: Journal) -> tuple[Record, ...]:
    """Those that were recorded for this journal. What is older than its beginning was recorded for another one that
    lay at the same place: nothing of that holds here."""
    born = journal.born()
    return tuple(record for record in records if born is None or record.at >= born)


def bring_in(journal: Journal, emergency: Emergency, importer: Actor) -> int:
    """Journal every record of this journal under the name and time that it has, and forget it once it is durable.
    Returns how many entries are new. Raises `StoreError`; nothing is then forgotten."""
    records = of_journal(emergency.read(), journal)
    if not records:
        return 0
    new: list[tuple[int, Record]] = []
    with journal.writing() as writer:
        for record in records:
            end = writer.seq
            entry = writer.append(record.event, record.actor, unique=record.unique, at=record.at)
            if entry.seq > end:
                new.append((entry.seq, record))
        if new:
            told = EmergencyImported(
                entries=tuple(seq for seq, _ in new), why=next((record.why for _, record in new if record.why), "")
            )
            writer.append(told, importer)
    emergency.clear({record.unique for record in records})
    return len(new)


def own_folders() -> Iterator[Path]:
    """Folders of this user alone where something can be kept when the store's cannot: in memory, then on the disk."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    with contextlib.suppress(OSError):
        if runtime.startswith("/") and os.stat(runtime).st_uid == os.geteuid():
            yield Path(runtime) / "repz-console"
    yield user_state_path("repz-console")


class _Slot(Struct, frozen=True):
    place: int
    number: int
    content: bytes


def _filled(raw: bytes) -> Iterator[_Slot]:
    """The slots that hold a whole record."""
    for slot in range(len(raw) // SLOT):
        start = slot * SLOT
        magic, number, length, digest = _HEAD.unpack_from(raw, start)
        if magic == _MAGIC and length <= _ROOM:
            content = raw[start + _HEAD.size : start + _HEAD.size + length]
            if digest == _digest(number, content):
                yield _Slot(slot, number, content)


def _free(raw: bytes) -> list[int]:
    """The slots that may be written: empty ones, and after them torn ones, whose writer never said that it was done."""
    filled = {slot.place for slot in _filled(raw)}
    free = [slot for slot in range(len(raw) // SLOT) if slot not in filled]
    return sorted(free, key=lambda slot: any(raw[slot * SLOT : (slot + 1) * SLOT]))


def _head(number: int, content: bytes) -> bytes:
    return _HEAD.pack(_MAGIC, number, len(content), _digest(number, content))


def _digest(number: int, content: bytes) -> bytes:
    return hashlib.sha256(struct.pack(">QI", number, len(content)) + content).digest()


def _encoded(record: Record) -> bytes:
    """The content of a slot. Evidence that does not fit is left out, and said to be; raises `StoreError` if it still
    does not."""
    content = _content(record)
    event = record.event
    if len(content) > _ROOM and isinstance(event, ChangeIntended):
        evidence = {"left out": "too long for the emergency file", "plan_hash": event.evidence.get("plan_hash", "")}
        content = _content(replace(record, event=replace(event, evidence=evidence)))
    if len(content) > _ROOM:
        raise StoreError(f"A record of {len(content):,} bytes does not fit into the emergency file")
    return content


def _content(record: Record) -> bytes:
    actor = payload.encode_actor(record.actor).encode()
    event = payload.encode(record.event)
    return msgspec.json.encode(_Stored(record.unique, record.at, Raw(actor), Raw(event), safe(record.why, 200)))


def _decoded(content: bytes) -> Record | None:
    """A slot's record; None for one that a newer version wrote: it waits for that version."""
    try:
        stored = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    event = payload.decode("", bytes(stored.event))
    if isinstance(event, Unknown) or stored.at.tzinfo is None:
        return None
    actor = payload.decode_actor(bytes(stored.actor).decode(errors="replace"))
    return Record(safe(stored.unique, 200), stored.at, actor, event, safe(stored.why))


def _lock(handle: int) -> bool:
    """Take the file for this process alone, if its holder lets go in time; closing it gives it back."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        else:
            return True


_sync = getattr(os, "fdatasync", os.fsync)

"""The journal as one file to carry away, and such a file as the journal of another machine.

The file is made in memory and written in one go, so that it may lie where no database could: on a network disk, a USB
stick, a file system without locks. It is an SQLite file like the journal, with one table more that says what it is;
without that table it was not finished.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from repz_console.events import AnyEvent
from repz_console.facts import Actor
from repz_console.store import boottime, database, place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Condition, Journal
from repz_console.store.schema import JOURNAL
from repz_console.store.verify import verify

TOKEN_JUMP = 1_000_000
"""By how much a restored store's lease tokens lie above those of its source, which may have gone on meanwhile."""

_MOST_BYTES = 2_000_000_000


class Origin(Struct, frozen=True):
    """What a copy is of."""

    seq: int
    """The newest entry in it."""
    hash: str
    """Its hash, hex."""
    at: datetime
    host: str
    folder: str


def write(folder: Path, to: Path) -> Origin:
    """Write a copy of the journal in `folder` to the new file `to`, while consoles go on using it.

    The file is 0600, on disk on return, and was read back and verified. Raises `StoreError`, and then leaves no file.
    """
    image, origin = _image(folder)
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise StoreError(f"{to} exists already: nothing was written") from None
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror}") from error
    try:
        _fill(handle, image)
        _sync_folder(to.parent)
        if read(to)[1] != origin:
            raise StoreError(f"{to} does not hold what was written to it: try another disk")
    except OSError as error:
        to.unlink(missing_ok=True)
        raise StoreError(f"{to} cannot be written: {error.strerror}") from error
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return origin


def read(path: Path) -> tuple[apsw.Connection, Origin]:
    """A copy that `write` made, held in memory, and what it is of. Raises `StoreError` unless its chain is whole."""
    try:
        with open(path, "rb") as file:
            image = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if len(image) > _MOST_BYTES:
        raise StoreError(f"{path} is too large for a copy of a journal")
    db = apsw.Connection(":memory:")
    try:
        with database.plain_errors(path):
            db.deserialize("main", _plain(image))
            if not database.version(db, JOURNAL):
                raise StoreError(f"{path} is no copy of a journal")
            if not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'copied'").get:
                raise StoreError(f"{path} was not made by `store backup`, or was not finished")
            origin = msgspec.json.decode(db.execute("SELECT origin FROM copied").get, type=Origin)
            found = verify(db, (origin.seq, origin.hash) if origin.seq else None)
    except msgspec.DecodeError:
        raise StoreError(f"{path} does not say what it is a copy of") from None
    if not found.ok:
        raise StoreError(f"{path} is damaged: {found.why}")
    return db, origin


def restore(source: apsw.Connection, folder: Path, events: Sequence[AnyEvent], actor: Actor, *, aside: bool) -> str:
    """Make what `read` gave the journal in `folder`, with `events` appended and every lease free and above its old
    tokens. Returns the name under which a journal that was there is kept, empty if there was none.

    Raises `StoreError`: consoles have it open, the copy is of an older program, or there is a journal and `aside` was
    not asked for.
    """
    path = folder / "journal.db"
    lock = database.Lock(path.with_suffix(".lock"))
    new = path.with_name(".journal.db.restored")
    try:
        if not lock.alone():
            raise StoreError(f"Consoles have {path} open: close them first")
        there = [side for side in ("", "-wal", "-shm") if Path(f"{path}{side}").exists()]
        if there and not aside:
            raise StoreError(f"There is a journal at {path} already: it was left alone; --set-aside keeps it beside")
        with database.plain_errors(path):
            if database.version(source, JOURNAL) < JOURNAL.version:
                raise StoreError("The copy is of an older version of this program: restore it with that one")
            source.execute("DROP TABLE copied")
            source.execute("UPDATE lease SET token = token + ?, holder = NULL", (TOKEN_JUMP,))
        Journal(path, source, Condition(), lock, boottime.now).append_many(events, actor)
        return _put(source, new, path, there)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)
        lock.close()


def _put(db: apsw.Connection, new: Path, path: Path, there: Sequence[str]) -> str:
    """Write the journal beside its place, then move what is there aside and it in."""
    new.unlink(missing_ok=True)
    place.create(new)
    _fill(os.open(new, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW), db.serialize("main"))
    kept = f"journal-set-aside-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db" if there else ""
    for side in there:
        os.rename(f"{path}{side}", path.with_name(kept + side))
    os.rename(new, path)
    _sync_folder(path.parent)
    return kept


def _image(folder: Path) -> tuple[bytes, Origin]:
    """The journal in `folder` as the bytes of a file."""
    path = folder / "journal.db"
    if not path.exists():
        raise StoreError(f"There is no journal at {path} yet")
    lock = database.Lock(path.with_suffix(".lock"), make=False)
    try:
        lock.shared()
        source = database.connect(path, read_only=True)
        memory = apsw.Connection(":memory:")
        try:
            with database.plain_errors(path):
                if not database.version(source, JOURNAL):
                    raise StoreError(f"There is nothing in {path} yet")
                with memory.backup("main", source, "main") as backup:
                    while not backup.done:
                        backup.step()
        finally:
            source.close()
    finally:
        lock.close()
    plain = apsw.Connection(":memory:")
    with database.plain_errors(path):
        plain.deserialize("main", _plain(memory.serialize("main")))
        head = plain.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").get or (0, b"")
        origin = Origin(head[0], head[1].hex(), datetime.now(UTC), os.uname().nodename, str(folder))
        plain.execute("CREATE TABLE copied (origin TEXT NOT NULL) STRICT")
        plain.execute("INSERT INTO copied VALUES (?)", (msgspec.json.encode(origin).decode(),))
    return plain.serialize("main"), origin


def _plain(image: bytes) -> bytes:
    """The same file, marked as one that is written without a log: in memory there is none to write ahead to."""
    return image[:18] + b"\x01\x01" + image[20:] if image[18:20] == b"\x02\x02" else image


def _fill(handle: int, content: bytes) -> None:
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

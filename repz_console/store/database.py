"""One SQLite file of the store: opened with its rights and settings, brought up to date, its errors in plain words."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import apsw

from repz_console.store import place
from repz_console.store.errors import NewerStore, StoreError
from repz_console.store.schema import Schema

BUSY_SECONDS = 5.0
"""How long a write waits for another process's."""

_SIDE_FILES_KEPT = 4 * 1024 * 1024
_SHARED_PAGE = 32 * 1024
_SETTINGS = (
    "foreign_keys = ON",
    "recursive_triggers = ON",
    "trusted_schema = OFF",
    "secure_delete = ON",
    "cell_size_check = ON",
    "temp_store = MEMORY",
    f"journal_size_limit = {_SIDE_FILES_KEPT}",
    # On macOS fsync alone does not reach the platter.
    *(("fullfsync = ON", "checkpoint_fullfsync = ON") if sys.platform == "darwin" else ()),
)


class Lock:
    """A lock file: every open store holds it shared, an upgrade needs it alone. The kernel frees it on kill -9."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        """Raises `StoreError` if the file cannot be opened; a folder that may only be read needs no lock file."""
        self._path = path
        self._handle = -1
        try:
            if make:
                place.create(path)
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOENT):
                raise StoreError(f"{path} cannot be opened: {error.strerror}") from error

    def shared(self) -> None:
        """Wait until no upgrade runs, at most as long as a write waits. Raises `StoreError`."""
        deadline = time.monotonic() + BUSY_SECONDS
        while not self._try(fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                raise StoreError(f"Another console is upgrading {self._path.with_suffix('.db')}: try again in a moment")
            time.sleep(0.02)

    def alone(self) -> bool:
        """Whether nobody else has the store open, now and until `shared` or `close`. False loses the shared lock."""
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        """Free it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _try(self, how: int) -> bool:
        if self._handle < 0:
            return how == fcntl.LOCK_SH
        try:
            fcntl.flock(self._handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """A connection to an existing file. Nothing is written by opening or closing it, until `settle`."""
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE
    with plain_errors(path):
        db = apsw.Connection(os.fspath(path), flags=flags | apsw.SQLITE_OPEN_NOFOLLOW)
        db.set_busy_handler(Patience())
        keep_untouched(db)
    return db


class Patience:
    """Waits for another process's write, at most `BUSY_SECONDS`, and looks every few milliseconds.

    SQLite's own waiting sleeps for up to 100 ms between two looks: a process that writes without pause would then keep
    another out for seconds, for its gaps are short.
    """

    def __init__(self) -> None:
        self._since = 0.0

    def __call__(self, looks: int) -> bool:
        now = time.monotonic()
        if looks == 0:
            self._since = now
        if now - self._since >= BUSY_SECONDS:
            return False
        # Irregular, so that two who wait do not look in step with the one who writes.
        time.sleep(0.001 * (1 + looks % 3))
        return True


def keep_untouched(db: apsw.Connection) -> None:
    """See to it that closing the connection leaves the file and its log exactly as they are."""
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def inode(path: Path) -> int:
    """What tells a file from another one at the same path; 0 if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def create(path: Path) -> None:
    """Make the file if it does not exist. Raises `StoreError`, also if only its log is there."""
    log = path.with_name(path.name + "-wal")
    try:
        if log.exists() and log.stat().st_size and not path.exists():
            raise StoreError(f"{path} was moved away without its log {log.name}: put it back, or move the log as well")
        place.create(path)
        if place.is_shared(path.parent):
            # SQLite makes its side files first and gives them their rights then: whoever comes in between is refused.
            place.create(log)
            place.create(path.with_name(path.name + "-shm"))
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror or error}") from error


def settle(db: apsw.Connection, *, durable: bool) -> None:
    """The settings of a connection that writes: write-ahead log, and every commit on disk at once if `durable`."""
    mode = _switch_to_log(db)
    if mode != "wal":
        raise StoreError(f"{db.filename} cannot use a write-ahead log here ({mode})")
    synchronous(db, durable=durable)
    for setting in _SETTINGS:
        # Read to its end: of several statements at once, those after one that answers would not be run.
        list(db.execute(f"PRAGMA {setting}"))
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    if place.is_shared(Path(db.filename).parent):
        _keep_side_files(db)


def _keep_side_files(db: apsw.Connection) -> None:
    """Let the last one to close leave them, empty: they are made once, with their rights."""
    from array import array  # only a shared store pays for it

    on = array("i", [1])
    db.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, on.buffer_info()[0])


def _switch_to_log(db: apsw.Connection) -> str:
    """The mode that the file is in afterwards."""
    patience, looks = Patience(), 0
    while True:
        try:
            return str(db.execute("PRAGMA journal_mode = WAL").get)
        except apsw.BusyError:
            # SQLite waits for nobody here: two consoles that open a new file at once would fail each other.
            if not patience(looks):
                raise
        looks += 1


def synchronous(db: apsw.Connection, *, durable: bool) -> None:
    """Whether commits from now on are on disk when they return, or soon after."""
    db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


def version(db: apsw.Connection, schema: Schema) -> int:
    """The file's schema version, 0 if it is empty. Raises `NewerStore`, or `StoreError` if it is something else."""
    db.execute("SAVEPOINT look")  # of one moment: another console may be making the file
    try:
        found = int(db.execute("PRAGMA user_version").get)
        owner = int(db.execute("PRAGMA application_id").get)
        tables = int(db.execute("SELECT count(*) FROM sqlite_schema").get)
    finally:
        with suppress(apsw.Error):  # a disk that failed has ended it already, and that is what there is to say
            db.execute("RELEASE look")
    if owner != schema.application_id and (owner or tables):
        raise StoreError(f"{db.filename} is a database of another program: it was not touched")
    if found > schema.version:
        raise NewerStore(
            f"{db.filename} was made by a newer repz-console (version {found}, this one knows {schema.version}): "
            "it was not touched; upgrade this program"
        )
    return found


def bring_up(db: apsw.Connection, schema: Schema, lock: Lock) -> None:
    """Take the file to this program's schema version. An older file is copied first and needs the store alone."""
    found = version(db, schema)
    if found == schema.version:
        return
    if found:
        if not lock.alone():
            raise StoreError(
                f"{db.filename} needs an upgrade from version {found} to {schema.version} while no console is open: "
                "close the others, then start this one again"
            )
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        copy(db, Path(db.filename).with_name(f"{schema.name}-version-{found}-{stamp}.db"))
    with transaction(db):
        # Another console may have made the new file's tables while this one waited.
        for step in schema.steps[version(db, schema) :]:
            db.execute(step)
        db.execute(f"PRAGMA user_version = {schema.version}; PRAGMA application_id = {schema.application_id}")
    lock.shared()


def copy(db: apsw.Connection, to: Path) -> None:
    """A consistent copy of the file as it is now. Raises `StoreError` if `to` exists."""
    try:
        if not place.create(to):
            raise StoreError(f"{to} exists already: nothing was copied")
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror}") from error
    try:
        with plain_errors(to):
            target = apsw.Connection(os.fspath(to), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                with target.backup("main", db, "main") as backup:
                    while not backup.done:
                        backup.step()
            finally:
                target.close()
    except StoreError:
        to.unlink(missing_ok=True)  # half a copy must not pass for one
        raise


def fault(db: apsw.Connection, check: Literal["quick_check", "integrity_check"]) -> str:
    """The first thing that SQLite finds wrong with the file, in one line; empty if nothing."""
    found = str(db.execute(f"PRAGMA {check}(1)").get)
    return "" if found == "ok" else found.splitlines()[-1]


@contextmanager
def transaction(db: apsw.Connection) -> Iterator[None]:
    """One transaction that takes the write lock first, so that what it reads stays true until it commits."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(apsw.Error):
                db.execute("ROLLBACK")
        raise


@contextmanager
def plain_errors(path: Path | str) -> Iterator[None]:
    """SQLite's errors as a `StoreError` with one plain line."""
    try:
        yield
    except apsw.Error as error:
        raise StoreError(_plain(error, path)) from error


def is_damage(error: BaseException | None) -> bool:
    """Whether an error says that the file itself is broken."""
    if isinstance(error, StoreError):
        error = error.__cause__
    return isinstance(error, apsw.CorruptError | apsw.NotADBError)


def is_refusal(error: BaseException) -> bool:
    """Whether an error says that the disk took nothing, such as a full one: the file itself may be sound."""
    return isinstance(error.__cause__, apsw.FullError | apsw.IOError | apsw.CantOpenError | apsw.ReadOnlyError)


def _plain(error: apsw.Error, path: Path | str) -> str:
    disk = isinstance(error, apsw.FullError | apsw.IOError | apsw.CantOpenError | apsw.ReadOnlyError)
    match error:
        case apsw.FullError():
            return _full(path)
        case _ if disk and is_read_only(path):
            return read_only_disk(path)
        case apsw.IOError() if _has_no_room(path):
            return _full(path)
        case apsw.BusyError() | apsw.LockedError():
            return f"{path} is busy: another process has kept it for over {BUSY_SECONDS:.0f} s; nothing was written"
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return f"{path} may not be written by you: a shared folder needs 2770, the files in it 660"
        case apsw.CantOpenError():
            return f"{path} cannot be opened: look at its rights and its folder's"
        case apsw.CorruptError() | apsw.NotADBError():
            return f"{path} is damaged: {error}"
        case apsw.IOError():
            what = apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", 0), "SQLITE_IOERR")
            return f"The disk refused to read or write {path} ({what}): look at `dmesg`; it is tried anew each time"
        case _:
            return f"{path}: {error}"


def read_only_disk(path: Path | str) -> str:
    """Why nothing can be written to a file on a disk that is mounted read-only, in one line."""
    return f"The disk of {path} is read-only: nothing was written; `dmesg` tells why, then remount it"


def _full(path: Path | str) -> str:
    return f"The disk is full: nothing was written to {path}; make room there"


def why_no_room(path: Path) -> str:
    """Why nothing can be written to the disk of a file that has no room left; empty if it has some."""
    return _full(path) if _has_no_room(path) else ""


def is_read_only(path: Path | str) -> bool:
    """Whether the file system of a file is mounted so, which SQLite tells in several ways."""
    with suppress(OSError):
        return bool(os.statvfs(Path(path).parent).f_flag & os.ST_RDONLY)
    return False


def _has_no_room(path: Path | str) -> bool:
    """Whether a file could not grow by a page of memory that processes share: SQLite calls that an I/O error."""
    with suppress(OSError):
        disk = os.statvfs(Path(path).parent)
        return disk.f_bavail * disk.f_frsize < _SHARED_PAGE
    return False

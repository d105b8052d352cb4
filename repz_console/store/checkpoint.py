"""Folding a file's log into the file: of all processes of a folder one at a time does it, and SQLite never by itself.

A process that checkpoints while others write is the one thing that some versions of SQLite can corrupt a file by, and
the one that makes a commit take long. So it is done while nobody waits, under a lock that the kernel frees on kill -9.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from repz_console.store import database
from repz_console.store.errors import StoreError

IDLE_PAGES = 256
"""Pages in the log (1 MB) from which it is folded in while nobody waits."""

BUSY_PAGES = 4 * IDLE_PAGES
"""Pages from which a commit no longer waits for such a moment."""


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether this process is the one that may checkpoint files of `folder`, until the end of the block.

    The lock is the folder's own: it needs no file that a full disk could refuse, and no right but to read.
    """
    handle = _lock(folder)
    try:
        yield handle >= 0
    finally:
        if handle >= 0:
            os.close(handle)


def _lock(folder: Path) -> int:
    """What to close to free the lock; -1 if another process has it."""
    handle = -1
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if handle >= 0:
            os.close(handle)
        return -1
    return handle


class Checkpointer:
    """Keeps the log of one connection's file short. Belongs to the connection's thread."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        """From here on `db` checkpoints through this alone."""
        self._db = db
        self._path = path
        self._pages = 0
        """In the log after this connection's last commit, those of other processes included."""
        self._later = 0
        """What is added to the thresholds after a try that a reader, or the disk, left unfinished."""
        list(db.execute("PRAGMA wal_autocheckpoint = 0"))
        db.set_wal_hook(self._committed)

    def tend(self, *, busy: bool = False) -> None:
        """Fold the log in if it is long; with `busy`, only if it is so long that others may wait for it.

        Waits for nobody. Raises `StoreError` if the disk refuses: what was committed is on disk in the log all the
        same, and the next try comes when the log has grown.
        """
        if self._pages < self._later + (BUSY_PAGES if busy else IDLE_PAGES):
            return
        with alone(self._path.parent) as mine:
            if not mine:
                return
            self._later = self._pages
            with database.plain_errors(self._path):
                pages, folded = self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            if folded == pages:  # the next commit starts the log anew
                self._pages = self._later = 0

    def empty(self) -> None:
        """Fold all of the log in and cut it to nothing, waiting for who reads or writes. Raises `StoreError`."""
        patience = database.Patience()
        looks = 0
        while True:
            with alone(self._path.parent) as mine:
                if mine:
                    with database.plain_errors(self._path):
                        self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                    self._pages = self._later = 0
                    return
            if not patience(looks):
                raise StoreError(f"{self._path} is busy: another console has been folding its log in for too long")
            looks += 1

    def close(self, *, fold: bool) -> None:
        """Close the connection. With `fold` the last one to close folds the log in and removes it.

        Without it the file and its log are left exactly as they are: for a file that is damaged, or that is no
        longer the one at its path, since a log is removed by its name.
        """
        with suppress(apsw.Error), alone(self._path.parent) as mine:
            if fold and mine:
                self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
            else:
                database.keep_untouched(self._db)
            self._db.close()

    def _committed(self, db: apsw.Connection, name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

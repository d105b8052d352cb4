"""What the flag file asks of the disk: a newer time, a flushed folder, an overwriting that nobody misreads."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

from repz_console.providers.flagd_document import Document, encode
from repz_console.text import safe

NO_NEW_FILE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBUSY})
"""What a folder answers that takes no new file, or lets none take another's place, as where that is a mount point."""

_CLIENT_STEP_NS = 1_000_000
"""By how much a file must be newer for every client to see it: they compare times as floating-point seconds."""

_TORN = b"\0"
"""What no JSON text begins with."""


class Busy(Exception):
    """Nothing was written, as somebody else is writing or has just written."""


class Withdrawn(Busy):
    """Nothing was written, as a kill took the new file away before it was in place."""


class Unsettled(Exception):
    """Something was written, but not surely all that had to be."""


def make_newer(file: Path | int, than_ns: int) -> int:
    """Give a file, or an open one, a time that every client sees as newer; returns it. Raises `OSError`."""
    for step in (_CLIENT_STEP_NS, 2_000_000_000, 4_000_000_000):  # some file systems keep whole or even seconds only
        wanted = max(time.time_ns(), than_ns + step)
        with contextlib.suppress(PermissionError):  # another user's file overwritten in place: it has the time of now
            os.utime(file, ns=(wanted, wanted))
        status = os.stat(file)
        if status.st_mtime > than_ns / 1e9:
            return status.st_mtime_ns
    raise OSError(errno.EINVAL, "it cannot be given a newer time")


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlive a power cut. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def overwrite(path: Path, document: Document, newest_ns: int, judged_ns: int | None) -> int:
    """Write `document` over a file where no new one can be made; returns its time, which is after `newest_ns`.

    Whoever reads meanwhile, or after an end in the middle, finds the old document, the new one, or what no JSON parser
    takes; never a mixture. With `judged_ns` the file must be of that time at first, and nobody else may write
    meanwhile; None asks nothing. Raises `Busy` and `OSError` when nothing was written, `Unsettled` when something was.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        hand = _Hand(path, descriptor, judged_ns)
        content = _with_room(hand, document)
        try:
            hand.write(_TORN, 0)
            hand.write(content[1:], 1)
            hand.write(content[:1], 0)
            return make_newer(descriptor, newest_ns)
        except OSError as error:
            raise Unsettled(f"it may be half written: {safe(error.strerror)}") from error
    finally:
        os.close(descriptor)


class _Hand:
    """Writes an open file step by step, each on the disk before the next, for as long as nobody else does."""

    def __init__(self, path: Path, descriptor: int, judged_ns: int | None) -> None:
        self.path = path
        self.descriptor = descriptor
        self._mine_ns = judged_ns

    def write(self, content: bytes, at: int) -> None:
        """Raises `Busy` and `OSError`."""
        self._check()
        written = 0
        while written < len(content):
            written += os.pwrite(self.descriptor, content[written:], at + written)
        os.fsync(self.descriptor)
        self._done()

    def cut(self, size: int) -> None:
        """Raises `OSError`."""
        os.ftruncate(self.descriptor, size)
        self._done()

    def _check(self) -> None:
        if self._mine_ns is None:
            return
        open_one = os.fstat(self.descriptor)
        if open_one.st_mtime_ns != self._mine_ns or not os.path.samestat(open_one, os.stat(self.path)):
            raise Busy("somebody else wrote it at the same moment")

    def _done(self) -> None:
        if self._mine_ns is not None:
            self._mine_ns = os.fstat(self.descriptor).st_mtime_ns


def _with_room(hand: _Hand, document: Document) -> bytes:
    """The document as bytes for which the file has room: laid out for people, else without a blank.

    The file never becomes shorter: on a full disk somebody else would take what it gave back, and the next way back
    would find too little. Trailing blanks mean nothing, to the old document as little as to the new.
    """
    size = os.fstat(hand.descriptor).st_size
    full: OSError | None = None
    for content in (encode(document), encode(document, compact=True)):
        if len(content) > size:
            try:
                hand.write(b" " * (len(content) - size), size)
            except OSError as error:
                full = error
                hand.cut(size)
                continue
        return content[:-1].ljust(size - 1) + b"\n"
    assert full is not None
    raise full

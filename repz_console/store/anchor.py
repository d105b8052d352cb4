"""The journal's head noted elsewhere: a file of lines on another disk, against which the journal is compared.

The hash chain shows that an entry was changed, not that the newest ones were cut off or that all of it was written
anew. Whoever can do that to the journal, and not to this file, is found out by it. Lines are only ever appended.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from repz_console.store import place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.text import safe

_MOST_BYTES = 64_000_000
_RESTORES = "SELECT seq, hash FROM entry WHERE kind = 'store.restored' ORDER BY seq"
_HASHES = "SELECT seq, hash FROM entry WHERE seq >= ? ORDER BY seq"


class Head(Struct, frozen=True):
    """One line: what the newest entry was at some time."""

    launch: str
    seq: int
    hash: str
    """Hex."""
    at: datetime
    host: str
    since: str = ""
    """Hash of the entry by which the journal was restored from a copy last; empty for one that never was. Of two
    machines that went on from one copy it tells whose head this is."""


class Found(Struct, frozen=True):
    """What a comparison gave."""

    ok: bool
    heads: int
    """Lines of this launch."""
    broken: int | None = None
    """The first noted entry that the journal does not hold as it was noted; None if it holds all that could be read."""
    why: str = ""
    """One plain line; empty if all is well."""
    left_behind: int = 0
    """Entries that were noted on another machine after the copy from which this journal was restored."""


def located(file: str, base: Path) -> Path | None:
    """The file that a config means, its folder being `base`; None if it names none. Raises `StoreError`."""
    return place.named(file, base) if file else None


def head(journal: Journal, launch: str, host: str, at: datetime) -> Head | None:
    """The line for the journal as it is now; None as long as it is empty, or what it holds is in doubt."""
    seq, digest = journal.head()
    if not seq or journal.damage:
        return None
    restores = journal.read(_RESTORES)
    return Head(launch, seq, digest, at, host, restores[-1][1].hex() if restores else "")


def encode(line: Head) -> bytes:
    """The line as JSON, without a line break."""
    return msgspec.json.encode(line)


def append(path: Path, line: Head) -> None:
    """Add one line; it is on disk on return. A file that is made gets the rights that its folder asks for, 0600 or in
    a folder shared by a group 0660. Raises `OSError`."""
    place.create(path)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a regular file")
        # A line that a power cut tore must not swallow this one.
        torn = status.st_size and os.pread(handle, 1, status.st_size - 1) != b"\n"
        whole = b"\n" * bool(torn) + encode(line) + b"\n"
        if os.write(handle, whole) < len(whole):  # a disk that is nearly full takes a part
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path, launch: str, *, newest: int = _MOST_BYTES) -> tuple[list[Head], int]:
    """A launch's lines, oldest first, and the number of the first line that is none, or 0. `newest` bounds the bytes,
    from the end. Raises `StoreError` with one plain line."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StoreError(f"{path} is not a regular file")
            start = max(0, os.fstat(file.fileno()).st_size - newest)
            file.seek(start)
            lines = file.read(newest).split(b"\n")
    except FileNotFoundError:
        raise StoreError(f"{path} does not exist: it was not written yet, or was taken away") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    heads, garbage = [], 0
    for number, line in enumerate(lines[1:] if start else lines, 1):
        if not line:
            continue
        try:
            found = msgspec.json.decode(line, type=Head)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            garbage = garbage or number
            continue
        if found.launch == launch:
            heads.append(found)
    return heads, garbage


def look(path: Path, journal: Journal, launch: str) -> Found:
    """Whether a journal that may have been cut or written anew holds every head that `path` has of its launch."""
    try:
        heads, garbage = read(path, launch)
    except StoreError as error:
        if not path.exists() and not journal.head()[0]:
            return Found(True, 0)
        return Found(False, 0, why=f"it cannot be compared with the heads noted elsewhere: {error}")
    found = compare(journal, heads)
    if found.ok and garbage:
        return replace(found, ok=False, why=f"line {garbage} of {path} is no head: look who writes there")
    if found.ok and not heads:
        return replace(found, ok=False, why=f"{path} has no head of this launch: nothing to compare it with")
    return found


def compare(journal: Journal, heads: Sequence[Head]) -> Found:
    """Whether the journal holds every head as it was noted."""
    if not heads:
        return Found(True, 0)
    restores = [(seq, digest.hex()) for seq, digest in journal.read(_RESTORES)]
    ends = dict(_ends(restores))
    held = {seq: digest.hex() for seq, digest in journal.read(_HASHES, (min(line.seq for line in heads),))}
    length = journal.head()[0]
    left_behind = 0
    for line in sorted(heads, key=lambda line: line.seq):
        end = ends.get(line.since, -1)
        noted = f"noted at {line.at:%Y-%m-%d %H:%M:%S}Z on {safe(line.host, 64)}"
        if end == -1:
            why = f"a journal that was restored went on to entry {line.seq:,}, {noted}: this is not that journal"
        elif end is not None and line.seq > end:
            left_behind = max(left_behind, line.seq - end)
            continue
        elif line.seq not in held:
            why = f"entry {line.seq:,} is missing, {noted}: the journal was cut, it ends at {length:,}"
        elif held[line.seq] != line.hash:
            why = f"entry {line.seq:,} is not the one {noted}: the journal was rewritten"
        else:
            continue
        return Found(False, len(heads), line.seq, why, left_behind)
    return Found(True, len(heads), None, "", left_behind)


def _ends(restores: Sequence[tuple[int, str]]) -> Iterator[tuple[str, int | None]]:
    """Of each stretch between restores, named by the restore that began it: its last entry, None for what goes on."""
    since = ""
    for seq, digest in restores:
        yield since, seq - 1
        since = digest
    yield since, None

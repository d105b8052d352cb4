"""A disk under SQLite's files that remembers what was synced, and refuses when it is told to.

`with Disk() as disk:` puts it under every connection opened in the block; others keep theirs. What it recorded gives,
for any moment, the files as a power cut would leave them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct

SECTOR = 512
"""What a disk writes whole or not at all."""

REFUSALS = {
    "EIO": {"write": apsw.SQLITE_IOERR_WRITE, "sync": apsw.SQLITE_IOERR_FSYNC, "truncate": apsw.SQLITE_IOERR_TRUNCATE},
    "ENOSPC": {"write": apsw.SQLITE_FULL, "sync": apsw.SQLITE_IOERR_FSYNC, "truncate": apsw.SQLITE_IOERR_TRUNCATE},
    "EROFS": {"write": apsw.SQLITE_READONLY, "sync": apsw.SQLITE_READONLY, "truncate": apsw.SQLITE_READONLY},
}
"""What SQLite makes of each error of the system."""


class Step(Struct, frozen=True):
    """One thing that SQLite did to a file."""

    what: str
    """`write`, `truncate`, `sync` or `delete`."""
    file: str
    """Its name without the folder."""
    offset: int = 0
    """Where a write starts; the new size for `truncate`."""
    data: bytes = b""


class Disk(apsw.VFS):
    """Records in `steps`, and fails the `fails_at`-th write, sync or truncation from then on."""

    def __init__(self) -> None:
        self.name = f"disk-{id(self)}"
        self.steps: list[Step] = []
        self.done = 0
        """Writes, syncs and truncations so far."""
        self.fails_at = 0
        """Which of them is the first to fail, from 1; 0 for none."""
        self.heals_at = 0
        """The first that does not fail again; 0 for never."""
        self.refusal = "EIO"
        super().__init__(self.name, "unix")

    def __enter__(self) -> Disk:
        apsw.set_default_vfs(self.name)
        return self

    def __exit__(self, *_: object) -> None:
        apsw.set_default_vfs("unix")

    def fail(self, at: int, refusal: str, times: int = 0) -> None:
        """Fail from the `at`-th further write, sync or truncation on, `times` times or for ever."""
        self.fails_at = self.done + at
        self.heals_at = self.fails_at + times if times else 0
        self.refusal = refusal

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.steps.append(Step("delete", os.path.basename(filename)))
        super().xDelete(filename, syncdir)

    def does(self, step: Step) -> bool:
        """Take note of a step. Whether it succeeds."""
        self.done += 1
        failing = self.fails_at and self.done >= self.fails_at and not (self.heals_at and self.done >= self.heals_at)
        if not failing:
            self.steps.append(step)
        return not failing

    def error(self, what: str) -> Exception:
        """What a failing step raises."""
        return apsw.exception_for(REFUSALS[self.refusal][what])


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._disk, self._file = disk, os.path.basename(path)
        super().__init__("unix", name, flags)

    def excepthook(self, *_: object) -> None:
        """What fails on the way to closing has nobody to tell."""

    def xWrite(self, data: bytes, offset: int) -> None:
        if not self._disk.does(Step("write", self._file, offset, bytes(data))):
            super().xWrite(data[: len(data) // 2], offset)
            raise self._disk.error("write")
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        if not self._disk.does(Step("truncate", self._file, size)):
            raise self._disk.error("truncate")
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        if not self._disk.does(Step("sync", self._file)):
            raise self._disk.error("sync")
        super().xSync(flags)


class Platter:
    """What a disk holds for certain, and what it had been given but not been made to keep."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._given: dict[str, list[Step]] = {}
        self._new: set[str] = set()
        """Files not synced since they were made."""

    def take(self, step: Step) -> None:
        """One step further."""
        if step.file not in self._kept:
            self._kept[step.file] = b""
            self._new.add(step.file)
        given = self._given.setdefault(step.file, [])
        if step.what != "sync":
            given.append(step)
            return
        self._kept[step.file] = _applied(self._kept[step.file], given)
        given.clear()
        if step.file in self._new:
            # SQLite syncs the folder with a new file, and with that what was removed from it.
            self._new.remove(step.file)
            for file in [file for file, steps in self._given.items() if steps and steps[-1].what == "delete"]:
                del self._kept[file], self._given[file]

    def image(self, folder: Path, chance: random.Random | None = None) -> None:
        """Write the files as a power cut leaves them: without anything unsynced, or by `chance` with some of it, in
        any order, torn at any sector."""
        folder.mkdir(parents=True)
        for file, kept in self._kept.items():
            given = list(_survivors(self._given[file], chance)) if chance is not None else []
            if given and given[-1].what == "delete":
                continue
            (folder / file).write_bytes(_applied(kept, given))


def _survivors(given: list[Step], chance: random.Random) -> Iterator[Step]:
    for step in given:
        match step.what, chance.randrange(3):
            case (_, 0):
                yield step
            case ("write", 1):
                first = chance.randrange(0, len(step.data) + 1, SECTOR)
                yield Step("write", step.file, step.offset, step.data[:first])


def _applied(content: bytes, steps: list[Step]) -> bytes:
    now = bytearray(content)
    for step in steps:
        match step.what:
            case "write":
                now.extend(bytes(max(0, step.offset - len(now))))
                now[step.offset : step.offset + len(step.data)] = step.data
            case "truncate":
                now = now[: step.offset] + bytes(max(0, step.offset - len(now)))
            case "delete":
                now.clear()
    return bytes(now)

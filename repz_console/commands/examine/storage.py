"""Whether the journal can be kept here, and whether what it holds is what was written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import apsw

from repz_console.commands.examine.answer import Answer
from repz_console.room import words
from repz_console.store import place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal

AREA = "store"
SOUND_SQLITE = (3, 51, 3)
"""The first version without the write-ahead log's reset bug."""
LARGE_LOG = 16 * 1024 * 1024
"""Bytes of a write-ahead log from which something keeps it from being folded in: it is short while all is well."""
LOW_SPACE = 256 * 1024 * 1024
"""Bytes free below which a long launch may fill the disk."""
_ROOM_NEEDED = 256 * 1024
"""Bytes that a few entries and the log's next pages take."""
_STEERING = """SELECT at, kind FROM entry WHERE kind IN ('store.restored', 'store.retired', 'store.steers')
ORDER BY seq DESC LIMIT 1"""


def examine(path: str, base: Path) -> list[Answer]:
    """Every answer about the store that a config names by `[store] path`; `base` is the config's folder."""
    try:
        folder = place.folder(path, base)
    except StoreError as error:
        return [Answer(AREA, "folder", "bad", str(error))]
    return [
        _folder(folder),
        _space(folder),
        *_journal(folder),
        _telemetry(folder),
        *_logs(folder),
        _sqlite(apsw.sqlite_lib_version()),
    ]


def _folder(folder: Path) -> Answer:
    kind = place.filesystem(folder)
    if kind == "tmpfs":
        return Answer(AREA, "folder", "warn", f"{folder}, in memory (tmpfs): a reboot empties it", "name one on a disk")
    if kind == "overlay":
        line = f"{folder}, on a container's own layer (overlay): it goes with the container"
        return Answer(AREA, "folder", "warn", line, "mount a volume there")
    return Answer(AREA, "folder", "ok", f"{folder}, on a local file system{f' ({kind})' if kind else ''}")


def _sqlite(version: str) -> Answer:
    if tuple(map(int, version.split(".")[:3])) >= SOUND_SQLITE:
        return Answer(AREA, "sqlite", "ok", version)
    line = f"{version} can damage a log that several processes write"
    return Answer(
        AREA, "sqlite", "bad", line, f"pip install -U apsw brings {'.'.join(map(str, SOUND_SQLITE))} or newer"
    )


def _space(folder: Path) -> Answer:
    free = shutil.disk_usage(folder).free
    line = f"{free // (1024 * 1024):,} MB free"
    try:
        # By trying: a quota shows in no figure. The file has no name, or one for the moment alone.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_ROOM_NEEDED))
            probe.flush()
            os.fsync(probe.fileno())
    except PermissionError:
        pass  # said of its rights
    except OSError as error:
        line = f"{line}; the folder takes no entry: {error.strerror}"
        return Answer(AREA, "space", "bad", line, "make room: until then nothing is journaled, and nobody widens")
    if free < LOW_SPACE:
        return Answer(AREA, "space", "warn", line, "make room: a full disk stops the journal, and with it widening")
    return Answer(AREA, "space", "ok", line)


def _journal(folder: Path) -> list[Answer]:
    if not (folder / "journal.db").exists():
        return [Answer(AREA, "journal", "note", "there is none yet; the first console makes it")]
    try:
        journal = Journal.open(folder, read_only=True)
    except StoreError as error:
        return [Answer(AREA, "journal", "bad", str(error))]
    try:
        verified = journal.verify()
        steering = journal.read(_STEERING)
    except StoreError as error:
        return [Answer(AREA, "journal", "bad", str(error))]
    finally:
        journal.close()
    if verified.ok:
        whole = Answer(AREA, "journal", "ok", f"{verified.length:,} entries, the chain is whole")
        return [whole, *_steering(*steering[0])] if steering else [whole]
    return [
        Answer(
            AREA,
            "journal",
            "bad",
            f"good up to entry {verified.length}; {verified.why}",
            "keep the file as evidence; put back a copy with `repz-console store restore --set-aside`",
        )
    ]


def _steering(at: str, kind: str) -> Iterator[Answer]:
    """Only of a store from which nobody may widen."""
    if kind != "store.steers":
        line = f"{kind.removeprefix('store.')} at {words.instant(datetime.fromisoformat(at))}: nobody widens from here"
        yield Answer(AREA, "steering", "bad", line, "repz-console store take-over makes it steer")


def _telemetry(folder: Path) -> Answer:
    file = folder / "telemetry.db"
    if not file.exists():
        return Answer(AREA, "telemetry", "note", "there is none yet; it is made again whenever it is missing")
    return Answer(AREA, "telemetry", "ok", f"{file.stat().st_size // 1024:,} kB")


def _logs(folder: Path) -> Iterator[Answer]:
    """Only a log that something keeps from being folded into its file is worth a line."""
    for name in ("journal.db-wal", "telemetry.db-wal"):
        file = folder / name
        size = file.stat().st_size if file.exists() else 0
        if size >= LARGE_LOG:
            line = f"{name} has {size // (1024 * 1024):,} MB: something reads without end, or the disk refuses"
            yield Answer(
                AREA, "log", "warn", line, "close the consoles one by one and look again; `dmesg` tells of a disk"
            )

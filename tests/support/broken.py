"""Stores that a console cannot write or open, each for as long as a `with` lasts, and mended afterwards."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import pytest

from repz_console.config import Loaded
from repz_console.engine import storage
from repz_console.events import NoteAdded
from repz_console.store import place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support.sessions import actor, opened, widen


@contextmanager
def mounted(*arguments: str, at: Path) -> Iterator[None]:
    subprocess.run(["mount", *arguments, os.fspath(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", os.fspath(at)], check=False)


@contextmanager
def newer(store: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    db = apsw.Connection(os.fspath(store / "journal.db"))
    db.set_busy_timeout(10_000)
    (version,) = next(db.execute("PRAGMA user_version"))
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = (store / "journal.db").read_bytes()
    yield
    assert (store / "journal.db").read_bytes() == before
    db = apsw.Connection(os.fspath(store / "journal.db"))
    db.set_busy_timeout(10_000)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()


@contextmanager
def damaged(store: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    good = (store / "journal.db").read_bytes()
    (store / "journal.db").write_bytes(os.urandom(len(good)))
    yield
    for side in ("journal.db-wal", "journal.db-shm"):
        (store / side).unlink(missing_ok=True)
    (store / "journal.db").write_bytes(good)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(65536)):
            pass
        while file.write(b"\0"):
            pass
    return filler


@contextmanager
def full(store: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    """Full while others have the journal open."""
    journal = Journal.open(store)
    filler = fill(store)
    with suppress(StoreError):
        for _each in range(100):  # what room the log still has in its last page
            journal.append(NoteAdded("x" * 3000), actor("mallory"))
    yield
    filler.unlink()
    journal.close()


@contextmanager
def full_at_the_start(store: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    filler = fill(store)
    yield
    filler.unlink()


@contextmanager
def read_only(store: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    with mounted("--bind", os.fspath(store), at=store):
        subprocess.run(["mount", "-o", "remount,ro,bind", os.fspath(store)], check=True)
        yield


@contextmanager
def unwritable(store: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    (store / "journal.db").chmod(0o400)
    yield
    (store / "journal.db").chmod(0o600)


@contextmanager
def unreadable(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder that may not be read, and as root one that cannot be."""
    aside = store.with_name("aside")
    store.rename(aside)
    store.write_text("not a folder")
    yield
    store.unlink()
    aside.rename(store)


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file may grow beyond `size`: what a quota or a full disk does, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def silent(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk on which nothing can be opened any more, and nothing fails either."""
    thaw = threading.Event()
    real = place.folder
    monkeypatch.setattr(storage, "OPENING_PATIENCE", 0.2)
    monkeypatch.setattr(place, "folder", lambda path, base: (thaw.wait(60), real(path, base))[1])
    yield
    thaw.set()
    monkeypatch.setattr(place, "folder", real)
    monkeypatch.setattr(storage, "OPENING_PATIENCE", 8.0)


STATES = {
    "newer": newer,
    "damaged": damaged,
    "full": full,
    "full at the start": full_at_the_start,
    "read-only": read_only,
    "unwritable": unwritable,
    "unreadable": unreadable,
    "silent": silent,
}
MOUNTING = ("full", "full at the start", "read-only")


async def exposed_at(loaded: Loaded, *percents: float) -> None:
    async with opened(loaded) as session:
        assert await session.take_conn() == ""
        for percent in percents:
            outcome = await widen(session, percent)
            assert outcome.state == "confirmed", outcome.line

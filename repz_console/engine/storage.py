"""The store behind a thread of its own: a slow disk or a busy lock never holds up the event loop.

The thread is a daemon, so that a process can end while the disk hangs. Work is done in the order in which it came.

A store always opens. One whose journal is newer, unreadable, gone or silent opens without it: nothing is known then and
nothing can be written, but the way back needs neither.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from msgspec import Struct

from repz_console.facts import Actor
from repz_console.store import identity, place
from repz_console.store.emergency import Emergency, own_folders
from repz_console.store.errors import NewerStore, StoreError
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from repz_console.store.telemetry import Telemetry

Result = TypeVar("Result")

OPENING_PATIENCE = 8.0
"""Seconds that a store has to open: longer than a lock is waited for, and no longer than a way back may wait."""
_NOWHERE = Path("/no-journal")
"""Holds nothing on any machine."""


class Stores(Struct, frozen=True):
    """What is open. To be used in the storage thread alone."""

    folder: Path
    """Where this console's own files go, such as its lock and the last status line."""
    journal: Journal
    leases: Leases
    telemetry_or_why: Telemetry | str
    """The telemetry, or why there is none, such as a folder that may only be read."""
    emergency: Emergency
    absent: bool = False
    """Whether it stands in for a store that could not be opened."""

    @property
    def telemetry(self) -> Telemetry:
        """The telemetry. Raises `StoreError` where there is none."""
        if isinstance(self.telemetry_or_why, str):
            raise StoreError(self.telemetry_or_why)
        return self.telemetry_or_why

    def close(self) -> None:
        """Close both files."""
        if not isinstance(self.telemetry_or_why, str):
            self.telemetry_or_why.close()
        self.journal.close()


class _Job(Struct):
    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Storage:
    """Runs work on the stores, in order, off the event loop."""

    def __init__(self) -> None:
        """Use `open`."""
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._stores: Stores | None = None
        self._means: tuple[str, Path] | None = None
        self._meant = _NOWHERE
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="repz storage", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: str, base: Path) -> Storage:
        """Open the store that a config names; `base` is the config's folder. Where that cannot be done the journal's
        condition says why. Raises `StoreError` for a path that means no place at all."""
        meant = place.unresolved(path, base)
        storage = cls()
        storage._meant = meant
        opening = storage._put(lambda: storage._open(path, base))
        opening.add_done_callback(_hear_out)
        try:
            await asyncio.wait({opening}, timeout=OPENING_PATIENCE)
            if opening.done():
                opening.result()
                return storage
        except BaseException:
            storage._jobs.put(None)
            raise
        return await storage.without(f"did not open within {OPENING_PATIENCE:g} s: its disk may hang", hangs=True)

    async def without(self, trouble: str, *, hangs: bool) -> Storage:
        """Leave this one behind, for its `trouble`, and stand in for its store: nothing is known or written then.
        `open_late` tries it again unless it `hangs`."""
        with suppress(StoreError):
            await self.close(0)
        meant, why = self._meant, f"The store in {self._meant} {trouble}"
        storage = Storage()
        storage._meant, storage._means = meant, None if hangs else self._means
        await storage._put(lambda: storage._go_without(why, hangs))
        return storage

    async def open_late(self) -> bool:
        """Try again to open a store that had to be done without, or that could only be read. Whether it was opened."""
        return await self._put(self._open_late)

    async def run(self, work: Callable[[Stores], Result]) -> Result:
        """What `work` returns or raises. If the caller is cancelled meanwhile, the work is done all the same."""
        return await self._put(lambda: work(self._opened()))

    @property
    def folder(self) -> Path:
        """Where this console's own files go: the store's folder, or one of the user's own where that cannot be used."""
        return self._opened().folder

    @property
    def meant(self) -> Path:
        """The store's folder as the config means it, whether it can be used or not: what everybody shares is there or
        nowhere."""
        return self._meant

    @property
    def absent(self) -> bool:
        """Whether the store could not be opened, and is done without."""
        return self._opened().absent

    @property
    def emergency(self) -> Emergency:
        """Where to record what the journal does not take. Its files may be written by any thread."""
        return self._opened().emergency

    async def identify(self) -> Actor:
        """Who runs this program, as the operating system knows them."""
        return await self._put(identity.actor)

    async def close(self, deadline: float = 1.0) -> None:
        """Do what is queued, close the files and end the thread; a hanging disk is left behind after `deadline`."""
        closing = self._put(lambda: self._opened().close())
        closing.add_done_callback(_hear_out)
        self._closed = True
        self._jobs.put(None)
        await asyncio.wait({closing}, timeout=deadline)
        if closing.done():
            closing.result()

    def _put(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        if self._closed:
            raise StoreError("the store was closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._jobs.put(_Job(work, loop, answer))
        return answer

    def _open(self, path: str, base: Path) -> None:
        self._means = (path, base)
        self._meant = place.located(path, base)
        try:
            self._stores = _stores(path, base)
        except StoreError as error:
            self._stores = _without(self._meant, str(error))

    def _open_late(self) -> bool:
        before = self._opened()
        if self._means is None or not (before.absent or os.access(before.journal.path, os.W_OK)):
            return False
        try:
            stores = _stores(*self._means)
        except StoreError:
            return False
        stores.emergency.remember(*before.emergency.remembered)
        self._stores = stores
        before.close()
        return True

    def _go_without(self, why: str, hangs: bool) -> None:
        self._stores = _without(self._meant, why, hangs=hangs)

    def _opened(self) -> Stores:
        if self._stores is None:
            raise RuntimeError("the store is not open")
        return self._stores

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            result, error = None, None
            try:
                result = job.work()
            except BaseException as raised:
                error = raised
            try:
                job.loop.call_soon_threadsafe(_settle, job.answer, result, error)
            except RuntimeError:  # the loop has ended: nobody waits for this answer
                continue


def _stores(path: str, base: Path) -> Stores:
    """Open everything. Raises `StoreError` if there is no journal to go by."""
    folder = place.folder(path, base)
    journal = Journal.open(folder)
    telemetry: Telemetry | str
    try:
        telemetry = Telemetry.open(folder)
    except NewerStore:
        # Whoever runs the newer program polls and writes there: this one would only be in their way.
        journal.close()
        raise
    except StoreError as error:  # decisions can be read, and perhaps taken, without it
        telemetry = str(error)
    emergency = Emergency(folder)
    emergency.prepare()
    return Stores(folder, journal, Leases(journal), telemetry, emergency)


def _without(meant: Path, why: str, *, hangs: bool = False) -> Stores:
    """Stands in for a store that cannot be opened; `meant` is its folder, as far as that is known."""
    journal = Journal.open(_NOWHERE, read_only=True)
    # Of what it held nothing is known: anything may have been decided.
    journal.trouble = journal.damage = why
    folder = meant if not hangs and os.access(meant, os.W_OK | os.X_OK) else next(own_folders())
    return Stores(folder, journal, Leases(journal), why, Emergency(meant, hangs=hangs), absent=True)


def _settle(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)


def _hear_out(answer: asyncio.Future[Any]) -> None:
    """Look at an answer that may come after nobody waits for it any more."""
    if not answer.cancelled():
        answer.exception()

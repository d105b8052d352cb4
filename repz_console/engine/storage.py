"""The store behind a thread of its own: a slow disk or a busy lock never holds up the event loop.

The thread is a daemon, so that a process can end while the disk hangs. Work is done in the order in which it came.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from msgspec import Struct

from repz_console.facts import Actor
from repz_console.store import identity, place
from repz_console.store.errors import NewerStore, StoreError
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from repz_console.store.telemetry import Telemetry

Result = TypeVar("Result")


class Stores(Struct, frozen=True):
    """What is open. To be used in the storage thread alone."""

    folder: Path
    journal: Journal
    leases: Leases
    telemetry_or_why: Telemetry | str
    """The telemetry, or why there is none, such as a folder that may only be read."""

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
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="repz storage", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: str, base: Path) -> Storage:
        """Open the store that a config names; `base` is the config's folder. Raises `StoreError`."""
        storage = cls()
        try:
            await storage._put(lambda: storage._open(path, base))
        except BaseException:
            storage._jobs.put(None)
            raise
        return storage

    async def run(self, work: Callable[[Stores], Result]) -> Result:
        """What `work` returns or raises. If the caller is cancelled meanwhile, the work is done all the same."""
        return await self._put(lambda: work(self._opened()))

    @property
    def folder(self) -> Path:
        """The store's folder."""
        return self._opened().folder

    async def identify(self) -> Actor:
        """Who runs this program, as the operating system knows them."""
        return await self._put(identity.actor)

    async def close(self, deadline: float = 1.0) -> None:
        """Do what is queued, close the files and end the thread; a hanging disk is left behind after `deadline`."""
        closing = self._put(lambda: self._opened().close())
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
        folder = place.folder(path, base)
        journal = Journal.open(folder)
        telemetry: Telemetry | str
        try:
            telemetry = Telemetry.open(folder)
        except NewerStore:
            journal.close()
            raise
        except StoreError as error:  # decisions can be read, and perhaps taken, without it
            telemetry = str(error)
        self._stores = Stores(folder, journal, Leases(journal), telemetry)

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


def _settle(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)

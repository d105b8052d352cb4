"""A console's connection to the launch: everything that a screen or a command may know or do.

    async with Session.open(loaded) as session:
        print(session.view().clock.phase)

A session reads the journal and the last telemetry before it opens, and nothing else: no screen waits for a provider.
Afterwards it follows the store, polls for everyone while it holds the collector lease, and tells its subscribers when
something changed. All methods belong to the event loop that opened it; the store has a thread of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from repz_console import __version__
from repz_console.config import Loaded
from repz_console.engine.collector import Collector
from repz_console.engine.conn import NEEDS_CONN, Conn
from repz_console.engine.follower import Follower
from repz_console.engine.known import Known
from repz_console.engine.poller import utc_now
from repz_console.engine.presence import Presence
from repz_console.engine.status_file import StatusFile
from repz_console.engine.steering import Steering
from repz_console.engine.storage import OPENING_PATIENCE, Storage
from repz_console.engine.stranded import stranded
from repz_console.engine.trust import unfit_to_adopt
from repz_console.engine.writer import JournalWriter
from repz_console.events import (
    AnyEvent,
    ConsoleClosed,
    ConsoleOpened,
    Entry,
    ItemTicked,
    NoteAdded,
    PlanAdopted,
    PlanRebased,
    TaskProgressed,
)
from repz_console.facts import Actor
from repz_console.plan import schedule, work
from repz_console.plan.model import Plan
from repz_console.plan.parts import controllers
from repz_console.providers.base import BugTriage, SpendBook
from repz_console.room.views import RoomView
from repz_console.store.errors import StoreError
from repz_console.text import safe

log = logging.getLogger(__name__)

CLOSING_GRACE = 1.0
"""Seconds that each step of leaving may take; what is not done by then is left to the leases' own end."""


class Opening:
    """A session about to open: `async with` it, or `await` it and call `aclose` yourself."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __await__(self) -> Generator[Any, None, Session]:
        return self._session._start().__await__()

    async def __aenter__(self) -> Session:
        return await self._session._start()

    async def __aexit__(self, *exc: object) -> None:
        await self._session.aclose()


class Session(Steering):
    """One console's view of the launch, and its hand on it."""

    loaded: Loaded
    """This console's own config file. `plan` may be another one: the adopted."""

    def __init__(
        self,
        loaded: Loaded,
        actor: Actor | None,
        clock: Callable[[], datetime],
        *,
        watch: bool,
        collect: bool,
        present: bool,
        recorder: bool,
    ) -> None:
        """Use `open`."""
        self.loaded = loaded
        self._given_actor = actor
        self._clock = clock
        self._watch, self._collect, self._present, self._recorder = watch, collect, present, recorder
        self._tasks: list[asyncio.Task[None]] = []
        self._open = False

    @classmethod
    def open(
        cls,
        loaded: Loaded,
        *,
        actor: Actor | None = None,
        watch: bool = True,
        collect: bool = True,
        present: bool = False,
        recorder: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> Opening:
        """Open the store of `loaded` and everything on it, or what works without; `without` then says why.

        `watch` follows what others write; without it the session shows the moment at which it opened, plus what it
        does itself. `collect` takes part in polling for everyone; with neither, nothing is polled at all. `present`
        lists the operator among those with a console open and journals coming and going. `recorder` takes the polling
        over from a console, once. `actor` is read from the operating system if not given.
        """
        session = cls(loaded, actor, clock, watch=watch, collect=collect, present=present, recorder=recorder)
        return Opening(session)

    async def _start(self) -> Self:
        self._storage = await Storage.open(self.loaded.plan.store.path, self.loaded.path.parent)
        try:
            actor = self._given_actor or await self._storage.identify()
            try:
                await asyncio.wait_for(self._read_store(actor), OPENING_PATIENCE)
            except (StoreError, TimeoutError) as error:
                # It opened and cannot be read: the way back must not wait for it.
                silent = f"did not answer within {OPENING_PATIENCE:g} s: its disk may hang"
                hangs = isinstance(error, TimeoutError)
                self._storage = await self._storage.without(
                    silent if hangs else f"cannot be read: {error}", hangs=hangs
                )
                await self._read_store(actor)
        except BaseException:
            await self._storage.close()
            raise
        self._conn = Conn(self._storage, self._known)
        self._collector = Collector(self._storage, self._writer, self._known, recorder=self._recorder)
        self._presence = Presence(self._storage, self._known, self._clock)
        self._status_file = StatusFile(self._storage, actor.console)
        self._open = True
        if self._watch:
            self._run(self._follower.run())
            self._run(self.control.settle_for_ever())
        if self._present:
            self._run(self._presence.run())
            self._run(self._readiness.run())
            self._run(self._say(ConsoleOpened(version=__version__)))
        if self._collect:
            self._run(self._collector.run())
            self._run(self._warden.run())
        if self.loaded.plan.store.anchor is not None and (self._watch or self._collect):
            from repz_console.engine.anchor import Anchor

            self._run(Anchor(self._storage, self._known, self.loaded, self.loaded.plan.store.anchor).run())
        return self

    async def _read_store(self, actor: Actor) -> None:
        """Know what the store knows."""
        self._known = Known(self.loaded, actor, self._storage.meant, self._clock)
        self._writer = JournalWriter(self._storage, self._known)
        self._follower = Follower(self._storage, self._known)
        self._known.notice("emergency", self._storage.emergency.unprepared)
        await self._follower.first()
        if not self._watch:
            await self._follower.read_history()

    async def aclose(self) -> None:
        """Give up what is held, say goodbye and close everything, within seconds. Safe to call twice."""
        if not self._open:
            return
        self._open = False
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=CLOSING_GRACE) if self._tasks else None
        await self._step(self._status_file.write())
        if self.steers:
            await self._step(self.control.aclose())
        await self._step(self._conn.release("the console was closed"))
        await self._step(self._collector.aclose())
        if self._present:
            await self._step(self._presence.leave())
            await self._step(self._say(ConsoleClosed()))
        await self._step(self._known.aclose())
        await self._storage.close(CLOSING_GRACE)

    # What is known

    @property
    def actor(self) -> Actor:
        """Who this console is, with the seat by which it has the conn."""
        return self._known.actor

    @property
    def plan(self) -> Plan:
        """The plan in force: the adopted one if the journal holds one, else the file's, on its rebased dates."""
        return self._known.plan

    @property
    def folder(self) -> Path:
        """Where this console's own files go: the store's folder, or one of the user's own where that cannot be used."""
        return self._storage.folder

    @property
    def trouble(self) -> str:
        """Empty, or why nothing can be written to the journal."""
        return self._known.trouble

    @property
    def without(self) -> str:
        """Empty, or why there is no store to go by: then nothing that was decided is known, the plan is this console's
        own, and of all that changes something only the way back works."""
        return self._known.trouble if self._storage.absent else ""

    @property
    def notices(self) -> tuple[str, ...]:
        """What there is to say about this console itself, one plain line each: a telemetry file set aside, an adopted
        plan that this version cannot read, polling for itself alone."""
        return tuple(self._known.notices.values())

    def view(self) -> RoomView:
        """Everything, as of now. Cheap: an area that did not change is the same object as before."""
        return self._known.view()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop soon after anything but the clock changed; many changes make one call.
        Returns what ends it."""
        return self._known.subscribe(callback)

    def entries(self, after: int = 0, limit: int | None = None) -> Sequence[Entry]:
        """The journal's entries with a higher `seq` than `after`, oldest first; with `limit` only the newest ones."""
        return self._known.slice(after, limit)

    def bugs(self) -> BugTriage | None:
        """The tracker that new bugs are filed in, None if the plan names none. Its events go to `write`."""
        return next((one for one in self._known.sources.readers.values() if isinstance(one, BugTriage)), None)

    def book(self) -> SpendBook | None:
        """The book that spend is entered in, None if the plan names none. Its events go to `write`."""
        return next((one for one in self._known.sources.readers.values() if isinstance(one, SpendBook)), None)

    # What people write. Each raises `StoreError` where the journal cannot be appended.

    async def write(self, event: AnyEvent, *, unique: str = "") -> Entry:
        """Append one event: on disk, and in the view, on return. A repeated `unique` gives the first entry again."""
        return await self._writer.append(event, unique=unique)

    async def tick(self, item: str, state: Literal["done", "open", "n/a"], note: str = "") -> Entry:
        """Set a checklist item (`CHECKLIST/ITEM`). Raises `ValueError` for one that the plan does not have, and for
        `n/a` on one that is not optional."""
        work.check_tick(self.plan, item, state)
        return await self.write(ItemTicked(item=item, state=state, note=safe(note).strip()))

    async def progress(self, task: str, percent: float) -> Entry:
        """Say how far a task is, 0 to 100. Raises `ValueError` for another number and for no such task."""
        work.check_progress(self.plan, task, percent)
        return await self.write(TaskProgressed(task=task, percent=percent))

    async def note(self, text: str) -> Entry:
        """Write a remark. Raises `ValueError` for an empty one."""
        text = safe(text).strip()
        if not text:
            raise ValueError("an empty note says nothing")
        return await self.write(NoteAdded(text=text))

    async def adopt(self) -> str:
        """Make this console's own file the plan that everyone shares. Needs the conn; returns "" or why not."""
        own = self.loaded
        unfit = unfit_to_adopt(own) or stranded(self._known, own.plan)
        if unfit:
            return f"your config cannot be adopted: {unfit}"
        return await self._govern(
            PlanAdopted(hash=own.hash, text=own.text, path=str(own.path.resolve()), includes=own.includes)
        )

    async def rebase(self, full_launch: datetime) -> str:
        """Move every date so that full launch falls on the instant `full_launch` (aware). Needs the conn; returns ""
        or why not. `plan.schedule.rebase` shows beforehand what would move, and raises the same `ValueError` for an
        instant that is centuries away."""
        written = self._known.effective.loaded
        schedule.rebase(written.plan, full_launch)
        return await self._govern(
            PlanRebased(
                full_launch=full_launch,
                shift_days=schedule.shift_days(written.plan, full_launch),
                plan_hash=written.hash,
            )
        )

    # The conn

    async def take_conn(self, reason: str = "") -> str:
        """Take the conn. Returns "" or why not: a seat is needed, and to take it from a holder a reason, which both
        will see."""
        return await self._conn.take(safe(reason).strip())

    async def release_conn(self) -> None:
        """Give the conn up. Does nothing for a console that does not have it."""
        await self._conn.release("given up")

    def keep_conn_unless(self, unfit: Callable[[], str]) -> None:
        """Renew the conn only while `unfit` says nothing: why nobody can steer by this console now, in one line."""
        self._conn.unfit = unfit

    def touch(self) -> None:
        """A person typed: the conn lapses ten minutes after the last time."""
        self._conn.touch()
        self._presence.touch()

    def set_tab(self, tab: str) -> None:
        """Say which tab is open here, for the others to see."""
        self._presence.set_tab(tab)

    # Sources

    async def refresh(self, source: str | None = None) -> None:
        """Ask one source, or all that are polled, once and now; the answers are in the view on return. Others see
        them too unless another console is the collector. Raises `ValueError` for a source that cannot be."""
        await self._collector.refresh(source)

    async def refresh_rollout(self, rollout: str) -> None:
        """Ask every backend of a rollout, once and now. Raises as `refresh` does, and KeyError for an unknown
        rollout."""
        for source in controllers(self.plan.rollout[rollout]):
            await self.refresh(source)

    def remember_status(self, text: str) -> None:
        """Keep the status line for the next start's first paint; written every few seconds at most."""
        self._status_file.remember(text)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A part of the console that ends by a defect would otherwise only fall silent."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a part of the console ended", exc_info=error)
            line = f"a part of this console has stopped, so start it again: {type(error).__name__}: {error}"
            self._known.notice("defect", safe(line))

    async def _govern(self, event: AnyEvent) -> str:
        fence = self._conn.fence
        if fence is None:
            return NEEDS_CONN
        try:
            await self._writer.append(event, fence=fence)
        except StoreError as error:
            return f"{error}: nothing was changed"
        return ""

    async def _say(self, event: AnyEvent) -> None:
        """Journal a courtesy: a console comes and goes also where nothing can be written."""
        try:
            await self._writer.append(event)
        except StoreError as error:
            self._known.notice("journal", str(error))

    async def _step(self, work: Coroutine[Any, Any, None]) -> None:
        """One step of leaving: the next one is taken whatever becomes of it."""
        try:
            await asyncio.wait_for(work, CLOSING_GRACE)
        except (TimeoutError, StoreError) as error:
            self._known.notice("closing", str(error))

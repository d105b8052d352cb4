"""The collector: of all running consoles the one that polls, so that five operators cost the sources one's calls.

It holds a lease. Whoever loses it stops polling; whoever finds it free takes it, and says which sources it cannot use;
a console that can use those as well takes the lease over. Without a store that can be written there is no lease, and
each console polls for itself, in memory.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime

from repz_console.engine.follower import COLLECTOR, catch_up
from repz_console.engine.known import Known
from repz_console.engine.poller import Poller
from repz_console.engine.sources import Sources
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.events import AnyEvent, CollectorTaken, SourceFailed, SourceRecovered
from repz_console.facts import Snapshot
from repz_console.store.errors import StoreError
from repz_console.store.leases import Lease

TTL = 6.0
"""Seconds after which a collector that does not renew has lost its lease."""
RENEW_EVERY = 2.0
SAVE_EVERY = 1.0
LOOK_AGAIN = 60.0
"""Seconds after which a console that does not poll looks again whether a secret can be had."""


class Collector:
    """Polls while this console holds the lease."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known, *, recorder: bool) -> None:
        """`recorder` takes the lease from whoever has it, once, and from a console whenever that can do no more."""
        self._storage = storage
        self._writer = writer
        self._known = known
        self._steal = self._recorder = recorder
        self._lease: Lease | None = None
        self._lacks: frozenset[str] = frozenset()
        self._lacks_of: Sources | None = None
        self._looked_at = 0.0
        self._renewed = 0.0
        self._unsaved: dict[str, Snapshot] = {}
        self._unwritten: list[tuple[AnyEvent, str]] = []
        self._sources: Sources | None = None
        self._pollers: dict[str, Poller] = {}
        self._tasks: list[asyncio.Task[None]] = []
        known.on_read_back = self._nudge

    async def run(self) -> None:
        """Take part until cancelled."""
        while True:
            try:
                await self._hold()
                self._known.notice(COLLECTOR, "")
            except StoreError as error:
                self._lease = None
                self._known.notice(COLLECTOR, f"polling for this console alone: {error}")
                polling = True
            else:
                polling = self._lease is not None
            if not polling or self._sources is not self._known.sources:
                await self._stop()
            if polling:
                self._start()
            await self._save()
            await asyncio.sleep(SAVE_EVERY)

    async def refresh(self, source: str | None) -> None:
        """Poll one source, or all, once and now. Raises `ValueError` for one that cannot be."""
        sources = self._known.sources
        if source in sources.readers:
            return
        if source is not None and source not in sources.polled:
            raise ValueError(f"{source}: {sources.broken.get(source, 'there is no such source')}")
        for_all = self._lease is None and await self._borrow()
        wanted = sources.polled if source is None else (source,)
        pollers = [self._pollers.get(one) or self._poller(one) for one in wanted]
        await asyncio.gather(*(poller.refresh() for poller in pollers))
        if self._lease is not None:
            await self._save()
        if for_all:
            await self._give_up()

    @property
    def lease(self) -> Lease | None:
        """The lease as this console has it; None while another polls, or this one for itself alone."""
        return self._lease

    async def aclose(self) -> None:
        """Stop polling, save what is known and give the lease up. Raises `StoreError`."""
        await self._stop()
        try:
            await self._save()
        finally:
            await self._give_up()

    # What pollers report

    def polled(self, snapshot: Snapshot) -> None:
        """A poll ended."""
        self._known.put([snapshot])
        self._unsaved[snapshot.source] = self._known.snapshots.get(snapshot.source, snapshot)

    def failed(self, snapshot: Snapshot) -> None:
        """A source stopped answering."""
        event = SourceFailed(source=snapshot.source, error=snapshot.error)
        self._unwritten.append((event, f"source.failed:{snapshot.source}:{_stamp(snapshot.last_ok_at)}"))

    def recovered(self, snapshot: Snapshot, since: datetime) -> None:
        """A source answers again."""
        down_for = (snapshot.last_ok_at - since).total_seconds() if snapshot.last_ok_at is not None else 0.0
        event = SourceRecovered(source=snapshot.source, down_for=round(max(down_for, 0.0), 3))
        self._unwritten.append((event, f"source.recovered:{snapshot.source}:{_stamp(since)}"))

    # The lease

    async def _hold(self) -> None:
        """Renew the lease, or take it if it is free or its holder can do less."""
        lease = self._lease
        if lease is not None and self._lacks_of is not self._known.sources:
            await self._give_up()  # and take it again, so that the others know what cannot be used here now
            lease = None
        if lease is not None:
            if time.monotonic() - self._renewed < RENEW_EVERY:
                return
            if await self._storage.run(lambda stores: stores.leases.renew(lease)):
                self._renewed = time.monotonic()
                return
            self._lease = None
        await catch_up(self._storage, self._known)
        over = await self._worse()
        if over is not None or self._known.collector is None:
            await self._look_what_lacks()
            await self._take(over=over)

    async def _worse(self) -> Lease | None:
        """Who polls now and is to be taken over from: whoever it is for a recorder, once; else one that lacks all the
        sources that this console lacks, and more, or for a recorder a console that lacks as many."""
        holder, taken = self._known.collector, self._known.decisions.collector
        if holder is None or self._steal:
            return holder
        if taken is None or taken.event.token != holder.token:
            return None
        returns = self._recorder and not taken.event.recorder
        if not taken.event.lacks and not returns:
            return None
        await self._look_what_lacks()
        lacks = frozenset(taken.event.lacks)
        return holder if self._lacks < lacks or (returns and self._lacks == lacks) else None

    async def _look_what_lacks(self) -> None:
        """Look which sources cannot be used here, which fetches their secrets: not at every turn."""
        sources = self._known.sources
        if self._lacks_of is not sources or time.monotonic() - self._looked_at >= LOOK_AGAIN:
            self._lacks = await sources.lacking()
            self._lacks_of, self._looked_at = sources, time.monotonic()

    async def _take(self, *, over: Lease | None, announced: bool = True) -> None:
        actor, lacks = self._known.actor, tuple(sorted(self._lacks))
        event = (lambda token: CollectorTaken(token, lacks, self._recorder)) if announced else None
        self._lease = await self._storage.run(
            lambda stores: stores.leases.take(COLLECTOR, actor, TTL, over=over, event=event)
        )
        if self._lease is not None:
            self._renewed, self._steal = time.monotonic(), False
            await catch_up(self._storage, self._known)

    async def _borrow(self) -> bool:
        """Take the lease for one look at the sources, if nobody has it. That nobody else looks meanwhile is no news."""
        try:
            await self._take(over=None, announced=False)
        except StoreError as error:
            self._known.notice(COLLECTOR, f"polled for this console alone: {error}")
        return self._lease is not None

    async def _give_up(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._storage.run(lambda stores: stores.leases.release(lease))
            await catch_up(self._storage, self._known)

    # Polling

    def _start(self) -> None:
        if self._sources is self._known.sources:
            return
        self._sources = self._known.sources
        self._pollers = {source: self._poller(source) for source in self._sources.polled}
        self._tasks = [asyncio.create_task(poller.run()) for poller in self._pollers.values()]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        self._pollers, self._sources = {}, None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _nudge(self, source: str) -> None:
        poller = self._pollers.get(source)
        if poller is not None:
            poller.nudge()

    def _poller(self, source: str) -> Poller:
        sources, spec = self._known.sources, self._known.plan.source[source]
        known = self._known.snapshots.get(source)
        before = Snapshot(
            source,
            spec.kind,
            spec.every,
            known.facts if known is not None else None,
            known.last_ok_at if known is not None else None,
            known.last_try_at if known is not None else None,
            known.error if known is not None else "",
        )
        return Poller(before, lambda: sources.fetch(source), self, now=self._known.clock)

    async def _save(self) -> None:
        """Save and journal what was found since the last time, if it is ours to tell."""
        unsaved, self._unsaved = self._unsaved, {}
        if self._lease is None:
            self._unwritten.clear()
            return
        try:
            await self._save_snapshots(unsaved.values())
            while self._unwritten:
                event, unique = self._unwritten[0]
                await self._writer.append(event, unique=unique)
                self._unwritten.pop(0)
            self._known.notice("saving", "")
        except StoreError as error:
            self._known.notice("saving", f"what was polled is not stored: {error}")

    async def _save_snapshots(self, snapshots: Iterable[Snapshot]) -> None:
        snapshots, now = tuple(snapshots), self._known.clock()
        if snapshots:
            await self._storage.run(lambda stores: stores.telemetry.save(snapshots, now))


def _stamp(at: datetime | None) -> str:
    """Names an outage: by the last good answer before it, which every collector knows."""
    return at.isoformat() if at is not None else "never"

"""Follows the store: what other consoles write is in this one's room within a quarter of a second."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from repz_console.engine import accounts
from repz_console.engine.known import Known
from repz_console.engine.storage import Storage, Stores
from repz_console.events import ConnReleased, Entry
from repz_console.facts import Person, Snapshot
from repz_console.plan.model import Plan
from repz_console.room.health import History
from repz_console.store import emergency
from repz_console.store.emergency import Record
from repz_console.store.errors import StoreError
from repz_console.store.journal import Condition
from repz_console.store.leases import Lease

LOOK_EVERY = 0.25
EXPIRY_EVERY = 4
"""Looks after which leases and people are read although nobody wrote: they end by themselves."""
RETRY_EVERY = 8
"""Looks after which a store that is not open, or took no record, is tried again."""
SILENCE = 5.0
"""Seconds without an answer after which a disk counts as hanging: longer than a lock is waited for."""
HISTORY_EVERY = 60
"""Looks after which the numbers' history is read again."""
HISTORY_SPAN = timedelta(minutes=15)
"""Short enough that a trend shows within a minute of the first poll."""
HISTORY_POINTS = 60

CONN = "conn"
COLLECTOR = "collector"


class _Read(Struct, frozen=True):
    """What one look at the store gave; None for what was not looked at."""

    entries: list[Entry]
    condition: Condition
    leases: tuple[Lease | None, Lease | None] | None = None
    snapshots: dict[str, Snapshot] | None = None
    people: tuple[Person, ...] | None = None
    records: tuple[Record, ...] | None = None
    """What was recorded without the journal and is not in it yet."""
    notice: str = ""


class _Versions:
    """The stores' data versions as last seen. Used in the storage thread."""

    def __init__(self) -> None:
        self.journal = -1
        self.telemetry = -1
        self._of: Stores | None = None
        self._records: tuple[Record, ...] | None = None
        """News of records that a look which then failed did not tell."""

    def read(self, stores: Stores, after: int, expiry: bool, waiting: bool) -> _Read:
        """What is new since the last read, and with `expiry` also what may have ended by itself. With `waiting`, also
        the records that are left: another console may have journaled them before this one knew that they lie there."""
        if stores is not self._of:
            self.journal, self.telemetry, self._of = -1, -1, stores
        stores.journal.tend()
        # Records first: whoever journaled one has done so before it is gone from here.
        news = stores.emergency.read() if waiting and expiry else stores.emergency.news()
        if news is not None:
            self._records = emergency.of_journal(news, stores.journal)
        records = self._records
        journal = stores.journal.data_version()
        journal_news = journal != self.journal or records is not None
        # Leases first: whoever gave one up wrote so in the same transaction, so that the entry is read with it.
        leases = None
        if journal_news or expiry:
            leases = stores.leases.holder(CONN), stores.leases.holder(COLLECTOR)
        entries = stores.journal.entries(after=after) if journal_news else []
        self.journal = journal
        snapshots, people, notice = None, None, ""
        try:
            telemetry = stores.telemetry.data_version()
            if telemetry != self.telemetry:
                snapshots = stores.telemetry.load()
            if telemetry != self.telemetry or expiry:
                people = stores.telemetry.people()
            self.telemetry = telemetry
            notice = stores.telemetry.notice
            stores.telemetry.tend()
        except StoreError as error:  # no decision depends on it, and it is set aside and made anew
            notice = str(error)
        self._records = None
        return _Read(entries, stores.journal.condition, leases, snapshots, people, records, notice)


async def catch_up(storage: Storage, known: Known) -> None:
    """Read the journal's news and the leases at once. Raises `StoreError`."""
    after = known.length

    def work(stores: Stores) -> _Read:
        leases = stores.leases.holder(CONN), stores.leases.holder(COLLECTOR)
        return _Read(stores.journal.entries(after=after), stores.journal.condition, leases)

    _take_in(known, await storage.run(work))


async def bring_in(storage: Storage, known: Known) -> None:
    """Journal what was recorded without the journal, by whichever console. Raises `StoreError` if it still cannot be
    written."""
    actor = known.actor

    def work(stores: Stores) -> tuple[int, tuple[Record, ...]]:
        brought = emergency.bring_in(stores.journal, stores.emergency, actor)
        return brought, emergency.of_journal(stores.emergency.read(), stores.journal)

    brought, left = await storage.run(work)
    if brought or known.records:
        # First the entries: there is no moment at which a hold is neither journaled nor waiting.
        await catch_up(storage, known)
    known.put_records(left)


class Follower:
    """Reads the store at the start, and then what changes."""

    def __init__(self, storage: Storage, known: Known) -> None:
        """Reads nothing yet."""
        self._storage = storage
        self._known = known
        self._versions = _Versions()
        self._judged_plan: Plan | None = None
        self._had_records = False

    async def first(self) -> None:
        """Read the journal, the last telemetry and who may do what. Raises `StoreError`."""
        await self._look(expiry=True)
        await self._read_accounts()

    async def read_history(self) -> None:
        """Read how the numbers went lately."""
        since = self._known.clock() - HISTORY_SPAN
        names = [
            (snapshot.source, reading.name)
            for snapshot in self._known.snapshots.values()
            if snapshot.facts is not None
            for reading in snapshot.facts.readings
        ]

        def work(stores: Stores) -> History:
            try:
                return {
                    (source, reading): tuple(
                        value for _, value in stores.telemetry.history(source, reading, since, HISTORY_POINTS)
                    )
                    for source, reading in names
                }
            except StoreError:  # said by the look that follows
                return {}

        self._known.put_history(await self._storage.run(work))

    async def run(self) -> None:
        """Follow until cancelled. A store that cannot be read is said once, and tried again."""
        looks = 0
        while True:
            try:
                if looks % HISTORY_EVERY == 0:
                    await self.read_history()
                await self._look(expiry=looks % EXPIRY_EVERY == 0)
                await self._note_lapse()
                await self._mend(again=looks % RETRY_EVERY == 0)
                if self._judged_plan is not self._known.effective.loaded.plan:
                    await self._read_accounts()
                self._known.notice("store", "")
            except StoreError as error:
                self._known.notice("store", f"the store cannot be followed: {error}")
            looks += 1
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, *, expiry: bool) -> None:
        after, waiting = self._known.length, bool(self._known.records)
        looking = asyncio.create_task(
            self._storage.run(lambda stores: self._versions.read(stores, after, expiry, waiting))
        )
        try:
            await asyncio.wait({looking}, timeout=SILENCE)
            if not looking.done():
                silent = f"The journal has not answered for {SILENCE:g} s: its disk may hang"
                self._known.put_condition(replace(self._known.condition, damage=silent))
            read = await looking
        except asyncio.CancelledError:
            looking.cancel()
            raise
        except StoreError as error:
            # What others write meanwhile is not seen here: until it is, nothing that rests on it is known.
            self._known.put_condition(replace(self._known.condition, damage=str(error)))
            raise
        _take_in(self._known, read)

    async def _mend(self, *, again: bool) -> None:
        """Journal what was recorded without the journal: at once, then as often as `again`; so is opened a store that
        was not to be had, or could only be read."""
        known = self._known
        only_read = known.condition.trouble and not known.condition.damage
        if again and (self._storage.absent or only_read) and await self._storage.open_late():
            known.notice("emergency", self._storage.emergency.unprepared)
            known.notice("telemetry", "")
            return  # what it holds is looked at first
        if known.records and not known.trouble and (again or not self._had_records):
            with suppress(StoreError):  # the journal's condition says why, and the records that they wait
                await bring_in(self._storage, known)
        self._had_records = bool(known.records)

    async def _note_lapse(self) -> None:
        """Journal, once for everybody, that the conn became free without being given up."""
        taken = self._known.decisions.conn
        if taken is None or self._known.conn is not None or self._known.trouble:
            return
        lapsed = ConnReleased(token=taken.event.token, why="lapsed: its console did not renew it")
        actor, after = self._known.actor, self._known.length

        def work(stores: Stores) -> None:
            with stores.journal.writing() as writer:
                # Somebody may have taken it, or given it up, since the look that told of this.
                if writer.seq == after and stores.leases.holder(CONN) is None:
                    writer.append(lapsed, actor, unique=f"conn.lapsed:{lapsed.token}")

        # The journal's condition says why not; what follows the store goes on.
        with suppress(StoreError):
            await self._storage.run(work)
            await catch_up(self._storage, self._known)

    async def _read_accounts(self) -> None:
        plan = self._judged_plan = self._known.effective.loaded.plan
        actor = self._known.actor
        groups, existing = await self._storage.run(lambda _: (accounts.groups(actor), accounts.existing(plan)))
        self._known.put_accounts(groups, existing)


def _take_in(known: Known, read: _Read) -> None:
    known.put_condition(read.condition)
    known.take_in(read.entries)
    if read.leases is not None:
        known.put_leases(*read.leases)
    if read.snapshots is not None:
        known.put(read.snapshots.values())
    if read.people is not None:
        known.put_people(read.people)
    if read.records is not None:
        known.put_records(read.records)
    if read.notice:
        known.notice("telemetry", read.notice)

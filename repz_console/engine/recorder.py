"""Where what shrinks is written down: in the journal, or if that does not take it in time, in the emergency file.

This is the one place that decides it. A widening is not written here: without the journal nothing widens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from repz_console.engine.follower import bring_in
from repz_console.engine.known import Known
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.events import AnyEvent, ChangeEnded, ChangeIntended, RolloutHeld
from repz_console.providers.base import ProviderError
from repz_console.providers.threads import in_thread
from repz_console.room.words import who
from repz_console.store import syslog
from repz_console.store.emergency import Record
from repz_console.store.errors import StoreError

JOURNAL_PATIENCE = 2.0
"""Seconds a way back waits for the journal before it goes on without it."""
FILE_PATIENCE = 1.0
"""Seconds that it then waits for each file that may take the record."""

Writing = tuple[AnyEvent, str]
"""An event, and the unique key under which it becomes one entry, whatever happens in between."""


class Written(Struct, frozen=True):
    """Where something was written down."""

    journaled: bool
    seen: bool = True
    """Whether it lies in a file, where other consoles see it and one that starts later finds it."""
    note: str = ""
    """What to add to an outcome's line; empty if it is in the journal."""


JOURNALED = Written(True)


class Recorder:
    """Writes down in this console's name."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known) -> None:
        """Has written nothing yet."""
        self._storage = storage
        self._writer = writer
        self._known = known
        self._late: asyncio.Task[None] | None = None
        self._last_at: datetime | None = None

    async def write(self, *writings: Writing, before: Callable[[], None] | None = None) -> Written:
        """Write these down, in order, and say where. `before` is done first, in the storage thread. Raises nothing
        that a disk does."""
        if self._late is not None and not self._late.done():
            return await self._record(writings, "the journal still does not answer")
        task = asyncio.create_task(self._journal(writings, before))
        await asyncio.wait({task}, timeout=JOURNAL_PATIENCE)
        if not task.done():
            # What it was given it writes if it wakes, under the same keys as whoever imports the records.
            self._late = asyncio.create_task(self._follow_up(task))
            return await self._record(writings, f"the journal did not answer within {JOURNAL_PATIENCE:g} s")
        try:
            task.result()
        except StoreError as error:
            return await self._record(writings, str(error))
        return JOURNALED

    async def _follow_up(self, late: asyncio.Task[None]) -> None:
        """Once the journal answers again, journal what was recorded meanwhile."""
        with suppress(StoreError):
            await late
            await bring_in(self._storage, self._known)

    async def _journal(self, writings: Sequence[Writing], before: Callable[[], None] | None) -> None:
        if before is not None:
            with suppress(StoreError):
                await self._storage.run(lambda _: before())
        for event, unique in writings:
            await self._writer.append(event, unique=unique)

    async def _record(self, writings: Sequence[Writing], why: str) -> Written:
        records = [Record(unique, self._moment(), self._known.actor, event, why) for event, unique in writings]
        told = [syslog.tell(_line(record)) for record in records]
        place = await self._place(records)
        # Whoever follows the store may have found them in the file already.
        known = {record.unique: record for record in (*self._known.records, *records)}
        self._known.put_records(tuple(known.values()))
        where = [place] if place else []
        where += ["in syslog"] if all(told) else []
        if place:
            note = f", but recorded {' and '.join(where)}"
        else:
            note = f", and recorded {where[0] if where else 'nowhere'} but in this console's memory"
        return Written(False, bool(place), f" - NOT JOURNALED{note}: {why}")

    async def _place(self, records: Sequence[Record]) -> str:
        """Put the records into the best file that takes them, and say which; empty if none does."""
        emergency = self._storage.emergency
        for file in emergency.files:
            try:
                await in_thread(partial(file.write, *records), deadline=FILE_PATIENCE, what=str(file.path))
            except (StoreError, ProviderError):
                continue
            return "in the emergency file" if file.shared else f"in {file.path}, which only your own consoles read"
        emergency.remember(*records)
        return ""

    def _moment(self) -> datetime:
        """Now, and later than the record before, also where the clock was set back meanwhile: that is their order."""
        now = self._known.clock()
        if self._last_at is not None and now <= self._last_at:
            now = self._last_at + timedelta(microseconds=1)
        self._last_at = now
        return now


def _line(record: Record) -> str:
    """A record for the machine's log, without what people wrote."""
    match record.event:
        case ChangeIntended(op=op, rollout=rollout, action=action):
            what = f"{action} of rollout {rollout}, change {op}"
        case ChangeEnded(op=op, outcome=outcome):
            what = f"change {op} {outcome}"
        case RolloutHeld(rollout=rollout):
            what = f"hold of rollout {rollout}"
        case _:
            what = record.unique
    return f"NOT JOURNALED: {what}, by {who(record.actor)} (uid {record.actor.uid}): {record.why}"

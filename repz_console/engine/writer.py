"""The way into the journal: an entry is on disk and in the room before the writer goes on."""

from __future__ import annotations

from repz_console.engine.known import Known
from repz_console.engine.storage import Storage, Stores
from repz_console.events import AnyEvent, Entry
from repz_console.store.emergency import Record, of_journal
from repz_console.store.errors import StoreError
from repz_console.store.fence import Fence
from repz_console.store.journal import Condition


class JournalWriter:
    """Appends in this console's name."""

    def __init__(self, storage: Storage, known: Known) -> None:
        """Uses the storage thread."""
        self._storage = storage
        self._known = known

    async def append(self, event: AnyEvent, *, fence: Fence | None = None, unique: str = "") -> Entry:
        """Append one event and fold it, with all that others wrote before it, in the journal or in its place. Raises
        `StoreError`, and `FenceError` if the fence's lease is lost. A repeated `unique` gives the first entry of that
        key."""
        actor, after = self._known.actor, self._known.length

        def work(stores: Stores) -> tuple[Entry, list[Entry], Condition, tuple[Record, ...] | None]:
            entry = stores.journal.append(event, actor, fence=fence, unique=unique)
            news = stores.emergency.news()
            records = None if news is None else of_journal(news, stores.journal)
            try:
                fresh = stores.journal.entries(after=after)
            except StoreError:  # it is written all the same: who follows the journal reads it later
                fresh = []
            return entry, fresh, stores.journal.condition, records

        try:
            entry, fresh, condition, records = await self._storage.run(work)
        except StoreError:
            self._known.put_condition(await self._storage.run(lambda stores: stores.journal.condition))
            raise
        self._known.put_condition(condition)
        self._known.take_in(fresh)
        if records is not None:
            self._known.put_records(records)
        return entry

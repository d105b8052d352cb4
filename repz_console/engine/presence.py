"""Says to the others who is at this console, and which tab is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from repz_console.engine.known import Known
from repz_console.engine.storage import Storage
from repz_console.facts import Person
from repz_console.store.errors import StoreError

SAY_EVERY = 5.0
"""Seconds; others count somebody as here for fifteen."""
_SETTLE = 1.0
"""Seconds in which a change of tabs may change again."""


class Presence:
    """This console among those that are open."""

    def __init__(self, storage: Storage, known: Known, clock: Callable[[], datetime]) -> None:
        """Says nothing yet."""
        self._storage = storage
        self._known = known
        self._clock = clock
        self._since = clock()
        self._typed_at: datetime | None = None
        self._tab = ""
        self._turned = asyncio.Event()

    def touch(self) -> None:
        """A person typed. Told by the minute: the others' screens are not to flicker with every key."""
        self._typed_at = self._clock().replace(second=0, microsecond=0)

    def set_tab(self, tab: str) -> None:
        """Which tab is open."""
        if tab != self._tab:
            self._tab = tab
            self._turned.set()

    async def run(self) -> None:
        """Say it until cancelled."""
        while True:
            self._turned.clear()
            await self._say()
            await asyncio.sleep(_SETTLE)
            try:
                async with asyncio.timeout(SAY_EVERY - _SETTLE):
                    await self._turned.wait()
            except TimeoutError:
                continue

    async def leave(self) -> None:
        """Say that the console was closed. Raises `StoreError`."""
        console = self._known.actor.console
        await self._storage.run(lambda stores: stores.telemetry.left(console))

    async def _say(self) -> None:
        actor = self._known.actor
        person = Person(actor.user, actor.host, actor.seat, actor.console, self._since, self._tab, self._typed_at)
        try:
            await self._storage.run(lambda stores: stores.telemetry.here(person))
        except StoreError as error:
            self._known.notice("presence", f"the others cannot see this console: {error}")
        else:
            self._known.notice("presence", "")

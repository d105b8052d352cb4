"""The conn as this console holds it: taken for a seat, renewed while a person types, given up or lost.

It is renewed from the event loop, and only while that runs on time and the terminal takes what it is sent: a console
that is frozen, or that nobody can see, loses the conn within fifteen seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from repz_console.engine.follower import CONN, catch_up
from repz_console.engine.known import Known
from repz_console.engine.storage import Storage
from repz_console.events import ConnReleased, ConnTaken
from repz_console.room.control import named
from repz_console.room.words import instant, who
from repz_console.store import boottime
from repz_console.store.errors import StoreError
from repz_console.store.fence import Fence
from repz_console.store.leases import Lease

TTL = 15.0
"""Seconds after which a console that does not renew has lost the conn."""
RENEW_EVERY = 3.0
NEEDS_CONN = "you do not have the conn: take it first"
IDLE_LIMIT = 600.0
"""Seconds without a key after which the conn is given up."""
LAG_LIMIT = 1.0
"""Seconds by which the event loop may be late to renew it."""


def uptime() -> float:
    """Seconds that setting the time of day does not move, and that go on while the machine sleeps."""
    return boottime.now().seconds


class Conn:
    """This console's hold on the conn."""

    def __init__(self, storage: Storage, known: Known) -> None:
        """Nothing is taken yet."""
        self.unfit: Callable[[], str] = lambda: ""
        """Why nobody can steer by this console just now, in one line; empty if somebody can."""
        self._storage = storage
        self._known = known
        self._typed_at = uptime()
        self._lease: Lease | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def fence(self) -> Fence | None:
        """What a widening entry depends on; None without the conn."""
        return self._lease.fence if self._lease is not None else None

    def touch(self) -> None:
        """A person typed."""
        self._typed_at = uptime()

    async def take(self, reason: str = "") -> str:
        """Take it. Returns "" or why not."""
        try:
            return await self._take(reason)
        except StoreError as error:
            return f"the conn cannot be taken: {error}"

    async def _take(self, reason: str) -> str:
        known = self._known
        holder = await self._look()
        if self._lease is not None and holder is not None and holder.token == self._lease.token:
            return ""
        may, seat, note = known.may_take_conn()
        if not may:
            return note
        if holder is not None and not reason:
            return f"{named(holder.holder, known.actor)} has the conn: taking it needs a reason"
        actor = replace(known.actor, seat=seat)
        from_whom = who(holder.holder) if holder is not None else ""
        lease = await self._storage.run(
            lambda stores: stores.leases.take(
                CONN,
                actor,
                TTL,
                over=holder,
                event=lambda token: ConnTaken(token=token, from_whom=from_whom, reason=reason),
            )
        )
        if lease is None:
            await self._look()
            return "somebody else took the conn at the same moment"
        self._lease = lease
        known.notice(CONN, "")
        self.touch()
        known.take_seat(seat)
        await self._look()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())
        return ""

    async def release(self, why: str) -> None:
        """Give it up, if this console has it."""
        lease, self._lease = self._lease, None
        if self._keeping is not None and self._keeping is not asyncio.current_task():
            self._keeping.cancel()
        self._keeping = None
        if lease is None:
            return
        self._known.take_seat("")
        released = ConnReleased(token=lease.token, why=why)
        try:
            await self._storage.run(lambda stores: stores.leases.release(lease, released))
            await self._look()
        except StoreError as error:
            # It is not renewed any more, so that it lapses within its fifteen seconds, and that is journaled.
            self._known.notice(CONN, f"the conn could not be given up, and lapses: {error}")

    async def _keep(self) -> None:
        """Renew until it is lost, given up or idle for too long."""
        while self._lease is not None:
            due = uptime() + RENEW_EVERY
            await asyncio.sleep(RENEW_EVERY)
            late = uptime() - due
            lease = self._lease
            if lease is None:
                return
            unfit = f"this console was {late:.0f} s late" if late > LAG_LIMIT else self.unfit()
            try:
                if uptime() - self._typed_at >= IDLE_LIMIT:
                    await self.release("nobody typed for ten minutes")
                    self._known.notice(CONN, "you gave up the conn: nobody typed here for ten minutes")
                    return
                if unfit and await self._is_mine(lease):
                    self._known.notice(CONN, f"the conn is not renewed: {unfit}")
                    continue
                if not await self._renew(lease):
                    await self._lose(lease)
                    return
            except StoreError as error:
                # Its fifteen seconds go on running; every use of it is checked against them in the store.
                self._known.notice(CONN, f"the conn could not be renewed: {error}")
            else:
                self._known.notice(CONN, "")

    async def _is_mine(self, lease: Lease) -> bool:
        holder = await self._look()
        return holder is not None and holder.token == lease.token

    async def _renew(self, lease: Lease) -> bool:
        return await self._storage.run(lambda stores: stores.leases.renew(lease))

    async def _lose(self, lease: Lease) -> None:
        if self._lease is lease:
            self._lease = None
            self._known.take_seat("")
        await self._look()
        self._known.notice(CONN, self._why_lost(lease))

    def _why_lost(self, lease: Lease) -> str:
        taken = self._known.decisions.conn
        if taken is None or taken.event.token <= lease.token:
            return f"you lost the conn: it was not renewed for {TTL:g} seconds"
        why = f": {taken.event.reason}" if taken.event.reason else ""
        return f"{who(taken.actor)} took the conn from you{why} ({instant(taken.at)})"

    async def _look(self) -> Lease | None:
        """Read who has it now, and let the room know."""
        await catch_up(self._storage, self._known)
        return self._known.conn

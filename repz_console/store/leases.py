"""Leases: who has the conn, who polls for everyone. They end by themselves when their holder freezes or dies.

They live beside the journal's entries, so that a lease and the entry that records it are one transaction, and so that
a fence is checked in the very transaction that writes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from repz_console.events import AnyEvent
from repz_console.facts import Actor
from repz_console.store import payload
from repz_console.store.fence import Fence
from repz_console.store.journal import Journal

__all__ = ["Fence", "Lease", "Leases"]

_HELD = "SELECT token, holder, taken_at, ttl, boot, expires FROM lease WHERE name = ?"
_TAKE = """
    INSERT INTO lease (name, token, holder, taken_at, ttl, boot, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET token = excluded.token, holder = excluded.holder, taken_at = excluded.taken_at,
        ttl = excluded.ttl, boot = excluded.boot, expires = excluded.expires
"""


class Lease(Struct, frozen=True):
    """Something that one console holds for a while."""

    name: str
    token: int
    """Higher than that of every earlier holder."""
    holder: Actor
    taken_at: datetime
    ttl: float
    """Seconds that it lasts without being renewed."""

    @property
    def fence(self) -> Fence:
        """What makes a journal entry depend on this lease."""
        return Fence(self.name, self.token)


class Leases:
    """The leases in a journal's file."""

    def __init__(self, journal: Journal) -> None:
        """Uses the journal's connection, clock and thread."""
        self._journal = journal

    def take(
        self,
        name: str,
        actor: Actor,
        ttl: float,
        *,
        over: Lease | None = None,
        event: Callable[[int], AnyEvent] | None = None,
    ) -> Lease | None:
        """Take a lease for `ttl` seconds; None if another console has it. `over` is the lease of one from whom it is
        taken all the same, if nobody else has it by now.

        `event` makes the entry to journal from the new token, in the same transaction. A console that already has
        the lease keeps its token, and nothing is journaled. Raises `StoreError` if the journal cannot be written.
        """
        held = self.holder(name)
        if held and not _gives_way(held, actor, over):
            return None
        with self._journal.writing() as writer:
            held = self.holder(name)
            if held and _same_console(held.holder, actor):
                lease = Lease(name, held.token, held.holder, held.taken_at, ttl)
            elif held and not _gives_way(held, actor, over):
                return None
            else:
                last = self._journal.read("SELECT token FROM lease WHERE name = ?", (name,))
                lease = Lease(name, last[0][0] + 1 if last else 1, actor, datetime.now(UTC), ttl)
                if event:
                    writer.append(event(lease.token), actor)
            now = self._journal.clock()
            who, since = payload.encode_actor(lease.holder), lease.taken_at.isoformat()
            writer.execute(_TAKE, (name, lease.token, who, since, ttl, now.boot, now.seconds + ttl))
        return lease

    def renew(self, lease: Lease) -> bool:
        """Let it last another `ttl` seconds from now. False if it has lapsed or somebody took it: it is lost."""
        # A power cut ends the boot and with it every lease, so that this write need not reach the disk at once.
        with self._journal.writing(durable=False) as writer:
            now = self._journal.clock()
            return writer.execute(
                "UPDATE lease SET expires = ? WHERE name = ? AND token = ? AND holder IS NOT NULL"
                " AND boot = ? AND expires > ?",
                (now.seconds + lease.ttl, lease.name, lease.token, now.boot, now.seconds),
            )

    def release(self, lease: Lease, event: AnyEvent | None = None) -> bool:
        """Give it up, journaling `event` in its holder's name. False, and no entry, if somebody took it meanwhile."""
        with self._journal.writing() as writer:
            released = writer.execute(
                "UPDATE lease SET holder = NULL WHERE name = ? AND token = ? AND holder IS NOT NULL",
                (lease.name, lease.token),
            )
            if released and event:
                writer.append(event, lease.holder)
            return released

    def holder(self, name: str) -> Lease | None:
        """The lease as held now; None if nobody holds it or it has lapsed."""
        rows = self._journal.read(_HELD, (name,))
        if not rows or rows[0][1] is None:
            return None
        token, holder, taken_at, ttl, boot, expires = rows[0]
        if not self._journal.clock().before(boot, expires):
            return None
        return Lease(name, token, payload.decode_actor(holder), datetime.fromisoformat(taken_at), ttl)


def _gives_way(held: Lease, actor: Actor, over: Lease | None) -> bool:
    return _same_console(held.holder, actor) or (over is not None and over.token == held.token)


def _same_console(one: Actor, other: Actor) -> bool:
    return (one.uid, one.host, one.console) == (other.uid, other.host, other.console)

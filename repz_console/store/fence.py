"""The fence: proof, checked in the transaction that writes, that a lease is still held by who thinks so."""

from __future__ import annotations

import apsw
from msgspec import Struct

from repz_console.store.boottime import Instant
from repz_console.store.errors import FenceError


class Fence(Struct, frozen=True):
    """A lease's name and the token it was taken with. Every taking has a higher token than all before it."""

    name: str
    token: int


def check(db: apsw.Connection, fence: Fence, now: Instant) -> None:
    """Raise `FenceError` unless the lease is held with exactly this token and has not run out."""
    row = db.execute("SELECT token, holder IS NOT NULL, boot, expires FROM lease WHERE name = ?", (fence.name,)).get
    if row is None:
        raise FenceError(f"Nobody holds the {fence.name}")
    token, held, boot, expires = row
    if token != fence.token:
        raise FenceError(f"Somebody else has taken the {fence.name} meanwhile")
    if not held or not now.before(boot, expires):
        raise FenceError(f"The {fence.name} has lapsed")

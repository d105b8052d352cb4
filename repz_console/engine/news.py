"""What of an answer is news: answers come from polls, from reading back and from other consoles, in any order."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from repz_console.facts import Facts, Snapshot


def is_news(snapshot: Snapshot, known: Snapshot | None, now: datetime) -> bool:
    """Whether a snapshot is of a later try than the known one."""
    if known is None or known.last_try_at is None or snapshot.last_try_at is None:
        return True
    # A time in the future is from before the clock was set back: it must not shut out the present.
    return known.last_try_at > now or snapshot.last_try_at > known.last_try_at


def with_newest_answer(snapshot: Snapshot, known: Snapshot | None, now: datetime) -> Snapshot:
    """A snapshot with the latest good answer. Whoever polls does not hear of what was read back after a change: a poll
    that then fails brings an answer from before it, and only its error is news."""
    if not snapshot.error or known is None or known.last_ok_at is None or known.last_ok_at > now:
        return snapshot
    if snapshot.last_ok_at is not None and snapshot.last_ok_at >= known.last_ok_at:
        return snapshot
    return replace(snapshot, facts=known.facts, last_ok_at=known.last_ok_at)


def tells_the_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ at most in when they were read: no reason to look at the screen again."""
    if one.error != other.error or (one.last_ok_at is None) != (other.last_ok_at is None):
        return False
    if one.facts is None or other.facts is None:
        return one.facts is other.facts
    return _timeless(one.facts) == _timeless(other.facts)


def _timeless(facts: Facts) -> tuple[object, ...]:
    numbers = [(reading.name, reading.value, reading.unit, reading.note) for reading in facts.readings]
    return numbers, replace(facts, readings=())

"""How old a source's last good answer is, and when that will next matter.

An answer from the future (a clock was set back) is trusted as little as one that is equally old.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from repz_console.facts import Freshness, Snapshot

_STEPS: tuple[tuple[int, Freshness], ...] = ((2, Freshness.LIVE), (3, Freshness.LATE), (5, Freshness.STALE))
_ORDER = {
    Freshness.OFF: 0,
    Freshness.LIVE: 1,
    Freshness.LATE: 2,
    Freshness.STALE: 3,
    Freshness.DOWN: 4,
}
_TICK = timedelta(microseconds=1)


def freshness(snapshot: Snapshot | None, now: datetime) -> Freshness:
    """How fresh a configured source is at `now`; a source that never answered (or None) is DOWN.

    A source that follows the journal (interval 0) has no age: it is LIVE once it has facts, unless it failed.
    """
    if snapshot is None or snapshot.facts is None or snapshot.last_ok_at is None:
        return Freshness.DOWN
    if snapshot.interval <= 0:
        return Freshness.DOWN if snapshot.error else Freshness.LIVE
    age = abs((now - snapshot.last_ok_at).total_seconds())
    for intervals, bucket in _STEPS:
        if age < intervals * snapshot.interval:
            return bucket
    return Freshness.DOWN


def next_change(snapshot: Snapshot | None, now: datetime) -> datetime | None:
    """The first instant after `now` at which the bucket changes without a further answer; None if never."""
    if snapshot is None or snapshot.facts is None or snapshot.last_ok_at is None or snapshot.interval <= 0:
        return None
    spans = [timedelta(seconds=intervals * snapshot.interval) for intervals, _ in _STEPS]
    early = [snapshot.last_ok_at - span + _TICK for span in spans]
    late = [snapshot.last_ok_at + span for span in spans]
    return min((instant for instant in (*early, *late) if instant > now), default=None)


def trustworthy(bucket: Freshness) -> bool:
    """Whether a value of this freshness may decide something."""
    return bucket in (Freshness.LIVE, Freshness.LATE)


def worst(buckets: Iterable[Freshness]) -> Freshness:
    """The least fresh of several; OFF if there is none."""
    return max(buckets, key=_ORDER.__getitem__, default=Freshness.OFF)


def soonest(instants: Iterable[datetime | None]) -> datetime | None:
    """The first of several instants, of which some may never come."""
    return min((instant for instant in instants if instant is not None), default=None)

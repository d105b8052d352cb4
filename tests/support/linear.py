"""Whether what several operators saw of one rollout is what one operator could have seen: linearizability.

A rollout is a register whose revisions say in which order it was written, so that the check is linear in the length of
the history, after sorting (as for any compare-and-set register; the general problem is NP-complete). An operation that
nobody knows the outcome of may have happened or not: it is not in the history, but may account for a revision.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Sequence

from msgspec import Struct


class Operation(Struct, frozen=True):
    """What somebody did, between two moments of one clock."""

    who: str
    wrote: bool
    """Else it read."""
    invoked: float
    returned: float
    revision: int
    """The one it made, or the one it saw."""
    value: str
    """What it wrote or saw."""
    expect: int | None = None
    """The revision that a write was bound to; None for one that was bound to none."""


def violations(history: Iterable[Operation], initial: tuple[int, str]) -> list[str]:
    """Everything about a history that no order of its operations explains; empty if it is linearizable."""
    writes = sorted((one for one in history if one.wrote), key=lambda one: one.revision)
    reads = [one for one in history if not one.wrote]
    found = [*_lost(writes), *_out_of_order(writes)]
    values = {one.revision: one.value for one in writes} | {initial[0]: initial[1]}
    found += [
        f"{read.who} read {read.value} at {read.revision}, where {values[read.revision]} was written"
        for read in reads
        if read.revision in values and values[read.revision] != read.value
    ]
    return [*found, *_stale(writes, reads)]


def _lost(writes: Sequence[Operation]) -> Iterable[str]:
    for one, next_one in itertools.pairwise(writes):
        if one.revision == next_one.revision:
            yield f"{one.who} and {next_one.who} both wrote {one.revision}: one of them is lost"
    for one in writes:
        if one.expect is not None and one.revision != one.expect + 1:
            yield f"{one.who} wrote {one.revision}, judged at {one.expect}"


def _out_of_order(writes: Sequence[Operation]) -> Iterable[str]:
    begun = float("-inf")
    for one in writes:
        if one.returned < begun:
            yield f"{one.who} wrote {one.revision} before an earlier revision was asked for"
        begun = max(begun, one.invoked)


def _stale(writes: Sequence[Operation], reads: Sequence[Operation]) -> Iterable[str]:
    """Reads of a revision that was overwritten before they began, or not begun when they ended, or older than another
    read had seen before."""
    ended = sorted((one.returned, one.revision) for one in (*writes, *reads))
    newest: list[int] = []
    for _, revision in ended:
        newest.append(max(revision, newest[-1] if newest else revision))
    times = [returned for returned, _ in ended]
    begun = {one.revision: one.invoked for one in writes}
    for read in reads:
        before = bisect.bisect_left(times, read.invoked)
        if before and newest[before - 1] > read.revision:
            yield f"{read.who} read {read.revision} after {newest[before - 1]} was known"
        if begun.get(read.revision, read.returned) > read.returned:
            yield f"{read.who} read {read.revision} before it was written"

"""Each reading's history, down-sampled: ten-second means for an hour, then minutes for two days, then quarter hours.

A bucket keeps its readings' sum and count, so that it gives their mean, and for a reading whose unit is `count` (how
many since the last poll) their sum. A time without readings has no bucket: a gap is never drawn as a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite

import apsw
from msgspec import Struct

from repz_console.facts import Reading

WIDTHS = (10, 60, 900)
"""Bucket widths in seconds, finest first."""

KEPT = (3600, 2 * 86400, 90 * 86400)
"""Seconds for which each width is kept before it is added up into the next; the last is then dropped."""

COUNTED = "count"
"""The unit of readings that add up."""

_PENDING = 50_000
"""Buckets kept in memory while the file cannot be written; the oldest give way."""

_FIND_SERIES = "SELECT id, unit FROM series WHERE source = ? AND reading = ?"
_ADD_SERIES = """
    INSERT INTO series (source, reading, unit) VALUES (?, ?, ?)
    ON CONFLICT (source, reading) DO UPDATE SET unit = excluded.unit RETURNING id
"""
_ADD = """
    INSERT INTO bucket (series, width, at, total, count) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (series, width, at) DO UPDATE SET total = total + excluded.total, count = count + excluded.count
"""
_ROLL_UP = """
    INSERT INTO bucket (series, width, at, total, count)
    SELECT series, ?3, at / ?3 * ?3, sum(total), sum(count) FROM bucket
    WHERE series = ?1 AND width = ?2 AND at < ?4 GROUP BY at / ?3
    ON CONFLICT (series, width, at) DO UPDATE SET total = total + excluded.total, count = count + excluded.count
"""
_READ = "SELECT at, total, count FROM bucket WHERE series = ? AND width = ? AND at > ?"
_DROP = "DELETE FROM bucket WHERE series = ? AND width = ? AND at < ?"


class _Bucket(Struct):
    """What was read of one reading within one finest width."""

    unit: str
    newest: datetime
    at: int = 0
    total: float = 0.0
    count: int = 0


_Done = tuple[str, str, str, int, float, int]
"""Source, reading, unit, bucket, sum, count."""


class History:
    """Collects readings into the current buckets and writes each bucket once, when it is over."""

    def __init__(self) -> None:
        """Starts with nothing collected."""
        self._series: dict[tuple[str, str, str], int] = {}
        self._open: dict[str, dict[str, _Bucket]] = {}
        self._over: list[_Done] = []
        self._written = 0

    def add(self, source: str, readings: Iterable[Reading]) -> None:
        """Take in readings. One that was taken in before, or has no value, adds nothing."""
        buckets = self._open.setdefault(source, {})
        when: datetime | None = None
        at = 0
        for reading in readings:
            value = reading.value
            if value is None or not isfinite(value):
                continue
            if reading.at is not when:
                when = reading.at
                at = _floor(when)
            bucket = buckets.get(reading.name)
            if bucket is None:
                buckets[reading.name] = bucket = _Bucket(reading.unit, when, at)
            elif when <= bucket.newest:
                continue
            elif bucket.at != at or bucket.unit != reading.unit:
                self._end(source, reading.name, bucket)
                bucket.at, bucket.unit = at, reading.unit
            bucket.newest = when
            bucket.total += value
            bucket.count += 1

    def due(self, now: datetime) -> bool:
        """Whether a bucket has come to its end since the last `write`."""
        return _floor(now) > self._written

    def write(self, db: apsw.Connection, now: datetime | None) -> None:
        """Write the buckets that are over, all of them without `now`. In the caller's transaction."""
        end = None if now is None else _floor(now)
        for source, buckets in self._open.items():
            for reading, bucket in buckets.items():
                if end is None or bucket.at < end:
                    self._end(source, reading, bucket)
        del self._over[:-_PENDING]
        db.executemany(_ADD, ((self._id(db, done[:3]), WIDTHS[0], *done[3:]) for done in self._over))
        self._over.clear()
        self._written = end or 0

    def forget(self) -> None:
        """The file was replaced or a write failed: series may have other numbers there."""
        self._series.clear()

    def read(
        self, db: apsw.Connection, source: str, reading: str, since: datetime, points: int
    ) -> list[tuple[datetime, float]]:
        """At most `points` means (sums, of counts) since `since`, oldest first, each at the start of its stretch."""
        first = int(since.timestamp())
        unit = ""
        found: list[tuple[int, float, int]] = []
        if row := db.execute(_FIND_SERIES, (source, reading)).get:
            unit = row[1]
            for width in WIDTHS:
                found += db.execute(_READ, (row[0], width, first - width))
        pending = [done for done in self._over if done[:2] == (source, reading)]
        bucket = self._open.get(source, {}).get(reading)
        if bucket and bucket.count:
            pending.append((source, reading, bucket.unit, bucket.at, bucket.total, bucket.count))
        for done in pending:
            unit = done[2]
            if done[3] > first - WIDTHS[0]:
                found.append(done[3:])
        return _sample(sorted(found), points, adds_up=unit == COUNTED)

    def _end(self, source: str, reading: str, bucket: _Bucket) -> None:
        if bucket.count:
            self._over.append((source, reading, bucket.unit, bucket.at, bucket.total, bucket.count))
            bucket.total, bucket.count = 0.0, 0

    def _id(self, db: apsw.Connection, key: tuple[str, str, str]) -> int:
        if key not in self._series:
            self._series[key] = int(db.execute(_ADD_SERIES, key).get)
        return self._series[key]


def roll_up(db: apsw.Connection, now: datetime) -> None:
    """Add up buckets that are old enough into wider ones and drop those past the end. In the caller's transaction."""
    moment = int(now.timestamp())
    everything = list(db.execute("SELECT id FROM series"))
    # A wider bucket is filled only when all of its time is old enough.
    for (width, wider), kept in zip(pairwise(WIDTHS), KEPT, strict=False):
        before = (moment - kept) // wider * wider
        for (series,) in everything:
            db.execute(_ROLL_UP, (series, width, wider, before))
            db.execute(_DROP, (series, width, before))
    for (series,) in everything:
        db.execute(_DROP, (series, WIDTHS[-1], moment - KEPT[-1]))


def _floor(at: datetime) -> int:
    """The second at which the finest bucket around `at` starts."""
    return int(at.timestamp()) // WIDTHS[0] * WIDTHS[0]


def _sample(found: list[tuple[int, float, int]], points: int, *, adds_up: bool) -> list[tuple[datetime, float]]:
    if not found or points < 1:
        return []
    span = found[-1][0] - found[0][0]
    # Stretches start at fixed instants, so that a sparkline shifts along instead of being dealt anew at every look.
    stretch = max(WIDTHS[0], -(-span // (max(points, 2) - 1)))
    samples: dict[int, tuple[float, int]] = {}
    for at, total, count in found:
        slot = at // stretch
        old_total, old_count = samples.get(slot, (0.0, 0))
        samples[slot] = (old_total + total, old_count + count)
    return [
        (datetime.fromtimestamp(slot * stretch, UTC), total if adds_up else total / count)
        for slot, (total, count) in list(samples.items())[-points:]
    ]

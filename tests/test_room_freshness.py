"""A value's age in buckets, and the moment at which the bucket changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.facts import Facts, Freshness, Snapshot
from repz_console.room.freshness import freshness, next_change, soonest, trustworthy, worst

NOTHING = Facts()
OK_AT = datetime(2027, 2, 3, 14, 0, tzinfo=UTC)
INTERVAL = 10.0


def snapshot(interval: float = INTERVAL, facts: Facts | None = NOTHING, error: str = "") -> Snapshot:
    return Snapshot("probe", "probe", interval, facts, OK_AT if facts is not None else None, OK_AT, error)


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (0, "LIVE"),
        (19.9, "LIVE"),
        (20, "LATE"),
        (29.9, "LATE"),
        (30, "STALE"),
        (49.9, "STALE"),
        (50, "DOWN"),
        (1e6, "DOWN"),
        (-19.9, "LIVE"),
        (-25, "LATE"),
        (-3600, "DOWN"),
    ],
)
def test_buckets_count_intervals_since_the_last_good_answer(age: float, bucket: str) -> None:
    assert freshness(snapshot(), OK_AT + timedelta(seconds=age)) == bucket


def test_a_failure_since_does_not_age_the_last_good_answer() -> None:
    assert freshness(snapshot(error="timed out"), OK_AT) is Freshness.LIVE


@pytest.mark.parametrize("silent", [None, snapshot(facts=None), snapshot(facts=None, error="refused")])
def test_what_never_answered_is_down_and_stays_so(silent: Snapshot | None) -> None:
    assert freshness(silent, OK_AT) is Freshness.DOWN
    assert next_change(silent, OK_AT) is None


def test_what_follows_the_journal_has_no_age_but_can_fail() -> None:
    far = OK_AT + timedelta(days=300)
    assert freshness(snapshot(interval=0), far) is Freshness.LIVE
    assert next_change(snapshot(interval=0), far) is None
    assert freshness(snapshot(interval=0, error="broken"), far) is Freshness.DOWN


@given(st.floats(-200, 200), st.floats(0.5, 60))
def test_the_bucket_is_constant_until_next_change_and_then_another(age: float, interval: float) -> None:
    source, now = snapshot(interval), OK_AT + timedelta(seconds=age)
    bucket, change = freshness(source, now), next_change(source, now)
    if change is None:
        assert bucket is Freshness.DOWN
        assert freshness(source, now + timedelta(days=1)) is Freshness.DOWN
        return
    assert change > now
    almost = max(now, change - timedelta(milliseconds=1))
    assert freshness(source, almost) is bucket
    assert freshness(source, change + timedelta(microseconds=2)) is not bucket


def test_only_live_and_late_decide_anything() -> None:
    assert [bucket for bucket in Freshness if trustworthy(bucket)] == [Freshness.LIVE, Freshness.LATE]


def test_the_worst_of_several() -> None:
    assert worst([]) is Freshness.OFF
    assert worst([Freshness.LIVE, Freshness.OFF]) is Freshness.LIVE
    assert worst([Freshness.LATE, Freshness.DOWN, Freshness.STALE]) is Freshness.DOWN


def test_the_soonest_of_several_that_may_never_come() -> None:
    assert soonest([]) is None
    assert soonest([None, OK_AT + timedelta(1), OK_AT, None]) == OK_AT

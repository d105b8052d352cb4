"""Instants as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from repz_console.tui.paint import times

NEW_YORK = times.zone_of("America/New_York")
NOW = datetime(2027, 2, 3, 14, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "short", "middle", "full"),
    [
        ({"days": 2, "hours": 4, "minutes": 12, "seconds": 8}, "T-2d04h", "T-2d 04:12", "T-2d 04:12:08"),
        ({"hours": 4, "minutes": 12, "seconds": 8}, "T-04:12:08", "T-04:12:08", "T-04:12:08"),
        ({"seconds": 0.2}, "T-00:00:01", "T-00:00:01", "T-00:00:01"),
        ({"seconds": 0}, "T+00:00:00", "T+00:00:00", "T+00:00:00"),
        ({"seconds": -190.9}, "T+00:03:10", "T+00:03:10", "T+00:03:10"),
        ({"days": -40}, "T+40d00h", "T+40d 00:00", "T+40d 00:00:00"),
    ],
)
def test_countdown(left: dict[str, float], short: str, middle: str, full: str) -> None:
    t0 = NOW + timedelta(**left)
    assert [times.countdown(NOW, t0, detail) for detail in (0, 1, 2)] == [short, middle, full]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2027, 2, 3, 10, 0, tzinfo=UTC), "05:00"),
        (datetime(2027, 2, 3, 4, 0, tzinfo=UTC), "2 Feb 23:00"),
        (datetime(2026, 12, 30, 12, 0, tzinfo=UTC), "30 Dec 07:00"),
        (datetime(2024, 2, 2, 14, 0, tzinfo=UTC), "2 Feb 2024"),
    ],
)
def test_a_moment_says_what_tells_it_apart_from_now(at: datetime, text: str) -> None:
    assert times.moment(at, NOW, NEW_YORK) == text


@pytest.mark.parametrize(
    ("seconds", "age", "lasting"),
    [
        (-5, "<1m", "0s"),
        (40, "<1m", "40s"),
        (725, "12m", "12m"),
        (3 * 3600 + 300, "3h", "3h 05m"),
        (2 * 86400 + 4 * 3600, "2d", "2d 4h"),
        (200 * 86400, "200d", "200d"),
    ],
)
def test_ages_and_lengths(seconds: float, age: str, lasting: str) -> None:
    assert times.age(timedelta(seconds=seconds)) == age
    assert times.lasting(timedelta(seconds=seconds)) == lasting


def test_an_unknown_zone_is_read_as_utc() -> None:
    assert times.zone_of("Mars/Olympus") is UTC
    assert times.minute(NOW, times.zone_of("../etc/passwd")) == "14:03"


def test_days_are_named_in_english_whatever_the_locale() -> None:
    assert times.weekday(NOW.date()) == "Wed 3 Feb"

"""Freezes: when nobody widens, on the wall clock, over changes of clocks, and by rules that are safe to ask."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.plan.freeze import Standing, rule_mistake, standing, windows
from repz_console.plan.model import Freeze, Moment

NEW_YORK = "America/New_York"


def freeze(start: str, minutes: float, rule: str = "", zone: str = NEW_YORK) -> Freeze:
    at = datetime.fromisoformat(start)
    return Freeze(id="f", title="F", start=Moment(on=at.date(), time=at.time(), zone=zone), minutes=minutes, rule=rule)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_freeze_without_a_rule_comes_once() -> None:
    once = freeze("2027-02-05T17:00", 60)
    assert standing(once, "UTC", utc("2027-02-05T21:59:59")) == Standing(None, utc("2027-02-05T22:00"))
    assert standing(once, "UTC", utc("2027-02-05T22:00")) == Standing(utc("2027-02-05T23:00"), None)
    assert standing(once, "UTC", utc("2027-02-05T23:00")) == Standing(None, None)


def test_its_zone_is_the_plans_where_it_names_none() -> None:
    bare = freeze("2027-02-05T17:00", 60, zone="")
    assert standing(bare, NEW_YORK, utc("2027-02-05T00:00")).next == utc("2027-02-05T22:00")
    assert standing(bare, "UTC", utc("2027-02-05T00:00")).next == utc("2027-02-05T17:00")


def test_a_friday_at_nine_stays_at_nine_over_a_change_of_clocks() -> None:
    fridays = freeze("2027-03-05T09:00", 60, "FREQ=WEEKLY;BYDAY=FR")
    starts = [start for start, _ in list_of(fridays, utc("2027-03-01T00:00"), utc("2027-03-21T00:00"))]
    assert starts == [utc("2027-03-05T14:00"), utc("2027-03-12T14:00"), utc("2027-03-19T13:00")]
    assert {start.astimezone(ZoneInfo(NEW_YORK)).time() for start in starts} == {time(9)}


def test_a_window_over_a_change_of_clocks_lasts_as_long_as_it_says() -> None:
    weekend = freeze("2027-03-12T18:00", 62 * 60, "FREQ=WEEKLY;BYDAY=FR")
    assert standing(weekend, "UTC", utc("2027-03-14T12:00")).until == utc("2027-03-12T23:00") + timedelta(hours=62)
    autumn = freeze("2027-11-05T18:00", 62 * 60)
    assert standing(autumn, "UTC", utc("2027-11-07T12:00")).until == utc("2027-11-05T22:00") + timedelta(hours=62)


def test_a_time_of_day_that_a_clock_change_takes_out_still_comes() -> None:
    nightly = freeze("2027-03-13T02:30", 10, "FREQ=DAILY;COUNT=3")
    starts = [start for start, _ in list_of(nightly, utc("2027-03-01T00:00"), utc("2027-04-01T00:00"))]
    assert starts == [utc("2027-03-13T07:30"), utc("2027-03-14T07:30"), utc("2027-03-15T06:30")]


def test_windows_that_touch_end_together() -> None:
    fri_sat = freeze("2027-02-05T00:00", 24 * 60, "FREQ=WEEKLY;BYDAY=FR,SA", "UTC")
    assert standing(fri_sat, "UTC", utc("2027-02-05T10:00")) == Standing(
        utc("2027-02-07T00:00"), utc("2027-02-12T00:00")
    )


def test_a_rule_ends_with_its_last_day() -> None:
    bounded = freeze("2027-02-05T17:00", 60, "FREQ=DAILY;UNTIL=20270206", "UTC")
    assert len(list_of(bounded, utc("2027-01-01T00:00"), utc("2028-01-01T00:00"))) == 2
    by_instant = freeze("2027-02-05T17:00", 60, "FREQ=DAILY;UNTIL=20270206T220000Z")
    assert len(list_of(by_instant, utc("2027-01-01T00:00"), utc("2028-01-01T00:00"))) == 2
    assert standing(bounded, "UTC", utc("2999-01-01T00:00")) == Standing(None, None)


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("FREQ=SECONDLY", "FREQ of DAILY, WEEKLY, MONTHLY or YEARLY: nothing that comes back within a day"),
        ("FREQ=HOURLY", "FREQ of DAILY, WEEKLY, MONTHLY or YEARLY: nothing that comes back within a day"),
        ("BYDAY=FR", "FREQ of DAILY, WEEKLY, MONTHLY or YEARLY: nothing that comes back within a day"),
        ("every friday", "a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=FR,SA"),
        ("FREQ=DAILY;FREQ=DAILY", "a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=FR,SA"),
        ("FREQ=DAILY;BYHOUR=1,2", 'no "BYHOUR" in it: days only, in a rule'),
        ("FREQ=DAILY;BYEASTER=0", 'no "BYEASTER" in it: days only, in a rule'),
        ("FREQ=WEEKLY;BYDAYS=FR", 'no "BYDAYS" in it, perhaps BYDAY: days only, in a rule'),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL from 1 to 1000"),
        ("FREQ=DAILY;COUNT=-1", "COUNT from 1 to 10000"),
        ("FREQ=DAILY;COUNT=1,2", "one number as COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270301", "COUNT or UNTIL, not both"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY other than 0"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY from -31 to 31"),
        ("FREQ=WEEKLY;BYDAY=1FR", "BYDAY of MO to SU, with a number before it only by the month or year"),
        ("FREQ=WEEKLY;BYDAY=FRI", "BYDAY of MO to SU, with a number before it only by the month or year"),
        ("FREQ=DAILY;UNTIL=soon", "UNTIL such as 20270301 or 20270301T170000Z"),
        ("FREQ=DAILY;UNTIL=20271399", "an UNTIL that the calendar has, after its start"),
        ("FREQ=DAILY;UNTIL=20200101", "a rule that comes at least once"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "a rule that comes at least once"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_in_words(rule: str, allowed: str) -> None:
    assert rule_mistake(freeze("2027-02-05T17:00", 60, rule), "UTC") == allowed


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY", "RRULE:freq=weekly;byday=fr,sa;wkst=su", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYMONTH=12"],
)
def test_a_rule_of_days_is_taken(rule: str) -> None:
    assert rule_mistake(freeze("2027-02-05T17:00", 60, rule), "UTC") == ""


@given(st.text(alphabet="FREQDAILYWKMONTHSETPVCU=;,+-0123456789TZ ", max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    for rule in (text, f"FREQ=DAILY;{text}", f"FREQ=MONTHLY;BYDAY={text}"):
        rule_mistake(freeze("2027-02-05T17:00", 60, rule), "UTC")


DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@given(
    first=st.dates(date(2026, 10, 1), date(2027, 11, 20)),
    clock=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    minutes=st.integers(1, 94 * 60),
    days=st.sets(st.sampled_from(range(7)), min_size=1, max_size=2),
    zone=st.sampled_from([NEW_YORK, "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]),
    after=st.floats(-10, 60),
)
def test_weekly_freezes_are_what_counting_days_gives(
    first: date, clock: time, minutes: int, days: set[int], zone: str, after: float
) -> None:
    start = Moment(on=first, time=clock, zone=zone)
    rule = f"FREQ=WEEKLY;BYDAY={','.join(DAYS[day] for day in sorted(days))}"
    now = datetime.combine(first, clock, UTC) + timedelta(days=after)
    found = standing(Freeze(id="f", title="F", start=start, minutes=minutes, rule=rule), "UTC", now)
    assert found == _counted(first, clock, timedelta(minutes=minutes), days, zone, now)


def _counted(first: date, clock: time, length: timedelta, days: set[int], zone: str, now: datetime) -> Standing:
    every = [first + timedelta(days=number) for number in range(200)]
    starts = [datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC) for day in every if day.weekday() in days]
    until = None
    for start in starts:
        if start + length <= now:
            continue
        if start > (until or now):
            return Standing(until, start)
        until = max(until or now, start + length)
    raise AssertionError("two days a week always leave a gap")


def list_of(made: Freeze, since: datetime, until: datetime) -> list[Any]:
    found = []
    for start, end in windows(made, "UTC", since):
        if start >= until:
            break
        found.append((start, end))
    return found

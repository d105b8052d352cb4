"""Instants, spans, meetings, and how every date moves with a new full launch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import config
from repz_console.plan import schedule
from repz_console.plan.model import Moment, Plan
from tests.support.configs import small

ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "America/Lima"]
)
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.fixture(scope="module")
def repz() -> Plan:
    return config.load(Path(__file__).parent.parent / "config.toml").plan


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_moment_takes_its_own_zone_or_the_launchs() -> None:
    assert schedule.instant(Moment(on=date(2024, 1, 29), time=time(), zone="UTC"), "America/New_York") == utc(
        2024, 1, 29
    )
    assert schedule.instant(Moment(on=date(2024, 2, 2), time=time(9)), "America/New_York") == utc(2024, 2, 2, 14)
    assert schedule.instant(Moment(on=date(2024, 7, 2), time=time(9)), "America/New_York") == utc(2024, 7, 2, 13)
    assert schedule.instant(Moment(on=date(2024, 1, 30)), "America/New_York") == utc(2024, 1, 30, 5)


def test_times_that_a_clock_change_skips_or_repeats() -> None:
    assert schedule.at_wall_clock(date(2024, 3, 10), time(2, 30), "America/New_York") == utc(2024, 3, 10, 7, 30)
    assert schedule.at_wall_clock(date(2024, 11, 3), time(1, 30), "America/New_York") == utc(2024, 11, 3, 5, 30)


def test_a_task_ends_where_its_last_day_ends() -> None:
    plan = small()
    assert schedule.task_span(plan, plan.task[0]) == (utc(2027, 6, 6, 22), utc(2027, 6, 8, 22))
    assert schedule.phase_span(plan, plan.phase[1]) == (utc(2027, 6, 9, 22), utc(2027, 6, 11, 22))
    assert schedule.plan_span(plan) == (utc(2027, 6, 6, 22), utc(2027, 6, 11, 22))
    assert schedule.phase_span(replace(plan, task=()), plan.phase[0]) is None


def test_a_plan_without_bars_spans_its_stages_and_launch() -> None:
    plan = replace(small(), task=())
    assert schedule.plan_span(plan) == (utc(2027, 6, 10, 10), utc(2027, 6, 11, 7))
    assert schedule.plan_span(replace(plan, rollout={})) == (utc(2027, 6, 11, 7), utc(2027, 6, 11, 7))


def test_the_phase_at_an_instant() -> None:
    plan = small()
    by_instant = {at: schedule.phase_at(plan, at) for at in (utc(2027, 6, 7), utc(2027, 6, 9), utc(2027, 6, 10))}
    assert [phase.id if phase else None for phase in by_instant.values()] == ["prepare", None, "launch"]


def test_the_repz_calendar(repz: Plan) -> None:
    assert schedule.full_launch(repz) == utc(2024, 2, 2, 14)
    stages = {stage.id: schedule.instant(stage.at, repz.launch.zone) for _, stage in schedule.stages(repz)}
    assert stages["soft"] == utc(2024, 1, 29)
    assert stages["full"] - stages["soft"] == timedelta(days=4, hours=14)
    assert schedule.plan_span(repz) == (utc(2024, 1, 1, 5), utc(2024, 3, 2, 5))
    assert sum(task.days for task in repz.task) == 68


def test_meetings_keep_the_wall_clock_over_a_clock_change() -> None:
    plan = small(
        """
[[task]]
id = "long"
title = "Long"
phase = "launch"
start = 2027-10-29
days = 5
[[ritual]]
id = "standup"
title = "Standup"
every = "day"
time = 09:00:00
minutes = 15
phase = "launch"
[[ritual]]
id = "review"
title = "Review"
every = "monday"
time = 14:00:00
zone = "UTC"
minutes = 60
"""
    )
    standup, review = plan.ritual
    autumn = list(schedule.ritual_occurrences(plan, standup, utc(2027, 10, 30), utc(2027, 11, 2)))
    assert [start for start, _ in autumn] == [utc(2027, 10, 30, 7), utc(2027, 10, 31, 8), utc(2027, 11, 1, 8)]
    assert all(end - start == timedelta(minutes=15) for start, end in autumn)
    first, _ = next(schedule.ritual_occurrences(plan, standup, utc(2027, 1, 1), utc(2028, 1, 1)))
    assert first == utc(2027, 6, 10, 7)
    mondays = list(schedule.ritual_occurrences(plan, review, utc(2027, 1, 1), utc(2027, 6, 22)))
    assert [start for start, _ in mondays] == [utc(2027, 6, 7, 14), utc(2027, 6, 14, 14), utc(2027, 6, 21, 14)]
    every = list(schedule.ritual_occurrences(plan, review, utc(2027, 1, 1), utc(2030, 1, 1)))
    assert every[-1][0] == utc(2027, 11, 1, 14)


def test_happenings_are_those_of_the_window(repz: Plan) -> None:
    found = schedule.happenings(repz, utc(2024, 2, 2, 13), utc(2024, 2, 2, 19, 1))
    assert [(it.at, it.title, it.kind) for it in found] == [
        (utc(2024, 2, 2, 5), "Full Launch", "task"),
        (utc(2024, 2, 2, 14), "REPZ full launch", "launch"),
        (utc(2024, 2, 2, 14), "Daily standup", "ritual"),
        (utc(2024, 2, 2, 14), "Full launch", "stage"),
        (utc(2024, 2, 2, 19), "Weekly review", "ritual"),
    ]
    under_way = schedule.happenings(repz, utc(2024, 2, 2, 14, 10), utc(2024, 2, 2, 14, 11))
    assert {it.title for it in under_way} == {"Full Launch", "Daily standup"}
    assert schedule.happenings(repz, utc(2025, 1, 1), utc(2026, 1, 1)) == ()


def test_a_rebase_by_whole_weeks_keeps_every_weekday(repz: Plan) -> None:
    new = datetime(2025, 2, 7, 9, tzinfo=ZoneInfo("America/New_York"))
    moved = schedule.rebase(repz, new)
    assert schedule.shift_days(repz, new) == 371
    assert schedule.full_launch(moved) == utc(2025, 2, 7, 14)
    assert moved.task[0].start == date(2025, 1, 6)
    assert moved.launch.full_launch.written == "Friday 9:00 AM EST"
    moves = schedule.moves(repz, moved)
    assert len(moves) == 1 + 16 + 9 + 12
    assert all(move.weekday_kept for move in moves)
    assert {move.days for move in moves if move.kind != "charge"} == {371}
    charges = [(move.was, move.now) for move in moves if move.kind == "charge"]
    assert charges[4] == (date(2024, 2, 1), date(2025, 2, 6))
    soft = next(move for move in moves if move.title == "Soft launch")
    assert (soft.was_at, soft.now_at) == (utc(2024, 1, 29), utc(2025, 2, 3))


def test_a_rebase_that_is_no_whole_weeks_changes_weekdays(repz: Plan) -> None:
    moved = schedule.rebase(repz, datetime(2025, 2, 2, 9, tzinfo=ZoneInfo("America/New_York")))
    launch = schedule.moves(repz, moved)[0]
    assert (launch.days, launch.weekday_kept, launch.weekdays) == (366, False, ("Friday", "Sunday"))


def test_another_time_of_day_moves_full_launch_and_its_stage_alone(repz: Plan) -> None:
    moved = schedule.rebase(repz, utc(2024, 2, 9, 15, 30))
    stages = {stage.id: stage for _, stage in schedule.stages(moved)}
    assert moved.launch.full_launch == Moment(on=date(2024, 2, 9), time=time(10, 30), zone="America/New_York")
    assert stages["full"].at == moved.launch.full_launch
    assert stages["soft"].at.time == time()
    assert stages["soft"].at.written == "Monday 12:00 AM UTC"


def test_a_rebase_into_summer_keeps_nine_in_the_morning(repz: Plan) -> None:
    moved = schedule.rebase(repz, datetime(2025, 7, 11, 9, tzinfo=ZoneInfo("America/New_York")))
    assert schedule.full_launch(moved) == utc(2025, 7, 11, 13)
    assert moved.launch.full_launch.time == time(9)


def test_a_stage_of_the_very_launch_goes_with_it_from_any_zone_and_through_a_repeated_hour(repz: Plan) -> None:
    *before, last = repz.rollout["production"].stage
    at = Moment(on=date(2024, 2, 2), time=time(14), zone="UTC", written="14:00 UTC")
    rollout = replace(repz.rollout["production"], stage=(*before, replace(last, at=at)))
    plan = replace(repz, rollout={"production": rollout})
    for new in (utc(2025, 7, 11, 13), utc(2025, 11, 2, 5, 30), utc(2025, 11, 2, 6, 30)):
        moved = schedule.rebase(plan, new)
        assert schedule.full_launch(moved) == new
        assert schedule.instant(moved.rollout["production"].stage[-1].at, "UTC") == new
        assert moved.rollout["production"].stage[-1].at.written == ""


def test_the_day_of_a_rebase_is_that_of_the_launchs_zone(repz: Plan) -> None:
    assert schedule.shift_days(repz, utc(2024, 2, 10, 3)) == 7
    assert schedule.shift_days(repz, utc(2024, 2, 10, 6)) == 8


def test_a_launch_centuries_away_is_refused(repz: Plan) -> None:
    with pytest.raises(ValueError, match="1970 to 2199"):
        schedule.rebase(repz, utc(9999, 12, 31))


@given(ZONES, ZONES, DAYS, st.times(timezones=st.none()), DAYS, st.times(timezones=st.none()))
def test_rebase_shifts_every_date_alike(
    launch_zone: str, zone: str, on: date, clock: time, to: date, new_clock: time
) -> None:
    clock, new_clock = clock.replace(fold=0, microsecond=0), new_clock.replace(fold=0, microsecond=0)
    base = small()
    plan = replace(
        base, launch=replace(base.launch, zone=launch_zone, full_launch=Moment(on=on, time=clock, zone=zone))
    )
    new = datetime.combine(to, new_clock, ZoneInfo(zone)).astimezone(UTC)
    there = new.astimezone(ZoneInfo(zone))
    assume((there.date(), there.time()) == (to, new_clock))
    moved = schedule.rebase(plan, new)
    assert schedule.full_launch(moved) == new
    assert {move.days for move in schedule.moves(plan, moved) if move.kind != "charge"} == {(to - on).days}
    assert [task.days for task in moved.task] == [task.days for task in plan.task]
    if schedule.full_launch(plan) != schedule.full_launch(schedule.rebase(moved, schedule.full_launch(plan))):
        # Only a wall-clock time that its day skips does not come back.
        back = schedule.full_launch(plan).astimezone(ZoneInfo(zone))
        assert back.time() != clock


@given(ZONES, DAYS, st.integers(1, 60))
def test_bars_that_meet_leave_no_gap(zone: str, start: date, days: int) -> None:
    base = small()
    first = replace(base.task[0], start=start, days=days)
    second = replace(base.task[1], start=start + timedelta(days=days), days=1)
    plan = replace(base, launch=replace(base.launch, zone=zone), task=(first, second))
    assert schedule.task_span(plan, first)[1] == schedule.task_span(plan, second)[0]
    assert schedule.task_span(plan, first)[0] < schedule.task_span(plan, first)[1]

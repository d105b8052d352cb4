"""Rules about days: the past, weekdays, weeks and weekends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from repz_console.plan.days import WEEKDAYS, first_day, last_day, weekday
from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Moment, Plan
from repz_console.plan.schedule import phase_tasks, plan_span
from repz_console.plan.wrong import counted

_WEEKS = re.compile(r"(\d+)(?:\s*-\s*(\d+)|(\+))?\Z")
_WEEKDAY = re.compile(rf"\b({'|'.join(WEEKDAYS)})\b", re.IGNORECASE)
_FIRST_WEEKEND_DAY = 5
_WEEK = 7


def moments(plan: Plan) -> Iterator[tuple[str, Moment]]:
    """Every moment of the plan with its path."""
    yield "launch.full_launch", plan.launch.full_launch
    for name, rollout in plan.rollout.items():
        for index, stage in enumerate(rollout.stage):
            yield f"rollout.{name}.stage[{index}].at", stage.at
    for index, freeze in enumerate(plan.freeze):
        yield f"freeze[{index}].start", freeze.start


def plan_in_past(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The whole plan is over."""
    _, ends = plan_span(plan)
    if ends > now:
        return
    path, last = max(
        ((f"task[{index}]", last_day(task)) for index, task in enumerate(plan.task)),
        key=lambda pair: pair[1],
        default=("launch.full_launch", plan.launch.full_launch.on),
    )
    days = (now.date() - last).days
    yield Finding(
        "plan-in-past",
        "error",
        f"Every date of the plan is past, the last one by {counted(days, 'day')}: "
        "choose a new full launch with a rebase.",
        (f"last day {last}", f"today {now.date()}"),
        (path,),
    )


def document_after_plan(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The plan's document was written after the launch it plans."""
    written, launch = plan.launch.document_date, plan.launch.full_launch.on
    if written is not None and written > launch:
        days = (written - launch).days
        yield Finding(
            "document-after-plan",
            "error",
            f"The document is {counted(days, 'day')} younger than the full launch it plans: the year may be wrong.",
            (f"full launch {launch}", f"document of {written}"),
            ("launch.full_launch", "launch.document_date"),
        )


def weekday_mismatch(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The plan's words name another day of the week than its date."""
    for path, moment in moments(plan):
        named = _WEEKDAY.search(moment.written)
        if named and named.group(1).title() != weekday(moment.on):
            yield Finding(
                "weekday-mismatch",
                "error",
                f"{moment.on} is a {weekday(moment.on)}, and the plan says {named.group(1).title()}.",
                (f'"{moment.written}"', f"{moment.on} {weekday(moment.on)}"),
                (path,),
            )


def phase_week_mismatch(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A phase's stated weeks are not those of its bars."""
    start = first_day(plan)
    for index, phase in enumerate(plan.phase):
        stated = _WEEKS.match(phase.weeks)
        tasks = phase_tasks(plan, phase)
        if stated is None or not tasks:
            continue
        begins = (min(task.start for task in tasks) - start).days // _WEEK + 1
        ends = (max(last_day(task) for task in tasks) - start).days // _WEEK + 1
        from_week = int(stated.group(1))
        to_week = ends if stated.group(3) else int(stated.group(2) or from_week)
        if begins != from_week or ends > to_week:
            first = min(tasks, key=lambda task: task.start)
            bars = f"week {begins}" if begins == ends else f"weeks {begins} to {ends}"
            yield Finding(
                "phase-week-mismatch",
                "error",
                f"{phase.title} is said to take week {phase.weeks}, and its bars lie in {bars}.",
                (f"week {phase.weeks}", f"{first.title} starts {weekday(first.start)} {first.start}"),
                (f"phase[{index}].weeks", f"task[{plan.task.index(first)}].start"),
            )


def range_vs_computed(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Full launch lies outside the weeks that the plan promises."""
    promised = plan.launch.timeline_weeks
    if promised is None:
        return
    weeks = (plan.launch.full_launch.on - first_day(plan)).days / _WEEK
    if not promised[0] <= weeks <= promised[1]:
        yield Finding(
            "range-vs-computed",
            "warning",
            f"Full launch comes {weeks:.1f} weeks after the plan's first day, outside the promised range.",
            (f"{promised[0]} to {promised[1]} weeks", f"{weeks:.1f} weeks"),
            ("launch.timeline_weeks", "launch.full_launch"),
        )


def weekend_work(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Bars run on Saturdays and Sundays."""
    total = sum(task.days for task in plan.task)
    off = [
        sum((task.start + timedelta(days=day)).weekday() >= _FIRST_WEEKEND_DAY for day in range(task.days))
        for task in plan.task
    ]
    if any(off):
        only = [index for index, task in enumerate(plan.task) if off[index] == task.days]
        titles = ", ".join(plan.task[index].title for index in only)
        rest = f"; nothing but weekend: {titles}" if only else ""
        yield Finding(
            "weekend-work",
            "warning",
            f"{sum(off)} of the {total} days of work fall on a Saturday or Sunday{rest}.",
            (f"{counted(sum(off), 'weekend day')} of {total}",),
            tuple(f"task[{index}]" for index in (only or [off.index(max(off))])),
        )


def risky_weekday(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Full launch leaves no working day behind it."""
    day = plan.launch.full_launch.on
    if day.weekday() >= _FIRST_WEEKEND_DAY - 1:
        yield Finding(
            "risky-weekday",
            "info",
            f"Full launch is on a {weekday(day)}: the next working day is Monday.",
            (f"{day} {weekday(day)}",),
            ("launch.full_launch",),
        )


RULES = (
    plan_in_past,
    document_after_plan,
    weekday_mismatch,
    phase_week_mismatch,
    range_vs_computed,
    weekend_work,
    risky_weekday,
)

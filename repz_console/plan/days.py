"""Arithmetic of the plan's calendar days, without zones."""

from __future__ import annotations

from datetime import date, timedelta

from repz_console.plan.model import Plan, Task

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Within these no arithmetic of a plan can overflow."""


def weekday(day: date) -> str:
    """A day's English name."""
    return WEEKDAYS[day.weekday()]


def first_day(plan: Plan) -> date:
    """The plan's first day: that of its earliest task, else of full launch."""
    return min((task.start for task in plan.task), default=plan.launch.full_launch.on)


def last_day(task: Task) -> date:
    """The last day on which a task runs."""
    return task.start + (task.days - 1) * DAY


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter."""
    last = _first_of_month(day, months + 1) - DAY
    return last.replace(day=min(day.day, last.day))


def _first_of_month(day: date, months: int) -> date:
    month = day.month - 1 + months
    return date(day.year + month // 12, month % 12 + 1, 1)

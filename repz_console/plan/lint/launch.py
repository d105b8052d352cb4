"""Rules about instants: zones, meetings and bars that meet the launch at the wrong minute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from repz_console.plan.days import weekday
from repz_console.plan.lint.calendar import moments
from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Moment, Plan
from repz_console.plan.schedule import full_launch, instant, phase_span, ritual_occurrences
from repz_console.plan.wrong import listed

_ABBREVIATION = re.compile(r"\b(EST|EDT|CST|CDT|MST|MDT|PST|PDT|GMT|BST|CET|CEST|IST|JST|AEST|AEDT)\b")


def mixed_timezones(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Times of one launch are given in several zones."""
    first_of_zone: dict[str, tuple[str, Moment]] = {}
    for path, moment in moments(plan):
        if moment.time is not None:
            first_of_zone.setdefault(moment.zone or plan.launch.zone, (path, moment))
    if len(first_of_zone) > 1:
        yield Finding(
            "mixed-timezones",
            "error",
            f"The launch is timed in {listed(list(first_of_zone), 'and')}; its bars have no zone and are read in "
            f"{plan.launch.zone}.",
            tuple(_clock(moment, zone) for zone, (_, moment) in first_of_zone.items()),
            tuple(path for path, _ in first_of_zone.values()),
        )


def time_without_zone(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Meetings have a time and no zone."""
    silent = [(index, ritual) for index, ritual in enumerate(plan.ritual) if not ritual.zone]
    if silent:
        titles = listed([ritual.title for _, ritual in silent], "and")
        yield Finding(
            "time-without-zone",
            "warning",
            f"{titles} name no zone; read as {plan.launch.zone}." if len(silent) > 1 else f"{titles} names no zone.",
            tuple(f"{ritual.title} {ritual.time:%H:%M}" for _, ritual in silent),
            tuple(f"ritual[{index}].time" for index, _ in silent),
        )


def fixed_offset_abbrev(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A zone was written as an abbreviation, which is a fixed offset all year round."""
    paths_of: dict[tuple[str, Moment], list[str]] = {}
    for path, moment in moments(plan):
        found = _ABBREVIATION.search(moment.written)
        if found:
            paths_of.setdefault((found.group(1), moment), []).append(path)
    for (abbreviation, moment), paths in paths_of.items():
        zone = moment.zone or plan.launch.zone
        there = instant(moment, plan.launch.zone).astimezone(ZoneInfo(zone))
        if there.tzname() == abbreviation:
            text = f"{abbreviation} is a fixed offset; it is read as {zone}, which leaves it in another season."
        else:
            text = f"{abbreviation} is not the time that {zone} keeps on {moment.on}: that is {there.tzname()}."
        yield Finding(
            "fixed-offset-abbrev",
            "warning" if there.tzname() == abbreviation else "error",
            text,
            (f'"{moment.written}"', _clock(moment, zone)),
            tuple(paths),
        )


def local_day_mismatch(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A stage's day is another one where the launch is."""
    for path, moment in moments(plan):
        there = instant(moment, plan.launch.zone).astimezone(ZoneInfo(plan.launch.zone))
        if there.date() != moment.on:
            yet = "still" if there.date() < moment.on else "already"
            yield Finding(
                "local-day-mismatch",
                "error",
                f"{weekday(moment.on)} {moment.on} in {moment.zone} is {yet} {weekday(there.date())} in "
                f"{plan.launch.zone}.",
                (_clock(moment, moment.zone), f"{there:%A %Y-%m-%d %H:%M} {plan.launch.zone}"),
                (path, "launch.zone"),
            )


def calendar_collision(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A meeting falls on the launch minute, or into the hours of the command centre after it."""
    zero = full_launch(plan)
    watch = timedelta(hours=plan.command_centre.hours if plan.command_centre else 0)
    for index, ritual in enumerate(plan.ritual):
        early = zero - timedelta(minutes=ritual.minutes) + timedelta(microseconds=1)
        for start, _ in ritual_occurrences(plan, ritual, early, zero + max(watch, timedelta(minutes=1))):
            hours = (start - zero).total_seconds() / 3600
            yield Finding(
                "calendar-collision",
                "error" if start <= zero else "warning",
                f"{ritual.title} is under way in the minute of full launch."
                if start <= zero
                else f"{ritual.title} meets {hours:g} hours after full launch, while the command centre sits.",
                (f"{ritual.title} {ritual.time:%H:%M}", f"full launch {zero:%Y-%m-%d %H:%M} UTC"),
                (f"ritual[{index}].time", "launch.full_launch"),
            )


def gate_without_gap(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A rollout enters a phase before, or at the very instant that, the phase before it ends."""
    order = [phase.id for phase in plan.phase]
    for name, rollout in plan.rollout.items():
        for index, stage in enumerate(rollout.stage):
            first = all(earlier.phase != stage.phase for earlier in rollout.stage[:index])
            if not first or stage.phase not in order[1:]:
                continue
            before = plan.phase[order.index(stage.phase) - 1]
            span = phase_span(plan, before)
            at = instant(stage.at, plan.launch.zone)
            if span is None or at > span[1]:
                continue
            overlap = span[1] - at
            hours = overlap.total_seconds() / 3600
            last = max((task for task in plan.task if task.phase == before.id), key=lambda task: task.start)
            text = f"{hours:g} hours before" if overlap else "at the very instant that"
            yield Finding(
                "gate-without-gap",
                "error",
                f"{stage.title} starts {text} {before.title} ends: no time is left to decide.",
                (f"{stage.title} {at:%Y-%m-%d %H:%M} UTC", f"{last.title} ends {span[1]:%Y-%m-%d %H:%M} UTC"),
                (f"rollout.{name}.stage[{index}].at", f"task[{plan.task.index(last)}]"),
            )


def _clock(moment: Moment, zone: str) -> str:
    clock = f" {moment.time:%H:%M}" if moment.time is not None else ""
    return f"{weekday(moment.on)} {moment.on}{clock} {zone}"


RULES = (
    mixed_timezones,
    time_without_zone,
    fixed_offset_abbrev,
    local_day_mismatch,
    calendar_collision,
    gate_without_gap,
)

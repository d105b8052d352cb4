"""The plan's calendar as instants: when things begin and end, and how every date moves with a new full launch.

Days and times are the plan's own wall clock. A rebase moves whole days and keeps the wall clock, so a meeting at nine
stays at nine on both sides of a clock change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from repz_console.plan.days import DAY, FIRST_YEAR, LAST_YEAR, weekday
from repz_console.plan.model import Moment, Phase, Plan, Ritual, Stage, Task
from repz_console.plan.money import charges

Span = tuple[datetime, datetime]
"""From and to, as UTC instants; the end is the first instant after it."""


class Happening(Struct, frozen=True):
    """Something the plan puts at an instant."""

    at: datetime
    title: str
    kind: Literal["task", "stage", "ritual", "launch"]
    until: datetime | None = None
    id: str = ""
    """Path of what it stands for, such as `task.soft-launch` or `rollout.production.soft`."""


class Move(Struct, frozen=True):
    """One date of the plan, before and after a rebase."""

    kind: Literal["launch", "task", "stage", "charge"]
    title: str
    was: date
    now: date
    was_at: datetime | None = None
    """The instant, where the plan states a time of day."""
    now_at: datetime | None = None

    @property
    def days(self) -> int:
        """How far the day moved."""
        return (self.now - self.was).days

    @property
    def weekday_kept(self) -> bool:
        """Whether it still falls on the same day of the week. A charge follows the month and has none to keep."""
        return self.kind == "charge" or self.was.weekday() == self.now.weekday()

    @property
    def weekdays(self) -> tuple[str, str]:
        """The day's name before and after."""
        return weekday(self.was), weekday(self.now)


def instant(moment: Moment, zone: str) -> datetime:
    """A moment as a UTC instant; without a time the day's first, and `zone` where it names none."""
    return at_wall_clock(moment.on, moment.time or time(), moment.zone or zone)


def at_wall_clock(day: date, clock: time, zone: str) -> datetime:
    """The UTC instant at which a wall clock in `zone` shows this. The first one where a clock change repeats it."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def typed_instant(text: str, zone: str) -> datetime:
    """A typed ISO day and time as UTC; wall-clock time in `zone` where it has no offset. Raises `ValueError`, saying
    in one line what is wrong.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    # The calendar's very first and last years have days that a change of zone would take out of it.
    if at is None or not MINYEAR < at.year < MAXYEAR:
        raise ValueError(f"{text!r} is no instant: write it like 2027-02-05T09:00")
    if len(text) <= len("2027-02-05"):
        raise ValueError(f"{text!r} has no time of day: write it like {text}T09:00")
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    local = at.replace(tzinfo=ZoneInfo(zone))
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != at:
        raise ValueError(f"{text} does not exist in {zone}: the clock is put forward over it")
    return local.astimezone(UTC)


def launch_zone(plan: Plan) -> str:
    """The zone in which full launch is written."""
    return plan.launch.full_launch.zone or plan.launch.zone


def full_launch(plan: Plan) -> datetime:
    """T-0."""
    return instant(plan.launch.full_launch, plan.launch.zone)


def task_span(plan: Plan, task: Task) -> Span:
    """From the first instant of a task's first day to the first one after its last."""
    zone = plan.launch.zone
    return at_wall_clock(task.start, time(), zone), at_wall_clock(task.start + task.days * DAY, time(), zone)


def phase_tasks(plan: Plan, phase: Phase) -> tuple[Task, ...]:
    """A phase's bars, in the plan's order."""
    return tuple(task for task in plan.task if task.phase == phase.id)


def phase_span(plan: Plan, phase: Phase) -> Span | None:
    """From the first of a phase's bars to the end of its last; None for a phase without bars."""
    return _around([task_span(plan, task) for task in phase_tasks(plan, phase)])


def phase_at(plan: Plan, at: datetime) -> Phase | None:
    """The phase that an instant falls in; the later one where two overlap, None outside all."""
    found = None
    for phase in plan.phase:
        span = phase_span(plan, phase)
        if span is not None and span[0] <= at < span[1]:
            found = phase
    return found


def plan_span(plan: Plan) -> Span:
    """From the earliest to the latest of everything that has a date."""
    spans = [task_span(plan, task) for task in plan.task]
    spans += [(at, at) for _, stage in stages(plan) for at in [instant(stage.at, plan.launch.zone)]]
    spans.append((full_launch(plan), full_launch(plan)))
    around = _around(spans)
    assert around is not None
    return around


def stages(plan: Plan) -> Iterator[tuple[str, Stage]]:
    """Every stage of every rollout with the rollout's id."""
    for identity, rollout in plan.rollout.items():
        for stage in rollout.stage:
            yield identity, stage


def ritual_zone(plan: Plan, ritual: Ritual) -> str:
    """A ritual's zone, the launch's where it names none."""
    return ritual.zone or plan.launch.zone


def ritual_occurrences(plan: Plan, ritual: Ritual, since: datetime, until: datetime) -> Iterator[Span]:
    """When a ritual takes place within `since` <= start < `until`.

    It begins with its phase, or with the plan, and goes on until the plan ends.
    """
    starts, ends = plan_span(plan)
    phase = next((phase for phase in plan.phase if phase.id == ritual.phase), None)
    span = phase_span(plan, phase) if phase else None
    begins = max(since, span[0] if span else starts)
    finishes = min(until, ends)
    zone = ritual_zone(plan, ritual)
    day = begins.astimezone(ZoneInfo(zone)).date()
    while True:
        start = at_wall_clock(day, ritual.time, zone)
        if start >= finishes:
            return
        if start >= begins and ritual.every in ("day", weekday(day).lower()):
            yield start, start + timedelta(minutes=ritual.minutes)
        day += DAY


def happenings(plan: Plan, since: datetime, until: datetime) -> tuple[Happening, ...]:
    """All that begins within `since` <= at < `until`, or is under way at `since`, soonest first."""
    found = [Happening(full_launch(plan), plan.launch.title, "launch", id="launch")]
    for task in plan.task:
        start, end = task_span(plan, task)
        found.append(Happening(start, task.title, "task", end, f"task.{task.id}"))
    for rollout, stage in stages(plan):
        at = instant(stage.at, plan.launch.zone)
        found.append(Happening(at, stage.title, "stage", id=f"rollout.{rollout}.{stage.id}"))
    for ritual in plan.ritual:
        early = since - timedelta(minutes=ritual.minutes)
        for start, end in ritual_occurrences(plan, ritual, early, until):
            found.append(Happening(start, ritual.title, "ritual", end, f"ritual.{ritual.id}"))
    kept = [it for it in found if it.at < until and (it.at >= since or (it.until is not None and it.until > since))]
    return tuple(sorted(kept, key=lambda it: (it.at, it.kind, it.title)))


def shift_days(plan: Plan, new: datetime) -> int:
    """By how many days a rebase to `new` moves the plan: from day to day in full launch's own zone."""
    return (_wall_clock(plan, new).date() - plan.launch.full_launch.on).days


def rebase(plan: Plan, new: datetime) -> Plan:
    """The plan with full launch at the instant `new` and every other date moved by as many whole days.

    A stage that was planned for the very instant of full launch goes with it to its new time of day. Raises
    `ValueError` for a full launch that is centuries away.
    """
    if not FIRST_YEAR <= new.year <= LAST_YEAR:
        raise ValueError(f"full launch must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    by = timedelta(days=shift_days(plan, new))
    old = full_launch(plan)

    def moved(moment: Moment) -> Moment:
        if instant(moment, plan.launch.zone) != old or moment.time is None:
            return replace(moment, on=moment.on + by)
        # In its own zone: another zone's clocks may be put forward on another day than full launch's.
        there = new.astimezone(ZoneInfo(moment.zone or plan.launch.zone))
        # Where the plan's own words named another time they would now mislead.
        written = moment.written if there.time() == moment.time else ""
        return replace(moment, on=there.date(), time=there.time(), written=written)

    return replace(
        plan,
        launch=replace(plan.launch, full_launch=moved(plan.launch.full_launch)),
        task=tuple(replace(task, start=task.start + by) for task in plan.task),
        rollout={
            identity: replace(rollout, stage=tuple(replace(stage, at=moved(stage.at)) for stage in rollout.stage))
            for identity, rollout in plan.rollout.items()
        },
    )


def moves(old: Plan, new: Plan) -> list[Move]:
    """Every date that a rebase moves, in the plan's order: full launch, tasks, stages, recurring charges."""
    found = [_moved("launch", old.launch.title, old, old.launch.full_launch, new, new.launch.full_launch)]
    for was, now in zip(old.task, new.task, strict=True):
        found.append(Move("task", was.title, was.start, now.start))
    for (_, before), (_, after) in zip(stages(old), stages(new), strict=True):
        found.append(_moved("stage", before.title, old, before.at, new, after.at))
    for charge, later in zip(charges(old), charges(new), strict=True):
        found.append(Move("charge", charge.title, charge.on, later.on))
    return found


def _moved(kind: Literal["launch", "stage"], title: str, old: Plan, was: Moment, new: Plan, now: Moment) -> Move:
    if was.time is None:
        return Move(kind, title, was.on, now.on)
    return Move(kind, title, was.on, now.on, instant(was, old.launch.zone), instant(now, new.launch.zone))


def _wall_clock(plan: Plan, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(launch_zone(plan)))


def _around(spans: list[Span]) -> Span | None:
    if not spans:
        return None
    return min(start for start, _ in spans), max(end for _, end in spans)

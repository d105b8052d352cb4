"""Where in the launch we are by the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from repz_console.facts import Hold
from repz_console.plan import schedule
from repz_console.plan.model import Plan
from repz_console.room.freshness import soonest
from repz_console.room.views import ClockView, Happening

UPCOMING = 8
"""Happenings ahead that are told; of a meeting that comes back, the next one only."""


def build(plan: Plan, hold: Hold | None, now: datetime) -> ClockView:
    """The clock at `now`. Between its `next_change`s only `now` itself differs."""
    starts, ends = schedule.plan_span(plan)
    found = schedule.happenings(plan, now, ends + timedelta(seconds=1))
    phase = schedule.phase_at(plan, now)
    later = [it.at for it in found if it.at > now]
    endings = [it.until for it in found if it.until is not None and it.until > now]
    return ClockView(
        now=now,
        t0=schedule.full_launch(plan),
        zone=plan.launch.zone,
        phase=phase.title if phase is not None else "",
        hold=hold,
        past=now >= ends,
        starts=starts,
        ends=ends,
        current=tuple(_seen(it) for it in found if it.at <= now and it.until is not None and it.until > now),
        upcoming=tuple(_seen(it) for it in _first_of_each(it for it in found if it.at > now))[:UPCOMING],
        next_change=soonest([*later, *endings, *([ends] if ends > now else [])]),
    )


def _first_of_each(found: Iterable[schedule.Happening]) -> Iterable[schedule.Happening]:
    seen: set[str] = set()
    for it in found:
        if it.id not in seen:
            seen.add(it.id)
            yield it


def _seen(it: schedule.Happening) -> Happening:
    return Happening(at=it.at, title=it.title, kind=it.kind, until=it.until)

"""The signs and words that every pane shares: freshness, verdicts, how an area stands. Never colour alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, tzinfo

from repz_console.facts import Freshness, Verdict
from repz_console.room.views import HealthView, RoomView, StageView
from repz_console.tui.paint.base import Glyphs, Line, Span
from repz_console.tui.paint.format import percent
from repz_console.tui.paint.times import clock, moment

FRESHNESS_ROLE = {
    Freshness.LIVE: "ok",
    Freshness.LATE: "warn",
    Freshness.STALE: "warn",
    Freshness.DOWN: "bad",
    Freshness.OFF: "muted",
}

TRUSTED = frozenset((Freshness.LIVE, Freshness.LATE))
"""What is older than this is shown with a doubt, never as it stands."""

VERDICT_ROLE = {Verdict.PASS: "ok", Verdict.INCONCLUSIVE: "warn", Verdict.FAIL: "bad"}

WORST_FIRST = (Freshness.DOWN, Freshness.STALE, Freshness.LATE, Freshness.OFF, Freshness.LIVE)


def sign(role: str, glyphs: Glyphs) -> str:
    """The sign that goes with a role, so that a screen without colours says the same."""
    return {"ok": glyphs.ok, "warn": glyphs.warn, "bad": glyphs.bad}.get(role, glyphs.off)


def signed(role: str, text: str, glyphs: Glyphs) -> Span:
    """`text` behind the sign of its role."""
    return (f"{sign(role, glyphs)} {text}", role)


def chip(freshness: Freshness, at: datetime | None, view: RoomView, glyphs: Glyphs, zone: tzinfo) -> Line:
    """The freshness of a pane: `● LIVE as of 14:03:20`."""
    role = FRESHNESS_ROLE[freshness]
    if freshness is Freshness.OFF:
        return (signed(role, "OFF: no source", glyphs),)
    if at is None:
        return (signed(role, f"{freshness.value}, no answer yet", glyphs),)
    same_day = at.astimezone(zone).date() == view.clock.now.astimezone(zone).date()
    when = clock(at, zone) if same_day else moment(at, view.clock.now, zone)
    return (signed(role, f"{freshness.value} as of {when}", glyphs),)


def as_of(view: RoomView, sources: Collection[str], freshness: Freshness) -> datetime | None:
    """When the sources of an area last answered, told by the slowest of those that are as fresh as the area is.

    What follows the journal has no age of its own and is as of now.
    """
    named = [source for source in view.sources.sources if source.id in sources and source.interval > 0]
    if not named:
        return view.clock.now
    alike = [source for source in named if source.freshness is freshness] or named
    times = [source.last_ok_at for source in alike if source.last_ok_at is not None]
    return min(times) if len(times) == len(alike) else None


def health_role(health: HealthView) -> str:
    """How the metrics stand as a whole: a missed target is bad, nothing to judge by is a warning, never ok."""
    if health.missed:
        return "bad"
    return "warn" if health.blind or not health.met else "ok"


def stage_name(stage: StageView | None) -> str:
    """A stage's title without the percent that stands beside it anyway."""
    if stage is None:
        return "no stage"
    return stage.title.removesuffix(percent(stage.percent)).rstrip(" ,:") or stage.title


def open_bugs(view: RoomView, priority: str) -> int:
    """How many bugs of a priority are open."""
    return sum(lane.open for lane in view.bugs.lanes if lane.priority == priority)

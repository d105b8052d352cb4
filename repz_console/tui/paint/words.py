"""The signs and words that every pane shares: freshness, verdicts, how an area stands. Never colour alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from repz_console.facts import Freshness, Verdict
from repz_console.room.views import HealthView, JournalView, ReadinessView, RoomView, SourceView, StageView
from repz_console.tui.paint.base import Glyphs, Line, Span
from repz_console.tui.paint.format import count, percent
from repz_console.tui.paint.times import clock, interval, moment, zone_of

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

READY_ROLE = {"ready": "ok", "not ready": "bad", "unknown": "warn"}
"""How it stands whether a backend could be killed."""

WORST_FIRST = (Freshness.DOWN, Freshness.STALE, Freshness.LATE, Freshness.OFF, Freshness.LIVE)


def sign(role: str, glyphs: Glyphs) -> str:
    """The sign that goes with a role, so that a screen without colours says the same."""
    return {"ok": glyphs.ok, "warn": glyphs.warn, "bad": glyphs.bad}.get(role, glyphs.off)


def signed(role: str, text: str, glyphs: Glyphs) -> Span:
    """`text` behind the sign of its role."""
    return (f"{sign(role, glyphs)} {text}", role)


def journal_length(journal: JournalView) -> str:
    """`1,234 entries`; that it is not known, where none could be read."""
    if journal.damage and not journal.length:
        return "not known: it cannot be read"
    return count(journal.length, "entry", "entries")


def chip(freshness: Freshness, sources: Collection[str], view: RoomView, glyphs: Glyphs) -> Line:
    """The freshness of a pane that shows these sources: `● LIVE every 30 s`, `✖ DOWN as of 14:03:20`.

    What is LIVE is told by how old it may get: the time of its last answer would have to move with every poll. A pane
    that only follows the journal polls nothing and is just LIVE.
    """
    role, zone = FRESHNESS_ROLE[freshness], zone_of(view.clock.zone)
    polled = [source for source in view.sources.sources if source.id in sources and source.interval > 0]
    if freshness is Freshness.OFF:
        return (signed(role, "OFF: no source", glyphs),)
    if freshness is Freshness.LIVE:
        every = f" every {interval(max(source.interval for source in polled))}" if polled else ""
        return (signed(role, f"{freshness.value}{every}", glyphs),)
    at = _as_of(polled, view, freshness)
    if at is None:
        return (signed(role, f"{freshness.value}, no answer yet", glyphs),)
    same_day = at.astimezone(zone).date() == view.clock.now.astimezone(zone).date()
    when = clock(at, zone) if same_day else moment(at, view.clock.now, zone)
    return (signed(role, f"{freshness.value} as of {when}", glyphs),)


def _as_of(polled: Sequence[SourceView], view: RoomView, freshness: Freshness) -> datetime | None:
    """When the slowest of those that are as fresh as the area is last answered; now where none is polled."""
    if not polled:
        return view.clock.now
    alike = [source for source in polled if source.freshness is freshness] or polled
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


def kill_chip(readiness: tuple[ReadinessView, ...], glyphs: Glyphs) -> Line:
    """Whether a kill would reach every backend now: `KILL ok`, `KILL 1/2`, `KILL ?` where nobody has looked."""
    if not readiness:
        return ()
    ready = sum(each.state == "ready" for each in readiness)
    if ready == len(readiness):
        return (signed("ok", "KILL ok", glyphs),)
    if any(each.state == "not ready" for each in readiness):
        return (signed("bad", f"KILL {ready}/{len(readiness)}", glyphs),)
    return (signed("warn", "KILL ?", glyphs),)

"""Whether what a step is judged on is of now."""

from __future__ import annotations

from datetime import datetime, timedelta

from repz_console.facts import Freshness, Snapshot, Verdict
from repz_console.plan import parts
from repz_console.plan.model import Rollout
from repz_console.room import words
from repz_console.room.freshness import trustworthy
from repz_console.room.gates.evidence import Evidence, because
from repz_console.room.views import GateView


def readable_until(rollout: Rollout, snapshot: Snapshot | None) -> datetime | None:
    """When the controller's last read-back becomes too old to widen on; None without one."""
    if snapshot is None or snapshot.last_ok_at is None:
        return None
    return snapshot.last_ok_at + timedelta(seconds=rollout.max_age)


def gate_of(evidence: Evidence, now: datetime) -> GateView:
    def gate(answer: Verdict, line: str, waivable: bool = False) -> GateView:
        return GateView("data", "Data fresh", answer, line, until, waivable=waivable)

    controllers, limit = parts.controllers(evidence.rollout), evidence.rollout.max_age
    named = " and ".join(controllers)
    state, snapshot = evidence.state, evidence.snapshot
    seen_until = state.until if state is not None else None
    until = min(filter(None, (readable_until(evidence.rollout, snapshot), seen_until)), default=None)
    for controller in controllers:
        if controller not in evidence.plan.source:
            return gate(Verdict.INCONCLUSIVE, f"no source named {controller} is configured: nothing can be read back")
    if state is None or until is None:
        return gate(Verdict.INCONCLUSIVE, f"{named} has not been read back: holding")
    read_at = snapshot.last_ok_at if snapshot is not None else None
    if read_at is not None and snapshot is not None and abs((now - read_at).total_seconds()) >= limit:
        line = f"{snapshot.source} was last read back at {words.instant(read_at)} (limit {limit:g} s): holding"
        return gate(Verdict.INCONCLUSIVE, line)
    if not trustworthy(evidence.bugs):
        what = "no source tells of bugs" if evidence.bugs is Freshness.OFF else f"bug data is {evidence.bugs}"
        return gate(Verdict.INCONCLUSIVE, f"{what}{because(evidence)}: holding", waivable=True)
    if read_at is None:
        line = f"{named} looked at by a person, believed until {words.instant(until)}, bug data {evidence.bugs}"
        return gate(Verdict.PASS, line)
    return gate(Verdict.PASS, f"{named} read back within {limit:g} s, bug data {evidence.bugs}")

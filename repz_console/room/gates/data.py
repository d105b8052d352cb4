"""Whether what a step is judged on is of now."""

from __future__ import annotations

from datetime import datetime, timedelta

from repz_console.facts import Freshness, Snapshot, Verdict
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
    def gate(answer: Verdict, line: str) -> GateView:
        return GateView("data", "Data fresh", answer, line, until)

    controller, limit = evidence.rollout.controller, evidence.rollout.max_age
    until = readable_until(evidence.rollout, evidence.snapshot)
    if controller not in evidence.plan.source:
        return gate(Verdict.INCONCLUSIVE, f"no source named {controller} is configured: nothing can be read back")
    if evidence.state is None or evidence.snapshot is None or evidence.snapshot.last_ok_at is None or until is None:
        return gate(Verdict.INCONCLUSIVE, f"{controller} has not been read back: holding")
    read_at = evidence.snapshot.last_ok_at
    if abs((now - read_at).total_seconds()) >= limit:
        line = f"{controller} was last read back at {words.instant(read_at)} (limit {limit:g} s): holding"
        return gate(Verdict.INCONCLUSIVE, line)
    if not trustworthy(evidence.bugs):
        what = "no source tells of bugs" if evidence.bugs is Freshness.OFF else f"bug data is {evidence.bugs}"
        return gate(Verdict.INCONCLUSIVE, f"{what}{because(evidence)}: holding")
    return gate(Verdict.PASS, f"{controller} read back within {limit:g} s, bug data {evidence.bugs}")

"""Whether the plan lets people widen at this time: a stage's instant, and freezes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from repz_console.facts import Verdict
from repz_console.plan import freeze as freezes
from repz_console.plan.model import Freeze
from repz_console.plan.schedule import instant
from repz_console.room import words
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView

SCHEDULE = "schedule"
"""Id of the gate of a stage that may not be entered before its instant."""


def gates_of(evidence: Evidence, now: datetime) -> Iterable[GateView]:
    """The stage's own instant where it may not be entered before that, then every freeze that is meant for it."""
    zone, stage = evidence.plan.launch.zone, evidence.enters
    if stage is not None and stage.not_before:
        at = instant(stage.at, zone)
        come = now >= at
        line = f"{stage.title} {'may be entered since' if come else 'may not be entered before'} {words.instant(at)}"
        answer = Verdict.PASS if come else Verdict.FAIL
        yield GateView(SCHEDULE, "Not too early", answer, line, next_change=None if come else at)
    if evidence.target is None:
        return
    for freeze in evidence.plan.freeze:
        if not freeze.rollouts or evidence.identity in freeze.rollouts:
            yield _freeze(freeze, evidence, now)


def _freeze(freeze: Freeze, evidence: Evidence, now: datetime) -> GateView:
    found = freezes.standing(freeze, evidence.plan.launch.zone, now)
    stage = evidence.enters
    excepted = stage is not None and f"{evidence.identity}.{stage.id}" in freeze.except_stages
    if found.until is None:
        line = (
            f"{freeze.title}: from {words.instant(found.next)}" if found.next is not None else f"{freeze.title}: over"
        )
        answer = Verdict.PASS
    elif excepted and stage is not None:
        line = f"{freeze.title} until {words.instant(found.until)}, {stage.title} excepted"
        answer = Verdict.PASS
    else:
        line = f"{freeze.title}: nobody widens until {words.instant(found.until)}"
        answer = Verdict.FAIL
    upcoming = found.until or found.next
    return GateView(f"freeze:{freeze.id}", freeze.title, answer, line, next_change=upcoming)

"""Whether the backend has what was decided here."""

from __future__ import annotations

from repz_console.facts import Verdict
from repz_console.room import words
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView

_TITLE = "No drift"


def gate_of(evidence: Evidence) -> GateView:
    """A widening is judged from what is configured: where that is not what was decided, nobody knows what it gives."""
    if evidence.state is None:
        line = "what is configured is not known: holding"
        return GateView("drift", _TITLE, Verdict.INCONCLUSIVE, line, reason="NO_DATA")
    facts = _facts(evidence)
    if evidence.decided.partial and not evidence.drift:
        line = "judged once the change is whole or undone"
        return GateView("drift", _TITLE, Verdict.PASS, line, evidence=facts)
    if evidence.drift and evidence.damage:
        return GateView("drift", _TITLE, Verdict.INCONCLUSIVE, evidence.drift[0], evidence=facts, reason="DAMAGED")
    if evidence.drift:
        return GateView("drift", _TITLE, Verdict.FAIL, f"{evidence.drift[0]}; accept (v) takes it over", evidence=facts)
    return GateView("drift", _TITLE, Verdict.PASS, "configured is as decided", evidence=facts)


def _facts(evidence: Evidence) -> tuple[str, ...]:
    state, change = evidence.state, evidence.decided.desired
    found = []
    if state is not None:
        by = f" by {state.changed_by}" if state.changed_by else ""
        at = f" at {words.instant(state.changed_at)}" if state.changed_at is not None else ""
        found.append(f"configured: {words.exposure(state.exposure)}, revision {state.revision}{by}{at}")
    if change is not None:
        wanted = words.exposure(change.intent.target)
        found.append(f"decided: {wanted} by {words.who(change.actor)} at {words.instant(change.at)}")
    return tuple(found)

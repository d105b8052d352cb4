"""Whether the outcome of every change is known."""

from __future__ import annotations

from repz_console.facts import Verdict
from repz_console.room import words
from repz_console.room.decisions import ChangeRecord
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView

CHANGE = "change"
"""Id of the gate that a change which is under way closes for every other one."""


def gate_of(evidence: Evidence) -> GateView:
    def gate(answer: Verdict, line: str) -> GateView:
        return GateView(CHANGE, "No unknown change", answer, line)

    if evidence.decided.unknown:
        change = evidence.decided.unknown[-1]
        line = f"{_told(change)}: nobody knows whether it happened; roll back, kill or accept (v) settles it"
        return gate(Verdict.INCONCLUSIVE, line)
    if evidence.decided.under_way:
        return gate(Verdict.INCONCLUSIVE, f"{_told(evidence.decided.under_way[-1])} is under way")
    if evidence.decided.partial:
        change = evidence.decided.partial[-1]
        line = f"{_told(change)}: {change.why or 'applied in part'}; the same again or a way back settles it"
        return gate(Verdict.INCONCLUSIVE, line)
    if evidence.damage:
        return gate(Verdict.INCONCLUSIVE, f"not known whether a change is without an outcome: {evidence.damage}")
    return gate(Verdict.PASS, "the outcome of every change is known")


def _told(change: ChangeRecord) -> str:
    what = {"set": "change", "rollback": "roll back", "kill": "kill"}[change.intent.action]
    return f"{what} to {words.headline(change.intent.target)} by {words.who(change.actor)}"

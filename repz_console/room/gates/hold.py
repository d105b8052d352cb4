"""Whether somebody holds the rollout."""

from __future__ import annotations

from repz_console.facts import Verdict
from repz_console.room import words
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView


def gate_of(evidence: Evidence) -> GateView:
    hold = evidence.decided.hold
    if hold is None and evidence.damage:
        return GateView("hold", "Not held", Verdict.INCONCLUSIVE, f"not known whether it is held: {evidence.damage}")
    if hold is None:
        return GateView("hold", "Not held", Verdict.PASS, "not held")
    why = f": {hold.reason}" if hold.reason else ""
    return GateView("hold", "Not held", Verdict.FAIL, f"held by {hold.who} since {words.instant(hold.at)}{why}")

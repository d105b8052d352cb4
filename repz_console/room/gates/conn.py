"""Whether this console has the conn."""

from __future__ import annotations

from repz_console.facts import Verdict
from repz_console.room.control import only_holder
from repz_console.room.gates.evidence import Evidence, because
from repz_console.room.views import GateView

CONN = "conn"
"""Id of the gate that any holder can cure with one key; named last when something else is in the way."""
_TITLE = "Conn is yours"


def gate_of(evidence: Evidence) -> GateView:
    if evidence.control.mine:
        return GateView(CONN, _TITLE, Verdict.PASS, "you have the conn")
    if evidence.control.state == "FREE":
        return GateView(CONN, _TITLE, Verdict.FAIL, "the conn is FREE: take it to widen")
    if evidence.control.state == "UNKNOWN":
        line = f"nobody knows who has the conn{because(evidence)}"
        return GateView(CONN, _TITLE, Verdict.INCONCLUSIVE, line)
    return GateView(CONN, _TITLE, Verdict.FAIL, only_holder(evidence.control, "widen"))

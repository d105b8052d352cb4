"""What several gates come to, and which of them is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repz_console.facts import Verdict
from repz_console.room.gates.conn import CONN
from repz_console.room.views import GateView

_ORDER = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}


def verdict(gates: Iterable[GateView]) -> Verdict:
    """FAIL beats INCONCLUSIVE beats PASS, which an excused gate counts as. Without any gate nothing was looked at:
    INCONCLUSIVE."""
    answers = (Verdict.PASS if gate.lets_pass else gate.verdict for gate in gates)
    return max(answers, key=_ORDER.__getitem__, default=Verdict.INCONCLUSIVE)


def blocker(gates: Sequence[GateView]) -> str:
    """The line of the first gate in the way: the worst first, the conn last. Empty if all pass."""
    closed = [gate for gate in gates if not gate.lets_pass]
    return min(closed, key=lambda gate: (gate.id == CONN, -_ORDER[gate.verdict])).line if closed else ""

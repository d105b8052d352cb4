"""The gates of widening: each answers PASS, FAIL or INCONCLUSIVE with one plain line. One module a kind.

Missing or old data is INCONCLUSIVE, never PASS. Gates only ever stand in the way of widening; the way back has none.
A further kind is a module with `gate_of(evidence, now)` or `gates_of(evidence, now)` and a line in `build`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from repz_console.room.gates import bugs, changes, conn, data, hold, store
from repz_console.room.gates.changes import CHANGE
from repz_console.room.gates.conn import CONN
from repz_console.room.gates.data import readable_until
from repz_console.room.gates.evidence import Evidence
from repz_console.room.gates.verdicts import blocker, verdict
from repz_console.room.views import GateView

__all__ = ["CHANGE", "CONN", "Evidence", "blocker", "build", "readable_until", "verdict"]


def build(evidence: Evidence, now: datetime, people: Iterable[GateView] = ()) -> tuple[GateView, ...]:
    """Every gate, in the order in which they are shown. `people` are those that hang on what people say."""
    return (
        *store.gates_of(evidence),
        hold.gate_of(evidence),
        changes.gate_of(evidence),
        *bugs.gates_of(evidence),
        data.gate_of(evidence, now),
        *people,
        conn.gate_of(evidence),
    )

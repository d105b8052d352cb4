"""The gates of widening: each answers PASS, FAIL or INCONCLUSIVE with one plain line. One module a kind.

Missing or old data is INCONCLUSIVE, never PASS. Gates only ever stand in the way of widening; the way back has none.
A further kind is a module with `gate_of(evidence, now)` or `gates_of(evidence, now)` and a line in `build`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from repz_console.room.gates import (
    bake,
    bugs,
    changes,
    checklists,
    conn,
    data,
    drift,
    excuses,
    hold,
    line,
    metrics,
    order,
    store,
    times,
)
from repz_console.room.gates.bake import COUNTERS, counters
from repz_console.room.gates.changes import CHANGE
from repz_console.room.gates.conn import CONN
from repz_console.room.gates.data import readable_until
from repz_console.room.gates.evidence import Evidence
from repz_console.room.gates.excuses import NEVER, overrides
from repz_console.room.gates.verdicts import blocker, verdict
from repz_console.room.views import GateView

__all__ = [
    "CHANGE",
    "CONN",
    "COUNTERS",
    "NEVER",
    "Evidence",
    "blocker",
    "build",
    "counters",
    "overrides",
    "readable_until",
    "verdict",
]


def build(evidence: Evidence, now: datetime, people: Iterable[GateView] = ()) -> tuple[GateView, ...]:
    """Every gate, in the order in which they are shown. `people` are those that hang on what people say."""
    found = (
        *store.gates_of(evidence),
        *line.gates_of(evidence),
        hold.gate_of(evidence),
        changes.gate_of(evidence),
        drift.gate_of(evidence),
        order.gate_of(evidence),
        *times.gates_of(evidence, now),
        *bake.gates_of(evidence, now),
        *checklists.gates_of(evidence),
        *metrics.gates_of(evidence, now),
        *bugs.gates_of(evidence),
        data.gate_of(evidence, now),
        *people,
        conn.gate_of(evidence),
    )
    return tuple(excuses.applied(found, evidence, now))

"""Whether the line runs: a stopped one lets no rollout widen."""

from __future__ import annotations

from collections.abc import Iterable

from repz_console.facts import Verdict
from repz_console.room import words
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView

LINE = "line"


def gates_of(evidence: Evidence) -> Iterable[GateView]:
    """Shown only while it is stopped."""
    stopped = evidence.consents.line
    if stopped is not None:
        why = f": {stopped.reason}" if stopped.reason else ""
        line = f"the line was stopped by {stopped.who} at {words.instant(stopped.at)}{why}"
        yield GateView(LINE, "Line runs", Verdict.FAIL, line)

"""Whether this store is the one that steers."""

from __future__ import annotations

from collections.abc import Iterable

from repz_console.events import StoreRestored, StoreRetired
from repz_console.facts import Verdict
from repz_console.room import words
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView


def gates_of(evidence: Evidence) -> Iterable[GateView]:
    """Shown only where it fails: elsewhere there never was another store."""

    def gate(line: str) -> GateView:
        return GateView("store", "This store steers", Verdict.FAIL, f"{line}; `store take-over` makes it steer")

    if evidence.idle is not None and isinstance(evidence.idle.event, StoreRestored):
        copy = evidence.idle.event
        yield gate(f"restored from a copy of {copy.host} of {words.instant(copy.copied_at)}, and not steering yet")
    elif evidence.idle is not None and isinstance(evidence.idle.event, StoreRetired):
        why = f": {evidence.idle.event.reason}" if evidence.idle.event.reason else ""
        yield gate(f"retired by {words.who(evidence.idle.actor)} at {words.instant(evidence.idle.at)}{why}")
    elif evidence.state is not None and evidence.state.epoch > evidence.epoch:
        yield gate("another store took this rollout over, perhaps on another machine: this one was left behind")

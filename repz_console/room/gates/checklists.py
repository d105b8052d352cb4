"""Whether the checklists that a stage asks for are done."""

from __future__ import annotations

from collections.abc import Iterable

from repz_console.facts import Freshness, Verdict
from repz_console.plan.model import Checklist
from repz_console.room import timeline
from repz_console.room.freshness import trustworthy
from repz_console.room.gates.evidence import Evidence, because
from repz_console.room.views import GateView

_NAMED = 2


def gates_of(evidence: Evidence) -> Iterable[GateView]:
    """One a checklist."""
    asked = evidence.enters.checklists if evidence.enters is not None else ()
    known = {checklist.id: checklist for checklist in evidence.plan.checklist}
    for identity in asked:
        yield _gate(evidence, known[identity])


def _gate(evidence: Evidence, checklist: Checklist) -> GateView:
    def gate(answer: Verdict, line: str, reason: str = "") -> GateView:
        title = f"{checklist.title} done"
        return GateView(f"checklist:{checklist.id}", title, answer, line, None, facts, waivable=True, reason=reason)

    facts: tuple[str, ...] = ()
    if not trustworthy(evidence.ticked):
        what = "no source tells of ticks" if evidence.ticked is Freshness.OFF else f"ticks are {evidence.ticked}"
        return gate(Verdict.INCONCLUSIVE, f"{checklist.title}: {what}{because(evidence)}: holding", "NO_DATA")
    if evidence.damage:
        return gate(Verdict.INCONCLUSIVE, f"{checklist.title}: not known{because(evidence)}: holding", "DAMAGED")
    view = timeline.checklist(checklist, timeline.marks(evidence.ticks))
    waiting = [item.title for item in view.items if item.state == "open"]
    facts = tuple(f"{item.title}: {item.state}{f' by {item.who}' if item.who else ''}" for item in view.items)
    if waiting:
        named = ", ".join(waiting[:_NAMED]) + (", ..." if len(waiting) > _NAMED else "")
        line = f"{checklist.title}: {view.done} of {len(view.items)} done, open: {named}"
        return gate(Verdict.FAIL, line)
    return gate(Verdict.PASS, f"{checklist.title}: all {len(view.items)} done")

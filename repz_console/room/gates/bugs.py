"""Bug rules: P0 blocks every step, others from a phase on."""

from __future__ import annotations

from collections.abc import Iterable

from repz_console.facts import Bug, Freshness, Priority, Verdict
from repz_console.plan.model import Plan
from repz_console.room.bugs import ALWAYS, blocks
from repz_console.room.freshness import trustworthy
from repz_console.room.gates.evidence import Evidence, because
from repz_console.room.views import GateView

_NAMED = 3


def gates_of(evidence: Evidence) -> Iterable[GateView]:
    rules = {rule.priority: rule for rule in evidence.plan.bug_rule}
    yield _lane(evidence, "P0", "blocks every step")
    for priority, rule in sorted(rules.items()):
        if priority != "P0" and blocks(evidence.plan, rule, evidence.phase):
            yield _lane(evidence, priority, _blocked(evidence.plan, rule.blocks_from))


def _blocked(plan: Plan, blocks_from: str) -> str:
    if blocks_from == ALWAYS:
        return "blocks every step"
    title = next(phase.title for phase in plan.phase if phase.id == blocks_from)
    return f"blocks from {title}"


def _lane(evidence: Evidence, priority: Priority, consequence: str) -> GateView:
    waiting = evidence.queue.open[priority]
    title = f"{priority} bugs = 0"
    facts = (*(f"{bug.id}: {bug.title}" for bug in waiting), f"bug data is {evidence.bugs}")
    if waiting:
        line = f"{priority} bugs: {len(waiting):,} open ({_keys(waiting)}): {consequence}"
        return GateView(priority.lower(), title, Verdict.FAIL, line, evidence=facts)
    if not trustworthy(evidence.bugs):
        line = f"{priority} bugs: {_unknown_bugs(evidence.bugs)}{because(evidence)}"
        return GateView(
            priority.lower(), title, Verdict.INCONCLUSIVE, line, evidence=facts, waivable=True, reason="NO_DATA"
        )
    return GateView(priority.lower(), title, Verdict.PASS, f"{priority} bugs: none open", evidence=facts)


def _keys(waiting: tuple[Bug, ...]) -> str:
    keys = [bug.id.partition(":")[2] or bug.id for bug in waiting[:_NAMED]]
    return ", ".join(keys) + (", ..." if len(waiting) > _NAMED else "")


def _unknown_bugs(bucket: Freshness) -> str:
    return "not known, no source tells of bugs" if bucket is Freshness.OFF else f"none known, but bug data is {bucket}"

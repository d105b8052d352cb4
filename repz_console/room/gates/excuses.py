"""Gates that people pass although they do not: two of them one that is INCONCLUSIVE, the director one that FAILs.

Both are for one stage, and end with it: when the rollout goes on to something else, or back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from repz_console.facts import Exposure, Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan
from repz_console.room import waivers, words
from repz_console.room.consents import Consents, Override, Waiver
from repz_console.room.decisions import ChangeRecord, RolloutDecisions
from repz_console.room.freshness import soonest
from repz_console.room.gates.changes import CHANGE
from repz_console.room.gates.conn import CONN
from repz_console.room.gates.evidence import Evidence
from repz_console.room.gates.line import LINE
from repz_console.room.views import GateView

NEVER = frozenset([CONN, CHANGE, LINE, "hold", "store", "approval"])
"""Ids of the gates that nobody excuses: each is opened by whoever may do the one thing that it asks for."""

_NEVER_HAPPENED = ("rejected", "not_applied", "superseded")


def applied(gates: Iterable[GateView], evidence: Evidence, now: datetime) -> Iterator[GateView]:
    """The gates, with who excused which. A step beyond the plan's stages has none that could be."""
    for gate in gates:
        if evidence.enters is None or gate.id in NEVER:
            yield gate
        elif gate.verdict is Verdict.INCONCLUSIVE and gate.waivable:
            yield _waived(gate, evidence, evidence.enters.id, now)
        elif gate.verdict is Verdict.FAIL:
            yield _overridden(gate, evidence, evidence.enters.id)
        else:
            yield gate


def overrides(plan: Plan, rollout: str, consents: Consents, decided: RolloutDecisions) -> tuple[str, ...]:
    """What the director overrode and whose stage has not ended, one line each."""
    stages = {stage.id: stage for stage in plan.rollout[rollout].stage}
    return tuple(
        f"{override.event.gate} overridden for {stages[override.event.stage].title}: {_told(override)}"
        for override in consents.overrides
        if override.event.rollout == rollout and _stands(plan, override, decided)
    )


def _waived(gate: GateView, evidence: Evidence, stage: str, now: datetime) -> GateView:
    for waiver in evidence.consents.waivers.values():
        event = waiver.event
        if (event.rollout, event.stage, event.gate) != (evidence.identity, stage, gate.id):
            continue
        if waivers.holds(waiver, evidence.plan, now) and _stands(evidence.plan, waiver, evidence.decided):
            second = words.who(waiver.second) if waiver.second is not None else ""
            both = f"{words.who(waiver.actor)}{' SOLO' if waiver.solo else f' and {second}'}"
            line = f"waived by {both} until {words.instant(event.until)}: {event.reason}"
            return replace(gate, excused=line, next_change=soonest((gate.next_change, event.until)))
    return gate


def _overridden(gate: GateView, evidence: Evidence, stage: str) -> GateView:
    for override in reversed(evidence.consents.overrides):
        event = override.event
        if (event.rollout, event.stage, event.gate) != (evidence.identity, stage, gate.id):
            continue
        if _stands(evidence.plan, override, evidence.decided):
            return replace(gate, excused=f"overridden by {_told(override)}", overridden=True)
    return gate


def _told(override: Override) -> str:
    return f"{words.who(override.actor)} at {words.instant(override.at)}: {override.event.reason}"


def _stands(plan: Plan, excuse: Waiver | Override, decided: RolloutDecisions) -> bool:
    """Whether the stage that it is for is still to come, or has not been left."""
    rollout = plan.rollout[excuse.event.rollout]
    stage = next((each for each in rollout.stage if each.id == excuse.event.stage), None)
    if stage is None:
        return False
    limits = exposures.of_stage(rollout, stage)
    return not any(_leaves(change, limits, excuse) for change in decided.changes)


def _leaves(change: ChangeRecord, limits: Exposure, excuse: Waiver | Override) -> bool:
    """Whether a change made after an excuse goes back, or beyond a stage."""
    later = change.seq > excuse.seq  # whatever the clock was set to meanwhile
    if change.intent.action != "set":
        return (later or change.at > excuse.at) and change.state not in _NEVER_HAPPENED
    if change.state != "confirmed" or not (later or change.state_at > excuse.at):
        return False
    before, target = change.intent.before, change.intent.target
    return exposures.widens(limits, target) or (before is not None and exposures.widens(target, before))

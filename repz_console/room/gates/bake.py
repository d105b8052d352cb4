"""Whether the stage that was reached has stood long enough, in time and in requests, before anything widens beyond it.

One that has not is INCONCLUSIVE: what it was to show is not known yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from repz_console.facts import Snapshot, Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan, Rollout, Stage
from repz_console.room import health, words
from repz_console.room.decisions import ChangeRecord, RolloutDecisions
from repz_console.room.freshness import soonest, trustworthy
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView

COUNTERS = "counters"
"""Where a change's evidence keeps what the counters of bakes said when it was decided, by metric."""


def gates_of(evidence: Evidence, now: datetime) -> Iterable[GateView]:
    """One, where the stage that was reached has a floor and the step goes beyond that stage."""
    stage, target = evidence.current, evidence.target
    if stage is None or target is None or not (stage.bake.minutes or stage.bake.requests):
        return
    if exposures.widens(exposures.of_stage(evidence.rollout, stage), target):
        yield _gate(evidence, stage, now)


def reached(rollout: Rollout, stage: Stage, decided: RolloutDecisions) -> ChangeRecord | None:
    """The change by which a stage was reached and since which it was never left; None if no known one did. One that
    may have left it did: what became of a kill is not always found out, and somebody else may have undone it."""
    wanted = exposures.of_stage(rollout, stage)
    found = None
    for change in sorted(decided.changes, key=lambda each: each.state_at):
        if change.state in ("rejected", "not_applied"):
            continue
        if exposures.widens(change.intent.target, wanted):
            found = None
        elif change.state == "confirmed":
            found = found or change
    return found


def counters(plan: Plan, rollout: Rollout, snapshots: Mapping[str, Snapshot], now: datetime) -> dict[str, float]:
    """What the counters of a rollout's bakes say, of those that can be believed: to be kept with a change."""
    asked = {stage.bake.counted_by for stage in rollout.stage}
    views = (health.metric(plan, metric, snapshots, now) for metric in plan.metric if metric.id in asked)
    return {view.id: view.value for view in views if view.value is not None and trustworthy(view.freshness)}


def _gate(evidence: Evidence, stage: Stage, now: datetime) -> GateView:
    def gate(answer: Verdict, line: str, reason: str = "") -> GateView:
        found = (f"{stage.title} reached at {words.instant(change.state_at)} ({change.op})",) if change else ()
        limit = until if until is not None and until > now else None
        return GateView(
            "bake",
            f"{stage.title} baked",
            answer,
            line,
            next_change=soonest((limit, *expiries)),
            evidence=(*found, *facts),
            waivable=True,
            reason=reason,
        )

    change = reached(evidence.rollout, stage, evidence.decided)
    until: datetime | None = None
    facts: tuple[str, ...] = ()
    expiries: tuple[datetime | None, ...] = ()
    if change is None:
        line = f"not known since when {stage.title} stands: no change that is known here reached it"
        return gate(Verdict.INCONCLUSIVE, line, "NO_DATA")
    until = change.state_at + timedelta(minutes=stage.bake.minutes)
    if now < until:
        line = f"{stage.title} bakes until {words.instant(until)} ({stage.bake.minutes:g} min)"
        return gate(Verdict.INCONCLUSIVE, line, "BAKING")
    if stage.bake.requests:
        answer, line, reason, facts, expiries = _requests(evidence, stage, change, now)
        return gate(answer, line, reason)
    return gate(Verdict.PASS, f"{stage.title} has baked {stage.bake.minutes:g} min")


def _requests(
    evidence: Evidence, stage: Stage, change: ChangeRecord, now: datetime
) -> tuple[Verdict, str, str, tuple[str, ...], tuple[datetime | None, ...]]:
    metric = next(each for each in evidence.plan.metric if each.id == stage.bake.counted_by)
    view = health.metric(evidence.plan, metric, evidence.snapshots, now)
    expiries = (health.expiry(metric, evidence.snapshots, now),)
    kept = change.intent.evidence.get(COUNTERS)
    began = kept.get(metric.id) if isinstance(kept, Mapping) else None
    name, wanted = words.named(metric.title), stage.bake.requests
    if view.value is None or not trustworthy(view.freshness):
        why = view.note or f"{view.source} is {view.freshness}"
        return Verdict.INCONCLUSIVE, f"{name}: {why}: holding", "NO_DATA", (), expiries
    if not isinstance(began, int | float):
        line = f"{name}: nobody counted when {stage.title} was reached: holding"
        return Verdict.INCONCLUSIVE, line, "NO_DATA", (), expiries
    facts = (f"{metric.source}: {metric.id} from {began:,.0f} to {view.value:,.0f}",)
    if view.value < began:
        line = f"{name} fell from {began:,.0f} to {view.value:,.0f}, so it was reset: holding"
        return Verdict.INCONCLUSIVE, line, "COUNTER_RESET", facts, expiries
    seen = view.value - began
    line = f"{stage.title} has had {seen:,.0f} of {wanted:,.0f} requests"
    if seen < wanted:
        return Verdict.INCONCLUSIVE, line, "TOO_FEW", facts, expiries
    return Verdict.PASS, line, "", facts, expiries

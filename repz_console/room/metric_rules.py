"""Whether a metric is within its targets, as a rule of the plan asks: on how many samples, and how old it may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from repz_console.facts import Freshness, Snapshot, Verdict
from repz_console.plan.model import Metric, MetricRule, Plan
from repz_console.room import health, words


class Judged(Struct, frozen=True):
    """What a rule says now."""

    verdict: Verdict
    line: str
    at: datetime | None = None
    """When the value was measured; None while there is none."""


def judge(plan: Plan, rule: MetricRule, snapshots: Mapping[str, Snapshot], now: datetime) -> Judged:
    """A value that is missing, too old, not fresh or of too few samples says nothing: INCONCLUSIVE."""
    metric = _metric(plan, rule.metric)
    if metric is None:
        return Judged(Verdict.INCONCLUSIVE, f"the plan has no metric {rule.metric}")
    view = health.metric(plan, metric, snapshots, now)
    if view.value is None or view.at is None:
        return Judged(Verdict.INCONCLUSIVE, f"{metric.title} is not known: {view.note or 'no value'}")
    told = f"{metric.title} is {_number(view.value, view.unit)}"
    targets = [target for target in view.targets if rule.said in ("", target.said)]
    if not targets:
        return Judged(Verdict.INCONCLUSIVE, f"{told}, and the plan has no such target for it", view.at)
    if view.freshness not in (Freshness.LIVE, Freshness.LATE):
        return Judged(Verdict.INCONCLUSIVE, f"{told}, but {metric.source} is {view.freshness}", view.at)
    age = abs((now - view.at).total_seconds())
    if rule.max_age and age >= rule.max_age:
        line = f"{told}, measured at {words.instant(view.at)} (limit {rule.max_age:g} s)"
        return Judged(Verdict.INCONCLUSIVE, line, view.at)
    if rule.samples:
        counter = _metric(plan, rule.counted_by)
        counted = health.metric(plan, counter, snapshots, now).value if counter is not None else None
        if counted is None or counted < rule.samples:
            known = "an unknown number of" if counted is None else f"{counted:,.0f}"
            line = f"{told}, but on {known} samples ({rule.samples:,} are needed)"
            return Judged(Verdict.INCONCLUSIVE, line, view.at)
    missed = [target for target in targets if not target.met]
    if missed:
        asked = ", ".join(f"{target.op} {_number(target.value, view.unit)}" for target in missed)
        return Judged(Verdict.FAIL, f"{told}, it should be {asked}", view.at)
    return Judged(Verdict.PASS, told, view.at)


def _metric(plan: Plan, identity: str) -> Metric | None:
    return next((metric for metric in plan.metric if metric.id == identity), None)


def _number(value: float, unit: str) -> str:
    return f"{value:g} {unit}".rstrip()

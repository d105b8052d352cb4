"""Whether a number is within its targets. Without a number that is fresh and stands on enough samples nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from repz_console.facts import Freshness, Snapshot, Verdict
from repz_console.plan.model import Metric, MetricRule, Plan
from repz_console.room import health, words
from repz_console.room.freshness import soonest, trustworthy
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView, MetricView, TargetView

_TICK = timedelta(microseconds=1)
_STEPS = ((600, 10, "s", 1), (7_200, 60, "min", 60), (2**60, 3_600, "h", 3_600))
"""Up to which age in seconds it is told in which steps, and in which unit of how many seconds: an age that was told to
the second would have a quiet screen painted each second."""


def gates_of(evidence: Evidence, now: datetime) -> Iterable[GateView]:
    """One a metric that the stage asks for. Meters that judge a course of values, not one, come here as well."""
    for rule in evidence.enters.metrics if evidence.enters is not None else ():
        yield judge(evidence.plan, evidence.snapshots, rule, now)


def judge(plan: Plan, snapshots: Mapping[str, Snapshot], rule: MetricRule, now: datetime) -> GateView:
    """How a metric answers a rule."""
    metric = _metric(plan, rule.metric)
    view = health.metric(plan, metric, snapshots, now)
    targets = tuple(target for target in view.targets if rule.said in ("", target.said))
    wanted = " and ".join(_target(target, view.unit) for target in targets)
    expiries: list[datetime | None] = [health.expiry(metric, snapshots, now)]
    facts = [f"target: {_target(target, view.unit)} ({target.said})" for target in targets]

    def gate(answer: Verdict, line: str, reason: str = "") -> GateView:
        return GateView(
            f"metric:{metric.id}",
            f"{metric.title} {wanted}",
            answer,
            f"{words.named(metric.title)}{line}",
            soonest(expiries),
            tuple(facts),
            waivable=True,
            reason=reason,
        )

    if view.freshness is Freshness.OFF:
        return gate(Verdict.INCONCLUSIVE, f": {view.note}: holding", "NO_SOURCE")
    if view.value is None or view.at is None:
        return gate(Verdict.INCONCLUSIVE, f": no data, {view.note}: holding", "NO_DATA")
    facts.insert(0, f"{view.source}: {_number(view.value, view.unit)} at {words.instant(view.at)}")
    stale = _stale(view, rule.max_age, now, expiries)
    if stale:
        return gate(Verdict.INCONCLUSIVE, f": {stale}: holding", "STALE")
    if rule.samples:
        few = _few(plan, snapshots, rule, now, expiries, facts)
        if few:
            return gate(Verdict.INCONCLUSIVE, f": {few}: holding", "TOO_FEW")
    value = _number(view.value, view.unit)
    missed = [target for target in targets if target.met is not True]
    if missed:
        return gate(Verdict.FAIL, f" {value}, must be {' and '.join(_target(each, view.unit) for each in missed)}")
    return gate(Verdict.PASS, f" {value} ({wanted})")


def _metric(plan: Plan, identity: str) -> Metric:
    return next(metric for metric in plan.metric if metric.id == identity)


def _stale(view: MetricView, limit: float, now: datetime, expiries: list[datetime | None]) -> str:
    """Why a value is too old; empty if it is not. Adds when that, or how it is told, changes."""
    at = view.at
    assert at is not None
    if limit > 0:
        expiries += [
            edge for edge in (at - timedelta(seconds=limit) + _TICK, at + timedelta(seconds=limit)) if edge > now
        ]
        if abs((now - at).total_seconds()) >= limit:
            return f"last sample {_age(at, now, expiries, limit)} (limit {limit:g} s)"
    if not trustworthy(view.freshness):
        return f"{view.source} is {view.freshness}, last sample {_age(at, now, expiries)}"
    return ""


def _age(at: datetime, now: datetime, expiries: list[datetime | None], least: float = 0) -> str:
    """How old, rounded down; adds when that is told otherwise."""
    seconds = (now - at).total_seconds()
    if seconds < 0:
        return f"of {words.instant(at)}, which is yet to come"
    step, unit, size = next((step, unit, size) for most, step, unit, size in _STEPS if seconds < most)
    whole = int(seconds // step) * step
    expiries.append(at + timedelta(seconds=whole + step))
    # No age is told that would be within its limit.
    return f"{max(whole, least if size == 1 else 0) / size:g} {unit} old"


def _few(
    plan: Plan,
    snapshots: Mapping[str, Snapshot],
    rule: MetricRule,
    now: datetime,
    expiries: list[datetime | None],
    facts: list[str],
) -> str:
    """Why a value stands on too few samples; empty if it does not."""
    counter = _metric(plan, rule.counted_by)
    count = health.metric(plan, counter, snapshots, now)
    expiries.append(health.expiry(counter, snapshots, now))
    if count.value is None or count.at is None:
        return f"not known on how many samples it stands, {words.named(counter.title)}: {count.note}"
    facts.append(f"{count.source}: {count.value:,.0f} samples at {words.instant(count.at)}")
    stale = _stale(count, rule.max_age, now, expiries)
    if stale:
        return f"not known on how many samples it stands, {words.named(counter.title)}: {stale}"
    if count.value < rule.samples:
        return f"not enough samples ({count.value:,.0f} of {rule.samples:,})"
    return ""


def _target(target: TargetView, unit: str) -> str:
    return f"{target.op} {_number(target.value, unit)}"


def _number(value: float, unit: str) -> str:
    return f"{value:,.6g}{f' {unit}' if unit else ''}"

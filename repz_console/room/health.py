"""Every number: the plan's metrics with their targets, and the readings that no metric asks for."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime

from repz_console.facts import Freshness, Reading, Snapshot
from repz_console.plan.model import Metric, Plan, Target
from repz_console.room.freshness import freshness, next_change, soonest, trustworthy, worst
from repz_console.room.views import BoxView, HealthView, MetricView, TargetView

History = Mapping[tuple[str, str], tuple[float, ...]]
"""(source id, reading name) to values, oldest first."""

_MEETS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def build(plan: Plan, snapshots: Mapping[str, Snapshot], history: History, now: datetime) -> HealthView:
    """The numbers at `now`. A value that is too old is still shown, but meets and misses nothing."""
    buckets = {source: freshness(snapshots.get(source), now) for source in plan.source}
    readings = {source: _readings(snapshots.get(source)) for source in plan.source}
    metrics = tuple(_metric(metric, snapshots, buckets, readings, history) for metric in plan.metric)
    asked = {(metric.source, metric.reading or metric.id) for metric in plan.metric}
    box = tuple(
        _box(source, reading, buckets[source], history)
        for source, known in readings.items()
        for reading in known.values()
        if (source, reading.name) not in asked
    )
    used = {metric.source for metric in plan.metric} | {reading.source for reading in box}
    judged = [metric for metric in metrics if metric.targets]
    return HealthView(
        metrics=metrics,
        box=box,
        met=sum(all(target.met for target in metric.targets) for metric in judged),
        missed=sum(any(target.met is False for target in metric.targets) for metric in judged),
        blind=sum(metric.value is None or not trustworthy(metric.freshness) for metric in metrics),
        freshness=worst(bucket for source, bucket in buckets.items() if source in used),
        next_change=soonest(next_change(snapshots.get(source), now) for source in sorted(used)),
    )


def metric(plan: Plan, wanted: Metric, snapshots: Mapping[str, Snapshot], now: datetime) -> MetricView:
    """One of the plan's metrics at `now`."""
    snapshot = snapshots.get(wanted.source)
    buckets = {wanted.source: freshness(snapshot, now)} if wanted.source in plan.source else {}
    return _metric(wanted, snapshots, buckets, {wanted.source: _readings(snapshot)}, {})


def _readings(snapshot: Snapshot | None) -> Mapping[str, Reading]:
    if snapshot is None or snapshot.facts is None:
        return {}
    return {reading.name: reading for reading in snapshot.facts.readings}


def expiry(metric: Metric, snapshots: Mapping[str, Snapshot], now: datetime) -> datetime | None:
    """When a metric's freshness next changes without a further answer; None if never."""
    return next_change(snapshots.get(metric.source), now)


def _metric(
    metric: Metric,
    snapshots: Mapping[str, Snapshot],
    buckets: Mapping[str, Freshness],
    readings: Mapping[str, Mapping[str, Reading]],
    history: History,
) -> MetricView:
    name = metric.reading or metric.id
    bucket = buckets.get(metric.source, Freshness.OFF)
    reading = readings.get(metric.source, {}).get(name)
    value = _value(reading)
    return MetricView(
        id=metric.id,
        title=metric.title,
        unit=metric.unit or (reading.unit if reading is not None else ""),
        groups=metric.groups,
        source=metric.source,
        value=value,
        at=reading.at if reading is not None else None,
        freshness=bucket,
        note=_note(metric, name, bucket, reading, snapshots.get(metric.source)),
        targets=tuple(_target(target, value, bucket) for target in metric.targets),
        history=history.get((metric.source, name), ()),
    )


def _value(reading: Reading | None) -> float | None:
    """What was read; not a number and infinity are no data."""
    if reading is None or reading.value is None or not math.isfinite(reading.value):
        return None
    return reading.value


def _note(metric: Metric, name: str, bucket: Freshness, reading: Reading | None, snapshot: Snapshot | None) -> str:
    if not metric.source:
        return "no source"
    if bucket is Freshness.OFF:
        return f"no source named {metric.source} is configured"
    if snapshot is None or snapshot.facts is None:
        return snapshot.error if snapshot is not None and snapshot.error else f"{metric.source} has not answered yet"
    if reading is None:
        return f"{metric.source} has no reading {name}"
    if _value(reading) is None:
        return reading.note or f"{metric.source} has no data for {name}"
    return snapshot.error if not trustworthy(bucket) else ""


def _target(target: Target, value: float | None, bucket: Freshness) -> TargetView:
    known = value is not None and trustworthy(bucket)
    met = _MEETS[target.op](value, target.value) if known and value is not None else None
    return TargetView(said=target.said, op=target.op, value=target.value, window=target.window, met=met)


def _box(source: str, reading: Reading, bucket: Freshness, history: History) -> BoxView:
    return BoxView(
        source=source,
        name=reading.name,
        value=_value(reading),
        unit=reading.unit,
        at=reading.at,
        freshness=bucket,
        history=history.get((source, reading.name), ()),
    )

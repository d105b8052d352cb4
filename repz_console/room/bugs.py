"""The bug queue: every source's bugs as one, and what its open ones block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from repz_console.facts import PRIORITIES, Bug, Freshness, Priority
from repz_console.plan.model import BugRule, Plan
from repz_console.room.views import BugsView, LaneView

ALWAYS = "always"
"""A bug rule's `blocks_from` that blocks each step."""


class Queue(Struct, frozen=True):
    """Every source's bugs, merged."""

    bugs: tuple[Bug, ...]
    """Open first, by priority, oldest first; resolved after them, newest first."""
    open: Mapping[Priority, tuple[Bug, ...]]
    """Of every priority, oldest first."""


def merge(parts: Iterable[tuple[Bug, ...]]) -> Queue:
    """The bugs of several sources as one queue."""
    every = [bug for part in parts for bug in part]
    lanes: dict[Priority, list[Bug]] = {priority: [] for priority in PRIORITIES}
    resolved = []
    for bug in every:
        if bug.state == "open":
            lanes[bug.priority].append(bug)
        else:
            resolved.append(bug)
    for lane in lanes.values():
        lane.sort(key=lambda bug: (bug.opened_at, bug.id))
    resolved.sort(key=lambda bug: (bug.changed_at, bug.id), reverse=True)
    return Queue(
        bugs=(*(bug for lane in lanes.values() for bug in lane), *resolved),
        open={priority: tuple(lane) for priority, lane in lanes.items()},
    )


def blocks(plan: Plan, rule: BugRule, phase: str) -> bool:
    """Whether an open bug under this rule blocks entering a phase; the empty phase is blocked by `always` only."""
    if rule.blocks_from == ALWAYS:
        return True
    order = [each.id for each in plan.phase]
    if rule.blocks_from not in order or phase not in order:
        return False
    return order.index(rule.blocks_from) <= order.index(phase)


def build(plan: Plan, queue: Queue, bucket: Freshness, phase: str | None, writable: str) -> BugsView:
    """The queue in lanes. `phase` is the one that the main rollout enters next, None if there is no next stage."""
    rules = {rule.priority: rule for rule in plan.bug_rule}
    return BugsView(
        lanes=tuple(_lane(plan, rules.get(priority), priority, queue, phase) for priority in PRIORITIES),
        bugs=queue.bugs,
        freshness=bucket,
        writable=writable,
    )


def _lane(plan: Plan, rule: BugRule | None, priority: Priority, queue: Queue, phase: str | None) -> LaneView:
    waiting = queue.open[priority]
    return LaneView(
        priority=priority,
        name=rule.name if rule is not None else "",
        rule=rule.rule if rule is not None else "",
        open=len(waiting),
        oldest=_oldest(waiting),
        blocks_from=_blocks_from(plan, rule),
        blocking=bool(waiting) and phase is not None and _blocking(plan, rule, priority, phase),
    )


def _blocking(plan: Plan, rule: BugRule | None, priority: Priority, phase: str) -> bool:
    return priority == "P0" or (rule is not None and blocks(plan, rule, phase))


def _oldest(waiting: tuple[Bug, ...]) -> datetime | None:
    return waiting[0].opened_at if waiting else None


def _blocks_from(plan: Plan, rule: BugRule | None) -> str:
    if rule is None or not rule.blocks_from:
        return ""
    if rule.blocks_from == ALWAYS:
        return "every step"
    return next((phase.title for phase in plan.phase if phase.id == rule.blocks_from), rule.blocks_from)

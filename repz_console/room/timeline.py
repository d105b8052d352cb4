"""The gantt: every task's time, progress and state, and the checklists behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from repz_console.facts import Freshness, TaskProgress, Tick
from repz_console.plan import schedule
from repz_console.plan.model import Checklist, Plan, Task
from repz_console.room.freshness import soonest
from repz_console.room.views import ChecklistView, ItemView, SectionView, TaskView, TimelineView


def build(
    plan: Plan,
    ticks: Iterable[Tick],
    progress: Iterable[TaskProgress],
    bucket: Freshness,
    now: datetime,
) -> TimelineView:
    """The timeline at `now`. Of several ticks of one item the latest counts, likewise of a task's progress."""
    ticked = marks(ticks)
    said = {each.task: each for each in sorted(progress, key=lambda each: each.at)}
    checklists = {each.id: checklist(each, ticked) for each in plan.checklist}
    sections = tuple(_sections(plan, checklists, said, now))
    starts, ends = schedule.plan_span(plan)
    return TimelineView(
        start=starts,
        end=ends,
        zone=plan.launch.zone,
        sections=sections,
        checklists=tuple(checklists.values()),
        items_done=sum(checklist.done for checklist in checklists.values()),
        items_total=sum(len(checklist.items) for checklist in checklists.values()),
        freshness=bucket,
        next_change=soonest(
            edge for section in sections for task in section.tasks for edge in (task.start, task.end) if edge > now
        ),
    )


def marks(ticks: Iterable[Tick]) -> dict[str, Tick]:
    """The latest tick of each item that has one."""
    return {tick.item: tick for tick in sorted(ticks, key=lambda tick: tick.at)}


def checklist(planned: Checklist, ticked: Mapping[str, Tick]) -> ChecklistView:
    """A checklist with its ticks."""
    items = []
    for item in planned.items:
        tick = ticked.get(f"{planned.id}/{item.id}")
        items.append(
            ItemView(
                id=f"{planned.id}/{item.id}",
                title=item.title,
                optional=item.optional,
                state=tick.state if tick is not None else "open",
                who=tick.who if tick is not None else "",
                at=tick.at if tick is not None else None,
                note=tick.note if tick is not None else "",
            )
        )
    return ChecklistView(
        id=planned.id,
        title=planned.title,
        phase=planned.phase,
        owner=planned.owner,
        priority=planned.priority,
        items=tuple(items),
        done=sum(item.state != "open" for item in items),
    )


def _sections(
    plan: Plan, checklists: Mapping[str, ChecklistView], said: Mapping[str, TaskProgress], now: datetime
) -> Iterable[SectionView]:
    for phase in plan.phase:
        tasks = schedule.phase_tasks(plan, phase)
        if not tasks:
            continue
        bars = tuple(_task(plan, task, checklists, said, now) for task in tasks)
        yield SectionView(
            id=phase.id,
            title=phase.title,
            start=min(bar.start for bar in bars),
            end=max(bar.end for bar in bars),
            percent=_together(tasks, bars),
            tasks=bars,
        )


def _task(
    plan: Plan,
    task: Task,
    checklists: Mapping[str, ChecklistView],
    said: Mapping[str, TaskProgress],
    now: datetime,
) -> TaskView:
    start, end = schedule.task_span(plan, task)
    percent = _percent(task, checklists, said)
    return TaskView(
        id=task.id,
        title=task.title,
        phase=task.phase,
        owner=task.owner,
        start=start,
        end=end,
        percent=percent,
        state=_state(percent, start, end, now),
        checklists=task.checklists,
    )


def _percent(task: Task, checklists: Mapping[str, ChecklistView], said: Mapping[str, TaskProgress]) -> float | None:
    own = [checklists[identity] for identity in task.checklists if identity in checklists]
    total = sum(len(checklist.items) for checklist in own)
    if total:
        return 100 * sum(checklist.done for checklist in own) / total
    return said[task.id].percent if task.id in said else None


def _state(
    percent: float | None, start: datetime, end: datetime, now: datetime
) -> Literal["done", "active", "upcoming", "overdue"]:
    if percent is not None and percent >= 100:
        return "done"
    if now < start:
        return "upcoming"
    return "active" if now < end else "overdue"


def _together(tasks: Iterable[Task], bars: Iterable[TaskView]) -> float | None:
    """A phase's progress: its tasks' weighed by their days. A task of which nobody tells counts as not begun."""
    pairs = list(zip(tasks, bars, strict=True))
    days = sum(task.days for task, _ in pairs)
    if not days or all(bar.percent is None for _, bar in pairs):
        return None
    return sum(task.days * (bar.percent or 0.0) for task, bar in pairs) / days

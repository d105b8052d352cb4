"""What may be said of the plan's checklists and tasks."""

from __future__ import annotations

from repz_console.plan.model import Plan
from repz_console.text import safe


def check_tick(plan: Plan, item: str, state: str) -> None:
    """Raises `ValueError` for a checklist item (`CHECKLIST/ITEM`) that the plan does not have, and for `n/a` on one
    that is not optional."""
    checklist, _, name = item.partition("/")
    items = (each for each_list in plan.checklist if each_list.id == checklist for each in each_list.items)
    found = next((each for each in items if each.id == name), None)
    if found is None:
        raise ValueError(f"the plan has no checklist item {safe(item)}")
    if state == "n/a" and not found.optional:
        raise ValueError(f"{item} is not optional: it cannot be marked not applicable")


def check_progress(plan: Plan, task: str, percent: float) -> None:
    """Raises `ValueError` for a task that the plan does not have, and for what is no percent from 0 to 100."""
    if not any(each.id == task for each in plan.task):
        raise ValueError(f"the plan has no task {safe(task)}")
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent:g} is not a percent from 0 to 100")

"""The money: every budget line against what was committed and spent, and the charges that come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct

from repz_console.facts import Freshness, Spend
from repz_console.plan import money
from repz_console.plan.model import BudgetCategory, BudgetLine, Plan
from repz_console.plan.schedule import at_wall_clock
from repz_console.room.freshness import soonest
from repz_console.room.views import BudgetView, CategoryView, ChargeView, LineView


class Sums(Struct, frozen=True):
    """What some entries come to. Entries that were taken back count nothing."""

    committed: Decimal = money.ZERO
    actual: Decimal = money.ZERO

    @property
    def both(self) -> Decimal:
        """All that is gone or promised."""
        return self.committed + self.actual


def sums(entries: Iterable[Spend]) -> Sums:
    """Add up entries, exactly."""
    committed = actual = money.ZERO
    for entry in entries:
        if entry.voided:
            continue
        if entry.kind == "committed":
            committed += entry.amount
        else:
            actual += entry.amount
    return Sums(committed, actual)


def build(
    plan: Plan, parts: Iterable[tuple[Spend, ...]], bucket: Freshness, writable: str, now: datetime
) -> BudgetView | None:
    """The budget at `now` from the spend of several sources; None for a plan without a budget."""
    budget = plan.budget
    if budget is None:
        return None
    entries = [entry for part in parts for entry in part]
    by_line: dict[str, list[Spend]] = {line.id: [] for _, line in money.lines(budget)}
    stray = []
    for entry in entries:
        if entry.line in by_line:
            by_line[entry.line].append(entry)
        else:
            stray.append(entry)
    whole = sums(entries)
    charges = tuple(_charges(plan, now))
    return BudgetView(
        currency=budget.currency,
        total=budget.total,
        planned=money.planned_total(budget),
        committed=whole.committed,
        actual=whole.actual,
        left=budget.total - whole.both,
        categories=tuple(
            _category(category, {line.id: sums(by_line[line.id]) for line in category.line})
            for category in budget.category
        ),
        charges=charges,
        entries=_newest_first(entries),
        stray=_newest_first(stray),
        freshness=bucket,
        writable=writable,
        next_change=soonest(at_wall_clock(charge.on, time(), plan.launch.zone) for charge in charges if not charge.due),
    )


def _category(category: BudgetCategory, spent: dict[str, Sums]) -> CategoryView:
    committed = sum((each.committed for each in spent.values()), money.ZERO)
    actual = sum((each.actual for each in spent.values()), money.ZERO)
    return CategoryView(
        id=category.id,
        title=category.title,
        stated=category.amount,
        planned=money.lines_total(category),
        committed=committed,
        actual=actual,
        left=category.amount - committed - actual,
        lines=tuple(_line(line, spent[line.id]) for line in category.line),
    )


def _line(line: BudgetLine, spent: Sums) -> LineView:
    planned = money.line_total(line)
    return LineView(
        id=line.id,
        title=line.title,
        planned=planned,
        committed=spent.committed,
        actual=spent.actual,
        left=planned - spent.both if planned is not None else None,
    )


def _charges(plan: Plan, now: datetime) -> Iterable[ChargeView]:
    today = now.astimezone(ZoneInfo(plan.launch.zone)).date()
    for charge in money.charges(plan):
        yield ChargeView(charge.on, charge.line, charge.title, charge.amount, due=charge.on <= today)


def _newest_first(entries: Iterable[Spend]) -> tuple[Spend, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.on, entry.id), reverse=True))

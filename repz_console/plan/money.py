"""The plan's money: sums of lines and categories, and the dated charges of recurring lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from msgspec import Struct

from repz_console.plan.days import first_day, months_after
from repz_console.plan.model import Budget, BudgetCategory, BudgetLine, Plan

ZERO = Decimal(0)


class Charge(Struct, frozen=True):
    """One dated charge of a recurring line."""

    on: date
    line: str
    """The line's id."""
    title: str
    amount: Decimal
    number: int
    """From 1, of the line's charges."""


def line_total(line: BudgetLine) -> Decimal | None:
    """What a line costs over the whole plan; None where the plan gives no figure."""
    if line.monthly is not None:
        return line.monthly * line.months
    return line.amount


def lines_total(category: BudgetCategory) -> Decimal:
    """The sum of a category's priced lines."""
    return sum((line_total(line) or ZERO for line in category.line), ZERO)


def is_priced(category: BudgetCategory) -> bool:
    """Whether at least one of a category's lines has a figure."""
    return any(line_total(line) is not None for line in category.line)


def stated_total(budget: Budget) -> Decimal:
    """The sum of what the categories' headings state."""
    return sum((category.amount for category in budget.category), ZERO)


def planned_total(budget: Budget) -> Decimal:
    """The sum of all priced lines, and of the headings of categories that have none."""
    return sum(
        (lines_total(category) if is_priced(category) else category.amount for category in budget.category), ZERO
    )


def lines(budget: Budget) -> Iterator[tuple[BudgetCategory, BudgetLine]]:
    """Every line with its category, in the plan's order."""
    for category in budget.category:
        for line in category.line:
            yield category, line


def charges(plan: Plan) -> tuple[Charge, ...]:
    """Every recurring charge, soonest first. The first falls on the plan's first day, the others a month apart."""
    if plan.budget is None:
        return ()
    start = first_day(plan)
    found = [
        Charge(months_after(start, number), line.id, line.title, line.monthly, number + 1)
        for _, line in lines(plan.budget)
        if line.monthly is not None
        for number in range(line.months)
    ]
    return tuple(sorted(found, key=lambda charge: charge.on))

"""Rules about figures: sums that do not add up and targets that disagree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from repz_console.plan.days import first_day, last_day, months_after
from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Budget, Plan, Target
from repz_console.plan.money import is_priced, line_total, lines_total, planned_total, stated_total
from repz_console.plan.wrong import counted

_MINUTES_A_WEEK = 7 * 24 * 60


def sum_mismatch(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A stated sum is not that of its parts."""
    budget = plan.budget
    if budget is None:
        return
    for index, category in enumerate(budget.category):
        total = lines_total(category)
        if is_priced(category) and total != category.amount:
            path = f"budget.category[{index}]"
            yield _sum_finding(budget, category.title, category.amount, "its lines", total, f"{path}.amount", path)
    if stated_total(budget) != budget.total:
        yield _sum_finding(
            budget, "The total", budget.total, "the categories", stated_total(budget), "budget.total", "budget.category"
        )
    elif planned_total(budget) != budget.total:
        yield _sum_finding(
            budget, "The total", budget.total, "all lines", planned_total(budget), "budget.total", "budget.category"
        )


def _sum_finding(
    budget: Budget, what: str, stated: Decimal, parts: str, total: Decimal, stated_path: str, parts_path: str
) -> Finding:
    apart = abs(stated - total)
    relation = "left over" if total < stated else "too much"
    return Finding(
        "sum-mismatch",
        "error",
        f"{what} is stated as {money(stated, budget)} and {parts} add up to {money(total, budget)}: "
        f"{money(apart, budget)} {relation}.",
        (f"{money(stated, budget)} stated", f"{money(total, budget)} in {parts}"),
        (stated_path, parts_path),
    )


def range_vs_total(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The budget's total leaves no room in the range that the summary promises."""
    budget, promised = plan.budget, plan.launch.budget_range
    if budget is None or promised is None or promised[0] <= budget.total < promised[1]:
        return
    text = (
        f"The total is the very top of the promised range: {money(Decimal(0), budget)} of headroom."
        if budget.total == promised[1]
        else "The total lies outside the promised range."
    )
    yield Finding(
        "range-vs-total",
        "warning",
        text,
        (f"{money(promised[0], budget)} to {money(promised[1], budget)}", f"{money(budget.total, budget)} total"),
        ("launch.budget_range", "budget.total"),
    )


def unpriced_lines(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A category has lines without figures."""
    if plan.budget is None:
        return
    for index, category in enumerate(plan.budget.category):
        silent = [line.title for line in category.line if line_total(line) is None]
        if silent:
            yield Finding(
                "unpriced-lines",
                "warning",
                f"{category.title} does not say how it is split over {counted(len(silent), 'purpose')}.",
                (f"{money(category.amount, plan.budget)} {category.title}", ", ".join(silent)),
                (f"budget.category[{index}].amount", f"budget.category[{index}].line"),
            )


def recurrence_vs_span(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Monthly charges pay for more or less time than the plan runs."""
    if plan.budget is None or not plan.task:
        return
    start, end = first_day(plan), max(last_day(task) for task in plan.task)
    paths_of: dict[int, list[str]] = {}
    for number, category in enumerate(plan.budget.category):
        for index, line in enumerate(category.line):
            if line.monthly is not None:
                paths_of.setdefault(line.months, []).append(f"budget.category[{number}].line[{index}].months")
    for months, paths in paths_of.items():
        paid = (months_after(start, months) - start).days
        runs = (end - start).days + 1
        # A charge always covers a whole month: only a month too many or one missing is worth a word.
        if months_after(start, months - 1) <= end < months_after(start, months) and paid - runs < 28:
            continue
        yield Finding(
            "recurrence-vs-span",
            "warning",
            f"{counted(months, 'monthly charge')} cover {counted(paid, 'day')}, and the plan runs for {runs}.",
            (f"{months} charges, {paid} days", f"{start} to {end}, {runs} days"),
            (paths[0], "task"),
        )


def milestone_vs_budget(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Something is paid for from the first day and bought only at a milestone."""
    if plan.budget is None:
        return
    for number, category in enumerate(plan.budget.category):
        for index, line in enumerate(category.line):
            for place, milestone in enumerate(plan.milestone):
                for action in milestone.actions:
                    if line.monthly is not None and line.title.casefold() in action.casefold():
                        yield Finding(
                            "milestone-vs-budget",
                            "error",
                            f"{line.title} is paid for from the first day, and bought at {milestone.users} users.",
                            (f"{money(line.monthly, plan.budget)} a month", f'{milestone.users} users: "{action}"'),
                            (f"budget.category[{number}].line[{index}]", f"milestone[{place}]"),
                        )


def conflicting_target(plan: Plan, now: datetime) -> Iterator[Finding]:
    """One metric has two targets for the same time that differ."""
    for index, metric in enumerate(plan.metric):
        by_window: dict[tuple[str, str], list[int]] = {}
        for number, target in enumerate(metric.targets):
            by_window.setdefault((target.window, target.op[0]), []).append(number)
        for numbers in by_window.values():
            targets = [metric.targets[number] for number in numbers]
            if len({(target.op, target.value) for target in targets}) > 1:
                yield Finding(
                    "conflicting-target",
                    "error",
                    f"{metric.title} has targets that disagree: "
                    + " and ".join(dict.fromkeys(goal(target, metric.unit) for target in targets))
                    + ".",
                    tuple(f"{goal(target, metric.unit)} ({target.said})" for target in targets),
                    tuple(f"metric[{index}].targets[{number}]" for number in numbers),
                )


def budget_vs_escalation(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The downtime that the uptime target allows is used up before somebody is called who should prevent it."""
    for index, metric in enumerate(plan.metric):
        if "uptime" not in metric.id.casefold() or metric.unit != "%":
            continue
        strictest = max(metric.targets, key=lambda target: target.value, default=None)
        if strictest is None:
            continue
        minutes = _MINUTES_A_WEEK * (100 - strictest.value) / 100
        late = [(place, step) for place, step in enumerate(plan.escalation) if step.from_minute > minutes]
        if late:
            place, step = late[0]
            spent = f"{step.from_minute / minutes:.0%}" if minutes > 0 else "all"
            yield Finding(
                "budget-vs-escalation",
                "error",
                f"Level {step.level} ({step.who}) is called when {spent} of a week's allowed downtime is gone.",
                (
                    f"{strictest.value:g} % uptime: {minutes:.2f} min a week",
                    f"level {step.level}: {step.from_minute} min",
                ),
                (f"metric[{index}].targets[{metric.targets.index(strictest)}]", f"escalation[{place}].from_minute"),
            )


def money(amount: Decimal, budget: Budget) -> str:
    """A sum in plain text: `$1,827`, or `1,827 EUR`."""
    figure = f"{amount:,.2f}".removesuffix(".00")
    return f"${figure}" if budget.currency == "USD" else f"{figure} {budget.currency}"


def goal(target: Target, unit: str) -> str:
    """A target in plain text: `< 5 %`."""
    figure = f"{target.value:,.10g}"
    return f"{target.op} ${figure}" if unit == "$" else f"{target.op} {figure} {unit}".rstrip()


RULES = (
    sum_mismatch,
    range_vs_total,
    unpriced_lines,
    recurrence_vs_span,
    milestone_vs_budget,
    conflicting_target,
    budget_vs_escalation,
)

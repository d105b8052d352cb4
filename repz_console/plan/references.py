"""What types cannot say of a plan: ids that must be unique or known, figures that must lie within bounds.

These are mistakes, which refuse the config. What merely contradicts itself is a finding (`plan.lint`) and does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal

from repz_console.plan import checks
from repz_console.plan.model import Anchor, Budget, Plan
from repz_console.plan.naming import name_problems
from repz_console.plan.ramp_references import ramp_problems
from repz_console.plan.secrets import secret_problems
from repz_console.plan.wrong import Path, Wrong, shown

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_CENTS = Decimal("0.01")
_MOST_MONEY = Decimal(10**12)
_LONGEST_INTERVAL = 86_400
_WEBHOOK = re.compile(r"(https://|http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/]|\Z))[^\s@]+\Z")
_LONGEST_PAUSE = 3_600
_MOST_DAYS = 3_660
_MOST_MINUTES = 7 * 24 * 60
_MOST_HOURS = 31 * 24
_MOST_MONTHS = 120
_MOST_PEOPLE = 10**9


def problems(plan: Plan) -> Iterator[Wrong]:
    """Every such mistake, in no particular order."""
    yield from _identities(plan)
    yield from name_problems(plan)
    yield from _launch(plan)
    yield from _timeline(plan)
    yield from _measures(plan)
    yield from _regions(plan)
    yield from ramp_problems(plan)
    if plan.budget is not None:
        yield from _budget(plan.budget)
    yield from secret_problems(plan.secret)
    if plan.store.anchor is not None:
        yield from _anchor(plan.store.anchor)
    for name, source in plan.source.items():
        if not 0 < source.every <= _LONGEST_INTERVAL:
            yield Wrong(("source", name, "every"), shown(source.every), "seconds above 0, up to 86400")


def _anchor(anchor: Anchor) -> Iterator[Wrong]:
    path = ("store", "anchor")
    if not anchor.file and not anchor.webhook:
        yield Wrong(path, "neither file nor webhook", "at least one of them")
    if anchor.webhook and not _WEBHOOK.match(anchor.webhook):
        yield Wrong((*path, "webhook"), "another address", "an https:// address; http:// only to this machine")
    if not 1 <= anchor.every <= _LONGEST_PAUSE:
        yield Wrong((*path, "every"), shown(anchor.every), f"seconds from 1 to {_LONGEST_PAUSE}")


def _identities(plan: Plan) -> Iterator[Wrong]:
    for name in (
        "seat",
        "phase",
        "task",
        "checklist",
        "runbook",
        "metric",
        "flag",
        "region",
        "feature",
        "ritual",
        "freeze",
        "poll",
    ):
        yield from checks.unique(((name, index, "id"), table.id) for index, table in enumerate(getattr(plan, name)))
    flags = {flag.id for flag in plan.flag}
    for index, feature in enumerate(plan.feature):
        if feature.id in flags:
            yield Wrong(("feature", index, "id"), f"{shown(feature.id)}, a flag's id", "one that is not taken yet")
    for number, checklist in enumerate(plan.checklist):
        yield from checks.unique(
            (("checklist", number, "items", index, "id"), item.id) for index, item in enumerate(checklist.items)
        )
    for name, rollout in plan.rollout.items():
        yield from checks.unique(
            (("rollout", name, "stage", index, "id"), stage.id) for index, stage in enumerate(rollout.stage)
        )
    yield from checks.unique(
        (("beta", "groups", index, "id"), group.id) for index, group in enumerate(plan.beta.groups)
    )
    yield from checks.unique((("source", name), name) for name in plan.source)
    yield from checks.unique((("rollout", name), name) for name in plan.rollout)
    yield from checks.once((("bug_rule", index, "priority"), rule.priority) for index, rule in enumerate(plan.bug_rule))
    yield from checks.once(
        (("escalation", index, "level"), str(step.level)) for index, step in enumerate(plan.escalation)
    )


def _launch(plan: Plan) -> Iterator[Wrong]:
    launch = plan.launch
    yield from checks.zone(launch.zone, ("launch", "zone"))
    yield from checks.moment(launch.full_launch, ("launch", "full_launch"))
    if launch.full_launch.time is None:
        yield Wrong(("launch", "full_launch", "time"), "nothing", "the time of day of full launch, the clock's zero")
    for name in ("name", "title", "environment"):
        if not getattr(launch, name).strip():
            yield Wrong(("launch", name), shown(getattr(launch, name)), "a text that is not empty")
    if launch.success_probability is not None and not 0 <= launch.success_probability <= 100:
        yield Wrong(("launch", "success_probability"), shown(launch.success_probability), "a percent from 0 to 100")
    for name in ("timeline_weeks", "budget_range"):
        pair = getattr(launch, name)
        if pair is not None and not (_finite(pair[0]) and _finite(pair[1]) and 0 <= pair[0] <= pair[1]):
            yield Wrong(("launch", name), f"{pair[0]} to {pair[1]}", "two figures, the smaller one first")


def _timeline(plan: Plan) -> Iterator[Wrong]:
    phases = [phase.id for phase in plan.phase]
    checklists = [checklist.id for checklist in plan.checklist]
    for index, task in enumerate(plan.task):
        yield from checks.known(task.phase, phases, ("task", index, "phase"))
        yield from checks.within(task.days, 1, _MOST_DAYS, ("task", index, "days"))
        yield from checks.day(task.start, ("task", index, "start"))
        for number, checklist in enumerate(task.checklists):
            yield from checks.known(checklist, checklists, ("task", index, "checklists", number))
    for index, table in enumerate(plan.checklist):
        yield from checks.known(table.phase, phases, ("checklist", index, "phase"))
    for index, runbook in enumerate(plan.runbook):
        if runbook.phase:
            yield from checks.known(runbook.phase, phases, ("runbook", index, "phase"))
        for number, part in enumerate(runbook.parts):
            if part.limit_minutes is not None:
                yield from checks.within(
                    part.limit_minutes, 1, _MOST_MINUTES, ("runbook", index, "parts", number, "limit_minutes")
                )
    for index, ritual in enumerate(plan.ritual):
        yield from checks.within(ritual.minutes, 1, _MOST_MINUTES, ("ritual", index, "minutes"))
        if ritual.phase:
            yield from checks.known(ritual.phase, phases, ("ritual", index, "phase"))
        if ritual.zone:
            yield from checks.zone(ritual.zone, ("ritual", index, "zone"))
    for index, step in enumerate(plan.escalation):
        yield from checks.within(step.from_minute, 0, _MOST_MINUTES, ("escalation", index, "from_minute"))
        if step.to_minute is not None:
            yield from checks.within(
                step.to_minute, step.from_minute + 1, _MOST_MINUTES, ("escalation", index, "to_minute")
            )
    for index, risk in enumerate(plan.risk):
        if risk.runbook:
            yield from checks.known(risk.runbook, [runbook.id for runbook in plan.runbook], ("risk", index, "runbook"))
    if plan.command_centre is not None:
        yield from checks.within(plan.command_centre.hours, 1, _MOST_HOURS, ("command_centre", "hours"))


def _measures(plan: Plan) -> Iterator[Wrong]:
    for index, metric in enumerate(plan.metric):
        if metric.source:
            yield from checks.known(metric.source, list(plan.source), ("metric", index, "source"))
        for number, target in enumerate(metric.targets):
            if not math.isfinite(target.value):
                yield Wrong(("metric", index, "targets", number, "value"), shown(target.value), "a finite number")
    for index, rule in enumerate(plan.bug_rule):
        if rule.blocks_from:
            known = [*(phase.id for phase in plan.phase), "always"]
            yield from checks.known(rule.blocks_from, known, ("bug_rule", index, "blocks_from"))
    for index, group in enumerate(plan.beta.groups):
        if group.least is not None:
            yield from checks.within(group.least, 0, _MOST_PEOPLE, ("beta", "groups", index, "least"))
        if group.most is not None:
            yield from checks.within(group.most, group.least or 0, _MOST_PEOPLE, ("beta", "groups", index, "most"))


def _regions(plan: Plan) -> Iterator[Wrong]:
    owners: dict[str, str] = {}
    rest = ""
    for index, region in enumerate(plan.region):
        if not region.countries:
            if rest:
                path = ("region", index, "countries")
                yield Wrong(path, "no countries", f"countries by name, as {rest} already has all others")
            rest = rest or region.id
        for number, country in enumerate(region.countries):
            path_of_country: Path = ("region", index, "countries", number)
            if not _COUNTRY.match(country):
                yield Wrong(path_of_country, shown(country), "an ISO 3166 code of two capital letters")
            elif country in owners:
                yield Wrong(path_of_country, shown(country), f"a country not in {owners[country]} already")
            owners.setdefault(country, region.id)


def _budget(budget: Budget) -> Iterator[Wrong]:
    yield from _money(budget.total, ("budget", "total"))
    yield from checks.unique(
        (("budget", "category", index, "id"), category.id) for index, category in enumerate(budget.category)
    )
    yield from checks.unique(
        (("budget", "category", number, "line", index, "id"), line.id)
        for number, category in enumerate(budget.category)
        for index, line in enumerate(category.line)
    )
    for number, category in enumerate(budget.category):
        yield from _money(category.amount, ("budget", "category", number, "amount"))
        for index, line in enumerate(category.line):
            path: Path = ("budget", "category", number, "line", index)
            yield from _money(line.amount, (*path, "amount"))
            yield from _money(line.monthly, (*path, "monthly"))
            if line.amount is not None and line.monthly is not None:
                yield Wrong((*path, "monthly"), "both amount and monthly", "one of the two")
            if line.monthly is not None:
                yield from checks.within(line.months, 1, _MOST_MONTHS, (*path, "months"))
            if line.monthly is None and line.months:
                yield Wrong((*path, "months"), shown(line.months), "months only beside monthly")


def _money(amount: Decimal | None, path: Path) -> Iterator[Wrong]:
    if amount is None:
        return
    if not amount.is_finite() or not 0 <= amount <= _MOST_MONEY:
        yield Wrong(path, shown(amount), "a sum from 0 to a million million")
    elif amount != amount.quantize(_CENTS):
        yield Wrong(path, shown(amount), "a sum with at most two decimals")


def _finite(figure: int | Decimal) -> bool:
    return Decimal(figure).is_finite()

"""What types cannot say of a plan: ids that must be unique or known, figures that must lie within bounds.

These are mistakes, which refuse the config. What merely contradicts itself is a finding (`plan.lint`) and does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from repz_console.plan.days import FIRST_YEAR, LAST_YEAR
from repz_console.plan.exposure import PERCENT_STEP
from repz_console.plan.model import Anchor, Budget, Moment, Plan, Rollout
from repz_console.plan.naming import name_problems
from repz_console.plan.secrets import secret_problems
from repz_console.plan.wrong import Path, Wrong, listed, nearest, shown

_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z")
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
    for name, rollout in plan.rollout.items():
        yield from _rollout(plan, rollout, ("rollout", name))
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
    ):
        yield from _unique(((name, index, "id"), table.id) for index, table in enumerate(getattr(plan, name)))
    flags = {flag.id for flag in plan.flag}
    for index, feature in enumerate(plan.feature):
        if feature.id in flags:
            yield Wrong(("feature", index, "id"), f"{shown(feature.id)}, a flag's id", "one that is not taken yet")
    for number, checklist in enumerate(plan.checklist):
        yield from _unique(
            (("checklist", number, "items", index, "id"), item.id) for index, item in enumerate(checklist.items)
        )
    for name, rollout in plan.rollout.items():
        yield from _unique(
            (("rollout", name, "stage", index, "id"), stage.id) for index, stage in enumerate(rollout.stage)
        )
    yield from _unique((("beta", "groups", index, "id"), group.id) for index, group in enumerate(plan.beta.groups))
    yield from _unique((("source", name), name) for name in plan.source)
    yield from _unique((("rollout", name), name) for name in plan.rollout)
    yield from _once((("bug_rule", index, "priority"), rule.priority) for index, rule in enumerate(plan.bug_rule))
    yield from _once((("escalation", index, "level"), str(step.level)) for index, step in enumerate(plan.escalation))


def _launch(plan: Plan) -> Iterator[Wrong]:
    launch = plan.launch
    yield from _zone(launch.zone, ("launch", "zone"))
    yield from _moment(launch.full_launch, ("launch", "full_launch"))
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
        yield from _known(task.phase, phases, ("task", index, "phase"))
        yield from _within(task.days, 1, _MOST_DAYS, ("task", index, "days"))
        yield from _day(task.start, ("task", index, "start"))
        for number, checklist in enumerate(task.checklists):
            yield from _known(checklist, checklists, ("task", index, "checklists", number))
    for index, table in enumerate(plan.checklist):
        yield from _known(table.phase, phases, ("checklist", index, "phase"))
    for index, runbook in enumerate(plan.runbook):
        if runbook.phase:
            yield from _known(runbook.phase, phases, ("runbook", index, "phase"))
        for number, part in enumerate(runbook.parts):
            if part.limit_minutes is not None:
                yield from _within(
                    part.limit_minutes, 1, _MOST_MINUTES, ("runbook", index, "parts", number, "limit_minutes")
                )
    for index, ritual in enumerate(plan.ritual):
        yield from _within(ritual.minutes, 1, _MOST_MINUTES, ("ritual", index, "minutes"))
        if ritual.phase:
            yield from _known(ritual.phase, phases, ("ritual", index, "phase"))
        if ritual.zone:
            yield from _zone(ritual.zone, ("ritual", index, "zone"))
    for index, step in enumerate(plan.escalation):
        yield from _within(step.from_minute, 0, _MOST_MINUTES, ("escalation", index, "from_minute"))
        if step.to_minute is not None:
            yield from _within(step.to_minute, step.from_minute + 1, _MOST_MINUTES, ("escalation", index, "to_minute"))
    for index, risk in enumerate(plan.risk):
        if risk.runbook:
            yield from _known(risk.runbook, [runbook.id for runbook in plan.runbook], ("risk", index, "runbook"))
    if plan.command_centre is not None:
        yield from _within(plan.command_centre.hours, 1, _MOST_HOURS, ("command_centre", "hours"))


def _measures(plan: Plan) -> Iterator[Wrong]:
    for index, metric in enumerate(plan.metric):
        if metric.source:
            yield from _known(metric.source, list(plan.source), ("metric", index, "source"))
        for number, target in enumerate(metric.targets):
            if not math.isfinite(target.value):
                yield Wrong(("metric", index, "targets", number, "value"), shown(target.value), "a finite number")
    for index, rule in enumerate(plan.bug_rule):
        if rule.blocks_from:
            known = [*(phase.id for phase in plan.phase), "always"]
            yield from _known(rule.blocks_from, known, ("bug_rule", index, "blocks_from"))
    for index, group in enumerate(plan.beta.groups):
        if group.least is not None:
            yield from _within(group.least, 0, _MOST_PEOPLE, ("beta", "groups", index, "least"))
        if group.most is not None:
            yield from _within(group.most, group.least or 0, _MOST_PEOPLE, ("beta", "groups", index, "most"))


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


def _rollout(plan: Plan, rollout: Rollout, path: Path) -> Iterator[Wrong]:
    yield from _controllers(plan, rollout, path)
    if not rollout.regions:
        yield Wrong((*path, "regions"), "no regions", listed([region.id for region in plan.region]))
    for index, region in enumerate(rollout.regions):
        yield from _known(region, [known.id for known in plan.region], (*path, "regions", index))
    yield from _once(((*path, "regions", index), region) for index, region in enumerate(rollout.regions))
    if not (math.isfinite(rollout.max_age) and rollout.max_age > 0):
        yield Wrong((*path, "max_age"), shown(rollout.max_age), "seconds above 0")
    switchable = [*(feature.id for feature in plan.feature), *(flag.id for flag in plan.flag)]
    phases = [phase.id for phase in plan.phase]
    for index, stage in enumerate(rollout.stage):
        here: Path = (*path, "stage", index)
        yield from _moment(stage.at, (*here, "at"))
        if index and stage.at.on < rollout.stage[index - 1].at.on:
            allowed = f"a day not before {rollout.stage[index - 1].at.on}, that of the stage above it"
            yield Wrong((*here, "at", "on"), shown(stage.at.on), allowed)
        if not 0 <= stage.percent <= 100:
            yield Wrong((*here, "percent"), shown(stage.percent), "a percent from 0 to 100")
        elif abs(round(stage.percent / PERCENT_STEP) * PERCENT_STEP - stage.percent) > PERCENT_STEP / 1000:
            yield Wrong((*here, "percent"), shown(stage.percent), f"a percent in steps of {PERCENT_STEP}")
        for number, region in enumerate(stage.regions):
            yield from _known(region, rollout.regions, (*here, "regions", number))
        for number, feature in enumerate(stage.features):
            yield from _known(feature, switchable, (*here, "features", number))
        if stage.phase:
            yield from _known(stage.phase, phases, (*here, "phase"))


def _controllers(plan: Plan, rollout: Rollout, path: Path) -> Iterator[Wrong]:
    if not rollout.part:
        yield from _known(rollout.controller, list(plan.source), (*path, "controller"))
        return
    if rollout.controller:
        yield Wrong((*path, "controller"), "both controller and part", "one of the two")
    switched = {feature for stage in rollout.stage for feature in stage.features}
    features: list[tuple[Path, str]] = []
    for index, part in enumerate(rollout.part):
        here: Path = (*path, "part", index)
        yield from _known(part.controller, list(plan.source), (*here, "controller"))
        for number, feature in enumerate(part.features):
            yield from _known(feature, sorted(switched), (*here, "features", number))
            features.append(((*here, "features", number), feature))
    yield from _once(features)
    yield from _once(((*path, "part", index, "controller"), part.controller) for index, part in enumerate(rollout.part))
    rest = [index for index, part in enumerate(rollout.part) if not part.features]
    left = switched - {feature for _, feature in features}
    for index in rest[1:]:
        yield Wrong((*path, "part", index, "features"), "no features", "features by name, as another part has the rest")
    if left and not rest:
        yield Wrong((*path, "part"), f"nobody who carries {', '.join(sorted(left))}", "every feature of its stages")


def _budget(budget: Budget) -> Iterator[Wrong]:
    yield from _money(budget.total, ("budget", "total"))
    yield from _unique(
        (("budget", "category", index, "id"), category.id) for index, category in enumerate(budget.category)
    )
    yield from _unique(
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
                yield from _within(line.months, 1, _MOST_MONTHS, (*path, "months"))
            if line.monthly is None and line.months:
                yield Wrong((*path, "months"), shown(line.months), "months only beside monthly")


def _unique(places: Iterable[tuple[Path, str]]) -> Iterator[Wrong]:
    places = list(places)
    for path, identity in places:
        if not _IDENTITY.match(identity):
            yield Wrong(path, shown(identity), "a short word of letters, digits, dots, dashes and underscores")
    yield from _once(places)


def _once(places: Iterable[tuple[Path, str]]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for path, word in places:
        if word in seen:
            yield Wrong(path, f"{shown(word)} again", "one that is not taken yet")
        seen.add(word)


def _known(word: str, known: Iterable[str], path: Path) -> Iterator[Wrong]:
    words = list(known)
    if word not in words:
        yield Wrong(path, shown(word), listed(words), nearest(word, words))


def _moment(moment: Moment, path: Path) -> Iterator[Wrong]:
    yield from _day(moment.on, (*path, "on"))
    if moment.zone:
        yield from _zone(moment.zone, (*path, "zone"))


def _zone(zone: str, path: Path) -> Iterator[Wrong]:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        near = nearest(zone.replace(" ", "_"), available_timezones())
        yield Wrong(path, shown(zone), "an IANA zone such as America/New_York or UTC", near)


def _within(value: int, least: int, most: int, path: Path) -> Iterator[Wrong]:
    if not least <= value <= most:
        yield Wrong(path, shown(value), f"a whole number from {least} to {most}")


def _day(day: date, path: Path) -> Iterator[Wrong]:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        yield Wrong(path, shown(day), f"a day of the years {FIRST_YEAR} to {LAST_YEAR}")


def _money(amount: Decimal | None, path: Path) -> Iterator[Wrong]:
    if amount is None:
        return
    if not amount.is_finite() or not 0 <= amount <= _MOST_MONEY:
        yield Wrong(path, shown(amount), "a sum from 0 to a million million")
    elif amount != amount.quantize(_CENTS):
        yield Wrong(path, shown(amount), "a sum with at most two decimals")


def _finite(figure: int | Decimal) -> bool:
    return Decimal(figure).is_finite()

"""What types cannot say of rollouts, freezes and polls: ids that must be known, figures that must lie within bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from repz_console.plan import checks
from repz_console.plan.exposure import PERCENT_STEP
from repz_console.plan.freeze import rule_mistake
from repz_console.plan.model import Plan, Poll, Rollout, Stage
from repz_console.plan.ramp import Bake, Freeze, MetricRule
from repz_console.plan.wrong import Path, Wrong, listed, shown

_LONGEST_BAKE = 31 * 24 * 60
_LONGEST_FREEZE = 366 * 24 * 60
_LONGEST_VOTE = 7 * 24 * 60
_MOST_APPROVALS = 9
_MOST_CHECKS = 1000


def ramp_problems(plan: Plan) -> Iterator[Wrong]:
    """Every such mistake, in no particular order."""
    for name, rollout in plan.rollout.items():
        yield from _rollout(plan, rollout, ("rollout", name))
    for index, freeze in enumerate(plan.freeze):
        yield from _freeze(plan, freeze, ("freeze", index))
    for index, poll in enumerate(plan.poll):
        yield from _poll(plan, poll, ("poll", index))
    asks = bool(plan.poll) or any(stage.approvals for rollout in plan.rollout.values() for stage in rollout.stage)
    if asks:
        yield from checks.known(plan.launch.director, [seat.id for seat in plan.seat], ("launch", "director"))


def _rollout(plan: Plan, rollout: Rollout, path: Path) -> Iterator[Wrong]:
    yield from _controllers(plan, rollout, path)
    if not rollout.regions:
        yield Wrong((*path, "regions"), "no regions", listed([region.id for region in plan.region]))
    for index, region in enumerate(rollout.regions):
        yield from checks.known(region, [known.id for known in plan.region], (*path, "regions", index))
    yield from checks.once(((*path, "regions", index), region) for index, region in enumerate(rollout.regions))
    if not (math.isfinite(rollout.max_age) and rollout.max_age > 0):
        yield Wrong((*path, "max_age"), shown(rollout.max_age), "seconds above 0")
    yield from _people(rollout, path)
    yield from _figure(rollout.traffic, 0, 10**9, (*path, "traffic"), "requests a second")
    yield from _figure(rollout.max_step, PERCENT_STEP, 100, (*path, "max_step"), "points")
    for field in ("requests_metric", "errors_metric"):
        if getattr(rollout, field):
            yield from checks.known(getattr(rollout, field), _metrics(plan), (*path, field))
    automatic = rollout.automatic
    for index, rule in enumerate(automatic.watch):
        yield from _rule(plan, rule, (*path, "automatic", "watch", index))
    yield from checks.within(automatic.checks, 1, _MOST_CHECKS, (*path, "automatic", "checks"))
    minutes = automatic.dead_man_minutes
    yield from _figure(minutes, 0, _LONGEST_BAKE, (*path, "automatic", "dead_man_minutes"), "minutes")
    for index, stage in enumerate(rollout.stage):
        here: Path = (*path, "stage", index)
        if index and stage.at.on < rollout.stage[index - 1].at.on:
            allowed = f"a day not before {rollout.stage[index - 1].at.on}, that of the stage above it"
            yield Wrong((*here, "at", "on"), shown(stage.at.on), allowed)
        yield from _stage(plan, rollout, stage, here)
        yield from _needs(plan, stage, here)


def _people(rollout: Rollout, path: Path) -> Iterator[Wrong]:
    for region, number in rollout.people.items():
        yield from checks.known(region, rollout.regions, (*path, "people", region))
        yield from _figure(number, 0, 10**12, (*path, "people", region), "people")


def _stage(plan: Plan, rollout: Rollout, stage: Stage, path: Path) -> Iterator[Wrong]:
    yield from checks.moment(stage.at, (*path, "at"))
    yield from _percent(stage.percent, (*path, "percent"))
    for number, region in enumerate(stage.regions):
        yield from checks.known(region, rollout.regions, (*path, "regions", number))
    for region, share in stage.shares.items():
        yield from checks.known(region, stage.regions or rollout.regions, (*path, "shares", region))
        yield from _percent(share, (*path, "shares", region))
    switchable = [*(feature.id for feature in plan.feature), *(flag.id for flag in plan.flag)]
    for number, feature in enumerate(stage.features):
        yield from checks.known(feature, switchable, (*path, "features", number))
    if stage.phase:
        yield from checks.known(stage.phase, [phase.id for phase in plan.phase], (*path, "phase"))


def _needs(plan: Plan, stage: Stage, path: Path) -> Iterator[Wrong]:
    """What has to be so to enter a stage, and how long it stands."""
    lists = [checklist.id for checklist in plan.checklist]
    for number, checklist in enumerate(stage.checklists):
        yield from checks.known(checklist, lists, (*path, "checklists", number))
    yield from checks.once(((*path, "checklists", number), each) for number, each in enumerate(stage.checklists))
    for number, rule in enumerate(stage.metrics):
        yield from _rule(plan, rule, (*path, "metrics", number))
    yield from checks.once(
        ((*path, "metrics", number, "metric"), rule.metric) for number, rule in enumerate(stage.metrics)
    )
    if stage.poll:
        yield from checks.known(stage.poll, [poll.id for poll in plan.poll], (*path, "poll"))
    yield from checks.within(stage.approvals, 0, _MOST_APPROVALS, (*path, "approvals"))
    yield from _bake(plan, stage.bake, (*path, "bake"))


def _rule(plan: Plan, rule: MetricRule, path: Path) -> Iterator[Wrong]:
    metric = next((each for each in plan.metric if each.id == rule.metric), None)
    if metric is None:
        yield from checks.known(rule.metric, _metrics(plan), (*path, "metric"))
    else:
        said = list(dict.fromkeys(target.said for target in metric.targets))
        if not said:
            yield Wrong((*path, "metric"), f"{shown(rule.metric)}, which has no targets", "a metric with targets")
        elif rule.said:
            yield from checks.known(rule.said, said, (*path, "said"))
    yield from checks.within(rule.samples, 0, 10**12, (*path, "samples"))
    yield from _figure(rule.max_age, 0, 86_400, (*path, "max_age"), "seconds")
    yield from _counted(plan, rule.samples, rule.counted_by, (*path, "counted_by"), "samples")


def _bake(plan: Plan, bake: Bake, path: Path) -> Iterator[Wrong]:
    yield from _figure(bake.minutes, 0, _LONGEST_BAKE, (*path, "minutes"), "minutes")
    yield from _figure(bake.requests, 0, 10**12, (*path, "requests"), "requests")
    yield from _counted(plan, bake.requests, bake.counted_by, (*path, "counted_by"), "requests")


def _counted(plan: Plan, number: float, counter: str, path: Path, what: str) -> Iterator[Wrong]:
    if number and not counter:
        yield Wrong(path, "nothing", f"the metric that counts the {what}")
    elif counter:
        yield from checks.known(counter, _metrics(plan), path)


def _freeze(plan: Plan, freeze: Freeze, path: Path) -> Iterator[Wrong]:
    before = [*checks.moment(freeze.start, (*path, "start"))]
    if freeze.start.time is None:
        before.append(Wrong((*path, "start", "time"), "nothing", "the time of day at which it begins"))
    yield from before
    yield from _figure(freeze.minutes, 1, _LONGEST_FREEZE, (*path, "minutes"), "minutes")
    if freeze.rule and not before:
        allowed = rule_mistake(freeze, plan.launch.zone)
        if allowed:
            yield Wrong((*path, "rule"), shown(freeze.rule), allowed)
    for number, rollout in enumerate(freeze.rollouts):
        yield from checks.known(rollout, list(plan.rollout), (*path, "rollouts", number))
    stages = [f"{name}.{stage.id}" for name, rollout in plan.rollout.items() for stage in rollout.stage]
    for number, stage in enumerate(freeze.except_stages):
        yield from checks.known(stage, stages, (*path, "except_stages", number))


def _poll(plan: Plan, poll: Poll, path: Path) -> Iterator[Wrong]:
    seats = [seat.id for seat in plan.seat]
    yield from _figure(poll.valid_minutes, 1, _LONGEST_VOTE, (*path, "valid_minutes"), "minutes")
    yield from _figure(poll.armed_minutes, 1, _LONGEST_VOTE, (*path, "armed_minutes"), "minutes")
    if not poll.round:
        yield Wrong((*path, "round"), "no rounds", "at least one round of stations")
    stations: list[tuple[Path, str]] = []
    for index, each in enumerate(poll.round):
        here: Path = (*path, "round", index)
        yield from checks.known(each.caller, seats, (*here, "caller"))
        if not each.station:
            yield Wrong((*here, "station"), "no stations", "at least one seat that is asked")
        for number, station in enumerate(each.station):
            spot: Path = (*here, "station", number)
            yield from checks.known(station.seat, seats, (*spot, "seat"))
            stations.append(((*spot, "seat"), station.seat))
            known = list(_gates(plan))
            for place, gate in enumerate(station.gates):
                yield from checks.known(gate, known, (*spot, "gates", place))
    yield from checks.once(stations)


def _gates(plan: Plan) -> Iterable[str]:
    """Ids of the gates that a station's answer may rest on."""
    yield from ("store", "line", "hold", "change", "drift", "order", "schedule", "bake", "data")
    yield from (f"p{number}" for number in range(5))
    yield from (f"freeze:{freeze.id}" for freeze in plan.freeze)
    yield from (f"checklist:{checklist.id}" for checklist in plan.checklist)
    yield from (f"metric:{metric.id}" for metric in plan.metric)


def _metrics(plan: Plan) -> list[str]:
    return [metric.id for metric in plan.metric]


def _percent(percent: float, path: Path) -> Iterator[Wrong]:
    if not 0 <= percent <= 100:
        yield Wrong(path, shown(percent), "a percent from 0 to 100")
    elif abs(round(percent / PERCENT_STEP) * PERCENT_STEP - percent) > PERCENT_STEP / 1000:
        yield Wrong(path, shown(percent), f"a percent in steps of {PERCENT_STEP}")


def _figure(figure: float, least: float, most: float, path: Path, what: str) -> Iterator[Wrong]:
    if not (math.isfinite(figure) and least <= figure <= most):
        yield Wrong(path, shown(figure), f"{what} from {least:g} to {most:g}")


def _controllers(plan: Plan, rollout: Rollout, path: Path) -> Iterator[Wrong]:
    if not rollout.part:
        yield from checks.known(rollout.controller, list(plan.source), (*path, "controller"))
        return
    if rollout.controller:
        yield Wrong((*path, "controller"), "both controller and part", "one of the two")
    switched = {feature for stage in rollout.stage for feature in stage.features}
    features: list[tuple[Path, str]] = []
    for index, part in enumerate(rollout.part):
        here: Path = (*path, "part", index)
        yield from checks.known(part.controller, list(plan.source), (*here, "controller"))
        for number, feature in enumerate(part.features):
            yield from checks.known(feature, sorted(switched), (*here, "features", number))
            features.append(((*here, "features", number), feature))
    yield from checks.once(features)
    yield from checks.once(
        ((*path, "part", index, "controller"), part.controller) for index, part in enumerate(rollout.part)
    )
    rest = [index for index, part in enumerate(rollout.part) if not part.features]
    left = switched - {feature for _, feature in features}
    for index in rest[1:]:
        yield Wrong((*path, "part", index, "features"), "no features", "features by name, as another part has the rest")
    if left and not rest:
        yield Wrong((*path, "part"), f"nobody who carries {', '.join(sorted(left))}", "every feature of its stages")

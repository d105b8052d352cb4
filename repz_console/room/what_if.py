"""What a change of a rollout would mean, told beforehand: arithmetic on what is planned, configured and measured.

Whatever is missing for a figure leaves that figure unknown and is named; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from repz_console.facts import Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.model import Plan
from repz_console.plan.ramp import Rollout, Stage
from repz_console.room import words
from repz_console.room.freshness import trustworthy
from repz_console.room.gates.times import SCHEDULE
from repz_console.room.views import GateView, HealthView, MetricView, RolloutView, TargetView

_HOUR = 3600

Cells = Mapping[exposures.Cell, float]


class CellForecast(Struct, frozen=True):
    """One region and feature."""

    region: str
    feature: str
    before: float
    after: float


class Forecast(Struct, frozen=True):
    """What a change would mean."""

    rollout: str
    stage: str
    """The planned stage that it goes to; empty where it is none."""
    before: Exposure | None
    """None while what is configured is not known: it then counts as nobody."""
    target: Exposure
    way: Literal["widens", "shrinks", "changes nothing"]
    """`widens` where any cell rises, whatever the others do."""
    cells: tuple[CellForecast, ...]
    """Every cell that is above 0 before or after."""
    regions_in: tuple[str, ...]
    regions_out: tuple[str, ...]
    features_in: tuple[str, ...]
    features_out: tuple[str, ...]
    reshuffled: bool
    """Whether people are bucketed by something else: then other people than before see it."""
    people_before: float | None
    """How many of the cohort see anything, in the plan's own unit; None where the plan does not say how many live
    where."""
    people_after: float | None
    people_affected: float | None
    """How many see something else than before."""
    people_total: float | None
    of_all_before: float | None
    """Percent of the whole cohort."""
    of_all_after: float | None
    requests_before: float | None
    """Requests a second of those who see anything."""
    requests_after: float | None
    errors_hour: float | None
    """Failing requests an hour of those newly let in, at the present error rate."""
    burn: float | None
    """Percent of each hour's error budget that these spend: their failures against all that the target allows."""
    budget: str
    """What `burn` is measured against, in words; empty without it."""
    jumps: tuple[str, ...]
    """What the change hides, one plain line each."""
    closed: tuple[str, ...]
    """Gates that stand in the way, one line each; empty for what only shrinks."""
    gates: int
    """How many are asked."""
    needs: tuple[str, ...]
    """Whom it needs, one line each: the poll and the approvals."""
    typed: str
    """What is to be typed, without the two letters of the moment; empty for what only shrinks."""
    unknown: tuple[str, ...]
    """Figures that cannot be told, each with why."""


def forecast(
    plan: Plan,
    view: RolloutView,
    state: RolloutState | None,
    target: Exposure,
    gates: Sequence[GateView],
    health: HealthView,
    *,
    stage: str = "",
) -> Forecast:
    """What taking a rollout from `state`, as last read back, to `target` would mean. `gates` are those of that target,
    `stage` its id if it is one."""
    rollout = plan.rollout[view.id]
    before = state.exposure if state is not None else None
    key = before.key if before is not None else target.key
    was, will = _cells(state), exposures.cells(target)
    seen, shown = _shares(was), _shares(will)
    reshuffled = key != target.key and bool(was) and bool(will)
    rising = parts.widens(rollout, state, target) if state is not None else bool(will)
    way: Literal["widens", "shrinks", "changes nothing"] = (
        "widens" if rising else "changes nothing" if was == will else "shrinks"
    )
    people = _People(rollout, seen, shown, _touched(was, will, reshuffled), reshuffled)
    load = _Load(plan, rollout, people, health)
    unknown = [] if before is not None else [f"what is configured: {view.configured.note}; counted as nobody"]
    if state is not None and parts.uneven(state):
        unknown.append("who sees what: shares differ within regions; counted with the highest")
    return Forecast(
        rollout=view.id,
        stage=stage,
        before=before,
        target=target,
        way=way,
        cells=tuple(
            CellForecast(region, feature, was.get((region, feature), 0.0), will.get((region, feature), 0.0))
            for region in rollout.regions
            for feature in sorted({name for _, name in (*was, *will)})
            if (region, feature) in was or (region, feature) in will
        ),
        regions_in=tuple(region for region in rollout.regions if region in shown and region not in seen),
        regions_out=tuple(region for region in rollout.regions if region in seen and region not in shown),
        features_in=_beyond(will, was),
        features_out=_beyond(was, will),
        reshuffled=reshuffled,
        people_before=people.before if before is not None else None,
        people_after=people.after,
        people_affected=people.affected,
        people_total=people.total,
        of_all_before=exposures.of_all(before, rollout.people) if before is not None else None,
        of_all_after=exposures.of_all(target, rollout.people),
        requests_before=load.before if before is not None else None,
        requests_after=load.after,
        errors_hour=load.errors_hour,
        burn=load.burn,
        budget=load.budget,
        jumps=(*(_early(view, stage, gates) if rising else ()), *_jumps(view, seen, shown, reshuffled)),
        closed=tuple(f"{gate.title}: {gate.line}" for gate in gates if not gate.lets_pass) if rising else (),
        gates=len(gates) if rising else 0,
        needs=tuple(_needs(view, _asked(rollout, target, stage))) if rising else (),
        typed=f"{stage or f'{exposures.headline_percent(target):g}'} {plan.launch.environment}" if rising else "",
        unknown=(*unknown, *people.unknown, *load.unknown),
    )


def lines(forecast: Forecast) -> list[str]:
    """The forecast as plain lines, for whoever has no screen."""

    def change(before: float | None, after: float | None, unit: str) -> str:
        return f"{_figure(before)} -> {_figure(after)}{unit}"

    told = [f"{forecast.way}: {_exposed(forecast.before)} -> {_exposed(forecast.target)}"]
    told += [
        f"{cell.region} {cell.feature}: {words.percent(cell.before)} -> {words.percent(cell.after)}"
        for cell in forecast.cells
        if cell.before != cell.after or forecast.reshuffled
    ]
    for noun, names in (
        ("regions that enter", forecast.regions_in),
        ("regions that leave", forecast.regions_out),
        ("features that enter", forecast.features_in),
        ("features that leave", forecast.features_out),
    ):
        told += [f"{noun}: {', '.join(names)}"] if names else []
    if forecast.people_after is not None:
        told.append(
            f"people: {change(forecast.people_before, forecast.people_after, '')} of {forecast.people_total:,g}"
        )
        told.append(f"people who see something else: {_figure(forecast.people_affected)}")
    if forecast.of_all_after is not None:
        told.append(f"of all: {change(forecast.of_all_before, forecast.of_all_after, ' %')}")
    if forecast.requests_after is not None:
        told.append(f"requests a second: {change(forecast.requests_before, forecast.requests_after, '')}")
    if forecast.errors_hour is not None:
        told.append(f"errors an hour of those newly let in: {_figure(forecast.errors_hour)}")
    if forecast.burn is not None:
        told.append(f"error budget: {_figure(forecast.burn)} % of each hour's, against {forecast.budget}")
    told += [f"not known: {why}" for why in forecast.unknown]
    told += [f"mind: {jump}" for jump in forecast.jumps]
    if forecast.way == "widens":
        told.append(f"gates: {forecast.gates - len(forecast.closed)} of {forecast.gates} let it pass")
    else:
        told.append("gates: none is asked, for nobody sees more than before")
    told += [f"in the way: {line}" for line in forecast.closed]
    told += [f"needs: {line}" for line in forecast.needs]
    told += [f"to be typed: {forecast.typed} and two letters"] if forecast.typed else []
    return told


class _People:
    """How many are meant."""

    def __init__(
        self,
        rollout: Rollout,
        seen: dict[str, float],
        shown: dict[str, float],
        touched: dict[str, float],
        reshuffled: bool,
    ) -> None:
        people = rollout.people
        lacking = [region for region in rollout.regions if region in (seen | shown) and region not in people]
        self.unknown: tuple[str, ...] = ()
        self.before = self.after = self.affected = self.total = self.entering = None
        if not people or lacking or not sum(people.values()):
            where = f" in {', '.join(lacking)}" if people and lacking else " in each region"
            self.unknown = (f"people: the plan does not say how many of the {rollout.cohort} live{where}",)
            return

        def counted(shares: dict[str, float]) -> float:
            return sum(people[region] * share / 100 for region, share in shares.items())

        self.total = float(sum(people.values()))
        self.before, self.after, self.affected = counted(seen), counted(shown), counted(touched)
        entering = {
            region: share if reshuffled else max(0.0, share - seen.get(region, 0.0)) for region, share in shown.items()
        }
        self.entering = counted(entering) / self.total
        """The part of the whole cohort that is newly let in, 0 to 1."""
        if not rollout.people_stated:
            self.unknown = ("the plan gives no figures of its own for how many live where: they were filled in",)


class _Load:
    """What they ask for, and how much of it fails."""

    def __init__(self, plan: Plan, rollout: Rollout, people: _People, health: HealthView) -> None:
        unknown: list[str] = []
        requests = _requests(rollout, health, unknown)
        rate, target = _errors(rollout, health, unknown)
        self.before = self.after = self.errors_hour = self.burn = None
        self.budget = ""
        if people.total and people.before is not None and people.after is not None and requests is not None:
            self.before = requests * people.before / people.total
            self.after = requests * people.after / people.total
        if people.entering is not None and rate is not None:
            if requests is not None:
                self.errors_hour = requests * people.entering * rate / 100 * _HOUR
            if target is not None:
                self.burn = 100 * people.entering * rate / target.value
                self.budget = f"{target.said}: {target.op} {target.value:g} %"
        self.unknown = tuple(unknown)


def _requests(rollout: Rollout, health: HealthView, unknown: list[str]) -> float | None:
    """Requests a second of the whole cohort: as measured, else as planned."""
    metric = _metric(health, rollout.requests_metric)
    if metric is not None and metric.value is not None and trustworthy(metric.freshness):
        return metric.value
    why = _why_not(metric, rollout.requests_metric, "no metric measures them")
    if rollout.traffic > 0:
        if rollout.requests_metric:
            unknown.append(f"requests as measured: {why}; counted with the plan's {rollout.traffic:g} a second")
        return rollout.traffic
    unknown.append(f"requests: {why}, and the plan names no traffic")
    return None


def _errors(rollout: Rollout, health: HealthView, unknown: list[str]) -> tuple[float | None, TargetView | None]:
    """The percent of requests that fails now, and the strictest target of that."""
    metric = _metric(health, rollout.errors_metric)
    if metric is None or metric.value is None or not trustworthy(metric.freshness):
        unknown.append(f"errors: {_why_not(metric, rollout.errors_metric, 'no metric measures them')}")
        return None, None
    if metric.unit != "%":
        unknown.append(f"errors: {metric.title} is not in percent")
        return None, None
    limits = [target for target in metric.targets if target.op in ("<", "<=") and target.value > 0]
    if not limits:
        unknown.append(f"error budget: {metric.title} has no target")
    return metric.value, min(limits, key=lambda target: target.value, default=None)


def _metric(health: HealthView, identity: str) -> MetricView | None:
    return next((metric for metric in health.metrics if metric.id == identity), None) if identity else None


def _why_not(metric: MetricView | None, identity: str, unnamed: str) -> str:
    if not identity:
        return f"no source: {unnamed}"
    if metric is None:
        return f"the plan has no metric {identity}"
    return f"{metric.title} is {metric.freshness}" + (f", {metric.note}" if metric.note else "")


def _cells(state: RolloutState | None) -> Cells:
    """Every cell above 0, each as the backend that carries its feature has it."""
    several = parts.leaves(state) if state is not None else ()
    return {cell: share for part in several for cell, share in exposures.cells(part.exposure).items()}


def _shares(cells: Cells) -> dict[str, float]:
    """Region to the percent of its people that see anything."""
    shares: dict[str, float] = {}
    for (region, _), share in cells.items():
        shares[region] = max(share, shares.get(region, 0.0))
    return shares


def _touched(was: Cells, will: Cells, reshuffled: bool) -> dict[str, float]:
    """Region to the percent of its people that see something else than before. Whoever is in at a smaller share is in
    at a larger one, unless people are bucketed by something else."""
    seen, shown = _shares(was), _shares(will)
    if reshuffled:
        return {region: min(100.0, seen.get(region, 0.0) + shown.get(region, 0.0)) for region in seen | shown}
    spans: dict[str, list[tuple[float, float]]] = {}
    for cell in was.keys() | will.keys():
        before, after = was.get(cell, 0.0), will.get(cell, 0.0)
        spans.setdefault(cell[0], []).append((min(before, after), max(before, after)))
    return {region: _covered(each) for region, each in spans.items()}


def _covered(spans: list[tuple[float, float]]) -> float:
    """How much of the line lies in at least one of them."""
    covered = reached = 0.0
    for low, high in sorted(spans):
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return covered


def _beyond(cells: Iterable[exposures.Cell], others: Iterable[exposures.Cell]) -> tuple[str, ...]:
    """Features of the first that no cell of the others has."""
    return tuple(sorted({feature for _, feature in cells} - {feature for _, feature in others}))


def _jumps(view: RolloutView, seen: dict[str, float], shown: dict[str, float], reshuffled: bool) -> Iterable[str]:
    titles = dict(view.regions)
    if reshuffled:
        yield "people are bucketed by something else: other people than before are let in everywhere"
    for region, share in shown.items():
        before, name = seen.get(region, 0.0), titles.get(region, region)
        if before == 0 and share > exposures.ENTERS_HIGH:
            yield f"{name} enters at {words.percent(share)}, with no smaller step before"
        elif share - before > exposures.RISES_FAR:
            yield f"{name} rises by {share - before:g} points in one step"


def _early(view: RolloutView, stage: str, gates: Sequence[GateView]) -> Iterable[str]:
    """That a planned stage is entered before its time, where no gate says so."""
    planned = next((each for each in view.stages if each.id == stage), None)
    if planned is None or planned.state in ("done", "current"):
        return
    if view.planned.at is not None and planned.at <= view.planned.at:  # no later than where the calendar is by now
        return
    if not any(gate.id == SCHEDULE for gate in gates):
        clock = words.instant(planned.at) if planned.timed else f"{planned.at:%Y-%m-%d}"
        yield f"{planned.title} is planned for {clock}: its time has not come"


def _asked(rollout: Rollout, target: Exposure, stage: str) -> Stage | None:
    """The stage whose needs are asked: the one named, else the first one that allows the target."""
    for each in rollout.stage:
        if each.id == stage or (not stage and not exposures.widens(exposures.of_stage(rollout, each), target)):
            return each
    return rollout.stage[-1] if rollout.stage else None


def _needs(view: RolloutView, stage: Stage | None) -> Iterable[str]:
    if stage is None:
        return
    if stage.poll:
        poll = view.poll if view.poll is not None and view.poll.stage == stage.id else None
        yield f"go/no-go poll {stage.poll} for {stage.id}: {poll.line if poll is not None else 'not called'}"
    if stage.approvals:
        asked = view.approval if view.approval is not None and view.approval.stage == stage.id else None
        stands = "not asked for" if asked is None else asked.void or f"{len(asked.given)} given"
        yield f"{words.count(stage.approvals, 'approval')} for {stage.id}: {stands}"


def _figure(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def _exposed(exposure: Exposure | None) -> str:
    return "unknown" if exposure is None else words.exposure(exposure)

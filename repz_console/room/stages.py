"""A rollout's planned stages against the calendar and against what is exposed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from repz_console.facts import Exposure
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan, Rollout, Stage
from repz_console.plan.schedule import instant
from repz_console.room.views import RegionView, RolloutView, StageView


class Position(Struct, frozen=True):
    """The stages, and where the rollout stands among them."""

    stages: tuple[StageView, ...]
    current: StageView | None
    next: StageView | None
    phase: str
    """The phase that the next step enters; the last stage's where no step is left."""
    here: int = -1
    """Index of the current stage; -1 before the first."""


def main_rollout(plan: Plan) -> str:
    """Id of the rollout that the status line speaks of: the one whose last stage comes last. Empty without rollouts."""

    def ends(rollout: Rollout) -> tuple[bool, float]:
        instants = [instant(stage.at, plan.launch.zone).timestamp() for stage in rollout.stage]
        return bool(instants), max(instants, default=0.0)

    return max(plan.rollout, key=lambda identity: ends(plan.rollout[identity]), default="")


def position(plan: Plan, rollout: Rollout, seen: Exposure, now: datetime | None = None) -> Position:
    """Where a rollout stands that exposes `seen`: at the highest stage that it covers. Without `now` nothing is due."""
    covered = [index for index, stage in enumerate(rollout.stage) if _covers(seen, exposures.of_stage(rollout, stage))]
    here = covered[-1] if covered else -1
    views = tuple(_view(plan, rollout, index, here, now) for index in range(len(rollout.stage)))
    return Position(
        stages=views,
        current=views[here] if here >= 0 else None,
        next=views[here + 1] if here + 1 < len(views) else None,
        phase=_phase(rollout, min(here + 1, len(views) - 1)),
        here=here,
    )


def entered(rollout: Rollout, here: int, target: Exposure | None) -> int | None:
    """Index of the stage whose needs going to `target` has to meet, from the stage at `here`: the one that is just
    that, else the next one if it covers that. None where no stage is left, or the target is beyond the next one."""
    following = here + 1
    if target is None:
        return following if following < len(rollout.stage) else None
    wanted = exposures.cells(target)
    for index in range(following, len(rollout.stage)):
        if exposures.cells(exposures.of_stage(rollout, rollout.stage[index])) == wanted:
            return index
    if following < len(rollout.stage) and _covers(exposures.of_stage(rollout, rollout.stage[following]), target):
        return following
    return None


def phase_of(rollout: Rollout, target: Exposure) -> str:
    """The phase that going to `target` enters: that of the first stage which allows it, else of the last stage."""
    for index, stage in enumerate(rollout.stage):
        if _covers(exposures.of_stage(rollout, stage), target):
            return _phase(rollout, index)
    return _phase(rollout, len(rollout.stage) - 1)


def next_phase(rollout: RolloutView) -> str | None:
    """The phase that a rollout's next stage enters; None if no stage is left, empty if the plan does not say."""
    if rollout.next is None:
        return None
    reached = rollout.stages[: rollout.stages.index(rollout.next) + 1]
    return next((stage.phase for stage in reversed(reached) if stage.phase), "")


def due(where: Position) -> str:
    """What the calendar asks for, in one line; empty if nothing is due. Nothing widens because of it."""
    asks = where.next
    if asks is None or not asks.due:
        return ""
    clock = f"{asks.at:%a %d %b %H:%M} UTC" if asks.timed else f"{asks.at:%a %d %b}"
    return f"{asks.title} since {clock}; it waits for a person"


def regions(
    rollout: Rollout,
    titles: Mapping[str, str],
    where: Position,
    planned: Exposure | None,
    desired: Exposure | None,
    configured: Exposure | None,
) -> tuple[RegionView, ...]:
    """Region by region, what the calendar, people, the backend and the next stage say."""

    def of(exposure: Exposure | None, region: str) -> float | None:
        return exposures.share(exposure, region) if exposure is not None else None

    following = where.next.exposure if where.next is not None else None
    return tuple(
        RegionView(
            id=region,
            title=titles.get(region, region),
            planned=of(planned, region) or 0.0,
            desired=of(desired, region),
            configured=of(configured, region),
            next=of(following, region),
            enters=bool(of(following, region)) and of(configured, region) == 0,
        )
        for region in rollout.regions
    )


def planned(plan: Plan, rollout: Rollout, now: datetime) -> Stage | None:
    """The stage that the plan puts the rollout in at `now`; None before the first."""
    reached = [(instant(stage.at, plan.launch.zone), index) for index, stage in enumerate(rollout.stage)]
    _, index = max(((at, index) for at, index in reached if at <= now), default=(now, -1))
    return rollout.stage[index] if index >= 0 else None


def _covers(seen: Exposure, wanted: Exposure) -> bool:
    have = exposures.cells(seen)
    return all(have.get(cell, 0.0) >= share for cell, share in exposures.cells(wanted).items())


def _phase(rollout: Rollout, index: int) -> str:
    named = [stage.phase for stage in rollout.stage[: index + 1] if stage.phase]
    return named[-1] if named else ""


def _view(plan: Plan, rollout: Rollout, index: int, here: int, now: datetime | None) -> StageView:
    stage = rollout.stage[index]
    at, shown = instant(stage.at, plan.launch.zone), exposures.of_stage(rollout, stage)
    return StageView(
        id=stage.id,
        title=stage.title,
        at=at,
        timed=stage.at.time is not None,
        exposure=shown,
        percent=stage.percent,
        regions=stage.regions or rollout.regions,
        features=stage.features,
        phase=stage.phase,
        state=_state(index, here),
        note=stage.note,
        of_all=exposures.of_all(shown, rollout.people),
        due=index > here and now is not None and at <= now,
        approvals=stage.approvals,
    )


def _state(index: int, here: int) -> Literal["done", "current", "next", "planned"]:
    if index < here:
        return "done"
    if index == here:
        return "current"
    return "next" if index == here + 1 else "planned"

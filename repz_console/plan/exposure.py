"""Arithmetic of exposure: what widens, what shrinks, and the way back that cannot widen."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec.structs import replace

from repz_console.facts import Exposure
from repz_console.plan.model import Rollout, Stage
from repz_console.text import safe

Cell = tuple[str, str]
"""(region id, feature id)."""

PERCENT_STEP = 0.01
"""The finest share any backend is asked for."""

ENTERS_HIGH = 20.0
"""A region that enters above this percent is a jump: nobody there has tried it with fewer."""
RISES_FAR = 40.0
"""Points by which a region's share may rise before it is called a jump."""


def nobody(key: str = "targetingKey") -> Exposure:
    """The exposure in which every cell is 0."""
    return Exposure(percent={}, features=(), key=key)


def cells(exposure: Exposure) -> dict[Cell, float]:
    """Every cell above 0 and its percent."""
    return {
        (region, feature): percent
        for region, percent in exposure.percent.items()
        if percent > 0
        for feature in exposure.features
    }


def share(exposure: Exposure, region: str) -> float:
    """The percent of a region's people that see anything."""
    return exposure.percent.get(region, 0.0) if exposure.features else 0.0


def is_nobody(exposure: Exposure) -> bool:
    """Whether no cell is above 0."""
    return not cells(exposure)


def same(left: Exposure, right: Exposure) -> bool:
    """Whether two exposures show the same things to the same people."""
    return cells(left) == cells(right) and (left.key == right.key or is_nobody(left))


def rising_cells(before: Exposure | None, after: Exposure) -> dict[Cell, tuple[float, float]]:
    """Cells whose share rises, with (from, to). An unknown `before` counts as nobody exposed.

    A changed bucketing key lists every exposed cell: other people than before are let in.
    """
    old = cells(before) if before is not None else {}
    reshuffled = before is not None and before.key != after.key and not is_nobody(before)
    return {
        cell: (old.get(cell, 0.0), percent)
        for cell, percent in cells(after).items()
        if reshuffled or percent > old.get(cell, 0.0)
    }


def widens(before: Exposure | None, after: Exposure) -> bool:
    """Whether anybody sees something that they did not see before."""
    return bool(rising_cells(before, after))


def at_most(configured: Exposure, target: Exposure) -> Exposure:
    """The element-wise minimum of two exposures: going there can only shrink `configured`."""
    return Exposure(
        percent={
            region: min(percent, target.percent.get(region, 0.0))
            for region, percent in configured.percent.items()
            if target.percent.get(region, 0.0) > 0
        },
        features=tuple(sorted(set(configured.features) & set(target.features))),
        key=configured.key,
    )


def in_steps(target: Exposure, step: float) -> Exposure:
    """The most within `target` that can be had in steps of `step` percent."""

    def cut(percent: float) -> float:
        whole = round(percent / step)
        return percent if abs(whole * step - percent) < PERCENT_STEP / 1000 else math.floor(percent / step) * step

    kept = {region: cut(percent) for region, percent in target.percent.items()}
    return replace(target, percent={region: percent for region, percent in kept.items() if percent > 0})


def of_stage(rollout: Rollout, stage: Stage) -> Exposure:
    """The exposure that a stage plans."""
    regions = stage.regions or rollout.regions
    percent = {region: stage.shares.get(region, stage.percent) for region in regions}
    return Exposure(percent=percent, features=tuple(sorted(stage.features)))


def of_all(exposure: Exposure, people: Mapping[str, float]) -> float | None:
    """The percent of all people that see anything: each region's share, weighted by how many live there. None where
    the plan does not say how many do in a region that is exposed."""
    total = sum(people.values())
    shares = {region: percent for region, percent in exposure.percent.items() if percent > 0}
    if not exposure.features:
        return 0.0
    if not total or any(region not in people for region in shares):
        return None
    return sum(percent * people[region] for region, percent in shares.items()) / total


def headline_percent(exposure: Exposure) -> float:
    """The one number of an exposure: the highest percent any region has, 0 without features."""
    return max(cells(exposure).values(), default=0.0)


def mistake(rollout: Rollout, target: Exposure) -> str:
    """Why an exposure is none of this rollout's, in words; empty if it is."""
    for region, percent in target.percent.items():
        if region not in rollout.regions:
            return f"it has no region {safe(region)}"
        if not 0 <= percent <= 100:
            return f"{percent:g} is not a percent from 0 to 100"
    known = {feature for stage in rollout.stage for feature in stage.features}
    strange = sorted(set(target.features) - known)
    return f"no stage of it has the feature {safe(strange[0])}" if strange else ""

"""Rules about how far and how fast a rollout goes from one stage to the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from repz_console.plan import exposure as exposures
from repz_console.plan.freeze import standing
from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Plan, Stage
from repz_console.plan.ramp import Rollout
from repz_console.plan.schedule import instant
from repz_console.plan.wrong import listed


def region_jump(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A region enters with many of its people at once, or rises by many points in one stage. Worth knowing of the last
    stage, which has to get to everybody; to be settled of any other."""
    titles = {region.id: region.title for region in plan.region}
    for name, rollout in plan.rollout.items():
        before = exposures.nobody()
        for index, stage in enumerate(rollout.stage):
            after = exposures.of_stage(rollout, stage)
            jumps: dict[tuple[float, float], list[str]] = {}
            for region in rollout.regions:
                was, will = exposures.share(before, region), exposures.share(after, region)
                if will > exposures.ENTERS_HIGH if not was else will - was > exposures.RISES_FAR:
                    jumps.setdefault((was, will), []).append(titles.get(region, region))
            for (was, will), regions in jumps.items():
                last = index == len(rollout.stage) - 1
                yield Finding(
                    "region-jump",
                    "info" if last else "warning",
                    f"{stage.title} takes {listed(regions, 'and')} from {was:g} to {will:g} % at once.",
                    (f"{was:g} % before", f"{will:g} % in {stage.title}"),
                    (f"rollout.{name}.stage[{index}].percent",),
                )
            before = after


def bake_without_gap(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A stage cannot have stood long enough, or had enough requests, when the next one is planned."""
    for name, rollout in plan.rollout.items():
        for index, (stage, following) in enumerate(pairwise(rollout.stage)):
            zone = plan.launch.zone
            minutes = (instant(following.at, zone) - instant(stage.at, zone)).total_seconds() / 60
            needed = max(stage.bake.minutes, _minutes(rollout, stage))
            if needed > minutes:
                yield Finding(
                    "bake-without-gap",
                    "error",
                    f"{stage.title} cannot have baked when {following.title} is planned.",
                    (f"needs {needed:,.0f} min", f"{minutes:,.0f} min until {following.title}"),
                    (f"rollout.{name}.stage[{index}].bake", f"rollout.{name}.stage[{index + 1}].at"),
                )


def _minutes(rollout: Rollout, stage: Stage) -> float:
    """How long its requests take at the planned traffic; 0 where the plan does not say."""
    share = exposures.of_all(exposures.of_stage(rollout, stage), rollout.people)
    rate = rollout.traffic * (share or 0) / 100
    return stage.bake.requests / rate / 60 if rate else 0


def people_not_stated(plan: Plan, now: datetime) -> Iterator[Finding]:
    """How many people live where was filled in."""
    for name, rollout in plan.rollout.items():
        if rollout.people and not rollout.people_stated:
            yield Finding(
                "people-not-stated",
                "warning",
                f"{rollout.title}: the plan does not say how many {rollout.cohort} live in which region; the figures "
                "here are a guess.",
                tuple(f"{region} {number:g}" for region, number in rollout.people.items()),
                (f"rollout.{name}.people",),
            )


def stage_in_freeze(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A stage is planned for a time in which nobody widens, and is not excepted."""
    for number, freeze in enumerate(plan.freeze):
        for name, rollout in plan.rollout.items():
            if freeze.rollouts and name not in freeze.rollouts:
                continue
            for index, stage in enumerate(rollout.stage):
                at = instant(stage.at, plan.launch.zone)
                until = standing(freeze, plan.launch.zone, at).until
                if until is not None and f"{name}.{stage.id}" not in freeze.except_stages:
                    yield Finding(
                        "stage-in-freeze",
                        "error",
                        f"{stage.title} is planned within {freeze.title}, and not excepted.",
                        (f"{stage.title} {at:%Y-%m-%d %H:%M} UTC", f"{freeze.title} until {until:%Y-%m-%d %H:%M} UTC"),
                        (f"rollout.{name}.stage[{index}].at", f"freeze[{number}]"),
                    )


RULES = (region_jump, bake_without_gap, people_not_stated, stage_in_freeze)

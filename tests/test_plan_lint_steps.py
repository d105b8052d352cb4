"""Rules about how far and how fast a rollout goes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from msgspec.structs import replace

from repz_console.plan.lint import findings
from repz_console.plan.model import Bake, Freeze, Moment, Plan
from tests.support.configs import small

WHEN = datetime(2027, 1, 1, tzinfo=UTC)


def told(plan: Plan, rule: str) -> list[tuple[str, str]]:
    found = findings(plan, lambda path: "plan.toml:1", WHEN)
    return [(finding.severity, finding.text) for finding in found if finding.rule == rule]


def changed(bake: Bake, **rollout: object) -> Plan:
    plan = small()
    ramp = plan.rollout["production"]
    first, *others = ramp.stage
    ramp = replace(ramp, stage=(replace(first, bake=bake), *others), **rollout)
    return replace(plan, rollout={"production": ramp})


def test_a_stage_that_cannot_have_baked_in_time_is_an_error() -> None:
    assert told(changed(Bake(minutes=60)), "bake-without-gap") == []
    assert [severity for severity, _ in told(changed(Bake(minutes=100_000)), "bake-without-gap")] == ["error"]
    people = dict.fromkeys(small().rollout["production"].regions, 1.0)
    slow = Bake(requests=10**9, counted_by="requests")
    assert told(changed(slow, people=people, traffic=1), "bake-without-gap")
    assert not told(changed(slow, people=people, traffic=0), "bake-without-gap"), "without traffic nobody knows"


def test_figures_that_were_filled_in_are_named() -> None:
    people = dict.fromkeys(small().rollout["production"].regions, 1.0)
    assert not told(changed(Bake(), people=people), "people-not-stated")
    assert told(changed(Bake(), people=people, people_stated=False), "people-not-stated")


def test_a_stage_within_a_freeze_is_an_error_unless_excepted() -> None:
    plan = small()
    stage = plan.rollout["production"].stage[0]
    start = Moment(on=stage.at.on, time=time(0), zone="UTC")
    freeze = Freeze(id="f", title="Freeze", start=start, minutes=3 * 1440)
    assert told(replace(plan, freeze=(freeze,)), "stage-in-freeze")
    every = tuple(f"production.{each.id}" for each in plan.rollout["production"].stage)
    excepted = replace(freeze, except_stages=every)
    assert not told(replace(plan, freeze=(excepted,)), "stage-in-freeze")
    over = replace(freeze, start=replace(start, on=date(2026, 1, 1)))
    assert not told(replace(plan, freeze=(over,)), "stage-in-freeze")

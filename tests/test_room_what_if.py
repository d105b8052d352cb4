"""What a change would mean, told before it is made: every figure by hand, and none where one is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Exposure, Facts, Reading
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Metric, Plan, Target
from repz_console.room import what_if
from repz_console.room.what_if import Forecast
from tests.support import rooms
from tests.support.rooms import BO, Making, stage

NOBODY = exposures.nobody()
PEOPLE = {"us": 60_000.0, "ca": 10_000.0, "uk": 20_000.0, "world": 110_000.0}


def plan(**fields: Any) -> Plan:
    """The tests' launch with people, traffic and an error rate, and with these fields of the production rollout."""
    known = rooms.plan()
    given = {"people": PEOPLE, "traffic": 100.0, "errors_metric": "errors"} | fields
    production = replace(known.rollout["production"], **given)
    rate = Metric(
        id="errors",
        title="Error rate",
        unit="%",
        source="web",
        targets=(Target(said="alpha", op="<", value=0.5), Target(said="criteria", op="<", value=0.1)),
    )
    load = Metric(id="load", title="Requests", source="web")
    metrics = (*(metric for metric in known.metric if metric.id != "errors"), rate, load)
    return replace(known, rollout={**known.rollout, "production": production}, metric=metrics)


def at(exposed: Exposure, of: Plan | None = None, *, seconds: float = 9, **readings: float) -> Making:
    making = Making(of or plan()).running().exposed(exposed)
    told = {"errors": 0.05} | readings
    values = tuple(Reading(name, value, making.ago(seconds=seconds)) for name, value in told.items())
    return making.answered("web", Facts(readings=values), seconds=seconds)


def told(making: Making, target: Exposure, stage: str = "") -> Forecast:
    view = making.view()
    gates = making.room().gates("production", making.now, target)
    known = making.snapshots["flagd"].facts
    states = known.rollouts or () if known is not None else ()
    state = next((each for each in states if each.rollout == "production"), None)
    return what_if.forecast(making.plan, view.rollout.rollouts[0], state, target, gates, view.health, stage=stage)


def test_a_stage_is_told_in_people_requests_errors_and_budget() -> None:
    found = told(at(stage("tuesday")), stage("thursday"), "thursday")
    assert found.way == "widens"
    assert (found.people_before, found.people_after, found.people_total) == (36_000, 160_000, 200_000)
    assert (found.of_all_before, found.of_all_after) == (18, 80)
    assert found.people_affected == 160_000  # whoever is in already sees a new feature
    assert (found.requests_before, found.requests_after) == (18, 80)
    # 62 % of 100 requests a second are newly let in; 0.05 % of these fail, of the 0.1 % that are allowed of all.
    assert found.errors_hour == pytest.approx(100 * 0.62 * 0.0005 * 3600)
    assert found.burn == pytest.approx(31)
    assert found.budget == "criteria: < 0.1 %"
    assert found.unknown == ()


def test_a_stage_before_its_time_says_so_where_no_gate_does() -> None:
    early = "Thursday is planned for 2027-02-04: its time has not come"
    assert early in told(at(stage("tuesday")), stage("thursday"), "thursday").jumps
    assert told(at(stage("tuesday")), stage("thursday")).jumps != ()
    assert early not in told(at(stage("tuesday")), stage("thursday")).jumps
    gated = plan()
    ramp = gated.rollout["production"]
    strict = replace(ramp, stage=tuple(replace(each, not_before=True) for each in ramp.stage))
    gated = replace(gated, rollout={**gated.rollout, "production": strict})
    found = told(at(stage("tuesday"), gated), stage("thursday"), "thursday")
    assert early not in found.jumps
    assert any(line.startswith("Not too early") for line in found.closed)


def test_no_stage_of_a_plan_that_is_past_is_before_its_time() -> None:
    making = at(stage("tuesday"))
    making.now += timedelta(days=400)
    assert not any("its time has not come" in line for line in told(making, stage("thursday"), "thursday").jumps)


def test_regions_and_features_that_enter_and_leave_are_named() -> None:
    found = told(at(stage("tuesday")), Exposure({"us": 10, "world": 5}, ("core", "tiers")))
    assert (found.regions_in, found.regions_out) == (("world",), ("ca", "uk"))
    assert (found.features_in, found.features_out) == (("tiers",), ("adaptive",))
    cells = {(cell.region, cell.feature): (cell.before, cell.after) for cell in found.cells}
    assert cells[("us", "core")] == (40, 10)
    assert cells[("us", "tiers")] == (0, 10)
    assert cells[("ca", "adaptive")] == (40, 0)


def test_a_region_that_enters_high_or_rises_far_is_a_jump() -> None:
    assert told(at(stage("tuesday")), stage("thursday")).jumps == (
        "Rest of the world enters at 80 %, with no smaller step before",
    )
    base = Exposure({"us": 40}, ("core",))
    assert told(at(base), Exposure({"us": 80, "uk": 20}, ("core",))).jumps == ()
    assert told(at(base), Exposure({"us": 80.01}, ("core",))).jumps == (
        "United States rises by 40.01 points in one step",
    )


def test_what_shrinks_asks_nobody_and_types_nothing() -> None:
    making = at(stage("tuesday")).wrote(events.RolloutHeld("production", "fire"), BO, minutes=1)
    found = told(making, stage("soft"))
    assert (found.way, found.gates, found.closed, found.needs, found.typed) == ("shrinks", 0, (), (), "")
    assert found.errors_hour == 0
    assert told(making, stage("tuesday")).way == "changes nothing"
    assert any("none is asked" in line for line in what_if.lines(found))


def test_gates_in_the_way_are_named_with_their_reason() -> None:
    making = at(stage("tuesday")).wrote(events.RolloutHeld("production", "fire"), BO, minutes=1)
    found = told(making, stage("wednesday"), "wednesday")
    assert any("fire" in line for line in found.closed)
    assert found.gates > len(found.closed)
    assert found.typed == "wednesday PRODUCTION"
    assert told(making, Exposure({"us": 55}, ("core",))).typed == "55 PRODUCTION"


def test_poll_and_approvals_are_told_for_the_stage_that_allows_the_target() -> None:
    known = plan()
    stages = tuple(
        replace(each, poll="go", approvals=2) if each.id == "wednesday" else each
        for each in known.rollout["production"].stage
    )
    making = at(stage("tuesday"), plan(stage=stages))
    wanted = ("go/no-go poll go for wednesday: not called", "2 approvals for wednesday: not asked for")
    assert told(making, stage("wednesday"), "wednesday").needs == wanted
    assert told(making, Exposure({"us": 55}, ("core",))).needs == wanted
    assert told(making, Exposure({"us": 75}, ("core",))).needs == ()


@pytest.mark.parametrize(
    ("fields", "readings", "lacking", "said"),
    [
        ({"people": {}}, {}, ("people_after", "of_all_after", "requests_after", "errors_hour", "burn"), "people"),
        ({"people": {"us": 5.0}}, {}, ("people_after", "of_all_after", "burn"), "live in ca, uk, world"),
        ({"traffic": 0}, {}, ("requests_after", "errors_hour"), "the plan names no traffic"),
        ({"errors_metric": ""}, {}, ("errors_hour", "burn"), "errors: no source"),
        ({"errors_metric": "none"}, {}, ("errors_hour", "burn"), "no metric none"),
        ({"errors_metric": "p95"}, {}, ("errors_hour", "burn"), "errors: API response p95"),
        ({}, {"errors": float("nan")}, ("errors_hour", "burn"), "no data"),
    ],
)
def test_a_missing_figure_is_unknown_and_named(
    fields: dict[str, Any], readings: dict[str, float], lacking: tuple[str, ...], said: str
) -> None:
    found = told(at(stage("tuesday"), plan(**fields), **readings), stage("thursday"))
    for field in lacking:
        assert getattr(found, field) is None, field
    assert any(said in why for why in found.unknown), found.unknown
    assert any(f"not known: {why}" in what_if.lines(found) for why in found.unknown)


def test_an_old_reading_is_no_reading_and_the_plan_stands_in_for_traffic_only() -> None:
    known = plan(requests_metric="load")
    fresh = told(at(stage("tuesday"), known, load=50), stage("thursday"))
    assert fresh.requests_after == 40
    old = told(at(stage("tuesday"), known, load=50, seconds=3600), stage("thursday"))
    assert old.requests_after == 80
    assert any("counted with the plan's 100 a second" in why for why in old.unknown)
    assert (old.errors_hour, old.burn) == (None, None)


def test_figures_that_were_filled_in_are_said_to_be() -> None:
    found = told(at(stage("tuesday"), plan(people_stated=False)), stage("thursday"))
    assert found.people_after == 160_000
    assert any("filled in" in why for why in found.unknown)


def test_what_is_configured_is_not_guessed() -> None:
    making = at(NOBODY).answered("flagd", None, "no such file")
    found = told(making, stage("soft"))
    assert (found.before, found.people_before, found.of_all_before, found.requests_before) == (None, None, None, None)
    assert found.way == "widens"
    assert any("no such file" in why for why in found.unknown)


def test_another_key_lets_other_people_in() -> None:
    now = Exposure({"us": 40}, ("core",))
    found = told(at(now), replace(now, key="sessionId"))
    assert (found.way, found.reshuffled) == ("widens", True)
    assert found.people_affected == 60_000 * 0.8
    assert "bucketed by something else" in found.jumps[0]


SHARES = st.dictionaries(st.sampled_from(sorted(PEOPLE)), st.sampled_from([0.0, 5.0, 40.0, 100.0]))
EXPOSURES = st.builds(
    lambda percent, features: Exposure(percent, tuple(sorted(features))),
    SHARES,
    st.sets(st.sampled_from(["core", "adaptive", "tiers"])),
)


@given(EXPOSURES, EXPOSURES)
def test_the_forecast_agrees_with_the_arithmetic_that_decides(before: Exposure, after: Exposure) -> None:
    found = told(at(before), after)
    assert (found.way == "widens") == exposures.widens(before, after)
    assert {(cell.region, cell.feature): cell.after for cell in found.cells if cell.after} == exposures.cells(after)
    assert bool(found.typed) == exposures.widens(before, after)
    assert found.people_before is not None
    assert found.people_after is not None
    assert found.people_affected is not None
    assert abs(found.people_after - found.people_before) <= found.people_affected + 1e-6
    assert (found.people_affected == 0) == exposures.same(before, after)
    assert found.of_all_after == pytest.approx(100 * found.people_after / 200_000)

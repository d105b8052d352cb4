"""Rules about what holds a rollout, and what goes on without a person."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from msgspec.structs import replace

from repz_console.plan.lint import findings
from repz_console.plan.model import Automatic, Bake, Freeze, Metric, MetricRule, Moment, Plan, Poll, Round, Station
from tests.support.configs import small

WHEN = datetime(2027, 1, 1, tzinfo=UTC)
RATE = MetricRule(metric="rate")


def told(plan: Plan, rule: str) -> list[tuple[str, str]]:
    found = findings(plan, lambda path: "plan.toml:1", WHEN)
    return [(finding.severity, finding.text) for finding in found if finding.rule == rule]


def automatic(rules: Automatic, source: str = "site") -> Plan:
    plan = small()
    metric = Metric(id="rate", title="Error rate", source=source)
    ramp = replace(plan.rollout["production"], automatic=rules)
    return replace(plan, metric=(metric,), rollout={"production": ramp})


def polled(poll: Poll, asked: str) -> Plan:
    plan = small()
    ramp = plan.rollout["production"]
    first, *others = ramp.stage
    ramp = replace(ramp, stage=(replace(first, poll=asked), *others))
    return replace(plan, poll=(poll,), rollout={"production": ramp})


def poll(*seats: str) -> Poll:
    stations = tuple(Station(seat=seat) for seat in seats)
    return Poll(id="go", title="Go/no-go", round=(Round(title="All", caller="director", station=stations),))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Automatic(), ""),
        (Automatic(watch=(RATE,), hold=True), ""),
        (Automatic(dead_man_minutes=30), ""),
        (Automatic(hold=True), "is to hold by itself, and watches no metric"),
        (Automatic(hold=True, roll_back=True), "is to hold and roll back by itself, and watches no metric"),
        (Automatic(watch=(RATE,)), "does nothing when they fail"),
    ],
)
def test_what_is_automatic_needs_a_cause_and_an_effect(rules: Automatic, said: str) -> None:
    found = told(automatic(rules), "automatic-without-effect")
    assert [severity for severity, _ in found] == ["error"] * bool(said)
    assert all(said in text for _, text in found)


@pytest.mark.parametrize(
    ("rules", "armed"),
    [
        (Automatic(watch=(RATE,), hold=True), False),
        (Automatic(roll_back=True), False),
        (Automatic(watch=(RATE,), roll_back=True), True),
        (Automatic(dead_man_minutes=30), True),
    ],
)
def test_a_way_back_without_a_person_is_told_and_no_fault(rules: Automatic, armed: bool) -> None:
    assert [severity for severity, _ in told(automatic(rules), "shrinks-by-itself")] == ["info"] * armed


def test_a_gate_on_what_nothing_measures_is_a_warning() -> None:
    watching = Automatic(watch=(RATE,), hold=True)
    assert told(automatic(watching), "metric-without-source") == []
    assert [severity for severity, _ in told(automatic(watching, source=""), "metric-without-source")] == ["warning"]
    plan = automatic(Automatic(), source="")
    assert told(plan, "metric-without-source") == [], "nothing rests on it"
    ramp = plan.rollout["production"]
    for needs in ({"metrics": (RATE,)}, {"bake": Bake(requests=10, counted_by="rate")}):
        stages = (replace(ramp.stage[0], **needs), *ramp.stage[1:])
        asking = replace(plan, rollout={"production": replace(ramp, stage=stages)})
        assert told(asking, "metric-without-source"), needs


def test_a_poll_that_no_stage_waits_for_is_a_warning() -> None:
    assert told(polled(poll("director"), "go"), "poll-without-stage") == []
    assert [severity for severity, _ in told(polled(poll("director"), ""), "poll-without-stage")] == ["warning"]


def test_a_poll_that_does_not_ask_the_director_is_a_warning() -> None:
    assert told(polled(poll("qa", "director"), "go"), "director-not-asked") == []
    assert [severity for severity, _ in told(polled(poll("qa"), "go"), "director-not-asked")] == ["warning"]


def test_an_abbreviated_zone_is_told_of_stages_and_freezes_too() -> None:
    plan = small()
    ramp = plan.rollout["production"]
    at = Moment(on=ramp.stage[0].at.on, time=time(9), zone="America/New_York", written="9:00 AM EST")
    stages = (replace(ramp.stage[0], at=at), *ramp.stage[1:])
    staged = replace(plan, rollout={"production": replace(ramp, stage=stages)})
    assert told(staged, "fixed-offset-abbrev"), "in June New York keeps EDT"
    freeze = Freeze(id="f", title="Freeze", start=at, minutes=60)
    assert told(replace(plan, freeze=(freeze,)), "fixed-offset-abbrev")
    assert told(plan, "fixed-offset-abbrev") == []

"""Whatever plan, journal and answers come together: the room says something, the same each time, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Abilities, Exposure, Facts, Measured, Reading, RolloutState, Snapshot, Verdict
from repz_console.plan.model import Plan
from repz_console.plan.ramp import Automatic, Bake, MetricRule, Part
from repz_console.room.rollout import shows_the_same
from repz_console.room.views import LookView
from repz_console.tui.paint import rollout as pane
from repz_console.tui.paint import status
from repz_console.tui.paint.base import Brush, Size
from tests.support import polls, rooms
from tests.support.rooms import ANA, BO, CY, DEE, NOW, Making

BASE = polls.plan(approvals=1)
RAMP = BASE.rollout["production"]
REGIONS = [region.id for region in BASE.region]
FEATURES = sorted({feature for stage in RAMP.stage for feature in stage.features})
RULES = tuple(MetricRule(metric=each.id) for each in BASE.metric if each.targets)


def _with(**changed: Any) -> Plan:
    return replace(BASE, rollout={**BASE.rollout, "production": replace(RAMP, **changed)})


def _stages(**changed: Any) -> Plan:
    return _with(stage=tuple(replace(stage, **changed) for stage in RAMP.stage))


PLANS = [
    BASE,
    replace(BASE, rollout={}),
    replace(BASE, poll=(), seat=()),
    replace(BASE, launch=replace(BASE.launch, solo=True)),
    _with(stage=()),
    _with(people={}),
    _with(controller="gone"),
    _with(controller="", part=(Part(controller="flagd", features=FEATURES[:1]), Part(controller="web"))),
    _with(automatic=Automatic(watch=RULES, hold=True, roll_back=True, dead_man_minutes=5)),
    _stages(features=()),
    _stages(bake=Bake(minutes=30, requests=10, counted_by=BASE.metric[0].id)),
    _stages(metrics=RULES, checklists=tuple(each.id for each in BASE.checklist), not_before=True),
]
shares = st.dictionaries(st.sampled_from([*REGIONS, "mars"]), st.sampled_from([0, 0.01, 10.5, 40, 100]), max_size=4)
exposures = st.builds(
    Exposure,
    shares,
    st.lists(st.sampled_from([*FEATURES, "ghost"]), max_size=3).map(tuple),
    st.sampled_from(["targetingKey", "userId"]),
)
exposures = st.one_of(exposures, st.sampled_from([rooms.stage(stage.id) for stage in RAMP.stage]))
whens = st.integers(-3600, 90_000).map(lambda seconds: NOW - timedelta(seconds=seconds))
names = st.sampled_from(["production", "production", "beta", "gone"])
ops = st.sampled_from(["o1", "o2", "o3"])
stages = st.sampled_from([*(stage.id for stage in RAMP.stage), "", "old"])
gates = st.sampled_from(["p0", "data", "poll", "bake", "drift", "order", "conn", "ghost"])
runs, asks, waived = st.sampled_from(["r1", "r2"]), st.sampled_from(["a1", "a2"]), st.sampled_from(["w1", "w2"])
seats = st.sampled_from(["tech", "support", "director", "ghost"])
text = st.sampled_from(["", "known", "\u202e\x1b[2J" * 100])
hashes = st.sampled_from(["5e" * 32, ""])
seen = st.sampled_from([{}, {"p0": "x"}, {"p0": {"verdict": "PASS"}}])
counters = st.sampled_from([{}, {"counters": {"p95": 3.0}}, {"counters": "x"}])
outcomes = st.sampled_from(["confirmed", "confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"])
happened = st.one_of(
    st.builds(
        events.ChangeIntended,
        ops,
        names,
        st.sampled_from(["set", "rollback", "kill"]),
        exposures,
        st.one_of(st.none(), exposures),
        st.sampled_from(["", "17"]),
        evidence=counters,
    ),
    st.builds(events.ChangeEnded, ops, outcomes, why=text),
    st.builds(events.ChangeStepped, ops, st.integers(-1, 3), st.integers(0, 3), st.sampled_from(["flagd", "web"])),
    st.builds(events.ChangedElsewhere, names, st.just("flagd"), st.just("17"), text, whens, st.none(), exposures),
    st.builds(events.ExposureObserved, names, st.sampled_from(["flagd", "web"]), exposures, whens),
    st.builds(events.RolloutHeld, names, text),
    st.builds(events.LineStopped, text),
    st.builds(events.GateWaived, waived, names, stages, gates, text, text, whens),
    st.builds(events.WaiverSeconded, waived),
    st.builds(events.GateOverridden, names, stages, gates, text, text),
    st.builds(events.SeatTaken, seats),
    st.builds(events.PollCalled, runs, st.sampled_from(["golive", "ghost"]), names, stages, st.integers(-1, 3), hashes),
    st.builds(
        events.VoteCast,
        runs,
        seats,
        st.sampled_from(["GO", "NO-GO", "GO-IF"]),
        text,
        text,
        st.one_of(st.none(), whens),
        seen,
        hashes,
        text,
    ),
    st.builds(events.ConditionAccepted, runs, seats, st.integers(0, 9)),
    st.builds(events.PollClosed, runs, text),
    st.builds(
        events.ApprovalAsked,
        asks,
        names,
        stages,
        exposures,
        st.just("17"),
        hashes,
        st.just({}),
        st.one_of(st.none(), whens),
    ),
    st.builds(events.ApprovalGiven, asks),
)
"""Also what no console would write, and what is of another plan."""
numbers = st.sampled_from([None, 0.0, 99.9, -5.0, float("nan"), float("inf")])
states = st.builds(
    RolloutState,
    st.just("production"),
    exposures,
    st.sampled_from(["17", ""]),
    changed_at=st.one_of(st.none(), whens),
    op=ops,
    least=st.one_of(st.none(), exposures),
    until=st.one_of(st.none(), whens),
)
counts = st.builds(
    Measured, st.just("production"), st.sampled_from(FEATURES), numbers.filter(bool), st.integers(-1, 10**400), whens
)


@st.composite
def snapshots(draw: st.DrawFn, plan: Plan) -> dict[str, Snapshot]:
    found = {}
    for source, spec in plan.source.items():
        readings = [Reading(each.reading or each.id, draw(numbers), draw(whens)) for each in plan.metric]
        facts = Facts(
            tuple(readings), rollouts=draw(st.one_of(st.none(), st.tuples(states))), measured=draw(st.tuples(counts))
        )
        told = draw(st.sampled_from([facts, facts, None]))
        found[source] = Snapshot(source, spec.kind, spec.every, told, draw(st.one_of(st.none(), whens, st.just(NOW))))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(PLANS), st.sampled_from([ANA, BO, replace(DEE, proven=False)]))
def test_the_room_always_says_something_and_until_when(data: st.DataObject, plan: Plan, me: Any) -> None:
    made = Making(plan, me=me)
    wrote = data.draw(st.lists(st.tuples(happened, st.sampled_from([ANA, BO, CY]), whens), max_size=15))
    made.entries = [rooms.entry(number, event, actor, at) for number, (event, actor, at) in enumerate(wrote, 1)]
    made.snapshots = data.draw(snapshots(plan))
    made.has_conn(data.draw(st.sampled_from([None, ANA, BO])))
    looks = {"flagd": LookView("flagd", "", data.draw(text), min(NOW, data.draw(whens)))}

    def room() -> Any:
        fresh = made.room()
        fresh.update(looks=looks, abilities={"flagd": Abilities(propagation=30)})
        return fresh

    told = room()
    view = told.view(NOW)
    assert told.view(NOW).rollout is view.rollout == room().view(NOW).rollout
    for each in view.rollout.rollouts:
        for judged in (each.gates, told.gates(each.id, NOW, data.draw(exposures))):
            assert "defect" not in {gate.id for gate in judged}, judged
            assert all(gate.verdict is Verdict.PASS or gate.excused for gate in judged if gate.lets_pass)
    upcoming = view.rollout.next_change
    if upcoming is not None and upcoming > NOW:
        assert shows_the_same(view.rollout, room().view(NOW + (upcoming - NOW) * 0.999).rollout)
    for size in (Size(80, 24), Size(20, 5), Size(120, 40)):
        list(pane.paint(view, Brush(size)).lines)
        assert status.status_line(view, size.width)
        assert status.small(view, size)

"""Every kind of gate: what it says for each reason, when it next changes, and who may pass it all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Exposure, Facts, Reading, Tick, Verdict
from repz_console.plan.model import Bake, Freeze, Metric, MetricRule, Moment, Plan, Stage, Target
from repz_console.room import approvals, gates
from repz_console.room.views import GateView
from tests.support import rooms
from tests.support.rooms import ANA, BO, CY, Making, stage

PASS, INCONCLUSIVE, FAIL = Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL
COUNTER = Metric(id="requests", title="Requests", source="web")
RATE = Metric(id="rate", title="Error rate", unit="%", source="web", targets=(Target(said="alpha", op="<", value=0.1),))


def making(of: Plan | None = None, **needs: Any) -> Making:
    """The running launch whose next stage, Wednesday's, has these needs; `bake` is that of the stage reached."""
    plan = of or rooms.plan()
    bake = needs.pop("bake", Bake())
    ramp = plan.rollout["production"]

    def made(each: Stage) -> Stage:
        if each.id == "tuesday":
            return replace(each, bake=bake)
        return replace(each, **needs) if each.id == "wednesday" else each

    ramp = replace(ramp, stage=tuple(map(made, ramp.stage)))
    plan = replace(plan, rollout={**plan.rollout, "production": ramp}, metric=(*plan.metric, COUNTER, RATE))
    return Making(plan).running()


def readings(made: Making, *, age: float = 9, polled: float = 9, **values: float | None) -> Making:
    found = tuple(Reading(name, value, made.ago(seconds=age)) for name, value in values.items())
    return made.answered("web", Facts(readings=found), seconds=polled)


def gate(made: Making, identity: str, target: Exposure | None = None, **later: float) -> GateView:
    now = made.now + timedelta(**later)
    return next(each for each in made.room().gates("production", now, target) if each.id == identity)


def told(made: Making, identity: str, target: Exposure | None = None) -> tuple[Verdict, str, str]:
    found = gate(made, identity, target)
    return found.verdict, found.reason, found.line


RULE = MetricRule(metric="rate", max_age=60)


@pytest.mark.parametrize(
    ("rule", "given_", "answer"),
    [
        (RULE, {"rate": 0.05}, (PASS, "", "error rate 0.05 % (< 0.1 %)")),
        (RULE, {"rate": 0.4}, (FAIL, "", "error rate 0.4 %, must be < 0.1 %")),
        (RULE, {"rate": None}, (INCONCLUSIVE, "NO_DATA", "error rate: no data, web has no data for rate: holding")),
        (RULE, {}, (INCONCLUSIVE, "NO_DATA", "error rate: no data, web has no reading rate: holding")),
        (
            RULE,
            {"rate": 0.05, "age": 94},
            (INCONCLUSIVE, "STALE", "error rate: last sample 90 s old (limit 60 s): holding"),
        ),
        (
            replace(RULE, max_age=0),
            {"rate": 0.05, "polled": 400, "age": 400},
            (INCONCLUSIVE, "STALE", "error rate: web is DOWN, last sample 400 s old: holding"),
        ),
        (
            replace(RULE, samples=500, counted_by="requests"),
            {"rate": 0.05, "requests": 120},
            (INCONCLUSIVE, "TOO_FEW", "error rate: not enough samples (120 of 500): holding"),
        ),
        (
            replace(RULE, samples=500, counted_by="requests"),
            {"rate": 0.05},
            (
                INCONCLUSIVE,
                "TOO_FEW",
                "error rate: not known on how many samples it stands, requests: web has no reading requests: holding",
            ),
        ),
        (
            replace(RULE, samples=500, counted_by="requests"),
            {"rate": 0.05, "requests": 500},
            (PASS, "", "error rate 0.05 % (< 0.1 %)"),
        ),
        (
            MetricRule(metric="errors"),
            {},
            (INCONCLUSIVE, "NO_SOURCE", "error rate: no source: holding"),
        ),
    ],
)
def test_a_metric_is_judged_only_on_a_number_that_stands(
    rule: MetricRule, given_: dict[str, Any], answer: tuple[Verdict, str, str]
) -> None:
    assert told(readings(making(metrics=(rule,)), **given_), f"metric:{rule.metric}") == answer


def test_a_metric_goes_stale_at_its_very_limit_and_is_told_in_steps() -> None:
    made = readings(making(metrics=(RULE,)), rate=0.05, age=50)
    assert gate(made, "metric:rate").next_change == made.now + timedelta(seconds=10)
    assert gate(made, "metric:rate", seconds=9.9).verdict is PASS
    old = gate(made, "metric:rate", seconds=10)
    assert (old.verdict, old.line) == (INCONCLUSIVE, "error rate: last sample 60 s old (limit 60 s): holding")
    assert old.next_change == made.now + timedelta(seconds=20)


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (None, (PASS, "Wednesday is next")),
        (stage("thursday"), (FAIL, "Wednesday comes first, before Thursday")),
        (
            Exposure({"us": 70, "ca": 40, "uk": 40}, ("adaptive", "core")),
            (FAIL, "70 % of us is beyond Wednesday, which is next (60 %)"),
        ),
        (
            Exposure({"us": 40, "ca": 40, "uk": 40, "world": 1}, ("adaptive", "core")),
            (FAIL, "world is not in Wednesday, which is next"),
        ),
        (Exposure({"us": 45, "ca": 40, "uk": 40}, ("adaptive", "core")), (PASS, "Wednesday is next")),
        (
            Exposure({"us": 55, "ca": 40, "uk": 40}, ("adaptive", "core")),
            (FAIL, "us rises by 15 points at once (at most 10 outside the stages)"),
        ),
    ],
)
def test_stages_come_in_order_and_other_steps_within_the_guard(
    target: Exposure | None, answer: tuple[Verdict, str]
) -> None:
    plan = rooms.plan()
    ramp = replace(plan.rollout["production"], max_step=10)
    found = gate(making(replace(plan, rollout={**plan.rollout, "production": ramp})), "order", target)
    assert (found.verdict, found.line) == answer


def test_drift_closes_the_gate_until_it_is_as_decided() -> None:
    assert told(making(), "drift") == (PASS, "", "configured is as decided")
    verdict, _, line = told(making().exposed(stage("soft"), by="mallory", hours=0.5, op="x"), "drift")
    assert verdict is FAIL
    assert "mallory" in line
    assert "accept (v)" in line
    assert told(making().answered("flagd", None, "gone"), "drift")[:2] == (INCONCLUSIVE, "NO_DATA")


def test_what_somebody_did_to_a_change_that_went_in_part_is_drift() -> None:
    made = making()
    intent = events.ChangeIntended("op-4", "production", "set", stage("wednesday"), stage("tuesday"), "17")
    made.wrote(intent, ANA, minutes=3).wrote(events.ChangeEnded("op-4", "partial", why="1 of 2"), ANA, minutes=2)
    made.exposed(stage("tuesday"), op="op-3", hours=0.01)
    assert told(made, "drift")[0] is PASS
    assert told(made.exposed(stage("full"), by="mallory", hours=0.01), "drift")[0] is FAIL


def test_a_stopped_line_stops_every_rollout() -> None:
    made = making().wrote(events.LineStopped("mails bounce"), CY, minutes=1)
    assert told(made, "line")[0::2] == (
        FAIL,
        "the line was stopped by cy@jump at 2027-02-03 14:02:20 UTC: mails bounce",
    )
    made.wrote(events.LineStarted("fixed"), CY)
    assert "line" not in {each.id for each in made.room().gates("production", made.now)}


@pytest.mark.parametrize(
    ("bake", "began", "now_", "answer"),
    [
        (Bake(minutes=200), None, None, (PASS, "", "Tuesday has baked 200 min")),
        (
            Bake(minutes=300),
            None,
            None,
            (INCONCLUSIVE, "BAKING", "Tuesday bakes until 2027-02-03 15:03:20 UTC (300 min)"),
        ),
        (
            Bake(requests=1000, counted_by="requests"),
            5000,
            5400,
            (INCONCLUSIVE, "TOO_FEW", "Tuesday has had 400 of 1,000 requests"),
        ),
        (
            Bake(requests=1000, counted_by="requests"),
            5000,
            6000,
            (PASS, "", "Tuesday has had 1,000 of 1,000 requests"),
        ),
        (
            Bake(requests=1000, counted_by="requests"),
            5000,
            100,
            (INCONCLUSIVE, "COUNTER_RESET", "requests fell from 5,000 to 100, so it was reset: holding"),
        ),
        (
            Bake(requests=1000, counted_by="requests"),
            None,
            100,
            (INCONCLUSIVE, "NO_DATA", "requests: nobody counted when Tuesday was reached: holding"),
        ),
        (
            Bake(requests=1000, counted_by="requests"),
            5000,
            None,
            (INCONCLUSIVE, "NO_DATA", "requests: web has no reading requests: holding"),
        ),
    ],
)
def test_a_stage_bakes_in_time_and_requests(
    bake: Bake, began: float | None, now_: float | None, answer: tuple[Verdict, str, str]
) -> None:
    made = making(bake=bake)
    readings(made, **({"requests": now_} if now_ is not None else {}))
    counted = {} if began is None else {"requests": began}

    def kept(entry: events.Entry) -> events.Entry:
        if isinstance(entry.event, events.ChangeIntended) and entry.event.op == "op-3":
            return replace(entry, event=replace(entry.event, evidence={gates.COUNTERS: counted}))
        return entry

    made.entries = list(map(kept, made.entries))
    assert told(made, "bake") == answer


def test_a_stage_that_was_left_bakes_anew() -> None:
    made = making(bake=Bake(minutes=200))
    made.changed("op-8", stage("soft"), "confirmed", hours=2).changed("op-9", stage("tuesday"), "confirmed", hours=1)
    made.exposed(stage("tuesday"), op="op-9", hours=1)
    assert told(made, "bake")[1] == "BAKING"
    assert gate(made, "bake").next_change == made.ago(hours=1) + timedelta(minutes=200)
    assert "bake" not in {each.id for each in made.room().gates("production", made.now, stage("soft"))}


@pytest.mark.parametrize("became", ["superseded", "unknown", "partial"])
def test_a_stage_that_a_way_back_may_have_left_bakes_anew(became: str) -> None:
    made = making(bake=Bake(minutes=200))
    kill = events.ChangeIntended("op-8", "production", "kill", rooms.exposures.nobody(), None, "")
    ended = events.ChangeEnded("op-8", became)  # type: ignore[arg-type]
    made.wrote(kill, BO, hours=2).wrote(events.ChangeSent("op-8"), BO, hours=2).wrote(ended, BO, hours=1.9)
    assert told(made, "bake")[1] == "NO_DATA"
    made.changed("op-9", stage("tuesday"), "confirmed", hours=1)
    made.exposed(stage("tuesday"), op="op-9", hours=1)
    assert told(made, "bake")[1] == "BAKING"


@pytest.mark.parametrize("became", ["rejected", "not_applied"])
def test_a_way_back_that_certainly_never_happened_left_nothing(became: str) -> None:
    made = making(bake=Bake(minutes=200))
    kill = events.ChangeIntended("op-8", "production", "kill", rooms.exposures.nobody(), None, "")
    made.wrote(kill, BO, hours=2).wrote(events.ChangeEnded("op-8", became), BO, hours=2)  # type: ignore[arg-type]
    assert told(made, "bake")[0] is PASS


def test_checklists_are_done_when_nothing_is_open() -> None:
    made = making(checklists=("security", "infrastructure"))
    assert told(made, "checklist:security")[0] is PASS
    assert told(made, "checklist:infrastructure")[0::2] == (
        FAIL,
        "Infrastructure setup: 3 of 4 done, open: Set up CDN (CloudFlare)",
    )
    ticks = (Tick("security/owasp", "done", "bo", made.now), Tick("security/owasp", "open", "bo", made.now))
    assert told(made.answered("plan", Facts(ticks=ticks), seconds=1), "checklist:security")[0] is FAIL
    assert told(made.answered("plan", Facts(ticks=ticks), "broken"), "checklist:security")[:2] == (
        INCONCLUSIVE,
        "NO_DATA",
    )


def test_a_stage_may_not_come_before_its_time() -> None:
    at = Moment(on=date(2027, 2, 3), time=time(15), zone="UTC")
    made = making(at=at, not_before=True)
    found = gate(made, "schedule")
    instant = datetime(2027, 2, 3, 15, tzinfo=UTC)
    assert (found.verdict, found.next_change) == (FAIL, instant)
    assert found.line == "Wednesday may not be entered before 2027-02-03 15:00:00 UTC"
    assert gate(made, "schedule", seconds=(instant - made.now).total_seconds()).verdict is PASS


def frozen(**changed: Any) -> Making:
    start = Moment(on=date(2027, 2, 3), time=time(14), zone="UTC")
    freeze = replace(Freeze(id="f", title="Freeze", start=start, minutes=60, rule="FREQ=WEEKLY"), **changed)
    return making(replace(rooms.plan(), freeze=(freeze,)))


def test_a_freeze_holds_but_for_what_it_excepts() -> None:
    assert told(frozen(), "freeze:f") == (FAIL, "", "Freeze: nobody widens until 2027-02-03 15:00:00 UTC")
    assert gate(frozen(), "freeze:f").next_change == datetime(2027, 2, 3, 15, tzinfo=UTC)
    assert gate(frozen(), "freeze:f", hours=1).line == "Freeze: from 2027-02-10 14:00:00 UTC"
    assert gate(frozen(except_stages=("production.wednesday",)), "freeze:f").verdict is PASS
    elsewhere = frozen(rollouts=("beta",)).room().gates("production", rooms.NOW)
    assert "freeze:f" not in {each.id for each in elsewhere}


def waived(made: Making, identity: str, *, second: Any = BO, until: float = 30, stage_: str = "wednesday") -> Making:
    event = events.GateWaived("w", "production", stage_, identity, "?", "known", made.now + timedelta(minutes=until))
    made.wrote(event, ANA, minutes=2)
    return made.wrote(events.WaiverSeconded("w"), second, minutes=1) if second is not None else made


def test_two_people_pass_what_is_inconclusive() -> None:
    made = waived(making(bake=Bake(minutes=300)), "bake")
    found = gate(made, "bake")
    assert found.lets_pass
    assert found.excused == "waived by ana@jump and bo@jump until 2027-02-03 14:33:20 UTC: known"
    assert found.next_change == made.now + timedelta(minutes=30)
    assert not gate(made, "bake", minutes=30).lets_pass


@pytest.mark.parametrize(
    "change",
    [
        lambda made: waived(made, "bake", second=None),
        lambda made: waived(made, "bake", second=ANA),
        lambda made: waived(made, "bake", until=-1),
        lambda made: waived(made, "bake", stage_="thursday"),
        lambda made: waived(made, "metric:rate"),
        lambda made: waived(made, "bake").wrote(
            events.ChangeIntended("op-k", "production", "kill", rooms.exposures.nobody(), None, ""), ANA
        ),
    ],
)
def test_a_waiver_that_does_not_hold_passes_nothing(change: Callable[[Making], Making]) -> None:
    made = change(making(bake=Bake(minutes=300)))
    assert not gate(made, "bake").lets_pass


def overridden(made: Making, identity: str, **span: float) -> Making:
    return made.wrote(
        events.GateOverridden("production", "wednesday", identity, "?", "known and harmless"), ANA, **span
    )


def test_the_director_passes_what_fails_and_that_stays_in_red_until_the_stage_ends() -> None:
    made = making().bugs(making().bug("B1", "P2", "x"))
    overridden(made, "p2", minutes=5)
    found = gate(made, "p2")
    assert (found.verdict, found.overridden, found.lets_pass) == (FAIL, True, True)
    line = "p2 overridden for Wednesday: ana@jump at 2027-02-03 13:58:20 UTC: known and harmless"
    assert made.view().rollout.rollouts[0].overrides == (line,)
    made.changed("op-9", stage("wednesday"), "confirmed", hours=0.05).exposed(stage("wednesday"), op="op-9", hours=0)
    assert made.view().rollout.rollouts[0].overrides == (line,)
    made.changed("op-10", stage("thursday"), "confirmed", hours=0.01)
    assert made.view().rollout.rollouts[0].overrides == ()


def test_a_way_back_ends_an_excuse_whatever_the_clock_was_set_to() -> None:
    kill = events.ChangeIntended("op-k", "production", "kill", rooms.exposures.nobody(), None, "")
    made = overridden(making().bugs(making().bug("B1", "P2", "x")), "p2", minutes=5)
    assert gate(made, "p2").lets_pass
    assert not gate(made.wrote(kill, BO, minutes=50), "p2").lets_pass
    made = waived(making(bake=Bake(minutes=900)), "bake")
    assert gate(made, "bake").lets_pass
    assert not gate(made.wrote(kill, BO, minutes=50), "bake").lets_pass


def test_a_waiver_holds_no_longer_for_a_clock_that_was_set_back() -> None:
    made = waived(making(bake=Bake(minutes=90_000)), "bake")
    assert gate(made, "bake", minutes=-20).lets_pass
    assert not gate(made, "bake", minutes=-60).lets_pass


@pytest.mark.parametrize("identity", sorted(gates.NEVER))
def test_what_a_person_cures_at_once_is_never_excused(identity: str) -> None:
    made = making().has_conn(None).wrote(events.RolloutHeld("production"), BO, minutes=9)
    waived(overridden(made.wrote(events.LineStopped(), CY, minutes=8), identity, minutes=5), identity)
    assert not any(each.excused for each in made.room().gates("production", made.now))
    assert approvals.APPROVAL in gates.NEVER


@settings(max_examples=60)
@given(
    excused=st.sampled_from(
        ["bake", "metric:rate", "checklist:infrastructure", "p2", "order", "hold", "conn", "drift"]
    ),
    by=st.sampled_from(["waiver", "override"]),
    rate=st.sampled_from([None, 0.05, 0.4]),
    bugs=st.booleans(),
)
def test_an_excuse_passes_its_own_gate_and_its_own_verdict_alone(
    excused: str, by: str, rate: float | None, bugs: bool
) -> None:
    made = making(bake=Bake(minutes=300), metrics=(RULE,), checklists=("infrastructure",))
    readings(made, rate=rate)
    made.bugs(*([made.bug("B1", "P2", "x")] if bugs else []))
    before = made.room().gates("production", made.now)
    waived(made, excused) if by == "waiver" else overridden(made, excused, minutes=1)
    for was, found in zip(before, made.room().gates("production", made.now), strict=True):
        right = INCONCLUSIVE if by == "waiver" else FAIL
        assert bool(found.excused) == (
            found.id == excused
            and was.verdict is right
            and found.id not in gates.NEVER
            and (by == "override" or was.waivable)
        )
        assert found.verdict is was.verdict


@settings(max_examples=60)
@given(
    age=st.integers(0, 130), limit=st.sampled_from([0, 60, 75]), minutes=st.integers(238, 244), wait=st.integers(0, 90)
)
def test_a_remembered_view_says_what_a_new_one_would(age: int, limit: float, minutes: int, wait: int) -> None:
    made = making(bake=Bake(minutes=minutes), metrics=(replace(RULE, max_age=limit),))
    readings(made, rate=0.05, age=age)
    remembered = made.room()
    remembered.view(made.now)
    now = made.now + timedelta(seconds=wait)
    # When it next changes is kept as it was first told, so that a screen keeps its view.
    old, new = (each.view(now).rollout.rollouts[0].gates for each in (remembered, made.room()))
    assert [(each.verdict, each.line) for each in old] == [(each.verdict, each.line) for each in new]

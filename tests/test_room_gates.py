"""The gates of widening: what each says, which comes first, and that silence never opens one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import PRIORITIES, Facts, Verdict
from repz_console.room import gates
from repz_console.room.views import GateView
from tests.support import rooms
from tests.support.rooms import ANA, BO, CY, Making, stage

PASS, INCONCLUSIVE, FAIL = Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL


def gate(making: Making, identity: str) -> GateView:
    found = making.view().rollout.rollouts[0].gates
    return next(each for each in found if each.id == identity)


def hold(making: Making) -> None:
    making.wrote(events.RolloutHeld("production", "payments fail"), BO, minutes=6)


def forget_bugs(making: Making) -> None:
    del making.snapshots["local"]


def no_backend(making: Making) -> None:
    sources = {name: source for name, source in making.plan.source.items() if name != "flagd"}
    making.plan = replace(making.plan, source=sources)


def other_rollouts_only(making: Making) -> None:
    states = making.snapshots["flagd"].facts
    assert states is not None
    assert states.rollouts is not None
    making.answered("flagd", Facts(rollouts=states.rollouts[:1]), seconds=1)


Change = Callable[[Making], object]


@pytest.mark.parametrize(
    ("change", "identity", "verdict", "line"),
    [
        (lambda _: None, "hold", PASS, "not held"),
        (hold, "hold", FAIL, "held by bo@jump since 2027-02-03 13:57:20 UTC: payments fail"),
        (lambda _: None, "change", PASS, "the outcome of every change is known"),
        (
            lambda making: making.changed("op-9", stage("wednesday"), "unknown", hours=0.1),
            "change",
            INCONCLUSIVE,
            "change to 60 % by ana@jump: nobody knows whether it happened; roll back, kill or accept (v) settles it",
        ),
        (
            lambda making: making.changed("op-9", stage("wednesday"), "sent", actor=BO, hours=0.1),
            "change",
            INCONCLUSIVE,
            "change to 60 % by bo@jump is under way",
        ),
        (lambda _: None, "p0", PASS, "P0 bugs: none open"),
        (
            lambda making: making.bugs(making.bug("B7K2Q", "P0", "Charges twice")),
            "p0",
            FAIL,
            "P0 bugs: 1 open (B7K2Q): blocks every step",
        ),
        (
            lambda making: making.bugs(*(making.bug(f"B{n}", "P1", "x", hours=9 - n) for n in range(5))),
            "p1",
            FAIL,
            "P1 bugs: 5 open (B0, B1, B2, ...): blocks from Beta",
        ),
        (
            lambda making: making.bugs(making.bug("B7", "P2", "x")),
            "p2",
            FAIL,
            "P2 bugs: 1 open (B7): blocks from Launch",
        ),
        (forget_bugs, "p0", INCONCLUSIVE, "P0 bugs: not known, no source tells of bugs"),
        (
            lambda making: making.aged("local", "disk error", seconds=1),
            "p1",
            INCONCLUSIVE,
            "P1 bugs: none known, but bug data is DOWN",
        ),
        (lambda _: None, "data", PASS, "flagd read back within 60 s, bug data LIVE"),
        (
            lambda making: making.aged("flagd", "timed out", seconds=94),
            "data",
            INCONCLUSIVE,
            "flagd was last read back at 2027-02-03 14:01:46 UTC (limit 60 s): holding",
        ),
        (
            lambda making: making.answered("flagd", None, "timed out"),
            "data",
            INCONCLUSIVE,
            "flagd has not been read back: holding",
        ),
        (other_rollouts_only, "data", INCONCLUSIVE, "flagd has not been read back: holding"),
        (no_backend, "data", INCONCLUSIVE, "no source named flagd is configured: nothing can be read back"),
        (forget_bugs, "data", INCONCLUSIVE, "no source tells of bugs: holding"),
        (lambda _: None, "conn", PASS, "you have the conn"),
        (lambda making: making.has_conn(None), "conn", FAIL, "the conn is FREE: take it to widen"),
        (lambda making: making.has_conn(BO, hours=1), "conn", FAIL, "bo@jump has the conn: only they can widen"),
        (
            lambda making: making.has_conn(replace(ANA, console="c-ana-2"), hours=1),
            "conn",
            FAIL,
            "another console of yours has the conn: only that one can widen",
        ),
        (
            lambda making: making.has_conn(replace(ANA, console="c-ana-2", proven=False), hours=1),
            "conn",
            FAIL,
            "another console of ana@jump has the conn: only that one can widen",
        ),
        (
            lambda making: making.has_conn(replace(ANA, console="c-ana-2", host="desk"), hours=1),
            "conn",
            FAIL,
            "ana@desk has the conn: only they can widen",
        ),
    ],
)
def test_every_gate_says_in_one_line_why(change: Change, identity: str, verdict: Verdict, line: str) -> None:
    making = Making().running()
    change(making)
    found = gate(making, identity)
    assert (found.verdict, found.line) == (verdict, line)


def test_the_same_person_in_another_window_does_not_have_the_conn() -> None:
    making = Making(me=replace(ANA, console="c-other")).running()
    assert gate(making, "conn").verdict is FAIL


def test_a_rule_whose_phase_comes_later_makes_no_gate() -> None:
    making = Making().running()
    making.bugs(making.bug("B1", "P2", "x"), making.bug("B2", "P3", "y"))
    beta = next(each for each in making.view().rollout.rollouts if each.id == "beta")
    assert [each.id for each in beta.gates] == ["hold", "change", "drift", "order", "p0", "p1", "data", "conn"]


def test_an_open_p0_blocks_even_a_plan_without_rules() -> None:
    making = Making(replace(rooms.plan(), bug_rule=())).running()
    making.bugs(making.bug("B1", "P0", "x"))
    assert gate(making, "p0").verdict is FAIL


def test_a_target_is_judged_by_the_phase_it_enters() -> None:
    plan = rooms.plan()
    ramp = plan.rollout["production"]
    early = tuple(replace(each, phase="alpha" if each.id == "soft" else each.phase) for each in ramp.stage)
    making = Making(replace(plan, rollout={**plan.rollout, "production": replace(ramp, stage=early)})).running()
    making.changed("op-9", rooms.exposures.nobody(), "confirmed", hours=1).exposed(rooms.exposures.nobody())
    making.bugs(making.bug("B1", "P2", "x"))
    room = making.room()
    blocked = {each.id for each in room.gates("production", making.now, stage("wednesday")) if each.verdict is FAIL}
    assert blocked == {"order", "p2"}
    assert gates.verdict(room.gates("production", making.now, stage("soft"))) is PASS
    assert gates.verdict(room.gates("production", making.now)) is PASS
    with pytest.raises(KeyError):
        room.gates("elsewhere", making.now)


def test_the_read_back_gate_closes_on_its_own_when_the_time_comes() -> None:
    making = Making().running()
    making.aged("flagd", "", seconds=50)
    room = making.room()
    assert room.view(making.now).rollout.rollouts[0].verdict is PASS
    data = next(each for each in room.gates("production", making.now) if each.id == "data")
    assert data.next_change == making.now + timedelta(seconds=10)
    assert room.view(making.now + timedelta(seconds=9.9)).rollout.rollouts[0].verdict is PASS
    assert room.view(making.now + timedelta(seconds=10)).rollout.rollouts[0].verdict is INCONCLUSIVE


@pytest.mark.parametrize(
    ("change", "blocker"),
    [
        (lambda _: None, ""),
        (lambda making: making.has_conn(None), "the conn is FREE: take it to widen"),
        (
            lambda making: making.has_conn(None).aged("flagd", "x", seconds=94),
            "flagd was last read back at 2027-02-03 14:01:46 UTC (limit 60 s): holding",
        ),
        (
            lambda making: making.aged("flagd", "x", seconds=94).bugs(making.bug("B7", "P2", "x")),
            "P2 bugs: 1 open (B7): blocks from Launch",
        ),
    ],
)
def test_the_blocker_is_the_worst_gate_and_the_conn_comes_last(change: Change, blocker: str) -> None:
    making = Making().running()
    change(making)
    assert making.view().rollout.blocker == blocker


def test_nothing_blocks_when_no_step_is_left() -> None:
    making = Making().running().exposed(stage("full"))
    making.bugs(making.bug("B1", "P0", "x"))
    view = making.view()
    assert view.rollout.rollouts[0].next is None
    assert view.rollout.blocker == ""


answers = st.lists(st.sampled_from([PASS, INCONCLUSIVE, FAIL]), max_size=6)


@given(answers)
def test_fail_beats_inconclusive_beats_pass(verdicts: list[Verdict]) -> None:
    found = tuple(GateView(str(number), "", verdict, f"line {number}") for number, verdict in enumerate(verdicts))
    expected = FAIL if FAIL in verdicts else INCONCLUSIVE if INCONCLUSIVE in verdicts or not verdicts else PASS
    assert gates.verdict(found) is expected
    closed = [each.line for each in found if each.verdict is expected]
    assert gates.blocker(found) == ("" if expected is PASS or not verdicts else closed[0])


@settings(max_examples=60)
@given(
    missing=st.sets(st.sampled_from(["flagd", "local", "plan", "host", "web", "ledger"])),
    old=st.dictionaries(st.sampled_from(["flagd", "local"]), st.floats(0, 500)),
    open_bugs=st.lists(st.sampled_from(PRIORITIES), max_size=3),
    conn=st.sampled_from([None, ANA, BO]),
    me=st.sampled_from([ANA, CY]),
)
def test_silence_never_ships(
    missing: set[str], old: dict[str, float], open_bugs: list[str], conn: object, me: object
) -> None:
    making = Making(me=ANA if me is ANA else CY).running()
    making.bugs(*(making.bug(f"B{number}", priority, "x") for number, priority in enumerate(open_bugs)))  # type: ignore[arg-type]  # drawn from PRIORITIES
    making.has_conn(ANA if conn is ANA else BO if conn is BO else None)
    for source, age in old.items():
        making.aged(source, "timed out" if source == "local" else "", seconds=age)
    for source in missing:
        making.answered(source, None)
    verdict = making.view().rollout.rollouts[0].verdict
    blind = bool(missing & {"flagd", "local"}) or "local" in old or old.get("flagd", 0) >= 60
    blocked = bool({"P0", "P1", "P2"} & set(open_bugs)) and "local" not in missing
    allowed = not blind and not blocked and conn is ANA and me is ANA
    assert (verdict is PASS) == allowed

"""The go/no-go poll: what arms a stage, what does not, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Actor, Verdict
from repz_console.plan.model import Plan, Poll
from repz_console.room.room import Origin
from tests.support import rooms
from tests.support.polls import POLL, Polled, later, plan
from tests.support.rooms import ANA, BO, CY, DEE


def resting_on(*gates: str) -> Poll:
    """The poll, whose first station rests on these gates."""
    technical, director = POLL.round
    first, *others = technical.station
    return replace(POLL, round=(replace(technical, station=(replace(first, gates=gates), *others)), director))


def test_a_poll_that_nobody_called_stops_the_stage() -> None:
    making = Polled(me=BO)
    poll = making.poll()
    assert (poll.verdict, poll.run, poll.armed_until) == ("not called", "", None)
    assert poll.line == "not called: Technical lead calls it"
    assert poll.may_call == ""
    gate = making.gate("poll")
    assert (gate.verdict, gate.line) == (Verdict.FAIL, "Go/no-go: not called: Technical lead calls it")
    assert not gate.waivable


def test_silence_is_no_go_and_is_named() -> None:
    making = Polled(me=CY).call().say("tech")
    poll = making.poll()
    assert (poll.verdict, poll.line) == ("open", "silent: Support lead")
    assert [(station.seat, station.answer, station.turn) for station in poll.stations] == [
        ("tech", "GO", False),
        ("support", "", True),
        ("director", "", False),
    ]
    assert [station.mine for station in poll.stations] == [False, True, False]
    assert making.gate("poll").verdict is Verdict.FAIL


def test_a_no_go_is_told_with_its_reason_before_who_is_silent() -> None:
    poll = Polled().call().say("tech", "NO-GO", "2 P1 open").poll()
    assert (poll.verdict, poll.line) == ("NO-GO", "NO-GO: Technical lead (2 P1 open); silent: Support lead")


def test_the_director_is_asked_only_after_the_technical_poll_is_all_go() -> None:
    making = Polled().call().say("tech")
    assert making.poll().may_call == "Technical poll is not all GO"
    making.say("support")
    poll = making.poll()
    assert (poll.may_call, poll.verdict) == ("", "open")
    assert poll.line == "Technical poll is GO; Launch director calls Director's poll"
    assert making.gate("poll").verdict is Verdict.FAIL
    making.me = CY
    assert making.poll().may_call == "Launch director is ana@jump"


def test_an_answer_given_before_its_round_was_called_is_none() -> None:
    making = Polled().call().say("tech").say("support").say("director", minutes=3.5).call(1, minutes=3)
    assert making.poll().line == "silent: Launch director"


def test_unanimous_go_arms_the_stage_from_the_last_answer_for_its_time() -> None:
    making = Polled(plan(poll_table=resting_on("p0"))).unanimous()
    poll = making.poll()
    assert (poll.verdict, poll.armed_until) == ("GO", making.ago(minutes=2) + timedelta(minutes=20))
    assert poll.line == "GO: armed until 2027-02-03 14:21:20 UTC"
    assert making.gate("poll").verdict is Verdict.PASS
    assert making.gate("poll").next_change == poll.armed_until
    assert poll.armed_until is not None
    assert making.gate("poll", poll.armed_until - timedelta(seconds=1)).verdict is Verdict.PASS
    over = making.gate("poll", poll.armed_until)
    assert over.verdict is Verdict.FAIL


def test_arming_ends_with_the_oldest_answer_it_needs() -> None:
    table = replace(resting_on("p0"), armed_minutes=600)
    making = Polled(plan(poll_table=table)).call(minutes=25).say("tech", minutes=24).say("support", minutes=20)
    making.call(1, minutes=3).say("director", minutes=2)
    poll = making.poll()
    assert poll.armed_until == making.ago(minutes=24) + timedelta(minutes=30)
    lapsed = making.poll(later(6))
    assert lapsed.armed_until is None
    assert "older than 30 min" in lapsed.line


def test_no_other_stage_is_armed() -> None:
    making = Polled()
    stages = making.plan.rollout["production"].stage
    everywhere = tuple(replace(stage, poll="golive") for stage in stages)
    production = replace(making.plan.rollout["production"], stage=everywhere)
    making.plan = replace(making.plan, rollout={**making.plan.rollout, "production": production})
    making.unanimous()
    room = making.room()
    judged = {name: room.gates("production", making.now, rooms.stage(name)) for name in ("wednesday", "thursday")}
    verdicts = {name: next(gate.verdict for gate in gates if gate.id == "poll") for name, gates in judged.items()}
    assert verdicts == {"wednesday": Verdict.PASS, "thursday": Verdict.FAIL}


def test_a_lesser_step_towards_the_stage_is_armed_and_does_not_use_it_up() -> None:
    making = Polled().unanimous()
    some = replace(rooms.stage("wednesday"), percent={"us": 60.0, "ca": 40.0, "uk": 40.0})
    making.changed("op-5", some, "confirmed", hours=0)
    making.exposed(some, op="op-5", hours=0)
    assert making.poll().verdict == "GO"


def test_it_is_spent_once_the_stage_was_entered() -> None:
    making = Polled().unanimous().changed("op-5", rooms.stage("wednesday"), "confirmed", hours=0)
    poll = making.poll()
    assert (poll.verdict, poll.run) == ("not called", "")
    assert poll.line.startswith("not called (used for the change of 2027-02-03 14:03:20 UTC)")
    making.call(run="r2", minutes=0)
    assert making.poll().run == "r2"


@pytest.mark.parametrize("action", ["rollback", "kill"])
def test_after_a_way_back_everybody_is_asked_anew(action: str) -> None:
    making = Polled().unanimous()
    back = events.ChangeIntended("op-6", "production", "kill", rooms.stage("soft"), None, "17")
    making.wrote(replace(back, action=action), CY, minutes=1)
    assert "a way back was taken at" in making.poll().line
    assert making.gate("poll").verdict is Verdict.FAIL


def test_going_back_by_setting_less_is_a_way_back() -> None:
    making = Polled().unanimous()
    less, had = rooms.stage("soft"), rooms.stage("tuesday")
    intent = events.ChangeIntended("op-6", "production", "set", less, had, "17")
    making.wrote(intent, ANA, minutes=1).wrote(events.ChangeEnded("op-6", "rejected"), ANA, minutes=1)
    assert making.poll().verdict == "GO"
    making.wrote(replace(intent, op="op-7"), ANA, minutes=1).wrote(events.ChangeEnded("op-7", "confirmed"), ANA)
    assert "a way back was taken at" in making.poll().line


def p0(making: Polled) -> None:
    making.bugs(making.bug("B1", "P0", "Checkout charges twice"))


def data_old(making: Polled) -> None:
    making.aged("flagd", "timed out", seconds=70)


def seat_taken(making: Polled) -> None:
    making.wrote(events.SeatTaken("tech", "bo@jump", "shift"), Actor("eve", 1009, "jump"), minutes=1)


def seat_there_and_back(making: Polled) -> None:
    seat_taken(making)
    making.wrote(events.SeatTaken("tech", "eve@jump", "back"), BO, minutes=0.5)


def seat_taken_by_a_clock_that_was_set_back(making: Polled) -> None:
    making.wrote(events.SeatTaken("tech", "bo@jump", "shift"), CY, minutes=90)
    making.wrote(events.SeatTaken("tech", "cy@jump", "back"), BO, minutes=80)


def seat_free(making: Polled) -> None:
    seats = tuple(replace(seat, users=("zoe",), groups=()) if seat.id == "tech" else seat for seat in making.plan.seat)
    making.plan = replace(making.plan, seat=seats)


def other_plan(making: Polled) -> None:
    making.origin = Origin(hash="7a" * 32)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (p0, "p0 was PASS and is FAIL"),
        (data_old, "data is INCONCLUSIVE now"),
        (seat_taken, "eve@jump took the seat since"),
        (seat_there_and_back, "bo@jump took the seat since"),
        (seat_taken_by_a_clock_that_was_set_back, "bo@jump took the seat since"),
        (seat_free, "bo@jump holds the seat no more"),
        (other_plan, "said of another plan"),
    ],
)
def test_an_answer_is_stale_once_what_it_rests_on_is_gone(change: Callable[[Polled], None], why: str) -> None:
    making = Polled().unanimous()
    change(making)
    poll = making.poll()
    tech = poll.stations[0]
    assert (tech.stands, tech.stale) == (False, why)
    assert poll.armed_until is None
    assert f"Technical lead ({why})" in poll.line
    assert tech.line.endswith(f"STALE: {why}")
    assert making.gate("poll").verdict is Verdict.FAIL


def test_a_gate_that_no_station_rests_on_makes_no_answer_stale() -> None:
    making = Polled().call().say("support")
    making.bugs(making.bug("B1", "P0", "Checkout charges twice"))
    assert making.poll().stations[1].stands


def test_an_answer_lives_for_its_time_and_not_longer_also_if_the_clock_was_set_back() -> None:
    making = Polled().call(minutes=5).say("support", minutes=4)
    assert making.poll(later(25.9)).stations[1].stands
    assert making.poll(later(26)).verdict == "not called"
    assert making.poll(later(-35)).stations[1].stale == "older than 30 min"


def test_a_poll_that_nobody_goes_on_with_lapses() -> None:
    making = Polled(me=BO).call(minutes=31)
    assert making.poll().line.startswith("not called (the last answer was at")
    assert making.poll().may_call == ""


def test_a_condition_counts_once_the_director_took_it_and_until_it_is_due() -> None:
    making = Polled(me=ANA).call().say("tech").say("support", "GO-IF", "a second agent", due=later(8))
    poll = making.poll()
    assert poll.line == "GO-IF waits for the director: Support lead (a second agent)"
    assert not poll.stations[1].stands
    making.wrote(events.ConditionAccepted("r1", "support"), ANA, minutes=3.5).call(1, minutes=3)
    making.say("director", minutes=2)
    assert making.poll().armed_until == later(8)
    assert "cy sees to it by 2027-02-03 14:11:20 UTC, accepted" in making.poll().stations[1].line
    late = making.poll(later(8))
    assert late.stations[1].stale == "was due 2027-02-03 14:11:20 UTC"
    assert late.armed_until is None


def test_accepting_is_bound_to_the_condition_that_was_made() -> None:
    making = Polled().call().say("support", "GO-IF", "a second agent", due=later(8))
    accepted = events.ConditionAccepted("r1", "support", vote=making.entries[-1].seq)
    making.say("support", "GO-IF", "nothing at all", due=later(8), minutes=3)
    making.wrote(accepted, ANA, minutes=2)
    assert not making.poll().stations[1].stands


def test_an_answer_by_somebody_who_does_not_hold_the_seat_is_none() -> None:
    making = Polled().call().say("support", actor=BO)
    assert making.poll().stations[1].stale == "cy@jump holds the seat"


def test_who_takes_a_seat_that_is_theirs_takes_back_no_answer() -> None:
    making = Polled().unanimous().wrote(events.SeatTaken("tech"), BO, minutes=1)
    assert making.poll().verdict == "GO"


def test_a_word_that_the_director_wrote_down_is_marked_and_ends_when_the_seat_is_taken() -> None:
    making = Polled(seated=False).call().say("support", actor=ANA, verbal="cy by phone")
    station = making.poll().stations[1]
    assert station.stands
    assert "GO by cy by phone, told to ana@jump" in station.line
    making.wrote(events.SeatTaken("support"), CY, minutes=1)
    assert making.poll().stations[1].stale == "cy@jump took the seat since"


def test_a_damaged_journal_leaves_open_what_was_answered() -> None:
    making = Polled().unanimous()
    making.damage = "entry 12 is gone"
    gate = making.gate("poll")
    assert (gate.verdict, gate.line) == (
        Verdict.INCONCLUSIVE,
        "Go/no-go: not known what was answered: entry 12 is gone",
    )


def test_a_poll_that_the_plan_lacks_is_no_pass() -> None:
    making = Polled(plan(poll="other"))
    assert making.rollout().poll is None
    assert making.gate("poll").verdict is Verdict.INCONCLUSIVE


def test_a_poll_that_asks_nobody_arms_nothing() -> None:
    for rounds in ((), (replace(POLL.round[0], station=()),)):
        making = Polled(plan(poll_table=replace(POLL, round=rounds))).call()
        assert making.poll().armed_until is None
        assert making.gate("poll").verdict is Verdict.FAIL


def one_person(whole: Plan) -> Plan:
    return replace(whole, seat=tuple(replace(seat, users=("ana",), groups=(), deputies=()) for seat in whole.seat))


def test_one_person_may_hold_every_seat() -> None:
    making = Polled(one_person(plan()), seated=False)
    assert [station.holder for station in making.poll().stations] == ["free: ana"] * 3
    for seat in ("tech", "support", "director"):
        making.wrote(events.SeatTaken(seat), ANA, minutes=6)
    making.call().say("tech", actor=ANA).say("support", actor=ANA).call(1, minutes=3).say("director", minutes=2)
    assert all(station.mine for station in making.poll().stations)
    assert making.gate("poll").verdict is Verdict.PASS


def test_each_change_by_itself_is_foretold() -> None:
    """The view says when it must be looked at again: at that instant, and not before, something is another."""
    making = Polled(plan(poll_table=resting_on("p0"))).unanimous()
    room = making.room()
    at = making.now
    while (upcoming := room.view(at).rollout.next_change) is not None and upcoming < later(60):
        before = room.view(at).rollout.rollouts[0].poll
        assert room.view(upcoming - timedelta(microseconds=1)).rollout.rollouts[0].poll == before
        at = upcoming
    assert at >= later(18)


def test_a_deputy_is_no_stranger() -> None:
    making = Polled(me=DEE, seated=False)
    assert making.poll().stations[2].mine
    making.wrote(events.SeatTaken("director"), ANA, minutes=1)
    assert not making.poll().stations[2].mine

"""Seats, second people, approvals and waivers: who counts, and what makes it void."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Actor, Exposure, Verdict
from repz_console.plan.model import Plan, Seat
from repz_console.room import seats, waivers
from repz_console.room.consents import Consents, Holder, Waiver
from repz_console.room.decisions import Decisions
from repz_console.room.room import Origin
from repz_console.room.viewer import Viewer
from repz_console.room.views import ApprovalView
from tests.support import rooms
from tests.support.polls import Polled, later, plan
from tests.support.rooms import ANA, BO, CY, DEE, NOW

ZOE = Actor("zoe", 1009, "jump")
ROOT = Actor("root", 0, "jump", proven=False)
EVERYBODY = frozenset({"ana", "bo", "cy", "dee", "deployers"})


def held_by(actor: Actor, seat: str = "tech") -> Consents:
    return Consents(seats={seat: Holder(actor, NOW)})


def looks(actor: Actor, *groups: str, known: frozenset[str] | None = EVERYBODY) -> Viewer:
    return Viewer(actor, frozenset(groups), known)


# Seats


@pytest.mark.parametrize(
    ("viewer", "holder", "present", "may"),
    [
        (looks(BO), None, (), True),
        (looks(ZOE, "deployers"), None, (), True),
        (looks(ZOE), None, (), False),
        (looks(DEE), None, (), False),
        (looks(ZOE, known=frozenset()), None, (), True),
    ],
)
def test_who_may_hold_a_seat(viewer: Viewer, holder: Actor | None, present: tuple[str, ...], may: bool) -> None:
    consents = held_by(holder) if holder is not None else Consents()
    assert seats.claim(rooms.plan(), consents, "tech", viewer, present).may is may


def test_a_seat_that_names_nobody_who_exists_is_anyones_and_says_so() -> None:
    claim = seats.claim(rooms.plan(), Consents(), "tech", looks(ZOE, known=frozenset()))
    assert (claim.may, claim.note) == (True, "Technical lead names nobody who exists here, so anyone may hold it")
    nobody = replace(rooms.plan(), seat=(Seat(id="cook", title="Cook"),))
    assert seats.claim(nobody, Consents(), "cook", looks(ZOE)).may


def test_a_deputy_holds_a_seat_while_nobody_else_does_or_whoever_does_is_away() -> None:
    viewer, mine = looks(DEE), held_by(ANA, "director")
    assert seats.claim(rooms.plan(), Consents(), "director", viewer).may
    here = seats.claim(rooms.plan(), mine, "director", viewer, ["ana"])
    assert (here.may, here.note) == (
        False,
        "a deputy takes Launch director only while nobody else holds it; ana@jump does",
    )
    away = seats.claim(rooms.plan(), mine, "director", viewer, ["bo"])
    assert away.may
    assert away.over is not None
    assert seats.claim(rooms.plan(), held_by(DEE, "director"), "director", viewer).over is None


def test_whoever_the_plan_lets_no_longer_holds_a_seat_does_not() -> None:
    whole = rooms.plan()
    assert seats.holder(whole, held_by(CY, "support"), "support", looks(ANA)) is not None
    others = replace(whole, seat=tuple(replace(seat, users=("bo",), groups=()) for seat in whole.seat))
    assert seats.holder(others, held_by(CY, "support"), "support", looks(ANA)) is None
    assert seats.holder(whole, held_by(ZOE), "tech", looks(ANA)) is not None, "whether zoe is a deployer is not known"
    assert seats.holder(whole, held_by(ZOE), "tech", looks(ZOE)) is None, "zoe's own console knows it"


# Two people


@pytest.mark.parametrize(
    ("other", "solo", "minutes", "counts"),
    [
        (BO, False, 0, True),
        (ANA, False, 60, False),
        (replace(BO, uid=ANA.uid), False, 60, False),
        (replace(ANA, uid=4000, host="jump2"), False, 60, False),
        (ROOT, False, 60, False),
        (BO, True, 0, True),
        (ANA, True, 4.9, False),
        (ANA, True, 5, True),
        (ROOT, True, 4, False),
        (ROOT, True, 5, True),
        (ANA, True, -10, False),
    ],
)
def test_who_is_a_second_person(other: Actor, solo: bool, minutes: float, counts: bool) -> None:
    assert (seats.why_no_second(ANA, NOW, other, later(minutes), solo=solo) == "") is counts


@given(st.integers(0, 3), st.integers(0, 3), st.booleans(), st.booleans(), st.floats(0, 1000))
def test_without_solo_nobody_is_ever_two(uid: int, other: int, proven: bool, also: bool, minutes: float) -> None:
    one, two = Actor(f"u{uid}", uid, "jump", proven=proven), Actor(f"u{other}", other, "jump", proven=also)
    counts = seats.why_no_second(one, NOW, two, later(minutes), solo=False) == ""
    assert counts == (uid != other and proven and also)


# Approvals


def approval(making: Polled) -> ApprovalView:
    view = making.rollout().approval
    assert view is not None
    return view


def asked(of: Plan | None = None, *, me: Actor = ANA) -> Polled:
    return Polled(of or plan(poll="", approvals=1), me=me)


def test_nothing_asked_is_no_approval() -> None:
    making = asked()
    assert making.rollout().approval is None
    gate = making.gate("approval")
    assert (gate.verdict, gate.line, gate.waivable) == (
        Verdict.FAIL,
        "approval: not asked for; 1 other person must approve",
        False,
    )


def test_an_approval_opens_its_gate_until_it_expires() -> None:
    making = asked().asked()
    assert (approval(making).needed, approval(making).given, approval(making).void) == (1, (), "")
    making.wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    gate = making.gate("approval")
    assert (gate.verdict, gate.line, gate.next_change) == (Verdict.PASS, "approved by bo@jump", later(9))
    assert making.gate("approval", later(9)).verdict is Verdict.FAIL
    assert approval(making).given == ("bo@jump",)


@pytest.mark.parametrize("approver", [ANA, ROOT, replace(ANA, console="c-other", tty="pts/9")])
def test_the_asker_and_a_shared_account_approve_nothing(approver: Actor) -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), approver, minutes=1)
    assert making.gate("approval").verdict is Verdict.FAIL


def test_two_consoles_of_one_person_are_one_person() -> None:
    making = asked(plan(poll="", approvals=2)).asked()
    making.wrote(events.ApprovalGiven("a1"), BO, minutes=2)
    making.wrote(events.ApprovalGiven("a1"), replace(BO, console="c-two", host="jump2"), minutes=1)
    assert making.gate("approval").verdict is Verdict.FAIL
    making.wrote(events.ApprovalGiven("a1"), CY, minutes=1)
    assert making.gate("approval").line == "approved by bo@jump, cy@jump"


def test_who_approved_is_not_who_applies_it() -> None:
    making = asked(me=BO).asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    assert making.gate("approval").line.endswith("you approved it, so somebody else applies it")
    assert approval(making).may_give == "you approved it already"


def other_plan(making: Polled) -> None:
    making.origin = Origin(hash="7a" * 32)


def other_revision(making: Polled) -> None:
    facts = making.snapshots["flagd"].facts
    assert facts is not None
    assert facts.rollouts is not None
    states = tuple(replace(state, revision="18") for state in facts.rollouts)
    making.answered("flagd", replace(facts, rollouts=states), seconds=2)


def other_verdict(making: Polled) -> None:
    making.bugs(making.bug("B1", "P0", "Checkout charges twice"))


def other_stage(making: Polled) -> None:
    making.exposed(rooms.stage("wednesday"), op="op-3")


@pytest.mark.parametrize(
    ("change", "void"),
    [
        (other_plan, "it was asked on another plan"),
        (other_revision, "it was asked on revision 17, and 18 is configured"),
        (other_verdict, "p0 was PASS and is FAIL"),
        (other_stage, "it was asked for wednesday, and the step enters thursday now"),
    ],
)
def test_what_was_not_approved_makes_it_void(change: Callable[[Polled], None], void: str) -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    change(making)
    view = approval(making)
    assert (view.void, view.may_give) == (void, f"void: {void}")
    if change is not other_stage:
        assert (making.gate("approval").verdict, making.gate("approval").line) == (
            Verdict.FAIL,
            f"approval: void, for {void}",
        )


def test_a_gate_that_says_better_does_not_make_it_void() -> None:
    making = asked()
    making.bugs(making.bug("B1", "P0", "Checkout charges twice"))
    making.asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    making.bugs()
    assert approval(making).void == ""
    assert making.gate("approval").verdict is Verdict.PASS


def test_another_target_is_not_approved() -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    less = Exposure({"us": 50.0, "ca": 40.0, "uk": 40.0}, ("adaptive", "core", "tiers"))
    found = making.room().gates("production", making.now, less)
    assert "which is another target" in next(gate.line for gate in found if gate.id == "approval")


@pytest.mark.parametrize("action", ["set", "kill"])
def test_it_is_used_once(action: str) -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    if action == "set":
        making.changed("op-7", rooms.stage("wednesday"), "confirmed", hours=0)
    else:
        making.wrote(events.ChangeIntended("op-7", "production", "kill", rooms.stage("soft"), None, ""), CY)
    assert making.rollout().approval is None


def test_a_change_under_way_does_not_make_it_void() -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    making.changed("op-7", rooms.stage("wednesday"), "sent", hours=0)
    assert making.gate("approval").verdict is Verdict.PASS


@pytest.mark.parametrize("state", ["sent", "partial"])
def test_the_steps_of_the_change_itself_do_not_make_it_void(state: str) -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    decided = events.ChangeIntended("op-7", "production", "set", rooms.stage("wednesday"), None, "17")
    making.wrote(decided, ANA, seconds=20).wrote(events.ChangeSent("op-7"), ANA, seconds=20)
    if state == "partial":
        making.wrote(events.ChangeEnded("op-7", "partial"), ANA, seconds=10)
    other_revision(making)
    # Where it was done in part, what is configured is not as decided, which its own gate says.
    assert "revision" not in approval(making).void
    making.wrote(events.ChangeEnded("op-7", "superseded"), ANA, seconds=5)
    assert approval(making).void == "it was asked on revision 17, and 18 is configured"


def test_alone_one_approval_after_the_cool_off_is_all_and_is_marked() -> None:
    making = asked(plan(poll="", approvals=2, solo=True)).asked(minutes=6)
    assert approval(making).may_give == ""
    assert "alone" in asked(plan(poll="", approvals=2, solo=True)).asked(minutes=4).rollout().approval.may_give  # type: ignore[union-attr]
    making.wrote(events.ApprovalGiven("a1", solo=True), ANA, minutes=0.5)
    assert making.gate("approval").line == "approved by ana@jump SOLO"
    assert approval(making).given == ("ana@jump SOLO",)


def test_a_damaged_journal_approves_nothing() -> None:
    making = asked().asked().wrote(events.ApprovalGiven("a1"), BO, minutes=1)
    making.damage = "entry 12 is gone"
    assert making.gate("approval").verdict is Verdict.INCONCLUSIVE


# Waivers


def waived(second: Actor | None, minutes: float = 4, *, solo: bool = False) -> Waiver:
    event = events.GateWaived("w1", "production", "wednesday", "data", "old", "known", later(30))
    at = NOW + timedelta(minutes=minutes)
    return Waiver(event, ANA, NOW, second, solo, at if second is not None else None)


@pytest.mark.parametrize(
    ("waiver", "solo", "minutes", "holds"),
    [
        (waived(None), False, 5, False),
        (waived(BO), False, 5, True),
        (waived(BO), False, 30, False),
        (waived(ANA), False, 5, False),
        (waived(ROOT), False, 5, False),
        (waived(ANA, 4, solo=True), True, 6, False),
        (waived(ANA, 5, solo=True), True, 6, True),
        (waived(ANA, 5, solo=True), False, 6, False),
    ],
)
def test_a_waiver_holds_once_two_agreed_and_until_its_end(
    waiver: Waiver, solo: bool, minutes: float, holds: bool
) -> None:
    assert waivers.holds(waiver, plan(solo=solo), later(minutes)) is holds


def test_a_waiver_says_who_may_agree() -> None:
    making = Polled(me=BO)
    making.wrote(events.GateWaived("w1", "production", "wednesday", "data", "old", "known", later(30)), ANA, minutes=1)
    (view,) = making.rollout().waivers
    assert (view.who, view.second, view.may_second) == ("ana@jump", "", "")
    making.me = ANA
    assert making.rollout().waivers[0].may_second == "that needs somebody else than who asked"
    making.me = ZOE
    making.wrote(events.WaiverSeconded("w1"), BO, minutes=0)
    assert making.rollout().waivers[0].may_second == "bo@jump agreed already"
    assert making.rollout(later(30)).waivers == ()


# The line


def test_a_line_stopped_without_the_journal_is_stopped() -> None:
    making = Polled()
    room, waiting = making.room(), Decisions()
    waiting.fold([rooms.entry(1, events.LineStopped("smoke"), CY, NOW)])
    room.update(waiting=waiting)
    stopped = room.surroundings(NOW).consents.line
    assert stopped is not None
    assert (stopped.who, stopped.reason) == ("cy@jump", "smoke")

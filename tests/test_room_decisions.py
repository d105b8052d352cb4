"""The journal folded: every order of entries gives a state, and only certain words settle a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console import events
from repz_console.facts import Exposure
from repz_console.plan import exposure as exposures
from repz_console.room import truths
from repz_console.room.decisions import LATEST_KEPT, NOTHING_DECIDED, Decisions
from tests.support.rooms import ANA, BO, entry

START = datetime(2027, 2, 1, tzinfo=UTC)
OUTCOMES = ("confirmed", "rejected", "unknown", "not_applied", "superseded")


def share(percent: float, *regions: str) -> Exposure:
    return Exposure(dict.fromkeys(regions or ("us",), percent), ("core",))


def intended(op: str, percent: float = 20, rollout: str = "production", **more: Any) -> events.ChangeIntended:
    return events.ChangeIntended(op, rollout, "set", share(percent), None, "1", **more)


def ended(op: str, outcome: str) -> events.ChangeEnded:
    return msgspec.convert({"kind": "change.ended", "op": op, "outcome": outcome}, events.ChangeEnded)


def folded(*written: events.AnyEvent) -> Decisions:
    decisions = Decisions()
    decisions.fold(entry(seq, event, ANA, START + timedelta(minutes=seq)) for seq, event in enumerate(written, 1))
    return decisions


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([], "sent"),
        (["confirmed"], "confirmed"),
        (["rejected"], "rejected"),
        (["unknown"], "unknown"),
        (["unknown", "confirmed"], "confirmed"),
        (["unknown", "not_applied"], "not_applied"),
        (["unknown", "superseded"], "superseded"),
        (["unknown", "rejected"], "unknown"),
        (["confirmed", "rejected"], "confirmed"),
        (["rejected", "confirmed"], "rejected"),
        (["not_applied", "confirmed"], "not_applied"),
        (["superseded", "unknown"], "superseded"),
    ],
)
def test_a_change_ends_once(outcomes: list[str], state: str) -> None:
    decisions = folded(intended("a"), events.ChangeSent("a"), *(ended("a", outcome) for outcome in outcomes))
    change = decisions.change("a")
    assert change is not None
    assert change.state == state


def test_an_outcome_without_sent_counts_and_late_sent_does_not_reopen() -> None:
    decisions = folded(intended("a"), ended("a", "rejected"), events.ChangeSent("a"))
    change = decisions.change("a")
    assert change is not None
    assert (change.state, change.state_at) == ("rejected", START + timedelta(minutes=2))


@pytest.mark.parametrize(
    ("last", "desired"),
    [("intended", "b"), ("confirmed", "b"), ("unknown", "b"), ("rejected", "a"), ("not_applied", "a")],
)
def test_desired_is_the_last_change_that_may_have_happened(last: str, desired: str) -> None:
    outcome = [] if last == "intended" else [ended("b", last)]
    decided = folded(intended("a"), ended("a", "confirmed"), intended("b", 40), *outcome).rollout("production")
    assert decided.desired is not None
    assert decided.desired.op == desired
    assert decided.latest is not None
    assert decided.latest.op == "b"


def test_unknown_and_under_way_are_told_apart() -> None:
    decisions = folded(intended("a"), ended("a", "unknown"), intended("b"), events.ChangeSent("b"), intended("c"))
    decided = decisions.rollout("production")
    assert [change.op for change in decided.unknown] == ["a"]
    assert [change.op for change in decided.under_way] == ["b", "c"]
    assert [change.op for change in decisions.unsettled()] == ["a", "b", "c"]


def test_a_kill_settles_what_it_overrules_only_once_it_is_confirmed() -> None:
    kill = events.ChangeIntended("k", "production", "kill", exposures.nobody(), None, "1", supersedes=("a",))
    before = folded(intended("a"), ended("a", "unknown"), kill, events.ChangeSent("k"))
    assert [change.op for change in before.rollout("production").unknown] == ["a"]
    before.fold([entry(before.length + 1, ended("k", "confirmed"), BO, START + timedelta(hours=1))])
    overruled = before.change("a")
    assert overruled is not None
    assert (overruled.state, overruled.why) == ("superseded", "overruled by k")
    assert before.rollout("production").unknown == ()


def test_holds_belong_to_a_rollout_and_are_lifted() -> None:
    decisions = folded(events.RolloutHeld("production", "payments fail"), events.RolloutHeld("beta"))
    hold = decisions.rollout("production").hold
    assert hold is not None
    assert (hold.who, hold.reason) == ("ana@jump", "payments fail")
    decisions.fold([entry(3, events.RolloutResumed("production"), BO, START)])
    assert decisions.rollout("production").hold is None
    assert decisions.rollout("beta").hold is not None


def test_the_conn_is_given_up_only_with_its_own_token() -> None:
    decisions = folded(events.ConnTaken(3), events.ConnTaken(4, "ana@jump", "lunch"), events.ConnReleased(3))
    assert decisions.conn is not None
    assert decisions.conn.event.token == 4
    decisions.fold([entry(4, events.ConnReleased(4), ANA, START)])
    assert decisions.conn is None


def test_a_rebase_holds_for_the_plan_it_was_made_on() -> None:
    first = events.PlanRebased(START, 7, "one")
    second = events.PlanRebased(START + timedelta(days=7), 14, "one")
    decisions = folded(first, events.PlanAdopted("two", "text", "path"), second)
    assert decisions.rebase_of("two") is None
    rebase = decisions.rebase_of("one")
    assert rebase is not None
    assert rebase.event is second
    assert decisions.adopted is not None
    assert decisions.adopted.event.hash == "two"


def test_consoles_that_closed_are_not_listed() -> None:
    decisions = folded(events.ConsoleOpened("1"), events.ConsoleClosed("quit"), events.ConsoleOpened("1"))
    assert decisions.consoles == {"c-ana": ANA}


def test_entries_are_folded_once_and_the_newest_come_first() -> None:
    notes = [entry(seq, events.NoteAdded(str(seq)), ANA, START) for seq in range(1, LATEST_KEPT + 11)]
    decisions = Decisions()
    assert decisions.fold(notes[:50])
    assert not decisions.fold(notes[:50])
    assert decisions.fold(notes)
    assert decisions.length == len(notes)
    assert decisions.head == notes[-1].hash
    assert decisions.latest == tuple(reversed(notes))[:LATEST_KEPT]
    assert decisions.latest is decisions.latest


def test_a_rollout_keeps_its_object_until_something_about_it_changes() -> None:
    decisions = folded(intended("a"), ended("a", "confirmed"))
    before = decisions.rollout("production")
    decisions.fold([entry(3, events.NoteAdded("hello"), ANA, START), entry(4, events.RolloutHeld("beta"), ANA, START)])
    assert decisions.rollout("production") is before
    decisions.fold([entry(5, events.RolloutHeld("production"), ANA, START)])
    assert decisions.rollout("production") is not before
    assert decisions.rollout("elsewhere") is NOTHING_DECIDED


ops = st.sampled_from(["a", "b", "c", "d"])
exposed = st.builds(share, st.sampled_from([0.0, 10.0, 20.0, 40.0, 100.0]), st.sampled_from(["us", "ca"]))
any_event = st.one_of(
    st.builds(
        events.ChangeIntended,
        op=ops,
        rollout=st.sampled_from(["production", "beta"]),
        action=st.sampled_from(["set", "rollback", "kill"]),
        target=exposed,
        before=st.none() | exposed,
        expect=st.just("1"),
        supersedes=st.lists(ops, max_size=2).map(tuple),
    ),
    st.builds(events.ChangeSent, ops),
    st.builds(ended, ops, st.sampled_from(OUTCOMES)),
    st.builds(events.RolloutHeld, st.sampled_from(["production", "beta"])),
    st.builds(events.RolloutResumed, st.sampled_from(["production", "beta"])),
    st.builds(events.ConnTaken, st.integers(1, 3)),
    st.builds(events.ConnReleased, st.integers(1, 3)),
    st.just(events.Unknown("from.tomorrow", {"x": 1})),
    st.just(events.ConsoleClosed()),
)


@given(st.lists(any_event, max_size=30), st.integers(0, 30))
def test_any_order_of_events_gives_a_consistent_state(written: list[events.AnyEvent], cut: int) -> None:
    whole = folded(*written)
    parts = Decisions()
    entries = [entry(seq, event, ANA, START + timedelta(minutes=seq)) for seq, event in enumerate(written, 1)]
    parts.fold(entries[:cut])
    for rollout in ("production", "beta"):
        parts.rollout(rollout)
    parts.fold(entries)
    for rollout in ("production", "beta"):
        decided = whole.rollout(rollout)
        assert decided == parts.rollout(rollout)
        assert all(change.state == "unknown" for change in decided.unknown)
        assert all(change.state in ("intended", "sent") for change in decided.under_way)
        assert decided.desired is None or decided.desired.state not in ("rejected", "not_applied", "superseded")
        for change in decided.unknown:
            assert any(isinstance(event, events.ChangeIntended) and event.op == change.op for event in written)


@given(st.lists(any_event, max_size=30), st.none() | exposed)
def test_the_way_back_never_widens(written: list[events.AnyEvent], configured: Exposure | None) -> None:
    decided = folded(*written).rollout("production")
    back = truths.last_good(decided, configured)
    if configured is not None:
        assert back is not None
        assert not exposures.widens(configured, back)
        assert exposures.is_nobody(configured) or not exposures.same(configured, back)

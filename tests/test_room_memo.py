"""A quiet second costs nothing: an area that would look the same is the very same object."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import asdict, replace

from repz_console import events
from repz_console.facts import Facts, Freshness, Person, TaskProgress
from repz_console.room.memo import Memo
from repz_console.room.room import Room
from repz_console.room.views import RoomView
from tests.support import rooms
from tests.support.rooms import BO, Making, stage

AREAS = frozenset(["launch", "timeline", "rollout", "health", "bugs", "budget", "control", "sources", "journal"])


def kept(old: RoomView, new: RoomView) -> frozenset[str]:
    """The areas that are the same object, the clock aside."""
    return frozenset(area for area in AREAS if getattr(old, area) is getattr(new, area))


@pytest.fixture
def making() -> Making:
    return Making().running()


@pytest.fixture
def room(making: Making) -> Room:
    return making.room()


def test_a_second_later_only_the_clock_moved(making: Making, room: Room) -> None:
    old, new = room.view(making.now), room.view(making.now + timedelta(seconds=1))
    assert kept(old, new) == AREAS
    assert new.clock == replace(old.clock, now=making.now + timedelta(seconds=1))
    assert room.view(making.now + timedelta(seconds=1)) == new


def test_an_unchanged_poll_changes_nothing_that_is_drawn(making: Making, room: Room) -> None:
    old = room.view(making.now)
    later = making.now + timedelta(seconds=5)
    for source, snapshot in making.snapshots.items():
        making.snapshots[source] = replace(snapshot, last_ok_at=later, last_try_at=later)
    making.tell(room)
    new = room.view(later)
    assert kept(old, new) == AREAS
    assert old.next_change is not None
    assert new.next_change is not None
    assert new.next_change > old.next_change


def _poll(source: str, facts: Facts) -> Any:
    return lambda making: making.answered(source, facts, seconds=0)


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda making: making.wrote(events.NoteAdded("hello")), {"journal"}),
        (lambda making: making.wrote(events.RolloutHeld("beta"), BO), {"journal", "rollout"}),
        (lambda making: making.bugs(making.bug("B1", "P4", "x")), {"bugs"}),
        (lambda making: making.bugs(making.bug("B1", "P0", "x")), {"bugs", "rollout"}),
        (_poll("plan", Facts(progress=(TaskProgress("soft", 5, "bo", rooms.NOW),))), {"timeline"}),
        (_poll("ledger", Facts(spend=())), {"budget"}),
        (_poll("host", Facts()), {"health"}),
        (lambda making: making.aged("host", "no /proc", seconds=1), {"sources"}),
        (lambda making: making.has_conn(BO), {"control", "rollout"}),
        (lambda making: making.exposed(stage("soft")), {"rollout"}),
        (lambda making: setattr(making, "history", {}), {"health"}),
        (lambda making: setattr(making, "trouble", "damaged"), {"journal"}),
        (lambda making: setattr(making, "people", making.people[:1]), {"control"}),
        (lambda making: setattr(making, "history", dict(making.history)), set()),
        (lambda making: making.has_conn(rooms.ANA, hours=5), set()),
        (lambda _: None, set()),
    ],
)
def test_a_change_replaces_only_the_areas_that_it_concerns(
    making: Making, room: Room, change: Any, changed: set[str]
) -> None:
    old = room.view(making.now)
    change(making)
    making.tell(room)
    assert AREAS - kept(old, room.view(making.now)) == changed


def test_updates_say_only_what_changed(making: Making, room: Room) -> None:
    old = room.view(making.now)
    room.update(lease=None)
    free = room.view(making.now)
    assert free.control.state == "FREE"
    room.update(people=[Person("bo", "jump", "tech", "c-bo", making.now)])
    alone = room.view(making.now)
    assert [person.user for person in alone.control.people] == ["bo"]
    assert alone.control.state == "FREE"
    assert kept(old, alone) == AREAS - {"control", "rollout"}


def test_another_plan_is_another_room(making: Making, room: Room) -> None:
    room.view(making.now)
    making.plan = replace(making.plan, metric=(), launch=replace(making.plan.launch, title="Other"))
    making.tell(room)
    view = room.view(making.now)
    assert view.launch.title == "Other"
    assert view.health.metrics == ()
    assert view == making.view()


def test_freshness_passes_on_its_own(making: Making, room: Room) -> None:
    old = room.view(making.now)
    assert old.next_change == making.now + timedelta(seconds=3)
    new = room.view(old.next_change)
    host = next(source for source in new.sources.sources if source.id == "host")
    assert host.freshness is Freshness.LATE
    assert kept(old, new) == AREAS - {"sources", "health"}


def test_a_late_sources_own_time_is_told_exactly(making: Making, room: Room) -> None:
    room.view(making.now)
    fresh = making.now + timedelta(seconds=2)
    making.snapshots["host"] = replace(making.snapshots["host"], last_ok_at=fresh)
    making.tell(room)
    late = room.view(fresh + timedelta(seconds=4)).sources
    assert next(source.last_ok_at for source in late.sources if source.id == "host") == fresh


def _timeless(view: Any) -> Any:
    """A view without what may be kept from an earlier moment."""
    if isinstance(view, Struct):
        fields = {key: _timeless(value) for key, value in asdict(view).items() if key != "next_change"}
        if fields.get("freshness") is Freshness.LIVE:
            fields.pop("last_ok_at", None)
        return fields
    return [_timeless(each) for each in view] if isinstance(view, tuple) else view


spans = st.one_of(st.integers(0, 300), st.integers(-3 * 86400, 40 * 86400))


@settings(max_examples=40)
@given(st.lists(spans, min_size=1, max_size=6))
def test_a_room_that_lived_through_other_moments_says_what_a_new_one_says(moments: list[int]) -> None:
    making = Making().running()
    room = making.room()
    for seconds in moments:
        now = making.now + timedelta(seconds=seconds)
        assert _timeless(room.view(now)) == _timeless(making.room().view(now))


@settings(max_examples=40)
@given(spans, st.floats(0, 0.999))
def test_nothing_but_the_clock_changes_before_next_change(seconds: int, part: float) -> None:
    making = Making().running()
    now = making.now + timedelta(seconds=seconds)
    old = making.room().view(now)
    until = old.next_change or now + timedelta(days=1000)
    assert until > now
    between = now + part * (until - now)
    new = making.room().view(between)
    assert _timeless(replace(new, clock=replace(new.clock, now=now))) == _timeless(old)


class View(Struct):
    number: int
    next_change: datetime | None = None


def test_a_memo_compares_objects_by_identity_and_plain_values_by_equality() -> None:
    memo: Memo[View] = Memo()
    built: list[int] = []

    def ask(*inputs: object) -> View:
        return memo.get(inputs, rooms.NOW, lambda: built.append(1) or View(len(built)))

    shared = [1]
    assert ask(shared, "word", 1.5).number == 1
    assert ask(shared, "wo" + "rd", 1.5).number == 1
    assert ask([1], "word", 1.5).number == 2
    assert ask([1], "word").number == 3


def test_a_memo_looks_again_when_the_clock_was_set_back() -> None:
    memo: Memo[View] = Memo()
    assert memo.get((), rooms.NOW, lambda: View(1)).number == 1
    assert memo.get((), rooms.NOW - timedelta(seconds=1), lambda: View(2)).number == 2

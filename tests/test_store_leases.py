"""Leases: one holder at a time, a token that only grows, and a fence that stops whoever woke up too late."""

from __future__ import annotations

from pathlib import Path

import pytest

from repz_console.events import ChangeIntended, ConnReleased, ConnTaken, NoteAdded
from repz_console.facts import Exposure
from repz_console.store.journal import Fence, FenceError, Journal, StoreError
from repz_console.store.leases import Lease, Leases
from tests.support.store import Clock, actor, tamper

ANA, BO = actor("ana", "c1"), actor("bo", "c2")
WIDEN = ChangeIntended("op", "web", "set", Exposure({"us": 20.0}), None, "1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Journal:
    return Journal.open(tmp_path, clock=clock)


@pytest.fixture
def leases(journal: Journal) -> Leases:
    return Leases(journal)


def took(lease: Lease | None) -> Lease:
    assert lease is not None
    return lease


def test_one_holds_it_until_it_is_given_up(leases: Leases, journal: Journal) -> None:
    assert leases.holder("conn") is None
    lease = took(leases.take("conn", ANA, 15, event=lambda token: ConnTaken(token)))
    assert (lease.token, lease.holder) == (1, ANA)
    assert leases.holder("conn") == lease
    assert leases.take("conn", BO, 15, event=lambda token: ConnTaken(token)) is None
    assert took(leases.take("collector", BO, 6)).token == 1
    assert leases.release(lease, ConnReleased(lease.token, "given up"))
    assert leases.holder("conn") is None
    assert took(leases.take("conn", BO, 15, event=lambda token: ConnTaken(token))).token == 2
    assert [(entry.event, entry.actor) for entry in journal.entries()] == [
        (ConnTaken(1), ANA),
        (ConnReleased(1, "given up"), ANA),
        (ConnTaken(2), BO),
    ]


def test_it_lapses_when_it_is_not_renewed(leases: Leases, clock: Clock) -> None:
    lease = took(leases.take("conn", ANA, 15))
    clock.seconds += 14
    assert leases.renew(lease)
    clock.seconds += 14
    assert leases.holder("conn") == lease
    clock.seconds += 1
    assert leases.holder("conn") is None
    assert not leases.renew(lease), "a console that froze must not come back with the conn"
    assert took(leases.take("conn", BO, 15)).token == 2
    assert not leases.renew(lease)
    assert not leases.release(lease, ConnReleased(1))


def test_it_ends_with_the_boot(leases: Leases, clock: Clock) -> None:
    lease = took(leases.take("conn", ANA, 15))
    clock.boot, clock.seconds = "boot-2", 3.0
    assert leases.holder("conn") is None
    assert not leases.renew(lease)
    assert took(leases.take("conn", ANA, 15)).token == 2


def test_taking_it_again_keeps_the_token(leases: Leases, journal: Journal, clock: Clock) -> None:
    lease = took(leases.take("conn", ANA, 15, event=lambda token: ConnTaken(token)))
    clock.seconds += 10
    assert leases.take("conn", ANA, 15, over=lease, event=lambda token: ConnTaken(token)) == lease
    clock.seconds += 10
    assert leases.holder("conn") == lease
    assert journal.head()[0] == 1
    other_window = actor("ana", "c9")
    assert leases.take("conn", other_window, 15) is None


def test_stealing_stops_the_one_who_had_it(leases: Leases, journal: Journal) -> None:
    first = took(leases.take("conn", ANA, 15))
    assert journal.append(WIDEN, ANA, fence=first.fence).seq == 1
    second = took(leases.take("conn", BO, 15, over=first, event=lambda token: ConnTaken(token, "ana@box", "asleep")))
    assert second.token == 2
    assert leases.take("conn", actor("cy", "c3"), 15, over=first) is None, "she did not mean to take it from bo"
    with pytest.raises(FenceError, match="taken the conn"):
        journal.append(WIDEN, ANA, fence=first.fence)
    with pytest.raises(FenceError):
        journal.append_many([WIDEN, NoteAdded("x")], ANA, fence=first.fence)
    assert not leases.release(first)
    assert journal.append(WIDEN, BO, fence=second.fence).seq == 3
    assert journal.head()[0] == 3


def test_a_fence_needs_a_lease_that_runs(leases: Leases, journal: Journal, clock: Clock) -> None:
    with pytest.raises(FenceError, match="Nobody holds"):
        journal.append(WIDEN, ANA, fence=Fence("conn", 1))
    lease = took(leases.take("conn", ANA, 15))
    clock.seconds += 15
    with pytest.raises(FenceError, match="lapsed"):
        journal.append(WIDEN, ANA, fence=lease.fence)
    assert journal.append(NoteAdded("anyone may note"), ANA).seq == 1
    lease = took(leases.take("conn", ANA, 15))
    leases.release(lease)
    with pytest.raises(FenceError, match="lapsed"):
        journal.append(WIDEN, ANA, fence=lease.fence)


def test_a_lease_is_not_taken_if_its_entry_cannot_be_written(leases: Leases, journal: Journal) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        leases.take("conn", ANA, 15, event=lambda token: ConnTaken(token, reason=None))  # type: ignore[arg-type] # a slip
    assert leases.holder("conn") is None
    assert journal.head()[0] == 0


def test_two_consoles_race_for_it_over_two_connections(tmp_path: Path, clock: Clock) -> None:
    one, two = (Leases(Journal.open(tmp_path, clock=clock)) for _ in range(2))
    lease = took(one.take("conn", ANA, 15))
    assert two.take("conn", BO, 15) is None
    assert two.holder("conn") == lease
    one.release(lease)
    assert took(two.take("conn", BO, 15)).token == 2


def test_a_read_only_journal_gives_no_lease(tmp_path: Path, clock: Clock) -> None:
    Journal.open(tmp_path).close()
    leases = Leases(Journal.open(tmp_path, read_only=True, clock=clock))
    assert leases.holder("conn") is None
    with pytest.raises(StoreError):
        leases.take("conn", ANA, 15)


def test_a_damaged_holder_is_nobody_who_can_be_trusted(leases: Leases, tmp_path: Path) -> None:
    leases.take("conn", ANA, 15)
    tamper(tmp_path, "UPDATE lease SET holder = 'garbage'")
    lease = took(leases.holder("conn"))
    assert (lease.holder.user, lease.holder.proven) == ("?", False)

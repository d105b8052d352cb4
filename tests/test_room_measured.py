"""What traffic saw, against what is configured: only what no sample explains is DRIFT."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console.events import ChangeIntended
from repz_console.facts import Abilities, Actor, Exposure, Facts, Freshness, Measured, Snapshot
from repz_console.plan.ramp import Rollout
from repz_console.room import measured
from repz_console.room.decisions import ChangeRecord, ChangeState, RolloutDecisions
from tests.support import rooms

NOW = datetime(2027, 2, 3, 14, tzinfo=UTC)
RAMP = Rollout(title="", controller="flags", cohort="", regions=("us", "world"), people={"us": 1, "world": 3})
EVEN = Exposure({"us": 20, "world": 20}, ("core",))
UNEVEN = Exposure({"us": 80, "world": 20}, ("core",))


def count(percent: float, samples: int, at: datetime = NOW) -> Measured:
    return Measured("production", "core", percent, samples, at)


def drift(percent: float, samples: int, configured: Exposure = EVEN, **more: datetime) -> tuple[str, ...]:
    counts = [(count(percent, samples), Freshness.LIVE)]
    return measured.drift(counts, RAMP, configured, more.get("changed_at"), more.get("settled"))


@pytest.mark.parametrize(
    ("percent", "samples", "differs"),
    [(20, 10, False), (0, 10, False), (0, 1000, True), (19, 1000, False), (19, 100_000, True), (21, 100_000, True)],
)
def test_what_a_sample_explains_is_no_drift(percent: float, samples: int, differs: bool) -> None:
    assert bool(drift(percent, samples)) is differs


def test_regions_that_differ_let_traffic_see_anything_between_them() -> None:
    assert drift(20, 100_000, UNEVEN) == drift(60, 100_000, UNEVEN) == drift(80, 100_000, UNEVEN) == ()
    (line,) = drift(90, 100_000, UNEVEN)
    assert line == "traffic sees core in 90 % of 100,000 evaluations, configured is 20 % to 80 %"
    assert measured.expected(RAMP, UNEVEN, "core") == 35


def test_only_a_count_from_after_the_last_change_was_seen_by_all_tells() -> None:
    assert drift(50, 100_000, settled=NOW) == drift(50, 100_000, changed_at=NOW) == ()
    assert drift(50, 100_000, settled=NOW - timedelta(seconds=1), changed_at=NOW - timedelta(hours=1))
    stale = [(count(50, 100_000), Freshness.STALE)]
    assert measured.drift(stale, RAMP, EVEN, None, None) == ()
    assert measured.drift([(count(50, 100_000), Freshness.LIVE)], RAMP, None, None, None) == ()


def test_somebody_who_sees_what_nobody_should_is_drift() -> None:
    assert drift(0.5, 1000, Exposure({}, ()))
    assert drift(0, 1000, Exposure({}, ())) == ()
    assert drift(100, 1_000_000, Exposure({"us": 100, "world": 100}, ("core",))) == ()


@given(st.floats(0, 100), st.integers(1, 10**7))
def test_an_interval_holds_what_was_counted(percent: float, samples: int) -> None:
    low, high = measured.interval(percent, samples)
    assert 0 <= low <= percent <= high <= 100


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 0.98])
def test_the_interval_misses_no_more_than_it_promises(share: float) -> None:
    samples = 2000
    missed = 0.0
    for seen in range(samples + 1):
        low, high = measured.interval(100 * seen / samples, samples)
        if not low <= 100 * share <= high:
            ways = math.lgamma(samples + 1) - math.lgamma(seen + 1) - math.lgamma(samples - seen + 1)
            missed += math.exp(ways + seen * math.log(share) + (samples - seen) * math.log(1 - share))
    assert missed <= 0.003


def test_the_fourth_truth_says_what_was_counted_and_what_was_expected() -> None:
    facts = Facts(measured=(count(19.8, 12_340), Measured("beta", "core", 1, 1, NOW)))
    found = measured.found({"unleash": Snapshot("unleash", "unleash", 5, facts, NOW, NOW)}, "production", NOW)
    truth = measured.truth(found, RAMP, EVEN)
    assert truth.note == "core 19.8 % of 12,340 evaluations, expected 20 %"
    assert (truth.freshness, truth.at, truth.exposure) == (Freshness.LIVE, NOW, None)


def test_a_change_settles_when_the_slowest_backend_may_be_expected_to_have_told_everybody() -> None:
    intent = ChangeIntended("a", "production", "set", EVEN, None, "1")
    change = ChangeRecord(intent, Actor("ann", 1, "jump"), NOW, 1, "confirmed", NOW)
    abilities = {"flags": Abilities(propagation=17), "another": Abilities(propagation=99)}

    def settles(state: ChangeState) -> datetime | None:
        return measured.settles_at(RAMP, RolloutDecisions(desired=replace(change, state=state)), abilities)

    assert settles("confirmed") == settles("partial") == NOW + timedelta(seconds=17)
    assert settles("unknown") is None
    assert measured.settles_at(RAMP, RolloutDecisions(), abilities) is None


@pytest.mark.parametrize(
    ("percent", "samples"), [(0, 0), (20, -1), (float("nan"), 10), (-4, 10), (400, 10), (20, 10**400)]
)
def test_what_nobody_can_have_counted_is_no_count(percent: float, samples: int) -> None:
    seen = {"edge": Snapshot("edge", "sample", 30, Facts(measured=(count(percent, samples),)), NOW, NOW)}
    assert measured.found(seen, "production", NOW) == ()


def test_it_is_said_in_time_that_a_count_is_old() -> None:
    seen = {"edge": Snapshot("edge", "sample", 30, Facts(measured=(count(20, 10),)), NOW, NOW)}
    assert list(measured.expiries(seen, "production", NOW)) == [NOW + timedelta(seconds=60)]
    making = rooms.Making().running()
    counted = replace(count(40, 10), at=making.ago(seconds=5))
    making.answered("host", Facts(measured=(counted,)), seconds=1)
    room = making.room()
    now = making.now
    while (now := room.view(now).rollout.next_change or now + timedelta(days=1)) < making.now + timedelta(minutes=1):
        pass
    truth = room.view(making.now + timedelta(minutes=1)).rollout.rollouts[0].measured
    assert truth.freshness is Freshness.DOWN

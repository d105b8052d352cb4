"""Each reading's history: means that stay right however old they get, gaps that stay gaps, counts that add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repz_console.facts import Facts, Reading, Snapshot
from repz_console.store.telemetry import Telemetry

T0 = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def say(telemetry: Telemetry, seconds: float, value: float | None, unit: str = "ms", name: str = "p95") -> None:
    facts = Facts((Reading(name, value, at(seconds), unit),))
    telemetry.save([Snapshot("api", "probe", 1, facts, at(seconds), at(seconds))], at(seconds))


@pytest.fixture
def telemetry(tmp_path: Path) -> Telemetry:
    return Telemetry.open(tmp_path)


def values(telemetry: Telemetry, since: float = 0, points: int = 60, name: str = "p95") -> list[float]:
    return [value for _, value in telemetry.history("api", name, at(since), points)]


def test_the_latest_value_is_there_at_once_for_its_collector(telemetry: Telemetry) -> None:
    assert telemetry.history("api", "p95", T0) == []
    say(telemetry, 0, 7.0)
    assert telemetry.history("api", "p95", T0) == [(T0, 7.0)]


def test_others_see_a_stretch_when_it_is_over(telemetry: Telemetry, tmp_path: Path) -> None:
    other = Telemetry.open(tmp_path)
    for second in range(25):
        say(telemetry, second, float(second))
    assert other.history("api", "p95", T0) == [(at(0), 4.5), (at(10), 14.5)]
    assert telemetry.history("api", "p95", T0) == [(at(0), 4.5), (at(10), 14.5), (at(20), 22.0)]
    telemetry.close()
    assert other.history("api", "p95", T0)[-1] == (at(20), 22.0)


def test_a_poll_counts_once_however_often_it_is_saved(telemetry: Telemetry) -> None:
    fast, slow = Reading("p95", 2.0, at(0), "ms"), Reading("slow", 9.0, at(0), "count")
    for second in range(30):
        facts = Facts((Reading("p95", 2.0, at(second), "ms"), slow))
        telemetry.save([Snapshot("api", "probe", 1, facts, at(second), at(second))], at(second))
    assert values(telemetry, name="slow") == [9.0]
    assert values(telemetry) == [fast.value] * 3


def test_a_gap_stays_a_gap(telemetry: Telemetry) -> None:
    say(telemetry, 0, 1.0)
    say(telemetry, 11, None)
    say(telemetry, 22, float("nan"))
    say(telemetry, 33, float("inf"))
    say(telemetry, 44, 3.0)
    assert telemetry.history("api", "p95", T0) == [(at(0), 1.0), (at(40), 3.0)]


def test_since_and_points_bound_the_answer(telemetry: Telemetry) -> None:
    for second in range(0, 600, 5):
        say(telemetry, second, float(second))
    assert len(values(telemetry)) == 60
    assert values(telemetry, since=580) == [582.5, 592.5]
    few = telemetry.history("api", "p95", T0, 5)
    assert len(few) <= 5
    assert [when for when, _ in few] == sorted(when for when, _ in few)
    assert len(values(telemetry, points=1)) == 1
    assert values(telemetry, points=0) == []


def test_points_do_not_shift_when_time_moves_on(telemetry: Telemetry) -> None:
    for second in range(0, 900, 10):
        say(telemetry, second, float(second))
    before = dict(telemetry.history("api", "p95", T0, 31))
    say(telemetry, 901, 1.0)
    after = dict(telemetry.history("api", "p95", T0, 31))
    kept = [when for when in list(before)[1:] if when in after]
    assert len(kept) >= 20
    assert [before[when] for when in kept] == [after[when] for when in kept]


def test_old_means_are_weighted_by_how_many_there_were(telemetry: Telemetry) -> None:
    for second in range(10):
        say(telemetry, second, 1.0)
    say(telemetry, 30, 12.0)
    say(telemetry, 70, 5.0)
    telemetry.prune(at(2 * 3600))
    assert telemetry.history("api", "p95", at(-60)) == [(at(0), 2.0), (at(60), 5.0)]
    telemetry.prune(at(3 * 86400))
    assert telemetry.history("api", "p95", at(-60)) == [(at(0), pytest.approx(27 / 12))]
    telemetry.prune(at(89 * 86400))
    assert len(values(telemetry, since=-60)) == 1
    telemetry.prune(at(91 * 86400))
    assert values(telemetry, since=-60) == []


def test_counts_add_up_at_every_age(telemetry: Telemetry) -> None:
    for second in range(120):
        say(telemetry, second, 2.0, "count")
    assert sum(values(telemetry)) == 240
    assert sum(values(telemetry, points=3)) == 240
    telemetry.prune(at(2 * 3600))
    assert values(telemetry) == [120.0, 120.0]
    telemetry.prune(at(3 * 86400))
    assert values(telemetry, since=-900) == [240.0]


def test_pruning_twice_changes_nothing(telemetry: Telemetry) -> None:
    for second in range(0, 7200, 30):
        say(telemetry, second, float(second))
    telemetry.prune(at(7200))
    once = telemetry.history("api", "p95", T0, 500)
    telemetry.prune(at(7200))
    telemetry.prune(at(7205))
    assert telemetry.history("api", "p95", T0, 500) == once


def test_two_collectors_in_one_stretch_are_both_counted(telemetry: Telemetry, tmp_path: Path) -> None:
    for second in range(5):
        say(telemetry, second, 1.0)
    telemetry.close()
    other = Telemetry.open(tmp_path)
    for second in range(5, 10):
        say(other, second, 3.0)
    say(other, 10, 0.0)
    assert values(other)[0] == 2.0


@settings(max_examples=20)
@given(
    polls=st.lists(st.tuples(st.integers(1, 40), st.integers(-1000, 1000)), min_size=1, max_size=30),
    prunes=st.lists(st.sampled_from([3600, 7200, 86400, 3 * 86400]), max_size=3),
)
def test_no_count_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, polls: list[tuple[int, int]], prunes: list[int]
) -> None:
    telemetry = Telemetry.open(tmp_path_factory.mktemp("history"))
    second = 0
    for step, value in polls:
        second += step
        say(telemetry, second, float(value), "count")
    for later in sorted(prunes):
        telemetry.prune(at(second + later))
    # The oldest stretch may be asked for from its own start only.
    assert sum(values(telemetry, since=-900, points=100_000)) == sum(value for _, value in polls)
    telemetry.close()

"""What a change of an Unleash flag sends: whatever was there and whatever is wanted, and wherever it is broken off."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.facts import Change, Exposure
from repz_console.plan.exposure import same
from repz_console.providers import unleash_state as states
from repz_console.providers.unleash_api import REHEARSAL, Request
from repz_console.providers.unleash_strategy import Bucketing, Environment, Flag, Strategy
from tests.support.providers import REGIONS
from tests.support.unleash_server import Refusal, patched

LAYOUT = states.Layout(
    rollout="production",
    environment="production",
    bucketing=Bucketing("repz.production", "userId", "country"),
    regions=REGIONS,
    flags={"core": "repz.production.core"},
)
NOW = datetime(2027, 2, 1, tzinfo=UTC)
shares = st.dictionaries(st.sampled_from([region.id for region in REGIONS]), st.integers(0, 100))


def read(strategies: list[dict[str, Any]], *, on: bool = True) -> states.Part:
    """A flag with these strategies."""
    found = msgspec.convert(strategies, tuple[Strategy, ...])
    return states.read(LAYOUT, "core", Flag("repz.production.core", (Environment("production", on, found),)))


def target(percent: dict[str, int]) -> Exposure:
    """That share of each region."""
    shown = {region: float(share) for region, share in percent.items() if share}
    return Exposure(shown, ("core",) if shown else ())


def send(strategies: list[dict[str, Any]], request: Request, added: list[str]) -> list[dict[str, Any]]:
    """What the server has after a request."""
    after = copy.deepcopy(strategies)
    if request == REHEARSAL:
        return after
    if request.method == "POST":
        added.append(f"s{len(after) + 1}")
        return [*after, {"id": added[-1], "disabled": False, **request.body}]
    path = request.path
    for number, identity in enumerate(added):
        path = path.replace(states.added_id(number), identity)
    (found,) = [each for each in after if path == f"/strategies/{each['id']}"]
    for operation in request.body:
        patched(found, operation)
    return after


def taken(strategies: list[dict[str, Any]], op: str, to: Exposure) -> list[list[dict[str, Any]]]:
    """What the server has after each request of a change."""
    part = read(strategies)
    change = Change(op=op, rollout="production", target=to, expect=part.state.revision, who="maya")
    seen, added = [strategies], list[str]()
    for request in states.plan(LAYOUT, part, change, NOW)[0]:
        seen.append(send(seen[-1], request, added))
    return seen


def cell(strategies: list[dict[str, Any]], region: str) -> float:
    """The share of a region."""
    return read(strategies).state.exposure.percent.get(region, 0.0)


@given(st.lists(shares, min_size=1, max_size=4))
def test_on_the_way_nobody_has_more_than_before_or_after(ramp: list[dict[str, int]]) -> None:
    strategies: list[dict[str, Any]] = taken([], "first", target(ramp[0]))[-1]
    assert same(read(strategies).state.exposure, target(ramp[0]))
    for number, percent in enumerate(ramp[1:]):
        way = taken(strategies, f"op{number}", target(percent))
        for region in REGIONS:
            highest = max(cell(strategies, region.id), float(percent.get(region.id, 0)))
            assert all(cell(each, region.id) <= highest for each in way), region.id
        strategies = way[-1]
        state = read(strategies).state
        assert same(state.exposure, target(percent))
        assert (state.op, state.least) == (f"op{number}", None)
        assert all(read(each).state.op != f"op{number}" for each in way[:-1]), "half a change is not the change"


@given(shares, shares, shares)
def test_what_was_judged_by_an_older_state_fails_at_its_first_request(
    before: dict[str, int], fence: dict[str, int], late: dict[str, int]
) -> None:
    strategies = taken([], "first", target(before))[-1]
    part = read(strategies)
    change = Change(op="late", rollout="production", target=target(late), expect=part.state.revision, who="maya")
    requests = [each for each in states.plan(LAYOUT, part, change, NOW)[0] if each.method == "PATCH"]
    moved = taken(strategies, "fence", target(fence))[-1]
    first = next(each for each in requests if each != REHEARSAL)
    with pytest.raises(Refusal, match="TEST_OPERATION_FAILED"):
        send(moved, first, [])


@given(shares)
def test_a_fence_says_the_same_under_another_revision(percent: dict[str, int]) -> None:
    strategies = taken([], "first", target(percent))[-1]
    before = read(strategies).state
    after = read(taken(strategies, "fence", before.exposure)[-1]).state
    assert (after.exposure, after.op) == (before.exposure, "fence")
    assert after.revision != before.revision


def test_of_two_changes_of_a_strategy_without_a_title_the_second_is_shut_out() -> None:
    parameters = {"rollout": "50", "groupId": "repz.production", "stickiness": "userId"}
    strategies = [{"id": "s1", "name": "flexibleRollout", "title": None, "disabled": False, "parameters": parameters}]
    part = read([{**strategies[0], "constraints": []}])
    held = [{**strategies[0], "constraints": []}]
    fence, late = (
        states.plan(LAYOUT, part, Change(op, "production", to, part.state.revision, "ann"), NOW)[0]
        for op, to in (("fence", part.state.exposure), ("late", target({"us": 5, "world": 5})))
    )
    for request in fence:
        held = send(held, request, [])
    with pytest.raises(Refusal):
        send(held, late[0], [])

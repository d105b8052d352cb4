"""What several controllers show together, and a way back that gives none of their people more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.facts import Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.ramp import Part, Rollout
from tests.support.configs import SMALL, changed, mistakes
from tests.support.several import everywhere

REGIONS = ("us", "ca", "world")
FEATURES = ("a", "b", "c", "d")
RAMP = Rollout(
    title="",
    cohort="",
    regions=REGIONS,
    part=tuple(Part(controller=f"of {feature}", features=(feature,)) for feature in FEATURES[:3]),
)

"""Another process may have the machine."""

shares = st.sampled_from([0.0, 5.0, 12.5, 20.0, 99.99, 100.0])
percents = st.dictionaries(st.sampled_from(REGIONS), shares)
features = st.lists(st.sampled_from(FEATURES[:3]), unique=True).map(lambda found: tuple(sorted(found)))
targets = st.builds(Exposure, percents, features)


@st.composite
def part(draw: st.DrawFn, feature: str) -> RolloutState:
    shown = Exposure(draw(percents), (feature,) if draw(st.booleans()) else ())
    least = draw(st.none() | st.builds(Exposure, percents, st.just((feature,))))
    if least is not None:
        least = exposures.at_most(shown, least)
    return RolloutState("production", shown, draw(st.text(max_size=5)), op=draw(st.sampled_from("xy")), least=least)


@st.composite
def gathered(draw: st.DrawFn) -> RolloutState:
    said = {f"of {feature}": draw(part(feature)) for feature in FEATURES[:3]}
    state = parts.gathered(RAMP, said)
    assert state is not None
    return state


def within(inner: Exposure, outer: Exposure) -> bool:
    """Whether no cell of one is above that of the other."""
    most = exposures.cells(outer)
    return all(share <= most.get(cell, 0.0) for cell, share in exposures.cells(inner).items())


def share(state: RolloutState, each: RolloutState, target: Exposure) -> Exposure:
    step = parts.Step(each.controller, parts.carried(RAMP, each.controller))
    return parts.of_step(target, step, state, each)


@given(gathered())
def test_what_is_combined_understates_nobody_and_what_it_says_all_have_they_have(state: RolloutState) -> None:
    least = exposures.cells(parts.least(state))
    for each in state.parts:
        assert within(each.exposure, state.exposure)
        mine = {cell: percent for cell, percent in least.items() if cell[1] in parts.carried(RAMP, each.controller)}
        assert all(percent <= exposures.cells(parts.least(each)).get(cell, 0.0) for cell, percent in mine.items())
    exact = {cell: percent for each in state.parts for cell, percent in exposures.cells(each.exposure).items()}
    if state.least is None:
        assert exact == exposures.cells(state.exposure)


@given(gathered(), targets)
def test_a_way_back_widens_no_part_and_goes_beyond_no_target(state: RolloutState, target: Exposure) -> None:
    back = parts.at_most(RAMP, state, target)
    assert within(back, target)
    for each in state.parts:
        assert not exposures.widens(parts.least(each), share(state, each, back))
    assert not parts.widens(RAMP, state, back)


@given(gathered(), targets)
def test_a_change_widens_where_it_widens_any_part(state: RolloutState, target: Exposure) -> None:
    rising = [exposures.widens(parts.least(each), share(state, each, target)) for each in state.parts]
    assert parts.widens(RAMP, state, target) is any(rising)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_revision_of_several_tells_each_of_them(revisions: list[str]) -> None:
    joined = parts.joined(revisions)
    assert list(parts.split(joined, len(revisions))) == revisions
    if len(revisions) > 1:
        assert parts.split(joined, len(revisions) + 1) == ("",) * (len(revisions) + 1)


def test_nothing_is_known_while_one_part_is_not() -> None:
    known = RolloutState("production", everywhere(5, "a"), "1")
    assert parts.gathered(RAMP, {"of a": known, "of b": known, "of c": None}) is None


def test_the_op_of_all_is_one_that_each_carries() -> None:
    def state(*ops: str) -> RolloutState:
        return parts.combined([RolloutState("production", everywhere(5, "a"), "1", op=op) for op in ops])

    assert state("x", "x", "x").op == "x"
    assert state("x", "x", "y").op == ""
    assert state("x", "", "x").op == ""


def test_features_that_are_changed_one_by_one_are_steps_of_their_own() -> None:
    stepwise = {"of a": (("a",), ("x",))}
    assert parts.steps_of(RAMP, lambda source: stepwise.get(source, ())) == (
        parts.Step("of a", ("a",), ("a",)),
        parts.Step("of a", ("x",), ("x",)),
        parts.Step("of b", ("b",)),
        parts.Step("of c", ("c",)),
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('part = [{ controller = "flags" }, { controller = "flags" }]', "again; allowed: one that is not taken yet"),
        ('part = [{ controller = "nobody" }]', "rollout.production.part[0].controller"),
        ('controller = "flags"\npart = [{ controller = "flags" }]', "both controller and part"),
        ('part = [{ controller = "flags", features = ["nothing"] }]', "rollout.production.part[0].features[0]"),
    ],
)
def test_parts_that_contradict_each_other_are_mistakes(written: str, told: str) -> None:
    found = mistakes(changed(SMALL, {'controller = "flags"': written}))
    assert any(told in mistake for mistake in found), found


@given(targets, st.sampled_from([0.01, 0.5, 1.0, 5.0, 100.0]))
def test_in_coarser_steps_there_is_no_more_and_nothing_in_between(target: Exposure, step: float) -> None:
    found = exposures.in_steps(target, step)
    assert not exposures.widens(target, found)
    assert all(percent / step == pytest.approx(round(percent / step)) for percent in found.percent.values())
    assert exposures.in_steps(found, step) == found
    assert all(target.percent[region] - found.percent.get(region, 0) < step for region in target.percent)

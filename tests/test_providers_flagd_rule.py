"""Exposures as targeting rules and back."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ParseError

from repz_console.facts import Exposure
from repz_console.plan.exposure import at_most, cells, same, widens
from repz_console.plan.model import Region
from repz_console.providers import flagd_state
from repz_console.providers.base import ProviderError
from repz_console.providers.flagd_document import Document, encode, parse, rejected
from repz_console.providers.flagd_file import Loaded
from repz_console.providers.flagd_rule import Rule, Unreadable, Unwritable, check, flag, weight
from tests.support.providers import FEATURES, REGIONS, START, change

LAYOUT = flagd_state.Layout("production", "repz.", "country", REGIONS, FEATURES, FEATURES)

percents = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)
exposures = st.builds(
    Exposure,
    percent=st.dictionaries(st.sampled_from([region.id for region in REGIONS]), percents),
    features=st.sets(st.sampled_from(FEATURES)).map(lambda names: tuple(sorted(names))),
    key=st.sampled_from(["targetingKey", "accountId"]),
)


def document(exposure: Exposure, of: Document | None = None) -> Document:
    asked = change("op", exposure.percent, *exposure.features, key=exposure.key)
    return flagd_state.write(LAYOUT, of or {"flags": {}}, asked, START)


def seen(found: Document) -> Exposure:
    return flagd_state.read(LAYOUT, Loaded(found, 0, rejected(found), older=False)).exposure


def core(found: Document) -> dict[str, Any]:
    flag: dict[str, Any] = found["flags"]["repz.production.core"]
    return flag


@given(exposures)
def test_what_is_written_is_read_back(exposure: Exposure) -> None:
    written = parse(encode(document(exposure)))
    assert rejected(written) == {}
    assert same(seen(written), exposure)
    assert seen(written).key == exposure.key


@given(exposures, exposures)
def test_writing_over_another_exposure_leaves_nothing_of_it(first: Exposure, second: Exposure) -> None:
    assert same(seen(document(second, document(first))), second)


def edited(found: Document, data: st.DataObject) -> Document:
    """A document in which one value somewhere, or a whole flag, is replaced by another."""
    found = copy.deepcopy(found)
    node: Any = found["flags"]
    while True:
        place = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[place], dict | list) or not node[place] or data.draw(st.booleans()):
            words = st.sampled_from(["on", "off", "US", "GB", "ENABLED", "DISABLED", "targetingKey", "country", "x"])
            node[place] = data.draw(
                st.one_of(st.none(), st.booleans(), st.integers(-9, 20_000), words, st.lists(words))
            )
            return found
        node = node[place]


def shows(client: FlagdCore, person: str | None, country: str | None) -> bool:
    context = EvaluationContext(person, {"country": country} if country else {})
    try:
        return client.resolve_boolean_value("repz.production.core", False, context).value
    except Exception:  # an application is given its own default, whatever went wrong
        return False


@given(exposures, st.data())
def test_whatever_is_edited_nobody_sees_it_unless_it_is_read_so(exposure: Exposure, data: st.DataObject) -> None:
    found = edited(document(exposure), data)
    client = FlagdCore()
    try:
        read = cells(seen(found))
        client.set_flags(json.dumps(found))
    except (ProviderError, ParseError):
        return  # not known, or not taken by clients
    for region in REGIONS:
        for country in region.countries or (None,):
            for person in (None, *map(str, range(20))):
                assert not shows(client, person, country) or (region.id, "core") in read


@pytest.mark.parametrize("percent", [-0.01, 100.01, math.nan, math.inf, 0.005, 33.333])
def test_shares_that_cannot_be_written_are_refused(percent: float) -> None:
    with pytest.raises(Unwritable):
        weight(percent)


@pytest.mark.parametrize(
    "exposure",
    [
        Exposure({"mars": 10}, ("core",)),
        Exposure({"us": 10}, ("core", "teleport")),
        Exposure({"us": 10}, ("core",), "person\nid"),
    ],
)
def test_what_the_plan_does_not_know_is_refused(exposure: Exposure) -> None:
    with pytest.raises(Unwritable):
        check(exposure, REGIONS, FEATURES)


def test_two_regions_with_one_country_are_refused_except_to_show_nothing() -> None:
    regions = (*REGIONS, Region(id="north", title="", countries=("CA",)))
    with pytest.raises(Unwritable, match="ca and north both name CA"):
        check(Exposure({"us": 1}, ("core",)), regions, FEATURES)
    check(Exposure({}), regions, FEATURES)


def test_a_change_of_weights_by_a_stranger_is_read_as_it_is() -> None:
    found = document(Exposure({"world": 20}, ("core",)))
    fraction = core(found)["targeting"]["if"][-1]["if"][1]["fractional"]
    fraction[1:] = [["on", 50], ["off", 50]]
    state = flagd_state.read(LAYOUT, Loaded(found, 0, {}, older=False))
    assert state.exposure == Exposure({"world": 50}, ("core",))
    assert "weights add up to 100" in " ".join(state.notes)
    assert "somebody outside" in " ".join(state.notes)


@pytest.mark.parametrize(
    "shares",
    [
        [["off", 5000], ["on", 5000]],
        [["on", 33.3], ["off", 66.7]],
        [["on", "20"], ["off", 80]],
        [["on", 2000], ["off", 3000], ["on", 5000]],
        [["on", True], ["off", 1]],
        [["on"], ["off"]],
        [["on", 0], ["off", 0]],
        [],
    ],
)
def test_other_ways_to_bucket_are_not_guessed(shares: list[Any]) -> None:
    found = document(Exposure({"world": 20}, ("core",)))
    core(found)["targeting"]["if"][-1]["if"][1]["fractional"][1:] = shares
    with pytest.raises(ProviderError, match=r"repz\.production\.core"):
        seen(found)


@pytest.mark.parametrize(
    "edit",
    [
        {"state": "DISABLED"},
        {"targeting": {"fractional": [["on", 10], ["off", 90]]}},
        {"targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "on", "off"]}},
        {"targeting": {"if": [{"in": [{"var": "city"}, ["Oslo"]]}, "on", "off"]}},
        {"targeting": {"$ref": "everyone"}},
        {"targeting": "on"},
        {"variants": {"on": "yes", "off": "no"}},
        {"defaultVariant": None, "targeting": {}},
    ],
)
def test_a_stranger_s_own_rule_is_not_read_as_nobody(edit: dict[str, Any]) -> None:
    found = document(Exposure({"world": 20}, ("core",)))
    core(found).update(edit)
    with pytest.raises(ProviderError, match=r"repz\.production\.core"):
        seen(found)


def test_a_flag_that_shows_everybody_by_default_is_read_as_everybody() -> None:
    found = document(Exposure({}))
    core(found)["defaultVariant"] = "on"
    assert seen(found) == Exposure(dict.fromkeys([region.id for region in REGIONS], 100.0), ("core",))


def test_countries_moved_by_a_stranger_count_for_the_whole_region() -> None:
    found = document(Exposure({"us": 30}, ("core",)))
    core(found)["targeting"]["if"][0]["in"][1].append("GB")
    state = flagd_state.read(LAYOUT, Loaded(found, 0, {}, older=False))
    assert state.exposure.percent == {"us": 30, "english": 30}
    assert any("region english" in note for note in state.notes)
    assert state.least is not None
    assert cells(state.least) == {("us", "core"): 30}


def test_people_outside_every_region_are_not_overlooked() -> None:
    layout = flagd_state.Layout("production", "repz.", "country", REGIONS[:2], FEATURES, FEATURES)
    found = document(Exposure({"world": 5}, ("core",)))
    with pytest.raises(ProviderError, match="no region"):
        flagd_state.read(layout, Loaded(found, 0, {}, older=False))


def test_features_with_different_shares_count_as_the_larger() -> None:
    found = document(Exposure({"us": 10}, ("core", "full")))
    wider = document(Exposure({"us": 80}, ("core",)))
    found["flags"]["repz.production.core"] = wider["flags"]["repz.production.core"]
    exposure = seen(found)
    assert exposure == Exposure({"us": 80}, ("core", "full"))
    assert not widens(exposure, Exposure({"us": 80}, ("core",)))


@given(exposures, exposures, exposures)
def test_at_most_the_least_share_gives_nothing_to_anybody(one: Exposure, other: Exposure, target: Exposure) -> None:
    found = document(replace(one, key="targetingKey"))
    stranger = document(replace(other, key="targetingKey"))
    found["flags"]["repz.production.core"] = core(stranger)
    state = flagd_state.read(LAYOUT, Loaded(found, 0, {}, older=False))
    lower = document(at_most(state.least or state.exposure, target), found)
    for key, definition in found["flags"].items():
        before = Rule("production", definition, "country")
        after = Rule("production", lower["flags"][key], "country")
        for country in ("US", "CA", "DE", ""):
            assert after.percent(country) <= before.percent(country)


def test_people_without_a_key_who_see_it_are_not_overlooked() -> None:
    definition = flag("production", "core", Exposure({"us": 10}, ("core",)), REGIONS, "country")
    definition["targeting"]["if"][1]["if"][2] = "on"
    rule = Rule("production", definition, "country")
    assert (rule.percent("US"), rule.least("US")) == (100, 10)


def test_a_rule_without_end_is_refused() -> None:
    rule: Any = "on"
    for _ in range(100):
        rule = {"if": [{"in": [{"var": "country"}, ["US"]]}, rule, "off"]}
    definition = flag("production", "core", Exposure({}), REGIONS, "country") | {"targeting": rule}
    with pytest.raises(Unreadable, match="too deep"):
        Rule("production", definition, "country")


def test_a_share_between_two_steps_is_given_up_and_its_least_down() -> None:
    found = document(Exposure({"world": 20}, ("core",)))
    fraction = core(found)["targeting"]["if"][-1]["if"][1]["fractional"]
    fraction[1:] = [["on", 1], ["off", 2]]
    state = flagd_state.read(LAYOUT, Loaded(found, 0, {}, older=False))
    assert state.exposure == Exposure({"world": 33.34}, ("core",))
    assert state.least == Exposure({"world": 33.33}, ("core",))

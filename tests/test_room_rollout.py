"""A rollout: its stages, its four truths and where they disagree, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Exposure, Freshness
from repz_console.plan import exposure as exposures
from repz_console.room import stages
from repz_console.room.views import RolloutView
from tests.support import rooms
from tests.support.rooms import BO, Making, stage

NOBODY = exposures.nobody()


def production(making: Making) -> RolloutView:
    view = making.view().rollout.rollouts[0]
    assert view.id == "production"
    return view


@pytest.mark.parametrize(
    ("exposed", "current", "following"),
    [
        (NOBODY, None, "soft"),
        (Exposure({"us": 10, "ca": 10}, ("core",)), None, "soft"),
        (Exposure({"us": 20}, ("core",)), None, "soft"),
        (stage("soft"), "soft", "tuesday"),
        (Exposure({"us": 30, "ca": 20}, ("core",)), "soft", "tuesday"),
        (stage("tuesday"), "tuesday", "wednesday"),
        (Exposure({"us": 100, "ca": 100, "uk": 100}, ("core",)), "soft", "tuesday"),
        (stage("full"), "full", None),
    ],
)
def test_the_current_stage_is_the_highest_that_is_covered(
    exposed: Exposure, current: str | None, following: str | None
) -> None:
    view = production(Making().running().exposed(exposed))
    assert (view.current.id if view.current else None) == current
    assert (view.next.id if view.next else None) == following
    states = [each.state for each in view.stages]
    order = ["done", "current", "next", "planned"]
    assert states == sorted(states, key=order.index)
    assert states.count("current") == (current is not None)
    assert states.count("next") == (following is not None)


def test_a_stage_tells_whether_the_plan_gave_it_a_time() -> None:
    soft, tuesday = production(Making()).stages[:2]
    assert (soft.at, soft.timed) == (datetime(2027, 2, 1, tzinfo=UTC), True)
    assert (tuesday.timed, tuesday.regions) == (False, ("us", "ca", "uk"))


def test_the_main_rollout_is_the_one_that_ends_last() -> None:
    view = Making().running().view().rollout
    assert [each.id for each in view.rollouts] == ["production", "beta"]
    assert stages.main_rollout(replace(rooms.plan(), rollout={})) == ""


@pytest.mark.parametrize(
    ("now", "planned", "note"),
    [
        (datetime(2027, 1, 31, 23, 59, tzinfo=UTC), NOBODY, "40 % is configured: ahead of the plan"),
        (datetime(2027, 2, 1, tzinfo=UTC), stage("soft"), "40 % is configured: ahead of the plan"),
        (datetime(2027, 2, 2, 12, tzinfo=UTC), stage("tuesday"), ""),
        (rooms.NOW, stage("wednesday"), "40 % is configured: behind the plan"),
        (datetime(2027, 2, 5, 14, tzinfo=UTC), stage("full"), "40 % is configured: behind the plan"),
        (datetime(2028, 1, 1, tzinfo=UTC), stage("full"), "the plan's last date is past"),
    ],
)
def test_planned_follows_the_calendar_and_is_no_drift(now: datetime, planned: Exposure, note: str) -> None:
    view = production(Making(now=now).running())
    assert view.planned.exposure is not None
    assert exposures.same(view.planned.exposure, planned)
    assert view.planned.note == note
    assert view.drift == ()


def test_measured_is_off_and_says_so() -> None:
    measured = production(Making().running()).measured
    assert (measured.exposure, measured.freshness) == (None, Freshness.OFF)
    assert measured.note == "no source measures exposure yet"


def test_configured_keeps_its_last_value_with_its_age_and_error() -> None:
    making = Making().running().aged("flagd", "timed out", seconds=70)
    configured = production(making).configured
    assert configured.exposure == stage("tuesday")
    assert configured.freshness is Freshness.STALE
    assert configured.note == "last read back at 2027-02-03 14:02:10 UTC; timed out"


def test_configured_is_not_guessed() -> None:
    making = Making().running().answered("flagd", None, "no such file")
    view = production(making)
    assert (view.configured.exposure, view.configured.freshness, view.revision) == (None, Freshness.DOWN, "")
    assert view.configured.note == "no such file"
    assert view.drift == ()
    assert view.current is not None
    assert view.current.id == "tuesday"


def test_desired_is_the_last_decision_and_says_if_it_is_open() -> None:
    assert production(Making()).desired.note == "nothing decided yet"
    decided = production(Making().running()).desired
    assert (decided.exposure, decided.by, decided.note) == (stage("tuesday"), "ana@jump", "")
    unknown = production(Making().running().changed("op-9", stage("wednesday"), "unknown", hours=0.1))
    assert (unknown.desired.exposure, unknown.desired.note) == (stage("wednesday"), "outcome unknown")
    assert [change.op for change in unknown.unknown] == ["op-9"]
    (line,) = unknown.drift
    assert line.endswith("nobody knows whether that happened")
    rejected = production(Making().running().changed("op-9", stage("wednesday"), "rejected", hours=0.1))
    assert rejected.desired.exposure == stage("tuesday")
    assert rejected.change is not None
    assert (rejected.change.op, rejected.change.state) == ("op-9", "rejected")


def test_no_drift_before_the_first_decision_while_nobody_is_exposed() -> None:
    assert production(Making().exposed(NOBODY)).drift == ()
    assert production(Making()).drift == ()


@pytest.mark.parametrize(
    ("making", "drift"),
    [
        (
            Making().exposed(stage("soft"), by="mallory", hours=0.5),
            "flagd has 20 % of ca, us with core, nobody decided that here: "
            "changed outside this console by mallory at 2027-02-03 13:33:20 UTC",
        ),
        (
            Making().running().exposed(stage("soft"), by="mallory", hours=0.5, op="theirs"),
            "flagd has 20 % of ca, us with core, decided was 40 % of ca, uk, us with adaptive, core (ana@jump): "
            "changed outside this console by mallory at 2027-02-03 13:33:20 UTC",
        ),
        (
            Making().running().exposed(NOBODY, by="bo", hours=1, op="op-2"),
            "flagd has nobody, decided was 40 % of ca, uk, us with adaptive, core (ana@jump): "
            "changed by bo at 2027-02-03 13:03:20 UTC",
        ),
        (
            Making().running().exposed(Exposure({"us": 40, "ca": 40, "uk": 10}, ("adaptive", "core"))),
            "flagd has ca 40 %, uk 10 %, us 40 % with adaptive, core, "
            "decided was 40 % of ca, uk, us with adaptive, core (ana@jump); uk 10 % and not 40 %: "
            "changed outside this console at 2027-02-03 10:03:20 UTC",
        ),
    ],
)
def test_drift_says_what_differs_who_did_it_and_when(making: Making, drift: str) -> None:
    assert production(making).drift == (drift,)


def test_no_drift_while_a_change_is_under_way_or_not_read_back_since() -> None:
    under_way = Making().running().changed("op-9", stage("wednesday"), "sent", hours=0)
    assert production(under_way).drift == ()
    not_read = Making().running().changed("op-9", stage("wednesday"), "confirmed", hours=0)
    assert production(not_read).drift == ()
    read_since = Making().running().changed("op-9", stage("wednesday"), "confirmed", hours=0.1)
    assert len(production(read_since).drift) == 1


@pytest.mark.parametrize(
    ("confirmed", "configured", "back"),
    [
        ([], stage("tuesday"), NOBODY),
        (["soft", "tuesday"], stage("tuesday"), stage("soft")),
        (["soft", "tuesday", "wednesday", "tuesday"], stage("tuesday"), stage("soft")),
        (["soft", "tuesday"], stage("soft"), NOBODY),
        (["soft", "tuesday"], NOBODY, NOBODY),
        (["soft", "tuesday"], stage("full"), stage("tuesday")),
        (["tuesday"], Exposure({"us": 60, "world": 5}, ("core", "tiers")), Exposure({"us": 40}, ("core",))),
        (["soft", "tuesday"], None, stage("soft")),
    ],
)
def test_the_way_back_goes_to_the_last_confirmed_exposure_below(
    confirmed: list[str], configured: Exposure | None, back: Exposure
) -> None:
    making = Making()
    for number, name in enumerate(confirmed):
        making.changed(f"op-{number}", stage(name), "confirmed", hours=9 - number)
    if configured is not None:
        making.exposed(configured)
    found = production(making).last_good
    assert found is not None
    assert exposures.same(found, back)


def test_nobody_knows_the_way_back_when_nothing_is_known() -> None:
    assert production(Making()).last_good is None


def test_a_hold_is_shown_on_the_rollout_and_on_the_clock() -> None:
    making = Making().running().wrote(events.RolloutHeld("production", "payments fail"), BO, minutes=6)
    view = making.view()
    assert view.rollout.rollouts[0].hold == view.clock.hold
    assert view.clock.hold is not None
    assert view.clock.hold.who == "bo@jump"
    assert view.clock.hold.at == making.now - timedelta(minutes=6)
    beta_only = Making().running().wrote(events.RolloutHeld("beta"), BO, minutes=6).view()
    assert beta_only.clock.hold is None


def test_titles_of_regions_and_features_come_from_the_plan() -> None:
    view = production(Making())
    assert view.regions[0] == ("us", "United States")
    assert view.features == (("core", "Core functionality"), ("adaptive", "Adaptive"), ("tiers", "All tiers"))
    beta = Making().view().rollout.rollouts[1]
    assert beta.features == (("ai-coaching", "AI coaching"),)

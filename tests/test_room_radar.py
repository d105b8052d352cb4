"""A change made elsewhere is told from ours, and from what was there before anybody looked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Exposure, RolloutState
from repz_console.plan.schedule import plan_span
from repz_console.room import radar
from repz_console.room.decisions import Decisions
from tests.support import rooms
from tests.support.rooms import ANA, NOW, Making

TWENTY, FORTY, NOBODY = (Exposure({"us": percent}, ("core",)) for percent in (20.0, 40.0, 0.0))


def state(exposure: Exposure, revision: str, op: str = "", by: str = "") -> RolloutState:
    return RolloutState("production", exposure, revision, by, NOW if by else None, op)


def journal(*written: events.AnyEvent) -> Decisions:
    decisions = Decisions()
    decisions.fold(rooms.entry(number, event, ANA, NOW) for number, event in enumerate(written, 1))
    return decisions


def decided(
    op: str, target: Exposure, *, expect: str, revision: str, outcome: str = "confirmed"
) -> list[events.AnyEvent]:
    return [
        events.ChangeIntended(op, "production", "set", target, None, expect),
        events.ChangeSent(op),
        events.ChangeEnded(op, outcome, revision),  # type: ignore[arg-type]
    ]


OURS = decided("op-1", TWENTY, expect="1", revision="2")


def seen(
    now: RolloutState, before: RolloutState | None, decisions: Decisions, *, alone: bool = True
) -> events.ChangedElsewhere | None:
    return radar.elsewhere(now, "flags", before, decisions, alone=alone)


def test_a_stranger_is_named_with_what_they_did() -> None:
    found = seen(state(FORTY, "3", by="mallory"), state(TWENTY, "2", "op-1"), journal(*OURS))
    assert found == events.ChangedElsewhere("production", "flags", "3", "mallory", NOW, TWENTY, FORTY)


def test_what_we_did_is_nobody_elses() -> None:
    decisions = journal(*OURS, *decided("op-2", FORTY, expect="2", revision="3"))
    assert seen(state(FORTY, "3", "op-2", "ana"), state(TWENTY, "2", "op-1"), decisions) is None
    fenced = journal(*OURS, events.BackendFenced("fence-1", "production", "2"))
    assert seen(state(TWENTY, "3", "fence-1", "ana"), state(TWENTY, "2", "op-1"), fenced) is None
    under_way = journal(*OURS, events.ChangeIntended("op-2", "production", "set", FORTY, None, "2"))
    assert seen(state(FORTY, "3", "op-2"), state(TWENTY, "2", "op-1"), under_way) is None


def test_the_first_sight_of_a_backend_that_nobody_here_touched_is_no_change() -> None:
    assert seen(state(FORTY, "7", by="mallory"), None, journal()) is None
    assert seen(state(FORTY, "7", by="mallory"), state(FORTY, "7"), journal()) is None
    assert seen(state(FORTY, "8", by="mallory"), state(FORTY, "7"), journal()) is not None


def test_what_happened_while_nobody_looked_is_found_by_the_journal() -> None:
    found = seen(state(FORTY, "3", by="mallory"), None, journal(*OURS))
    assert found is not None
    assert (found.before, found.after) == (TWENTY, FORTY)
    assert seen(state(TWENTY, "2", "op-1"), None, journal(*OURS)) is None
    # One of several parts may never have been touched: of what it had before the journal says nothing.
    assert seen(state(FORTY, "3", by="mallory"), None, journal(*OURS), alone=False) is None


def test_what_was_told_is_not_told_again() -> None:
    told = events.ChangedElsewhere("production", "flags", "3", "mallory", NOW, TWENTY, FORTY)
    assert seen(state(FORTY, "3", by="mallory"), None, journal(*OURS, told)) is None
    assert seen(state(NOBODY, "4", by="mallory"), state(FORTY, "3"), journal(*OURS, told)) is not None


def test_an_older_change_of_ours_that_shows_again_was_put_back_by_nobody_knows_whom() -> None:
    decisions = journal(*OURS, *decided("op-2", FORTY, expect="2", revision="3"))
    found = seen(state(TWENTY, "2", "op-1", "ana"), state(FORTY, "3", "op-2"), decisions)
    assert found is not None
    assert (found.who, found.at, found.before, found.after) == ("", None, FORTY, TWENTY)
    unknown = journal(*OURS, *decided("op-2", FORTY, expect="2", revision="", outcome="unknown"))
    assert seen(state(TWENTY, "2", "op-1", "ana"), state(TWENTY, "2", "op-1"), unknown) is None


@pytest.mark.parametrize("outcome", ["unknown", "confirmed"])
def test_where_a_backend_shows_no_ids_only_its_revision_tells(outcome: str) -> None:
    decisions = journal(*OURS, *decided("op-2", FORTY, expect="2", revision="3", outcome=outcome))
    assert seen(state(FORTY, "3"), state(TWENTY, "2"), decisions) is None
    stranger = seen(state(NOBODY, "4", by="mallory"), state(FORTY, "3"), decisions)
    # While a change of ours is open it may be that.
    assert (stranger is None) is (outcome == "unknown")
    fenced = journal(*OURS, events.BackendFenced("fence-1", "production", "2"))
    assert seen(state(TWENTY, "3"), state(TWENTY, "2"), fenced) is None


def test_a_stage_that_the_calendar_reached_and_people_did_not_is_due() -> None:
    making = Making().running()  # Wednesday, with Tuesday's stage configured
    view = next(each for each in making.view().rollout.rollouts if each.id == "production")
    ends = plan_span(making.plan)[1]
    due = radar.due(making.plan, view, ends, NOW)
    assert due is not None
    assert due.stage == "wednesday"
    assert due.at <= NOW
    assert radar.due(making.plan, view, NOW, NOW) is None
    reached = making.exposed(rooms.stage("wednesday")).view().rollout.rollouts
    assert radar.due(making.plan, next(each for each in reached if each.id == "production"), ends, NOW) is None
    unknown = replace(view, configured=replace(view.configured, exposure=None))
    assert radar.due(making.plan, unknown, ends, NOW) is None
    assert radar.due(making.plan, view, ends, NOW - timedelta(days=300)) is None

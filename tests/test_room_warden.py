"""What may happen without a person: decided on facts alone, by a clock that is an argument."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Exposure, Facts, Person, Reading, Snapshot
from repz_console.plan.model import Automatic, Metric, MetricRule, Plan, Target
from repz_console.room import warden
from repz_console.room.views import RoomView
from repz_console.room.warden import Attendance, Duty, Rows
from tests.support import rooms
from tests.support.rooms import ANA, BO, NOW, RECORDER, Making

RULE = MetricRule(metric="failures", max_age=60)
ALL = Automatic(watch=(RULE,), checks=3, hold=True, roll_back=True, dead_man_minutes=30)


def plan(automatic: Automatic = ALL) -> Plan:
    of = rooms.plan()
    ramp = replace(of.rollout["production"], automatic=automatic)
    metric = Metric(
        id="failures", title="Failures", unit="%", source="web", targets=(Target(said="launch", op="<", value=1.0),)
    )
    return replace(of, rollout={**of.rollout, "production": ramp}, metric=(*of.metric, metric))


def measured(value: float | None, at: datetime, *, read: datetime | None = None) -> dict[str, Snapshot]:
    facts = Facts(readings=(Reading("failures", value, at, "%"),))
    return {"web": Snapshot("web", "probe", 10, facts, read or at, read or at)}


def rows(
    values: Iterable[float | None], *, of: Plan | None = None, entry: str = "op-3", before: Rows | None = None
) -> Rows:
    found: Rows = before or {}
    for number, value in enumerate(values):
        at = NOW + timedelta(seconds=10 * number)
        found = warden.looked(found, of or plan(), {"production": entry, "beta": "none"}, measured(value, at), at)
    return found


def failed(found: Rows) -> int:
    return found["production", 0].failed


@pytest.mark.parametrize(
    ("values", "in_a_row"),
    [
        ([2, 2, 2], 3),
        ([2, 2, 0.5], 0),
        ([2, 2, 0.5, 2], 1),
        ([2, 2, None, 2], 1),
        ([None, None, None], 0),
        ([float("nan"), float("inf"), 2], 1),
        ([0.999, 1.0], 1),
    ],
)
def test_only_values_that_fail_one_after_the_other_make_a_row(values: list[float | None], in_a_row: int) -> None:
    assert failed(rows(values)) == in_a_row


def test_a_value_counts_once_however_often_it_is_looked_at() -> None:
    found: Rows = {}
    for seconds in range(9):
        snapshots = measured(2, NOW, read=NOW + timedelta(seconds=seconds))
        entries = {"production": "op-3", "beta": "none"}
        found = warden.looked(found, plan(), entries, snapshots, NOW + timedelta(seconds=seconds))
    assert failed(found) == 1


def test_a_value_that_is_old_or_of_a_silent_source_fails_nothing() -> None:
    entries = {"production": "op-3", "beta": "none"}
    old = measured(2, NOW - timedelta(seconds=60), read=NOW)
    silent = measured(2, NOW, read=NOW - timedelta(seconds=30))
    for snapshots in (old, silent, {}):
        assert failed(warden.looked({}, plan(), entries, snapshots, NOW)) == 0


def test_a_row_belongs_to_the_stage_in_which_it_was_seen() -> None:
    assert failed(rows([2], before=rows([2, 2]), entry="op-4")) == 1


def test_a_rule_on_too_few_samples_fails_nothing() -> None:
    rule = replace(RULE, samples=100, counted_by="requests")
    of = plan(replace(ALL, watch=(rule,)))
    of = replace(of, metric=(*of.metric, Metric(id="requests", title="Requests", source="web")))
    assert failed(rows([2, 2, 2], of=of)) == 0


def view(making: Making, *, recorder: bool = True) -> RoomView:
    room = making.room()
    room.update(recorder=recorder)
    return room.view(making.now)


def making(automatic: Automatic = ALL) -> Making:
    return Making(plan(automatic)).running()


def duties(made: Making, found: Rows | None = None, unattended: float = 0) -> list[Duty]:
    room = made.room()
    seen = next(each for each in room.view(made.now).rollout.rollouts if each.id == "production")
    ramp, decided = made.plan.rollout["production"], room.decided("production")
    return list(warden.duties(ramp, seen, decided, found or {}, unattended))


def whats(found: list[Duty]) -> list[str]:
    return [duty.what for duty in found]


def test_it_is_held_and_rolled_back_at_the_third_failing_look() -> None:
    assert duties(making(), rows([2, 2])) == []
    found = duties(making(), rows([2, 2, 2]))
    assert whats(found) == ["hold", "automatic"]
    assert found[0].evidence == ("failures 2 %, must be < 1 %",)
    assert found[1].reason == "failures 2 %, must be < 1 %, 3 looks in a row: back to the last good stage"


@pytest.mark.parametrize(
    ("automatic", "expected"),
    [
        (replace(ALL, hold=False), ["automatic"]),
        (replace(ALL, roll_back=False), ["hold"]),
        (replace(ALL, hold=False, roll_back=False), []),
        (replace(ALL, checks=4), []),
        (Automatic(), []),
    ],
)
def test_only_what_the_plan_arms_happens(automatic: Automatic, expected: list[str]) -> None:
    assert whats(duties(making(automatic), rows([2, 2, 2]))) == expected


def test_what_is_held_is_not_held_again() -> None:
    made = making().wrote(events.RolloutHeld("production", "payments fail"), BO, minutes=1)
    assert whats(duties(made, rows([2, 2, 2]))) == ["automatic"]


def automatic_change(by: str, outcome: str) -> Making:
    made = making()
    before, target = rooms.stage("tuesday", of=made.plan), rooms.stage("soft", of=made.plan)
    intent = events.ChangeIntended("op-9", "production", "rollback", target, before, "17", by=by)  # type: ignore[arg-type]
    made.wrote(intent, RECORDER, minutes=1).wrote(events.ChangeSent("op-9"), RECORDER, minutes=1)
    made.wrote(events.ChangeEnded("op-9", outcome), RECORDER, minutes=1)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("by", ["automatic", "dead man"])
@pytest.mark.parametrize("outcome", ["confirmed", "rejected", "unknown", "not_applied"])
def test_once_it_went_down_by_itself_only_a_person_takes_it_further(by: str, outcome: str) -> None:
    made = automatic_change(by, outcome)
    # The row is of the stage that it went down to, which goes on failing.
    entry = warden.entry_of(made.room().decided("production"))
    found = duties(made, rows([2, 2, 2], entry=entry), unattended=1e6)
    assert whats(found) == ["hold"]
    assert f"({by}): a person decides" in view(made).rollout.rollouts[0].unarmed


def test_a_person_who_enters_a_stage_again_arms_it_again() -> None:
    made = automatic_change("automatic", "confirmed")
    first = duties(making(), rows([2, 2, 2]))
    made.changed("op-10", rooms.stage("tuesday", of=made.plan), "confirmed", hours=0)
    again = duties(made, rows([2, 2, 2], entry="op-10"))
    assert whats(again) == ["hold", "automatic"]
    assert not {duty.key for duty in first} & {duty.key for duty in again}


def test_it_goes_down_after_half_an_hour_without_anybody() -> None:
    assert duties(making(), unattended=30 * 60 - 1) == []
    assert whats(duties(making(), unattended=30 * 60)) == ["dead man"]
    assert duties(making(replace(ALL, dead_man_minutes=0)), unattended=1e9) == []


def test_nothing_goes_down_while_that_is_not_to_be_known_or_a_change_is_under_way() -> None:
    silent = making().aged("flagd", "permission denied", seconds=200)
    assert whats(duties(silent, rows([2, 2, 2]), unattended=1e9)) == ["hold"]
    busy = making().changed("op-4", rooms.stage("wednesday"), "sent", hours=0)
    assert whats(duties(busy, rows([2, 2, 2], entry="op-4"), unattended=1e9)) == ["hold"]
    nobody = making().exposed(Exposure({}, ()))
    assert duties(nobody, rows([2, 2, 2]), unattended=1e9) == []


def test_the_same_duty_has_the_same_key_whoever_finds_it() -> None:
    assert [duty.key for duty in duties(making(), rows([2, 2, 2]))] == [
        duty.key for duty in duties(making(), rows([5, 5, 5, 5]))
    ]


# Who is there


def somebody(console: str, typed: datetime | None = None) -> Person:
    return Person("ana", "jump", "", console, NOW, "", typed)


def test_nobody_is_there_once_nobody_types_has_the_conn_or_writes() -> None:
    found = warden.attended(None, (), 100, conn=False, wrote=False)
    for moment in range(101, 200):
        found = warden.attended(found, (), moment, conn=False, wrote=False)
    assert found.since == 100
    assert warden.attended(found, (), 200, conn=True, wrote=False).since == 200
    assert warden.attended(found, (), 200, conn=False, wrote=True).since == 200


def test_an_open_console_is_nobody_until_somebody_types() -> None:
    open_ones = (somebody("a"), somebody("b", NOW))
    found = warden.attended(None, open_ones, 0, conn=False, wrote=False)
    found = warden.attended(found, open_ones, 5, conn=False, wrote=False)
    assert found.since == 0
    typed = warden.attended(
        found, (somebody("a", NOW + timedelta(minutes=1)), open_ones[1]), 6, conn=False, wrote=False
    )
    assert typed.since == 6
    set_back = warden.attended(
        found, (somebody("a"), somebody("b", NOW - timedelta(days=1))), 6, conn=False, wrote=False
    )
    assert set_back.since == 6
    left = warden.attended(found, (open_ones[0],), 6, conn=False, wrote=False)
    assert left.since == 0


def test_a_recorder_that_was_frozen_knows_of_nobody_who_was_not_there() -> None:
    found = warden.attended(None, (), 0, conn=False, wrote=False)
    assert warden.attended(found, (), 3600, conn=False, wrote=False).since == 3600


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.1, 9)), max_size=40))
def test_nobody_was_there_for_no_longer_than_since_the_last_sign(looks: list[tuple[bool, bool, float]]) -> None:
    found: Attendance | None = None
    moment, last = 0.0, 0.0
    for conn, wrote, later in looks:
        moment += later
        if found is None or conn or wrote:
            last = moment
        found = warden.attended(found, (), moment, conn=conn, wrote=wrote)
        assert found.since == last


def test_what_processes_write_is_nobody() -> None:
    at, nobody = NOW, Exposure({}, ())
    written = {
        events.NoteAdded("hello"): True,
        events.ConnTaken(1): True,
        events.RolloutHeld("production", "", "person"): True,
        events.RolloutHeld("production", "", "automatic"): False,
        events.ConnReleased(1, "lapsed"): False,
        events.CollectorTaken(1): False,
        events.StageDue("production", "soft", at): False,
    }
    for event, person in written.items():
        assert warden.by_person(rooms.entry(1, event, ANA, at)) is person
    for by, person in (("person", True), ("dead man", False)):
        intent = events.ChangeIntended("op", "production", "rollback", nobody, None, "", by=by)  # type: ignore[arg-type]
        assert warden.by_person(rooms.entry(1, intent, RECORDER, at)) is person


# What the screen says


def line(made: Making, *, recorder: bool = True) -> tuple[str, str]:
    shown = view(made, recorder=recorder).rollout.rollouts[0]
    return shown.automatic, shown.unarmed


def well(automatic: Automatic = ALL) -> Making:
    made = making(automatic)
    made.snapshots |= measured(0.5, made.ago(seconds=3))
    return made


def test_it_is_said_what_may_happen_and_why_it_would_not() -> None:
    says = (
        "holds and rolls back to the last good stage, once a stage if failures fails 3 looks in a row; "
        "goes down to the last good stage after 30 min with nobody there"
    )
    assert line(well()) == (says, "")
    assert line(well(), recorder=False) == (says, "no `record` process polls: the console of repz@jump does")
    alone = well()
    alone.collector = None
    assert line(alone, recorder=False)[1] == "no `record` process polls"
    blind = well()
    blind.snapshots |= measured(None, blind.ago(seconds=3))
    assert line(blind)[1] == "failures: no data, web has no data for failures; the dead man's rule is armed"
    damaged = well()
    damaged.damage = "entry 12 does not match"
    assert "entry 12 does not match" in line(damaged)[1]
    assert line(well(Automatic())) == ("", "")
    assert line(well(Automatic()), recorder=False) == ("", "")


def test_a_metric_that_falls_silent_disarms_by_itself() -> None:
    made = well()
    room = made.room()
    room.update(recorder=True)
    assert room.view(made.now).rollout.rollouts[0].unarmed == ""
    later = made.now + timedelta(seconds=58)
    assert "failures: last sample " in room.view(later).rollout.rollouts[0].unarmed

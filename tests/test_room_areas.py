"""Clock, timeline, health, bugs, control and sources: what each says of a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from msgspec.structs import replace

from repz_console.facts import Actor, Facts, Freshness, Reading, TaskProgress, Tick, Verdict
from repz_console.plan.model import Ritual, Seat
from repz_console.room.control import standing
from repz_console.room.views import ItemView, MetricView, TaskView
from tests.support import rooms
from tests.support.rooms import ANA, BO, CY, DEE, Holding, Making

OFF, LIVE, DOWN = Freshness.OFF, Freshness.LIVE, Freshness.DOWN


def task(making: Making, identity: str) -> TaskView:
    sections = making.view().timeline.sections
    return next(each for section in sections for each in section.tasks if each.id == identity)


def item(making: Making, identity: str) -> ItemView:
    return next(each for lists in making.view().timeline.checklists for each in lists.items if each.id == identity)


def metric(making: Making, identity: str) -> MetricView:
    return next(each for each in making.view().health.metrics if each.id == identity)


def test_the_clock_knows_the_launch_the_phase_and_what_is_next() -> None:
    clock = Making().view().clock
    assert (clock.now, clock.t0) == (rooms.NOW, datetime(2027, 2, 5, 14, tzinfo=UTC))
    assert (clock.phase, clock.past) == ("Launch", False)
    assert (clock.starts, clock.ends) == (datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 3, 6, tzinfo=UTC))
    assert [each.title for each in clock.current] == ["Progressive launch"]
    assert [each.title for each in clock.upcoming][:2] == ["Thursday", "Daily standup"]
    assert clock.next_change == datetime(2027, 2, 4, tzinfo=UTC)


def test_a_meeting_that_comes_back_is_upcoming_once() -> None:
    plan = replace(rooms.plan(), ritual=(Ritual(id="r", title="Standup", every="day", time=time(9), minutes=15),))
    titles = [each.title for each in Making(plan).view().clock.upcoming]
    assert titles.count("Standup") == 1


def test_a_meeting_is_current_while_it_lasts() -> None:
    making = Making(now=datetime(2027, 2, 3, 9, 14, 59, tzinfo=UTC))
    assert "Daily standup" in [each.title for each in making.view().clock.current]
    making.now = datetime(2027, 2, 3, 9, 15, tzinfo=UTC)
    assert "Daily standup" not in [each.title for each in making.view().clock.current]


@pytest.mark.parametrize(
    ("now", "phase", "past"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "", False),
        (datetime(2027, 1, 4, tzinfo=UTC), "Preparation", False),
        (datetime(2027, 3, 5, 23, 59, tzinfo=UTC), "Optimization", False),
        (datetime(2027, 3, 6, tzinfo=UTC), "", True),
    ],
)
def test_before_and_after_the_plan_there_is_no_phase(now: datetime, phase: str, past: bool) -> None:
    clock = Making(now=now).view().clock
    assert (clock.phase, clock.past) == (phase, past)
    assert past == (clock.next_change is None)


def test_a_task_with_checklists_is_as_far_as_their_items() -> None:
    making = Making().running()
    infrastructure = task(making, "infrastructure")
    assert infrastructure.percent == 75
    assert infrastructure.state == "overdue"
    assert task(making, "security").state == "done"
    timeline = making.view().timeline
    assert (timeline.items_done, timeline.items_total) == (5, 6)


@pytest.mark.parametrize(
    ("identity", "percent", "state"),
    [
        ("staging", 100, "done"),
        ("feedback", None, "overdue"),
        ("progressive", 40, "active"),
        ("full", None, "upcoming"),
    ],
)
def test_a_task_without_checklists_is_as_far_as_somebody_said(identity: str, percent: float | None, state: str) -> None:
    found = task(Making().running(), identity)
    assert (found.percent, found.state) == (percent, state)


def test_the_latest_tick_and_the_latest_word_count() -> None:
    making = Making()
    early, late = making.ago(days=3), making.ago(days=1)
    ticks = (
        Tick("security/owasp", "open", "ana", late, "was a mistake"),
        Tick("security/owasp", "done", "bo", early),
        Tick("nowhere/item", "done", "bo", early),
    )
    progress = (TaskProgress("soft", 80, "ana", late), TaskProgress("soft", 90, "bo", early))
    making.answered("plan", Facts(ticks=ticks, progress=progress))
    owasp = item(making, "security/owasp")
    assert (owasp.state, owasp.who, owasp.note) == ("open", "ana", "was a mistake")
    assert task(making, "soft").percent == 80


def test_a_phase_is_as_far_as_its_tasks_by_their_days() -> None:
    making = Making().answered("plan", Facts(progress=(TaskProgress("progressive", 50, "ana", rooms.NOW),)))
    percents = {section.id: section.percent for section in making.view().timeline.sections}
    assert percents["launch"] == pytest.approx(3 * 50 / 5)
    assert percents["optimization"] is None


def test_the_timeline_is_off_without_a_source_and_changes_at_the_next_edge() -> None:
    timeline = Making().view().timeline
    assert timeline.freshness is OFF
    assert timeline.next_change == datetime(2027, 2, 5, tzinfo=UTC)


def test_a_metric_is_judged_by_each_target() -> None:
    found = metric(Making().running(), "p95")
    assert (found.value, found.unit, found.freshness, found.note) == (181.5, "ms", LIVE, "")
    assert [(each.said, each.met) for each in found.targets] == [("alpha", True), ("launch criteria", True)]
    assert found.history[-1] == 181.5


@pytest.mark.parametrize(
    ("op", "value", "met"), [("<", 200, False), ("<=", 200, True), (">", 200, False), (">=", 200, True)]
)
def test_every_comparison(op: str, value: float, met: bool) -> None:
    plan = rooms.plan()
    p95 = plan.metric[0]
    target = replace(p95.targets[0], op=op, value=value)
    making = Making(replace(plan, metric=(replace(p95, targets=(target,)),)))
    making.answered("web", Facts(readings=(Reading("latency.p95", 200, rooms.NOW),)))
    assert metric(making, "p95").targets[0].met is met


def test_an_old_value_is_shown_but_meets_nothing() -> None:
    found = metric(Making().running().aged("web", "connection refused", seconds=60), "p95")
    assert (found.value, found.freshness, found.note) == (181.5, Freshness.STALE, "connection refused")
    assert [each.met for each in found.targets] == [None, None]


@pytest.mark.parametrize(
    ("identity", "facts", "error", "freshness", "note"),
    [
        ("errors", Facts(), "", OFF, "no source"),
        ("p95", None, "", DOWN, "web has not answered yet"),
        ("p95", None, "name not known", DOWN, "name not known"),
        ("p95", Facts(), "", LIVE, "web has no reading latency.p95"),
        (
            "p95",
            Facts(readings=(Reading("latency.p95", None, rooms.NOW),)),
            "",
            LIVE,
            "web has no data for latency.p95",
        ),
        (
            "p95",
            Facts(readings=(Reading("latency.p95", float("nan"), rooms.NOW),)),
            "",
            LIVE,
            "web has no data for latency.p95",
        ),
        (
            "p95",
            Facts(readings=(Reading("latency.p95", None, rooms.NOW, note="no requests"),)),
            "",
            LIVE,
            "no requests",
        ),
    ],
)
def test_a_metric_without_a_value_says_why(
    identity: str, facts: Facts | None, error: str, freshness: Freshness, note: str
) -> None:
    found = metric(Making().answered("web", facts, error), identity)
    assert (found.value, found.freshness, found.note) == (None, freshness, note)
    assert all(target.met is None for target in found.targets)


def test_a_metric_of_a_source_that_is_gone_is_off() -> None:
    plan = rooms.plan()
    found = metric(Making(replace(plan, source={})), "p95")
    assert (found.freshness, found.note) == (OFF, "no source named web is configured")


def test_readings_that_no_metric_asks_for_belong_to_the_box() -> None:
    health = Making().running().view().health
    assert [(each.source, each.name) for each in health.box] == [
        ("host", "cpu"),
        ("host", "memory"),
        ("host", "network.in"),
    ]
    assert (health.met, health.missed, health.blind, health.freshness) == (2, 0, 2, LIVE)


def test_bugs_are_in_lanes_open_ones_first_and_oldest_first() -> None:
    view = rooms.blocked().bugs
    assert [bug.id for bug in view.bugs] == ["local:B7K2Q", "local:B9", "local:B3"]
    lanes = {lane.priority: lane for lane in view.lanes}
    assert (lanes["P0"].open, lanes["P0"].blocks_from, lanes["P0"].blocking) == (1, "every step", True)
    assert (lanes["P1"].open, lanes["P1"].blocks_from, lanes["P1"].blocking) == (0, "Beta", False)
    assert (lanes["P2"].blocks_from, lanes["P2"].blocking) == ("Launch", True)
    assert (lanes["P4"].open, lanes["P4"].blocks_from, lanes["P4"].blocking) == (1, "", False)
    assert view.writable == "local"


def test_bugs_of_several_sources_are_one_queue() -> None:
    making = Making().running()
    bug = replace(making.bug("7", "P1", "Elsewhere", hours=99), id="web:7")
    making.bugs(making.bug("1", "P1", "Here"), replace(making.bug("2", "P0", "Gone"), state="resolved"))
    making.answered("web", Facts(bugs=(bug,)), seconds=40)
    view = making.view().bugs
    assert [each.id for each in view.bugs] == ["web:7", "local:1", "local:2"]
    assert view.freshness is Freshness.LATE


def test_the_conn_is_free_until_somebody_has_it() -> None:
    free = Making().view().control
    assert (free.state, free.holder, free.mine, free.since) == ("FREE", "", False, None)
    mine = Making().running().view().control
    assert (mine.state, mine.holder, mine.seat, mine.mine) == ("HELD", "ana@jump", "Launch director", True)
    assert [person.user for person in mine.people] == ["ana", "bo", "cy"]
    assert mine.collector == "repz@jump"
    theirs = Making(me=BO).running().view().control
    assert (theirs.mine, theirs.holder) == (False, "ana@jump")


def test_who_has_the_conn_is_unknown_where_the_journal_cannot_be_read() -> None:
    making = Making().running()
    making.damage = "its disk hangs"
    assert making.view().control.state == "HELD"
    unread = making.has_conn(None).view()
    assert (unread.control.state, unread.control.holder, unread.control.mine) == ("UNKNOWN", "", False)
    gate = next(each for each in unread.rollout.rollouts[0].gates if each.id == "conn")
    assert (gate.verdict, gate.line) == (Verdict.INCONCLUSIVE, "nobody knows who has the conn (its disk hangs)")


CY_MAY_NOT = "cy holds no seat with the conn: Launch director (ana, dee), Technical lead (bo, group deployers)"
NOBODY_NAMED = tuple(Seat(id=seat.id, title=seat.title, conn=seat.conn) for seat in rooms.plan().seat)


@pytest.mark.parametrize(
    ("me", "groups", "holder", "may", "seat", "note"),
    [
        (ANA, (), None, True, "director", ""),
        (BO, (), ANA, True, "tech", ""),
        (CY, (), None, False, "", CY_MAY_NOT),
        (CY, ("deployers", "users"), None, True, "tech", ""),
        (DEE, (), None, True, "director", ""),
        (DEE, (), DEE, True, "director", ""),
        (DEE, (), ANA, False, "director", "a deputy takes the conn only while it is free; ana@jump has it"),
    ],
)
def test_seats_say_who_may_take_the_conn(
    me: Actor, groups: tuple[str, ...], holder: Actor | None, may: bool, seat: str, note: str
) -> None:
    lease = Holding(holder, rooms.NOW) if holder is not None else None
    found = standing(rooms.plan(), me, frozenset(groups), None, lease)
    assert (found.may, found.seat, found.note) == (may, seat, note)


def test_a_plan_that_names_nobody_who_exists_lets_anyone_and_says_so() -> None:
    nobody = standing(replace(rooms.plan(), seat=NOBODY_NAMED), CY)
    assert nobody.may
    assert "name nobody" in nobody.note
    elsewhere = standing(rooms.plan(), CY, known=frozenset(["cy"]))
    assert elsewhere.may
    assert "exists here" in elsewhere.note
    assert not standing(rooms.plan(), CY, known=frozenset(["cy", "deployers"])).may


def test_sources_come_in_the_plans_order_and_silent_ones_are_down() -> None:
    view = Making().running().answered("web", None, "name not known").view().sources
    assert [source.id for source in view.sources] == ["plan", "local", "ledger", "flagd", "host", "web"]
    assert (view.sources[-1].freshness, view.sources[-1].error) == (DOWN, "name not known")
    assert view.worst is DOWN
    assert Making(replace(rooms.plan(), source={})).view().sources.worst is OFF


def test_the_launch_names_its_environment_and_backend() -> None:
    launch = rooms.live().launch
    assert (launch.environment, launch.backend) == ("PRODUCTION", "flagd")
    plan = rooms.plan()
    named = {identity: replace(ramp, controller="edge") for identity, ramp in plan.rollout.items()}
    making = Making(replace(plan, rollout=named, source={"edge": plan.source["flagd"]}))
    assert making.view().launch.backend == "flagd edge"
    assert rooms.bare().launch.backend == ""


def test_a_bare_plan_has_a_room() -> None:
    view = rooms.bare()
    assert view.budget is None
    assert (view.rollout.rollouts, view.timeline.sections, view.health.metrics) == ((), (), ())
    assert view.clock.starts == view.clock.ends == view.clock.t0


def test_the_calendar_is_the_plans_own() -> None:
    plan = rooms.plan()
    making = Making(replace(plan, launch=replace(plan.launch, zone="America/New_York")))
    soft = task(making, "soft")
    assert plan.task[4].start == date(2027, 2, 1)
    assert (soft.start, soft.end - soft.start) == (datetime(2027, 2, 1, 5, tzinfo=UTC), timedelta(days=1))


def test_the_shipped_plan_has_a_room_from_the_first_second() -> None:
    view = Making(rooms.shipped()).view()
    production = view.rollout.rollouts[0]
    assert production.id == "production"
    assert [each.percent for each in production.stages] == [20, 40, 60, 80, 100]
    assert production.verdict is not Verdict.PASS
    assert {"P0", "P1", "P2"} <= {lane.priority for lane in view.bugs.lanes if lane.blocks_from}
    assert all(each.freshness in (OFF, DOWN) for each in view.health.metrics)
    assert view.clock.phase
    assert view.budget is not None
    assert view.budget.left == view.budget.total

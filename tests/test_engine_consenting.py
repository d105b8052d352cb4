"""Approvals, waivers and overrides from several consoles: who counts as a second person, and what makes it void."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from repz_console import events
from tests.support import sessions
from tests.support.council import Table, both, config, everybody_exists
from tests.support.sessions import at

__all__ = ["everybody_exists"]

pytestmark = pytest.mark.usefixtures("everybody_exists")


@pytest_asyncio.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    async with Table(tmp_path, config(poll=False, approvals=1)) as one:
        yield one


async def test_a_second_person_approves_from_their_own_console(table: Table) -> None:
    ann, bo = await table.everybody("ann", "bo")
    assert (await table.soft(ann)).line == "approval: not asked for; 1 other person must approve"
    asked = await ann.council.ask("production", at(20), "soft", "on time")
    assert asked.state == "confirmed"
    assert (await ann.council.approve("production")).line == "not approved: that needs somebody else than who asked"
    assert (await table.soft(ann)).line.startswith("approval: 0 of 1, asked by ann@jump")
    assert (await bo.council.approve("production", asked.op)).state == "confirmed"
    assert (await table.soft(ann)).state == "confirmed"
    ((user, given),) = table.entries(events.ApprovalGiven)
    assert (user, given.solo) == ("bo", False)


async def test_who_approved_does_not_apply_it(table: Table) -> None:
    ann, dan = await table.everybody("ann", "dan")
    await ann.council.ask("production", at(20))
    await dan.council.approve("production")
    assert (await table.soft(dan)).line.endswith("you approved it, so somebody else applies it")
    assert (await table.soft(ann)).state == "confirmed"


async def test_two_terminals_of_one_person_are_one(tmp_path: Path) -> None:
    async with Table(tmp_path, config(poll=False, approvals=2)) as table:
        ann, bo, cy = await table.everybody("ann", "bo", "cy")
        await ann.council.ask("production", at(20))
        await both(bo.council.approve("production"), bo.council.approve("production"))
        assert len(table.entries(events.ApprovalGiven)) == 1
        assert (await bo.council.approve("production")).line == "you approved it already"
        assert "approval: 1 of 2" in (await table.soft(ann)).line
        await cy.council.approve("production")
        assert (await table.soft(ann)).state == "confirmed"


async def test_two_who_approve_at_once_both_count(tmp_path: Path) -> None:
    async with Table(tmp_path, config(poll=False, approvals=2)) as table:
        ann, bo, cy = await table.everybody("ann", "bo", "cy")
        await ann.council.ask("production", at(20))
        outcomes = await both(bo.council.approve("production"), cy.council.approve("production"))
        assert {outcome.state for outcome in outcomes} == {"confirmed"}
        assert (await table.soft(ann)).state == "confirmed"


async def test_a_shared_account_is_no_second_person(table: Table) -> None:
    ann = await table.sits("ann")
    bo = await table.sits("bo", proven=False)
    assert (await bo.council.ask("production", at(20))).state == "denied"
    await ann.council.ask("production", at(20))
    denied = await bo.council.approve("production")
    assert (denied.state, denied.line) == (
        "denied",
        "not approved: bo@jump is a shared account, which proves no second person",
    )
    assert (await table.soft(ann)).state == "refused"
    await ann.council.close("production", "x")
    assert any("could not approve" in note for note in table.notes())


async def test_an_approval_expires_and_that_is_said_and_journaled(table: Table) -> None:
    ann, bo = await table.everybody("ann", "bo")
    await ann.council.ask("production", at(20))
    table.clock.on(minutes=15)
    late = await bo.council.approve("production")
    assert late.state == "refused"
    assert late.line.startswith("not approved: void: it expired at")
    assert "void, for it expired" in (await table.soft(ann)).line
    assert (
        "could not set production to 20 % of us, world with core: approval: void, for it expired" in table.notes()[-1]
    )
    assert any("it expired" in note for note in table.notes())
    assert (await ann.council.ask("production", at(20))).state == "confirmed"
    assert (await bo.council.approve("production")).state == "confirmed"
    assert (await table.soft(ann)).state == "confirmed"


async def test_anything_else_than_what_was_approved_is_void(table: Table) -> None:
    ann, bo = await table.everybody("ann", "bo")
    await ann.council.ask("production", at(20))
    await bo.council.approve("production")
    assert await ann.take_conn() == ""
    less = await ann.control.change("production", "set", at(10), expect=await sessions.revision(ann))
    assert less.line == "approval: asked for 20 % of us, world with core, which is another target"
    await table.files(bo, "P0")
    await ann.control.change("production", "set", at(20), expect=await sessions.revision(ann))
    approval = ann.view().rollout.rollouts[0].approval
    assert approval is not None
    assert approval.void == "p0 was PASS and is FAIL"


async def test_after_a_way_back_it_is_asked_for_anew(table: Table) -> None:
    ann, bo = await table.everybody("ann", "bo")
    await ann.council.ask("production", at(20))
    await bo.council.approve("production")
    assert (await bo.control.change("production", "kill")).state == "confirmed"
    assert (await table.soft(ann)).line == "approval: not asked for; 1 other person must approve"


async def test_alone_one_approves_after_the_cool_off_and_it_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Table(tmp_path, config(poll=False, approvals=2, solo=True)) as table:
        table.writes_its_time(monkeypatch)
        ann = await table.sits("ann")
        await ann.council.ask("production", at(20))
        early = await ann.council.approve("production")
        assert early.line.startswith("not approved: alone, it can be agreed to from")
        table.clock.on(minutes=5, seconds=30)
        done = await ann.council.approve("production")
        assert (done.state, done.line.endswith(", SOLO")) == ("confirmed", True)
        ((_, given),) = table.entries(events.ApprovalGiven)
        assert given.solo
        assert (await table.soft(ann)).state == "confirmed"


async def test_what_needs_no_approval_is_not_asked_for(table: Table) -> None:
    ann, zoe = await table.everybody("ann", "zoe")
    assert (await ann.council.ask("production", at(20), "full")).line.endswith("enters soft, not full")
    assert (await ann.council.ask("production", at(200))).line == "production: 200 is not a percent from 0 to 100"
    assert (await ann.council.ask("production", at(100))).line == "production full needs no approval"
    assert (await zoe.council.ask("production", at(20))).line == "zoe holds no seat of this launch"
    assert (await ann.council.approve("production")).line == "nothing is asked to be approved for production"
    one = await ann.council.ask("production", at(20))
    assert (await ann.council.ask("production", at(20))).line == "ann@jump asked for that already"
    two = await ann.council.ask("production", at(10))
    assert two.state == "confirmed"
    bo = await table.sits("bo")
    assert (await bo.council.approve("production", one.op)).line.startswith("that was replaced by what ann@jump")


async def test_only_the_director_overrides_and_only_what_fails(table: Table) -> None:
    ann, dan = await table.everybody("ann", "dan")
    await table.files(ann, "P0")
    assert (await ann.council.override("production", "p0", "harmless")).state == "denied"
    assert (await dan.council.override("production", "p0", "")).state == "refused"
    assert (await dan.council.override("production", "hold", "why not")).line == "hold is never overridden: not held"
    assert (await dan.council.override("production", "approval", "alone")).state == "refused"
    assert (await dan.council.override("production", "data", "x")).line.startswith("data is PASS, and only a FAIL")
    done = await dan.council.override("production", "p0", "harmless")
    assert done.state == "confirmed"
    assert "OVERRIDDEN until soft ends" in done.line
    ((user, event),) = table.entries(events.GateOverridden)
    assert (user, event.gate, event.stage, event.reason) == ("dan", "p0", "soft", "harmless")
    assert "1 open" in event.line


async def test_a_waiver_is_for_what_is_inconclusive(table: Table) -> None:
    ann = await table.sits("ann")
    assert (await ann.council.waive("production", "p0", "", 10)).state == "refused"
    assert (await ann.council.waive("production", "p0", "x", 0)).state == "refused"
    assert (await ann.council.waive("production", "p0", "x", 24 * 60 + 1)).state == "refused"
    assert (await ann.council.waive("production", "p0", "x", float("nan"))).state == "refused"
    assert (await ann.council.waive("production", "tea", "x", 10)).line.startswith("production soft has no gate tea")
    assert (await ann.council.waive("production", "p0", "x", 10)).line == "p0 passes: there is nothing to waive"
    assert (await ann.council.waive("production", "conn", "x", 10)).line.startswith("conn FAILs")
    assert (await ann.council.second("production")).line == "no waiver waits for anybody"
    assert (await ann.council.second("production", "w9")).line == "production has no waiver w9"


async def test_two_people_pass_a_gate_that_nobody_can_tell_of(tmp_path: Path) -> None:
    async with Table(tmp_path, config(poll=False, metric=True)) as table:
        ann, bo, zoe = await table.everybody("ann", "bo", "zoe")
        assert "error rate" in (await table.soft(ann)).line
        asked = await ann.council.waive("production", "metric:errors", "the probe moves house", 30)
        assert asked.state == "confirmed"
        again = await ann.council.waive("production", "metric:errors", "the probe moves house", 30)
        assert (again.line, again.op) == ("ann@jump asked for that already", asked.op)
        assert "error rate" in (await table.soft(ann)).line
        alone = await ann.council.second("production")
        assert (alone.state, alone.line) == ("denied", "not waived: that needs somebody else than who asked")
        assert (await zoe.council.second("production")).line == "not waived: zoe holds no seat of this launch"
        assert (await bo.council.second("production", asked.op)).state == "confirmed"
        assert (await bo.council.second("production", asked.op)).line == "you agreed to it already"
        gate = next(gate for gate in bo.view().rollout.rollouts[0].gates if gate.id == "metric:errors")
        assert gate.excused.startswith("waived by ann@jump and bo@jump until")
        assert (await table.soft(ann)).state == "confirmed"
        ((user, event),) = table.entries(events.GateWaived)
        assert (user, event.gate, event.stage, event.reason) == (
            "ann",
            "metric:errors",
            "soft",
            "the probe moves house",
        )
        assert [user for user, _ in table.entries(events.WaiverSeconded)] == ["bo"]


async def test_a_waiver_ends(tmp_path: Path) -> None:
    async with Table(tmp_path, config(poll=False, metric=True)) as table:
        ann, bo = await table.everybody("ann", "bo")
        await ann.council.waive("production", "metric:errors", "the probe moves house", 10)
        await bo.council.second("production")
        table.clock.on(minutes=10)
        assert "error rate" in (await table.soft(ann)).line
        assert (await bo.council.second("production")).line == "no waiver waits for anybody"
        assert (await bo.council.waive("production", "metric:errors", "still", 10)).state == "confirmed"


async def test_alone_one_waives_after_the_cool_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Table(tmp_path, config(poll=False, metric=True, solo=True)) as table:
        table.writes_its_time(monkeypatch)
        ann = await table.sits("ann")
        await ann.council.waive("production", "metric:errors", "the probe moves house", 30)
        assert "alone" in (await ann.council.second("production")).line
        table.clock.on(minutes=6)
        done = await ann.council.second("production")
        assert "SOLO" in done.line
        gate = next(gate for gate in ann.view().rollout.rollouts[0].gates if gate.id == "metric:errors")
        assert gate.excused.startswith("waived by ann@jump SOLO")
        assert (await table.soft(ann)).state == "confirmed"


async def test_the_director_goes_on_over_a_gate_that_fails(table: Table) -> None:
    ann, bo, dan = await table.everybody("ann", "bo", "dan")
    await table.files(ann, "P0")
    await ann.council.ask("production", at(20))
    await bo.council.approve("production")
    assert (await table.soft(ann)).line.startswith("P0 bugs: 1 open")
    await dan.council.override("production", "p0", "known and harmless")
    assert (await dan.council.override("production", "p0", "again")).line == "p0 is overridden already"
    assert (await table.soft(ann)).state == "confirmed"
    assert any("p0" in line for line in ann.view().rollout.rollouts[0].overrides)

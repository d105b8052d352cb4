"""Go/no-go polls, seats and the line from several consoles: what the journal says, and what may then be widened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from repz_console import events
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support import sessions
from tests.support.council import Table, both, config, everybody_exists
from tests.support.sessions import at, kinds

__all__ = ["everybody_exists"]

pytestmark = pytest.mark.usefixtures("everybody_exists")


@pytest_asyncio.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    async with Table(tmp_path, config()) as one:
        yield one


async def test_a_stage_opens_once_everybody_said_go_and_only_once(table: Table) -> None:
    ann = await table.sits("ann")
    refused = await table.soft(ann)
    assert (refused.state, refused.line) == ("refused", "Go/no-go: not called: Tech calls it")
    await table.unanimous()
    done = await table.soft(ann)
    assert done.state == "confirmed"
    assert [user for user, _ in table.entries(events.VoteCast)] == ["ann", "bo", "dan"]
    assert [(user, event.seat) for user, event in table.entries(events.SeatTaken)] == [
        ("ann", "tech"),
        ("bo", "qa"),
        ("dan", "director"),
    ]
    # Back to nobody, by anybody: the stage needs a new poll.
    bo = await table.sits("bo")
    assert (await bo.control.change("production", "kill")).state == "confirmed"
    again = await table.soft(ann)
    assert again.state == "refused"
    assert again.line.startswith("Go/no-go: not called (used for the change of")


async def test_what_each_vote_saw_can_be_read_later(table: Table) -> None:
    await table.unanimous()
    for _, event in table.entries(events.VoteCast):
        assert event.plan_hash == table.loaded.hash
        assert event.evidence["p0"]["verdict"] == "PASS"
        assert event.evidence["data"]["line"].startswith("flags read back within 60 s")
        assert "conn" not in event.evidence
        assert event.seen[0] == "configured: nobody at revision 0 (LIVE)"
        assert any(line.startswith("flags: LIVE, answered at 20") for line in event.seen)


async def test_silence_refuses_and_is_named(table: Table) -> None:
    ann = await table.sits("ann")
    await ann.council.call("production")
    said = await ann.council.vote("production", "tech", "GO")
    assert said.line == "Tech says GO. silent: QA"
    assert (await table.soft(ann)).line == "Go/no-go: silent: QA"


async def test_a_bug_filed_after_the_vote_makes_it_stale(table: Table) -> None:
    await table.unanimous()
    bo, ann = await table.everybody("bo", "ann")
    await table.files(bo, "P0")
    refused = await table.soft(ann)
    assert refused.state == "refused"
    poll = ann.view().rollout.rollouts[0].poll
    assert poll is not None
    assert poll.line == "STALE: Tech (p0 was PASS and is FAIL), QA (p0 was PASS and is FAIL)"


async def test_the_wrong_seat_gets_a_clear_line_and_an_entry(table: Table) -> None:
    ann, bo, zoe = await table.everybody("ann", "bo", "zoe")
    await ann.council.call("production")
    free = await zoe.council.vote("production", "qa", "GO")
    assert (free.state, free.line) == ("denied", "zoe may not hold the seat QA: bo, cy")
    assert (await bo.council.vote("production", "qa", "GO")).state == "confirmed"
    taken = await ann.council.vote("production", "qa", "NO-GO", reason="not ready")
    assert (taken.state, taken.line) == ("denied", "QA is bo@jump")
    unknown = await ann.council.vote("production", "press", "GO")
    assert (unknown.state, unknown.line) == ("refused", "Go/no-go does not ask press; it asks tech, qa, director")
    early = await (await table.sits("dan")).council.vote("production", "director", "GO")
    assert early.line == "Director is asked in a later round, which is not called yet"
    assert [user for user, _ in table.entries(events.VoteCast)] == ["bo"]
    await ann.council.call("production")
    assert [note.partition(" for ")[0] for note in table.notes()] == [
        "could not answer GO",
        "could not answer NO-GO",
        "could not answer",
    ]


async def test_the_director_is_asked_last_and_only_their_seat_calls_it(table: Table) -> None:
    ann, bo, dan = await table.everybody("ann", "bo", "dan")
    assert (await dan.council.call("production")).state == "denied"
    await ann.council.call("production")
    await ann.council.vote("production", "tech", "GO")
    early = await dan.council.call("production")
    assert early.line == "Director's poll cannot be called: Technical poll is not all GO"
    await bo.council.vote("production", "qa", "GO")
    assert (await ann.council.call("production")).state == "denied"
    assert (await dan.council.call("production")).state == "confirmed"
    assert (await dan.council.call("production")).line.startswith("every round of Go/no-go is called")
    assert [event.round for _, event in table.entries(events.PollCalled)] == [0, 1]


async def test_two_who_call_at_once_begin_one_poll(table: Table) -> None:
    ann, eve = await table.everybody("ann", "eve")
    await ann.council.take_seat("tech")
    outcomes = await both(ann.council.call("production"), ann.council.call("production"))
    assert len(table.entries(events.PollCalled)) == 1
    assert [outcome.state for outcome in outcomes].count("confirmed") == 1
    assert (await eve.council.call("production")).state == "refused"


async def test_a_double_press_is_one_entry(table: Table) -> None:
    ann = await table.sits("ann")
    await ann.council.call("production")
    first, second = await both(
        ann.council.vote("production", "tech", "GO"), ann.council.vote("production", "tech", "GO")
    )
    assert first.state == second.state == "confirmed"
    assert len(table.entries(events.VoteCast)) == 1
    table.clock.on(minutes=10)
    await ann.council.vote("production", "tech", "GO")
    assert len(table.entries(events.VoteCast)) == 2


async def test_a_no_go_and_a_condition_say_why_who_and_by_when(table: Table) -> None:
    ann, bo, dan = await table.everybody("ann", "bo", "dan")
    await ann.council.call("production")
    due = table.clock() + timedelta(minutes=10)
    for refused, wanted in (
        (bo.council.vote("production", "qa", "NO-GO"), "needs a reason"),
        (bo.council.vote("production", "qa", "GO-IF", owner="cy", due=due), "needs a condition"),
        (bo.council.vote("production", "qa", "GO-IF", reason="tests", due=due), "needs an owner"),
        (bo.council.vote("production", "qa", "GO-IF", reason="tests", owner="cy"), "needs a time"),
        (bo.council.vote("production", "qa", "GO-IF", reason="tests", owner="cy", due=table.clock()), "is past"),
    ):
        outcome = await refused
        assert outcome.state == "refused"
        assert wanted in outcome.line
    await ann.council.vote("production", "tech", "GO")
    await bo.council.vote("production", "qa", "GO-IF", reason="tests", owner="cy", due=due)
    assert (await dan.council.call("production")).state == "refused"
    assert (await ann.council.accept_condition("production", "qa")).state == "denied"
    other = await dan.council.accept_condition("production", "qa", "another")
    assert other.line == "QA makes another condition by now: tests"
    assert (await dan.council.accept_condition("production", "qa", "tests")).state == "confirmed"
    await dan.council.call("production")
    armed = await dan.council.vote("production", "director", "GO")
    assert "armed until" in armed.line
    table.clock.on(minutes=11)
    assert "was due" in (await table.soft(ann)).line
    assert (await dan.council.accept_condition("production", "qa")).line.startswith("the answer of QA is STALE")


async def test_the_director_writes_down_what_was_said_and_it_is_marked(table: Table) -> None:
    ann, dan = await table.everybody("ann", "dan")
    await ann.council.call("production")
    assert (await ann.council.vote("production", "qa", "GO", verbal="bo")).state == "denied"
    assert (await dan.council.vote("production", "qa", "GO", verbal="bo, by phone")).state == "confirmed"
    assert table.entries(events.VoteCast)[0][1].verbal == "bo, by phone"
    assert [event.seat for _, event in table.entries(events.SeatTaken)] == ["tech", "director"]


async def test_an_answer_is_stale_once_the_seat_changed_hands(table: Table) -> None:
    await table.unanimous()
    ann, cy = await table.everybody("ann", "cy")
    assert (await cy.council.take_seat("qa")).line == "bo@jump holds the seat QA: taking it needs a reason"
    assert (await cy.council.take_seat("qa", "bo went home")).state == "confirmed"
    assert (await table.soft(ann)).line == "Go/no-go: STALE: QA (cy@jump took the seat since)"
    assert (await cy.council.vote("production", "qa", "GO")).state == "confirmed"
    assert (await table.soft(ann)).state == "confirmed"


async def test_who_may_take_a_seat(table: Table) -> None:
    ann, eve, zoe = await table.everybody("ann", "eve", "zoe")
    assert (await zoe.council.take_seat("tech")).state == "denied"
    assert (await zoe.council.take_seat("cook")).line == "the plan has no seat cook"
    assert (await eve.council.take_seat("tech")).state == "confirmed"
    assert (await eve.council.take_seat("tech")).line == "the seat Tech is yours already"
    assert (await ann.council.take_seat("tech", "back again")).state == "confirmed"
    assert [(user, event.from_whom) for user, event in table.entries(events.SeatTaken)] == [
        ("eve", ""),
        ("ann", "eve@jump"),
    ]


async def test_arming_ends_by_itself(table: Table) -> None:
    await table.unanimous()
    table.clock.on(minutes=21)
    ann = await table.sits("ann")
    assert "armed only until" in (await table.soft(ann)).line


async def test_a_poll_is_called_off_with_a_reason(table: Table) -> None:
    await table.unanimous()
    ann, bo, dan = await table.everybody("ann", "bo", "dan")
    assert (await dan.council.close("production", "")).state == "refused"
    assert (await bo.council.close("production", "no")).state == "denied"
    assert (await dan.council.close("production", "storm")).state == "confirmed"
    assert (await table.soft(ann)).line == "Go/no-go: not called (called off: storm): Tech calls it"
    assert (await dan.council.vote("production", "director", "GO")).state == "refused"
    assert (await ann.council.call("production")).state == "confirmed"


async def test_a_run_of_an_adopted_plan_does_not_outlive_it(table: Table) -> None:
    await table.unanimous()
    ann = await table.sits("ann")
    text = table.loaded.text.replace('title = "Small launch"', 'title = "Smaller launch"')
    other = sessions.launch(table.loaded.path.parent, text)
    async with sessions.Session.open(other, actor=ann.actor, watch=False, collect=False, clock=table.clock) as session:
        assert await session.take_conn("adopt") == ""
        assert await session.adopt() == ""
        await session.release_conn()
    assert "said of another plan" in (await table.soft(ann)).line


async def test_the_line_is_stopped_by_anybody_and_started_with_the_conn(table: Table) -> None:
    ann, zoe = await table.everybody("ann", "zoe")
    assert (await zoe.council.stop_line("smoke")).state == "confirmed"
    assert (await zoe.council.stop_line("smoke")).line == "the line is stopped already, by zoe@jump"
    assert (await zoe.council.start_line("gone")).state == "denied"
    assert await ann.take_conn() == ""
    assert (await ann.council.start_line("")).state == "refused"
    assert (await ann.council.start_line("the smoke is gone")).state == "confirmed"
    assert (await ann.council.start_line("again")).line == "the line is not stopped"
    assert kinds(ann).count("line.stopped") == kinds(ann).count("line.started") == 1


async def test_one_person_holds_every_seat(tmp_path: Path) -> None:
    seats = "".join(
        f'\n[[seat]]\nid = "{seat}"\ntitle = "{seat}"\nusers = ["ann"]\nconn = true\n'
        for seat in ("director", "tech", "qa")
    )
    async with Table(tmp_path, config(seats=seats, solo=True)) as table:
        ann = await table.sits("ann")
        for outcome in (
            await ann.council.call("production"),
            await ann.council.vote("production", "tech", "GO"),
            await ann.council.vote("production", "qa", "GO"),
            await ann.council.call("production"),
            await ann.council.vote("production", "director", "GO"),
        ):
            assert outcome.state == "confirmed", outcome.line
        assert (await table.soft(ann)).state == "confirmed"


async def test_what_the_plan_does_not_have_is_said(table: Table) -> None:
    ann = await table.sits("ann")
    assert (await ann.council.call("beta")).line == "the plan has no rollout beta"
    assert (await ann.council.call("production", "tea")).line == "production has no stage tea"
    assert (await ann.council.call("production", "full")).line == "production full needs no go/no-go poll"
    assert (await ann.council.vote("production", "qa", "GO")).line.startswith(
        "Go/no-go for production soft is not called"
    )
    maybe = await ann.council.vote("production", "qa", "MAYBE")  # type: ignore[arg-type]
    assert maybe.line == "MAYBE is no answer: GO, NO-GO or GO-IF"


async def test_what_somebody_saw_at_a_backend_is_written_down(table: Table) -> None:
    ann = await table.sits("ann")
    assert (await ann.council.observe("production", "cdn", at(20), 10)).state == "refused"
    assert (await ann.council.observe("production", "flags", at(120), 10)).state == "refused"
    assert (await ann.council.observe("production", "flags", at(20), 0)).state == "refused"
    assert (await ann.council.observe("production", "flags", at(20), 24 * 60 + 1)).state == "refused"
    assert (await ann.council.observe("production", "flags", at(20), 10)).state == "confirmed"
    ((_, seen),) = table.entries(events.ExposureObserved)
    assert (seen.exposure, seen.until) == (at(20), table.clock() + timedelta(minutes=10))


async def test_without_the_journal_nobody_agrees_and_anybody_stops_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Table(tmp_path, config()) as table:
        ann = await table.sits("ann")
        assert (await ann.council.call("production")).state == "confirmed"
        table.clock.on(seconds=5)  # the journal was made after the clock began to stand
        with monkeypatch.context() as broken:

            def refuse(*_: object, **__: object) -> None:
                raise StoreError("the disk is full")

            broken.setattr(Journal, "append", refuse)
            said = await ann.council.vote("production", "tech", "GO")
            assert (said.state, said.journaled) == ("refused", False)
            assert "cannot be journaled" in said.line
            stopped = await ann.council.stop_line("smoke")
            assert (stopped.state, stopped.journaled) == ("confirmed", False)
            assert "NOT JOURNALED, but recorded in the emergency file" in stopped.line
            known = ann._known.surroundings().consents.line
            assert known is not None
            assert known.reason == "smoke"
        # The next who does something brings it in.
        bo = await table.sits("bo")
        await bo.council.vote("production", "qa", "GO")
        assert [user for user, _ in table.entries(events.LineStopped)] == ["ann"]
        assert table.entries(events.VoteCast)[0][0] == "bo"

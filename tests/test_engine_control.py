"""Rollout changes: what may widen, what always shrinks, and what becomes of changes that a backend swallows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from repz_console.engine import carrier, recorder
from repz_console.engine.session import Session
from repz_console.engine.writer import JournalWriter
from repz_console.events import AnyEvent, ChangeEnded, ChangeIntended, Entry, NoteAdded
from repz_console.facts import Change
from repz_console.plan import exposure as exposures
from repz_console.room import gates
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support import faulty
from tests.support.faulty import Backend
from tests.support.sessions import CONFIG, at, eventually, kinds, launch, opened, revision, widen


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(carrier, "CHANGE_DEADLINE", 0.1)
    monkeypatch.setattr(carrier, "_KILL_PAUSE", 0.01)
    monkeypatch.setattr(carrier, "BLIND_PATIENCE", 0.1)
    return faulty.install(monkeypatch)


@pytest.fixture
async def session(tmp_path: Path, backend: Backend) -> AsyncIterator[Session]:
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        assert await session.take_conn() == ""
        yield session


def outcomes(session: Session) -> list[str]:
    return [entry.event.outcome for entry in session.entries() if isinstance(entry.event, ChangeEnded)]


async def test_a_change_is_journaled_before_it_is_applied_and_read_back_after(
    session: Session, backend: Backend
) -> None:
    seen: list[str] = []
    write = backend.write

    def watched(change: Change) -> object:
        seen.extend(kinds(session))
        return write(change)

    backend.write = watched  # type: ignore[method-assign,assignment]
    outcome = await widen(session, 20)
    assert outcome.state == "confirmed"
    assert outcome.revision == "2"
    assert seen[-2:] == ["change.intended", "change.sent"]
    assert kinds(session)[-1] == "change.ended"
    main = session.view().rollout.rollouts[0]
    assert main.configured.exposure == at(20)
    assert main.drift == ()
    intent = next(entry.event for entry in session.entries() if isinstance(entry.event, ChangeIntended))
    assert intent.before == exposures.nobody()
    assert intent.evidence["gates"]["p0"].startswith("PASS")


async def test_widening_needs_the_conn(session: Session, backend: Backend) -> None:
    await session.release_conn()
    assert (await widen(session, 20)).state == "denied"
    assert backend.applied == []


async def test_widening_is_bound_to_the_revision_it_was_decided_on(session: Session, backend: Backend) -> None:
    decided_on = await revision(session)
    backend.meddle(at(5))
    outcome = await widen(session, 20, decided_on)
    assert outcome.state == "refused"
    assert "mallory" in outcome.line
    assert (await widen(session, 20, "")).state == "refused"
    assert backend.applied == []


async def test_an_open_p0_and_a_hold_stop_widening_and_nothing_else(session: Session, backend: Backend) -> None:
    assert (await widen(session, 20)).state == "confirmed"
    triage = session.bugs()
    assert triage is not None
    filed = await session.write(triage.filed("Checkout is down", "P0"))
    refused = await widen(session, 40)
    assert refused.state == "refused"
    assert "P0" in refused.line
    await session.write(triage.changed(filed.event.bug, state="resolved"))  # type: ignore[union-attr]
    assert (await session.control.hold("production", "looking at it")).state == "confirmed"
    assert "looking at it" in (await widen(session, 40)).line
    assert (await session.control.change("production", "set", at(10))).state == "confirmed"
    assert (await session.control.resume("production")).state == "confirmed"
    assert (await widen(session, 20)).state == "confirmed"


async def test_a_hold_that_came_while_a_widening_was_journaled_stops_it(
    session: Session, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = JournalWriter.append
    async with opened(session.loaded, "ben") as ben:

        async def held_meanwhile(self: JournalWriter, event: AnyEvent, **given: Any) -> Entry:
            if isinstance(event, ChangeIntended):
                monkeypatch.setattr(JournalWriter, "append", append)
                assert (await ben.control.hold("production", "wait")).state == "confirmed"
            return await append(self, event, **given)

        monkeypatch.setattr(JournalWriter, "append", held_meanwhile)
        outcome = await widen(session, 20)
    assert outcome.state == "refused"
    assert "held by ben" in outcome.line
    assert outcomes(session) == ["rejected"]
    assert backend.applied == []


async def test_resuming_needs_the_conn(session: Session) -> None:
    await session.control.hold("production")
    await session.release_conn()
    assert (await session.control.resume("production")).state == "denied"


async def test_shrinking_needs_no_conn_no_revision_and_no_gate(session: Session, backend: Backend) -> None:
    await widen(session, 20)
    await session.release_conn()
    triage = session.bugs()
    assert triage is not None
    await session.write(triage.filed("Checkout is down", "P0"))
    assert (await session.control.change("production", "set", at(10))).state == "confirmed"
    assert backend.state.exposure == at(10)


async def test_roll_back_takes_the_smaller_of_each_cell(session: Session, backend: Backend) -> None:
    await widen(session, 20)
    await widen(session, 60)
    backend.meddle(exposures.at_most(at(60), at(100, "us")))
    outcome = await session.control.change("production", "rollback")
    assert outcome.state == "confirmed"
    assert backend.state.exposure.percent == {"us": 20}
    assert not any(exposures.widens(at(60), change.target) for change in backend.applied)


async def test_where_shares_differ_within_a_region_nothing_rises_unseen(session: Session, backend: Backend) -> None:
    await widen(session, 20)
    await widen(session, 60)
    backend.meddle(at(60))
    backend.state = replace(backend.state, least=at(5))
    # 40 % is less than the 60 % that some have, and more than the 5 % of others.
    refused = await session.control.change("production", "set", at(40), expect=await revision(session))
    assert refused.state == "refused"
    assert "differ" in refused.line
    assert (await session.control.change("production", "rollback")).state == "confirmed"
    assert backend.state.exposure == at(5)


async def test_roll_back_works_on_the_last_known_state_where_the_backend_cannot_be_read(
    session: Session, backend: Backend
) -> None:
    await widen(session, 20)
    await widen(session, 60)
    backend.reads = "raise"
    assert (await session.control.change("production", "rollback")).state == "confirmed"
    assert backend.state.exposure == at(20)
    # What looks like less than the last known 60 % is more than the 20 % that it is: the backend's revision says no.
    assert (await session.control.change("production", "set", at(40), expect="4")).state == "rejected"
    assert (await session.control.change("production", "set", at(80), expect="4")).state == "refused"
    assert backend.state.exposure == at(20)


async def test_a_conflict_is_a_rejection_and_leaves_nothing_behind(session: Session, backend: Backend) -> None:
    expect = await revision(session)
    write = backend.write

    def meddled(change: Change) -> object:
        backend.meddle(at(1))
        return write(change)

    backend.write = meddled  # type: ignore[method-assign,assignment]
    outcome = await widen(session, 20, expect)
    assert outcome.state == "rejected"
    assert outcomes(session) == ["rejected"]
    assert backend.state.exposure == at(1)


@pytest.mark.parametrize("answer", ["raise", "defect", "hang"])
async def test_an_answer_that_does_not_say_is_unknown_and_blocks_widening_only(
    session: Session, backend: Backend, answer: str
) -> None:
    await widen(session, 20)
    backend.answers = [answer]
    backend.trouble = "no fence can be written"
    assert (await widen(session, 40)).state == "unknown"
    assert outcomes(session) == ["confirmed", "unknown"]
    refused = await widen(session, 40)
    assert refused.state == "refused"
    assert "nobody knows" in refused.line
    assert (await session.control.change("production", "set", at(10))).state == "confirmed"
    # That change moved the revision on, so that the unknown one can no longer come.
    assert (await widen(session, 20)).state == "confirmed"


async def test_an_unknown_change_is_settled_by_setting_what_is_there_again(session: Session, backend: Backend) -> None:
    await widen(session, 20)
    backend.answers = ["raise"]
    await widen(session, 40)
    assert (await session.control.change("production", "set", at(20))).state == "confirmed"
    assert session.view().rollout.rollouts[0].unknown == ()
    assert (await widen(session, 40)).state == "confirmed"


async def test_what_was_applied_though_the_answer_was_an_error_is_found_by_reading_back(
    session: Session, backend: Backend
) -> None:
    backend.answers = ["applied, then raise"]
    outcome = await widen(session, 20)
    assert outcome.state == "confirmed"
    assert outcomes(session) == ["confirmed"]
    assert len(backend.applied) == 1


async def test_what_is_found_when_reading_back_is_told_also_where_it_is_not_what_was_asked_for(
    session: Session, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = backend.write
    monkeypatch.setattr(backend, "write", lambda change: write(replace(change, target=at(7))))
    backend.answers = ["applied, then raise"]
    outcome = await widen(session, 20)
    assert outcome.state == "confirmed"
    assert "504 Gateway Timeout, but the backend shows 7 %" in outcome.line


async def test_what_a_backend_without_marks_shows_is_nobody_elses_while_its_revision_stays(
    session: Session, backend: Backend
) -> None:
    backend.grade = "compared"
    assert "changed again since" not in (await widen(session, 20)).line


@pytest.mark.parametrize("fenced", [False, True])
async def test_a_late_change_is_never_called_not_applied_before_it_is_fenced(
    session: Session, backend: Backend, fenced: bool
) -> None:
    backend.answers = ["late"]
    backend.trouble = "" if fenced else "no fence can be written"
    assert (await widen(session, 20)).state == "unknown"
    await session.control.settle()
    assert outcomes(session) == ["unknown", *(["not_applied"] if fenced else [])]
    backend.release.set()
    await backend.arrived.wait()
    await session.control.settle()
    assert outcomes(session) == ["unknown", "not_applied" if fenced else "confirmed"]
    assert exposures.same(backend.state.exposure, exposures.nobody() if fenced else at(20))


async def test_a_kill_overrules_what_is_unknown_and_outlasts_it_on_a_backend_that_compares_nothing(
    session: Session, backend: Backend
) -> None:
    backend.grade = "blind"
    await widen(session, 20)
    backend.answers = ["late"]
    unknown = await widen(session, 60)
    arriving = backend.write

    def first_the_kill_then_the_late_one(change: Change) -> object:
        state = arriving(change)
        backend.release.set()
        return state

    backend.write = first_the_kill_then_the_late_one  # type: ignore[method-assign,assignment]
    outcome = await session.control.change("production", "kill")
    assert backend.arrived.is_set()
    assert outcome.state == "confirmed"
    assert exposures.is_nobody(backend.state.exposure)
    assert session.view().rollout.rollouts[0].unknown == ()
    record = session._known.decisions.change(unknown.op)
    assert record is not None
    assert record.state == "superseded"


async def test_a_kill_is_sent_again_until_the_backend_takes_it(session: Session, backend: Backend) -> None:
    await widen(session, 20)
    backend.answers = ["raise", "hang", "defect"]
    assert (await session.control.change("production", "kill")).state == "confirmed"
    assert exposures.is_nobody(backend.state.exposure)
    assert [change.op for change in backend.applied[1:]] == [backend.state.op]


async def test_a_kill_that_is_never_taken_is_unknown_and_one_that_is_refused_says_why(
    session: Session, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "KILL_PATIENCE", 1.0)
    await widen(session, 20)
    backend.answers = ["raise"] * 1000
    assert (await session.control.change("production", "kill")).state == "unknown"
    backend.answers = ["refuse"]
    refused = await session.control.change("production", "kill")
    assert refused.state == "rejected"
    assert "no permission" in refused.line
    # The first sending may have arrived, whatever became of the second.
    backend.answers = ["raise", "refuse"]
    assert (await session.control.change("production", "kill")).state == "unknown"


async def test_a_gate_with_a_defect_stops_no_way_back(
    session: Session, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await widen(session, 20)

    def broken(*_: object) -> None:
        raise KeyError("phase")

    monkeypatch.setattr(gates, "build", broken)
    assert (await session.control.change("production", "kill")).state == "confirmed"
    assert exposures.is_nobody(backend.state.exposure)


async def test_a_kill_works_blind(session: Session, backend: Backend) -> None:
    await widen(session, 20)
    backend.reads = "raise"
    outcome = await session.control.change("production", "kill")
    assert exposures.is_nobody(backend.state.exposure)
    assert outcome.state == "confirmed"
    assert "502" in outcome.line


async def test_the_way_back_goes_on_without_the_journal_and_says_so(
    session: Session, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await widen(session, 20)
    await widen(session, 60)

    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full")

    monkeypatch.setattr(Journal, "append", full)
    widened = await widen(session, 80)
    assert widened.state == "refused"
    assert "disk is full" in widened.line
    assert backend.state.exposure == at(60)
    for action, left in (("rollback", at(20)), ("kill", exposures.nobody())):
        outcome = await session.control.change("production", action)  # type: ignore[arg-type]
        assert outcome.state == "confirmed"
        assert not outcome.journaled
        assert "NOT JOURNALED" in outcome.line
        assert exposures.same(backend.state.exposure, left)
    held = await session.control.hold("production")
    assert held.state == "confirmed"
    assert "NOT JOURNALED, but recorded in the emergency file" in held.line
    with pytest.raises(StoreError):
        await session.note("lost")


async def test_the_way_back_does_not_wait_for_a_journal_that_hangs(
    session: Session, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await widen(session, 20)
    monkeypatch.setattr(recorder, "JOURNAL_PATIENCE", 0.05)
    thaw = threading.Event()
    append = Journal.append

    def hanging(*args: object, **kwargs: object) -> object:
        thaw.wait(120)
        return append(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", hanging)
    outcome = await session.control.change("production", "kill")
    assert exposures.is_nobody(backend.state.exposure)
    assert not outcome.journaled
    thaw.set()
    await eventually(lambda: outcomes(session)[-1:] == ["confirmed"] and len(outcomes(session)) == 2)


async def test_a_change_goes_on_though_its_caller_is_gone(session: Session, backend: Backend) -> None:
    caller = asyncio.create_task(widen(session, 20))
    await eventually(lambda: "change.intended" in kinds(session))
    caller.cancel()
    await eventually(lambda: outcomes(session) == ["confirmed"])


@pytest.mark.parametrize(
    ("target", "said"),
    [(at(20, "mars"), "mars"), (at(120), "percent"), (exposures.Exposure({"us": 1}, ("lasers",)), "lasers")],
)
async def test_a_target_that_is_none_of_the_rollouts_is_refused(
    session: Session, backend: Backend, target: exposures.Exposure, said: str
) -> None:
    outcome = await session.control.change("production", "set", target, expect="1")
    assert outcome.state == "refused"
    assert said in outcome.line
    assert "change.intended" not in kinds(session)
    (note,) = [entry.event.text for entry in session.entries() if isinstance(entry.event, NoteAdded)]
    assert note.startswith("could not set production to ")
    assert said in note

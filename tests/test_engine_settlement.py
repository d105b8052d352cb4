"""Changes whose console is gone: judged by what the backend shows, never called not applied without a fence."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from repz_console.engine import settler
from repz_console.engine.liveness import Liveness
from repz_console.engine.session import Session
from repz_console.engine.settlement import judge
from repz_console.engine.writer import JournalWriter
from repz_console.events import AnyEvent, BackendFenced, ChangeEnded, ChangeIntended, ChangeSent, Entry, StoreRestored
from repz_console.facts import Actor, Change, Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.providers.base import Conflict, Grade, Refused
from repz_console.room.decisions import Decisions
from repz_console.store.journal import Journal
from tests.support import doomed, faulty
from tests.support.faulty import Backend
from tests.support.sessions import CONFIG, actor, at, eventually, launch, opened, widen

NOW = datetime(2027, 2, 1, tzinfo=UTC)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    return faulty.install(monkeypatch)


def intended(
    op: str, target: Exposure, expect: str = "1", action: Literal["set", "rollback", "kill"] = "set"
) -> ChangeIntended:
    return ChangeIntended(
        op=op, rollout="production", action=action, target=target, before=exposures.nobody(), expect=expect
    )


def left_behind(folder: Path, *events: AnyEvent, by: Actor | None = None) -> None:
    """Entries of a console that wrote them and no more."""
    folder.mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(folder)
    for event in events:
        unique = f"change.sent:{event.op}" if isinstance(event, ChangeSent) else ""
        journal.append(event, by or actor("gone"), unique=unique)
    journal.close()


def ends(session: Session, op: str) -> list[tuple[str, str]]:
    return [
        (entry.event.outcome, entry.actor.user)
        for entry in session.entries()
        if isinstance(entry.event, ChangeEnded) and entry.event.op == op
    ]


def folded(*events: AnyEvent) -> Decisions:
    decisions = Decisions()
    decisions.fold(Entry(seq, NOW, "", event, actor("gone"), "") for seq, event in enumerate(events, 1))
    return decisions


def test_a_read_back_that_shows_the_change_confirms_it() -> None:
    decisions = folded(intended("a", at(20)))
    found = judge(decisions.change("a"), RolloutState("production", at(20), "2", op="a"), decisions, "keyed")  # type: ignore[arg-type]
    assert found is not None
    assert (found.outcome, found.revision) == ("confirmed", "2")


@pytest.mark.parametrize(
    ("other", "shown", "outcome"),
    [
        (None, RolloutState("production", exposures.nobody(), "1"), None),
        (None, RolloutState("production", at(3), "2"), "superseded"),
        (intended("b", at(5), "1"), RolloutState("production", at(5), "2", op="b"), "not_applied"),
        (intended("b", at(5), "2"), RolloutState("production", at(5), "3", op="b"), "superseded"),
        (
            intended("b", exposures.nobody(), "1", "kill"),
            RolloutState("production", exposures.nobody(), "2", op="b"),
            "superseded",
        ),
    ],
)
def test_without_its_mark_only_a_fence_settles_a_change(
    other: ChangeIntended | None, shown: RolloutState, outcome: str | None
) -> None:
    decisions = folded(intended("a", at(20)), *([other] if other else []))
    found = judge(decisions.change("a"), shown, decisions, "keyed")  # type: ignore[arg-type]
    assert (found.outcome if found else None) == outcome


@pytest.mark.parametrize(("left", "outcome"), [(exposures.nobody(), "superseded"), (at(20), None)])
def test_a_kill_without_an_answer_stays_open_while_anybody_is_exposed(left: Exposure, outcome: str | None) -> None:
    decisions = folded(intended("a", exposures.nobody(), "", "kill"))
    found = judge(decisions.change("a"), RolloutState("production", left, "7"), decisions, "keyed")  # type: ignore[arg-type]
    assert (found.outcome if found else None) == outcome


async def test_what_was_sent_is_unknown_while_the_backend_cannot_be_fenced(tmp_path: Path, backend: Backend) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), intended("b", at(30)), ChangeSent(op="b"))
    backend.trouble = "no permission"
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("not_applied", "ann")]
        assert ends(session, "b") == [("unknown", "ann")]
        await session.control.settle()
        assert len(ends(session, "b")) == 1
        assert backend.applied == []
        backend.meddle(at(1))
        await session.control.settle()
        assert [outcome for outcome, _ in ends(session, "b")] == ["unknown", "superseded"]


@pytest.mark.parametrize("grade", ["keyed", "compared"])
async def test_a_fence_tells_that_what_was_sent_did_not_arrive_and_lets_it_come_no_more(
    tmp_path: Path, backend: Backend, grade: Grade
) -> None:
    backend.grade = grade
    backend.meddle(at(5))
    left_behind(tmp_path / "store", intended("a", at(20), "2"), ChangeSent(op="a"))
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("not_applied", "ann")]
        assert [change.target for change in backend.applied] == [at(5)], "nobody sees more or less than before"
        with pytest.raises(Conflict):
            backend.write(Change("a", "production", at(20), "2", "a ghost"))
        assert session.view().rollout.rollouts[0].unknown == ()
        fences = [entry.event for entry in session.entries() if isinstance(entry.event, BackendFenced)]
        assert [(fence.rollout, fence.expect) for fence in fences] == [("production", "2")]
        assert session.view().rollout.rollouts[0].desired.exposure is None, "a fence is nobody's decision"


@pytest.mark.parametrize(("comes", "outcome"), [(False, "not_applied"), (True, "confirmed")])
async def test_behind_a_fence_of_a_backend_that_checks_and_then_writes_a_change_may_come_for_a_while(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch, comes: bool, outcome: str
) -> None:
    backend.grade = "checked"
    monkeypatch.setattr(settler, "LATE_WRITE", 0.01)
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    write = backend.write

    def fence(change: Change) -> RolloutState:
        written = write(change)
        if comes:
            backend.state = RolloutState("production", at(20), "3", "a ghost", None, "a")
        return written

    monkeypatch.setattr(backend, "write", fence)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [(outcome, "ann")]


async def test_a_fence_that_no_longer_stands_denies_nothing(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.grade = "checked"
    monkeypatch.setattr(settler, "LATE_WRITE", 0.01)
    left_behind(
        tmp_path / "store",
        intended("a", at(20)),
        ChangeSent(op="a"),
        BackendFenced(op="f", rollout="production", expect="1"),
        BackendFenced(op="g", rollout="production", expect="1"),
    )
    fences = iter(["f", "g"])

    async def read(_: object, rollout: str) -> RolloutState:
        return RolloutState(rollout, exposures.nobody(), "2", op=next(fences, "g"))

    monkeypatch.setattr(faulty.Faulty, "read", read)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("unknown", "ann")]
        await session.control.settle()
        assert ends(session, "a")[-1][0] == "not_applied"


@pytest.mark.parametrize("answer", ["raise", "applied, then raise", "defect"])
async def test_a_fence_that_fails_leaves_only_what_the_backend_then_shows(
    tmp_path: Path, backend: Backend, answer: str
) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    backend.answers = [answer]
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("not_applied" if "applied" in answer else "unknown", "ann")]
        await session.control.settle()
        assert ends(session, "a")[-1][0] == "not_applied"


async def test_what_arrives_before_the_fence_is_found(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    write = backend.write

    def overtaken(change: Change) -> RolloutState:
        if not backend.applied:
            write(Change("a", "production", at(20), "1", "a ghost"))
        return write(change)

    monkeypatch.setattr(backend, "write", overtaken)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("confirmed", "ann")]
    assert [change.op for change in backend.applied] == ["a"]


async def test_a_backend_that_compares_nothing_is_never_fenced(tmp_path: Path, backend: Backend) -> None:
    backend.grade = "blind"
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        backend.meddle(at(1))
        await session.control.settle()
        assert ends(session, "a") == [("unknown", "ann")]
    assert backend.applied == []


async def test_what_a_blind_backend_left_unknown_is_settled_by_a_person_who_looked(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.grade = "blind"
    backend.meddle(at(5))
    left_behind(tmp_path / "store", intended("a", at(20), "2"), ChangeSent(op="a"))
    monkeypatch.setattr(settler, "BETWEEN_LOOKS", 0)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert (await session.control.accept("production", at(5))).state == "denied", "only with the conn"
        await session.take_conn()
        too_soon = await session.control.accept("production", at(5))
        assert too_soon.state == "refused"
        assert "may still be under way" in too_soon.line
        monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
        backend.reads = "raise"
        assert (await session.control.accept("production", at(5))).state == "refused"
        backend.reads = "ok"
        other = await session.control.accept("production", at(40))
        assert other.state == "refused", "that is not what the backend shows"
        assert ends(session, "a") == [("unknown", "ann")]
        assert (await session.control.accept("production", at(5))).state == "confirmed"
        assert ends(session, "a")[1:] == [("superseded", "ann")]
        assert (await session.control.accept("production", at(5))).state == "refused", "nothing is unknown any more"
    assert backend.applied == []


async def test_a_backend_that_changes_while_somebody_looks_is_not_taken_at_its_word(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.grade = "blind"
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        await session.take_conn()
        looking = asyncio.create_task(session.control.accept("production", exposures.nobody()))
        await asyncio.sleep(settler.BETWEEN_LOOKS / 2)
        backend.meddle(at(20))
        assert (await looking).state == "refused"
        assert ends(session, "a") == [("unknown", "ann")]


async def test_where_shares_differ_within_a_cell_nothing_is_written(tmp_path: Path, backend: Backend) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    backend.state = RolloutState("production", at(30), "1", least=at(10))
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("unknown", "ann")]
    assert backend.applied == []


async def test_a_shrink_without_a_sent_entry_may_have_been_sent(tmp_path: Path, backend: Backend) -> None:
    way_back = ChangeIntended(
        op="a", rollout="production", action="set", target=at(5), before=at(20), expect="1", reason=""
    )
    left_behind(tmp_path / "store", way_back)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == [("not_applied", "ann")]
    assert len(backend.applied) == 1, "only behind a fence"


async def test_a_backend_that_cannot_be_read_leaves_it_unknown_until_it_can(tmp_path: Path, backend: Backend) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"))
    backend.state = RolloutState("production", at(20), "2", op="a")
    backend.reads = "raise"
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert [outcome for outcome, _ in ends(session, "a")] == ["unknown"]
        backend.reads = "ok"
        await session.control.settle()
        assert [outcome for outcome, _ in ends(session, "a")] == ["unknown", "confirmed"]


async def test_the_change_of_a_console_that_runs_is_left_alone(tmp_path: Path, backend: Backend) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"), by=actor("ben"))
    running = Liveness(lambda: tmp_path / "store", actor("ben").console)
    running.hold()
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == []
        running.release()
        await session.control.settle()
        assert [outcome for outcome, _ in ends(session, "a")] == ["not_applied"]


async def test_a_restored_copy_that_steers_nothing_settles_nothing(tmp_path: Path, backend: Backend) -> None:
    restored = StoreRestored(seq=2, hash="", host="old", folder="/old", copied_at=NOW)
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"), restored)
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.control.settle()
        assert ends(session, "a") == []
    assert backend.applied == []


async def test_two_consoles_settle_a_change_once(tmp_path: Path, backend: Backend) -> None:
    left_behind(tmp_path / "store", intended("a", at(20)), ChangeSent(op="a"), intended("b", at(30)))
    backend.state = RolloutState("production", at(20), "2", op="a")
    loaded = launch(tmp_path, faulty.config(CONFIG))
    async with opened(loaded, "ann") as ann, opened(loaded, "ben") as ben:
        await asyncio.gather(ann.control.settle(), ben.control.settle())
        journal = await ann._storage.run(lambda stores: stores.journal.entries())
    ended = [entry.event.op for entry in journal if isinstance(entry.event, ChangeEnded)]
    assert sorted(ended) == ["a", "b"]


async def test_a_console_that_was_taken_for_dead_does_not_send_what_was_given_up(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path, faulty.config(CONFIG))
    async with opened(loaded, "ann") as ann, opened(loaded, "ben") as ben:
        await ann.take_conn()
        append = JournalWriter.append

        async def frozen_after_deciding(self: JournalWriter, event: AnyEvent, **given: Any) -> Entry:
            entry = await append(self, event, **given)
            if isinstance(event, ChangeIntended):
                monkeypatch.setattr(Liveness, "runs", lambda *_: False)
                await ben.refresh()
                await ben.note("look")  # whoever writes reads what others wrote
                await ben.control.settle()
            return entry

        monkeypatch.setattr(JournalWriter, "append", frozen_after_deciding)
        outcome = await widen(ann, 20)
        assert outcome.state == "refused"
        assert ends(ann, outcome.op) == [("not_applied", "ben")]
    assert backend.applied == []


@pytest.mark.parametrize(
    ("point", "outcome", "exposed"),
    [
        ("change.intended", "not_applied", False),
        ("change.sent", "not_applied", False),
        ("applied", "confirmed", True),
        ("change.ended", "confirmed", True),
    ],
)
async def test_kill_9_anywhere_leaves_no_change_half_known(
    tmp_path: Path, point: str, outcome: str, exposed: bool
) -> None:
    loaded = launch(tmp_path)
    assert point in doomed.POINTS
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.support.doomed"],
        input=f"{tmp_path} {point}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert died.stdout == f"{tmp_path} -9\n", died.stderr
    async with opened(loaded, "ben", watch=True) as session:
        await eventually(lambda: not session._known.decisions.unsettled())
        ops = [entry.event for entry in session.entries() if isinstance(entry.event, ChangeIntended)]
        assert len(ops) == 1
        assert [found for found, _ in ends(session, ops[0].op)] == [outcome]
        await session.refresh("flags")
        main = session.view().rollout.rollouts[0]
        assert main.configured.exposure == (at(20) if exposed else exposures.nobody())
        assert main.drift == ()
        assert await session.take_conn("its console died") == ""
        assert (await widen(session, 40 if exposed else 20)).state == "confirmed"


async def test_a_way_down_does_not_wait_for_what_is_looked_at_elsewhere(tmp_path: Path, backend: Backend) -> None:
    backend.meddle(at(40))
    async with opened(launch(tmp_path, faulty.config(CONFIG)), "ben") as ben, ben.control._settler._turn:
        lowered = await asyncio.wait_for(ben.control.change("production", "set", at(20)), 20)
        assert lowered.state == "confirmed"


async def test_a_backend_that_cannot_say_whether_it_is_ready_is_not_written_to(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: object) -> str:
        raise RuntimeError("no idea")

    monkeypatch.setattr(faulty.Faulty, "ready", broken)
    revision = backend.state.revision
    left_behind(tmp_path / "store", intended("a", at(20), revision), ChangeSent(op="a"))
    async with opened(launch(tmp_path, faulty.config(CONFIG)), "ben", watch=True) as ben:
        await eventually(lambda: ends(ben, "a") == [("unknown", "ben")])
        assert not any(isinstance(entry.event, BackendFenced) for entry in ben.entries())
        assert not any("stopped" in notice for notice in ben.notices)


async def test_a_rollout_that_the_plan_no_longer_has_is_a_plain_refusal(tmp_path: Path, backend: Backend) -> None:
    async with opened(launch(tmp_path, faulty.config(CONFIG)), "ben") as ben:
        with pytest.raises(Refused, match="no longer has the rollout gone"):
            ben._known.controllers("gone")

"""The way back with a journal that is full, read-only, damaged, newer, gone or silent, and what becomes of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from repz_console.engine import recorder
from repz_console.engine.session import Session
from repz_console.engine.writer import JournalWriter
from repz_console.events import ChangeEnded, ChangeIntended, EmergencyImported, NoteAdded, RolloutHeld
from repz_console.facts import Freshness, Verdict
from repz_console.plan import exposure as exposures
from repz_console.store import syslog
from repz_console.store.emergency import SIZE, Emergency
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.tui.paint.base import text_of
from repz_console.tui.paint.status import banner
from tests.support.broken import MOUNTING, STATES, exposed_at, limited, mounted, newer
from tests.support.sessions import at, eventually, launch, opened, revision, widen


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(syslog, "SOCKETS", ())


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The store's folder, on a small disk of its own where that can be had."""
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    with ExitStack() as stack:
        if os.geteuid() == 0:
            stack.enter_context(mounted("-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", at=store))
        yield store


def unmounted(disk: Path) -> Path:
    """The same folder on the disk of the test: one on which a disk is mounted cannot be moved aside."""
    subprocess.run(["umount", os.fspath(disk)], check=os.geteuid() == 0)
    return disk


def hold_gate(session: Session) -> tuple[Verdict, str]:
    gate = next(each for each in session.view().rollout.rollouts[0].gates if each.id == "hold")
    return gate.verdict, gate.line


@pytest.mark.parametrize("name", STATES)
async def test_hold_roll_back_and_kill_go_on_are_recorded_and_brought_in_once(
    name: str, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0 and name in MOUNTING:
        pytest.skip("mounting needs root")
    if os.geteuid() == 0 and name == "unwritable":
        pytest.skip("root may write everything")
    if name == "unreadable":
        disk = unmounted(disk)
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20, 60)
    with STATES[name](disk, monkeypatch):
        async with opened(loaded, "ben") as session:
            await session.refresh("flags")
            view = session.view()
            assert view.rollout.rollouts[0].configured.exposure == at(60)
            assert "conn" in await session.take_conn()
            refused = await widen(session, 80, view.rollout.rollouts[0].revision)
            assert refused.state in ("denied", "refused")
            back = await session.control.change("production", "rollback", reason="too slow")
            held = await session.control.hold("production", "it burns")
            after = await revision(session)
            configured = session.view().rollout.rollouts[0].configured.exposure
            assert configured is not None
            assert not exposures.widens(at(20), configured)
            killed = await session.control.change("production", "kill")
            for outcome in (back, held, killed):
                assert outcome.state == "confirmed", outcome.line
                assert not outcome.journaled
                assert "NOT JOURNALED, but recorded in" in outcome.line
            assert after != view.rollout.rollouts[0].revision
            await session.refresh("flags")
            now = session.view().rollout.rollouts[0].configured.exposure
            assert now is not None
            assert exposures.is_nobody(now)
            verdict, line = hold_gate(session)
            assert verdict is Verdict.FAIL
            assert "held by ben" in line
            assert "it burns" in line
            found = banner(session.view(), 400)
            said = " ".join(map(text_of, found))
            assert "READ-ONLY" in said or "NO JOURNAL" in said
            assert "rollback" not in said
            assert ("NO JOURNAL" in said) == bool(session.without or name == "damaged")
            kinds = [type(record.event).__name__ for record in Emergency(disk).read()]
            if name not in ("unreadable",):
                assert kinds.count("ChangeIntended") == kinds.count("ChangeEnded") == 2
                assert kinds.count("RolloutHeld") == 1
    async with opened(loaded, "ana", watch=True) as ana, opened(loaded, "cleo", watch=True) as cleo:
        for session in (ana, cleo):
            await eventually(lambda s=session: not s._known.records and hold_gate(s)[0] is Verdict.FAIL)  # type: ignore[misc]
        events = [entry for entry in ana.entries() if entry.actor.user == "ben"]
        intents = [entry.event for entry in events if isinstance(entry.event, ChangeIntended)]
        endings = [entry.event for entry in events if isinstance(entry.event, ChangeEnded)]
        assert [intent.action for intent in intents] == ["rollback", "kill"]
        assert [(ending.op, ending.outcome) for ending in endings] == [(each.op, "confirmed") for each in intents]
        assert len([entry for entry in events if isinstance(entry.event, RolloutHeld)]) == 1
        told = [entry for entry in ana.entries() if isinstance(entry.event, EmergencyImported)]
        assert sorted(seq for entry in told for seq in entry.event.entries) == sorted(  # type: ignore[union-attr]
            entry.seq for entry in events if not entry.kind.startswith("console.")
        )
        assert {entry.actor.user for entry in told} <= {"ana", "cleo"}
        assert "held by ben" in hold_gate(cleo)[1]
        assert await cleo.take_conn("carry on") == ""
        assert "held by ben" in (await widen(cleo, 10)).line
        assert (await cleo.control.resume("production")).state == "confirmed"
        assert (await widen(cleo, 10)).state == "confirmed"
    journal = Journal.open(disk)
    assert journal.verify().ok
    journal.close()


async def test_a_journal_that_may_not_grow_stops_widening_and_not_the_way_back(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    async with opened(loaded, "ben", watch=True) as session:
        assert await session.take_conn() == ""
        expect = await revision(session)
        with limited(SIZE):
            for _ in range(100):
                with suppress(StoreError):
                    await session.write(NoteAdded("x" * 8000))
            assert session.view().journal.writable
            assert (await widen(session, 40, expect)).state == "refused"
            killed = await session.control.change("production", "kill")
            assert "recorded in the emergency file" in killed.line
            assert [record.event.op for record in session._known.records] == [killed.op] * 3  # type: ignore[union-attr]
        await eventually(lambda: not session._known.records)
        change = session._known.decisions.change(killed.op)
        assert change is not None
        assert change.state == "confirmed"


async def test_a_hold_of_one_console_stops_another_that_was_already_widening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded, "ana") as ana, opened(loaded, "ben") as ben:
        assert await ana.take_conn() == ""
        expect = await revision(ana)
        append = Journal.append

        def refused_to_ben(self: Journal, event: object, actor: object, **given: object) -> object:
            if getattr(actor, "user", "") == "ben":
                raise StoreError("The disk refused ben")
            return append(self, event, actor, **given)  # type: ignore[arg-type]

        monkeypatch.setattr(Journal, "append", refused_to_ben)
        write = JournalWriter.append
        held: list[str] = []

        async def meanwhile(self: JournalWriter, event: object, **given: object) -> object:
            if isinstance(event, ChangeIntended) and not held:
                held.append((await ben.control.hold("production", "wait")).state)
            return await write(self, event, **given)  # type: ignore[arg-type]

        monkeypatch.setattr(JournalWriter, "append", meanwhile)
        outcome = await widen(ana, 20, expect)
        assert held == ["confirmed"]
        assert outcome.state == "refused"
        assert "held by ben" in outcome.line


async def test_a_console_that_opened_without_its_journal_finds_it_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    with ExitStack() as stack:
        stack.enter_context(newer(tmp_path / "store", monkeypatch))
        async with opened(loaded, "ben", watch=True) as session:
            assert "newer repz-console" in session.without
            assert (await session.control.hold("production", "it burns")).state == "confirmed"
            stack.close()
            await eventually(lambda: not session.without and not session._known.records)
            assert [entry.event for entry in session.entries() if isinstance(entry.event, RolloutHeld)]
            assert session.view().journal.damage == ""
            assert (await session.note("back")).seq > 1


async def test_a_journal_that_falls_silent_is_said_and_is_followed_again_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    monkeypatch.setattr("repz_console.engine.follower.SILENCE", 0.1)
    monkeypatch.setattr(recorder, "JOURNAL_PATIENCE", 0.2)
    thaw = threading.Event()
    async with opened(loaded, "ben", watch=True) as session:
        stuck = asyncio.create_task(session._storage.run(lambda _: thaw.wait(120)))
        await eventually(lambda: "has not answered" in session.view().journal.damage)
        sources = {each.id: each.freshness for each in session.view().sources.sources}
        assert sources["bugs"] is Freshness.DOWN
        held = await session.control.hold("production", "it burns")
        killed = await session.control.change("production", "kill")
        assert (held.state, killed.state) == ("confirmed", "confirmed")
        assert "emergency file" in killed.line
        thaw.set()
        await stuck
        await eventually(lambda: not session.view().journal.damage and not session._known.records)
        events = [entry.event for entry in session.entries()]
        assert len([event for event in events if isinstance(event, RolloutHeld)]) == 1
        kills = [event for event in events if isinstance(event, ChangeIntended) and event.action == "kill"]
        assert len(kills) == 1
        assert [event.op for event in events if isinstance(event, ChangeEnded)][-1] == kills[0].op


async def test_a_hold_that_no_file_takes_is_not_called_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)

    def refused(*_: object, **__: object) -> None:
        raise StoreError("The disk refused it")

    monkeypatch.setattr(Journal, "append", refused)
    monkeypatch.setattr("repz_console.store.emergency.EmergencyFile.write", refused)
    async with opened(loaded, "ben", watch=True) as session:
        held = await session.control.hold("production")
        assert held.state == "refused"
        assert "nowhere but in this console's memory" in held.line
        killed = await session.control.change("production", "kill")
        assert killed.state == "confirmed"
        assert "NOT JOURNALED" in killed.line
        monkeypatch.undo()
        await eventually(lambda: not session._known.records)
        assert [entry.kind for entry in session.entries()].count("change.intended") == 2


@pytest.mark.parametrize("silent", [False, True])
async def test_a_store_that_opens_and_cannot_be_read_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    thaw, entries = threading.Event(), Journal.entries

    def unread(self: Journal, *given: int, **more: int) -> object:
        if self.path.parent != tmp_path / "store":
            return entries(self, *given, **more)
        if silent:
            thaw.wait(30)
        raise StoreError("The disk refused to read it")

    monkeypatch.setattr(Journal, "entries", unread)
    monkeypatch.setattr("repz_console.engine.session.OPENING_PATIENCE", 0.2)
    async with opened(loaded, "ben", watch=True) as session:
        why = "did not answer within" if silent else "cannot be read: The disk refused to read it"
        assert f"{tmp_path}/store {why}" in session.without
        assert session.view().control.state == "UNKNOWN"
        killed = await session.control.change("production", "kill")
        assert killed.state == "confirmed"
        thaw.set()
        monkeypatch.undo()
        if not silent:
            await eventually(lambda: not session.without and session._known.decisions.change(killed.op) is not None)
    async with opened(loaded, "ana", watch=True) as ana:
        await eventually(lambda: ana._known.decisions.change(killed.op) is not None)


async def test_a_hold_recorded_while_the_journal_cannot_be_read_is_known_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    async with opened(loaded, "ana", watch=True) as ana, opened(loaded, "ben") as ben:

        def refused(*_: object, **__: object) -> int:
            raise StoreError("The disk refused it")

        monkeypatch.setattr(Journal, "append", refused)
        monkeypatch.setattr(Journal, "data_version", refused)
        assert (await ben.control.hold("production", "it burns")).state == "confirmed"
        await eventually(lambda: "refused it" in ana.view().journal.damage)
        await asyncio.sleep(0.6)
        monkeypatch.undo()
        await eventually(lambda: "held by ben" in hold_gate(ana)[1])

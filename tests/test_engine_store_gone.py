"""Flag files inside a store that cannot be used: what is said to be killed is killed there, or is not said to be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from repz_console.commands.examine import sharing
from repz_console.config import Loaded
from repz_console.engine.outcome import Outcome
from repz_console.events import ChangeIntended, NoteAdded, RolloutHeld
from repz_console.facts import Exposure, Verdict
from repz_console.plan import exposure as exposures
from repz_console.room.views import RoomView
from repz_console.store import syslog
from repz_console.store.emergency import own_folders
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support.broken import exposed_at, newer, read_only, silent, unreadable, unwritable
from tests.support.commands import Commands
from tests.support.sessions import CONFIG, eventually, launch, opened
from tests.support.users import as_user, needs_root

INSIDE = CONFIG.replace('path = "flags.json"', 'path = "state:flags.json"')


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(syslog, "SOCKETS", ())


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    found = launch(tmp_path, INSIDE)
    asyncio.run(exposed_at(found, 20))
    return found


def configured(loaded: Loaded) -> Exposure | None:
    async def look() -> Exposure | None:
        async with opened(loaded) as session:
            await session.refresh("flags")
            return session.view().rollout.rollouts[0].configured.exposure

    return asyncio.run(look())


def killed(loaded: Loaded) -> Outcome:
    async def kill() -> Outcome:
        async with opened(loaded, "ben") as session:
            return await session.control.change("production", "kill")

    return asyncio.run(kill())


def test_of_a_store_that_is_gone_nothing_is_shown_as_a_fact(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> RoomView:
        async with opened(loaded) as session:
            return session.view()

    with unreadable(tmp_path / "store", monkeypatch):
        view = asyncio.run(look())
    rollout = view.rollout.rollouts[0]
    conn = next(gate for gate in rollout.gates if gate.id == "conn")
    assert view.control.state == "UNKNOWN"
    assert (conn.verdict, "nobody knows who has the conn" in conn.line) == (Verdict.INCONCLUSIVE, True)
    assert rollout.desired.note == "not known: the journal cannot be read"
    assert rollout.configured.exposure is None


def own_flags() -> list[Path]:
    return [folder / "flags.json" for folder in own_folders() if (folder / "flags.json").exists()]


@pytest.mark.parametrize("broken", [newer, silent])
def test_a_kill_without_the_journal_is_in_the_file_that_everybody_reads(
    loaded: Loaded,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: Callable[..., object],
) -> None:
    with broken(tmp_path / "store", monkeypatch):  # type: ignore[attr-defined]
        assert killed(loaded).state == "confirmed"
    now = configured(loaded)
    assert now is not None
    assert exposures.is_nobody(now)
    assert own_flags() == []


def test_a_kill_where_the_store_is_gone_does_not_say_that_it_worked(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with unreadable(tmp_path / "store", monkeypatch):
        assert configured(loaded) is None
        assert killed(loaded).state == "rejected"
        answer = Commands(capsys)("rollout", "kill", "production", "--yes")
        assert answer.code == 3
        assert "nothing was changed" in answer.err
    assert own_flags() == []
    now = configured(loaded)
    assert now is not None
    assert set(now.percent.values()) == {20}


@needs_root
def test_a_kill_by_somebody_outside_the_group_does_not_say_that_it_worked(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = launch(reachable, INSIDE)
    (reachable / "config.toml").chmod(0o644)
    asyncio.run(exposed_at(mine, 20))
    (reachable / "store").chmod(0o755)
    home = reachable / "home"
    home.mkdir()
    home.chmod(0o777)
    monkeypatch.setenv("XDG_STATE_HOME", str(home))

    def work() -> None:
        outcome = killed(mine)
        assert outcome.state == "rejected", outcome.line

    assert as_user(7001, [], work) == ""
    assert own_flags() == []
    now = configured(mine)
    assert now is not None
    assert set(now.percent.values()) == {20}


async def test_a_journal_that_could_only_be_read_is_found_again_when_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    as_root = os.geteuid() == 0
    with (read_only if as_root else unwritable)(tmp_path / "store", monkeypatch):
        opening = opened(loaded, "ben", watch=True)
        session = await opening
        assert session.trouble
        assert ("is read-only" in session.trouble) == as_root
        assert (await session.control.hold("production", "it burns")).state == "confirmed"
        if as_root:
            rights = next(each for each in sharing.examine(tmp_path / "store", ()) if each.subject == "rights")
            assert rights.state == "bad"
            assert "mounted read-only" in rights.line
            assert "usermod" not in rights.remedy
    await eventually(lambda: not session.trouble and not session._known.records)
    assert [entry.event for entry in session.entries() if isinstance(entry.event, RolloutHeld)]
    assert await session.write(NoteAdded("back"))
    await session.aclose()


async def test_a_change_that_waits_to_be_journaled_is_a_decision_and_no_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)

    def refused(*_: object, **__: object) -> None:
        raise StoreError("The disk refused it")

    async with opened(loaded, "ana") as ana, opened(loaded, "ben", watch=True) as ben:
        monkeypatch.setattr(Journal, "append", refused)
        monkeypatch.setattr("repz_console.engine.follower.emergency.bring_in", refused)
        assert (await ana.control.change("production", "kill")).state == "confirmed"
        await eventually(lambda: len(ben._known.records) == 3)
        await ben.refresh("flags")
        for session in (ana, ben):
            view = session.view().rollout.rollouts[0]
            assert view.drift == ()
            assert view.desired.exposure is not None
            assert exposures.is_nobody(view.desired.exposure)
            assert view.desired.by == "ana@jump"
        monkeypatch.undo()


async def test_a_second_kill_knows_what_the_first_left(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    await exposed_at(loaded, 20)
    async with opened(loaded, "ana") as ana, opened(loaded, "ben") as ben:
        await ben.refresh("flags")
        assert (await ana.control.change("production", "kill")).state == "confirmed"
        await ben.note("sees what ana did")
        assert (await ben.control.change("production", "kill")).state == "confirmed"
        kills = [entry.event for entry in ben.entries() if isinstance(entry.event, ChangeIntended)][-2:]
        assert [kill.before is not None and exposures.is_nobody(kill.before) for kill in kills] == [False, True]

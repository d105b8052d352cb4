"""Every console finds out for itself whether its user could kill, and notices when that changes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from repz_console.engine import collector as collector_module
from repz_console.engine import readiness
from repz_console.engine.session import Session
from repz_console.facts import Abilities
from repz_console.room.views import ReadinessView
from tests.support import faulty
from tests.support.commands import Commands
from tests.support.faulty import Backend, Faulty
from tests.support.sessions import CONFIG, actor, at, eventually, launch, opened
from tests.support.unleash_server import ADMIN, UnleashServer


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(collector_module, "SAVE_EVERY", 0.05)
    monkeypatch.setattr(readiness, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(readiness, "PAUSE", 0.01)
    return faulty.install(monkeypatch)


def config() -> str:
    return faulty.config(CONFIG).replace("every = 1\n", "every = 0.05\n")


def found(session: Session) -> ReadinessView:
    return session.view().rollout.rollouts[0].readiness[0]


async def test_it_follows_the_rights_of_this_user(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(readiness, "JITTER", 0.0)
    async with Session.open(launch(tmp_path, config()), actor=actor("ann"), present=True) as ann:
        await eventually(lambda: found(ann).state == "ready")
        assert ann.view().rollout.kill == ""
        backend.trouble = "403 Forbidden: the token may only read"
        await eventually(lambda: found(ann).state == "not ready")
        assert ann.view().rollout.kill == "KILL 0 of 1: flags: 403 Forbidden: the token may only read"
        backend.trouble = ""
        await eventually(lambda: found(ann).state == "ready")


async def test_it_looks_at_once_when_a_backend_fails_or_is_changed(tmp_path: Path, backend: Backend) -> None:
    async with Session.open(launch(tmp_path, config()), actor=actor("ann"), present=True) as ann:
        await eventually(lambda: found(ann).state == "ready")
        backend.trouble = "the disk is gone"
        backend.reads = "raise"
        await eventually(lambda: found(ann).state == "not ready", readiness.LOOK_EVERY / 2)
        backend.trouble = ""
        await ann.control.change("production", "kill")
        await eventually(lambda: found(ann).state == "ready", readiness.LOOK_EVERY / 2)


async def test_a_look_that_hangs_is_not_repeated_and_stands_in_nobodys_way(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(readiness, "JITTER", 0.0)
    monkeypatch.setattr(readiness, "LOOK_DEADLINE", 0.05)
    begun, released = [], asyncio.Event()

    async def deaf(self: Faulty) -> str:
        begun.append(self)
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return ""

    monkeypatch.setattr(Faulty, "ready", deaf)
    backend.meddle(at(20))
    async with Session.open(launch(tmp_path, config()), actor=actor("ann"), present=True) as ann:
        await eventually(lambda: "still hanging" in found(ann).line)
        assert len(begun) == 1
        assert (await ann.control.change("production", "kill")).state == "confirmed"
        assert backend.state.exposure.percent == {}
        released.set()
        await eventually(lambda: found(ann).state == "ready")


async def test_no_news_wakes_nobody(tmp_path: Path, backend: Backend) -> None:
    async with opened(launch(tmp_path, config())) as ann:
        await ann.look_back()
        await asyncio.sleep(0)
        told: list[str] = []
        ann.subscribe(lambda: told.append("changed"))
        before = ann.view().rollout
        await ann.look_back()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told == []
        assert ann.view().rollout is before
        backend.trouble = "403 Forbidden"
        await ann.look_back()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told == ["changed"]


async def test_a_defect_of_a_backend_is_an_answer(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Faulty) -> str:
        raise KeyError("token")

    monkeypatch.setattr(Faulty, "ready", broken)
    async with opened(launch(tmp_path, config())) as ann:
        await ann.look_back()
        assert (found(ann).state, found(ann).line) == ("not ready", "'token'")


def test_status_looks_when_it_is_to_ask_and_doctor_says_the_same(
    tmp_path: Path, backend: Backend, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launch(tmp_path, config())
    monkeypatch.chdir(tmp_path)
    repz = Commands(capsys)
    assert json.loads(repz("status", "--json").out)["rollout"]["kill"] == "KILL not looked at yet"
    assert json.loads(repz("status", "--refresh", "--json").out)["rollout"]["kill"] == ""
    backend.trouble = "403 Forbidden"
    assert "KILL 0 of 1: flags: 403 Forbidden" in repz("status", "--refresh").out
    doctor = {each["subject"]: each["line"] for each in json.loads(repz("doctor", "--json").out)}
    assert doctor["flags way back"] == "roll back and kill would fail now: 403 Forbidden"


def by_unleash(folder: Path, server: UnleashServer, every: float = 1) -> str:
    table = f'kind = "unleash"\nurl = "{server.url}"\nevery = {every}\ntoken = {{ secret = "key" }}\n'
    secret = f'\n[secret.key]\nfile = "{folder / "token"}"\n'
    return CONFIG.replace('kind = "flagd"\nevery = 1\npath = "flags.json"\n', table) + secret


async def test_a_wrong_token_and_a_server_that_is_gone_are_found_and_so_is_their_end(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    server = UnleashServer("repz.production.core")
    with server.running():
        token.write_text("user:wrong-token-0123456789")
        async with opened(launch(tmp_path, by_unleash(tmp_path, server))) as ann:
            await ann.look_back()
            assert found(ann).state == "not ready"
            assert "does not know the token" in found(ann).line
            assert "wrong-token" not in found(ann).line
        token.write_text(ADMIN)
        async with opened(launch(tmp_path, by_unleash(tmp_path, server))) as ann:
            await ann.look_back()
            assert (found(ann).state, ann.view().rollout.kill) == ("ready", "")
            server.refuses_all = True
            await ann.look_back()
            assert found(ann).state == "not ready"
            server.refuses_all = False
            await ann.look_back()
            assert found(ann).state == "ready"


async def test_what_only_a_person_or_only_a_kill_can_do_is_not_called_ready(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_way = Abilities(reversible=False, kill="abort")
    monkeypatch.setattr(Faulty, "abilities", lambda self: one_way, raising=False)
    async with opened(launch(tmp_path, config())) as ann:
        await readiness.Readiness(ann._known).look()
        line = f"a kill would work now, a roll back would fail: {readiness.ONLY_NOBODY}"
        assert (found(ann).state, found(ann).line) == ("ready", line)
        backend.grade = "by hand"
        await readiness.Readiness(ann._known).look()
        assert ann.view().rollout.kill == f"KILL 0 of 1: flags: {readiness.BY_HAND}"

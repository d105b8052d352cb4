"""Whoever polls journals what was changed elsewhere and which stage is due: once, whoever polls next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repz_console.config import Loaded
from repz_console.engine import collector as collector_module
from repz_console.engine import warden as warden_module
from repz_console.engine.session import Session
from repz_console.events import ChangedElsewhere, StageDue
from tests.support import faulty
from tests.support.faulty import Backend
from tests.support.sessions import CONFIG, actor, at, eventually, launch, opened, widen
from tests.support.unleash_server import ADMIN, UnleashServer


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(collector_module, "SAVE_EVERY", 0.02)
    monkeypatch.setattr(collector_module, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(warden_module, "LOOK_EVERY", 0.02)
    return faulty.install(monkeypatch)


def slow(folder: Path) -> Loaded:
    return launch(folder, faulty.config(CONFIG).replace("every = 1\n", "every = 0.05\n"))


def found(session: Session) -> list[ChangedElsewhere]:
    return [entry.event for entry in session.entries() if isinstance(entry.event, ChangedElsewhere)]


async def looked(session: Session, times: int = 6) -> None:
    """The backend was asked that often, and what it said was looked at."""
    last, count = None, 0
    while count < times:
        known = session._known.snapshots.get("flags")
        at_now = known.last_ok_at if known is not None else None
        count += at_now != last
        last = at_now
        await eventually(
            lambda last=last: getattr(session._known.snapshots.get("flags"), "last_ok_at", None) != last  # type: ignore[misc]
        )


async def test_a_strangers_change_is_named_once(tmp_path: Path, backend: Backend) -> None:
    loaded = slow(tmp_path)
    async with opened(loaded, "ann", watch=True, collect=True) as ann, opened(loaded, "ben", watch=True) as ben:
        await eventually(lambda: ann._collector.lease is not None)
        await ann.take_conn()
        assert (await widen(ann, 20)).state == "confirmed"
        await looked(ann)
        assert found(ben) == []
        backend.meddle(at(60))
        await eventually(lambda: len(found(ben)) == 1)
        (event,) = found(ben)
        assert (event.who, event.before, event.after, event.controller) == ("mallory", at(20), at(60), "flags")
        assert "mallory" in ben.view().rollout.rollouts[0].drift[0]
        backend.meddle(at(60))
        await eventually(lambda: len(found(ben)) == 2)
        await looked(ann)
        assert len(found(ben)) == 2
        assert (await ann.control.change("production", "kill")).state == "confirmed"
        await looked(ann)
        assert len(found(ben)) == 2


async def test_neither_a_restart_nor_who_takes_over_tells_it_again_or_misses_it(
    tmp_path: Path, backend: Backend
) -> None:
    backend.meddle(at(5))
    loaded = slow(tmp_path)
    async with opened(loaded, "ben", watch=True) as ben:
        async with opened(loaded, "ann", watch=True, collect=True) as ann:
            await eventually(lambda: ann._collector.lease is not None)
            await looked(ann)
            assert found(ann) == [], "what was there before anybody looked is nobody's change"
            await ann.take_conn()
            assert (await ann.control.accept("production", at(5))).state == "confirmed"
            assert (await widen(ann, 20)).state == "confirmed"
            backend.meddle(at(30))
            await eventually(lambda: len(found(ben)) == 1)
        async with opened(loaded, "cat", watch=True, collect=True) as cat:
            await eventually(lambda: cat._collector.lease is not None)
            await looked(cat)
            assert len(found(ben)) == 1
        backend.meddle(at(50))
        async with opened(loaded, "dan", watch=True, collect=True) as dan:
            await eventually(lambda: len(found(dan)) == 2)
            assert [(event.before, event.after) for event in found(dan)] == [(at(20), at(30)), (at(20), at(50))]
            async with Session.open(loaded, actor=actor("rec"), recorder=True) as recorder:
                await eventually(lambda: recorder._known.recorder)
                await looked(recorder)
                assert len(found(recorder)) == 2


async def test_an_edit_of_the_flag_file_and_a_copy_put_back_are_found(tmp_path: Path, backend: Backend) -> None:
    loaded = launch(tmp_path, CONFIG.replace("every = 1\n", "every = 0.05\n"))
    flags = tmp_path / "flags.json"
    async with opened(loaded, "ann", watch=True, collect=True) as ann:
        await eventually(lambda: ann._collector.lease is not None)
        await ann.take_conn()
        assert (await widen(ann, 20)).state == "confirmed"
        copy = flags.read_text()
        assert (await widen(ann, 40)).state == "confirmed"
        await looked(ann)
        assert found(ann) == []
        edited = flags.read_text().replace("4000", "5000").replace("6000", "5000")
        flags.write_text(edited)
        await eventually(lambda: len(found(ann)) == 1)
        assert (found(ann)[0].before, found(ann)[0].after) == (at(40), at(50))
        flags.write_text(copy)
        await eventually(lambda: len(found(ann)) == 2)
        assert (found(ann)[1].after, found(ann)[1].who) == (at(20), "")
        await looked(ann)
        assert len(found(ann)) == 2


async def test_a_stage_asks_once_when_it_is_due_and_nothing_widens(tmp_path: Path, backend: Backend) -> None:
    loaded = slow(tmp_path)
    clock = [datetime(2027, 1, 31, 23, 59, 58, tzinfo=UTC)]

    def due(session: Session) -> list[StageDue]:
        return [entry.event for entry in session.entries() if isinstance(entry.event, StageDue)]

    def session(name: str) -> Session:
        return Session(loaded, actor(name), lambda: clock[0], watch=True, collect=True, present=False, recorder=False)

    def ticking() -> bool:
        clock[0] += timedelta(milliseconds=20)
        return False

    async with opened(loaded, "ben", watch=True) as ben:
        for name in ("ann", "cat"):
            console = await session(name)._start()
            try:
                await eventually(lambda console=console: ticking() or console._collector.lease is not None)  # type: ignore[misc]
                await eventually(lambda console=console: ticking() or bool(due(console)))  # type: ignore[misc]
                until = clock[0] + timedelta(seconds=2)
                await eventually(lambda until=until: ticking() or clock[0] > until)  # type: ignore[misc]
            finally:
                await console.aclose()
            assert [(event.stage, event.at) for event in due(ben)] == [("soft", datetime(2027, 2, 1, tzinfo=UTC))]
        assert backend.applied == []


async def test_unleash_names_who_edited_a_flag(tmp_path: Path, backend: Backend) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(ADMIN)
    server = UnleashServer("repz.production.core")
    with server.running():
        table = f'kind = "unleash"\nurl = "{server.url}"\nevery = 0.05\ntoken = {{ secret = "key" }}\n'
        plain = CONFIG.replace('kind = "flagd"\nevery = 1\npath = "flags.json"\n', table)
        loaded = launch(tmp_path, f'{plain}\n[secret.key]\nfile = "{token}"\n')
        async with opened(loaded, "ann", watch=True, collect=True) as ann:
            await eventually(lambda: ann._collector.lease is not None)
            await ann.take_conn()
            outcome = await widen(ann, 20)
            assert outcome.state == "confirmed", outcome.line
            await looked(ann)
            assert found(ann) == []
            server.edit("repz.production.core", {"op": "replace", "path": "/parameters/rollout", "value": "77"})
            await eventually(lambda: len(found(ann)) == 1)
            (event,) = found(ann)
            assert event.who == "mallory"
            assert event.before == at(20)
            assert 77 in event.after.percent.values()
            await looked(ann)
            assert len(found(ann)) == 1

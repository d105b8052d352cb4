"""The way back where the console itself, or one backend of several, has a defect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from repz_console.engine import carrier
from repz_console.engine.recorder import Recorder
from repz_console.engine.session import Session
from repz_console.plan import exposure as exposures
from repz_console.providers.base import Refused
from repz_console.room import rollout as rollouts
from tests.support import several
from tests.support.sessions import launch, opened
from tests.support.several import Orchestra, Several, everywhere


@pytest.fixture
def orchestra(monkeypatch: pytest.MonkeyPatch) -> Orchestra:
    monkeypatch.setattr(carrier, "CHANGE_DEADLINE", 0.02)
    monkeypatch.setattr(carrier, "_KILL_PAUSE", 0.01)
    return several.install(monkeypatch)


@pytest.fixture
async def session(tmp_path: Path, orchestra: Orchestra) -> AsyncIterator[Session]:
    async with opened(launch(tmp_path, several.config())) as session:
        assert await session.take_conn() == ""
        for percent in (20, 100):
            await session.refresh_rollout("production")
            expect = session.view().rollout.rollouts[0].revision
            outcome = await session.control.change("production", "set", everywhere(percent), expect=expect)
            assert outcome.state == "confirmed", outcome.line
        yield session


def _broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a defect")


async def test_a_defect_of_the_room_stops_no_way_back(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "build", _broken)
    monkeypatch.setattr(rollouts, "gates_of", _broken)
    assert (await session.control.hold("production", "it burns")).state == "confirmed"
    back = await session.control.change("production", "rollback")
    assert back.state == "confirmed", back.line
    assert set(orchestra.shown.values()) == {20}
    down = await session.control.change("production", "set", everywhere(5))
    assert down.state == "confirmed", down.line
    assert set(orchestra.shown.values()) == {5}
    killed = await session.control.change("production", "kill")
    assert killed.state == "confirmed", killed.line
    assert set(orchestra.shown.values()) == {0}


@pytest.mark.parametrize("error", [Refused("no flag can have that name"), KeyError("flags")])
async def test_a_backend_that_cannot_say_its_steps_stops_no_other_ones_way_back(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(self: Several, rollout: str) -> tuple[tuple[str, ...], ...]:
        if self.context.source == "edge":
            raise error
        return ()

    monkeypatch.setattr(Several, "scopes", broken, raising=False)
    assert (await session.control.change("production", "rollback", everywhere(10))).state == "confirmed"
    assert (await session.control.change("production", "kill")).state == "confirmed"
    assert set(orchestra.shown.values()) == {0}


@pytest.mark.parametrize("what", ["grade", "apply"])
async def test_a_backend_that_raises_whatever_it_likes_is_one_step_of_a_kill(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    orchestra["base"].answers = ["raise"]
    plain = Several.grade

    def grade(self: Several) -> object:
        if self.context.source == "base":
            raise ZeroDivisionError("a defect")
        return plain(self)

    if what == "apply":
        orchestra["base"].answers = ["hang"]
    open_one = await session.control.change("production", "rollback", everywhere(50))
    assert open_one.state == "unknown", open_one.line
    monkeypatch.setattr(Several, "grade", grade)
    if what == "grade":
        assert (await session.control.change("production", "kill")).state == "confirmed"
        assert set(orchestra.shown.values()) == {0}
        return
    orchestra["base"].answers = ["defect"] * 1000
    monkeypatch.setattr(carrier, "KILL_PATIENCE", 0.3)
    killed = await session.control.change("production", "kill")
    assert killed.state == "unknown", killed.line
    assert "base" in killed.line
    assert orchestra.shown == {"base": 100, "edge": 0, "web": 0}


async def test_a_kill_waits_for_no_backend_that_cannot_be_opened(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    orchestra["web"].answers = ["hang"]
    assert (await session.control.change("production", "rollback", everywhere(50))).state == "unknown"
    gone = asyncio.Event()
    writer = session._known.sources.writer

    async def hangs(source: str) -> object:
        if source == "base" and not gone.is_set():
            await gone.wait()
        return await writer(source)

    monkeypatch.setattr(session._known.sources, "writer", hangs)
    killing = asyncio.create_task(session.control.change("production", "kill"))
    async with asyncio.timeout(60):
        while orchestra.shown["edge"] or orchestra.shown["web"]:  # noqa: ASYNC110 - it waits for what has no event
            await asyncio.sleep(0.01)
    assert orchestra.shown["base"]
    gone.set()
    assert (await killing).state == "confirmed"
    assert exposures.is_nobody(orchestra["base"].state.exposure)


async def test_a_roll_back_changes_no_bucketing_whatever_becomes_of_the_others(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = orchestra["web"]
    web.state = replace(web.state, exposure=replace(web.state.exposure, key="userId"))
    await session.refresh_rollout("production")
    write = Recorder.write

    async def somebody_else_first(self: Recorder, *writings: Any, **more: Any) -> Any:
        if not exposures.is_nobody(orchestra["base"].state.exposure):
            for source in ("base", "edge"):
                orchestra[source].meddle(exposures.nobody())
                await session.refresh(source)
        return await write(self, *writings, **more)

    monkeypatch.setattr(Recorder, "write", somebody_else_first)
    await session.control.change("production", "rollback", everywhere(50, "web"))
    assert web.state.exposure == replace(everywhere(50, "web"), key="userId")


async def test_a_roll_back_asks_for_no_share_that_one_of_the_backends_cannot_give(
    session: Session, orchestra: Orchestra
) -> None:
    abilities = session._known.sources.abilities
    abilities["edge"] = replace(abilities["edge"], step=1)
    orchestra["base"].meddle(everywhere(12.5, "base"))
    back = await session.control.change("production", "rollback", everywhere(50))
    assert back.state == "confirmed", back.line
    assert set(orchestra.shown.values()) == {12}


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        (lambda text: text.replace("rollout.production", "rollout.other"), "no rollout production"),
        (lambda text: text.replace('features = ["base", "edge", "web"]', 'features = ["base", "edge"]'), "no feature"),
    ],
)
async def test_no_plan_is_adopted_that_could_not_take_back_what_is_exposed(
    tmp_path: Path, session: Session, left_out: Callable[[str], str], missing: str
) -> None:
    await session.release_conn()
    folder = tmp_path / "other"
    folder.mkdir()
    text = several.config().replace('path = "store"', f'path = "{tmp_path / "store"}"')
    text = left_out(text)
    if missing == "no feature":
        text = text.replace('{ controller = "web", features = ["web"] }', '{ controller = "web" }')
    async with opened(launch(folder, text), "ben") as ben:
        for source in several.SOURCES:
            await session.refresh(source)
        assert await ben.take_conn("another plan") == ""
        assert missing in await ben.adopt()
        assert (await session.control.change("production", "kill")).state == "confirmed"
        await ben.refresh_rollout(next(iter(ben.plan.rollout)))
        assert await ben.take_conn() == ""
        assert await ben.adopt() == ""

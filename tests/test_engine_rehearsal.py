"""What would be sent is what is then sent, to each backend in the same order, and asking for it sends nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import replace

from repz_console.engine.rehearsal import OP
from repz_console.engine.session import Session
from repz_console.facts import Change, Exposure
from repz_console.providers.base import ProviderError
from tests.support import several
from tests.support.sessions import launch, opened
from tests.support.several import SOURCES, Orchestra, Several, everywhere

DRAFTS = (
    everywhere(20),
    everywhere(5),
    Exposure({"us": 20}, ("base", "edge")),
    Exposure({"us": 20, "world": 10}, ("base", "edge", "web")),
    Exposure({}, ()),
)


@pytest.fixture
def orchestra(monkeypatch: pytest.MonkeyPatch) -> Orchestra:
    return several.install(monkeypatch)


class Telling(Several):
    """One that puts into words what it would be sent."""

    kind: ClassVar[str] = "telling"
    asked: ClassVar[list[tuple[str, Change]]]
    """What was asked to be put into words."""
    fails: ClassVar[dict[str, Exception]]

    def calls(self, change: Change) -> tuple[str, ...]:
        source = self.context.source
        if source in self.fails:
            raise self.fails[source]
        self.asked.append((source, change))
        return (f"PUT {source} {change.op}",)

    def card(self, rollout: str) -> tuple[str, ...]:
        return ()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Change]]:
    from repz_console.providers import registry

    monkeypatch.setitem(registry.BUILT_IN, "telling", "tests.test_engine_rehearsal:Telling")
    Telling.asked, Telling.fails = [], {}
    return Telling.asked


@pytest.fixture
async def session(tmp_path: Path, orchestra: Orchestra, asked: list[tuple[str, Change]]) -> AsyncIterator[Session]:
    async with opened(launch(tmp_path, several.config("telling"))) as session:
        assert await session.take_conn() == ""
        await session.refresh_rollout("production")
        yield session


async def test_each_backend_is_rehearsed_with_what_it_is_then_asked_for(
    session: Session, orchestra: Orchestra, asked: list[tuple[str, Change]]
) -> None:
    for draft in DRAFTS:
        orchestra.log.clear()
        asked.clear()
        length = len(session.entries())
        told = await session.calls("production", draft)
        assert orchestra.log == []
        assert len(session.entries()) == length
        assert [(call.controller, call.lines) for call in told] == [
            (source, (f"PUT {source} {OP}",)) for source, _ in asked
        ]
        expect = session.view().rollout.rollouts[0].revision
        outcome = await session.control.change("production", "set", draft, expect=expect)
        assert outcome.state == "confirmed", (draft, outcome.line)
        sent = [(source, replace(change, op=OP)) for source, change in orchestra.log]
        assert sent == asked
        await session.refresh_rollout("production")


async def test_what_is_there_already_sends_nothing(session: Session, asked: list[tuple[str, Change]]) -> None:
    told = await session.calls("production", Exposure({}, ()))
    assert [(call.controller, call.lines, call.why) for call in told] == [
        (source, (), "it has that already") for source in SOURCES
    ]
    assert asked == []


async def test_a_backend_without_words_says_so(tmp_path: Path, orchestra: Orchestra) -> None:
    async with opened(launch(tmp_path, several.config())) as session:
        told = await session.calls("production", everywhere(5))
    assert [call.controller for call in told] == list(SOURCES)
    assert {call.why for call in told} == {"this backend cannot tell beforehand what it would send"}


async def test_a_backend_that_fails_at_its_words_leaves_the_others_theirs(session: Session) -> None:
    Telling.fails = {"base": KeyError("flags"), "edge": ProviderError("not looked at yet")}
    base, edge, web = await session.calls("production", everywhere(5))
    assert base.why.startswith("defect in the provider: KeyError")
    assert edge.why == "not looked at yet"
    assert (web.lines, web.why) == ((f"PUT web {OP}",), "")


async def test_the_forecast_of_what_went_in_part_tells_each_part(session: Session, orchestra: Orchestra) -> None:
    orchestra["edge"].answers = ["refuse"]
    expect = session.view().rollout.rollouts[0].revision
    assert (await session.control.change("production", "set", everywhere(20), expect=expect)).state == "partial"
    await session.refresh_rollout("production")
    found = session.forecast("production", everywhere(20))
    assert found.way == "widens"
    before = {cell.feature: cell.before for cell in found.cells if cell.region == "us"}
    assert before == {"base": 20, "edge": 0, "web": 0}

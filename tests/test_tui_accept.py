"""What nobody knows, settled from the keyboard by somebody who has looked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from repz_console.engine import settler
from repz_console.engine.session import Session
from repz_console.events import ChangeEnded
from repz_console.tui.app import ConsoleApp
from tests.support import faulty
from tests.support.console import app_on, press, showing, text_of
from tests.support.sessions import CONFIG, at, eventually, launch, opened, widen


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> faulty.Backend:
    """One that compares nothing, and whose answer to the first change was lost."""
    backend = faulty.install(monkeypatch)
    backend.grade, backend.answers = "blind", ["applied, then raise"]
    monkeypatch.setattr(settler, "BETWEEN_LOOKS", 0)
    monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
    return backend


@pytest.fixture
async def unknown(tmp_path: Path, backend: faulty.Backend) -> Session:
    session = await opened(launch(tmp_path, faulty.config(CONFIG)))
    assert await session.take_conn() == ""
    assert (await widen(session, 20)).state == "unknown"
    return session


@pytest.fixture
async def console(tmp_path: Path, unknown: Session) -> AsyncIterator[tuple[ConsoleApp, Pilot[None]]]:
    async def opening() -> Session:
        return unknown

    app = app_on(opening, tmp_path / "settings")
    async with showing(app) as pilot:
        await press(pilot, "3")
        yield app, pilot


def ends(session: Session) -> list[str]:
    return [entry.event.outcome for entry in session.entries() if isinstance(entry.event, ChangeEnded)]


async def settled(app: ConsoleApp, pilot: Pilot[None]) -> None:
    await eventually(lambda: all(task.done() for task in app._busy.values()))
    await pilot.pause()


async def test_what_the_backend_shows_is_accepted_after_a_question_that_starts_on_cancel(
    console: tuple[ConsoleApp, Pilot[None]], unknown: Session, backend: faulty.Backend
) -> None:
    app, pilot = console
    await press(pilot, "v")
    await eventually(lambda: app.dialog is not None)
    await pilot.pause()
    asked = text_of(app)
    assert "faulty shows 20 % of us world, read back" in asked
    assert "1 change of Production on PRODUCTION may have happened or not" in asked
    assert "Look first with the tools of faulty itself" in asked
    await press(pilot, "enter")
    await settled(app, pilot)
    assert ends(unknown) == ["unknown"], "Enter is Cancel"
    await press(pilot, "v")
    await eventually(lambda: app.dialog is not None)
    await press(pilot, "right", "enter")
    await settled(app, pilot)
    assert ends(unknown) == ["unknown", "superseded", "confirmed"], "what it shows counts as decided"
    assert "has 20 % of us, world with core, and what was unknown is" in text_of(app)
    assert "not be journaled" not in text_of(app)
    assert [change.target for change in backend.applied] == [at(20)], "nothing was sent"
    await press(pilot, "v")
    assert app.dialog is None
    assert "Accept: the outcome of every change is known" in text_of(app)


async def test_it_needs_the_conn(console: tuple[ConsoleApp, Pilot[None]], unknown: Session) -> None:
    app, pilot = console
    await unknown.release_conn()
    app.refresh_all()
    await press(pilot, "v")
    assert app.dialog is None
    assert "Accept: you do not have the conn; c takes it" in text_of(app)
    assert ends(unknown) == ["unknown"]


async def test_what_cannot_be_read_back_cannot_be_accepted(
    console: tuple[ConsoleApp, Pilot[None]], unknown: Session, backend: faulty.Backend
) -> None:
    app, pilot = console
    backend.reads = "raise"
    await press(pilot, "v")
    await settled(app, pilot)
    assert app.dialog is None
    assert "Not read back: 502 Bad Gateway" in text_of(app)
    assert ends(unknown) == ["unknown"]

"""The driver between start and end: what it never writes, and what it does no more once the app is leaving."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual import events

from tests.support.desk import Desk, at_desk
from tests.support.sessions import kinds, launch, opened


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with at_desk(await opened(launch(tmp_path)), tmp_path / "settings", monkeypatch) as desk:
        yield desk


class Stops:
    """Stands in for the driver's signals, and counts how often the process would have been stopped."""

    ending = False

    def __init__(self) -> None:
        self.stopped = 0

    def stop_here(self) -> None:
        self.stopped += 1

    def end_within(self, seconds: float, code: int) -> None: ...


async def stopped_while(desk: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: str) -> int:
    """How often it is stopped where, on the way to that, the driver does `meanwhile`."""
    signals = Stops()
    monkeypatch.setattr(desk.guard, "_signals", signals)

    async def before_stop() -> None:
        if meanwhile:
            getattr(desk.guard, meanwhile)()

    monkeypatch.setattr(desk.app, "before_stop", before_stop)
    await desk.guard._stop()
    return signals.stopped


async def test_a_console_that_is_stopped_takes_the_terminal_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await stopped_while(desk, monkeypatch, "") == 1
    assert desk.guard._running


@pytest.mark.parametrize("meanwhile", ["_hang_up", "stop_application_mode"])
async def test_a_console_on_its_way_out_is_not_stopped_and_takes_no_terminal_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    assert await stopped_while(desk, monkeypatch, meanwhile) == 0
    assert not desk.guard._running or desk.guard.gone


async def test_no_pointer_is_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the only string sequence that leaves the console."""
    written: list[str] = []
    monkeypatch.setattr(desk.guard, "write", written.append)
    desk.app._set_pointer_shape("text")
    assert written == []


@pytest.mark.parametrize("late", [True, False], ids=["late", "in time"])
async def test_a_letter_of_the_way_back_with_something_behind_it_is_none(desk: Desk, late: bool) -> None:
    before = len(desk.session.entries())
    await desk.send(b"!h")
    behind = events.Paste("old") if not late else events.Key("o", "o")
    (desk.app.hands.late if late else desk.app.hands.take)(behind)
    await desk.pause(1)
    assert desk.app.hands._letter is not None
    assert desk.app.hands._letter.cancelled()
    assert kinds(desk.session)[before:] == []
    await desk.send(b"\x1b")
    await desk.pause(1)

"""Rollouts from the keyboard: what the keys do to a real journal and a real flag file."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.pilot import Pilot

from repz_console.engine.control import Controller
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.events import ChangeIntended, RolloutHeld, RolloutResumed
from repz_console.facts import Exposure
from repz_console.plan import exposure as exposures
from repz_console.tui.app import ConsoleApp
from tests.support.console import app_on, press, showing, text_of, write
from tests.support.sessions import at, eventually, kinds, launch, opened, revision, widen


class Desk(NamedTuple):
    """A person at the console."""

    app: ConsoleApp
    pilot: Pilot[None]
    session: Session
    flags: Path

    def configured(self) -> object:
        return self.session.view().rollout.rollouts[0].configured.exposure

    def screen(self) -> str:
        return text_of(self.app)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    session = await opened(launch(tmp_path))
    await revision(session)

    async def opening() -> Session:
        return session

    app = app_on(opening, tmp_path / "settings")
    async with showing(app) as pilot:
        await press(pilot, "3")
        yield Desk(app, pilot, session, tmp_path / "flags.json")


async def settled(desk: Desk) -> None:
    """Wait until nothing that a key began is under way."""
    await eventually(lambda: all(task.done() for task in desk.app._tasks))
    await desk.pilot.pause()


async def answer_challenge(desk: Desk) -> None:
    found = re.search(r"Type {2}(\S+ PRODUCTION [a-z]{2})", desk.screen())
    assert found, desk.screen()
    await press(desk.pilot, "tab")
    await write(desk.pilot, found.group(1))
    await press(desk.pilot, "enter")


async def test_a_widening_is_drafted_compared_challenged_and_written(desk: Desk) -> None:
    await press(desk.pilot, "c", "s", "enter")
    assert "0 % to 20 %" in desk.screen()
    assert "us world: Core" in desk.screen()
    await press(desk.pilot, "tab")
    await write(desk.pilot, "on time")
    await press(desk.pilot, "enter", "enter")
    assert "soft PRODUCTION" in desk.screen()
    await answer_challenge(desk)
    await settled(desk)
    assert desk.configured() == at(20)
    assert "repz.production.core" in json.loads(desk.flags.read_text())["flags"]
    intent = next(entry.event for entry in desk.session.entries() if isinstance(entry.event, ChangeIntended))
    assert (intent.stage, intent.reason) == ("soft", "on time")
    assert intent.evidence["gates"]["p0"].startswith("PASS")
    assert intent.evidence["read_back_at"], "when the backend was looked at, not when it was changed"
    assert desk.app.choices["rollout"].draft is None


async def test_the_arrows_draft_five_percent_steps_of_the_next_stage(desk: Desk) -> None:
    await press(desk.pilot, "right", "right", "right", "left")
    assert desk.app.choices["rollout"].draft == at(10)
    await press(desk.pilot, "left", "left", "left")
    assert desk.app.choices["rollout"].draft == at(0)
    await press(desk.pilot, "escape")
    assert desk.app.choices["rollout"].draft is None


async def test_a_wrong_challenge_changes_nothing(desk: Desk) -> None:
    await press(desk.pilot, "c", "s", "enter", "right", "enter", "tab")
    await write(desk.pilot, "soft PRODUCTION")
    await press(desk.pilot, "enter")
    assert "not what has to be typed" in desk.screen()
    await press(desk.pilot, "escape")
    await settled(desk)
    assert not [kind for kind in kinds(desk.session) if kind.startswith("change")]


async def test_enter_alone_never_widens(desk: Desk) -> None:
    await press(desk.pilot, "c", "s", *["enter"] * 12)
    await settled(desk)
    assert not [kind for kind in kinds(desk.session) if kind.startswith("change")]


async def test_reading_back_says_what_it_read_or_why_it_could_not(desk: Desk) -> None:
    await press(desk.pilot, "r")
    await settled(desk)
    assert "Read back: nobody" in desk.screen()
    desk.flags.write_text("garbage")
    await press(desk.pilot, "r")
    await settled(desk)
    assert "Not read back: " in desk.screen()


async def test_without_the_conn_the_comparison_says_what_blocks(desk: Desk) -> None:
    await press(desk.pilot, "s", "enter")
    assert "✖ Conn is yours: the conn is FREE" in desk.screen()
    await press(desk.pilot, "right", "enter", "enter")
    assert not re.search(r"Type {2}", desk.screen())
    await press(desk.pilot, "escape")
    assert desk.app.dialog is None


async def test_a_smaller_exposure_needs_neither_conn_nor_challenge(desk: Desk) -> None:
    assert await desk.session.take_conn() == ""
    await widen(desk.session, 20)
    await desk.session.release_conn()
    desk.app.refresh_all()
    await press(desk.pilot, "left", "enter", "right", "enter")
    await settled(desk)
    assert desk.configured() == at(15)


@pytest.mark.parametrize("tab", ["1", "2", "3", "4", "5", "6", "7"])
async def test_kill_is_two_keys_from_every_tab(desk: Desk, tab: str) -> None:
    assert await desk.session.take_conn() == ""
    await widen(desk.session, 20)
    await desk.session.release_conn()
    await press(desk.pilot, tab, "exclamation_mark", "k")
    await settled(desk)
    assert desk.configured() == at(0) or desk.configured().percent == {}  # type: ignore[attr-defined]


async def test_roll_back_goes_to_the_last_good_exposure(desk: Desk) -> None:
    assert await desk.session.take_conn() == ""
    await widen(desk.session, 20)
    await widen(desk.session, 60)
    desk.app.refresh_all()
    await press(desk.pilot, "exclamation_mark")
    assert "20 %" in desk.screen()
    await press(desk.pilot, "b")
    await settled(desk)
    assert desk.configured() == at(20)


async def test_hold_and_resume(desk: Desk) -> None:
    await press(desk.pilot, "exclamation_mark", "h")
    await settled(desk)
    assert [entry.event for entry in desk.session.entries() if isinstance(entry.event, RolloutHeld)]
    assert "HOLD" in desk.screen()
    await press(desk.pilot, "u")
    assert "you do not have the conn" in desk.screen()
    await press(desk.pilot, "c", "u", "right", "enter")
    await settled(desk)
    assert [entry.event for entry in desk.session.entries() if isinstance(entry.event, RolloutResumed)]


async def test_enter_never_chooses_a_way_back(desk: Desk) -> None:
    await press(desk.pilot, "exclamation_mark", "enter", "enter", "space")
    assert "Press h, b, k or Esc" in desk.screen()
    await press(desk.pilot, "escape")
    assert desk.app.dialog is None
    assert "rollout.held" not in kinds(desk.session)


async def test_the_way_back_opens_over_a_dialog_and_gives_the_dialog_back(desk: Desk) -> None:
    await press(desk.pilot, "5", "n")
    await write(desk.pilot, "pay")
    await press(desk.pilot, "exclamation_mark")
    assert "WAY BACK" in desk.screen().splitlines()[3] or "WAY BACK  PRODUCTION" in desk.screen()
    await press(desk.pilot, "h")
    await settled_hold(desk)
    assert "New bug" in desk.screen()
    await press(desk.pilot, "exclamation_mark", "exclamation_mark")
    assert "pay!" in desk.screen()


async def test_the_way_back_tells_what_is_so_now(desk: Desk) -> None:
    await press(desk.pilot, "c", "exclamation_mark")
    assert "nobody now" in desk.screen()
    await widen(desk.session, 20)
    desk.app.refresh_all()
    await desk.pilot.pause()
    assert "nobody now" not in desk.screen()
    assert "WAY BACK  PRODUCTION  Production  20 %" in desk.screen()


async def settled_hold(desk: Desk) -> None:
    await eventually(lambda: "rollout.held" in kinds(desk.session))
    await desk.pilot.pause()


@pytest.mark.parametrize("size", [(40, 10), (20, 5)])
async def test_the_way_back_works_on_a_tiny_screen(desk: Desk, size: tuple[int, int]) -> None:
    await desk.pilot.resize_terminal(*size)
    await desk.pilot.pause()
    assert "WAY BACK" in desk.screen()
    await press(desk.pilot, "exclamation_mark")
    assert "kill" in desk.screen()
    assert "esc" in desk.screen().lower()
    await press(desk.pilot, "h")
    await settled(desk)
    assert "rollout.held" in kinds(desk.session)


async def test_nothing_else_changes_anything_on_a_tiny_screen(desk: Desk) -> None:
    await desk.pilot.resize_terminal(40, 10)
    await desk.pilot.pause()
    before = kinds(desk.session)
    await press(desk.pilot, "c", "N", "s", "enter", "5", "n")
    await settled(desk)
    assert desk.app.dialog is None
    assert kinds(desk.session) == before


@pytest.mark.parametrize(("letter", "what"), [("b", "NOT ROLLED BACK"), ("k", "NOT KILLED")])
async def test_a_way_back_that_did_not_come_about_is_not_to_be_missed(desk: Desk, letter: str, what: str) -> None:
    assert await desk.session.take_conn() == ""
    await widen(desk.session, 20)
    await widen(desk.session, 60)

    async def refused(*_: object, **__: object) -> Outcome:
        return Outcome("rejected", f"production: nothing was changed: {'flags.json cannot be written ' * 4}END")

    desk.session.control.change = refused  # type: ignore[method-assign]
    await press(desk.pilot, "exclamation_mark", letter)
    await settled(desk)
    assert what in desk.screen()
    assert "END" in desk.screen()
    assert "repz-console --config" in desk.screen()
    await press(desk.pilot, "exclamation_mark")
    assert "WAY BACK  PRODUCTION" in desk.screen(), "the way back opens over it"
    await press(desk.pilot, "escape", "escape")
    assert desk.app.dialog is None


async def test_the_way_back_opens_while_a_kill_is_still_being_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await desk.session.take_conn() == ""
    assert (await widen(desk.session, 20)).state == "confirmed"
    sent = asyncio.Event()
    change = Controller.change

    async def slow(self: Controller, *given: Any, **more: Any) -> Outcome:
        await sent.wait()
        return await change(self, *given, **more)

    monkeypatch.setattr(Controller, "change", slow)
    await press(desk.pilot, "exclamation_mark", "k")
    await press(desk.pilot, "exclamation_mark")
    assert "WAY BACK  PRODUCTION" in desk.screen()
    await press(desk.pilot, "h")
    await eventually(lambda: "rollout.held" in kinds(desk.session))
    sent.set()
    await settled(desk)
    assert isinstance(desk.configured(), Exposure)
    assert exposures.is_nobody(desk.configured())


async def test_a_way_back_that_raises_is_unknown_and_never_silent(desk: Desk) -> None:
    async def broken(*_: object, **__: object) -> Outcome:
        raise ZeroDivisionError("a defect")

    desk.session.control.hold = broken  # type: ignore[method-assign]
    await press(desk.pilot, "exclamation_mark", "h")
    await settled(desk)
    assert "UNKNOWN" in desk.screen()
    assert "ZeroDivisionError" in desk.screen()


@pytest.mark.parametrize("size", [(40, 10), (20, 5)])
async def test_a_tiny_screen_says_that_a_hold_is_not_journaled(desk: Desk, size: tuple[int, int]) -> None:
    async def unjournaled(*_: object, **__: object) -> Outcome:
        line = "production is held - NOT JOURNALED, but recorded in the emergency file: The disk is full"
        return Outcome("confirmed", line, journaled=False)

    desk.session.control.hold = unjournaled  # type: ignore[method-assign]
    await desk.pilot.resize_terminal(*size)
    await press(desk.pilot, "exclamation_mark", "h")
    await settled(desk)
    assert "NOT JOURNALED" in desk.screen()
    assert "WAY BACK" in desk.screen()

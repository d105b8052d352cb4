"""Drafts of one region or one feature, the way back of one feature, and a change that went only in part."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.pilot import Pilot

from repz_console.engine import carrier, settler
from repz_console.engine.session import Session
from repz_console.events import ChangeIntended
from repz_console.facts import Exposure
from repz_console.tui.app import ConsoleApp
from tests.support import rooms, several
from tests.support.console import app_on, press, showing, still_app, text_of, write
from tests.support.sessions import CONFIG, at, eventually, launch, opened, revision, widen

FEATURES = CONFIG.replace(
    'title = "Core"\n', 'title = "Core"\n[[feature]]\nid = "extra"\ntitle = "Extra"\n', 1
).replace('percent = 100\nfeatures = ["core"]', 'percent = 100\nfeatures = ["core", "extra"]', 1)


class Desk(NamedTuple):
    """A person at the console."""

    app: ConsoleApp
    pilot: Pilot[None]
    session: Session

    def configured(self) -> Exposure | None:
        return self.session.view().rollout.rollouts[0].configured.exposure

    def screen(self) -> str:
        return text_of(self.app)

    def intents(self) -> list[ChangeIntended]:
        return [entry.event for entry in self.session.entries() if isinstance(entry.event, ChangeIntended)]


@asynccontextmanager
async def sitting(session: Session, folder: Path) -> AsyncIterator[Desk]:
    """The Rollout tab on this session, with the conn."""

    async def opening() -> Session:
        return session

    app = app_on(opening, folder / "settings")
    async with showing(app) as pilot:
        await press(pilot, "3")
        yield Desk(app, pilot, session)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    session = await opened(launch(tmp_path, FEATURES))
    assert await session.take_conn() == ""
    await revision(session)
    assert (await widen(session, 20)).state == "confirmed"
    async with sitting(session, tmp_path) as desk:
        yield desk


async def settled(desk: Desk) -> None:
    """Wait until nothing that a key began is under way."""
    await eventually(lambda: all(task.done() for task in (*desk.app._busy.values(), *desk.app._tasks)))
    await desk.pilot.pause()


async def select(desk: Desk, row: str) -> None:
    """Move down to a row."""
    desk.app.refresh_all()
    await press(desk.pilot, "home")
    for _ in range(60):
        if desk.app.choice.cursor == row:
            return
        await press(desk.pilot, "down")
    raise AssertionError(f"no row {row}:\n{desk.screen()}")


async def apply(desk: Desk) -> None:
    """Go on from the comparison, and type what is asked for."""
    await press(desk.pilot, "right", "enter")
    found = re.search(r"Type {2}(\S+ PRODUCTION [a-z]{2})", desk.screen())
    assert found, desk.screen()
    await press(desk.pilot, "tab")
    await write(desk.pilot, found.group(1))
    await press(desk.pilot, "enter")
    await settled(desk)


async def test_the_arrows_on_a_region_draft_it_alone_and_only_that_is_applied(desk: Desk) -> None:
    await select(desk, "region:us")
    await press(desk.pilot, "right", "right")
    assert desk.app.choices["rollout"].draft == Exposure({"us": 30.0, "world": 20.0}, ("core",))
    assert "Enter: compares 20 → 30 % in United States" in desk.screen()
    await press(desk.pilot, "enter")
    assert "us: Core" in desk.screen()
    await apply(desk)
    assert desk.configured() == Exposure({"us": 30.0, "world": 20.0}, ("core",))
    assert desk.intents()[-1].target.percent == {"us": 30.0, "world": 20.0}


async def test_enter_after_a_draft_compares_it_whatever_row_was_selected(desk: Desk) -> None:
    await desk.session.release_conn()
    await select(desk, "gate:conn")
    await press(desk.pilot, "s")
    assert "Enter: compares Full launch, 20 → 100 %" in desk.screen()


async def test_a_way_back_drops_the_draft(desk: Desk) -> None:
    await press(desk.pilot, "s")
    assert "Enter: compares Full launch, 20 → 100 %" in desk.screen()
    await press(desk.pilot, "exclamation_mark", "k")
    await settled(desk)
    assert desk.app.choices["rollout"].draft is None


async def test_a_draft_of_what_is_configured_no_more_is_dropped_and_said(desk: Desk) -> None:
    await press(desk.pilot, "s")
    outcome = await desk.session.control.change("production", "kill", None, reason="", expect="")
    assert outcome.state == "confirmed"
    desk.app.refresh_all()
    await desk.pilot.pause()
    assert desk.app.choices["rollout"].draft is None
    assert "The draft was dropped" in desk.screen()


async def test_space_on_a_feature_switches_it_in_the_draft_and_only_that_is_applied(desk: Desk) -> None:
    await select(desk, "feature:extra")
    await press(desk.pilot, "space")
    assert "→ on in the draft" in desk.screen()
    await press(desk.pilot, "space")
    assert desk.app.choices["rollout"].draft == at(20)
    await press(desk.pilot, "space", "enter")
    assert "New     Extra" in desk.screen()
    await apply(desk)
    assert desk.configured() == Exposure({"us": 20.0, "world": 20.0}, ("core", "extra"))


async def test_enter_on_a_stage_compares_that_stage_and_applies_nothing_by_itself(desk: Desk) -> None:
    await select(desk, "stage:full")
    assert "Enter: compares Full launch, 20 → 100 %" in desk.screen()
    await press(desk.pilot, *["enter"] * 6)
    await settled(desk)
    assert desk.configured() == at(20)
    assert len(desk.intents()) == 1


async def test_a_region_can_be_taken_out_without_conn_or_challenge(desk: Desk) -> None:
    await desk.session.release_conn()
    await select(desk, "region:world")
    await press(desk.pilot, *["left"] * 4, "enter")
    assert "Leaves  Elsewhere" in desk.screen()
    await press(desk.pilot, "right", "enter")
    await settled(desk)
    configured = desk.configured()
    assert configured is not None
    assert {region: share for region, share in configured.percent.items() if share} == {"us": 20.0}


async def test_the_way_back_takes_one_feature_off_and_leaves_the_others(desk: Desk) -> None:
    both = Exposure({"us": 20.0, "world": 20.0}, ("core", "extra"))
    expect = await revision(desk.session)
    outcome = await desk.session.control.change("production", "set", both, expect=expect)
    assert outcome.state == "confirmed", outcome.line
    await desk.session.release_conn()
    desk.app.refresh_all()
    await press(desk.pilot, "exclamation_mark", "f")
    assert "Extra" in desk.screen()
    await press(desk.pilot, "enter")
    assert desk.configured() == both, "Enter takes nothing off"
    await press(desk.pilot, "c")
    await settled(desk)
    assert desk.configured() == at(20)
    assert desk.intents()[-1].action == "rollback"


async def test_what_went_in_part_is_rolled_forward_by_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "CHANGE_DEADLINE", 0.02)
    monkeypatch.setattr(settler, "LATE_WRITE", 0.0)
    orchestra = several.install(monkeypatch)
    session = await opened(launch(tmp_path, several.config()))
    assert await session.take_conn() == ""
    await session.refresh_rollout("production")
    orchestra["edge"].answers = ["refuse"]
    expect = session.view().rollout.rollouts[0].revision
    target = several.everywhere(20)
    assert (await session.control.change("production", "set", target, expect=expect)).state == "partial"
    async with sitting(session, tmp_path) as desk:
        assert "PARTIAL 1 of 3 applied" in desk.screen()
        assert "PARTIAL 1/3" in desk.screen().splitlines()[0]
        await session.refresh_rollout("production")
        await select(desk, f"change:{desk.intents()[-1].op}")
        await press(desk.pilot, "enter")
        assert "✖ edge   refused: no permission" in desk.screen()
        await press(desk.pilot, "escape", "f")
        await apply(desk)
        assert orchestra.shown == {"base": 20, "edge": 20, "web": 20}
        assert "PARTIAL" not in desk.screen()


async def test_a_stage_whose_time_has_come_asks_in_the_last_line_and_takes_no_keys(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        app._tick()
        await pilot.pause()
        assert app.dialog is None
        assert "DUE in Production: " in text_of(app).splitlines()[-1]
        assert "▲ DUE" in text_of(app).splitlines()[0]

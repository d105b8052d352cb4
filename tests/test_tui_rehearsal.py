"""The handbook's rehearsal, key by key, on the launch that ships with the console."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.pilot import Pilot

from repz_console.engine.session import Session
from repz_console.resources import shipped
from repz_console.tui.app import ConsoleApp
from tests.support.console import app_on, press, showing, text_of, write
from tests.support.sessions import eventually, launch, opened


class Newcomer(NamedTuple):
    """Somebody who follows the handbook."""

    app: ConsoleApp
    pilot: Pilot[None]
    session: Session

    async def does(self, *keys: str, sees: str) -> None:
        """Press keys, and wait for what the handbook says comes then."""
        await press(self.pilot, *keys)
        await self.sees(sees)

    async def sees(self, text: str) -> None:
        try:
            await eventually(lambda: re.search(text, text_of(self.app)) is not None)
        except TimeoutError:
            raise AssertionError(f"no {text}:\n{text_of(self.app)}") from None
        await self.pilot.pause()

    async def widens(self, asked: str, sees: str) -> None:
        """From the comparison on: go on, and type what is asked for."""
        await self.does("down", "down", "enter", sees=rf"Type {{2}}{asked} PRODUCTION [a-z]{{2}}")
        found = re.search(rf"{asked} PRODUCTION [a-z]{{2}}", text_of(self.app))
        assert found
        await press(self.pilot, "down")
        await write(self.pilot, found.group())
        await self.does("enter", sees=sees)

    def percent(self, rollout: int) -> float:
        exposure = self.session.view().rollout.rollouts[rollout].configured.exposure
        assert exposure is not None
        return max(exposure.percent.values(), default=0)


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    text = shipped("config.toml").read_text().replace('path = ""', 'path = "store"')
    session = await opened(launch(tmp_path, text), watch=True, collect=True)

    async def opening() -> Session:
        return session

    app = app_on(opening, tmp_path / "settings")
    async with showing(app) as pilot:
        yield Newcomer(app, pilot, session)


async def test_the_beta_is_widened_with_a_few_keys(newcomer: Newcomer) -> None:
    await newcomer.does("c", sees="▶ YOU")
    await newcomer.does("3", "o", sees="Gates for Beta day 1  ● PASS")
    await newcomer.does("s", "enter", sees="Beta: 0 % to 10 %")
    await newcomer.widens("day-1", sees="NOW   Beta day 1 10 %")
    assert newcomer.percent(1) == 10
    assert newcomer.percent(0) == 0
    await newcomer.does("s", "enter", sees="Beta day 1 baked: Beta day 1 bakes until")
    await newcomer.does("escape", sees="Gates for Beta day 3  ▲ INCONCLUSIVE")


async def test_the_soft_launch_is_entered_after_its_checklists_and_poll(newcomer: Newcomer) -> None:
    await newcomer.does("c", sees="▶ YOU")
    await newcomer.does("R", "ctrl+u", sees="Full launch   ░")
    day = datetime.now(UTC) + timedelta(days=2)
    await write(newcomer.pilot, f"{day:%Y-%m-%d}T09:00")
    await newcomer.does("enter", sees="dates move by")
    await newcomer.does("right", "enter", sees=r"Full launch is \w{3} \d")
    await newcomer.does("2", *["down"] * 4, "enter", sees="Cookie consent")
    for done in range(6):
        await newcomer.does("down", "space", sees=f"Security & compliance {done + 1}/6")
    await newcomer.does("down", "enter", sees="Team standup scheduled")
    for done in range(5):
        await newcomer.does("down", "space", sees=f"Final checks {done + 1}/5")
    await newcomer.does("3", sees="Gates for Soft launch  ✖ FAIL  12 of 13 gates")
    await newcomer.does("p", "c", sees="→ QA Lead YOU")
    for said in ("QA Lead", "Support Lead", "Product Manager", "Marketing Lead"):
        await newcomer.does("p", "a", "enter", "g", sees=f"✔ {said}")
    await newcomer.does("p", "c", sees="→ Technical Lead YOU")
    for said in ("Technical Lead", "Launch Director"):
        await newcomer.does("p", "a", "enter", "g", sees=f"✔ {said}")
    await newcomer.sees("● GO  ARMED until")
    await newcomer.sees("Gates for Soft launch  ● PASS  13 of 13 gates")
    await newcomer.does("s", "enter", sees="Production: 0 % to 20 %")
    await newcomer.widens("soft", sees="NOW   Soft launch 20 %")
    assert newcomer.percent(0) == 20
    await newcomer.does("s", "enter", sees="UK enters at 40 %, with no smaller step before")
    await newcomer.does("escape", "exclamation_mark", "b", sees="NOW   no stage 0 %")
    assert newcomer.percent(0) == 0
    await newcomer.sees(r"Go/no-go  ○ NOT CALLED")

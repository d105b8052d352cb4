"""The console's screen without a terminal: on a real session, or on a room that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from repz_console.engine.rehearsal import Calls
from repz_console.engine.session import Session
from repz_console.facts import Actor, Exposure, RolloutState
from repz_console.plan.model import Plan
from repz_console.resources import shipped_themes
from repz_console.room import what_if
from repz_console.room.views import RoomView
from repz_console.tui.app import ConsoleApp
from repz_console.tui.paint.base import BLOCKS, Glyphs
from repz_console.tui.settings import SettingsFile
from repz_console.tui.themes import collect
from tests.support import rooms


class Still:
    """A session whose room never changes and that refuses to be asked for anything else."""

    trouble = ""
    notices: tuple[str, ...] = ()

    def __init__(self, view: RoomView, me: Actor = rooms.ANA) -> None:
        self._view = view
        self.actor = me

    def view(self) -> RoomView:
        return self._view

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    def bugs(self) -> object:
        return self

    def book(self) -> object:
        return self

    def touch(self) -> None: ...

    def keep_conn_unless(self, unfit: Callable[[], str]) -> None: ...

    def set_tab(self, tab: str) -> None: ...

    def remember_status(self, text: str) -> None: ...

    @property
    def plan(self) -> Plan:
        return rooms.plan()

    def forecast(self, rollout: str, target: Exposure, stage: str = "") -> what_if.Forecast:
        shown = next(each for each in self._view.rollout.rollouts if each.id == rollout)
        configured = shown.configured.exposure
        state = RolloutState(rollout, configured, shown.revision) if configured is not None else None
        return what_if.forecast(self.plan, shown, state, target, shown.gates, self._view.health, stage=stage)

    async def calls(self, rollout: str, target: Exposure) -> tuple[Calls, ...]:
        return (Calls("flagd", (f"write {rollout} into flags.json",)),)

    async def aclose(self) -> None: ...


def app_on(
    opening: Callable[[], Any],
    folder: Path,
    *,
    glyphs: Glyphs = BLOCKS,
    clock: Callable[[], datetime] | None = None,
) -> ConsoleApp:
    """The console with its settings in `folder`."""
    themes, _ = collect(shipped_themes())
    return ConsoleApp(opening, SettingsFile(folder), themes, glyphs=glyphs, clock=clock or (lambda: datetime.now(UTC)))


def still_app(view: RoomView, folder: Path, me: Actor = rooms.ANA, glyphs: Glyphs = BLOCKS) -> ConsoleApp:
    """The console on a room that stands still, its clock with it."""

    async def opening() -> Session:
        return cast(Session, Still(view, me))

    return app_on(opening, folder, glyphs=glyphs, clock=lambda: rooms.NOW)


@asynccontextmanager
async def showing(app: ConsoleApp, columns: int = 80, rows: int = 24) -> AsyncIterator[Pilot[None]]:
    """The app at work, its first frame painted."""
    async with app.run_test(size=(columns, rows)) as pilot:
        await pilot.pause()
        yield pilot


def text_of(app: ConsoleApp) -> str:
    """What stands on the screen."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in strips)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other, each done with before the next."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def write(pilot: Pilot[None], text: str) -> None:
    """Type a text."""
    names = {" ": "space", ".": "full_stop", ":": "colon", "-": "minus", "!": "exclamation_mark", "/": "slash"}
    await press(pilot, *(names.get(char, char) for char in text))

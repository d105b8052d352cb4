"""What people write from the keyboard lands in the journal: ticks, bugs, spend, notes, the conn, the plan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.pilot import Pilot

from repz_console.engine.session import Session
from repz_console.events import AnyEvent
from repz_console.plan.schedule import full_launch
from repz_console.tui.acts.rebase import suggestion
from repz_console.tui.app import ConsoleApp
from tests.support import rooms
from tests.support.console import app_on, press, showing, still_app, text_of, write
from tests.support.sessions import CONFIG, eventually, kinds, launch, opened, revision


class Desk(NamedTuple):
    """A person at the console."""

    app: ConsoleApp
    pilot: Pilot[None]
    session: Session

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)
        await eventually(lambda: self.app.dialog is not None or all(task.done() for task in self.app._busy.values()))
        await self.pilot.pause()

    def screen(self) -> str:
        return text_of(self.app)

    def last(self) -> AnyEvent:
        return self.session.entries()[-1].event


@asynccontextmanager
async def at_desk(folder: Path, config: str = CONFIG) -> AsyncIterator[Desk]:
    session = await opened(launch(folder, config))
    await revision(session)

    async def opening() -> Session:
        return session

    app = app_on(opening, folder / "settings", clock=lambda: datetime(2027, 2, 3, 12, tzinfo=UTC))
    async with showing(app) as pilot:
        yield Desk(app, pilot, session)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_desk(tmp_path) as desk:
        yield desk


async def test_space_ticks_an_item_and_takes_the_tick_back(desk: Desk) -> None:
    await desk.press("2", "down", "down", "enter", "down", "space")
    assert desk.last().item == "ready/tests"  # type: ignore[union-attr]
    assert desk.last().state == "done"  # type: ignore[union-attr]
    assert "ann" in desk.screen()
    await desk.press("space")
    assert desk.last().state == "open"  # type: ignore[union-attr]


async def test_only_an_optional_item_can_be_marked_not_applicable(desk: Desk) -> None:
    await desk.press("2", "down", "down", "enter", "down", "x")
    assert "not optional" in desk.screen()
    assert "item.ticked" not in kinds(desk.session)
    await desk.press("down", "x")
    assert desk.last().state == "n/a"  # type: ignore[union-attr]


async def test_a_task_with_a_checklist_has_no_typed_progress(desk: Desk) -> None:
    await desk.press("2", "down", "down", "p")
    assert "checklist says" in desk.screen()


async def test_a_bug_is_filed_raised_assigned_and_resolved(desk: Desk) -> None:
    await desk.press("5", "n")
    await write(desk.pilot, "Payments fail [b]")
    await desk.press("tab", "left", "enter")
    filed = desk.last()
    assert (filed.title, filed.priority) == ("Payments fail [b]", "P1")  # type: ignore[union-attr]
    assert "Payments fail [b]" in desk.screen()
    await desk.press("down", "p", "left", "enter")
    assert desk.last().priority == "P0"  # type: ignore[union-attr]
    assert "P0:1" in desk.screen()
    await desk.press("a")
    await write(desk.pilot, "bo")
    await desk.press("enter")
    assert desk.last().assignee == "bo"  # type: ignore[union-attr]
    await desk.press("x")
    assert "a gate may pass without it" in desk.screen()
    await desk.press("enter")
    assert desk.session.view().bugs.bugs[0].state == "open"
    await desk.press("x", "tab", "enter")
    assert desk.session.view().bugs.bugs[0].state == "resolved"
    await desk.press("x")
    assert desk.session.view().bugs.bugs[0].state == "open"


async def test_whatever_blocks_a_step_is_only_eased_or_resolved_after_a_question(tmp_path: Path) -> None:
    blocking = CONFIG.replace('"P0"', '"P2"').replace('"always"', '"launch"')
    async with at_desk(tmp_path, blocking) as desk:
        await desk.press("5", "n")
        await write(desk.pilot, "slow")
        await desk.press("enter", "down", "p", "right", "enter")
        assert "It is P2 now. As P3 it may no longer block a step." in desk.screen()
        await desk.press("enter", "x")
        assert "It is P2: a gate may pass without it." in desk.screen()
        await desk.press("enter")
        bug = desk.session.view().bugs.bugs[0]
        assert (bug.state, bug.priority) == ("open", "P2")


async def test_a_bug_needs_a_title(desk: Desk) -> None:
    await desk.press("5", "n", "enter")
    assert "nothing is filled in" in desk.screen()
    await desk.press("escape")
    assert "bug.filed" not in kinds(desk.session)


async def test_spend_is_entered_and_taken_back(desk: Desk) -> None:
    await desk.press("6", "n", "tab")
    await write(desk.pilot, "12.50")
    await desk.press("enter")
    view = desk.session.view().budget
    assert view is not None
    assert view.actual == Decimal("12.50")
    await desk.press("end")
    assert desk.app.selected[0] == "entry"
    await desk.press("x", "right", "enter")
    view = desk.session.view().budget
    assert view is not None
    assert view.actual == 0


async def test_an_amount_that_is_none_is_said_and_nothing_is_written(desk: Desk) -> None:
    await desk.press("6", "n", "tab")
    await write(desk.pilot, "many")
    await desk.press("enter")
    assert "New entry:" in desk.screen()
    assert "spend.added" not in kinds(desk.session)


async def test_a_note_is_kept_as_it_was_typed(desk: Desk) -> None:
    await desk.press("N")
    await write(desk.pilot, "go at 9")
    await desk.press("enter")
    assert desk.last().text == "go at 9"  # type: ignore[union-attr]


async def test_the_conn_is_taken_and_given_up(desk: Desk) -> None:
    await desk.press("c")
    assert desk.session.view().control.mine
    await desk.press("c", "enter")
    assert desk.session.view().control.mine
    await desk.press("c", "tab", "enter")
    assert not desk.session.view().control.mine


async def test_taking_the_conn_from_somebody_needs_a_reason(desk: Desk) -> None:
    async with opened(desk.session.loaded, "bo") as other:
        assert await other.take_conn() == ""
        async with opened(desk.session.loaded, "cy") as mine:
            desk.app.session = mine
            desk.app.refresh_all()
            await desk.press("c")
            assert "bo@jump has the conn" in desk.screen()
            await desk.press("right", "enter")
            assert "nothing is filled in" in desk.screen()
            await write(desk.pilot, "bo is away")
            await desk.press("enter", "enter")
            assert mine.view().control.mine
            desk.app.session = desk.session


async def test_leaving_with_the_conn_asks_first(desk: Desk) -> None:
    await desk.press("c", "q")
    assert "You have the conn" in desk.screen()
    await desk.press("enter")
    assert desk.app.is_running


async def test_a_rebase_shows_every_date_and_is_journaled(desk: Desk) -> None:
    await desk.press("R")
    assert "you do not have the conn" in desk.screen()
    await desk.press("c", "R", "ctrl+u")
    await write(desk.pilot, "2027-02-12")
    await desk.press("enter")
    assert "no time of day" in desk.screen()
    await desk.press("ctrl+u")
    await write(desk.pilot, "2027-02-12T09:00")
    await desk.press("enter")
    assert "move by +7 days" in desk.screen()
    assert "Soft launch" in desk.screen()
    await desk.press("enter")
    assert "plan.rebased" not in kinds(desk.session)
    await desk.press("R", "ctrl+u")
    await write(desk.pilot, "2027-02-12T09:00")
    await desk.press("enter", "tab", "enter")
    assert kinds(desk.session)[-1] == "plan.rebased"
    assert full_launch(desk.session.plan) == datetime(2027, 2, 12, 9, tzinfo=UTC)


async def test_a_rebase_says_when_weekdays_are_lost(desk: Desk) -> None:
    await desk.press("c", "R", "ctrl+u")
    await write(desk.pilot, "2027-02-10T09:00")
    await desk.press("enter")
    assert "Not every weekday is kept" in desk.screen()


def test_a_plan_that_has_passed_is_proposed_in_whole_weeks_ahead() -> None:
    plan = rooms.plan()
    now = datetime(2029, 5, 1, tzinfo=UTC)
    proposed = suggestion(plan, now)
    assert (proposed - full_launch(plan)).days % 7 in (0, 6)
    assert proposed > now
    assert suggestion(plan, rooms.NOW) == full_launch(plan)


async def test_adopting_shares_the_plan(desk: Desk) -> None:
    await desk.press("c", "P")
    assert "No plan is shared yet" in desk.screen()
    await desk.press("tab", "enter")
    assert kinds(desk.session)[-1] == "plan.adopted"
    await desk.press("P")
    assert "Everyone already shares this text" in desk.screen()


async def test_a_journal_that_cannot_be_written_refuses_and_says_so(tmp_path: Path) -> None:
    app = still_app(rooms.read_only(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "5", "n")
        assert "read-only" in text_of(app)
        assert app.dialog is None
        await press(pilot, "exclamation_mark")
        assert app.dialog is not None

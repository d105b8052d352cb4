"""Polls, waivers, overrides and approvals from the keyboard: what the keys leave in a real journal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.pilot import Pilot

from repz_console import events
from repz_console.engine.session import Session
from repz_console.room.views import RolloutView
from repz_console.tui.app import ConsoleApp
from tests.support.agreeing import ANN, BOB, agreeing, opened_by
from tests.support.console import app_on, press, showing, text_of, write
from tests.support.sessions import at, eventually, launch, revision


class Two(NamedTuple):
    """Somebody at the console, and somebody else's session on the same store."""

    app: ConsoleApp
    pilot: Pilot[None]
    session: Session
    other: Session

    def screen(self) -> str:
        return text_of(self.app)

    @property
    def rollout(self) -> RolloutView:
        return self.session.view().rollout.rollouts[0]

    def written(self, kind: type[events.Event]) -> list[events.Event]:
        return [entry.event for entry in self.session.entries() if isinstance(entry.event, kind)]


@asynccontextmanager
async def two(folder: Path, config: str, *, me: str = "ann") -> AsyncIterator[Two]:
    """`me` at the console."""
    loaded = launch(folder, config)
    actors = (ANN, BOB) if me == "ann" else (BOB, ANN)
    session, other = await opened_by(loaded, actors[0], watch=True), await opened_by(loaded, actors[1])
    await revision(session)
    await revision(other)

    async def opening() -> Session:
        return session

    app = app_on(opening, folder / "settings")
    async with aclosing(other), showing(app) as pilot:
        await press(pilot, "3")
        yield Two(app, pilot, session, other)


async def settled(both: Two, true: Callable[[], bool] = lambda: True) -> None:
    """Wait until something is so and nothing that a key began is under way."""
    try:
        await eventually(lambda: all(task.done() for task in both.app._busy.values()) and true())
    except TimeoutError:
        raise AssertionError(both.screen()) from None
    await both.pilot.pause()


async def seen(both: Two, true: Callable[[RolloutView], bool]) -> None:
    """Wait until this console shows what the other one did."""
    await settled(both, lambda: true(both.rollout))
    both.app.refresh_all()
    await both.pilot.pause()


def called(rollout: RolloutView) -> bool:
    return rollout.poll is not None and rollout.poll.run != ""


async def select(both: Two, row: str) -> None:
    """Move down to a row."""
    both.app.refresh_all()
    await press(both.pilot, "home")
    for _ in range(60):
        if both.app.choice.cursor.startswith(row):
            return
        await press(both.pilot, "down")
    raise AssertionError(f"no row {row}:\n{both.screen()}")


async def answer_challenge(both: Two) -> None:
    found = re.search(r"Type {2}(.+ PRODUCTION [a-z]{2})", both.screen())
    assert found, both.screen()
    await press(both.pilot, "tab")
    await write(both.pilot, found.group(1))
    await press(both.pilot, "enter")


async def test_a_poll_is_called_and_answered_from_a_stations_row(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(poll=True), me="bob") as both:
        assert (await both.other.council.call("production")).state == "confirmed"
        await seen(both, called)
        await select(both, "station:0/tech")
        assert "Enter: answers for Technical lead" in both.screen()
        await press(both.pilot, "enter")
        assert "It is deployed" in both.screen()
        assert "P0 bugs: none open" in both.screen()
        await press(both.pilot, "g")
        await settled(both, lambda: bool(both.written(events.VoteCast)))
        (vote,) = both.written(events.VoteCast)
        assert isinstance(vote, events.VoteCast)
        assert (vote.seat, vote.answer) == ("tech", "GO")
        assert vote.evidence["p0"]["verdict"] == "PASS"
        assert "✔ Technical lead" in both.screen()


async def test_enter_answers_nothing_by_itself(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(poll=True), me="bob") as both:
        await both.other.council.call("production")
        await seen(both, called)
        await select(both, "station:0/tech")
        await press(both.pilot, *["enter"] * 6, "space")
        assert "Press g, n, i or Esc" in both.screen()
        assert not both.written(events.VoteCast)


async def test_no_go_asks_for_its_reason_and_go_if_for_who_and_when(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(poll=True), me="bob") as both:
        await both.other.council.call("production")
        await seen(both, called)
        await select(both, "poll:")
        await press(both.pilot, "enter", "a", "n", "enter")
        assert not both.written(events.VoteCast)
        await write(both.pilot, "two are ill")
        await press(both.pilot, "enter")
        await settled(both, lambda: len(both.written(events.VoteCast)) == 1)
        await press(both.pilot, "p", "a", "i")
        await write(both.pilot, "the banner is off")
        await press(both.pilot, "tab")
        await write(both.pilot, "cy")
        await press(both.pilot, "tab")
        await write(both.pilot, "2099-02-03T18:00")
        await press(both.pilot, "enter")
        await settled(both, lambda: len(both.written(events.VoteCast)) == 2)
        first, second = both.written(events.VoteCast)
        assert isinstance(first, events.VoteCast)
        assert isinstance(second, events.VoteCast)
        assert (first.answer, first.reason) == ("NO-GO", "two are ill")
        assert (second.answer, second.reason, second.owner) == ("GO-IF", "the banner is off", "cy")
        assert second.due is not None
        assert second.due.year == 2099


async def test_the_director_calls_takes_a_condition_and_writes_down_what_was_said(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(poll=True)) as both:
        await press(both.pilot, "p", "c")
        await settled(both, lambda: bool(both.written(events.PollCalled)))
        await press(both.pilot, "p", "v")
        await write(both.pilot, "bob on the phone")
        await press(both.pilot, "enter", "i")
        await write(both.pilot, "the banner is off")
        await press(both.pilot, "tab")
        await write(both.pilot, "cy")
        await press(both.pilot, "tab")
        await write(both.pilot, "2099-02-03T18:00")
        await press(both.pilot, "enter")
        await settled(both, lambda: bool(both.written(events.VoteCast)))
        (vote,) = both.written(events.VoteCast)
        assert isinstance(vote, events.VoteCast)
        assert (vote.answer, vote.verbal) == ("GO-IF", "bob on the phone")
        await press(both.pilot, "p", "t")
        assert "the banner is off" in both.screen()
        await press(both.pilot, "right", "enter")
        await settled(both, lambda: bool(both.written(events.ConditionAccepted)))


async def test_a_gate_that_is_not_known_is_waived_by_two(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(metric=True)) as both:
        await select(both, "gate:metric")
        assert "and can ask to waive it" in both.screen()
        await press(both.pilot, "enter", "w", "tab")
        await write(both.pilot, "the probe is being moved")
        await press(both.pilot, "enter", "enter", "enter")
        await settled(both, lambda: bool(both.written(events.GateWaived)))
        assert "WAIVER of" in both.screen()
        gate = next(one for one in both.rollout.gates if one.id.startswith("metric"))
        assert not gate.lets_pass, "one person alone waives nothing"
        assert (await both.other.council.second("production")).state == "confirmed"
        await seen(both, lambda rollout: next(one for one in rollout.gates if one.id == gate.id).lets_pass)


async def test_somebody_else_agrees_to_a_waiver_on_its_row(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(metric=True), me="bob") as both:
        gate = next(one for one in both.rollout.gates if one.id.startswith("metric"))
        assert (await both.other.council.waive("production", gate.id, "it is moved", 30)).state == "confirmed"
        await seen(both, lambda rollout: bool(rollout.waivers))
        await select(both, "waiver:")
        await press(both.pilot, "enter", "right", "enter")
        await settled(both, lambda: bool(both.written(events.WaiverSeconded)))


async def test_only_the_director_overrides_and_only_with_the_typed_phrase(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing()) as both:
        tracker = both.session.bugs()
        assert tracker is not None
        await both.session.write(tracker.filed("Payments fail", "P0"))
        await select(both, "gate:p0")
        await press(both.pilot, "enter", "o", "tab")
        await write(both.pilot, "known and harmless")
        await press(both.pilot, "enter", "enter")
        await press(both.pilot, "tab")
        await write(both.pilot, "override p0 PRODUCTION")
        await press(both.pilot, "enter")
        assert "not what has to be typed" in both.screen()
        assert not both.written(events.GateOverridden)
        await press(both.pilot, "escape")
        await press(both.pilot, "enter", "o", "tab")
        await write(both.pilot, "known and harmless")
        await press(both.pilot, "enter", "enter")
        await answer_challenge(both)
        await settled(both, lambda: bool(both.written(events.GateOverridden)))
        both.app.refresh_all()
        await both.pilot.pause()
        assert "OVERRIDE" in both.screen().splitlines()[0]


async def test_nobody_else_overrides(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(), me="bob") as both:
        tracker = both.session.bugs()
        assert tracker is not None
        await both.session.write(tracker.filed("Payments fail", "P0"))
        await select(both, "gate:p0")
        await press(both.pilot, "enter", "o", "tab")
        await write(both.pilot, "known")
        await press(both.pilot, "enter", "enter")
        await answer_challenge(both)
        await settled(both)
        assert not both.written(events.GateOverridden)


async def test_an_approval_is_given_from_another_console_and_lets_it_widen(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(approvals=1)) as both:
        await press(both.pilot, "c", "a", "right", "enter")
        await settled(both, lambda: bool(both.written(events.ApprovalAsked)))
        await press(both.pilot, "enter")
        assert "Needs 1 approval" in both.screen()
        await press(both.pilot, "escape")
        assert (await both.other.council.approve("production")).state == "confirmed"
        await seen(both, lambda rollout: rollout.approval is not None and bool(rollout.approval.given))
        await press(both.pilot, "enter", "right", "enter")
        await answer_challenge(both)
        await settled(both, lambda: both.rollout.configured.exposure == at(20))


async def test_approving_shows_exactly_what_is_approved(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(approvals=1), me="bob") as both:
        asked = await both.other.council.ask("production", at(20), "soft")
        assert asked.state == "confirmed", asked.line
        await seen(both, lambda rollout: rollout.approval is not None)
        both.app.refresh_all()
        await press(both.pilot, "a")
        assert "to 20 %, all regions: Core, stage soft" in both.screen()
        await press(both.pilot, "right", "enter")
        await settled(both, lambda: bool(both.written(events.ApprovalGiven)))


async def test_the_line_is_stopped_by_anybody(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(), me="bob") as both:
        await press(both.pilot, "l", "s")
        await write(both.pilot, "outage")
        await press(both.pilot, "enter")
        await settled(both, lambda: bool(both.written(events.LineStopped)))
        await press(both.pilot, "escape", "l", "g")
        assert "you do not have the conn" in both.screen()


async def test_a_seat_is_taken(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing(), me="bob") as both:
        await press(both.pilot, "t")
        await write(both.pilot, "technical")
        await press(both.pilot, "enter", "enter")
        await settled(both, lambda: bool(both.written(events.SeatTaken)))


async def test_the_card_shows_the_commands_also_when_it_is_drawn_again(tmp_path: Path) -> None:
    async with two(tmp_path, agreeing()) as both:
        await press(both.pilot, "K")
        await both.pilot.pause()
        before = both.screen()
        both.app.refresh_all()
        await both.pilot.pause()
        assert "python3 -c" in before
        assert "python3 -c" in both.screen()


@pytest.mark.parametrize("key", ["a", "p", "f", "space"])
async def test_what_cannot_be_done_now_says_why(tmp_path: Path, key: str) -> None:
    reasons = {
        "a": "Soft launch needs no approval",
        "p": "the next stage needs no poll",
        "f": "no change was applied in part",
        "space": "select a feature",
    }
    async with two(tmp_path, agreeing()) as both:
        await press(both.pilot, key)
        assert reasons[key] in both.screen()

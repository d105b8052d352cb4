"""A rollout that people operate: nothing is sent, and what they say they saw is what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from repz_console.engine.session import Session
from repz_console.events import ChangeEnded, ExposureObserved
from repz_console.facts import Change, Exposure, Freshness
from repz_console.plan import exposure as exposures
from repz_console.providers.base import ProviderError
from tests.support import faulty, several
from tests.support.providers import entries, provider
from tests.support.sessions import CONFIG, at, launch, opened
from tests.support.several import everywhere

OPTIONS = {"instructions": "set {features} to {percent} in {regions}", "kill": "$ shop stop"}
BY_HAND = 'instructions = "set {features} to {percent} in {regions}"\nkill = "$ shop stop"\n'


def by_hand() -> str:
    """The small launch, operated by people."""
    return CONFIG.replace('kind = "flagd"', 'kind = "manual"').replace('path = "flags.json"\n', BY_HAND)


class Clock:
    """A clock that is set by hand, so that what was seen lapses."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


async def saw(session: Session, percent: float, minutes: float = 30) -> None:
    seen = at(percent) if percent else exposures.nobody()
    outcome = await session.council.observe("production", "flags", seen, minutes)
    assert outcome.state == "confirmed", outcome.line


async def to(session: Session, percent: float) -> Any:
    expect = session.view().rollout.rollouts[0].revision
    return await session.control.change("production", "set", at(percent), expect=expect)


def ends(session: Session, op: str) -> list[str]:
    found = [entry.event for entry in session.entries()]
    return [event.outcome for event in found if isinstance(event, ChangeEnded) and event.op == op]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Exposure({"us": 20, "ca": 20}, ("core",)), "set core to 20 in us, ca"),
        (Exposure({"us": 20, "ca": 12.5}, ("core", "full")), "set core, full to us 20 %, ca 12.5 % in us, ca"),
        (Exposure({}, ()), "$ shop stop"),
    ],
)
async def test_it_writes_nothing_and_says_what_to_do(tmp_path: Path, target: Exposure, says: str) -> None:
    manual = provider("manual", tmp_path, "flags", **OPTIONS)
    change = Change("a", "production", target, "", "ann")
    with pytest.raises(ProviderError, match="do it by hand") as told:
        await manual.apply(change)
    assert told.value.fault.what.endswith(says)
    assert manual.calls(change) == (f"by hand: {says}",)
    assert (manual.grade(), await manual.ready(), manual.abilities().reads_back) == ("by hand", "", False)


def test_the_card_has_a_command_as_one_and_a_click_as_a_remark(tmp_path: Path) -> None:
    assert provider("manual", tmp_path, "flags", **OPTIONS).card("production") == ("shop stop",)
    clicked = provider("manual", tmp_path, "flags", **{**OPTIONS, "kill": "Admin, Off, Save"})
    assert clicked.card("production") == ("# By hand: Admin, Off, Save",)


async def test_what_was_seen_is_believed_for_a_while_only(tmp_path: Path) -> None:
    manual = provider("manual", tmp_path, "flags", **OPTIONS)
    with pytest.raises(ProviderError, match="nobody has said yet"):
        await manual.read("production")
    now = datetime.now(UTC)
    manual.fold(entries(ExposureObserved("production", "flags", at(20), now + timedelta(hours=1))))
    assert (await manual.read("production")).exposure == at(20)
    manual.fold(entries(ExposureObserved("production", "flags", at(20), now - timedelta(hours=1)), first=2))
    with pytest.raises(ProviderError, match="look again"):
        await manual.read("production")


async def test_a_change_stays_open_until_somebody_looks_and_is_what_they_see(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, by_hand())) as session:
        assert await session.take_conn() == ""
        assert (await to(session, 20)).state == "refused", "nobody knows what is there"
        await saw(session, 0)
        outcome = await to(session, 20)
        assert outcome.state == "unknown"
        assert "do it by hand, then say what it shows: set core to 20 in us, world" in outcome.line
        await session.control.settle()
        assert ends(session, outcome.op) == ["unknown"]
        await saw(session, 20)
        await session.control.settle()
        assert ends(session, outcome.op) == ["unknown", "confirmed"]
        view = session.view().rollout.rollouts[0]
        assert (view.configured.exposure, view.configured.freshness, view.drift) == (at(20), Freshness.LIVE, ())
        assert view.configured.note.startswith("by hand, ann ")

        other = await to(session, 50)
        await saw(session, 30)
        await session.control.settle()
        assert ends(session, other.op) == ["unknown", "superseded"]
        (line,) = session.view().rollout.rollouts[0].drift
        assert "flags has 30 % of us, world with core, decided was 20 %" in line


async def test_a_kill_by_hand_is_settled_by_nobody_being_exposed_alone(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, by_hand())) as session:
        await saw(session, 20)
        outcome = await session.control.change("production", "kill")
        assert outcome.state == "unknown"
        assert "$ shop stop" in outcome.line
        await saw(session, 5)
        await session.control.settle()
        assert ends(session, outcome.op) == ["unknown"]
        await saw(session, 0)
        await session.control.settle()
        assert ends(session, outcome.op) == ["unknown", "confirmed"]


async def test_what_nobody_looked_at_for_too_long_is_not_known_and_lets_nothing_widen(tmp_path: Path) -> None:
    clock = Clock()
    loaded = launch(tmp_path, by_hand())
    async with Session.open(loaded, watch=False, collect=False, clock=clock) as session:
        await session.take_conn()
        await saw(session, 0, minutes=30)
        judged = {gate.id: gate for gate in session.view().rollout.rollouts[0].gates}
        assert judged["data"].lets_pass
        clock.ahead = timedelta(minutes=31)
        view = session.view().rollout.rollouts[0]
        assert (view.configured.exposure, view.configured.freshness) == (None, Freshness.DOWN)
        assert "look again" in view.configured.note
        assert {gate.id: gate.verdict for gate in view.gates}["data"] == "INCONCLUSIVE"


async def test_what_a_person_saw_stands_in_for_a_backend_that_is_down_until_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = faulty.install(monkeypatch)
    backend.reads = "raise"
    async with opened(launch(tmp_path, faulty.config(CONFIG))) as session:
        await session.refresh("flags")
        assert session.view().rollout.rollouts[0].configured.exposure is None
        await saw(session, 5)
        configured = session.view().rollout.rollouts[0].configured
        assert configured.exposure == at(5)
        assert "by hand, ann " in configured.note
        assert ", until " in configured.note
        backend.reads = "ok"
        backend.meddle(at(7))
        await session.refresh("flags")
        view = session.view().rollout.rollouts[0]
        assert (view.configured.exposure, "by hand" in view.configured.note) == (at(7), False)
        assert len(view.drift) == 1


async def test_a_person_may_be_one_of_several_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orchestra = several.install(monkeypatch)
    config = several.config().replace('[source.web]\nkind = "several"\n', f'[source.web]\nkind = "manual"\n{BY_HAND}')

    async def look(percent: float) -> None:
        seen = everywhere(percent, "web") if percent else exposures.nobody()
        assert (await session.council.observe("production", "web", seen, 30)).state == "confirmed"
        await session.control.settle()

    async with opened(launch(tmp_path, config)) as session:
        assert await session.take_conn() == ""
        await look(0)
        await session.refresh_rollout("production")
        expect = session.view().rollout.rollouts[0].revision
        outcome = await session.control.change("production", "set", everywhere(20), expect=expect)
        assert outcome.state == "unknown"
        assert "2 of 3 applied: base, edge; web is not known: do it by hand" in outcome.line
        assert "set web to 20 in us, world" in outcome.line
        await look(20)
        assert ends(session, outcome.op) == ["unknown", "confirmed"]
        view = session.view().rollout.rollouts[0]
        assert (view.configured.exposure, view.drift) == (everywhere(20), ())
        killed = await session.control.change("production", "kill")
        assert killed.state == "unknown"
        assert "$ shop stop" in killed.line
        assert (orchestra.shown["base"], orchestra.shown["edge"]) == (0, 0), "what can be reached is"
        await look(20)
        assert ends(session, killed.op) == ["unknown"]
        await look(0)
        assert ends(session, killed.op) == ["unknown", "confirmed"]

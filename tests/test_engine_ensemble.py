"""Several backends that move as one rollout, whatever each of them does."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from repz_console.engine import carrier, settler
from repz_console.engine.follower import bring_in
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.engine.writer import JournalWriter
from repz_console.events import ChangedElsewhere, ChangeEnded, ChangeIntended, ChangeStepped, Entry
from repz_console.plan import exposure as exposures
from repz_console.store.errors import StoreError
from tests.conftest import Figure
from tests.support import several
from tests.support.sessions import eventually, launch, opened
from tests.support.several import SOURCES, Orchestra, everywhere

ANSWERS = ("ok", "refuse", "raise", "applied, then raise", "hang")


@pytest.fixture
def orchestra(monkeypatch: pytest.MonkeyPatch) -> Orchestra:
    monkeypatch.setattr(carrier, "_KILL_PAUSE", 0.01)
    monkeypatch.setattr(settler, "LATE_WRITE", 0.0)
    return several.install(monkeypatch)


@pytest.fixture
async def session(tmp_path: Path, orchestra: Orchestra) -> AsyncIterator[Session]:
    async with opened(launch(tmp_path, several.config())) as session:
        assert await session.take_conn() == ""
        yield session


async def widen(session: Session, percent: float) -> Outcome:
    await session.refresh_rollout("production")
    expect = session.view().rollout.rollouts[0].revision
    return await session.control.change("production", "set", everywhere(percent), expect=expect)


def steps(session: Session, op: str) -> list[tuple[str, str]]:
    events = [entry.event for entry in session.entries()]
    return [(event.controller, event.outcome) for event in events if isinstance(event, ChangeStepped) if event.op == op]


def ends(session: Session, op: str) -> list[str]:
    events = [entry.event for entry in session.entries()]
    return [event.outcome for event in events if isinstance(event, ChangeEnded) and event.op == op]


async def test_what_widens_goes_in_order_and_what_shrinks_the_other_way_round(
    session: Session, orchestra: Orchestra
) -> None:
    outcome = await widen(session, 20)
    assert outcome.state == "confirmed"
    assert [source for source, _ in orchestra.log] == ["base", "edge", "web"]
    assert steps(session, outcome.op) == [(source, outcome) for source in SOURCES for outcome in ("sent", "applied")]
    assert [change.target for _, change in orchestra.log] == [everywhere(20, source) for source in SOURCES]
    view = session.view().rollout.rollouts[0]
    assert (view.configured.exposure, view.drift, view.controllers) == (everywhere(20), (), SOURCES)
    assert view.revision == outcome.revision == "2+2+2"
    orchestra.log.clear()
    assert (await session.control.change("production", "rollback", everywhere(5))).state == "confirmed"
    assert [source for source, _ in orchestra.log] == ["web", "edge", "base"]


async def test_a_change_that_does_both_shrinks_first(session: Session, orchestra: Orchestra) -> None:
    await widen(session, 20)
    orchestra.log.clear()
    expect = session.view().rollout.rollouts[0].revision
    both = exposures.Exposure({"us": 30}, ("base", "edge"))
    assert (await session.control.change("production", "set", both, expect=expect)).state == "confirmed"
    assert [source for source, _ in orchestra.log] == ["web", "base", "edge"]


async def test_a_widening_that_a_backend_refuses_ends_in_part_and_goes_on_with_the_same_target(
    session: Session, orchestra: Orchestra
) -> None:
    orchestra["edge"].answers = ["refuse"]
    outcome = await widen(session, 20)
    assert outcome.state == "partial"
    assert "1 of 3 applied: base; not edge: no permission; web was not begun" in outcome.line
    assert orchestra.shown == {"base": 20, "edge": 0, "web": 0}
    assert ends(session, outcome.op) == ["partial"]
    view = session.view().rollout.rollouts[0]
    assert view.change is not None
    assert [(step.controller, step.state) for step in view.change.steps] == [
        ("base", "applied"),
        ("edge", "refused"),
        ("web", "waits"),
    ]
    assert (view.change.state, view.drift) == ("partial", ())
    assert any(gate.id == "change" and "1 of 3 applied" in gate.line for gate in view.gates)

    refused = await session.control.change("production", "set", everywhere(30), expect=view.revision)
    assert refused.state == "refused", "only the rest of it may be done"
    forward = await widen(session, 20)
    assert forward.state == "confirmed"
    assert orchestra.shown == {"base": 20, "edge": 20, "web": 20}
    assert ends(session, outcome.op) == ["partial"]
    change = session._known.decisions.change(outcome.op)
    assert change is not None
    assert change.state == "superseded"
    assert all(gate.lets_pass for gate in session.view().rollout.rollouts[0].gates if gate.id == "change")


async def test_what_went_in_part_is_rolled_back_to_before_and_widens_nothing(
    session: Session, orchestra: Orchestra
) -> None:
    await widen(session, 10)
    orchestra["web"].answers = ["refuse"]
    assert (await widen(session, 20)).state == "partial"
    back = await session.control.change("production", "rollback")
    assert back.state == "confirmed"
    assert orchestra.shown == {"base": 10, "edge": 10, "web": 10}
    assert session._known.decided("production").partial == ()


async def test_a_widening_needs_every_backend_read_back(session: Session, orchestra: Orchestra) -> None:
    orchestra["edge"].reads = "raise"
    outcome = await session.control.change("production", "set", everywhere(20), expect="1+1+1")
    assert outcome.state == "refused"
    assert orchestra.log == []


async def test_a_lost_conn_stops_a_widening_between_two_steps(session: Session, orchestra: Orchestra) -> None:
    write = orchestra["base"].write

    def lost(change: object) -> object:
        state = write(change)  # type: ignore[arg-type]
        session._known.put_leases(None, None)
        return state

    orchestra["base"].write = lost  # type: ignore[method-assign,assignment]
    outcome = await widen(session, 20)
    assert outcome.state == "partial"
    assert orchestra.shown == {"base": 20, "edge": 0, "web": 0}


@pytest.mark.parametrize("lost", SOURCES)
async def test_a_way_back_goes_through_all_even_where_one_backend_cannot_even_be_read(
    session: Session, orchestra: Orchestra, lost: str
) -> None:
    await widen(session, 20)
    orchestra[lost].reads = "raise"
    orchestra[lost].answers = ["refuse"] * 9
    outcome = await session.control.change("production", "rollback", everywhere(5))
    assert outcome.state == "partial"
    assert f"not {lost}: no permission" in outcome.line
    assert orchestra.shown == {source: 20 if source == lost else 5 for source in SOURCES}
    outcome = await session.control.change("production", "kill")
    assert outcome.state == "partial"
    assert f"not {lost}: no permission" in outcome.line
    assert orchestra.shown == {source: 20 if source == lost else 0 for source in SOURCES}


async def test_a_roll_back_takes_a_step_again_where_somebody_changed_a_backend_meanwhile(
    session: Session, orchestra: Orchestra
) -> None:
    await widen(session, 20)
    write = orchestra["edge"].write

    def meddled(change: object) -> object:
        orchestra["edge"].write = write  # type: ignore[method-assign]
        orchestra["edge"].meddle(everywhere(8, "edge"))
        return write(change)  # type: ignore[arg-type]

    orchestra["edge"].write = meddled  # type: ignore[method-assign,assignment]
    outcome = await session.control.change("production", "rollback", everywhere(10))
    assert outcome.state == "confirmed"
    assert orchestra.shown == {"base": 10, "edge": 8, "web": 10}, "never widened"


@pytest.mark.figure
@pytest.mark.parametrize("action", ["set", "rollback", "kill"])
async def test_whatever_each_backend_does_the_journal_tells_the_truth(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, figure: Figure, action: str
) -> None:
    monkeypatch.setattr(carrier, "CHANGE_DEADLINE", 0.02)
    cases = list(itertools.product(ANSWERS, repeat=3))
    tried = random.Random(action).sample(cases, figure.count(30, len(cases)))
    for answers in tried:
        assert (await session.control.change("production", "kill")).state == "confirmed"
        if action != "set":
            assert (await widen(session, 20)).state == "confirmed"
        for source, answer in zip(SOURCES, answers, strict=True):
            orchestra[source].answers = [answer]
        orchestra.log.clear()
        if action == "set":
            outcome = await widen(session, 20)
        else:
            outcome = await session.control.change(
                "production", action, everywhere(5) if action == "rollback" else None
            )  # type: ignore[arg-type]
        for source in SOURCES:
            orchestra[source].answers = []
        tale = f"{action} {answers}: {outcome.state} {outcome.line} {orchestra.shown}"
        await session.control.settle()
        change = session._known.decisions.change(outcome.op)
        assert change is not None, tale
        carrying = [source for source in SOURCES if orchestra[source].state.op == outcome.op]
        expected = {3: "confirmed", 0: "not_applied" if outcome.state == "unknown" else "rejected"}
        assert change.state == expected.get(len(carrying), "partial"), tale
        if action != "set":
            assert all(
                orchestra[source].state.op == outcome.op
                for source, answer in zip(SOURCES, answers, strict=True)
                if answer in ("ok", "applied, then raise")
            ), f"a way back goes through all: {tale}"
        written = Counter((source, change.op) for source, change in orchestra.log)
        assert max(written.values(), default=1) == 1, tale
        recorded = {entry.event.op for entry in session.entries() if hasattr(entry.event, "op")}
        assert {change.op for _, change in orchestra.log} <= recorded, tale
    assert any(isinstance(entry.event, ChangeIntended) for entry in session.entries())
    figure.say(f"{len(tried)} of {len(cases)} ways in which three backends may answer a {action}: the journal was true")


async def test_a_backend_that_changes_feature_by_feature_takes_a_change_in_as_many_steps(
    tmp_path: Path, orchestra: Orchestra
) -> None:
    async with opened(launch(tmp_path, several.stepped())) as session:
        assert await session.take_conn() == ""
        assert (await widen(session, 10)).state == "confirmed"
        assert [(source, change.scope) for source, change in orchestra.log] == [(one, (one,)) for one in SOURCES]
        orchestra["web"].answers = ["refuse"]
        outcome = await widen(session, 20)
        assert outcome.state == "partial"
        assert "2 of 3 applied: flags (base), flags (edge); not flags (web): no permission" in outcome.line
        view = session.view().rollout.rollouts[0]
        assert [(part.controller, part.features) for part in view.parts] == [("flags", (one,)) for one in SOURCES]
        assert (await session.control.change("production", "rollback")).state == "confirmed"
        assert orchestra.shown == {"base": 10, "edge": 10, "web": 10}
        without = everywhere(100, "base", "edge")
        assert (await session.control.change("production", "rollback", without)).state == "confirmed"
        assert orchestra.shown == {"base": 10, "edge": 10, "web": 0}, "one feature alone is taken back"
        assert (await session.control.change("production", "kill")).state == "confirmed"
        assert orchestra.shown == {"base": 0, "edge": 0, "web": 0}
        assert (await widen(session, 20)).state == "confirmed", "and armed again"
        assert session.view().rollout.rollouts[0].drift == ()


@pytest.mark.parametrize("seen", [20, 0])
async def test_a_step_without_an_answer_is_fenced_alone_and_what_became_of_the_change_is_told(
    session: Session, orchestra: Orchestra, seen: float
) -> None:
    """`seen` is what the step that gave no answer then shows."""
    orchestra["edge"].answers = ["applied, then raise" if seen else "raise"]
    outcome = await widen(session, 20)
    if seen:
        assert outcome.state == "confirmed"
        return
    assert outcome.state == "unknown"
    assert "1 of 3 applied: base; edge is not known: connection reset; web was not begun" in outcome.line
    before = {source: orchestra[source].state.revision for source in SOURCES}
    await session.control.settle()
    assert ends(session, outcome.op) == ["unknown", "partial"]
    assert orchestra[SOURCES[0]].state.revision == before["base"], "what carries it is left alone"
    assert orchestra.shown == {"base": 20, "edge": 0, "web": 0}
    assert (await widen(session, 20)).state == "confirmed"


async def test_a_change_made_elsewhere_names_the_backend_who_and_where(session: Session, orchestra: Orchestra) -> None:
    await widen(session, 20)
    orchestra["edge"].meddle(exposures.Exposure({"us": 20, "world": 5}, ("edge",)))
    await session.refresh_rollout("production")
    view = session.view().rollout.rollouts[0]
    assert view.drift == (
        "edge has us 20 %, world 5 % with edge, decided was 20 % of us, world with edge (ann@jump);"
        " world 5 % and not 20 %: changed outside this console by mallory",
    )
    state = orchestra["edge"].state
    named = ChangedElsewhere("production", "edge", state.revision, "eve in the web console", None, None, state.exposure)
    await session._writer.append(named)
    (line,) = session.view().rollout.rollouts[0].drift
    assert line.endswith("changed outside this console by eve in the web console")
    stale = await session.control.change("production", "set", everywhere(30), expect="2+2+2")
    assert stale.state == "refused", "never overwritten silently"


async def test_a_kill_waits_for_no_backend_that_hangs(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    await widen(session, 20)
    monkeypatch.setattr(carrier, "CHANGE_DEADLINE", 60.0)
    orchestra["edge"].answers = ["late"]
    killing = asyncio.create_task(session.control.change("production", "kill"))
    await eventually(lambda: orchestra.shown == {"base": 0, "edge": 20, "web": 0})
    assert not killing.done()
    await eventually(lambda: len(orchestra["edge"].tasks) == 1)
    killing.cancel()
    monkeypatch.undo()
    orchestra["edge"].release.set()
    await eventually(lambda: orchestra.shown == {"base": 0, "edge": 0, "web": 0})


async def test_a_way_back_of_several_needs_no_journal(
    session: Session, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    await widen(session, 20)

    async def full(*_: object, **__: object) -> Entry:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(JournalWriter, "append", full)
        outcome = await session.control.change("production", "rollback", everywhere(5))
        assert (outcome.state, outcome.journaled) == ("confirmed", False)
        assert orchestra.shown == {"base": 5, "edge": 5, "web": 5}
        waiting = session.view().rollout.rollouts[0]
        assert waiting.desired.exposure == everywhere(5)
        assert waiting.drift == ()
    await bring_in(session._storage, session._known)
    assert ends(session, outcome.op) == ["confirmed"]
    assert {outcome for _, outcome in steps(session, outcome.op)} == {"sent", "applied"}


async def test_flag_files_move_together_and_one_feature_alone_is_taken_back(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, several.config("flagd", 'path = "{source}.json"'))) as session:
        assert await session.take_conn() == ""
        assert (await widen(session, 20)).state == "confirmed"
        without = everywhere(100, "base", "web")
        assert (await session.control.change("production", "rollback", without)).state == "confirmed"
        view = session.view().rollout.rollouts[0]
        assert view.configured.exposure == everywhere(20, "base", "web")
        assert [part.state for part in view.parts] == [
            "20 % of us, world with base",
            "nobody",
            "20 % of us, world with web",
        ]
        (tmp_path / "edge.json").write_text("{")
        assert (await session.control.change("production", "kill")).state == "confirmed", "a damaged file is killed too"
        assert session.view().rollout.rollouts[0].configured.exposure == exposures.nobody()
        assert (await widen(session, 20)).state == "confirmed"

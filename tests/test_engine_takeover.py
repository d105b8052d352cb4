"""Two machines that went on from one journal: after the new one took over, the old one no longer widens, and still can
take everything back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from repz_console.commands import store as commands
from repz_console.config import Loaded
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.events import NoteAdded, StoreRetired, StoreSteers
from repz_console.facts import RolloutState, Verdict
from repz_console.store import backup
from repz_console.store.errors import FenceError
from repz_console.store.journal import Journal
from tests.support.commands import Answer, Commands, Terminal
from tests.support.sessions import CONFIG, at, kinds, launch, opened, revision, widen


def box(folder: Path, flags: Path) -> Loaded:
    """One machine: a store of its own, and the flag file that both see."""
    folder.mkdir(mode=0o700)
    return launch(folder, CONFIG.replace('path = "flags.json"', f'path = "{flags}"'))


@pytest.fixture
def boxes(tmp_path: Path) -> tuple[Loaded, Loaded]:
    return box(tmp_path / "old", tmp_path / "flags.json"), box(tmp_path / "new", tmp_path / "flags.json")


def moved(old: Loaded, new: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    """Back up on one machine and restore on the other, as a person would."""
    repz = Commands(capsys)
    copy = str(old.path.parent.parent / "copy")
    done(repz("store", "backup", copy, "--config", str(old.path)))
    done(repz("store", "restore", copy, "--config", str(new.path)))


def done(answer: Answer) -> str:
    assert answer.code == 0, answer
    return answer.out


async def state(session: Session) -> RolloutState:
    await session.refresh("flags")
    found = session._known.state("production")
    assert found is not None
    return found


async def with_conn(session: Session) -> Session:
    assert await session.take_conn("test") == ""
    return session


def gates(session: Session) -> dict[str, Verdict]:
    return {gate.id: gate.verdict for gate in session.view().rollout.rollouts[0].gates}


async def begin(old: Loaded) -> None:
    async with opened(old) as session:
        await with_conn(session)
        assert (await widen(session, 20)).state == "confirmed"


async def test_after_a_take_over_the_old_box_cannot_widen_and_can_kill(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    async with opened(old, "ann") as left, opened(new, "bob") as here:
        await with_conn(left)
        await with_conn(here)
        judged = await revision(left)
        found = await here.control.take_over("the old box is gone")
        assert [(each.rollout, each.fenced) for each in found] == [("production", True)]
        assert (await state(here)).exposure == at(20), "nobody sees more or less"
        # what the old box judged before
        assert (await widen(left, 100, judged)).state == "refused"
        # and what it judges now
        again = await widen(left, 100)
        assert again.state == "refused"
        assert "another store took this rollout over" in again.line
        assert (await state(here)).exposure == at(20)
        # the way back works on both, in any order, and does not give the old box its hand back
        assert (await left.control.change("production", "kill")).state == "confirmed"
        assert (await state(here)).exposure.percent == {}
        assert (await widen(left, 20)).state == "refused"
        assert (await state(left)).exposure.percent == {}
        # the new one goes on, once somebody looked
        assert (await widen(here, 20)).state == "refused"
        assert (await here.control.resume("production")).state == "confirmed"
        assert "nobody" in (await widen(here, 20)).line
        assert (await here.control.accept("production", (await state(here)).exposure)).state == "confirmed"
        assert (await widen(here, 20)).state == "confirmed"
        # a roll back from the old box, too
        lower = await left.control.change("production", "rollback", at(5), reason="bad")
        assert lower.state == "confirmed", lower
        assert (await state(here)).exposure == at(5)


async def test_the_backend_itself_refuses_what_the_old_box_sends_late(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    async with opened(old, "ann") as left, opened(new, "bob") as here:
        await with_conn(left)
        await with_conn(here)
        await here.control.take_over()
        # a console whose gates see nothing of it
        monkeypatch.setattr(left.control, "_refusal", lambda *_: None)
        monkeypatch.setattr(left.control, "_meanwhile", lambda *_: "")
        late = await widen(left, 100)
        assert late.state == "rejected"
        assert "another store took production over" in late.line
        assert (await state(here)).exposure == at(20)


async def test_a_stranger_who_edits_the_flags_does_not_let_the_old_box_in(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    async with opened(new, "bob") as here:
        await with_conn(here)
        await here.control.take_over()
    flags = old.path.parent.parent / "flags.json"
    document = json.loads(flags.read_text())
    for flag in document["flags"].values():
        flag["metadata"]["repz.op"] = "stranger"
    flags.write_text(json.dumps(document))
    async with opened(old, "ann") as left:
        await with_conn(left)
        assert "changed by somebody outside" in (await state(left)).notes[0]
        refused = await widen(left, 100)
        assert refused.state == "refused"
        assert "another store took this rollout over" in refused.line


async def test_a_restored_copy_only_looks_until_it_takes_over(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    before = (old.path.parent.parent / "flags.json").read_bytes()
    moved(old, new, capsys)
    async with opened(new, "bob") as here:
        await with_conn(here)
        refused = await widen(here, 100)
        assert refused.state == "refused"
        assert "restored from a copy of" in refused.line
    assert (old.path.parent.parent / "flags.json").read_bytes() == before, "the restore touched what people see"
    async with opened(old, "ann") as left:
        await with_conn(left)
        assert (await widen(left, 100)).state == "confirmed", "looking at a copy stopped the launch"


async def test_the_chain_holds_across_the_restore(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    origin = backup.read(old.path.parent.parent / "copy")[1]
    journal = Journal.open(new.path.parent / "store")
    assert journal.verify((origin.seq, origin.hash)).ok
    restored = journal.entries()[origin.seq].event
    assert (restored.seq, restored.hash, restored.host) == (origin.seq, origin.hash, os.uname().nodename)  # type: ignore[union-attr]
    journal.close()
    assert "store.copied" in [entry.kind for entry in Journal.open(old.path.parent / "store").entries()]


async def test_taking_over_needs_the_conn_and_journals_before_it_writes(boxes: tuple[Loaded, Loaded]) -> None:
    old, _ = boxes
    await begin(old)
    async with opened(old, "bob") as session:
        with pytest.raises(FenceError):
            await session.control.take_over()
        await with_conn(session)
        await session.control.take_over("rehearsal")
        assert kinds(session)[-3:] == ["rollout.held", "store.steers", "change.fenced"]
        # taken over from itself: it goes on
        await session.control.resume("production")
        assert (await widen(session, 100)).state == "confirmed"


async def test_two_that_take_over_in_turn_are_each_shut_out_by_the_later(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    async with opened(old, "ann") as left, opened(new, "bob") as here:
        for one, other in ((here, left), (left, here), (here, left)):
            await with_conn(one)
            await with_conn(other)
            assert all(each.fenced for each in await one.control.take_over())
            await one.control.resume("production")
            await other.control.resume("production")
            assert (await widen(other, 100)).state == "refused"
            assert (await widen(one, 21)).state == "confirmed"
            assert (await one.control.change("production", "rollback", at(20))).state == "confirmed"


async def test_a_backend_that_cannot_be_asked_is_said_to_be_open(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    flags = old.path.parent.parent / "flags.json"
    good = flags.read_bytes()
    flags.write_text("{ this is no JSON")
    async with opened(new, "bob") as here:
        await with_conn(here)
        (found,) = await here.control.take_over()
        assert not found.fenced
        assert "NOT fenced" in found.line
        flags.write_bytes(good)
        (found,) = await here.control.take_over()
        assert found.fenced, found


async def test_a_retired_store_widens_nothing_until_it_takes_over(boxes: tuple[Loaded, Loaded]) -> None:
    old, _ = boxes
    await begin(old)

    async def wide(session: Session, percent: float) -> Outcome:
        await session.control.resume("production")
        return await widen(session, percent)

    async with opened(old) as session:
        await with_conn(session)
        assert "store" not in gates(session)
        await session.write(StoreRetired(reason="the box is replaced"))
        assert gates(session)["store"] is Verdict.FAIL
        await session.write(NoteAdded("still a journal"))
        refused = await wide(session, 100)
        assert refused.state == "refused"
        assert "the box is replaced" in refused.line
        assert (await session.control.change("production", "rollback", at(5))).state == "confirmed"
        await session.control.take_over()
        assert "store" not in gates(session)
        assert (await wide(session, 20)).state == "confirmed"


async def test_a_person_takes_over_by_typing_it(
    boxes: tuple[Loaded, Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = boxes
    await begin(old)
    moved(old, new, capsys)
    arguments = ["store", "take-over", "--config", str(new.path)]
    terminal = Terminal(arguments, new.path.parent)
    asked = terminal.wait_for("to go on: ")
    terminal.type(asked.split("Type  ")[1].split("  to go on")[0])
    code = terminal.end()
    assert code == 0, terminal.said
    assert "production: fenced" in terminal.said
    steers = [entry.event for entry in Journal.open(new.path.parent / "store").entries()]
    assert any(isinstance(event, StoreSteers) for event in steers)


def test_the_commands_are_written_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repz = Commands(capsys)
    config = launch(tmp_path)
    assert repz("store", "backup", str(tmp_path / "copy"), "--config", str(config.path)).code == 3
    assert "no journal" in repz("store", "backup", str(tmp_path / "copy"), "--config", str(config.path)).err
    assert repz("store", "restore", str(tmp_path / "nowhere"), "--config", str(config.path)).code == 3
    assert set(commands.command.commands) == {"backup", "restore", "take-over", "retire"}

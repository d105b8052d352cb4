"""A session: opens without waiting for anybody, follows the store, writes what people say, leaves in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from repz_console.engine.follower import Follower
from repz_console.engine.session import Session
from repz_console.events import PlanRebased
from repz_console.facts import Freshness
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support import faulty
from tests.support.sessions import CONFIG, actor, at, eventually, kinds, launch, opened, revision, widen


async def test_it_opens_while_every_provider_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch).reads = "hang"
    async with opened(launch(tmp_path, faulty.config(CONFIG)), watch=True, collect=True) as session:
        view = session.view()
        assert view.timeline.items_total == 2
        assert [source.freshness for source in view.sources.sources if source.kind != "faulty"] == [Freshness.LIVE] * 3
        assert next(source for source in view.sources.sources if source.kind == "faulty").freshness is Freshness.DOWN


async def test_it_can_be_awaited_and_closed_by_hand(tmp_path: Path) -> None:
    session = await opened(launch(tmp_path))
    await session.note("hello")
    await session.aclose()
    await session.aclose()
    with pytest.raises(StoreError):
        await session.note("too late")


async def test_one_shot_reads_nothing_but_the_store_and_writes_nothing(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded) as session:
        assert session.view().rollout.rollouts[0].configured.exposure is None
        await asyncio.sleep(0.05)
        assert kinds(session) == []


async def test_what_one_console_writes_the_other_sees_and_is_told_once(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded, "ann") as ann, opened(loaded, "ben", watch=True) as ben:
        told: list[int] = []
        unsubscribe = ben.subscribe(lambda: told.append(ben.view().timeline.items_done))
        await ann.note("ready")
        await eventually(lambda: bool(told))
        told.clear()
        await ann.tick("ready/tests", "done")
        await eventually(lambda: 1 in told)
        assert told.count(1) == 1
        assert ben.entries()[-1].actor.user == "ann"
        unsubscribe()
        heard = len(told)
        await ann.tick("ready/tests", "open")
        await eventually(lambda: ben.view().timeline.items_done == 0)
        assert len(told) == heard


async def test_a_subscriber_that_raises_silences_no_other(tmp_path: Path) -> None:
    async with opened(launch(tmp_path)) as session:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)

        def broken() -> None:
            raise RuntimeError

        session.subscribe(broken)
        session.subscribe(lambda: told.append("told"))
        await session.note("one")
        await eventually(lambda: bool(told))


async def test_everything_people_write_is_in_the_view_on_return(tmp_path: Path) -> None:
    async with opened(launch(tmp_path)) as session:
        triage, book = session.bugs(), session.book()
        assert triage is not None
        assert book is not None
        await session.write(triage.filed("Logo is blurry", "P3"))
        assert [bug.title for bug in session.view().bugs.bugs] == ["Logo is blurry"]
        assert session.view().bugs.writable == "bugs"
        await session.write(book.added("ads", "12.50", entry="actual", on="2027-02-01", today=date(2027, 2, 1)))
        budget = session.view().budget
        assert budget is not None
        assert str(budget.actual) == "12.50"
        await session.tick("ready/tshirts", "n/a")
        assert session.view().timeline.items_done == 1
        await session.progress("go", 40)
        await session.note("  ready \x1b[2J when you are ")
        assert session.view().journal.latest[0].event.text == "ready ␛[2J when you are"  # type: ignore[union-attr]
        assert session.view().journal.length == 5


@pytest.mark.parametrize(
    ("item", "state"), [("ready/nothing", "done"), ("nothing/tests", "done"), ("ready/tests", "n/a")]
)
async def test_ticks_are_checked_against_the_plan(tmp_path: Path, item: str, state: str) -> None:
    async with opened(launch(tmp_path)) as session:
        with pytest.raises(ValueError, match=r"no checklist item|not optional"):
            await session.tick(item, state)  # type: ignore[arg-type]
        for task, percent in (("go", 101.0), ("went", 1.0)):
            with pytest.raises(ValueError, match=r"percent|no task"):
                await session.progress(task, percent)
        with pytest.raises(ValueError, match="empty"):
            await session.note("  ")
        assert kinds(session) == []


async def test_entries_from_a_number_or_only_the_newest(tmp_path: Path) -> None:
    async with opened(launch(tmp_path)) as session:
        for number in range(5):
            await session.note(f"note {number}")
        assert [entry.seq for entry in session.entries()] == [1, 2, 3, 4, 5]
        assert [entry.seq for entry in session.entries(after=3)] == [4, 5]
        assert [entry.seq for entry in session.entries(limit=2)] == [4, 5]
        assert [entry.seq for entry in session.entries(after=4, limit=3)] == [5]
        assert list(session.entries(after=5)) == []


async def test_an_adopted_plan_is_everyones_and_a_differing_file_says_so(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    config = CONFIG.replace('path = "store"', f'path = "{tmp_path / "store"}"')
    changed = config.replace("percent = 20", "percent = 30")
    async with opened(launch(ours, changed), "ann") as ann, opened(launch(theirs, config), "ben", watch=True) as ben:
        assert "take it first" in await ann.adopt()
        await ann.take_conn()
        assert await ann.adopt() == ""
        assert ann.view().launch.differs == ""
        await eventually(lambda: ben.view().launch.plan_source == "adopted")
        assert ben.plan.rollout["production"].stage[0].percent == 30
        assert "rollout" in ben.view().launch.differs
        await ann.note("sources go on after the change")
        await eventually(lambda: ben.view().journal.latest[0].kind == "note.added")
        assert ben.bugs() is not None


async def test_an_adopted_plan_that_cannot_be_read_leaves_the_own_one_and_says_so(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded) as session:
        from repz_console.events import PlanAdopted

        await session.write(PlanAdopted(hash="f" * 64, text="[launch]\nfuture = 1\n", path="/elsewhere/config.toml"))
        assert session.plan == loaded.plan
        assert any("adopted plan" in notice for notice in session.notices)


async def test_a_rebase_moves_the_plan_for_everyone_and_leaves_the_file(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    to = datetime(2027, 3, 5, 9, tzinfo=UTC)
    async with opened(loaded, "ann") as ann, opened(loaded, "ben", watch=True) as ben:
        assert await ann.rebase(to) != ""
        await ann.take_conn()
        assert await ann.rebase(to) == ""
        assert ann.view().clock.t0 == to
        await eventually(lambda: ben.view().launch.rebased_days == 28)
        assert isinstance(ben.entries()[-1].event, PlanRebased)
        assert ben.loaded.plan.launch.full_launch.on.month == 2


async def test_a_console_whose_file_was_not_the_one_that_was_moved_says_so(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    config = CONFIG.replace('path = "store"', f'path = "{tmp_path / "store"}"')
    async with opened(launch(ours, config), "ann") as ann:
        await ann.take_conn()
        assert await ann.rebase(datetime(2027, 3, 5, 9, tzinfo=UTC)) == ""
        assert ann.view().launch.differs == ""
        async with opened(launch(theirs, f"{config}\n# mended\n"), "ben") as ben:
            assert ben.view().launch.rebased_days == 0
            assert "ann@jump" in ben.view().launch.differs
            assert "not moved" in ben.view().launch.differs


async def test_a_move_that_no_calendar_has_stops_no_console(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    far = datetime(2700, 1, 1, 9, tzinfo=UTC)
    async with opened(loaded) as session:
        await session.take_conn()
        with pytest.raises(ValueError, match="years"):
            await session.rebase(far)
        await session.write(PlanRebased(full_launch=far, shift_days=245_000, plan_hash=loaded.hash))
        assert session.plan == loaded.plan
    async with opened(loaded) as session:
        assert any("cannot be followed" in notice for notice in session.notices)


async def test_a_part_that_ends_by_a_defect_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Follower) -> None:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(Follower, "run", broken)
    async with opened(launch(tmp_path), watch=True) as session:
        await eventually(lambda: any("nobody thought of this" in notice for notice in session.notices))


async def test_a_damaged_journal_is_read_and_refuses_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = faulty.install(monkeypatch)
    loaded = launch(tmp_path, faulty.config(CONFIG))
    async with opened(loaded) as session:
        await session.note("before")
    monkeypatch.setattr(Journal, "_examine", lambda _: "journal.db is damaged: page 3")
    backend.meddle(at(20))
    async with opened(loaded, watch=True, collect=True) as session:
        assert session.trouble == "journal.db is damaged: page 3"
        assert session.view().journal.writable == session.trouble
        assert session.entries()[-1].kind == "note.added"
        with pytest.raises(StoreError):
            await session.note("after")
        assert "damaged" in await session.take_conn()
        # It cannot have the collector's lease, so it polls for itself.
        await eventually(lambda: session.view().rollout.rollouts[0].configured.exposure == at(20))
        killed = await session.control.change("production", "kill")
        assert killed.state == "confirmed"
        assert not killed.journaled


async def test_people_see_each_other_until_they_leave(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with Session.open(loaded, actor=actor("ann"), present=True, collect=False) as ann:
        ann.touch()
        ann.set_tab("bugs")
        async with Session.open(loaded, actor=actor("ben"), present=True, collect=False):
            await eventually(lambda: {person.user for person in ann.view().control.people} == {"ann", "ben"})
            await eventually(lambda: any(person.tab == "bugs" for person in ann.view().control.people))
        await eventually(lambda: [person.user for person in ann.view().control.people] == ["ann"])
        await eventually(lambda: sorted(kinds(ann)) == ["console.closed", "console.opened", "console.opened"])


async def test_the_last_status_line_is_kept_for_the_next_start(tmp_path: Path) -> None:
    async with opened(launch(tmp_path)) as session:
        session.remember_status("PRODUCTION T-3d")
        await eventually((session.folder / "last-status.txt").exists)
        session.remember_status("PRODUCTION T-2d \x1b]0;x\x07")
        path = session.folder / "last-status.txt"
        assert path.read_text() == "PRODUCTION T-3d\n", "written every few seconds at most"
    assert path.read_text() == "PRODUCTION T-2d ␛]0;x␇\n", "but the last one is not lost"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".last")] == []


async def test_three_consoles_racing_change_one_after_another(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    names = ("ann", "ben", "cat")
    async with opened(loaded, "ann") as ann, opened(loaded, "ben") as ben, opened(loaded, "cat") as cat:
        sessions = (ann, ben, cat)
        taken = await asyncio.gather(*(session.take_conn() for session in sessions))
        assert sorted(answer == "" for answer in taken) == [False, False, True]
        holder = sessions[taken.index("")]
        decided_on = await revision(holder)
        outcomes = await asyncio.gather(*(widen(session, 20, decided_on) for session in sessions))
        assert [outcome.state for outcome in outcomes].count("confirmed") == 1
        assert outcomes[sessions.index(holder)].state == "confirmed"
        shrinks = await asyncio.gather(
            *(
                session.control.change("production", "set", at(percent))
                for session, percent in zip(sessions, (15, 10, 5), strict=True)
            )
        )
        assert any(outcome.state == "confirmed" for outcome in shrinks)
        assert {outcome.state for outcome in shrinks} <= {"confirmed", "rejected", "denied"}
        await asyncio.gather(*(session.control.change("production", "kill") for session in sessions))
        entries = await ann._storage.run(lambda stores: stores.journal.entries())
        verified = await ann._storage.run(lambda stores: stores.journal.verify())
    assert verified.ok
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry.actor.user for entry in entries} == set(names)
    intents = [entry.event.op for entry in entries if entry.kind == "change.intended"]  # type: ignore[union-attr]
    ended = [entry.event.op for entry in entries if entry.kind == "change.ended"]  # type: ignore[union-attr]
    assert sorted(intents) == sorted(ended)

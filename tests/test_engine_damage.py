"""A journal that could not be read in full: nothing that rests on it is taken for known, and nothing passes for it."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from repz_console.config import Loaded
from repz_console.engine.session import Session
from repz_console.events import NoteAdded, SpendAdded
from repz_console.facts import Freshness, Verdict
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.tui.paint.base import text_of
from repz_console.tui.paint.status import banner
from tests.support.commands import Commands
from tests.support.sessions import eventually, launch, opened

FED = ("plan", "bugs", "money")


async def live(loaded: Loaded) -> None:
    async with opened(loaded) as session:
        tracker = session.bugs()
        assert tracker is not None
        await session.write(tracker.filed("It burns", "P0"))
        await session.write(SpendAdded("money", "S1", "ads", Decimal(500), "actual", date(2027, 2, 1)))
        await session.control.hold("production", "it burns")


def tear(path: Path) -> None:
    """Overwrite the file's second page, as a failing disk does."""
    db = apsw.Connection(str(path))
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    db.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))


def freshness(session: Session) -> dict[str, Freshness]:
    return {each.id: each.freshness for each in session.view().sources.sources if each.id in FED}


def verdicts(session: Session) -> dict[str, Verdict]:
    return {gate.id: gate.verdict for gate in session.view().rollout.rollouts[0].gates}


async def test_what_rests_on_a_journal_that_opens_damaged_is_not_known(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    await live(loaded)
    tear(tmp_path / "store" / "journal.db")
    async with opened(loaded) as session:
        view = session.view()
        assert "damaged" in view.journal.damage
        assert freshness(session) == dict.fromkeys(FED, Freshness.DOWN)
        assert [each.error for each in view.sources.sources if each.id in FED] == [view.journal.damage] * 3
        found = {gate.id: gate for gate in view.rollout.rollouts[0].gates}
        for gate in ("hold", "change", "p0", "data"):
            assert found[gate].verdict is Verdict.INCONCLUSIVE
        for gate in ("hold", "change", "p0"):
            assert view.journal.damage in found[gate].line


async def test_what_is_seen_in_spite_of_the_damage_still_stands_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await live(loaded)
    monkeypatch.setattr(Journal, "_examine", lambda _: "journal.db is damaged: page 3")
    async with opened(loaded) as session:
        assert verdicts(session) | {"hold": Verdict.FAIL, "p0": Verdict.FAIL} == verdicts(session)
        assert freshness(session) == dict.fromkeys(FED, Freshness.DOWN)


@pytest.mark.parametrize(("happening", "said"), [("cut", "it was cut"), ("moved", "moved or replaced")])
async def test_a_journal_that_is_cut_or_moved_while_open_is_noticed(tmp_path: Path, happening: str, said: str) -> None:
    loaded = launch(tmp_path)
    await live(loaded)
    path = tmp_path / "store" / "journal.db"
    async with opened(loaded, watch=True) as session:
        assert freshness(session) == dict.fromkeys(FED, Freshness.LIVE)
        if happening == "cut":
            db = apsw.Connection(str(path))
            for (name,) in list(db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")):
                db.execute(f"DROP TRIGGER {name}")
            db.execute("DELETE FROM entry WHERE seq > 1")
            db.close()
        else:
            path.rename(path.with_name("elsewhere.db"))
        await eventually(lambda: said in session.view().journal.damage)
        assert freshness(session) == dict.fromkeys(FED, Freshness.DOWN)
        assert verdicts(session)["change"] is Verdict.INCONCLUSIVE


async def test_a_journal_that_cannot_be_followed_is_known_again_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    await live(loaded)
    look = Journal.data_version

    def refused(_: Journal) -> int:
        raise StoreError("The disk refused to read")

    async with opened(loaded, watch=True) as session:
        monkeypatch.setattr(Journal, "data_version", refused)
        await eventually(lambda: freshness(session) == dict.fromkeys(FED, Freshness.DOWN))
        monkeypatch.setattr(Journal, "data_version", look)
        await eventually(lambda: freshness(session) == dict.fromkeys(FED, Freshness.LIVE))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
async def test_a_journal_that_may_only_be_read_is_whole(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    await live(loaded)
    (tmp_path / "store" / "journal.db").chmod(0o400)
    async with opened(loaded) as session:
        assert "may not be written" in session.view().journal.writable
        assert session.view().journal.closed
        assert session.view().journal.damage == ""
        assert freshness(session) == dict.fromkeys(FED, Freshness.LIVE)


async def test_a_full_disk_is_in_the_banner_until_it_takes_an_entry(tmp_path: Path) -> None:
    async with opened(launch(tmp_path)) as session:
        await session.note("before")

        async def limit(pages: int) -> None:
            await session._storage.run(lambda stores: stores.journal._db.execute(f"PRAGMA max_page_count = {pages}"))

        await limit(1)
        with pytest.raises(StoreError, match="disk is full"):
            await session.write(NoteAdded("x" * 100_000))
        assert "READ-ONLY: The disk is full" in text_of(banner(session.view(), 200)[0])
        assert not session.view().journal.closed
        assert freshness(session) == dict.fromkeys(FED, Freshness.LIVE)
        await limit(100_000)
        await session.note("after")
        assert session.view().journal.writable == ""


def test_commands_print_what_could_be_read_and_say_that_it_is_not_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(live(launch(tmp_path)))
    monkeypatch.setattr(Journal, "_examine", lambda _: "journal.db is damaged: page 3")
    monkeypatch.chdir(tmp_path)
    repz = Commands(capsys)
    for words, said in (
        (("bug", "list"), "It burns"),
        (("bug", "list", "--json"), "It burns"),
        (("spend", "list"), "$500? left"),
        (("spend", "list", "--json"), "500"),
        (("journal", "tail"), "It burns"),
        (("journal", "tail", "-f"), "It burns"),
        (("journal", "show", "1"), "It burns"),
        (("journal", "show", "99"), ""),
        (("journal", "export"), "It burns"),
    ):
        answer = repz(*words)
        assert answer.code == 4, words
        assert said in answer.out
        assert "page 3" in answer.err
    status = json.loads(repz("status", "--json").out)
    assert status["journal"]["damage"] == "journal.db is damaged: page 3"
    assert "P0:1?" in repz("status").out

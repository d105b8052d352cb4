"""The conn: who may take it, from whom, and when it becomes free."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from repz_console.engine import conn as conn_module
from repz_console.engine.poller import utc_now
from repz_console.engine.session import Session
from repz_console.events import ConnReleased, ConnTaken, PlanAdopted
from tests.support.sessions import CONFIG, actor, eventually, kinds, launch, opened, widen

SEATS = """
[[seat]]
id = "director"
title = "Launch director"
users = ["root"]
deputies = ["daemon"]
conn = true
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conn_module, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(conn_module, "TTL", 3)


async def test_an_adopted_plans_seats_count_before_it_is_known_whom_they_name(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = launch(folder, CONFIG + SEATS)
    async with opened(launch(tmp_path)) as session:
        assert session.view().control.may_take
        await session.write(PlanAdopted(hash=other.hash, text=other.text, path=str(other.path)))
        assert not session.view().control.may_take
        assert "holds no seat" in await session.take_conn()


async def test_anybody_takes_it_where_no_seat_names_anybody(tmp_path: Path) -> None:
    async with opened(launch(tmp_path)) as session:
        assert "name nobody" in session.view().control.why_not
        assert await session.take_conn() == ""
        assert await session.take_conn() == "", "taking what one has changes nothing"
        assert session.view().control.mine
        await session.release_conn()
        await session.release_conn()
        assert session.view().control.state == "FREE"
        assert kinds(session) == ["conn.taken", "conn.released"]


async def test_seats_decide_who_may(tmp_path: Path) -> None:
    loaded = launch(tmp_path, CONFIG + SEATS)
    async with opened(loaded, "root") as director, opened(loaded, "daemon") as deputy, opened(loaded, "ann") as ann:
        assert "holds no seat" in await ann.take_conn("please")
        assert await deputy.take_conn() == ""
        assert await director.take_conn("I am back") == ""
        assert director.actor.seat == "director"
        assert "only while it is free" in await deputy.take_conn("my turn")
        await director.release_conn()
        assert director.actor.seat == ""
        assert await deputy.take_conn() == ""


async def test_taking_it_from_somebody_needs_a_reason_that_both_see(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded, "ann", watch=True) as ann, opened(loaded, "ben") as ben:
        await ann.take_conn()
        assert "needs a reason" in await ben.take_conn()
        assert await ben.take_conn("ann went to bed") == ""
        await eventually(lambda: ann.view().control.holder == "ben@jump")
        taken = ann.entries()[-1].event
        assert isinstance(taken, ConnTaken)
        assert (taken.from_whom, taken.reason) == ("ann@jump", "ann went to bed")


async def test_who_lost_it_is_told_by_whom_and_why(tmp_path: Path, quick: None) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded, "ann") as ann, opened(loaded, "ben") as ben:
        await ann.take_conn()
        await ben.take_conn("ann went to bed")
        await eventually(lambda: bool(ann.notices))
        assert ann.notices[0].startswith("ben@jump took the conn from you: ann went to bed (")
        assert ben.notices == ()
        await ann.take_conn("awake again")
        assert ann.notices == ()


async def test_who_lost_it_cannot_widen_even_before_noticing(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded, "ann") as ann, opened(loaded, "ben") as ben:
        await ann.take_conn()
        await ben.take_conn("mine now")
        outcome = await widen(ann, 20)
        assert outcome.state == "denied"
        assert "change.intended" not in kinds(ann)
        assert "nothing was changed" in await ann.adopt()


async def test_it_is_kept_while_somebody_types_and_given_up_when_nobody_does(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = 0.0
    monkeypatch.setattr(conn_module, "uptime", lambda: idle)
    async with opened(launch(tmp_path), watch=True) as ann:
        await ann.take_conn()
        idle += 599
        ann.touch()
        idle += 599
        reads = 0

        def still_held() -> bool:
            nonlocal reads
            reads += 1
            return reads > 100

        await eventually(still_held)
        assert ann.view().control.mine, "renewed well past the lease's own end"
        idle += 2
        await eventually(lambda: ann.view().control.state == "FREE")
        released = ann.entries()[-1].event
        assert isinstance(released, ConnReleased)
        assert "ten minutes" in released.why
        await eventually(lambda: any("ten minutes" in notice for notice in ann.notices))


async def test_a_console_that_nobody_can_see_does_not_renew_it(tmp_path: Path, quick: None) -> None:
    async with opened(launch(tmp_path), watch=True) as ann:
        await ann.take_conn()
        unfit = "the terminal takes nothing"
        ann.keep_conn_unless(lambda: unfit)
        await eventually(lambda: any("not renewed: the terminal" in notice for notice in ann.notices))
        unfit = ""
        await eventually(lambda: ann.notices == ())
        assert ann.view().control.mine, "the terminal was back in time"
        unfit = "the terminal takes nothing"
        await eventually(lambda: ann.view().control.state == "FREE")
        await eventually(lambda: any("you lost the conn" in notice for notice in ann.notices))
        assert (await widen(ann, 20)).state == "denied"


async def test_a_console_whose_loop_runs_late_does_not_renew_it(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conn_module, "LAG_LIMIT", -1)
    async with opened(launch(tmp_path), watch=True) as ann:
        await ann.take_conn()
        await eventually(lambda: ann.view().control.state == "FREE")


async def test_setting_the_time_of_day_moves_nobody_towards_ten_minutes(tmp_path: Path, quick: None) -> None:
    now = utc_now()
    async with Session.open(launch(tmp_path), actor=actor("ann"), watch=True, collect=False, clock=lambda: now) as ann:
        await ann.take_conn()
        now += timedelta(hours=5)
        await asyncio.sleep(1)
        assert ann.view().control.mine


async def test_a_frozen_console_loses_it_and_that_is_journaled_once(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    async with (
        opened(loaded, "ann") as ann,
        opened(loaded, "ben", watch=True) as ben,
        opened(loaded, "cat", watch=True) as cat,
    ):
        monkeypatch.setattr(conn_module, "RENEW_EVERY", 60)
        await ann.take_conn()
        await eventually(lambda: ben.view().control.state == "HELD")
        await eventually(lambda: ben.view().control.state == "FREE" and cat.view().control.state == "FREE")
        await eventually(lambda: kinds(ben)[-1] == "conn.released" and kinds(cat)[-1] == "conn.released")
        assert kinds(ben) == ["conn.taken", "conn.released"]
        assert (await widen(ann, 20)).state == "denied"


async def test_closing_gives_it_up(tmp_path: Path) -> None:
    loaded = launch(tmp_path)
    async with opened(loaded, "ben", watch=True) as ben:
        async with opened(loaded, "ann") as ann:
            await ann.take_conn()
        await eventually(lambda: kinds(ben) == ["conn.taken", "conn.released"])
        assert await ben.take_conn() == ""

"""The storage thread: in order, off the event loop, and never in the way of leaving."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from repz_console.engine.storage import Storage
from repz_console.store import emergency, identity
from repz_console.store.errors import NewerStore, StoreError
from repz_console.store.telemetry import Telemetry


async def test_work_is_done_in_order_in_one_other_thread(tmp_path: Path) -> None:
    storage = await Storage.open("store", tmp_path)
    done: list[tuple[int, int]] = []
    await asyncio.gather(*(storage.run(lambda _, n=n: done.append((n, threading.get_ident()))) for n in range(50)))
    assert [n for n, _ in done] == list(range(50))
    assert {thread for _, thread in done} != {threading.get_ident()}
    assert len({thread for _, thread in done}) == 1
    await storage.close()


async def test_what_goes_wrong_reaches_who_asked_and_nobody_else(tmp_path: Path) -> None:
    storage = await Storage.open("store", tmp_path)
    with pytest.raises(ZeroDivisionError):
        await storage.run(lambda _: 1 / 0)
    assert await storage.run(lambda _: "fine") == "fine"
    await storage.close()
    with pytest.raises(StoreError, match="closed"):
        await storage.run(lambda _: "late")


async def test_a_caller_that_is_cancelled_does_not_undo_the_work(tmp_path: Path) -> None:
    storage = await Storage.open("store", tmp_path)
    gate, done = threading.Event(), []
    blocked = asyncio.create_task(storage.run(lambda _: gate.wait(60)))
    waiting = asyncio.create_task(storage.run(lambda _: done.append("written")))
    await asyncio.sleep(0.02)
    waiting.cancel()
    gate.set()
    await blocked
    assert await storage.run(lambda _: list(done)) == ["written"]
    await storage.close()


async def test_a_disk_that_hangs_does_not_keep_the_program(tmp_path: Path) -> None:
    storage = await Storage.open("store", tmp_path)
    gate = threading.Event()
    stuck = asyncio.create_task(storage.run(lambda _: gate.wait(120)))
    await asyncio.sleep(0.02)
    await asyncio.wait_for(storage.close(deadline=0.05), 60)
    assert storage._thread.daemon
    gate.set()
    await stuck


async def test_without_telemetry_decisions_can_still_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise StoreError("telemetry.db cannot be made: Read-only file system")

    monkeypatch.setattr(Telemetry, "open", refused)
    storage = await Storage.open("store", tmp_path)
    assert await storage.run(lambda stores: stores.journal.head()) == (0, "")
    with pytest.raises(StoreError, match="Read-only"):
        await storage.run(lambda stores: stores.telemetry.load())
    await storage.close()


async def test_a_newer_store_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def newer(*_: object) -> None:
        raise NewerStore("telemetry.db was made by a newer repz-console")

    opening = Telemetry.open
    monkeypatch.setattr(Telemetry, "open", newer)
    storage = await Storage.open("store", tmp_path)
    assert storage.absent
    condition = await storage.run(lambda stores: stores.journal.condition)
    assert condition.trouble == condition.damage == "telemetry.db was made by a newer repz-console"
    with pytest.raises(StoreError, match="newer"):
        await storage.run(lambda stores: stores.leases.take("conn", identity.actor(), 15.0))
    monkeypatch.setattr(Telemetry, "open", opening)
    assert await storage.open_late()
    assert not storage.absent
    assert (await storage.run(lambda stores: stores.journal.condition)).trouble == ""
    await storage.close()


async def test_a_store_that_does_not_open_in_time_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr("repz_console.engine.storage.OPENING_PATIENCE", 0.05)
    monkeypatch.setattr("repz_console.store.place.folder", lambda *_: gate.wait(30) and tmp_path)
    storage = await Storage.open("store", tmp_path)
    assert storage.absent
    assert "did not open within" in (await storage.run(lambda stores: stores.journal.condition)).trouble
    assert tmp_path not in storage.folder.parents, "nothing more is asked of a disk that hangs"
    assert storage.emergency.files[0].path == tmp_path / "store" / emergency.NAME
    await storage.close()
    gate.set()


async def test_one_that_hangs_has_the_same_places_for_records_as_one_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    well = await Storage.open("link/store", tmp_path)
    gate = threading.Event()
    monkeypatch.setattr("repz_console.engine.storage.OPENING_PATIENCE", 0.05)
    monkeypatch.setattr("repz_console.store.place.folder", lambda *_: gate.wait(30) and tmp_path)
    hanging = await Storage.open("link/store", tmp_path)
    assert [file.path for file in hanging.emergency.files] == [file.path for file in well.emergency.files]
    await hanging.close()
    gate.set()
    await well.close()


async def test_the_home_of_nobody_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="~nobody-of-this-name/x names the home folder of somebody who has none here"):
        await Storage.open("~nobody-of-this-name/x", tmp_path)

"""The collector: one console polls for all, another takes over, and without a lease each polls for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from repz_console.config import load
from repz_console.engine import collector as collector_module
from repz_console.engine import poller
from repz_console.engine.session import Session
from repz_console.events import CollectorTaken, SourceFailed, SourceRecovered
from repz_console.store.errors import StoreError
from repz_console.store.leases import Leases
from tests.support import faulty
from tests.support.faulty import Backend
from tests.support.sessions import CONFIG, actor, at, eventually, kinds, launch, opened, widen


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(collector_module, "SAVE_EVERY", 0.05)
    monkeypatch.setattr(collector_module, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(poller, "backoff", lambda *_: 0.05)
    monkeypatch.setattr(poller, "OPEN_PAUSE", 0.05)
    return faulty.install(monkeypatch)


def config() -> str:
    return faulty.config(CONFIG).replace("every = 1\n", "every = 0.05\n")


def taken(session: Session) -> list[CollectorTaken]:
    return [entry.event for entry in session.entries() if isinstance(entry.event, CollectorTaken)]


def configured(session: Session) -> object:
    return session.view().rollout.rollouts[0].configured.exposure


async def test_one_polls_and_all_see_it(tmp_path: Path, backend: Backend) -> None:
    loaded = launch(tmp_path, config())
    async with (
        opened(loaded, "ann", watch=True, collect=True) as ann,
        opened(loaded, "ben", watch=True, collect=True) as ben,
        opened(loaded, "cat", watch=True) as cat,
    ):
        backend.meddle(at(20))
        await eventually(lambda: all(configured(session) == at(20) for session in (ann, ben, cat)))
        await eventually(lambda: cat.view().control.collector != "")
        assert kinds(cat).count("collector.taken") == 1
        polling = [session for session in (ann, ben) if session._collector._tasks]
        assert len(polling) == 1
        assert cat.view().control.collector == f"{polling[0].actor.user}@jump"


async def test_another_takes_over(tmp_path: Path, backend: Backend) -> None:
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ben", watch=True) as watcher:
        async with opened(loaded, "ann", watch=True, collect=True):
            await eventually(lambda: watcher.view().control.collector == "ann@jump")
            async with opened(loaded, "cat", watch=True, collect=True) as cat:
                await asyncio.sleep(0.2)
                assert not cat._collector._tasks
        async with opened(loaded, "cat", watch=True, collect=True):
            await eventually(lambda: watcher.view().control.collector == "cat@jump")
            backend.meddle(at(7))
            await eventually(lambda: configured(watcher) == at(7))


async def test_a_recorder_takes_over_from_a_console_and_the_console_stops(tmp_path: Path, backend: Backend) -> None:
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ann", watch=True, collect=True) as ann:
        await eventually(lambda: bool(ann._collector._tasks))
        async with Session.open(loaded, actor=actor("recorder"), recorder=True):
            await eventually(lambda: ann.view().control.collector == "recorder@jump")
            await eventually(lambda: not ann._collector._tasks)
        await eventually(lambda: bool(ann._collector._tasks))


async def test_a_recorder_that_finds_the_journal_busy_takes_over_later(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ann", watch=True, collect=True) as ann:
        await eventually(lambda: bool(ann._collector._tasks))
        take, tries = Leases.take, []

        def busy_at_first(self: Leases, *given: Any, **more: Any) -> Any:
            tries.append(given[0])
            if len(tries) == 1:
                raise StoreError("journal.db is busy")
            return take(self, *given, **more)

        monkeypatch.setattr(Leases, "take", busy_at_first)
        async with Session.open(loaded, actor=actor("recorder"), recorder=True):
            await eventually(lambda: ann.view().control.collector == "recorder@jump")


async def test_who_has_a_secret_takes_over_from_who_lacks_it_and_not_the_other_way_round(
    tmp_path: Path, backend: Backend
) -> None:
    token = tmp_path / "token"
    probe = 'kind = "probe"\nurl = "http://127.0.0.1:9/"\nheaders = { Authorization = { secret = "token" } }\n'
    loaded = launch(tmp_path, config() + f"[source.status]\n{probe}[secret.token]\nfile = '{token}'\n")
    async with opened(loaded, "ann", watch=True, collect=True) as ann:
        await eventually(lambda: ann.view().control.collector == "ann@jump")
        assert [event.lacks for event in taken(ann)] == [("status",)]
        async with opened(loaded, "ben", watch=True, collect=True) as ben:
            await asyncio.sleep(0.5)
            assert not ben._collector._tasks, "ben lacks it as well"
        token.write_text("a-token-of-some-length")
        token.chmod(0o600)
        async with opened(load(loaded.path), "cat", watch=True, collect=True) as cat:
            await eventually(lambda: ann.view().control.collector == "cat@jump")
            await eventually(lambda: not ann._collector._tasks and bool(cat._collector._tasks))
            assert [event.lacks for event in taken(cat)] == [("status",), ()]
            await asyncio.sleep(0.5)
            assert cat.view().control.collector == "cat@jump"


async def test_a_failing_poll_does_not_bring_back_what_was_before_a_change(tmp_path: Path, backend: Backend) -> None:
    loaded = launch(tmp_path, faulty.config(CONFIG).replace("every = 1\n", "every = 60\n"))
    async with opened(loaded, "ann", watch=True, collect=True) as ann, opened(loaded, "ben", watch=True) as ben:
        await eventually(lambda: bool(ann._collector._pollers) and configured(ann) is not None)
        await ann.take_conn()
        assert (await widen(ann, 20)).state == "confirmed"
        backend.reads = "raise"
        await ann.refresh("flags")
        assert configured(ann) == at(20)
        await eventually(lambda: configured(ben) == at(20))
        assert [source.error for source in ann.view().sources.sources if source.id == "flags"] == ["502 Bad Gateway"]


@pytest.mark.parametrize("who", ["ann", "ben"])
async def test_a_change_that_was_read_back_ends_the_backing_off(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setattr(poller, "backoff", lambda *_: 3600.0)
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ann", watch=True, collect=True) as ann, opened(loaded, "ben", watch=True) as ben:
        await eventually(lambda: configured(ann) is not None)
        backend.reads = "raise"
        await eventually(lambda: any(source.error for source in ann.view().sources.sources))
        backend.reads = "ok"
        one = ann if who == "ann" else ben
        assert (await one.control.change("production", "kill")).state == "confirmed"
        backend.meddle(at(20))
        await eventually(lambda: configured(ann) == at(20))


async def test_an_outage_is_journaled_once_though_the_collector_changes_in_it(tmp_path: Path, backend: Backend) -> None:
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ben", watch=True) as watcher:
        async with opened(loaded, "ann", collect=True):
            await eventually(lambda: configured(watcher) is not None)
            backend.reads = "raise"
            await eventually(lambda: "source.failed" in kinds(watcher))
        async with opened(loaded, "cat", collect=True) as cat:
            await eventually(lambda: bool(cat._collector._tasks))
            await asyncio.sleep(0.4)
            view = watcher.view()
            error = next(source.error for source in view.sources.sources if source.id == "flags")
            assert error.startswith("502 Bad Gateway")
            assert configured(watcher) is not None, "the last good value is kept"
            backend.reads = "ok"
            await eventually(lambda: "source.recovered" in kinds(watcher))
            backend.reads = "raise"
            await eventually(lambda: kinds(watcher).count("source.failed") == 2)
    events = [entry.event for entry in watcher.entries() if isinstance(entry.event, SourceFailed | SourceRecovered)]
    assert [type(event) for event in events] == [SourceFailed, SourceRecovered, SourceFailed]


async def test_without_a_lease_it_polls_for_itself_and_says_so(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Leases.take

    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full")

    monkeypatch.setattr(Leases, "take", full)
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ann", watch=True, collect=True) as ann, opened(loaded, "ben", watch=True) as ben:
        backend.meddle(at(20))
        await eventually(lambda: configured(ann) == at(20))
        assert any("alone" in notice for notice in ann.notices)
        assert configured(ben) is None
        monkeypatch.setattr(Leases, "take", take)
        await eventually(lambda: configured(ben) == at(20))
        assert not any("alone" in notice for notice in ann.notices)


async def test_one_look_is_shared_when_nobody_polls(tmp_path: Path, backend: Backend) -> None:
    backend.meddle(at(20))
    loaded = launch(tmp_path, config())
    async with opened(loaded, "ann") as ann, opened(loaded, "ben", watch=True) as ben:
        await ann.refresh()
        assert configured(ann) == at(20)
        await eventually(lambda: configured(ben) == at(20))
        assert ann.view().control.collector == ""
        await ann.refresh("plan")
        with pytest.raises(ValueError, match="no such source"):
            await ann.refresh("nothing")


async def test_a_source_that_cannot_be_made_says_why_and_spares_the_others(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no such device")

    loaded = launch(tmp_path, config())
    monkeypatch.setattr(faulty.Faulty, "__init__", broken)
    async with opened(loaded) as session:
        error = next(source.error for source in session.view().sources.sources if source.id == "flags")
        assert "no such device" in error
        await session.note("the journal's own sources work")
        refused = await session.control.change("production", "kill")
        assert refused.state in ("rejected", "unknown")
        assert "no such device" in refused.line

"""What holds for every kind of source, whoever wrote it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repz_console import events
from repz_console.facts import Exposure, Facts, Reading
from repz_console.providers import registry
from repz_console.providers.base import (
    BugTriage,
    Fetcher,
    JournalReader,
    Provider,
    ProviderError,
    RolloutWriter,
    SpendBook,
)
from repz_console.providers.threads import in_thread
from tests.support.backends import BACKENDS
from tests.support.providers import context, entries, plan, provider
from tests.support.sessions import eventually
from tests.support.web import response, serving

OPTIONS: dict[str, dict[str, Any]] = {
    "probe": {"url": "http://127.0.0.1:1/"},
    "flagd": {"path": "state:flags.json"},
    "host": {"process": "python"},
    "manual": {"instructions": "set {features} to {percent} %", "kill": "$ stop it"},
    "webhook": {
        "url": "http://127.0.0.1:1/",
        "read_back": "http://127.0.0.1:1/{rollout}",
        "signing_key": {"secret": "hook"},
    },
    "unleash": {"url": "http://127.0.0.1:1/", "token": {"secret": "unleash"}},
    "vercel": {"api": "http://127.0.0.1:1", "project": "prj_abc", "token": {"secret": "vercel"}},
}
KINDS = sorted(registry.BUILT_IN)
POLLED = [kind for kind in KINDS if issubclass(registry.load(kind), Fetcher)]
FETCHERS = [kind for kind in POLLED if kind not in BACKENDS or kind == "flagd"]
"""Those that need no server; `test_providers_backends.py` looks at backends of rollouts with theirs."""
READERS = [kind for kind in KINDS if issubclass(registry.load(kind), JournalReader)]

HOSTILE = "\x1b]52;c;x\x07 [red]‮ \n" + "é́́́" + "x" * 600
EVENTS: list[events.AnyEvent] = [
    events.ItemTicked(HOSTILE, "done", HOSTILE),
    events.TaskProgressed(HOSTILE, 50),
    events.BugFiled("flags", HOSTILE, HOSTILE, "P0", HOSTILE, HOSTILE),
    events.BugFiled("flags", "B2", "t", "P1"),
    events.BugChanged("flags", "B2", title=HOSTILE, note=HOSTILE),
    events.BugChanged("flags", "B3", state="resolved"),
    events.SpendAdded("flags", HOSTILE, HOSTILE, Decimal(5), "actual", date(2027, 2, 1), HOSTILE),
    events.SpendVoided("flags", HOSTILE),
    events.NoteAdded(HOSTILE),
    events.Unknown("poll.opened", {"x": HOSTILE}),
    events.ChangeSent("op"),
    events.ExposureObserved(
        "production", "flags", Exposure({HOSTILE: 5}, (HOSTILE,), HOSTILE), datetime(2027, 2, 1, tzinfo=UTC), HOSTILE
    ),
]


def make(kind: str, folder: Path) -> Any:
    return provider(kind, folder, "flags", **OPTIONS.get(kind, {}))


def texts(value: Any) -> list[str]:
    """Every text in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list | tuple) else []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_polled_or_follows_the_journal(kind: str) -> None:
    assert issubclass(registry.load(kind), Provider)
    assert (kind in POLLED) != (kind in READERS)


def test_who_writes_what() -> None:
    assert {kind for kind in KINDS if issubclass(registry.load(kind), RolloutWriter)} == {*BACKENDS, "manual"}
    assert [kind for kind in KINDS if issubclass(registry.load(kind), BugTriage)] == ["local"]
    assert [kind for kind in KINDS if issubclass(registry.load(kind), SpendBook)] == ["ledger"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_option_is_refused(kind: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="no_such_option"):
        msgspec.convert({**OPTIONS.get(kind, {}), "no_such_option": 1}, registry.load(kind).Options)


@pytest.mark.parametrize("kind", KINDS)
async def test_opening_and_closing_waits_for_nobody(kind: str, tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        async with make(kind, tmp_path) as made:
            assert made.context.source == "flags"
        async with make(kind, tmp_path) as made:
            if kind in FETCHERS:
                await made.fetch()


@pytest.mark.parametrize("kind", FETCHERS)
async def test_a_look_is_plain_data_that_survives_being_stored(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path) as made:
        facts = await made.fetch()
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


@pytest.mark.parametrize("kind", FETCHERS)
async def test_readings_have_names_of_their_own_utc_times_and_a_reason_for_no_data(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path) as made:
        for _ in range(2):
            readings: tuple[Reading, ...] = (await made.fetch()).readings
            assert len({reading.name for reading in readings}) == len(readings)
            for reading in readings:
                assert reading.at.tzinfo is UTC
                assert reading.value is not None or reading.note


@pytest.mark.parametrize("kind", FETCHERS)
async def test_a_look_that_is_broken_off_leaves_the_next_one_whole(kind: str, tmp_path: Path) -> None:
    async with make(kind, tmp_path) as made:
        task = asyncio.ensure_future(made.fetch())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance(await made.fetch(), Facts)


async def _hang(*_: object) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("fault", [_hang, b"", b"\0" * 999, response(b"x", "500 No"), response(bytes(2_000_000))])
@pytest.mark.parametrize("kind", [kind for kind in FETCHERS if "url" in registry.load(kind).Options.__struct_fields__])
async def test_a_server_that_does_wrong_is_told_in_a_line_and_in_time(kind: str, fault: Any, tmp_path: Path) -> None:
    async with asyncio.timeout(60), serving(fault) as url, provider(kind, tmp_path, url=url, timeout=1) as made:
        try:
            lines = [reading.note for reading in (await made.fetch()).readings if reading.note]
        except ProviderError as error:
            lines = [error.fault.what]
    assert lines or fault == response(bytes(2_000_000)), "what fits of a long page is enough for a probe"
    assert all(line.isprintable() and len(line) < 200 for line in lines)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"<html>", b'{"flags": {}, "flags": {}}', b'{"flags": {"a": NaN}}', b"[" * 9999]
)
@pytest.mark.parametrize("kind", [kind for kind in FETCHERS if "path" in registry.load(kind).Options.__struct_fields__])
async def test_a_file_that_is_not_strict_json_is_not_read(kind: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "flags.json").write_bytes(raw)
    async with make(kind, tmp_path) as made:
        with pytest.raises(ProviderError):
            await made.fetch()


@pytest.mark.parametrize("kind", READERS)
def test_folding_piece_by_piece_is_folding_at_once(kind: str, tmp_path: Path) -> None:
    written = entries(*EVENTS)
    whole, piecewise = make(kind, tmp_path), make(kind, tmp_path)
    whole.fold(written)
    for entry in written:
        piecewise.facts()
        piecewise.fold([entry])
    piecewise.fold([])
    assert whole.facts() == piecewise.facts()
    assert whole.facts() != make(kind, tmp_path).facts()


@pytest.mark.parametrize("kind", READERS)
def test_what_others_wrote_is_safe_to_show(kind: str, tmp_path: Path) -> None:
    made = make(kind, tmp_path)
    made.fold(entries(*EVENTS, user=HOSTILE))
    shown = texts(msgspec.to_builtins(made.facts()))
    assert shown
    for text in shown:
        assert len(text) <= 600
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char == "‮" for char in text)


async def test_a_call_that_hangs_is_left_behind(tmp_path: Path) -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()

    with pytest.raises(ProviderError, match=r"the disk did not answer within 0\.05 s"):
        await in_thread(hang, deadline=0.05, what="the disk")
    released.set()


async def test_a_worker_whose_call_hangs_is_given_no_other() -> None:
    released = threading.Event()
    hanging: list[threading.Thread] = []

    def hang() -> None:
        hanging.append(threading.current_thread())
        released.wait(120)

    with pytest.raises(ProviderError):
        await in_thread(hang, deadline=0.2, what="the disk")
    await eventually(lambda: bool(hanging))
    workers = [await in_thread(threading.current_thread, deadline=60, what="the disk") for _ in range(5)]
    assert hanging[0] not in workers
    released.set()


async def test_calls_of_one_moment_share_a_worker_and_none_waits_behind_one_that_hangs() -> None:
    released = threading.Event()
    hang = asyncio.ensure_future(in_thread(lambda: released.wait(120), deadline=120, what="the disk"))
    calls = [in_thread(threading.current_thread, deadline=60, what="the disk") for _ in range(20)]
    workers = await asyncio.wait_for(asyncio.gather(*calls), 60)
    assert not hang.done()
    assert len(set(workers)) < 5
    released.set()
    assert await hang


@pytest.mark.parametrize("raised", [OSError(5, "no"), TimeoutError("its own"), KeyError("x")])
async def test_a_call_s_own_exception_comes_through(raised: Exception) -> None:
    def call() -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        await in_thread(call, deadline=60, what="the disk")
    assert caught.value is raised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags.json", lambda folder: folder / "flags.json"),
        ("/etc/flags.json", lambda folder: Path("/etc/flags.json")),
        ("~/flags.json", lambda folder: Path.home() / "flags.json"),
        ("state:flags.json", lambda folder: folder / "flags.json"),
        ("state:sub/flags.json", lambda folder: folder / "sub/flags.json"),
    ],
)
def test_paths(text: str, expected: Callable[[Path], Path], tmp_path: Path) -> None:
    assert context(tmp_path).resolve(text) == expected(tmp_path)


@pytest.mark.parametrize("text", ["state:", "state:/etc/passwd", "state:../x", "state:a/../../x"])
def test_paths_that_leave_the_store_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="inside the store"):
        context(tmp_path).resolve(text)


def test_a_store_path_without_a_store_is_refused(tmp_path: Path) -> None:
    storeless = msgspec.structs.replace(context(tmp_path, of=plan()), state=None)
    with pytest.raises(ProviderError, match="no store is open"):
        storeless.resolve("state:flags.json")

"""What every backend of rollouts is held to, whoever wrote it: `docs/providers.md` says how to run it for another one.

`tests/support/backends.py` has the built-in kinds; `--backend MODULE:NAME` adds one.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from repz_console.facts import Exposure, Facts, RolloutState
from repz_console.plan.exposure import is_nobody, nobody, same, widens
from repz_console.providers.base import Able, Conflict, Explaining, Fetcher, ProviderError, Refused, RolloutWriter
from tests.conftest import BACKEND
from tests.support.backend_server import RETRY_AFTER, TAKING, Fault
from tests.support.backends import BACKENDS, Backend, Maker, to
from tests.support.sample_backend import board
from tests.support.sessions import eventually

FOREVER = 60
"""Seconds after which something hangs, however busy the machine is."""
DENIED: tuple[Fault, ...] = ("unauthorized", "limited")
UNSURE: tuple[Fault, ...] = ("late", "lost", "other", "failing", "failing after", "garbage", "redirect")
METHODS = ("GET ", "POST ", "PUT ", "PATCH ", "DELETE ")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test here with every backend."""
    if "backend" not in metafunc.fixturenames:
        return
    makers: dict[str, Maker] = {**BACKENDS, "sample": board}
    for named in metafunc.config.getoption(BACKEND):
        module, _, name = named.partition(":")
        makers[named] = getattr(import_module(module), name)
    metafunc.parametrize("backend", list(makers.values()), ids=list(makers), indirect=True)


@pytest.fixture
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """One that is open, with nobody exposed."""
    async with asyncio.timeout(10 * FOREVER), request.param(tmp_path) as made:
        yield made


@pytest.fixture
def served(backend: Backend) -> Backend:
    """One with a server that can fail."""
    if backend.server is None:
        pytest.skip("nothing stands between the console and what it writes")
    return backend


async def widened(backend: Backend, steps: int = 1) -> RolloutState:
    """Take it up its ramp."""
    state: RolloutState = await backend.provider.read("production")
    for number, exposure in enumerate(backend.ramp[:steps]):
        state = await backend.provider.apply(to(exposure, f"step-{number}", state.revision))
    return state


async def meddle(backend: Backend) -> None:
    done = backend.meddle()
    if inspect.isawaitable(done):
        await done


async def failing(call: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value


def check_line(error: ProviderError, backend: Backend) -> None:
    """One plain line, without a secret."""
    what = error.fault.what
    assert what == str(error)
    assert what.isprintable()
    assert 0 < len(what) < 300
    assert not any(secret in what for secret in (*backend.secrets, "s3cret"))


def kind_of(error: ProviderError) -> str:
    return "conflict" if isinstance(error, Conflict) else "refused" if isinstance(error, Refused) else "unsure"


def test_it_has_every_protocol_of_a_backend(backend: Backend) -> None:
    for protocol in (RolloutWriter, Fetcher, Able, Explaining):
        assert isinstance(backend.provider, protocol), protocol
    assert "rollouts" in backend.provider.tells
    assert backend.provider.propagation() == backend.provider.abilities().propagation >= 0


async def test_it_gives_back_what_it_wrote(backend: Backend) -> None:
    assert await backend.provider.ready() == ""
    states = [await backend.provider.read("production")]
    assert is_nobody(states[0].exposure)
    for number, exposure in enumerate(backend.ramp):
        written = await backend.provider.apply(to(exposure, f"op-{number}", states[-1].revision))
        assert same(written.exposure, exposure)
        assert written == await backend.provider.read("production")
        assert written in ((await backend.provider.fetch()).rollouts or ())
        if backend.provider.grade() in ("keyed", "checked"):
            assert written.op == f"op-{number}"
        states.append(written)
    assert len({state.revision for state in states}) == len(states)
    assert await backend.provider.read("production") == await backend.provider.read("production")


async def test_a_look_is_plain_data_that_survives_being_stored_and_being_broken_off(backend: Backend) -> None:
    await widened(backend)
    look = asyncio.ensure_future(backend.provider.fetch())
    await asyncio.sleep(0)
    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look
    facts = await backend.provider.fetch()
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts
    assert facts == await backend.provider.fetch()


async def test_a_change_judged_against_another_revision_is_a_conflict(backend: Backend) -> None:
    before = await backend.provider.read("production")
    state = await widened(backend)
    error = await failing(backend.provider.apply(to(backend.ramp[1], "late", before.revision)))
    assert isinstance(error, Conflict)
    check_line(error, backend)
    assert await backend.provider.read("production") == state


async def test_what_somebody_else_changed_is_another_revision_and_nobody_s_change(backend: Backend) -> None:
    state = await widened(backend)
    await meddle(backend)
    edited = await backend.provider.read("production")
    assert edited.revision != state.revision
    assert edited.op == ""
    error = await failing(backend.provider.apply(to(backend.ramp[1], "late", state.revision)))
    assert isinstance(error, Conflict)
    assert await backend.provider.read("production") == edited


async def test_a_kill_wins_whatever_the_revision_is(backend: Backend) -> None:
    state = await widened(backend, 2)
    await meddle(backend)
    killed = await backend.provider.apply(to(nobody(), "kill", state.revision, force=True))
    assert is_nobody(killed.exposure)
    again = await backend.provider.apply(to(nobody(), "kill", "no such revision", force=True))
    assert same(again.exposure, nobody())


async def test_a_forced_change_never_widens(backend: Backend) -> None:
    before = await backend.provider.read("production")
    for exposure in backend.ramp:
        error = await failing(backend.provider.apply(to(exposure, "force", before.revision, force=True)))
        assert isinstance(error, Refused)
    assert await backend.provider.read("production") == before


async def test_the_same_change_twice_has_the_effect_of_once(backend: Backend) -> None:
    before = await backend.provider.read("production")
    once = await backend.provider.apply(to(backend.ramp[0], "one", before.revision))
    if backend.provider.grade() in ("keyed", "checked"):
        assert await backend.provider.apply(to(backend.ramp[0], "one", before.revision)) == once
    else:
        await failing(backend.provider.apply(to(backend.ramp[0], "one", before.revision)))
    assert await backend.provider.read("production") == once


async def test_it_shrinks_as_far_as_it_says(backend: Backend) -> None:
    state = await widened(backend, 2)
    back = backend.provider.apply(to(backend.ramp[0], "back", state.revision))
    if backend.provider.abilities().reversible:
        state = await back
        assert same(state.exposure, backend.ramp[0])
    else:
        error = await failing(back)
        assert isinstance(error, Refused)
        check_line(error, backend)
        assert await backend.provider.read("production") == state
    gone = await backend.provider.apply(to(nobody(), "out", state.revision))
    assert is_nobody(gone.exposure)


def beyond(backend: Backend) -> Iterator[Exposure]:
    """What it says it cannot do, and what nobody can."""
    able, first = backend.provider.abilities(), backend.ramp[0]
    region = next(iter(first.percent))
    if not able.regions:
        yield structs.replace(first, percent={region: first.percent[region]})
        yield structs.replace(first, percent=first.percent | {region: first.percent[region] + 1})
    if not able.features:
        yield structs.replace(first, features=first.features[:1])
    if able.percent == "stages":
        yield structs.replace(first, percent=dict.fromkeys(first.percent, first.percent[region] + 1))
    yield structs.replace(first, percent=first.percent | {"atlantis": 5.0})
    yield structs.replace(first, features=("no-such-feature",))
    for percent in (101.0, -1.0, float("nan"), float("inf")):
        yield structs.replace(first, percent=first.percent | {region: percent})


async def test_what_it_cannot_do_is_refused_and_said_beforehand(backend: Backend) -> None:
    able = backend.provider.abilities()
    limited = not (able.regions and able.features and able.reversible and able.percent == "any")
    assert not limited or able.cannot
    assert able.cannot.isprintable()
    before = await backend.provider.read("production")
    for exposure in beyond(backend):
        error = await failing(backend.provider.apply(to(exposure, "beyond", before.revision)))
        assert isinstance(error, Refused), (exposure, error)
        check_line(error, backend)
    error = await failing(backend.provider.apply(to(backend.ramp[0], "x", "0", rollout="no-such-rollout")))
    assert isinstance(error, Refused)
    assert await backend.provider.read("production") == before


async def test_an_epoch_that_it_keeps_shuts_out_the_store_before_and_outlives_a_kill(backend: Backend) -> None:
    state = await backend.provider.read("production")
    state = await backend.provider.apply(to(backend.ramp[0], "taken-over", state.revision, epoch=2))
    if state.epoch == 0:
        pytest.skip("it has nowhere to keep one")
    assert state.epoch == 2
    error = await failing(backend.provider.apply(to(backend.ramp[1], "old", state.revision, epoch=1)))
    assert isinstance(error, Refused)
    killed = await backend.provider.apply(to(nobody(), "kill", "0", force=True, epoch=1))
    assert (is_nobody(killed.exposure), killed.epoch) == (True, 2)


@pytest.mark.parametrize("fault", UNSURE)
async def test_an_answer_that_proves_nothing_is_no_answer(served: Backend, fault: Fault) -> None:
    server = served.server
    assert server is not None
    before = await served.provider.read("production")
    asked = to(served.ramp[0], "one", before.revision)
    server.fault = fault
    error = await failing((served.hasty if fault == "late" else served.provider).apply(asked))
    assert kind_of(error) == "unsure"
    check_line(error, served)
    server.fault = None
    shown = await served.provider.read("production")
    if not served.one_request:
        assert fault == "other" or not widens(served.ramp[0], shown.exposure)
        done = await served.provider.apply(to(served.ramp[0], "again", shown.revision))
        assert same(done.exposure, served.ramp[0])
        return
    assert same(shown.exposure, served.ramp[0]) == (fault in TAKING and fault != "other")
    if fault not in TAKING:
        assert shown == before
    elif fault != "other" and served.provider.grade() in ("keyed", "checked"):
        assert await served.provider.apply(asked) == shown


@pytest.mark.parametrize("fault", DENIED)
async def test_what_is_turned_away_is_refused_and_was_not_written(served: Backend, fault: Fault) -> None:
    server = served.server
    assert server is not None
    before = await served.provider.read("production")
    server.fault = fault
    error = await failing(served.provider.apply(to(served.ramp[0], "one", before.revision)))
    assert kind_of(error) == "refused"
    check_line(error, served)
    assert error.fault.retry_after == (RETRY_AFTER if fault == "limited" else None)
    server.fault = None
    assert await served.provider.read("production") == before


@pytest.mark.parametrize("fault", [*UNSURE, "limited"])
async def test_a_kill_that_was_not_answered_is_never_taken_for_done_or_impossible(
    served: Backend, fault: Fault
) -> None:
    server = served.server
    assert server is not None
    state = await widened(served)
    server.fault = fault
    writer = served.hasty if fault == "late" else served.provider
    error = await failing(writer.apply(to(nobody(), "kill", state.revision, force=True)))
    assert kind_of(error) == "unsure"
    check_line(error, served)
    server.fault = None
    killed = await served.provider.apply(to(nobody(), "kill", state.revision, force=True))
    assert is_nobody(killed.exposure)


async def test_a_wrong_token_is_told_in_a_line_and_shows_nobody_s_exposure(served: Backend) -> None:
    server = served.server
    assert server is not None
    before = await served.provider.read("production")
    server.refuses_all = True
    check_line(await failing(served.provider.read("production")), served)
    check_line(await failing(served.provider.fetch()), served)
    error = await failing(served.provider.apply(to(served.ramp[0], "one", before.revision)))
    assert isinstance(error, Refused)
    check_line(error, served)
    said = await served.provider.ready()
    assert said
    assert not any(secret in said for secret in served.secrets)


def means(said: str, done: str) -> bool:
    """Whether a request is the one that was told beforehand, in which `{...}` is an id that nobody could know."""
    return re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(said)), done) is not None


async def test_the_calls_name_every_request_and_no_secret(backend: Backend) -> None:
    state = await backend.provider.read("production")
    changes: list[Callable[[RolloutState], Any]] = [
        *(
            lambda state, exposure=exposure, op=f"op-{number}": to(exposure, op, state.revision)
            for number, exposure in enumerate(backend.ramp)
        ),
        lambda state: to(nobody(), "kill", state.revision, force=True),
    ]
    for make in changes:
        asked = make(state)
        lines = backend.provider.calls(asked)
        assert lines
        assert all(line.isprintable() and not any(secret in line for secret in backend.secrets) for line in lines)
        server = backend.server
        if server is not None:
            server.asked.clear()
            server.written.clear()
        state = await backend.provider.apply(asked)
        if server is not None:
            said = [line.split(" ")[:2] for line in lines if line.startswith(METHODS)]
            named = [f"{method} {urllib.parse.urlsplit(url).path}" for method, url in said]
            changing = [line for line in named if not line.startswith("GET ")]
            order = sorted if asked.force else list  # several kills may be sent at once
            assert len(server.written) == len(changing)
            assert all(map(means, order(changing), order(server.written)))
            looks = {line for line in server.asked if line.startswith("GET ")}
            assert looks == {line for line in named if line.startswith("GET ")}


async def test_the_card_takes_it_to_nobody_without_the_console(backend: Backend, tmp_path: Path) -> None:
    await widened(backend, 2)
    lines = backend.provider.card("production")
    assert lines
    assert any(not line.startswith("#") for line in lines)
    assert all("\n" not in line and not any(secret in line for secret in backend.secrets) for line in lines)
    comments = " ".join(line for line in lines if line.startswith("#"))
    assert all(name in comments for name in backend.environment)
    script = tmp_path / "card.sh"
    script.write_text("\n".join(lines) + "\n")
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {"PATH": path, **backend.environment}

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", *options, str(script)], env=environment, capture_output=True, text=True, timeout=FOREVER, check=False
        )

    checked = await asyncio.to_thread(run, "-n")
    assert (checked.returncode, checked.stderr) == (0, "")
    done = await asyncio.to_thread(run)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert is_nobody((await backend.provider.read("production")).exposure), done


async def test_closing_waits_for_nobody(served: Backend) -> None:
    server = served.server
    assert server is not None
    state = await served.provider.read("production")
    server.fault = "late"
    task = asyncio.ensure_future(served.provider.apply(to(served.ramp[0], "one", state.revision)))
    await eventually(lambda: bool(server.written))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await served.provider.__aexit__(None, None, None)
    assert not server.released.is_set()

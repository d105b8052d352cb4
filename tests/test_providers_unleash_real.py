"""A real Unleash with its PostgreSQL, judged by Unleash's own Python client."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan.exposure import is_nobody, same
from repz_console.providers.base import Conflict, Partial, ProviderError, Refused
from repz_console.providers.unleash import Unleash as Backend
from repz_console.providers.unleash_api import Api
from tests.conftest import Figure
from tests.support.backends import opened
from tests.support.providers import FEATURES, change
from tests.support.unleash import ADMIN, CLIENT, MISSING, Unleash, server
from tests.support.unleash_clients import A_FEW, PEOPLE, SEEN_WITHIN, clients

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; see tests/install-real.sh"),
]

_launches = itertools.count(1)


class Desk:
    """A console's backend over flags that only one test has."""

    def __init__(self, unleash: Unleash, backend: Backend, prefix: str) -> None:
        self.unleash = unleash
        self.backend = backend
        self.core = f"{prefix}production.core"

    async def to(self, op: str, percent: dict[str, float], **more: Any) -> RolloutState:
        """Take the feature `core` there from where it is."""
        expect = more.pop("expect", None) or (await self.shown()).revision
        features = ("core",) if percent else ()
        return await self.backend.apply(change(op, percent, *features, expect=expect, scope=("core",), **more))

    async def shown(self) -> RolloutState:
        """What the backend says of the feature `core`."""
        state = await self.backend.read("production")
        return next(part for part in state.parts if part.scope == ("core",))


@asynccontextmanager
async def desk(unleash: Unleash, folder: Path, token: str = ADMIN, timeout: float = 10) -> AsyncIterator[Desk]:
    """A desk with its flags, off."""
    prefix = f"t{next(_launches)}-{folder.name[-20:]}."
    unleash.make(*(f"{prefix}{rollout}.{feature}" for rollout in ("production", "beta") for feature in FEATURES))
    options = {"url": unleash.url, "prefix": prefix, "token": {"secret": "unleash"}, "timeout": timeout}
    async with opened("unleash", folder, {"unleash": token}, **options) as backend:
        yield Desk(unleash, backend, prefix)


@pytest.mark.figure
async def test_the_share_is_what_the_console_says_in_each_region_and_keeps_its_people(
    unleash: Unleash, tmp_path: Path, figure: Figure
) -> None:
    async with desk(unleash, tmp_path) as at:
        assert await at.backend.ready() == ""
        await at.to("op20", {"us": 20, "ca": 20})
        with clients(unleash, tmp_path, at.core, figure.count(2_000, PEOPLE)) as seen:
            people = {20: await seen.until(20)}
            assert seen.inside("CA") == people[20], "a person is in or out wherever they are"
            assert seen.inside("GB", A_FEW) == seen.inside("FR", A_FEW) == set(), "no region but these two"
            for percent in (40, 60, 80):
                state = await at.to(f"op{percent}", {"us": percent, "ca": 10, "world": percent})
                assert state.exposure.percent == {"us": percent, "ca": 10, "world": percent}
                people[percent] = await seen.until(percent)
                assert people[percent] > people[percent - 20], "whoever was in stays in"
                assert seen.inside("FR", A_FEW) == {person for person in people[percent] if person < A_FEW}
                assert seen.inside("CA", A_FEW) < people[20], "another region has another share of the same people"
                assert seen.inside("GB", A_FEW) == set()
            await at.to("back", {"us": 40})
            assert await seen.until(40) == people[40]
            assert seen.inside("FR", A_FEW) == seen.inside("CA", A_FEW) == set()
            killed = await at.to("kill", {}, expect="whatever", force=True)
            assert is_nobody(killed.exposure)
            assert await seen.until(0) == set()
            await at.to("again", {"us": 20})
            assert await seen.until(20) == people[20]
            figure.say(f"{seen.people:,} people by Unleash's client: every share as said, whoever was in stays in")


async def test_after_a_kill_it_comes_back_without_anybody_too_many(unleash: Unleash, tmp_path: Path) -> None:
    async with desk(unleash, tmp_path) as at:
        await at.to("op", {"us": 20})
        await at.to("kill", {}, expect="whatever", force=True)
        before = len(unleash.events(at.core))
        assert unleash.ask("POST", f"{_environment(at)}/on")[0] == 200
        assert is_nobody((await at.shown()).exposure), "a hand at the switch shows it to nobody"
        await at.to("kill2", {}, expect="whatever", force=True)
        state = await at.to("again", {"us": 30})
        assert state.exposure == Exposure({"us": 30}, ("core",))
        since = unleash.events(at.core)[before:]
        assert [event["type"] for event in since][-1] == "feature-environment-enabled", "the switch comes last"
        shares = [event["data"]["parameters"]["rollout"] for event in since if event["data"]]
        assert set(shares) <= {"0", "30"}


def _environment(at: Desk) -> str:
    return f"/api/admin/projects/default/features/{at.core}/environments/production"


async def test_a_strategy_that_somebody_made_without_a_title_can_be_taken_over(
    unleash: Unleash, tmp_path: Path
) -> None:
    async with desk(unleash, tmp_path) as at:
        made = {"name": "flexibleRollout", "parameters": {"rollout": "50", "stickiness": "userId", "groupId": at.core}}
        assert unleash.ask("POST", f"{_environment(at)}/strategies", made)[0] == 200
        state = await at.to("op", {"us": 20})
        assert (state.op, state.exposure) == ("op", Exposure({"us": 20}, ("core",)))


async def test_somebody_else_s_edit_is_named_and_never_overwritten(unleash: Unleash, tmp_path: Path) -> None:
    mallory = unleash.person(f"mallory-{tmp_path.name[-12:]}")
    async with desk(unleash, tmp_path) as at:
        mine = await at.to("op", {"us": 20})
        assert unleash.edit(at.core, "33", mallory) == 200
        seen = await at.shown()
        assert seen.op == ""
        assert seen.changed_by.startswith("mallory")
        assert seen.exposure.percent == {"us": 33}
        with pytest.raises(Conflict, match="mallory"):
            await at.to("late", {"us": 40}, expect=mine.revision)
        assert unleash.strategies(at.core)[0]["parameters"]["rollout"] == "33"


async def test_of_two_changes_of_one_moment_nothing_is_lost_without_a_word(unleash: Unleash, tmp_path: Path) -> None:
    mallory = unleash.person(f"race-{tmp_path.name[-12:]}")
    endings = []
    async with desk(unleash, tmp_path) as at:
        await at.to("op", {"us": 20})
        for attempt in range(12):
            percent = 21 + attempt
            rival = asyncio.to_thread(unleash.edit, at.core, str(60 + attempt), mallory)
            told, _ = await asyncio.gather(_outcome(at.to(f"try{attempt}", {"us": percent})), rival)
            state = await at.shown()
            endings.append(told)
            assert state.exposure.percent == {"us": int(unleash.strategies(at.core)[0]["parameters"]["rollout"])}
            if state.op:
                assert state.exposure.percent == {"us": percent}
                assert told == "ours" or "race-" in told, told
            else:
                assert state.changed_by.startswith("race-")
                assert state.exposure.percent == {"us": 60 + attempt}
    assert endings


async def _outcome(applying: Any) -> str:
    try:
        state = await applying
    except (Conflict, Partial) as error:
        return str(error)
    return " ".join(["ours", *state.notes]) if state.notes else "ours"


@pytest.mark.parametrize(
    ("token", "said"),
    [("*:*.no-such-token", "does not know the token"), (CLIENT, "expected a different token type")],
)
async def test_a_token_that_is_none_is_told_in_a_line(unleash: Unleash, tmp_path: Path, token: str, said: str) -> None:
    async with desk(unleash, tmp_path, token) as at:
        assert said in await at.backend.ready()
        with pytest.raises(ProviderError, match=said):
            await at.shown()
        with pytest.raises(Refused, match=said):
            await at.to("op", {"us": 20}, expect="0")
        with pytest.raises(Refused, match=said):
            await at.to("kill", {}, expect="0", force=True)
    assert unleash.strategies(at.core) == []


async def test_a_token_that_may_only_look_is_known_before_it_matters(unleash: Unleash, tmp_path: Path) -> None:
    viewer = unleash.person(f"viewer-{tmp_path.name[-12:]}", "Viewer")
    async with desk(unleash, tmp_path, viewer) as at:
        state = await at.shown()
        assert "FEATURE_STRATEGY" in await at.backend.ready()
        assert "UPDATE_FEATURE_ENVIRONMENT" in (await at.backend.way_back()).kill
        with pytest.raises(Refused, match="UPDATE_FEATURE_STRATEGY"):
            await at.to("op", {"us": 20})
        assert await at.shown() == state


async def test_a_database_that_hangs_in_the_middle_of_a_change_leaves_what_can_be_told(
    unleash: Unleash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(unleash, tmp_path, timeout=1) as at:
        before = await at.to("op", {"us": 20})
        send = Api.send
        frozen = unleash.database_hangs()

        async def freezing(self: Api, *args: Any, **kwargs: Any) -> str:
            frozen.__enter__()
            return await send(self, *args, **kwargs)

        monkeypatch.setattr(Api, "send", freezing)
        try:
            with pytest.raises(ProviderError) as caught:
                await at.to("hung", {"us": 40}, expect=before.revision)
            assert not isinstance(caught.value, Conflict | Refused), "it may still come"
            assert unleash.ask("GET", "/health")[0] == 200, "which proves nothing"
            assert await at.backend.ready() != ""
        finally:
            frozen.__exit__(None, None, None)
        monkeypatch.setattr(Api, "send", send)
        state = await _steady(at)
        assert (state.op, state.exposure.percent) in [("op", {"us": 20}), ("hung", {"us": 40})]
        fence = await at.backend.apply(
            Change("fence", "production", state.exposure, state.revision, "maya", scope=("core",))
        )
        assert (fence.op, same(fence.exposure, state.exposure)) == ("fence", True)
        with pytest.raises(Conflict):
            await at.to("hung", {"us": 40}, expect=before.revision)


async def _steady(at: Desk) -> RolloutState:
    """What the backend shows once it answers and no longer changes."""
    deadline, last = time.monotonic() + SEEN_WITHIN, None
    while time.monotonic() < deadline:
        try:
            now = await at.shown()
        except ProviderError:
            now = None
        if now is not None and now == last:
            return now
        last = now
        await asyncio.sleep(1)
    raise AssertionError("it does not come to rest")


async def test_what_traffic_saw_is_read_back(unleash: Unleash, tmp_path: Path) -> None:
    async with desk(unleash, tmp_path) as at:
        await at.to("op", {"us": 20})
        with clients(unleash, tmp_path, at.core) as seen:
            inside = await seen.until(20)
            deadline = time.monotonic() + SEEN_WITHIN
            while not (measured := (await at.backend.fetch()).measured) or measured[0].samples < PEOPLE:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.5)
        (found,) = measured
        assert (found.rollout, found.feature) == ("production", "core")
        # What was counted before the client saw the change is in it, and where the counting stopped is chance.
        assert 0 < found.percent <= 100 * len(inside) / PEOPLE + 2


async def test_version_6_can_be_read_and_killed_and_is_not_widened(tmp_path: Path) -> None:
    with server("6") as old:
        async with desk(old, tmp_path) as at:
            assert "JSON-Patch" in await at.backend.ready()
            assert (await at.backend.way_back()).kill == ""
            with pytest.raises(Refused, match="JSON-Patch"):
                await at.to("op", {"us": 20})
            assert old.strategies(at.core) == []
            assert old.ask("POST", f"{_environment(at)}/on")[0] == 200
            trapped = await at.shown()
            assert trapped.exposure.percent == dict.fromkeys(("us", "ca", "english", "world"), 100)
            killed = await at.to("kill", {}, expect="whatever", force=True)
            assert is_nobody(killed.exposure)

"""The kind `unleash` against a server with all of Unleash's traps.

`test_providers_backends.py` has what holds for every backend, `test_providers_unleash_real.py` the real server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repz_console.facts import Exposure, RolloutState
from repz_console.plan.exposure import is_nobody
from repz_console.providers.base import Conflict, Partial, ProviderError, Refused
from repz_console.providers.unleash import Unleash, UnleashOptions
from tests.support.backends import opened
from tests.support.providers import FEATURES, change, plan
from tests.support.unleash_server import ADMIN, CLIENT, UnleashServer

CORE = "repz.production.core"
FLAGS = tuple(f"repz.{rollout}.{feature}" for rollout in plan().rollout for feature in FEATURES)
US = {"contextName": "country", "operator": "IN", "values": ["US"]}
EVERYWHERE = dict.fromkeys(("us", "ca", "english", "world"), 100)


@pytest.fixture
def server() -> Iterator[UnleashServer]:
    made = UnleashServer(*FLAGS)
    with made.running():
        yield made


@asynccontextmanager
async def unleash(server: UnleashServer, folder: Path, token: str = ADMIN, **options: Any) -> AsyncIterator[Unleash]:
    options = {"timeout": 10, "url": server.url, "token": {"secret": "unleash"}, **options}
    async with opened("unleash", folder, {"unleash": token}, **options) as backend:
        yield backend


async def core(backend: Unleash) -> RolloutState:
    """What it says of the one feature that these tests steer."""
    state = await backend.read("production")
    return next(part for part in state.parts if part.scope == ("core",))


async def to(backend: Unleash, op: str, percent: dict[str, float], **more: Any) -> RolloutState:
    """Take it there from where it is."""
    expect = more.pop("expect", None) or (await core(backend)).revision
    features = ("core",) if percent else ()
    return await backend.apply(change(op, percent, *features, expect=expect, scope=("core",), **more))


async def test_one_flag_a_feature_is_changed_alone(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        assert backend.scopes("production") == tuple((feature,) for feature in FEATURES)
        before = await backend.read("production")
        written = await to(backend, "a", {"us": 20, "ca": 20, "world": 40})
        after = await backend.read("production")
    assert (written.scope, written.exposure) == (("core",), Exposure({"us": 20, "ca": 20, "world": 40}, ("core",)))
    assert [part for part in after.parts if part != written] == [
        part for part in before.parts if part.scope != ("core",)
    ]
    assert [
        (each["parameters"], each["constraints"][0]["operator"], each["constraints"][0]["values"])
        for each in server.flags[CORE]["strategies"]
    ] == [
        ({"rollout": share, "groupId": "repz.production", "stickiness": "userId"}, operator, countries)
        for share, operator, countries in [
            ("40", "NOT_IN", ["AU", "CA", "GB", "IE", "NZ", "US"]),
            ("20", "IN", ["CA", "US"]),
        ]
    ]
    assert not any(line.startswith("PUT") for line in server.written)


async def test_a_usual_step_of_a_ramp_is_one_request(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20, "ca": 20})
        server.written.clear()
        state = await to(backend, "b", {"us": 40, "ca": 40, "english": 40})
        assert state.exposure.percent == {"us": 40, "ca": 40, "english": 40}
    assert [line.split(" ")[0] for line in server.written] == ["PATCH"]


async def test_it_is_switched_on_last_and_never_without_a_strategy(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        assert [event["type"] for event in server.events] == [
            "feature-strategy-add",
            "feature-strategy-update",
            "feature-environment-enabled",
        ]
        assert server.events[0]["data"]["parameters"]["rollout"] == "0", "one that comes late lets in nobody"
        await to(backend, "kill", {}, expect="any", force=True)
        server.switch(CORE, on=True)
        shown = await core(backend)
        assert is_nobody(shown.exposure), "the server adds a strategy for everybody where it finds none"
        assert (shown.op, shown.changed_by) == ("", "mallory")


async def test_a_flag_that_is_on_without_a_strategy_is_seen_by_everybody(server: UnleashServer, tmp_path: Path) -> None:
    server.flags[CORE]["enabled"] = True
    async with unleash(server, tmp_path) as backend:
        state = await core(backend)
        assert state.exposure.percent == EVERYWHERE
        assert any("without any enabled strategy" in note for note in state.notes)
        assert (await to(backend, "a", {"us": 20})).exposure.percent == {"us": 20}


@pytest.mark.parametrize("rollout", ["140", "33.3", "-5", "abc", "", "007"])
async def test_a_share_that_clients_read_differently_is_never_understated(
    server: UnleashServer, tmp_path: Path, rollout: str
) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        server.edit(CORE, {"op": "replace", "path": "/parameters/rollout", "value": rollout})
        state = await core(backend)
        assert state.exposure.percent == {"us": 100}
        assert state.least is not None
        assert state.least.percent == {"us": 0}
        assert state.changed_by == "mallory"
        assert (await to(backend, "b", {"us": 20})).exposure.percent == {"us": 20}


@pytest.mark.parametrize("percent", [33.3, 140, -5, float("nan")])
async def test_such_a_share_is_never_written(server: UnleashServer, tmp_path: Path, percent: float) -> None:
    async with unleash(server, tmp_path) as backend:
        with pytest.raises(Refused, match="whole percents"):
            await to(backend, "a", {"us": percent})
    assert server.written == []


async def test_a_replaced_strategy_without_its_regions_is_everybody(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        mine = await to(backend, "a", {"us": 20})
        (old,) = server.flags[CORE]["strategies"]
        server._put(CORE, old["id"], {}, ADMIN)
        state = await core(backend)
        assert state.exposure.percent == EVERYWHERE
        with pytest.raises(Conflict, match="admin changed it at"):
            await to(backend, "b", {"us": 40}, expect=mine.revision)


FOREIGN: list[tuple[dict[str, Any], float, float, str]] = [
    ({"parameters": {"rollout": "30", "groupId": "x", "stickiness": "userId"}}, 70, 40, "bucketed by userId:x"),
    ({"parameters": {"rollout": "30", "groupId": "repz.production", "stickiness": "userId"}}, 40, 40, "outside"),
    ({"name": "userWithId", "parameters": {"userIds": "1,2"}}, 100, 40, "userWithId"),
    ({"parameters": {"groupId": "x", "stickiness": "default"}}, 100, 100, "bucketed by default:x"),
    ({"name": "default"}, 100, 100, "outside"),
    ({"parameters": {"rollout": "100"}, "segments": [3]}, 100, 40, "segments"),
    ({"parameters": {"rollout": "100"}, "constraints": [{**US, "contextName": "plan"}]}, 100, 40, "more than country"),
    ({"parameters": {"rollout": "100"}, "constraints": [{**US, "inverted": True}]}, 40, 40, "outside"),
    ({"parameters": {"rollout": "100"}, "disabled": True}, 40, 40, "outside"),
]


@pytest.mark.parametrize(("strategy", "high", "low", "said"), FOREIGN)
async def test_somebody_else_s_strategy_is_counted_for_as_many_as_it_may_let_in(
    server: UnleashServer, tmp_path: Path, strategy: dict[str, Any], high: float, low: float, said: str
) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 40})
        server.add(CORE, **strategy)
        state = await core(backend)
        assert state.exposure.percent["us"] == high
        assert (state.least or state.exposure).percent["us"] == low
        assert any(said in note for note in state.notes), state.notes
        assert (state.op, state.changed_by) == ("", "mallory")
        killed = await to(backend, "kill", {}, expect="any", force=True)
        assert is_nobody(killed.exposure)


async def test_what_it_cannot_steer_is_left_alone(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 40})
        server.add(CORE, name="userWithId", title="our testers")
        with pytest.raises(Refused, match=r"our testers.*a kill works"):
            await to(backend, "b", {"us": 20})
        assert server.flags[CORE]["strategies"][0]["parameters"]["rollout"] == "40"


async def test_a_change_that_was_overtaken_is_a_conflict_with_a_name_and_leaves_nothing(
    server: UnleashServer, tmp_path: Path
) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        send = backend._client.fetch

        async def overtaken(method: str, *args: Any, **more: Any) -> Any:
            if method == "PATCH" and "/s1" in args[0] and server.events[-1]["createdBy"] != "mallory":
                server.edit(CORE, {"op": "replace", "path": "/parameters/rollout", "value": "55"})
            return await send(method, *args, **more)

        backend._client.fetch = overtaken  # type: ignore[method-assign]
        with pytest.raises(Conflict, match="mallory changed it"):
            await to(backend, "b", {"us": 30, "ca": 40})
        assert (await core(backend)).exposure.percent == {"us": 55}
    assert len(server.flags[CORE]["strategies"]) == 1, "what was added is taken away again"


async def test_of_two_changes_that_both_won_the_one_that_lost_is_named(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        server.between = lambda: server.edit(CORE, {"op": "replace", "path": "/parameters/rollout", "value": "55"})
        state = await to(backend, "b", {"us": 30})
        assert (state.op, state.exposure.percent) == ("b", {"us": 30})
        assert any("mallory" in note and "overruled" in note for note in state.notes)
        assert (await core(backend)).notes == state.notes
        assert not any("overruled" in note for note in (await to(backend, "c", {"us": 31})).notes)


async def test_a_switch_turned_off_meanwhile_stays_off(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        server.between = lambda: server.switch(CORE, on=False)
        with pytest.raises(Partial, match="mallory"):
            await to(backend, "b", {"us": 30})
        assert is_nobody((await core(backend)).exposure)


async def test_a_rollout_that_was_changed_in_part_says_so(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        before = await backend.read("production")
        del server.flags["repz.production.full"]
        changed = await backend.read("production")
        assert changed.revision != before.revision
        with pytest.raises(Partial, match=r"adaptive, core of production changed, full not: there is no flag"):
            await backend.apply(change("a", {"us": 20}, *FEATURES, expect=changed.revision))
        assert (await backend.read("production")).exposure.features == ("adaptive", "core")


async def test_a_flag_that_is_nowhere_is_seen_by_nobody_and_one_elsewhere_is_not_known(
    server: UnleashServer, tmp_path: Path
) -> None:
    del server.flags[CORE]
    async with unleash(server, tmp_path) as backend:
        state = await core(backend)
        assert is_nobody(state.exposure)
        assert any("there is no flag" in note for note in state.notes)
        assert "create it first" in await backend.ready()
        assert is_nobody((await to(backend, "kill", {}, expect="any", force=True)).exposure)
    for wrong in ({"project": "other"}, {"environment": "staging"}, {"url": f"{server.url}/unleash"}):
        async with unleash(server, tmp_path, **wrong) as backend:
            with pytest.raises(ProviderError):
                await backend.read("production")


async def test_a_token_of_a_client_is_told_as_one(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path, CLIENT) as backend:
        for said in (await backend.ready(), (await backend.way_back()).kill):
            assert "expected a different token type" in said


async def test_without_json_patch_tests_nothing_is_written_but_a_kill(server: UnleashServer, tmp_path: Path) -> None:
    server.takes_tests = False
    server.add(CORE, parameters={"rollout": "20"})
    server.switch(CORE, on=True)
    async with unleash(server, tmp_path) as backend:
        assert "JSON-Patch" in await backend.ready()
        for percent in ({"us": 10.0}, {"us": 10.0, "ca": 20.0}):
            with pytest.raises(Refused, match="JSON-Patch"):
                await to(backend, "a", percent)
        assert len(server.flags[CORE]["strategies"]) == 1
        assert is_nobody((await to(backend, "kill", {}, expect="any", force=True)).exposure)


async def test_a_dependency_may_take_people_out(server: UnleashServer, tmp_path: Path) -> None:
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        server.dependencies[CORE] = [{"feature": "parent"}]
        state = await core(backend)
        assert state.exposure.percent == {"us": 20}
        assert state.least is not None
        assert state.least.percent == {"us": 0}


async def test_the_people_of_a_foreign_bucketing_are_kept_when_it_shrinks(
    server: UnleashServer, tmp_path: Path
) -> None:
    server.add(CORE, parameters={"rollout": "50", "groupId": "x", "stickiness": "sessionId"}, constraints=[US])
    server.switch(CORE, on=True)
    async with unleash(server, tmp_path) as backend:
        state = await core(backend)
        assert state.exposure == Exposure({"us": 50}, ("core",), "sessionId:x")
        shrunk = await to(backend, "back", {"us": 20}, key="sessionId:x")
        assert shrunk.exposure == Exposure({"us": 20}, ("core",), "sessionId:x")
        ours = await to(backend, "ours", {"us": 20})
        assert ours.exposure == Exposure({"us": 20}, ("core",))
        with pytest.raises(Refused, match="bucketed"):
            await to(backend, "no", {"us": 10}, key="sessionId:x")


async def test_what_clients_counted_is_measured_where_it_is_on(server: UnleashServer, tmp_path: Path) -> None:
    hour = "2027-02-01T09:00:00.000Z"
    here = {"environment": "production", "timestamp": hour, "yes": 300, "no": 700, "appName": "web"}
    server.usage[CORE] = [here, {**here, "yes": 100, "no": 900}, {**here, "environment": "development", "yes": 5}]
    async with unleash(server, tmp_path) as backend:
        assert (await backend.fetch()).measured == ()
        await to(backend, "a", {"us": 20})
        (found,) = (await backend.fetch()).measured
    assert (found.rollout, found.feature, found.percent, found.samples) == ("production", "core", 20, 2000)
    assert found.at == datetime(2027, 2, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("odd", [{"timestamp": "2027-02-01T09:00:00"}, {"yes": -5}, {"no": "many"}])
async def test_a_count_that_makes_no_sense_hides_no_flag(
    server: UnleashServer, tmp_path: Path, odd: dict[str, Any]
) -> None:
    here = {"environment": "production", "timestamp": "2027-02-01T09:00:00.000Z", "yes": 3, "no": 7, "appName": "web"}
    server.usage[CORE] = [here, {**here, **odd}]
    async with unleash(server, tmp_path) as backend:
        await to(backend, "a", {"us": 20})
        found = await backend.fetch()
    assert found.measured == ()
    assert found.rollouts is not None


async def test_a_flag_may_have_a_name_of_its_own(server: UnleashServer, tmp_path: Path) -> None:
    server.flags["core-engine"] = {"enabled": False, "strategies": []}
    async with unleash(server, tmp_path, flags={"production.core": "core-engine"}) as backend:
        await to(backend, "a", {"us": 20})
        assert any("core-engine/environments/production/off" in line for line in backend.card("production"))
    assert server.flags["core-engine"]["enabled"]
    assert not server.flags[CORE]["enabled"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://unleash.example.com"}, "https"),
        ({"stickiness": "default"}, "some people now this"),
        ({"stickiness": "random"}, "some people now this"),
        ({"flags": {"production.core": "a b"}}, "letters"),
        ({"flags": {"production.core": "x", "beta.core": "x"}}, "two features"),
        ({"timeout": 0}, "timeout"),
        ({"token": "user:plain"}, "object"),
    ],
)
def test_options_that_could_not_work_are_refused(options: dict[str, Any], said: str) -> None:
    given = {"url": "https://unleash.example.com", "token": {"secret": "unleash"}, **options}
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(given, UnleashOptions)

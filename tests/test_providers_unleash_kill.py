"""A kill that meets a change of another console at an Unleash flag, request by request in any order: the kill wins.

Unleash tests a PATCH and writes it in two steps, with room for others in between. Both are turns here, as is every
other request. Whatever the order: nobody is exposed once the kill and the change are over.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from repz_console.facts import Exposure
from repz_console.plan.exposure import is_nobody
from repz_console.providers.base import Partial, ProviderError
from repz_console.providers.net import Answer, Client
from repz_console.providers.unleash import Unleash
from tests.conftest import Figure
from tests.support.backends import opened
from tests.support.providers import FEATURES, change, plan
from tests.support.unleash_server import ADMIN, MALLORY, UnleashServer

FLAGS = tuple(f"repz.{rollout}.{feature}" for rollout in plan().rollout for feature in FEATURES)
CONSOLES = (ADMIN, MALLORY)
"""Whose change goes on, and whose kill comes."""
MOST_TURNS = 24
"""Turns that are given out beforehand; what comes later goes as it comes."""
INSISTING = 20
"""How often a kill is sent at most."""

Target = dict[str, float]
ROUTES: dict[str, tuple[tuple[Target, ...], Target]] = {
    "first": ((), {"us": 20}),
    "again": (({"us": 20}, {}), {"us": 20}),
    "wider": (({"us": 20},), {"us": 40}),
    "several": (({"us": 20}, {}), {"us": 20, "ca": 10, "world": 5}),
    "reshaped": (({"us": 20, "ca": 10},), {"us": 40, "ca": 40, "world": 5}),
}
"""How the flag came to be as it is (empty: by a kill), and where it is taken."""


class Racing(UnleashServer):
    """One whose PATCHes are written when they are told to."""

    def __init__(self, *flags: str) -> None:
        super().__init__(*flags)
        self.late: list[Callable[[], Any]] | None = None
        """What was tested and is not written yet, while that is kept apart."""

    def _store(self, name: str, *rest: Any, **more: Any) -> dict[str, Any]:
        if self.late is None:
            return super()._store(name, *rest, **more)
        keep = super()._store
        self.late.append(lambda: keep(name, *rest, base=None))
        return dict(rest[1])


class Turns:
    """Lets two consoles take turns at a server, in a given order."""

    def __init__(self, server: Racing, order: list[str]) -> None:
        self._server, self._order = server, order
        self._over: set[str] = set()
        self._moved = asyncio.Condition()

    async def over(self, token: str) -> None:
        """One of them has no more to ask."""
        async with self._moved:
            self._over.add(token)
            self._moved.notify_all()

    async def _take(self, token: str) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._next() in ("", token))
            if self._next():
                self._order.remove(token)
            self._moved.notify_all()

    def _next(self) -> str:
        return next((token for token in self._order if token not in self._over), "")

    async def ask(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Answer:
        """One request, in its turn; what a PATCH writes has a turn of its own."""
        token = headers["Authorization"]
        await self._take(token)
        self._server.late = []
        path = "/" + url.split("/", 3)[3]
        sent = {name.lower(): value for name, value in headers.items()}
        status, said = self._server.answer(method, path, sent, content)
        late, self._server.late = self._server.late, None
        for write in late:
            await self._take(token)
            write()
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        return Answer(status, 0.0, raw, False, "", None, None)


@asynccontextmanager
async def two(folder: Path) -> AsyncIterator[tuple[Unleash, Unleash]]:
    """Two consoles' backends."""
    async with (
        opened("unleash", folder, {"a": ADMIN}, url="http://127.0.0.1:1", token={"secret": "a"}) as one,
        opened("unleash", folder, {"k": MALLORY}, url="http://127.0.0.1:1", token={"secret": "k"}) as other,
    ):
        yield one, other


async def core(backend: Unleash) -> Any:
    """What it says of the one feature."""
    return next(part for part in (await backend.read("production")).parts if part.scope == ("core",))


async def go(backend: Unleash, op: str, target: Target, expect: str) -> None:
    """Take the feature there; to nobody by a kill, as often as a console sends it."""
    features = ("core",) if target else ()
    asked = change(op, target, *features, expect=expect, scope=("core",), force=not target)
    for _ in range(1 if target else INSISTING):
        try:
            await backend.apply(asked)
            if target or is_nobody((await core(backend)).exposure):
                return
        except ProviderError:
            continue
    assert target, "a kill that never came through"


async def race(backends: tuple[Unleash, Unleash], hold: dict[str, Any], route: str, order: list[str]) -> Exposure:
    """What is exposed once a change and a kill have met in this order."""
    changing, killing = backends
    server = Racing(*FLAGS)
    hold["turns"] = Turns(server, [])
    before, target = ROUTES[route]
    for number, each in enumerate(before):
        await go(changing, f"before{number}", each, (await core(changing)).revision)
    expect = (await core(changing)).revision
    turns = hold["turns"] = Turns(server, list(order))

    async def one(backend: Unleash, token: str, op: str, to: Target) -> None:
        try:
            await go(backend, op, to, expect)
        finally:
            await turns.over(token)

    await asyncio.gather(one(changing, ADMIN, "widen", target), one(killing, MALLORY, "kill", {}))
    shown: Exposure = (await core(killing)).exposure
    return shown


@pytest.mark.figure
async def test_a_kill_wins_whatever_request_of_a_change_it_meets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    hold: dict[str, Any] = {}

    async def fetch(self: Client, method: str, url: str, **more: Any) -> Answer:
        answer: Answer = await hold["turns"].ask(method, url, more["headers"], more["content"])
        return answer

    monkeypatch.setattr(Client, "fetch", fetch)
    chance = random.Random(11)
    orders = figure.count(16, 2000)
    async with two(tmp_path) as backends:
        for route in ROUTES:
            for number in range(orders):
                # A change up to one of its requests, the whole kill or some of it, and the rest.
                first, some = number % MOST_TURNS // 2, chance.choice((1, 2, 3, 5, 8, MOST_TURNS))
                order = [ADMIN] * first + [MALLORY] * some
                order += [chance.choice(CONSOLES) for _ in range(MOST_TURNS)]
                shown = await race(backends, hold, route, list(order))
                told = "".join("AK"[token == MALLORY] for token in order)
                assert is_nobody(shown), f"{route}, {told}: {shown.percent} are exposed after a kill"
    figure.say(
        f"{orders * len(ROUTES):,} orders of the requests of a change and of a kill at Unleash: the kill won in all"
    )


async def test_what_cannot_be_told_of_others_switches_nothing_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Racing(*FLAGS)
    turns = Turns(server, [])

    async def fetch(self: Client, method: str, url: str, **more: Any) -> Answer:
        if "/search/events" in url:
            raise ProviderError("503 Service Unavailable")
        return await turns.ask(method, url, more["headers"], more["content"])

    monkeypatch.setattr(Client, "fetch", fetch)
    async with two(tmp_path) as (backend, _):
        asked = change("widen", {"us": 20}, "core", expect=(await core(backend)).revision, scope=("core",))
        with pytest.raises(Partial, match="stays off: who else was there is not known: 503"):
            await backend.apply(asked)
        assert is_nobody((await core(backend)).exposure)

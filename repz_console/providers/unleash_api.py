"""The few calls of Unleash's Admin API that the console makes, and what their answers prove."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from msgspec import Meta, Struct

from repz_console.providers import strict_json
from repz_console.providers.base import Conflict, ProviderError, Refused
from repz_console.providers.net import Answer, Client
from repz_console.providers.unleash_strategy import Flag, Strategy
from repz_console.text import safe

Result = TypeVar("Result")

EVENTS = 20
"""How many of a flag's latest events are looked through for who changed it."""
NO_STRATEGY = "00000000-0000-4000-8000-000000000000"
"""An id that no strategy has: asking to change it tells who may, and changes nothing."""

_TIMED_OUT = 408
_FOR_NOW = (409, 423, 425, 429)
_STALE = "TEST_OPERATION_FAILED"
_NO_TEST = re.compile(r"\bop\b.*\btest\b", re.DOTALL)
_NO_FLAG = "no feature named"
_ELSEWHERE = "with that name in project"
_NO_SUCH_STRATEGY = "could not find strategy"


class Untested(Refused):
    """The server takes no JSON-Patch `test`: nothing keeps it from overwriting what somebody else just set."""


class Gone(Refused):
    """What was to be changed is not there."""


class Request(Struct, frozen=True):
    """One call on a flag in its environment."""

    method: str
    path: str
    """What follows the environment's address; `{added-1}` stands for the id that the first POST's answer gives."""
    body: Any = None


REHEARSAL = Request("PATCH", f"/strategies/{NO_STRATEGY}", [{"op": "test", "path": "/title", "value": ""}])
"""Changes nothing, and meets what a change would meet."""


class Event(Struct, frozen=True):
    """One entry of the server's own log."""

    id: int
    type: str
    createdBy: str
    createdAt: datetime
    data: Any = None
    preData: Any = None

    @property
    def before(self) -> Strategy | None:
        """The strategy that it changed, as it was."""
        return _strategy(self.preData)

    @property
    def after(self) -> Strategy | None:
        """The strategy that it changed, as it then was."""
        return _strategy(self.data)


class _Events(Struct, frozen=True):
    events: tuple[Event, ...]


class Usage(Struct, frozen=True):
    """How often one application was told yes and no, in the hour that began at `timestamp`."""

    environment: str
    timestamp: Annotated[datetime, Meta(tz=True)]
    yes: Annotated[int, Meta(ge=0)]
    no: Annotated[int, Meta(ge=0)]


class _Metrics(Struct, frozen=True):
    lastHourUsage: tuple[Usage, ...] = ()


class _Permission(Struct, frozen=True):
    permission: str
    project: str = ""
    environment: str = ""


class _Self(Struct, frozen=True):
    permissions: tuple[_Permission, ...] = ()


class _Trouble(Struct, frozen=True):
    name: str = ""
    message: str = ""
    details: tuple[Any, ...] = ()


class Place(Struct, frozen=True):
    """Where a flag lies."""

    url: str
    project: str
    environment: str

    def flag(self, name: str) -> str:
        """The flag's address."""
        return f"{self.url.rstrip('/')}/api/admin/projects/{_quoted(self.project)}/features/{_quoted(name)}"

    def at(self, name: str) -> str:
        """The address of the flag in the environment."""
        return f"{self.flag(name)}/environments/{_quoted(self.environment)}"

    def events(self, name: str) -> str:
        """The address of what the server noted of the flag in the environment, the latest of it."""
        asked = f"feature=IS:{_quoted(name)}&environment=IS:{_quoted(self.environment)}&limit={EVENTS}"
        return f"{self.url.rstrip('/')}/api/admin/search/events?{asked}"


class Api:
    """Makes the calls of one look or one change."""

    def __init__(self, client: Client, place: Place, headers: Mapping[str, str], timeout: float) -> None:
        """`headers` hold the token: they are not kept longer than this object."""
        self._client = client
        self._place = place
        self._headers = {"Accept": "application/json", **headers}
        self._timeout = timeout

    async def flag(self, name: str) -> Flag | None:
        """A flag; None where the server says that there is none. Raises `ProviderError`."""
        answer = await self._ask("GET", self._place.flag(name))
        said = _trouble(answer)
        if answer.status == 404 and _NO_FLAG in said and _ELSEWHERE not in said:
            return None
        return self._decoded(answer, Flag)

    async def events(self, name: str) -> tuple[Event, ...]:
        """A flag's latest events in the environment, the newest first. Raises `ProviderError`."""
        answer = await self._ask("GET", self._place.events(name))
        found = self._decoded(answer, _Events).events
        return tuple(sorted(found, key=lambda event: event.id, reverse=True))

    async def usage(self, name: str) -> tuple[Usage, ...]:
        """What clients reported of a flag in the last hour. Raises `ProviderError`."""
        answer = await self._ask("GET", f"{self._base}/api/admin/client-metrics/features/{_quoted(name)}")
        usages = self._decoded(answer, _Metrics).lastHourUsage
        return tuple(usage for usage in usages if usage.environment == self._place.environment)

    async def lacks(self, wanted: Sequence[str]) -> str:
        """The first of these permissions that the token's user does not have in the environment; empty if all are
        there. Raises `ProviderError`."""
        mine = self._decoded(await self._ask("GET", f"{self._base}/api/admin/user"), _Self).permissions
        here = {
            each.permission
            for each in mine
            if each.project in ("", "*", self._place.project) and each.environment in ("", "*", self._place.environment)
        }
        return "" if "ADMIN" in here else next((each for each in wanted if each not in here), "")

    async def rehearse(self, name: str) -> None:
        """Send the `REHEARSAL`: raises what a change would meet, `Refused` or another `ProviderError`."""
        try:
            await self.send(name, REHEARSAL)
        except Gone:
            return

    async def send(self, name: str, request: Request, *, force: bool = False) -> str:
        """Change something; gives the id of the strategy that is meant. Raises `Conflict` or `Refused` when certainly
        nothing was written, any other `ProviderError` when that is not known, and when a forced change was turned away
        only for the moment: that one is to be sent again."""
        answer = await self._ask(request.method, self._place.at(name) + request.path, request.body)
        if 200 <= answer.status < 300:
            if not answer.body.strip():
                return ""
            try:
                found = strict_json.parse(answer.body)
            except strict_json.NotStrict:
                found = None
            return str(found.get("id", "")) if isinstance(found, dict) else ""
        said = _trouble(answer)
        if _STALE in said:
            raise Conflict(f"flag {safe(name, 100)} is not any more what it was")
        if answer.status == 400 and _NO_TEST.search(said):
            raise Untested(
                "this Unleash takes no JSON-Patch `test`, as one older than 7 does: only a kill is safe here"
            )
        if answer.status == 404:
            kind = Gone if _NO_SUCH_STRATEGY in said.lower() else Refused
            raise kind(self._line(answer))
        for_now = answer.status == _TIMED_OUT or (force and answer.status in _FOR_NOW)
        if 400 <= answer.status < 500 and not for_now:
            raise Refused(self._line(answer), retry_after=answer.retry_after)
        raise ProviderError(self._line(answer), retry_after=answer.retry_after)

    @property
    def _base(self) -> str:
        return self._place.url.rstrip("/")

    async def _ask(self, method: str, url: str, body: Any = None) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Content-Type": "application/json"} if content else self._headers
        return await self._client.fetch(method, url, deadline=self._timeout, headers=headers, content=content)

    def _decoded(self, answer: Answer, kind: type[Result]) -> Result:
        if not 200 <= answer.status < 300:
            raise ProviderError(self._line(answer), retry_after=answer.retry_after)
        try:
            return strict_json.decode(answer.body, kind)
        except strict_json.NotStrict as error:
            raise ProviderError(f"what Unleash sent cannot be used: {error}") from None

    def _line(self, answer: Answer) -> str:
        said = safe(_trouble(answer).partition("\n")[0], 160)
        because = f": {said}" if said else ""
        if answer.status == 401:
            return f"Unleash does not know the token, or it has expired{because}"
        if answer.status == 403:
            return f"Unleash does not let this token do that{because}"
        return f"Unleash {answer.said}{because}"


def _strategy(data: Any) -> Strategy | None:
    if not isinstance(data, dict) or "name" not in data:
        return None
    try:
        return strict_json.decode(json.dumps(data).encode(), Strategy)
    except strict_json.NotStrict:
        return None


def _trouble(answer: Answer) -> str:
    """What the server gives as its reason; empty if it is none of Unleash's answers."""
    try:
        found = strict_json.decode(answer.body, _Trouble)
    except strict_json.NotStrict:
        return ""
    details = [str(each["message"]) for each in found.details if isinstance(each, dict) and "message" in each]
    return "\n".join(dict.fromkeys([found.message, *details])) if found.message else ""


def _quoted(name: str) -> str:
    return quote(name, safe="")

"""One change of one flag: its calls in order, what each proved, and whether somebody else was there meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from msgspec import structs

from repz_console.facts import Change
from repz_console.plan.exposure import nobody, same
from repz_console.providers import unleash_state as states
from repz_console.providers import unleash_strategy as strategies
from repz_console.providers.base import Conflict, Partial, ProviderError, Refused
from repz_console.providers.unleash_api import REHEARSAL, Api, Event, Request
from repz_console.text import safe

_ON = Request("POST", "/on")
_OFF = Request("POST", "/off")


class Reader(Protocol):
    """Reads one feature's flag."""

    async def __call__(self, api: Api, layout: states.Layout, feature: str, *, named: bool = True) -> states.Part:
        """As `Unleash` does: raises `ProviderError`."""
        ...


class Changing:
    """Changes the flags of one rollout."""

    def __init__(self, api: Api, layout: states.Layout, read: Reader) -> None:
        """Changes nothing yet."""
        self.api = api
        self.layout = layout
        self._read = read

    async def take(self, part: states.Part, change: Change) -> tuple[states.Part, tuple[Event, ...]]:
        """Take one feature to what the change says: what is then read, and what others had set at the same moment and
        lost by it.

        Raises `Conflict` and `Refused` when certainly nobody's share was changed, `Partial` when some was, another
        `ProviderError` when that is not known.
        """
        goal = states.of_feature(change.target, part.feature)
        if part.state.op == change.op and same(part.state.exposure, goal) and part.state.least is None:
            return part, ()
        requests, stamp = states.plan(self.layout, part, change, datetime.now(UTC))
        await self._send(part, requests)
        after = await self._read(self.api, self.layout, part.feature)
        on = states.enabled(self._at(part), self._wanted(part, change))
        if not self._shows(after, stamp, on=on):
            raise Partial(f"flag {part.flag} was changed by {_who(after)} at the same moment: look at what it shows")
        if self._at(part).enabled and not self._at(after).enabled:
            raise Partial(f"flag {part.flag} was switched off by {_who(after)} at the same moment: it stays off")
        if on and not self._at(after).enabled:
            await self._check_alone(part, stamp)
            after = await self._switch_on(after, stamp)
        try:
            return after, await self._rivals(part, stamp)
        except ProviderError:
            return after, ()

    async def switch_off(self, flags: Sequence[str]) -> None:
        """Switch flags off, all of them, whatever becomes of one. Raises like `RolloutWriter.apply`."""
        found = await asyncio.gather(*map(self._switch_off, flags), return_exceptions=True)
        troubles = [each for each in found if isinstance(each, BaseException)]
        for each in troubles:
            if not isinstance(each, Refused):
                raise each
        if troubles:
            raise (Refused if len(troubles) == len(flags) else Partial)(str(troubles[0]))

    async def empty(self, part: states.Part, change: Change) -> None:
        """Leave a flag that is off with strategies that let in nobody, and with at least one, so that it has moved on
        for whoever is about to switch it on. Raises `ProviderError`."""
        if part.at is None or part.at.enabled:
            return
        target = structs.replace(change, target=nobody())
        requests, _ = states.plan(self.layout, part, target, datetime.now(UTC))
        await self._send(part, requests)

    async def _send(self, part: states.Part, requests: Sequence[Request]) -> None:
        added: list[str] = []
        wrote = False
        for request in requests:
            try:
                if request == REHEARSAL:
                    await self.api.rehearse(part.flag)
                    continue
                found = await self.api.send(part.flag, _filled(request, added))
            except (Conflict, Refused) as error:
                what = error.fault.what
                if isinstance(error, Conflict):
                    what = f"{what}: {_who(await self._again(part))} changed it"
                if wrote:
                    raise Partial(f"flag {part.flag} was changed in part: {what}") from None
                await self._take_back(part.flag, added)
                raise type(error)(what, retry_after=error.fault.retry_after) from None
            if request.method == "POST":
                added.append(found)
            else:
                wrote = True

    async def _switch_on(self, part: states.Part, stamp: states.Stamp) -> states.Part:
        """Without an enabled strategy the server would add one that lets in everybody; there is one, just read."""
        if not self._at(part).active:
            raise Partial(f"flag {part.flag} has no enabled strategy: it stays off")
        try:
            await self.api.send(part.flag, _ON)
        except (Conflict, Refused) as error:
            raise Partial(f"the strategies of flag {part.flag} are set, and it stays off: {error.fault.what}") from None
        after = await self._read(self.api, self.layout, part.feature)
        if not self._shows(after, stamp, on=True) or not self._at(after).enabled:
            raise Partial(f"flag {part.flag} was changed by {_who(after)} while it was switched on: look at it")
        return after

    async def _check_alone(self, part: states.Part, stamp: states.Stamp) -> None:
        """A kill of a flag that is off shows in its strategies alone, which the change may just have written over.
        Raises `Partial`."""
        off = f"the strategies of flag {part.flag} are set, and it stays off"
        try:
            rivals = await self._rivals(part, stamp)
        except ProviderError as error:
            raise Partial(f"{off}: who else was there is not known: {error.fault.what}") from None
        if rivals:
            raise Partial(f"{off}: {safe(rivals[0].createdBy, 60)} changed them at the same moment")

    async def _rivals(self, before: states.Part, stamp: states.Stamp) -> tuple[Event, ...]:
        """What others set after `before` was read, which the change then wrote over. Raises `ProviderError`."""
        events = await self.api.events(before.flag)
        judged = {each.id: strategies.canonical(each, each.title or "") for each in self._at(before).strategies}
        return tuple(event for event in events if _is_rival(event, judged, stamp))

    async def _again(self, part: states.Part) -> states.Part:
        try:
            return await self._read(self.api, self.layout, part.feature)
        except ProviderError:
            return part

    async def _take_back(self, flag: str, added: Sequence[str]) -> None:
        """Remove strategies that were just added and let in nobody."""
        for each in added:
            try:
                await self.api.send(flag, Request("DELETE", f"/strategies/{each}"))
            except ProviderError:
                return

    async def _switch_off(self, flag: str) -> None:
        try:
            await self.api.send(flag, _OFF, force=True)
        except Refused:
            if not await self._is_missing(flag):
                raise

    async def _is_missing(self, flag: str) -> bool:
        try:
            return await self.api.flag(flag) is None
        except ProviderError:
            return False

    def _shows(self, part: states.Part, stamp: states.Stamp, *, on: bool) -> bool:
        """Whether a flag is what the change was to make of it, but for being on, which comes last."""
        if part.at is None:
            return False
        meant = structs.replace(part.at, enabled=on)
        return states.revision_of(meant, stamp) == f"{stamp.number}-{stamp.digest}"

    def _wanted(self, part: states.Part, change: Change) -> tuple[strategies.Wanted, ...]:
        attribute = self.layout.bucketing.attribute
        return strategies.wanted(change.target, part.feature, self.layout.regions, attribute)

    @staticmethod
    def _at(part: states.Part) -> strategies.Environment:
        return part.at or strategies.Environment("")


def last_of_others(events: Sequence[Event]) -> Event | None:
    """The latest of a flag's events that is not part of the console's latest change; the latest of all if there is no
    other. A stranger's edit leaves the title as the console wrote it, so that only who did it tells the two apart."""
    stamped = next((event for event in events if _stamped_by(event)), None)
    others = (event for event in events if stamped is None or not _is_of(event, stamped))
    return next(others, events[0] if events else None)


def overruled(flag: str, rivals: Sequence[Event]) -> str:
    """A line for what somebody else set at the moment of a change, and lost."""
    last = rivals[0]
    at = f"{last.createdAt.astimezone(UTC):%H:%M:%S} UTC"
    return f"flag {flag}: what {safe(last.createdBy, 60)} set at {at} was overruled by a change of the same moment"


def _is_rival(event: Event, judged: dict[str, str], stamp: states.Stamp) -> bool:
    before, after = event.before, event.after
    if before is None or after is None or after.title == stamp.title:
        return False
    # What the change itself added is not judged, but known by its stamp.
    return before.title == stamp.title or judged.get(before.id) == strategies.canonical(before, before.title or "")


def _stamped_by(event: Event) -> bool:
    """Whether an event set a stamp of the console's."""
    after = event.after
    if after is None or states.stamp_in(after.title) is None:
        return False
    return event.before is None or event.before.title != after.title


def _is_of(event: Event, stamped: Event) -> bool:
    after, ours = event.after, stamped.after
    return event.createdBy == stamped.createdBy and (
        after is not None and ours is not None and after.title == ours.title
    )


def _filled(request: Request, added: Sequence[str]) -> Request:
    """The request with the ids of the strategies that were added."""
    path = request.path
    for number, each in enumerate(added):
        path = path.replace(states.added_id(number), each)
    return structs.replace(request, path=path)


def _who(part: states.Part) -> Any:
    return part.state.changed_by or "somebody"

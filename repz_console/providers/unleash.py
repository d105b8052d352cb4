"""The kind `unleash`: rollouts as feature flags of an Unleash server, one flag a feature, by its Admin API.

Unleash changes one flag at a time, and compares only just before it writes. So strategies are changed by PATCH with
tests alone, never replaced; each change is read back; and the server's own events tell who else was there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from msgspec import field, structs

from repz_console.facts import Abilities, Change, Facts, Measured, RolloutState
from repz_console.plan.exposure import is_nobody, same, widens
from repz_console.plan.parts import carried, share_of
from repz_console.plan.secrets import SecretRef
from repz_console.providers import ours
from repz_console.providers import unleash_state as states
from repz_console.providers import unleash_strategy as strategies
from repz_console.providers import unleash_words as words
from repz_console.providers.address import check_proxy, check_url
from repz_console.providers.base import (
    Conflict,
    Context,
    Grade,
    Options,
    Partial,
    Provider,
    ProviderError,
    Refused,
    WayBack,
)
from repz_console.providers.headers import revealed
from repz_console.providers.net import Client
from repz_console.providers.unleash_api import Api, Place
from repz_console.providers.unleash_change import Changing, last_of_others, overruled
from repz_console.text import is_identifier, safe

Result = TypeVar("Result")

_FLAG = re.compile(r"[A-Za-z0-9_.~-]{1,100}\Z")
_SWITCH = "UPDATE_FEATURE_ENVIRONMENT"
_STEER = ("CREATE_FEATURE_STRATEGY", "UPDATE_FEATURE_STRATEGY", _SWITCH)
"""The server's names for what a kill needs, and what every other change does."""

_TRIES = 5
"""How often a kill tries to empty a flag that somebody else is changing."""


class UnleashOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "unleash"`."""

    url: str
    """Where Unleash answers, without `/api`: `https://`, or `http://` on this machine."""
    token: SecretRef
    """`{ secret = "NAME" }`: a token of the Admin API (personal, of a service account), not one of a client."""
    project: str = "default"
    """The project's id."""
    environment: str = "production"
    """The environment that clients of this launch evaluate."""
    prefix: str = "repz."
    """What the names of the flags start with; a flag's name is `PREFIX` `ROLLOUT` `.` `FEATURE`."""
    flags: dict[str, str] = field(default_factory=dict)
    """Flags with names of their own: `{ "production.core" = "core-engine" }`, by `ROLLOUT.FEATURE`."""
    attribute: str = "country"
    """The field of the Unleash context that holds a person's ISO 3166 country code."""
    stickiness: str = "userId"
    """The field of the Unleash context that people are bucketed by."""
    propagation: float = 17
    """Seconds until every client has seen a change: 15 between two of its looks, 2 that the server may keep an answer.
    """
    timeout: float = 4
    """Seconds for each request."""
    proxy: str = ""
    """An HTTP proxy to go through, `http://HOST:PORT`. The environment's proxies are not used."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        check_url(self.url)
        if self.proxy:
            check_proxy(self.proxy)
        for name in ("project", "environment", "attribute", "stickiness"):
            if not is_identifier(getattr(self, name)):
                raise ValueError(f"{name} must be letters, digits and . _ : @ / + -")
        if self.stickiness in ("default", "random"):
            raise ValueError(
                "stickiness must be a field of the context, such as userId: what else there is "
                "shows some people now this and now that"
            )
        if not is_identifier(self.prefix or "x"):
            raise ValueError("prefix must be letters, digits and . _ -")
        if any(not _FLAG.match(name) for name in self.flags.values()):
            raise ValueError("flags must be named with letters, digits and . _ ~ -")
        if len(set(self.flags.values())) < len(self.flags):
            raise ValueError("flags must not give one flag to two features")
        if not 0 <= self.propagation <= 3600:
            raise ValueError("propagation must be from 0 to 3600 seconds")
        if not 0 < self.timeout <= 10:
            raise ValueError("timeout must be more than 0 and at most 10 seconds")


class Unleash(Provider):
    """Reads and steers the flags of its rollouts."""

    kind: ClassVar[str] = "unleash"
    own_config_only = False
    tells = frozenset({"rollouts"})
    Options = UnleashOptions
    options: UnleashOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        chosen = self.options
        self._client = Client(chosen.url, proxy=chosen.proxy)
        self._place = Place(chosen.url, chosen.project, chosen.environment)
        self._seen: dict[str, tuple[states.Part, ...]] = {}
        """Each rollout's flags as they were read last, to tell beforehand what a change would send."""
        self._overruled: dict[str, str] = {}
        """A flag's revision to what somebody else had set at the same moment."""

    async def fetch(self) -> Facts:
        """The state of every rollout that this source controls, and what clients counted of what is on."""
        api = await self._api()
        layouts = [self._layout(name) for name in ours.rollouts(self.context)]
        found = await _all(self._parts(api, layout) for layout in layouts)
        measured = await _all(
            self._measured(api, part) for parts in found for part in parts if not is_nobody(part.state.exposure)
        )
        rollouts = tuple(states.whole(parts) for parts in found)
        return Facts(rollouts=rollouts, measured=tuple(each for each in measured if each), notes=self._client.notes)

    async def read(self, rollout: str) -> RolloutState:
        """One rollout's state, read afresh."""
        layout = self._layout(rollout)
        return states.whole(await self._parts(await self._api(), layout))

    async def apply(self, change: Change) -> RolloutState:
        """Take the rollout's flags to the target one by one, and return what is then read from them.

        What shrinks goes first, the last feature first; then what widens. A forced change switches off.
        """
        layout = self._layout(change.rollout)
        features = self._features(layout, change)
        target = share_of(change.target, features)
        try:
            api = await self._api(fresh=True)
        except ProviderError as error:
            raise Refused(error.fault.what) from None
        if change.force:
            return await self._force(api, layout, change, features)
        try:
            parts = await self._parts(api, layout, features)
        except ProviderError as error:
            raise Refused(f"nothing was sent, for {error.fault.what}", retry_after=error.fault.retry_after) from None
        state = _state(layout, parts)
        if state.op == change.op and same(state.exposure, target) and state.least is None:
            return state
        if state.revision != change.expect:
            moved = f"{change.rollout} is at revision {state.revision}, not at {safe(change.expect, 60)}"
            raise Conflict(f"{moved}: {_who(state)}")
        if widens(state.exposure, target) and state.epoch > change.epoch:
            raise Refused(f"another store took {change.rollout} over since: only it may show more")
        await self._go(Changing(api, layout, self._part), parts, change)
        return _state(layout, await self._parts(api, layout, features))

    def scopes(self, rollout: str) -> tuple[tuple[str, ...], ...]:
        """Each feature is a flag of its own."""
        return tuple((feature,) for feature in self._layout(rollout).flags)

    def grade(self) -> Grade:
        """A PATCH tests what it was judged by and then writes, in two steps of which the server does not lock any."""
        return "checked"

    def propagation(self) -> float:
        """Seconds until every client has seen a change."""
        return self.options.propagation

    def abilities(self) -> Abilities:
        """Whole percents, by region and by feature; the test comes before the write, not with it."""
        return Abilities(
            step=1,
            kill="off",
            compares="stale",
            dry_run=True,
            propagation=self.options.propagation,
            sticky=f"a hash of the rollout and {self.options.stickiness}",
            cannot="it knows no share finer than 1 %, and of two changes of one moment it may take both: "
            "what was overruled is told from its own events",
        )

    async def ready(self) -> str:
        """Empty if this token could change the flags now. Asks for a change of a strategy that does not exist."""
        try:
            api = await self._api()
            lacking = await api.lacks(_STEER)
            if lacking:
                return f"the token may not {lacking} in {self.options.environment} of {self.options.project}"
            for layout in map(self._layout, ours.rollouts(self.context)):
                parts = await _all(self._part(api, layout, feature, named=False) for feature in layout.flags)
                for part in parts:
                    if part.at is None:
                        return f"there is no flag {part.flag} in Unleash: create it first, off in every environment"
                if parts:
                    await api.rehearse(parts[0].flag)
        except ProviderError as error:
            return error.fault.what
        return ""

    async def way_back(self) -> WayBack:
        """A kill only switches off, which needs less than a roll back."""
        try:
            lacking = await (await self._api()).lacks([_SWITCH])
        except ProviderError as error:
            return WayBack(error.fault.what, error.fault.what)
        kill = f"the token may not {lacking} in {self.options.environment}" if lacking else ""
        return WayBack(roll_back=await self.ready(), kill=kill)

    def calls(self, change: Change) -> tuple[str, ...]:
        """The requests that the change would make of the flags as they were read last."""
        layout = self._layout(change.rollout)
        features = self._features(layout, change)
        seen = [part for part in self._seen.get(change.rollout, ()) if part.feature in features]
        return words.calls(self._place, layout, _in_order(seen, change), change, datetime.now(UTC))

    def card(self, rollout: str) -> tuple[str, ...]:
        """Commands that switch every flag of the rollout off."""
        layout = self._layout(rollout)
        return words.card(self._place, rollout, list(layout.flags.values()), self.options.token)

    def _layout(self, rollout: str) -> states.Layout:
        options, found = self.options, ours.rollout(self.context, rollout)
        flags = {}
        for feature in carried(found, self.context.source):
            flags[feature] = options.flags.get(f"{rollout}.{feature}", f"{options.prefix}{rollout}.{feature}")
        for name in flags.values():
            if not _FLAG.match(name):
                raise Refused(f"Unleash takes no flag named {safe(name, 100)}: give it a name in `flags`")
        return states.Layout(
            rollout=rollout,
            environment=options.environment,
            bucketing=strategies.Bucketing(f"{options.prefix}{rollout}", options.stickiness, options.attribute),
            regions=self.context.plan.region,
            flags=flags,
        )

    def _features(self, layout: states.Layout, change: Change) -> tuple[str, ...]:
        """The features that a change is about. Raises `Refused` for a target that Unleash cannot show."""
        unknown = sorted({*change.scope, *change.target.features} - set(layout.flags))
        if unknown:
            raise Refused(f"no stage of {change.rollout} has the feature {safe(unknown[0], 60)}")
        for feature in layout.flags:
            strategies.wanted(change.target, feature, layout.regions, self.options.attribute)
        return tuple(feature for feature in layout.flags if not change.scope or feature in change.scope)

    async def _api(self, *, fresh: bool = False) -> Api:
        headers = await revealed({"Authorization": self.options.token}, self.context, fresh=fresh)
        return Api(self._client, self._place, headers, self.options.timeout)

    async def _parts(self, api: Api, layout: states.Layout, features: Sequence[str] = ()) -> tuple[states.Part, ...]:
        parts = tuple(await _all(self._part(api, layout, feature) for feature in features or layout.flags))
        kept = {part.feature: part for part in (*self._seen.get(layout.rollout, ()), *parts)}
        self._seen[layout.rollout] = tuple(kept[feature] for feature in layout.flags if feature in kept)
        return parts

    async def _part(self, api: Api, layout: states.Layout, feature: str, *, named: bool = True) -> states.Part:
        """One flag as it is. Where it is not the console's work, the server's events tell whose it is, if `named`."""
        part = states.read(layout, feature, await api.flag(layout.flags[feature]))
        state = part.state
        if named and part.written and not state.op:
            try:
                events = await api.events(part.flag)
            except ProviderError:
                events = ()  # what it is comes before whose it is
            last = last_of_others(events)
            if last is not None:
                by, at = safe(last.createdBy, 100), last.createdAt.astimezone(UTC)
                state = structs.replace(state, changed_by=by, changed_at=at)
            note = f"flag {part.flag} was changed by somebody outside this console, or a change of it was broken off"
            state = structs.replace(state, notes=(*state.notes, note))
        told = self._overruled.get(f"{part.flag} {state.revision}")
        if told:
            state = structs.replace(state, notes=(*state.notes, told))
        return structs.replace(part, state=state)

    async def _measured(self, api: Api, part: states.Part) -> Measured | None:
        """What clients counted; None where they counted nothing, or the server does not say."""
        try:
            usage = await api.usage(part.flag)
        except ProviderError:
            return None
        yes, no = sum(each.yes for each in usage), sum(each.no for each in usage)
        if yes + no <= 0:
            return None
        share, at = round(100 * yes / (yes + no), 2), max(each.timestamp for each in usage).astimezone(UTC)
        return Measured(part.state.rollout, part.feature, share, yes + no, at)

    async def _go(self, changing: Changing, parts: Sequence[states.Part], change: Change) -> None:
        done: list[str] = []
        for part in _in_order(parts, change):
            try:
                after, rivals = await changing.take(part, change)
            except (Conflict, Refused) as error:
                if not done:
                    raise
                raise Partial(
                    f"{', '.join(done)} of {change.rollout} changed, {part.feature} not: {error.fault.what}"
                ) from None
            if rivals:
                line = overruled(part.flag, rivals)
                self._overruled[f"{part.flag} {after.state.revision}"] = line
            done.append(part.feature)

    async def _force(self, api: Api, layout: states.Layout, change: Change, features: Sequence[str]) -> RolloutState:
        """Switch off first, by one short call a flag, and only then leave strategies that let in nobody: what still
        may switch an environment on, a late call or a hand, then shows it to nobody."""
        off = [name for name in features if is_nobody(states.of_feature(change.target, name))]
        changing = Changing(api, layout, self._part)
        if len(off) < len(features):
            await self._force_down(changing, change, [name for name in features if name not in off])
        await changing.switch_off([layout.flags[name] for name in off[::-1]])
        loaded = off[::-1]
        try:
            for _ in range(_TRIES):
                loaded = [name for name in loaded if await self._empty(changing, name, change)]
                parts = await self._parts(api, layout, features)
                loaded = [part.feature for part in parts if part.feature in loaded and part.loaded]
                if not loaded:
                    break
        except ProviderError:
            told = ("switched off, and not read back since",)
            return RolloutState(layout.rollout, share_of(change.target, tuple(features)), "", op=change.op, notes=told)
        for part in parts:
            if part.feature in off and not is_nobody(part.state.exposure):
                by = part.state.changed_by or "somebody"
                raise ProviderError(f"flag {part.flag} was switched off, and is on again by {by}")
        return _state(layout, parts)

    async def _empty(self, changing: Changing, feature: str, change: Change) -> bool:
        """False where that cannot be done. It is off all the same, which is what was asked for."""
        try:
            await changing.empty(await self._part(changing.api, changing.layout, feature, named=False), change)
        except (Conflict, Partial):
            return True  # somebody is changing it, and may switch it on next
        except ProviderError:
            return False
        return True

    async def _force_down(self, changing: Changing, change: Change, features: Sequence[str]) -> None:
        """Lower what a forced change leaves some of, whatever the revision."""
        parts = [await self._part(changing.api, changing.layout, name, named=False) for name in features]
        for part in parts:
            if widens(part.state.least or part.state.exposure, states.of_feature(change.target, part.feature)):
                raise Refused("a forced change may only show less")
        await self._go(changing, parts, change)


def _in_order(parts: Sequence[states.Part], change: Change) -> list[states.Part]:
    """What shows nobody more, from the last feature to the first, and then what does, from the first to the last."""

    def grows(part: states.Part) -> bool:
        return widens(part.state.exposure, states.of_feature(change.target, part.feature))

    return [part for part in parts[::-1] if not grows(part)] + [part for part in parts if grows(part)]


def _state(layout: states.Layout, parts: Sequence[states.Part]) -> RolloutState:
    """The state of the features that a change is about: the rollout's, or one feature's."""
    if len(parts) == 1 and len(layout.flags) > 1:
        return parts[0].state
    return states.whole(parts)


def _who(state: RolloutState) -> str:
    at = f" at {state.changed_at:%H:%M:%S} UTC" if state.changed_at else ""
    return f"{state.changed_by or 'somebody'} changed it{at}"


async def _all(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """Every call's answer, once all have ended; raises the first trouble of any."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    answers = []
    for each in found:
        if isinstance(each, BaseException):
            raise each
        answers.append(each)
    return answers

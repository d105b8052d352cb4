"""The providers that a plan's sources name: made once, opened when first used, closed together.

What folds the journal needs nothing opened and is at hand from the start. What is polled or applies changes is opened
by its first use, so that a command that reads only what is stored opens nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from repz_console.config import Loaded
from repz_console.engine.deadline import Overdue, within
from repz_console.engine.trust import withheld
from repz_console.facts import Abilities, Facts
from repz_console.plan.model import Plan
from repz_console.plan.secrets import references
from repz_console.providers import registry
from repz_console.providers.base import (
    Able,
    Context,
    Fetcher,
    JournalReader,
    Provider,
    ProviderError,
    Refused,
    RolloutWriter,
    Stepwise,
)
from repz_console.secret import anything_known, redact_json
from repz_console.text import safe

OPEN_DEADLINE = 5.0
"""Seconds that opening a source may take."""
CLOSE_DEADLINE = 1.0
"""Seconds that closing one may take."""


class Sources:
    """The providers of one plan."""

    def __init__(self, own: Loaded, loaded: Loaded, plan: Plan, state: Path) -> None:
        """`own` is this user's config, `loaded` the one of the plan in force, `state` the store's folder."""
        self.readers: dict[str, JournalReader] = {}
        """Those that fold the journal, by source id."""
        self.broken: dict[str, str] = {}
        """Source id to why it cannot be used at all, in one line."""
        self.tells: dict[str, frozenset[str]] = {}
        """Source id to the fields of `Facts` that it fills once it answers."""
        self.abilities: dict[str, Abilities] = {}
        """Source id to what it can do, of those that apply rollouts."""
        self._providers: dict[str, Provider] = {}
        self._opened: dict[str, Provider] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._secrets: dict[str, tuple[Context, tuple[str, ...]]] = {}
        for source_id, source in plan.source.items():
            folder = loaded.path.resolve().parent
            context = Context(source=source_id, plan=plan, folder=folder, state=state, vault=own.vault)
            try:
                if why := withheld(own, loaded, source_id):
                    self.broken[source_id] = safe(why)
                    continue
                provider = registry.create(source_id, source, loaded.options.get(source_id), context)
            except Exception as error:  # a stranger's class may raise anything; the other sources go on
                self.broken[source_id] = safe(f"cannot be used: {error}")
                self.tells[source_id] = _told_by(source.kind)
                continue
            self._providers[source_id] = provider
            named = {name for _, name in references(loaded.document.data["source"][source_id])}
            self._secrets[source_id] = context, tuple(sorted(named))
            self.tells[source_id] = provider.tells
            if isinstance(provider, RolloutWriter):
                self.abilities[source_id] = _abilities(provider)
            self._locks[source_id] = asyncio.Lock()
            if isinstance(provider, JournalReader):
                self.readers[source_id] = provider

    @property
    def polled(self) -> tuple[str, ...]:
        """Ids of the sources that are polled."""
        return tuple(
            source_id
            for source_id, provider in self._providers.items()
            if isinstance(provider, Fetcher) and source_id not in self.readers
        )

    async def lacking(self) -> frozenset[str]:
        """Ids of the sources that cannot be used here, and perhaps by another console: for want of a secret, of a kind
        or of this user's consent."""
        return frozenset(self.broken) | frozenset(await self._without_a_secret())

    async def _without_a_secret(self) -> list[str]:
        wanted = {name: context for context, names in self._secrets.values() for name in names}
        answers = await asyncio.gather(
            *(context.secret(name) for name, context in wanted.items()), return_exceptions=True
        )
        missing = {name for name, answer in zip(wanted, answers, strict=True) if isinstance(answer, Exception)}
        return [source_id for source_id, (_, names) in self._secrets.items() if missing.intersection(names)]

    async def fetch(self, source_id: str) -> Facts:
        """One look at a polled source, opening it first if need be. Raises what the provider raises."""
        provider = await self._open(source_id)
        if not isinstance(provider, Fetcher):
            raise ProviderError(f"{source_id} is not polled")
        return _without_secrets(await provider.fetch())

    async def writer(self, source_id: str) -> RolloutWriter:
        """The backend of that id, open. Raises `Refused` if there is none, `ProviderError` if it cannot be opened."""
        provider = await self._open(source_id)
        if not isinstance(provider, RolloutWriter):
            raise Refused(f"{source_id} cannot change a rollout")
        return provider

    def unopened(self, source_id: str) -> Provider:
        """The provider of that id as it is, for what it can say without being opened. Raises `Refused`."""
        if source_id not in self._providers:
            raise Refused(self.broken.get(source_id) or f"the plan has no source {source_id}")
        return self._providers[source_id]

    def scopes(self, source_id: str, rollout: str) -> tuple[tuple[str, ...], ...]:
        """The groups of features that a backend changes one after the other; empty where it takes all at once, or
        cannot say: it then refuses its own step, and no other one's."""
        provider = self._providers.get(source_id)
        with contextlib.suppress(Exception):
            return provider.scopes(rollout) if isinstance(provider, Stepwise) else ()
        return ()

    async def aclose(self) -> None:
        """Close all that was opened, each within a second."""
        closing = [self._close(provider) for provider in self._opened.values()]
        self._opened.clear()
        await asyncio.gather(*closing)

    async def _open(self, source_id: str) -> Provider:
        provider = self.unopened(source_id)
        async with self._locks[source_id]:
            if source_id not in self._opened:
                try:
                    await within(OPEN_DEADLINE, provider.__aenter__())
                except Overdue as overdue:
                    raise ProviderError(f"it could not be opened: {overdue}") from overdue
                except ProviderError:
                    raise
                except Exception as error:  # a defect of one provider stays with that provider
                    raise ProviderError(safe(f"it could not be opened: {type(error).__name__}: {error}")) from error
                self._opened[source_id] = provider
            return self._opened[source_id]

    async def _close(self, provider: Provider) -> None:
        with contextlib.suppress(Exception):  # it is being left behind: nothing that it could say matters any more
            await within(CLOSE_DEADLINE, provider.__aexit__(None, None, None))


def _abilities(backend: RolloutWriter) -> Abilities:
    """What a backend says that it can do; one that says nothing can do what a plan may ask for."""
    try:
        return backend.abilities() if isinstance(backend, Able) else Abilities()
    except Exception as error:  # a defect of one provider stays with that provider
        return Abilities(cannot=safe(f"it cannot say what it can do: {type(error).__name__}: {error}"))


def _told_by(kind: str) -> frozenset[str]:
    """What a kind tells, of which there is no provider. One that cannot even be loaded might tell anything."""
    try:
        return registry.load(kind).tells
    except registry.KindError:
        return frozenset(Facts.__struct_fields__)


def _without_secrets(facts: Facts) -> Facts:
    """A server may answer with what it was asked with."""
    if not anything_known():
        return facts
    told = msgspec.json.encode(facts)
    masked = redact_json(told)
    return facts if masked == told else msgspec.json.decode(masked, type=Facts)

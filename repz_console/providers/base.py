"""What a provider is: an async context manager with a typed config and one capability per small protocol.

Reading and writing are separate protocols, so that what cannot write cannot be written by mistake. There are two ways
to read: a `Fetcher` is polled, and a `JournalReader` folds the journal, for the facts that the team writes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, runtime_checkable

from msgspec import Struct

from repz_console.events import AnyEvent, Entry
from repz_console.facts import Abilities, Change, Facts, Fault, RolloutState
from repz_console.plan.model import Plan
from repz_console.secret import Secret, redact
from repz_console.text import safe

if TYPE_CHECKING:
    from repz_console.vault import Vault

Grade = Literal["keyed", "checked", "compared", "blind", "by hand"]
"""What a backend checks before it writes. `compared`: the revision. `keyed`: that, and it knows the id of what it
wrote, so that the same change sent twice has the effect of once and a read-back tells whose it shows. `checked`: as
keyed, but it looks first and writes then, so that of two changes of one moment both may be taken. `blind`: nothing,
so that a change without an answer may come at any time, and only a person can say that it will not. `by hand`: it sends
nothing, a person does it and says what they saw then."""

STATE_PATH = "state:"
"""How a path option says that its file lies in the store's folder."""


SECRET_DEADLINE = 8.0
"""Seconds that fetching a secret may take: a command may take five, a keyring may ask its user."""


class ProviderError(Exception):
    """A source could not answer. Carries a `Fault` with one plain, safe line."""

    def __init__(self, what: str, *, retry_after: float | None = None) -> None:
        what = redact(what)
        super().__init__(what)
        self.fault = Fault(what, retry_after)


class Conflict(ProviderError):
    """The backend is not at the revision that the change was judged against: nothing was written."""


class Refused(ProviderError):
    """The backend cannot do this change and wrote nothing."""


class Partial(ProviderError):
    """Some of the change was written, and it is known which: it neither happened nor did it not."""


class Context(Struct, frozen=True):
    """What a provider may know of its surroundings."""

    source: str
    """The source's id in the config."""
    plan: Plan
    folder: Path
    """The config file's folder: relative paths start here."""
    state: Path | None = None
    """The store's folder, which `state:NAME` paths name; None where no store is open."""
    vault: Vault | None = None
    """Where secrets come from; None where this user's own config names none."""

    async def secret(self, name: str, *, fresh: bool = False) -> Secret:
        """The secret of `[secret.NAME]`, for a request that is made now: reveal it there, and keep neither.

        One that only reads may be given a secret fetched minutes ago. With `fresh` it is fetched now and remembered
        nowhere: for what changes something. Raises `ProviderError`.
        """
        from repz_console.providers.threads import in_thread
        from repz_console.vault import SecretError

        vault = self.vault
        if vault is None:
            raise ProviderError(f"there is no [secret.{safe(name, 60)}] in your own config")
        fetch = vault.fetch if fresh else vault.watching
        try:
            return await in_thread(lambda: fetch(name), deadline=SECRET_DEADLINE, what=f"secret {name}")
        except SecretError as error:
            raise ProviderError(str(error)) from None

    def resolve(self, text: str) -> Path:
        """A path option as the file it means: `state:NAME` inside the store's folder, `~` the user's home, any other
        relative path from the config file's folder. Raises `ProviderError`.
        """
        if not text.startswith(STATE_PATH):
            return self.folder / Path(text).expanduser()
        name = Path(text.removeprefix(STATE_PATH))
        if name.is_absolute() or ".." in name.parts or name == Path():
            raise ProviderError(f"{safe(text)} must name a file inside the store's folder")
        if self.state is None:
            raise ProviderError(f"{safe(text)} needs the store's folder, and no store is open")
        return self.state / name


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of a kind's config table: the keys besides `kind` and `every`."""


class Provider:
    """The base of every kind. Subclasses set `Options` and implement one or more of the protocols below."""

    kind: ClassVar[str]
    own_config_only: ClassVar[bool] = True
    """Whether a plan that somebody else adopted may not use this kind on this machine unless this user's own config has
    the same table. False for a kind whose options can neither run anything nor reach what only this user may."""
    Options: ClassVar[type[Options]] = Options
    tells: ClassVar[frozenset[str]] = frozenset()
    """The fields of `Facts` that it fills whenever it answers, such as `bugs`. Until it has answered nobody knows what
    is in them, and what rests on them is INCONCLUSIVE."""

    def __init__(self, options: Any, context: Context) -> None:
        """`options` is an instance of the class's own `Options`."""
        self.options = options
        self.context = context

    async def __aenter__(self) -> Self:
        """Open what the source needs. Must not wait for the network: that is what polling is for."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close everything, within a second."""


@runtime_checkable
class Fetcher(Protocol):
    """A source that is polled."""

    async def fetch(self) -> Facts:
        """One look at the source. Raises `ProviderError`; any other exception is a defect of the provider."""
        ...


@runtime_checkable
class JournalReader(Protocol):
    """A source whose facts are what people wrote in the journal. Every console folds it for itself, at once."""

    def fold(self, entries: Sequence[Entry]) -> None:
        """Take in the entries that came since the last call, oldest first."""
        ...

    def facts(self) -> Facts:
        """What the entries so far add up to. The same object as long as nothing relevant came."""
        ...


@runtime_checkable
class RolloutWriter(Protocol):
    """A backend that applies rollout changes."""

    async def apply(self, change: Change) -> RolloutState:
        """Make `change.target` so, if the backend still is at `change.expect` (always, with `change.force`).

        Returns the state as written. Raises `Conflict` or `Refused` when certainly nothing was written, any other
        `ProviderError` when that is not known. Applying the same `op` twice has the effect of once.
        """
        ...

    async def read(self, rollout: str) -> RolloutState:
        """The state as configured now, read afresh."""
        ...

    def grade(self) -> Grade:
        """What it checks before it writes: how a change without an answer is settled depends on it."""
        ...

    def propagation(self) -> float:
        """Seconds until every client may be expected to have seen a change."""
        ...

    async def ready(self) -> str:
        """Empty if this user could write now, else what stands in the way in one line. Writes nothing."""
        ...


@runtime_checkable
class Able(Protocol):
    """A backend that says what it can do. Without this it can do what a plan may ask for."""

    def abilities(self) -> Abilities:
        """What it can do, as far as that is known without asking it."""
        ...


@runtime_checkable
class Stepwise(Protocol):
    """A backend that cannot change all features of a rollout in one step. Without this one change takes them all."""

    def scopes(self, rollout: str) -> tuple[tuple[str, ...], ...]:
        """The features that are changed together, each group by a change of its own (`Change.scope`), in the order in
        which widening goes. What `read` says of the rollout then has a state a scope in `RolloutState.parts`."""
        ...


@runtime_checkable
class Explaining(Protocol):
    """A backend that can put into words what it does."""

    def calls(self, change: Change) -> tuple[str, ...]:
        """What `apply` would do, a line each as an operator would write it (`PATCH https://... [...]`), secrets named
        and not shown."""
        ...

    def card(self, rollout: str) -> tuple[str, ...]:
        """The exact commands that take the rollout to nobody without this console, for a POSIX shell, one line each; a
        line that begins with `#` explains. Secrets come from environment variables, which a `#` line names."""
        ...


class WayBack(Struct, frozen=True):
    """What stands in the way of a way back now, each in one line; empty where nothing does."""

    roll_back: str = ""
    kill: str = ""


@runtime_checkable
class Rehearsing(Protocol):
    """A backend that can tell of a roll back and a kill apart: a kill may work where no other change does."""

    async def way_back(self) -> WayBack:
        """What each would meet now. Writes nothing. Without this, `ready` speaks for both."""
        ...


@runtime_checkable
class BugTriage(Protocol):
    """A tracker in which bugs can be filed and changed: gives the events that say so."""

    def filed(self, title: str, priority: str, *, assignee: str = "", note: str = "") -> AnyEvent:
        """The event that files a new bug."""
        ...

    def changed(self, bug: str, **fields: str) -> AnyEvent:
        """The event that changes one: `title`, `priority`, `assignee`, `state`, `note`. Raises `ProviderError`
        if there is no such bug."""
        ...


@runtime_checkable
class SpendBook(Protocol):
    """A book in which spend is entered."""

    def added(self, line: str, amount: str, *, entry: str, on: str, today: date, note: str = "") -> AnyEvent:
        """The event that enters a spend; `amount` as typed, `on` an ISO date, `today` where the launch is, to judge
        that date by. Raises `ProviderError`.
        """
        ...

    def voided(self, spend: str, reason: str) -> AnyEvent:
        """The event that takes an entry back. Raises `ProviderError` if there is none such."""
        ...


def reading_time(now: datetime) -> datetime:
    """`now` cut to whole milliseconds, so that equal readings compare equal after a round trip through JSON."""
    return now.replace(microsecond=now.microsecond // 1000 * 1000)

"""The kind `manual`: a rollout that people operate, by a command or a click elsewhere. It sends nothing.

What is configured there is what somebody last said they saw, for as long as that is to be believed. A change stays
without an outcome until somebody looks: what they see then is what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from msgspec.structs import replace

from repz_console.events import ChangeEnded, ChangeIntended, Entry, ExposureObserved
from repz_console.facts import Abilities, Change, Exposure, Facts, RolloutState
from repz_console.plan import observed
from repz_console.plan.exposure import is_nobody, same
from repz_console.plan.parts import share_of
from repz_console.providers import ours
from repz_console.providers.base import Context, Grade, Options, Provider, ProviderError
from repz_console.text import safe

COMMAND = "$ "
"""How an instruction says that it is a command of a POSIX shell, as which it then stands on the break-glass card."""


class ManualOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "manual"`."""

    instructions: str
    """What to do to make a change, in one line; `{percent}`, `{regions}` and `{features}` stand for what is asked for.
    One that begins with `$ ` is a command."""
    kill: str
    """The command or click that takes everybody off, in one line."""
    propagation: float = 0
    """Seconds until every client may be expected to have seen a change."""

    def __post_init__(self) -> None:
        """Refuse what would tell nobody what to do."""
        for name, text in (("instructions", self.instructions), ("kill", self.kill)):
            if not text.removeprefix(COMMAND).strip() or "\n" in text:
                raise ValueError(f"{name} must be one line that says what to do")
        if not 0 <= self.propagation <= 86400:
            raise ValueError("propagation must be from 0 to 86400 seconds")


class Manual(Provider):
    """Says what to do, and knows what people saw."""

    kind: ClassVar[str] = "manual"
    own_config_only = False
    tells = frozenset({"rollouts"})
    Options = ManualOptions
    options: ManualOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._open: dict[str, tuple[str, Exposure]] = {}
        """Id of a change that has no outcome to the rollout and the share of it that is to be done here."""
        self._seen: dict[str, RolloutState] = {}
        self._facts: Facts | None = None

    def fold(self, entries: Sequence[Entry]) -> None:
        """Take in what was decided about its rollouts, and what people saw."""
        for entry in entries:
            event = entry.event
            if isinstance(event, ChangeIntended) and event.rollout in ours.rollouts(self.context):
                share = share_of(event.target, ours.features(self.context, event.rollout))
                self._open[event.op] = event.rollout, share
            elif isinstance(event, ChangeEnded) and event.outcome not in ("unknown", "partial"):
                self._open.pop(event.op, None)
            elif isinstance(event, ExposureObserved) and self._is_ours(event):
                state = observed.state_of(event, entry.actor, entry.at, entry.seq)
                self._seen[event.rollout] = replace(state, op=self._done_by(state))
                self._facts = None

    def facts(self) -> Facts:
        """What people saw last, of every rollout that anybody ever looked at."""
        if self._facts is None:
            self._facts = Facts(rollouts=tuple(self._seen.values()))
        return self._facts

    async def read(self, rollout: str) -> RolloutState:
        """What somebody saw last. Raises `ProviderError` where nobody looked, or too long ago."""
        ours.rollout(self.context, rollout)
        state = self._seen.get(rollout)
        if state is None or state.until is None:
            raise ProviderError(f"nobody has said yet what {self.context.source} shows: look, and say it")
        if datetime.now(UTC) >= state.until:
            seen = f"{state.changed_by} looked last, and was believed until {state.until:%H:%M} UTC"
            raise ProviderError(f"{seen}: look again")
        return state

    async def apply(self, change: Change) -> RolloutState:
        """Send nothing and say what to do. Raises `ProviderError`, for what becomes of it only a person can say."""
        ours.rollout(self.context, change.rollout)
        raise ProviderError(f"do it by hand, then say what it shows: {self._instruction(change.target)}")

    def grade(self) -> Grade:
        """Nothing is sent, so that nothing can come late."""
        return "by hand"

    def propagation(self) -> float:
        """Seconds until every client may be expected to have seen a change."""
        return self.options.propagation

    def abilities(self) -> Abilities:
        """What a person can do elsewhere is not known: all that a plan may ask for."""
        return Abilities(
            kill="zero",
            dry_run=True,
            reads_back=False,
            propagation=self.options.propagation,
            cannot="a person makes the change and says what they see, for nothing here can",
        )

    async def ready(self) -> str:
        """Empty: to say what to do nothing is needed."""
        return ""

    def calls(self, change: Change) -> tuple[str, ...]:
        """What a person has to do."""
        return (f"by hand: {self._instruction(change.target)}",)

    def card(self, rollout: str) -> tuple[str, ...]:
        """What takes everybody off: as a command where it is one."""
        ours.rollout(self.context, rollout)
        if self.options.kill.startswith(COMMAND):
            return (self.options.kill.removeprefix(COMMAND).strip(),)
        return (f"# By hand: {safe(self.options.kill)}",)

    def _is_ours(self, event: ExposureObserved) -> bool:
        return event.controller == self.context.source and event.rollout in ours.rollouts(self.context)

    def _instruction(self, target: Exposure) -> str:
        if is_nobody(target):
            return safe(self.options.kill)
        shares = {region: percent for region, percent in target.percent.items() if percent > 0}
        each = ", ".join(f"{region} {percent:g} %" for region, percent in shares.items())
        told = self.options.instructions
        same_everywhere = len(set(shares.values())) == 1
        for name, text in (
            ("{percent}", f"{next(iter(shares.values())):g}" if same_everywhere else each),
            ("{regions}", ", ".join(shares)),
            ("{features}", ", ".join(target.features)),
        ):
            told = told.replace(name, text)
        return safe(told, 400)

    def _done_by(self, state: RolloutState) -> str:
        """The change that is done by what somebody saw, the newest first; as before if they saw the same as before."""
        for op, (rollout, share) in reversed(self._open.items()):
            if rollout == state.rollout and same(share, state.exposure):
                return op
        before = self._seen.get(state.rollout)
        return before.op if before is not None and same(before.exposure, state.exposure) else ""

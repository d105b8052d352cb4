"""The kind `flagd`: rollouts in a flag definition file that any flagd or in-process OpenFeature client evaluates.

One file holds every rollout that this controller applies; flags of others in it are kept as they are. Each rollout
has a revision of its own, so that changing one is no conflict for another.
"""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from repz_console.facts import Abilities, Change, Facts, RolloutState
from repz_console.plan.exposure import nobody, same, widens
from repz_console.providers import flagd_state as states
from repz_console.providers import flagd_words as words
from repz_console.providers import ours
from repz_console.providers.base import Conflict, Context, Grade, Options, Provider, ProviderError, Refused, WayBack
from repz_console.providers.flagd_disk import NO_NEW_FILE, Busy, Unsettled, Withdrawn
from repz_console.providers.flagd_document import SCHEMA, Damaged, Document, encode, parse, rejected
from repz_console.providers.flagd_file import FlagFile, Loaded
from repz_console.providers.flagd_rule import Unwritable
from repz_console.providers.threads import in_thread
from repz_console.text import is_identifier, safe

Result = TypeVar("Result")

_READ_DEADLINE = 5.0
_CHANGE_DEADLINE = 10.0
"""Seconds."""

_GIVE_UP = 8.0
"""Seconds after which a change that has not been written yet is dropped, before its caller stops waiting."""


class FlagdOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "flagd"`."""

    path: str
    """The JSON definition file: `state:NAME` inside the store's folder, else relative to the config file. Clients
    must be able to read it, so that a store of one's own only does to try things out."""
    prefix: str = "repz."
    """What the keys of the console's flags start with; a flag's key is `PREFIX` `ROLLOUT` `.` `FEATURE`."""
    attribute: str = "country"
    """The attribute of the evaluation context that holds a person's ISO 3166 country code."""
    propagation: float = 5
    """Seconds until every client has read a changed file."""

    def __post_init__(self) -> None:
        """Refuse what could not be written safely."""
        if not self.path.endswith(".json"):
            raise ValueError("path must end in .json")
        if not is_identifier(self.prefix):
            raise ValueError("prefix must be letters, digits and . _ : @ / + -")
        if not is_identifier(self.attribute):
            raise ValueError("attribute must be letters, digits and . _ : @ / + -")
        if not 0 <= self.propagation <= 3600:
            raise ValueError("propagation must be from 0 to 3600 seconds")


class Flagd(Provider):
    """Reads and applies rollouts in one definition file."""

    kind: ClassVar[str] = "flagd"
    own_config_only = False
    tells = frozenset({"rollouts"})
    Options = FlagdOptions
    options: FlagdOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._last_good: Document | None = None

    async def fetch(self) -> Facts:
        """The state of every rollout that this source controls. Raises `ProviderError`, also when just one of them
        cannot be understood.
        """
        rollouts = ours.rollouts(self.context)
        return Facts(rollouts=await self._in_thread(lambda file: self._read(file, rollouts), _READ_DEADLINE))

    async def read(self, rollout: str) -> RolloutState:
        """One rollout's state, read afresh."""
        found = await self._in_thread(lambda file: self._read(file, [rollout]), _READ_DEADLINE)
        return found[0]

    async def apply(self, change: Change) -> RolloutState:
        """Replace the file by one in which the rollout shows `change.target`, and return what then is read from it.

        A forced change may only show less; it works on a damaged file too, of which a copy is set aside.
        """
        try:
            self.context.resolve(self.options.path)
        except ProviderError as error:
            raise Refused(error.fault.what) from None
        not_after = math.inf if change.force else time.monotonic() + _GIVE_UP
        return await self._in_thread(lambda file: self._apply(file, change, not_after), _CHANGE_DEADLINE)

    def grade(self) -> Grade:
        """The file is compared and written under a lock, and says which change wrote it."""
        return "keyed"

    def propagation(self) -> float:
        """Seconds until every client has read a changed file."""
        return self.options.propagation

    def abilities(self) -> Abilities:
        """The file is compared and replaced in one step, under a lock."""
        return Abilities(
            compares="atomic",
            dry_run=True,
            propagation=self.options.propagation,
            sticky="a hash of the rollout and the targeting key",
        )

    async def ready(self) -> str:
        """Empty if this user could write the file now, were it but to show no more."""
        try:
            return await self._in_thread(self._trouble, _READ_DEADLINE)
        except ProviderError as error:
            return error.fault.what

    async def way_back(self) -> WayBack:
        """What a roll back and what a kill would meet. A file that clients refuse as a whole can be taken back."""
        try:
            return await self._in_thread(self._way_back, _READ_DEADLINE)
        except ProviderError as error:
            return WayBack(error.fault.what, error.fault.what)

    def calls(self, change: Change) -> tuple[str, ...]:
        """The flags that the new file would have."""
        return words.calls(self._layout(change.rollout), self.context.resolve(self.options.path), change)

    def card(self, rollout: str) -> tuple[str, ...]:
        """A command that switches the rollout's flags off in the file."""
        return words.card(self._layout(rollout), self.context.resolve(self.options.path).absolute())

    async def _in_thread(self, call: Callable[[FlagFile], Result], deadline: float) -> Result:
        path = self.context.resolve(self.options.path)
        return await in_thread(lambda: call(FlagFile(path)), deadline=deadline, what=safe(path.name))

    def _layout(self, rollout: str) -> states.Layout:
        plan = self.context.plan
        shown = ours.features(self.context, rollout)
        named = {each.id for each in plan.feature} | {each.id for each in plan.flag}
        return states.Layout(
            rollout=rollout,
            prefix=self.options.prefix,
            attribute=self.options.attribute,
            regions=plan.region,
            features=shown,
            known=tuple(sorted({*shown, *named})),
        )

    def _load(self, file: FlagFile) -> Loaded | None:
        try:
            loaded = file.load()
        except Damaged as error:
            raise ProviderError(f"{safe(file.path)}: {error}") from None
        except OSError as error:
            raise ProviderError(f"{safe(file.path)}: {safe(error.strerror)}") from None
        if loaded is not None:
            self._last_good = loaded.document
        elif not file.path.parent.is_dir():
            # Unmounted or moved away, which is no word on what it holds.
            raise ProviderError(f"the folder {safe(file.path.parent)} does not exist")
        elif file.vanished() or self._last_good is not None:
            raise ProviderError(f"{safe(file.path)} is gone: running clients go on with what they read last")
        return loaded

    def _state(self, file: FlagFile, loaded: Loaded | None, rollout: str) -> RolloutState:
        layout = self._layout(rollout)
        if loaded is not None:
            return states.read(layout, loaded)
        if not os.access(file.path.parent, os.W_OK | os.X_OK):
            # It is not merely not written yet: its disk may be gone, and what clients were told is not known then.
            why = "and its folder takes no file from you: is it mounted?"
            raise ProviderError(f"{safe(file.path)} is not there, {why}")
        note = f"{safe(file.path)} does not exist yet: the first change creates it"
        return RolloutState(rollout, nobody(), states.NEVER_WRITTEN, notes=(note,))

    def _read(self, file: FlagFile, rollouts: Sequence[str]) -> tuple[RolloutState, ...]:
        loaded = self._load(file)
        return tuple(self._state(file, loaded, rollout) for rollout in rollouts)

    def _apply(self, file: FlagFile, change: Change, not_after: float) -> RolloutState:
        layout = self._layout(change.rollout)
        if not file.path.parent.is_dir():
            raise Refused(f"the folder {safe(file.path.parent)} does not exist")
        try:
            with file.locked(force=change.force):
                done = self._write(file, layout, change, not_after)
                return done or self._read(file, [change.rollout])[0]
        except Withdrawn as error:
            trouble = f"{safe(file.path)}: {error}"
            # A kill that another kill held up is to be sent again.
            raise (ProviderError(trouble) if change.force else Refused(trouble)) from None
        except (Unwritable, Busy, Damaged) as error:
            raise Refused(f"{safe(file.path)}: {error}") from None
        except OSError as error:
            raise Refused(f"{safe(file.path)} cannot be written: {safe(error.strerror)}") from None
        except Unsettled as error:
            raise ProviderError(f"{safe(file.path)}: {error}") from None

    def _write(self, file: FlagFile, layout: states.Layout, change: Change, not_after: float) -> RolloutState | None:
        """Replace the file. Returns the state if the change stands there already, when nothing is written."""
        loaded: Loaded | None = None
        state: RolloutState | None = None
        try:
            loaded = self._load(file)
            state = self._state(file, loaded, change.rollout)
        except ProviderError as error:
            if not change.force:
                raise Refused(error.fault.what) from None
        if state is not None:
            seen = loaded is not None and not loaded.older and not loaded.rejected
            if seen and state.op == change.op and same(state.exposure, change.target):
                return state
            if not change.force and state.revision != change.expect:
                raise Conflict(f"{change.rollout} is at revision {state.revision}, not at {safe(change.expect)}")
        widening = widens(state.exposure if state else None, change.target)
        if change.force and widening:
            raise Refused("a forced change may only show less")
        if widening and state is not None and state.epoch > change.epoch:
            raise Refused(f"another store took {change.rollout} over since: only it may show more")
        base = self._base(file, loaded, change, widening=widening)
        document = states.write(layout, base, change, datetime.now(UTC))
        _prove(layout, document, change)
        # What gives nobody more is written in place rather than not at all.
        file.replace(document, loaded, force=change.force, in_place=not widening, not_after=not_after)
        return None

    def _base(self, file: FlagFile, loaded: Loaded | None, change: Change, *, widening: bool) -> Document:
        """The document to change: without what makes clients refuse it, since to them a refused change is none.

        Taking such parts out is for shrinking only, and a copy of the file is set aside before. It goes on without
        the copy where there is no room for one.
        """
        if loaded is not None and not loaded.rejected:
            return loaded.document
        if loaded is not None and widening:
            key, reason = next(iter(loaded.rejected.items()))
            raise Refused(f"clients refuse the whole file: {safe(key) or 'its top level'} {reason}")
        found = loaded.document if loaded is not None else None
        try:
            file.set_aside()
            found = found or file.salvage()
        except OSError as error:
            if not change.force and error.errno not in {errno.ENOENT, *NO_NEW_FILE}:
                raise
        found = found or self._last_good
        if found is None:
            return {"$schema": SCHEMA, "flags": {}}
        return states.without(found, rejected(found))

    def _trouble(self, file: FlagFile) -> str:
        loaded = self._load(file)
        if loaded is not None and loaded.rejected:
            key, reason = next(iter(loaded.rejected.items()))
            return f"clients refuse {safe(file.path)}: {safe(key) or 'its top level'} {reason}"
        return file.trouble()

    def _way_back(self, file: FlagFile) -> WayBack:
        kill = file.trouble(force=True)
        if kill:
            return WayBack(kill, kill)
        rollouts = ours.rollouts(self.context)
        try:
            self._read(file, rollouts)
        except ProviderError as error:
            return WayBack(roll_back=error.fault.what)
        return WayBack(roll_back=file.trouble())


def _prove(layout: states.Layout, document: Document, change: Change) -> None:
    """Read the new document as if it came from the disk, before anybody else can."""
    written = parse(encode(document))
    state = states.read(layout, Loaded(written, 0, rejected(written), older=False))
    if rejected(written) or not same(state.exposure, change.target) or state.op != change.op:
        raise Refused("the new file would not show what was asked for; nothing was written")

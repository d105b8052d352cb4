"""Gives every change an outcome: also those whose console was killed between deciding and knowing."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from repz_console.engine.carrier import CHANGE_DEADLINE, Carrier, sent_key
from repz_console.engine.deadline import within
from repz_console.engine.ensemble import Leg, legs_of
from repz_console.engine.known import Known
from repz_console.engine.outcome import Outcome
from repz_console.engine.read_back import READ_DEADLINE, read_back
from repz_console.engine.settlement import Judgement, judge, may_fence, together
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.events import BackendFenced, ChangeEnded
from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.providers.base import Grade, ProviderError, RolloutWriter
from repz_console.room import words
from repz_console.room.decisions import ChangeRecord
from repz_console.store.errors import FenceError, StoreError
from repz_console.store.fence import Fence

LOOK_EVERY = 2.0
"""Seconds between looks while a change without an outcome is known."""
LONGEST_FLIGHT = 3 * CHANGE_DEADLINE
"""Seconds after which a person may say of a change without an answer that it will not come any more."""
BETWEEN_LOOKS = 1.0
"""Seconds in which a backend has to show the same to be taken at its word."""
LATE_WRITE = 2.0
"""Seconds within which a backend of the grade `checked` has written what it took before a fence."""
LOOK_AGAIN = 60.0
"""Seconds after which a look that said nothing is worth repeating, though the backend shows the same."""


class Settler:
    """Settles what it may: changes whose outcome is unknown, and those of consoles that no longer run."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known, carrier: Carrier) -> None:
        """Settles nothing yet."""
        self._storage = storage
        self._writer = writer
        self._known = known
        self._carrier = carrier
        self._turn = asyncio.Lock()
        self._in_vain: dict[str, tuple[str, str, float]] = {}

    async def run(self) -> None:
        """Settle at the start, and whenever a change stays without an outcome, until cancelled."""
        stirred = asyncio.Event()
        unsubscribe = self._known.subscribe(stirred.set)
        try:
            while True:
                stirred.clear()
                try:
                    await self._settle(
                        [change for change in self._known.decisions.unsettled() if self._is_news(change)]
                    )
                    self._known.notice("settling", "")
                except StoreError as error:
                    self._known.notice("settling", f"the outcome of a change could not be journaled: {error}")
                await asyncio.sleep(LOOK_EVERY)
                if not self._known.decisions.unsettled():
                    await stirred.wait()
        finally:
            unsubscribe()

    async def settle(self, rollout: str = "") -> None:
        """Look at every change (of one rollout) without an outcome, and journal what can be said. Raises
        `StoreError`."""
        await self._settle(
            [change for change in self._known.decisions.unsettled() if rollout in ("", change.intent.rollout)]
        )

    async def accept(self, rollout: str, seen: Exposure | None, fence: Fence) -> Outcome:
        """Take what the backend shows for the outcome of every unknown change of a rollout, because a person looked and
        saw `seen`.

        For a backend that compares nothing there is no other proof: such a change is waited for as long as one may be
        under way, and the backend has to show the same twice.
        """
        decided = self._known.decisions.rollout(rollout)
        unknown = (*decided.unknown, *decided.partial)
        if not unknown:
            return Outcome("refused", f"{rollout}: the outcome of every change is known")
        youngest = max(change.state_at for change in unknown)
        wait = LONGEST_FLIGHT - (self._known.clock() - youngest).total_seconds()
        if wait > 0:
            return Outcome("refused", f"{rollout}: a change may still be under way: look again in {wait:.0f} s")
        try:
            before = await read_back(self._known, rollout)
            await asyncio.sleep(BETWEEN_LOOKS)
            state = await read_back(self._known, rollout)
        except ProviderError as error:
            return Outcome("refused", f"{rollout}: {error.fault.what}")
        shown = words.exposure(state.exposure)
        if replace(before, notes=()) != replace(state, notes=()):
            return Outcome("refused", f"{rollout}: the backend is changing just now: look again")
        if seen is None or not exposures.same(seen, state.exposure):
            return Outcome("refused", f"{rollout}: the backend shows {shown} by now: look again")
        why = f"{words.who(self._known.actor)} looked: the backend shows {shown}"
        try:
            for change in unknown:
                ended = ChangeEnded(op=change.op, outcome="superseded", revision=state.revision, why=why)
                await self._writer.append(ended, fence=fence, unique=f"change.ended:{change.op}")
        except FenceError as error:
            return Outcome("denied", f"{error}: it stays unknown")
        except StoreError as error:
            return Outcome("refused", f"it stays unknown, for that cannot be journaled: {error}")
        return Outcome("confirmed", f"{rollout} has {shown}, and what was unknown is settled by that")

    async def _settle(self, open_changes: Sequence[ChangeRecord]) -> None:
        if not open_changes:
            return  # a way down must not wait for what is looked at elsewhere
        if self._known.trouble or self._known.decisions.idle is not None:
            return  # nothing can be journaled, or another store steers: what became of its changes is not ours to tell
        async with self._turn:
            changes = await self._settleable(open_changes)
            changes = [change for change in changes if not await self._was_never_sent(change)]
            for named in dict.fromkeys(change.intent.rollout for change in changes):
                bound = [change for change in changes if change.intent.rollout == named]
                try:
                    verdicts = await self._judged(named, bound)
                except ProviderError as error:
                    await self._leave_open(bound, f"its console ended, and {error.fault.what}")
                else:
                    await self._conclude(named, bound, verdicts)

    async def fence(self, rollout: str) -> tuple[tuple[RolloutState, RolloutState], ...]:
        """Move a rollout's backends on without changing what anybody sees: the state of each before and after. Where
        they have the same revision nothing was written. Raises `StoreError` and `ProviderError`."""
        async with self._turn:
            found = []
            for leg in legs_of(self._known, rollout):
                before = await leg.read()
                # No change says exactly what is uneven: writing it would give more to some.
                found.append((before, before if before.least is not None else await self._fence(leg, before)))
            return tuple(found)

    async def _judged(self, rollout: str, changes: Sequence[ChangeRecord]) -> list[Judgement | None]:
        """What its backends prove of each of these changes. Raises `ProviderError` and `StoreError`."""
        legs = legs_of(self._known, rollout)
        found: list[list[Judgement | None]] = []
        for leg in legs:
            grade, state = (await leg.writer()).grade(), await leg.read()
            shares = [leg.of_change(change) for change in changes]
            if any(may_fence(share, state, grade) for share in shares):
                state = await self._fence(leg, state)
            found.append(await self._verdicts(leg, shares, state, grade))
        names = [leg.name for leg in legs]
        return [
            together(change, names, judged) for change, judged in zip(changes, zip(*found, strict=True), strict=True)
        ]

    def _is_news(self, change: ChangeRecord) -> bool:
        """Whether there may be more to say of a change than when it was last looked at in vain."""
        if change.state != "unknown" or change.intent.rollout not in self._known.plan.rollout:
            return True
        state = self._known.state(change.intent.rollout)
        looked = self._in_vain.get(change.op)
        if state is None or looked is None or looked[:2] != (state.revision, state.op):
            return True
        return time.monotonic() >= looked[2] + LOOK_AGAIN

    async def _settleable(self, changes: Iterable[ChangeRecord]) -> list[ChangeRecord]:
        me = self._known.actor.console
        found = []
        for change in changes:
            owner = change.actor.console
            if change.op in self._carrier.in_flight or change.intent.rollout not in self._known.plan.rollout:
                continue
            if change.state == "unknown" or owner == me or not await self._runs(owner):
                found.append(change)
        return found

    async def _runs(self, console: str) -> bool:
        return await self._storage.run(lambda _: self._carrier.liveness.runs(console))

    async def _was_never_sent(self, change: ChangeRecord) -> bool:
        """Give up a change that its console did not live to send; False if it may have been sent.

        Only what widens is never sent without its entry. Both entries have one key: a console that was taken for dead
        and goes on finds its change given up, and does not send it.
        """
        if change.state != "intended" or not exposures.widens(change.intent.before, change.intent.target):
            return False
        given_up = ChangeEnded(op=change.op, outcome="not_applied", why="its console ended before anything was sent")
        entry = await self._writer.append(given_up, unique=sent_key(change.op))
        return isinstance(entry.event, ChangeEnded)

    async def _fence(self, leg: Leg, state: RolloutState) -> RolloutState:
        """Move a backend on from `state` without changing what anybody sees, and return what it then shows.

        What was sent before and did not arrive then finds another revision. If it arrived first, it is the fence that
        does, and the backend shows what arrived.
        """
        backend = await leg.writer()
        if not await _is_ready(backend):
            return state
        op = secrets.token_hex(8)
        await self._writer.append(BackendFenced(op=op, rollout=state.rollout, expect=state.revision))
        again = Change(
            op=op,
            rollout=state.rollout,
            target=state.exposure,
            expect=state.revision,
            who=words.who(self._known.actor),
            reason="fence",
            epoch=self._known.decisions.epoch,
            plan_hash=self._known.effective.origin.hash,
            scope=leg.step.scope,
        )
        try:
            written = await within(CHANGE_DEADLINE, backend.apply(again))
        except Exception:  # whatever it was, only what the backend shows now counts
            return await leg.read()
        with contextlib.suppress(ProviderError):  # for the screens; what was compared and written is proof enough
            await leg.read()
        return replace(parts.narrowed(written, leg.step) or written, op=op)

    async def _verdicts(
        self, leg: Leg, shares: Sequence[ChangeRecord], state: RolloutState, grade: Grade
    ) -> list[Judgement | None]:
        """What `state` proves of each change's step. A backend that looks first and writes then may have taken a change
        just before the fence: there only a fence that still stands a while later proves that it did not come. Raises
        `ProviderError`."""
        decisions = self._known.decisions
        found = [judge(share, state, decisions, grade, leg.of_change) for share in shares]
        if grade != "checked" or not any(map(_denies, found)):
            return found
        await asyncio.sleep(LATE_WRITE)
        later = await leg.read()
        again = [judge(share, later, decisions, grade, leg.of_change) for share in shares]
        return [None if _denies(verdict) and later.op != state.op else verdict for verdict in again]

    async def _conclude(
        self, rollout: str, changes: Sequence[ChangeRecord], verdicts: Sequence[Judgement | None]
    ) -> None:
        state = self._known.state(rollout)
        for change, found in zip(changes, verdicts, strict=True):
            if found is not None:
                await self._carrier.end(change.op, found.outcome, found.why, found.revision)
                continue
            if state is not None:
                self._in_vain[change.op] = (state.revision, state.op, time.monotonic())
            await self._leave_open([change], "its console ended before the backend answered")

    async def _leave_open(self, changes: Iterable[ChangeRecord], why: str) -> None:
        for change in changes:
            if change.state != "unknown":
                await self._carrier.end(change.op, "unknown", why)


def _denies(verdict: Judgement | None) -> bool:
    return verdict is not None and verdict.outcome == "not_applied"


async def _is_ready(backend: RolloutWriter) -> bool:
    """Whether it could be written now. One that cannot even say so in time could not."""
    try:
        return not await within(READ_DEADLINE, backend.ready())
    except Exception:  # whatever it was
        return False

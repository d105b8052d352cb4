"""What an operator may ask of a rollout, and the checks before it is done.

Only a person with the conn widens, on a fresh read-back, through every gate. What shrinks needs nothing: neither conn
nor gate nor journal stands in its way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from msgspec.structs import replace

from repz_console.engine.adoption import adopt
from repz_console.engine.carrier import Carrier
from repz_console.engine.conn import NEEDS_CONN, Conn
from repz_console.engine.follower import bring_in
from repz_console.engine.known import Known
from repz_console.engine.outcome import Outcome
from repz_console.engine.read_back import read_back
from repz_console.engine.recorder import Recorder
from repz_console.engine.settler import Settler
from repz_console.engine.storage import Storage
from repz_console.engine.takeover import TakenOver, take_over
from repz_console.engine.unattended import Unattended
from repz_console.engine.writer import JournalWriter
from repz_console.events import ChangeIntended, NoteAdded, RolloutHeld, RolloutResumed
from repz_console.facts import Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.providers.base import ProviderError
from repz_console.room import gates, truths, words
from repz_console.store.errors import FenceError, StoreError
from repz_console.text import safe

__all__ = ["Controller", "Outcome"]

ROLLBACK_TRIES = 3
"""How often a roll back is decided anew because somebody changed the rollout at the same moment."""


class Controller:
    """Changes rollouts in this console's name."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known, conn: Conn) -> None:
        """Changes nothing yet."""
        self._known = known
        self._conn = conn
        self._writer = writer
        self._storage = storage
        self._recorder = Recorder(storage, writer, known)
        self._carrier = Carrier(storage, writer, known, self._recorder)
        self._settler = Settler(storage, writer, known, self._carrier)
        self._turns: dict[str, asyncio.Lock] = {}
        self._under_way: set[asyncio.Task[Outcome]] = set()

    async def change(
        self,
        rollout: str,
        action: Literal["set", "rollback", "kill"],
        target: Exposure | None = None,
        *,
        reason: str = "",
        expect: str = "",
        stage: str = "",
        evidence: Mapping[str, Any] | None = None,
        unattended: Unattended | None = None,
    ) -> Outcome:
        """Change a rollout and see what became of it. Once begun it goes on, whatever becomes of the caller.

        `set` takes it to `target`; to widen, `expect` must be the revision on which that was decided. `rollback` takes
        it to the last good exposure, or to `target`, and never widens. `kill` shows nothing to anybody, whatever the
        state is. `evidence` is what the operator saw, for the journal. `unattended` is given for a roll back that no
        person decides.
        """
        if rollout not in self._known.plan.rollout:
            return Outcome("refused", f"the plan has no rollout {safe(rollout)}")
        reason = safe(reason).strip()
        if action == "kill":
            work = self._kill(rollout, reason, evidence or {})
        elif action == "rollback":
            work = self._roll_back(rollout, target, reason, evidence or {}, unattended)
        elif target is None:
            return Outcome("refused", "a change needs a target")
        else:
            work = self._set_or_note(rollout, target, reason, expect, stage, evidence or {})
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def hold(self, rollout: str, reason: str = "") -> Outcome:
        """Let nobody widen a rollout until it is resumed. Anybody may."""
        if rollout not in self._known.plan.rollout:
            return Outcome("refused", f"the plan has no rollout {safe(rollout)}")
        held = RolloutHeld(rollout=rollout, reason=safe(reason).strip())
        written = await self._recorder.write((held, f"rollout.held:{secrets.token_hex(8)}"))
        if not written.seen:
            return Outcome("refused", f"{rollout} is held in this console only{written.note}", journaled=False)
        return Outcome("confirmed", f"{rollout} is held{written.note}", journaled=written.journaled)

    async def resume(self, rollout: str, reason: str = "") -> Outcome:
        """Lift a hold. Needs the conn."""
        if rollout not in self._known.plan.rollout:
            return Outcome("refused", f"the plan has no rollout {safe(rollout)}")
        fence = self._conn.fence
        if fence is None:
            return Outcome("denied", NEEDS_CONN)
        try:
            await bring_in(self._storage, self._known)
            if self._known.decisions.rollout(rollout).hold is None:
                return Outcome("refused", f"{rollout} is not held")
            await self._writer.append(RolloutResumed(rollout=rollout, reason=safe(reason).strip()), fence=fence)
        except FenceError as error:
            return Outcome("denied", f"{error}: it stays held")
        except StoreError as error:
            return Outcome("refused", f"it stays held, for that cannot be journaled: {error}")
        return Outcome("confirmed", f"{rollout} is no longer held")

    async def take_over(self, reason: str = "") -> tuple[TakenOver, ...]:
        """Steer every rollout from this store, and fence off whichever did until now. Needs the conn."""
        return await take_over(self._known, self._writer, self._settler, self._conn.fence, safe(reason).strip())

    async def accept(self, rollout: str, seen: Exposure | None) -> Outcome:
        """Settle what is unknown by what the backend shows, or take over what was changed elsewhere, if that still is
        what a person saw. Needs the conn: the rollout may be widened again then."""
        if rollout not in self._known.plan.rollout:
            return Outcome("refused", f"the plan has no rollout {safe(rollout)}")
        fence = self._conn.fence
        if fence is None:
            return Outcome("denied", NEEDS_CONN)
        if self._known.decisions.rollout(rollout).unknown or not self._drifts(rollout):
            outcome = await self._settler.accept(rollout, seen, fence)
            if outcome.state != "confirmed" or not self._drifts(rollout):
                return outcome
            adopted = await adopt(self._known, self._writer, rollout, seen, fence)
            return outcome if adopted.state == "confirmed" else adopted
        return await adopt(self._known, self._writer, rollout, seen, fence)

    def _drifts(self, rollout: str) -> bool:
        """Whether what is configured is not what was decided."""
        return any(each.drift for each in self._known.view().rollout.rollouts if each.id == rollout)

    async def settle(self, rollout: str = "") -> None:
        """Journal the outcome of changes that have none, as far as the backend shows it. Raises `StoreError`."""
        await self._settler.settle(rollout)

    async def settle_for_ever(self) -> None:
        """The same, until cancelled, whenever there is such a change."""
        await self._settler.run()

    async def aclose(self) -> None:
        """Wait for what is under way, and say that this console no longer runs."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._storage.run(lambda _: self._carrier.liveness.release())

    async def _set_or_note(
        self, rollout: str, target: Exposure, reason: str, expect: str, stage: str, evidence: Mapping[str, Any]
    ) -> Outcome:
        """Set, and journal as a note why nothing was decided, if nothing was."""
        outcome = await self._set(rollout, target, reason, expect, stage, evidence)
        if outcome.state in ("refused", "denied") and not outcome.op:
            why = f"could not set {rollout} to {words.exposure(target)}: {outcome.line}"
            # It changes nothing, and is not worth a second refusal where the journal takes nothing.
            with suppress(StoreError):
                await self._writer.append(NoteAdded(text=safe(why)))
        return outcome

    async def _set(
        self, rollout: str, target: Exposure, reason: str, expect: str, stage: str, evidence: Mapping[str, Any]
    ) -> Outcome:
        mistake = exposures.mistake(self._known.plan.rollout[rollout], target)
        if mistake:
            return Outcome("refused", f"{rollout}: {mistake}")
        async with self._turns.setdefault(rollout, asyncio.Lock()):
            try:
                await self.settle(rollout)
            except StoreError as error:
                self._known.notice("settling", str(error))
            state, trouble = await self._read(rollout)
            if state is None:
                return Outcome("refused", f"nothing was sent: {trouble}")
            intent = self._intent(rollout, "set", target, state, reason, stage, evidence)
            ramp = self._known.plan.rollout[rollout]
            if not parts.widens(ramp, state, target):
                # Writing what is there already moves the revision on, so that an unknown change can no longer come.
                if exposures.same(state.exposure, target) and not intent.supersedes:
                    return Outcome("confirmed", f"{rollout} has {words.exposure(target)} already", "", state.revision)
                return await self._carrier.shrink(intent)
            if parts.uneven(state):
                # Who sees how much is not one number a region: what was confirmed as less may be more to some.
                return Outcome("refused", f"{rollout}: shares differ within regions: roll back or kill evens them")
            if trouble:
                return Outcome("refused", f"nothing was sent: {trouble}")
            try:
                # What others recorded without the journal, such as a hold, stands in the way as well.
                await bring_in(self._storage, self._known)
            except StoreError as error:
                return Outcome("refused", f"nothing was sent: {error}")
            fence = self._conn.fence
            if fence is None:
                return Outcome("denied", NEEDS_CONN)
            refusal = self._refusal(rollout, target, state, expect)
            if refusal is not None:
                return refusal
            return await self._carrier.widen(intent, fence, lambda: self._meanwhile(intent))

    def _refusal(self, rollout: str, target: Exposure, state: RolloutState, expect: str) -> Outcome | None:
        """Why a widening may not be sent now; None if it may."""
        if not expect:
            return Outcome("refused", "to widen, say on which revision that was decided")
        if expect != state.revision:
            by = f" by {state.changed_by}" if state.changed_by else ""
            line = f"{rollout} is at {state.revision} and no longer at {safe(expect)}, changed{by}: look again"
            return Outcome("refused", line)
        closed = [gate for gate in self._known.gates(rollout, target) if not gate.lets_pass]
        if self._completes(rollout, target):
            closed = [gate for gate in closed if gate.id != gates.CHANGE]
        if not closed:
            return None
        only_conn = all(gate.id == gates.CONN for gate in closed)
        return Outcome("denied" if only_conn else "refused", gates.blocker(closed))

    def _completes(self, rollout: str, target: Exposure) -> bool:
        """Whether going to `target` does the rest of what was done in part, and nothing else is open."""
        decided = self._known.decided(rollout)
        if decided.unknown or decided.under_way or not decided.partial:
            return False
        return all(exposures.same(change.intent.target, target) for change in decided.partial)

    def _meanwhile(self, intent: ChangeIntended) -> str:
        """What came in a widening's way while it was journaled, such as somebody's hold; empty if nothing did."""
        if self._known.effective.origin.hash != intent.evidence["plan_hash"]:
            return "another plan was adopted meanwhile"
        decided = self._known.decided(intent.rollout)
        alone = [change.op for change in (*decided.unknown, *decided.under_way)] == [intent.op]
        alone = alone and all(change.op in intent.supersedes for change in decided.partial)
        judged = self._known.gates(intent.rollout, intent.target)
        return gates.blocker([gate for gate in judged if gate.id != gates.CHANGE or not alone])

    async def _roll_back(
        self,
        rollout: str,
        wanted: Exposure | None,
        reason: str,
        evidence: Mapping[str, Any],
        unattended: Unattended | None,
    ) -> Outcome:
        for _ in range(ROLLBACK_TRIES):
            state, trouble = await self._read(rollout)
            if unattended is not None and trouble:
                return Outcome("refused", f"nothing was sent: {trouble}")
            if state is None:
                return Outcome("refused", f"nothing to roll back from is known: {trouble}; a kill needs no such thing")
            good = wanted or truths.last_good(self._known.decided(rollout), state.exposure)
            if good is None:
                return Outcome("refused", "there is nothing to roll back to")
            target = parts.at_most(self._known.plan.rollout[rollout], state, good)
            target = exposures.in_steps(target, self._known.coarsest_step(rollout))
            intent = self._intent(rollout, "rollback", target, state, reason, "", evidence)
            if exposures.same(target, state.exposure) and not intent.supersedes:
                return Outcome("confirmed", f"{rollout} has no more than that already", "", state.revision)
            if unattended is not None:
                # Whatever becomes of it, a person decides what is next.
                intent = replace(intent, op=unattended.op, by=unattended.by)
                return await self._carrier.shrink(intent, unattended.fence)
            outcome = await self._carrier.shrink(intent)
            if outcome.state != "rejected":
                return outcome
        return outcome

    async def _kill(self, rollout: str, reason: str, evidence: Mapping[str, Any]) -> Outcome:
        # Nothing is read first: whatever the backend holds, the target is nobody.
        state = self._known.partly(rollout)
        target = exposures.nobody(state.exposure.key) if state is not None else exposures.nobody()
        intent = self._intent(rollout, "kill", target, state, reason, "", evidence)
        return await self._carrier.kill(replace(intent, before=self._before_kill(rollout, state)))

    def _before_kill(self, rollout: str, state: RolloutState | None) -> Exposure | None:
        """What is killed, as far as it is known: what was read last, or confirmed since."""
        read_at = self._known.read_at(rollout)
        last = self._known.decided(rollout).desired
        if last is not None and last.state == "confirmed" and (read_at is None or last.state_at > read_at):
            return last.intent.target
        return state.exposure if state is not None else None

    async def _read(self, rollout: str) -> tuple[RolloutState | None, str]:
        """The rollout's state, and empty or why it is not of this moment."""
        try:
            return await read_back(self._known, rollout), ""
        except ProviderError as error:
            # The last known revision still binds a way back: if it is not the present one, the backend refuses.
            return self._known.partly(rollout), error.fault.what

    def _intent(
        self,
        rollout: str,
        action: Literal["set", "rollback", "kill"],
        target: Exposure,
        state: RolloutState | None,
        reason: str,
        stage: str,
        evidence: Mapping[str, Any],
    ) -> ChangeIntended:
        decided = self._known.decided(rollout)
        shown: dict[str, str] = {}
        counters: dict[str, float] = {}
        try:
            shown |= {gate.id: f"{gate.verdict}: {gate.line}" for gate in self._known.gates(rollout, target)}
            counters = self._known.counters(rollout)
        except Exception as error:
            # A way back asks no gate: one with a defect does not stop it either. What widens is judged again.
            shown["defect"] = safe(f"{type(error).__name__}: {error}")
        return ChangeIntended(
            op=secrets.token_hex(8),
            rollout=rollout,
            action=action,
            target=target,
            before=state.exposure if state is not None else None,
            expect=state.revision if state is not None else "",
            reason=reason,
            stage=stage,
            supersedes=tuple(change.op for change in (*decided.unknown, *decided.under_way, *decided.partial)),
            evidence={
                **evidence,
                "gates": shown,
                "plan_hash": self._known.effective.origin.hash,
                gates.COUNTERS: counters,
            },
        )

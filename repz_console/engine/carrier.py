"""Takes a decided change through the journal and the backend: intended, sent, applied once, read back, ended.

The journal comes first. A change that widens stops where it cannot be written; a way back is then written down
elsewhere, goes on and says so. Nothing is sent twice but a kill, whose target is the same whatever happened before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from repz_console.engine.deadline import within
from repz_console.engine.ensemble import Ensemble, Leg, Taken, legs_of, summed_up
from repz_console.engine.known import Known
from repz_console.engine.liveness import Liveness
from repz_console.engine.outcome import Outcome
from repz_console.engine.read_back import read_back, told
from repz_console.engine.recorder import JOURNALED, Recorder, Writing, Written
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.events import ChangeEnded, ChangeIntended, ChangeSent, ChangeStepped
from repz_console.facts import Change, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.providers.base import Conflict, Grade, Partial, ProviderError, Refused, RolloutWriter
from repz_console.room import words
from repz_console.store.errors import FenceError, StoreError
from repz_console.store.fence import Fence

CHANGE_DEADLINE = 10.0
"""Seconds a backend has to apply a change. A change that took longer may still arrive."""
KILL_PATIENCE = 30.0
"""Seconds in which a kill is sent again until it is seen to hold."""
BLIND_PATIENCE = 3.0
"""Seconds in which a kill that the backend confirmed is to be read back before its word is taken for it."""
_KILL_PAUSE = 0.25

Ending = Literal["confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"]


class _Ended(Struct, frozen=True):
    """What became of a kill at one backend."""

    ending: Literal["confirmed", "rejected", "unknown"]
    why: str = ""
    revision: str = ""


class _Steps:
    """Where the steps of one change are written down: one that widens in the journal or not at all, any other as a way
    back is."""

    def __init__(
        self, writer: JournalWriter, recorder: Recorder, fence: Fence | None, meanwhile: Callable[[], str]
    ) -> None:
        self._writer, self._recorder, self._fence, self._meanwhile = writer, recorder, fence, meanwhile
        self._one_at_a_time = asyncio.Lock()

    async def begin(self, step: ChangeStepped, *, widens: bool) -> str:
        if not widens or self._fence is None:
            await self.end(step)
            return ""
        try:
            await self._writer.append(step, fence=self._fence, unique=_step_key(step))
        except StoreError as error:
            return f"{error}: it was not sent"
        why = self._meanwhile()
        return f"it was not sent after all: {why}" if why else ""

    async def end(self, step: ChangeStepped) -> None:
        async with self._one_at_a_time:
            await self._recorder.write((step, _step_key(step)))


class Carrier:
    """Carries changes out in this console's name."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known, recorder: Recorder) -> None:
        """Carries nothing yet."""
        self.liveness = Liveness(lambda: storage.folder, known.actor.console)
        self.in_flight: set[str] = set()
        """Ids of the changes that this process has under way: nobody else judges them."""
        self._storage = storage
        self._writer = writer
        self._known = known
        self._recorder = recorder

    async def widen(self, intent: ChangeIntended, fence: Fence, meanwhile: Callable[[], str]) -> Outcome:
        """Carry out a change that lets more people see more. Raises nothing that a backend or the journal does.

        `meanwhile` is asked at the last moment, when all that others wrote before is known: empty, or why not.
        """
        op = intent.op
        self.in_flight.add(op)
        try:
            try:
                await self._storage.run(lambda _: self.liveness.hold())
                await self._writer.append(intent, fence=fence, unique=f"change.intended:{op}")
            except FenceError as error:
                return Outcome("denied", f"{error}: nothing was sent")
            except StoreError as error:
                return Outcome("refused", f"the journal cannot be written, so nothing was sent: {error}")
            try:
                sent = await self._writer.append(ChangeSent(op=op), fence=fence, unique=sent_key(op))
            except StoreError as error:
                await self._recorder.write(_ending(op, "rejected", f"nothing was sent: {error}"))
                state: Literal["denied", "refused"] = "denied" if isinstance(error, FenceError) else "refused"
                return Outcome(state, f"{error}: nothing was sent", op)
            if not isinstance(sent.event, ChangeSent):
                return Outcome("refused", "this console was away, and the change was given up meanwhile", op)
            why = meanwhile()
            if why:
                await self._recorder.write(_ending(op, "rejected", f"it was not sent after all: {why}"))
                return Outcome("refused", f"{why}: nothing was sent", op)
            return await self._apply(intent, JOURNALED, self._steps(fence, meanwhile))
        finally:
            self.in_flight.discard(op)

    async def shrink(self, intent: ChangeIntended, fence: Fence | None = None) -> Outcome:
        """Carry out a change after which nobody sees more than before: needs no fence, and no journal either.

        With a `fence`, of a change that no person decides, it is carried out by whoever journals it first, or not.
        """
        self.in_flight.add(intent.op)
        try:
            if fence is not None and (refusal := await self._claim(intent, fence)):
                return Outcome("refused", f"nothing was sent: {refusal}")
            return await self._apply(intent, await self._announce(intent), self._steps())
        finally:
            self.in_flight.discard(intent.op)

    async def kill(self, intent: ChangeIntended) -> Outcome:
        """Take everything back, and see to it that it stays so for as long as an earlier change may still arrive."""
        self.in_flight.add(intent.op)
        try:
            announced = await self._announce(intent)
            try:
                legs = legs_of(self._known, intent.rollout)
            except ProviderError as error:
                return await self._finish(intent, announced, "rejected", told(error))
            steps = self._steps()
            late = self._may_come_late(intent)
            endings = await asyncio.gather(*(self._end_leg(intent, leg, steps, late=late) for leg in legs))
            ending, why = _together(legs, endings)
            revision = parts.joined(each.revision for each in endings) if ending == "confirmed" else ""
            return await self._finish(intent, announced, ending, why, revision)
        finally:
            self.in_flight.discard(intent.op)

    async def end(self, op: str, ending: Ending, why: str, revision: str = "") -> None:
        """Journal what became of a change, once for everybody. Raises `StoreError`."""
        event, key = _ending(op, ending, why, revision)
        await self._writer.append(event, unique=key)

    async def _claim(self, intent: ChangeIntended, fence: Fence) -> str:
        """Journal a change as the first one to decide it; else why not."""
        if self._known.decisions.change(intent.op) is not None:
            return "it was decided before"
        try:
            await self._storage.run(lambda _: self.liveness.hold())
            entry = await self._writer.append(intent, fence=fence, unique=f"change.intended:{intent.op}")
        except StoreError as error:
            return str(error)
        return "" if entry.actor.console == self._known.actor.console else f"{words.who(entry.actor)} decided it"

    async def _announce(self, intent: ChangeIntended) -> Written:
        return await self._recorder.write(
            (intent, f"change.intended:{intent.op}"),
            (ChangeSent(op=intent.op), sent_key(intent.op)),
            # Without its lock this console only looks dead; the entry matters more.
            before=self.liveness.hold,
        )

    def _steps(self, fence: Fence | None = None, meanwhile: Callable[[], str] = lambda: "") -> _Steps:
        return _Steps(self._writer, self._recorder, fence, meanwhile)

    async def _apply(self, intent: ChangeIntended, announced: Written, steps: _Steps) -> Outcome:
        try:
            legs = legs_of(self._known, intent.rollout)
            backend = await legs[0].writer() if len(legs) == 1 else None
        except ProviderError as error:
            return await self._finish(intent, announced, "rejected", told(error))
        change = asked_of(self._known, intent)
        try:
            if backend is None:
                whole = Ensemble(legs, steps, CHANGE_DEADLINE, back=intent.action == "rollback")
                applied = await whole.apply(change)
            else:
                applied = await within(CHANGE_DEADLINE, backend.apply(change))
        except Partial as error:
            return await self._finish(intent, announced, "partial", told(error))
        except (Conflict, Refused) as error:
            return await self._finish(intent, announced, "rejected", told(error))
        except Exception as error:  # whatever it was, the backend may have done it
            if backend is not None and backend.grade() == "by hand":
                return await self._finish(intent, announced, "unknown", told(error))
            return await self._look_after(intent, announced, told(error))
        try:
            state = await read_back(self._known, intent.rollout)
        except ProviderError as error:
            why = f"the backend confirmed it; {told(error)}"
            return await self._finish(intent, announced, "confirmed", why, applied.revision)
        # Not every backend says whose what it shows is.
        ours = state.op == intent.op or (not state.op and state.revision == applied.revision)
        why = "" if ours else f"changed again since, by {state.changed_by or 'somebody else'}"
        why = why or _but(intent, state)
        return await self._finish(intent, announced, "confirmed", why, applied.revision)

    async def _look_after(self, intent: ChangeIntended, announced: Written, trouble: str) -> Outcome:
        """The backend did not answer as it should: only what it shows now can tell."""
        try:
            state = await read_back(self._known, intent.rollout)
        except ProviderError as error:
            return await self._finish(intent, announced, "unknown", f"{trouble}; {told(error)}")
        if state.op == intent.op:
            found = (f"found when reading back, after: {trouble}", _but(intent, state))
            return await self._finish(intent, announced, "confirmed", ", ".join(filter(None, found)), state.revision)
        return await self._finish(intent, announced, "unknown", trouble)

    def _may_come_late(self, intent: ChangeIntended) -> bool:
        """Whether a change without an outcome could still expose somebody after the kill, where none is bound to a
        revision, which the kill moves on. Another kill could not."""
        decided = self._known.decided(intent.rollout)
        return any(change.intent.action != "kill" for change in (*decided.unknown, *decided.under_way))

    async def _end_leg(self, intent: ChangeIntended, leg: Leg, steps: _Steps, *, late: bool) -> _Ended:
        try:
            ended = await self._insist(intent, leg, late=late)
        except Exception as error:  # a defect of one backend stops no other one's kill
            ended = _Ended("unknown", told(error))
        if leg.of > 1:
            outcome = _OF_STEP[ended.ending]
            await steps.end(leg.stepped(intent.op, outcome, revision=ended.revision, why=ended.why))
        return ended

    async def _insist(self, intent: ChangeIntended, leg: Leg, *, late: bool) -> _Ended:
        """Send a kill to one backend until it holds there: with `late`, for as long as another change may still arrive
        at one that compares no revisions."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        stable_since: float | None = None
        trouble, revision, sent = "", "", False
        longest_flight = CHANGE_DEADLINE if late else 0.0
        change = leg.share(asked_of(self._known, intent))
        while True:
            if stable_since is None:
                backend: RolloutWriter | None = None
                try:
                    backend = await leg.writer()
                    longest_flight = CHANGE_DEADLINE if late and _grade(backend) == "blind" else 0.0
                    written = await within(CHANGE_DEADLINE, backend.apply(change))
                    revision = (parts.narrowed(written, leg.step) or written).revision
                    trouble, sent = "", True
                except Refused as error:
                    # Of an earlier sending that says nothing.
                    return _Ended("unknown" if sent else "rejected", told(error))
                except Exception as error:  # whatever it was: sending it again has the effect of once
                    trouble, sent = told(error), True
                    if backend is not None and _grade(backend) == "by hand":
                        return _Ended("unknown", trouble)
            try:
                state = await leg.read()
            except ProviderError as error:
                seen, blind = False, told(error)
            else:
                seen, blind = exposures.is_nobody(state.exposure) and (not trouble or state.op == intent.op), ""
            now = loop.time()
            stable_since = (stable_since or now) if seen else None
            if stable_since is not None and now >= stable_since + longest_flight:
                return _Ended("confirmed", "", revision or state.revision)
            if blind and not trouble and now >= started + BLIND_PATIENCE + longest_flight:
                return _Ended("confirmed", f"the backend confirmed it; {blind}", revision)
            if stable_since is None and now >= started + KILL_PATIENCE:
                return _Ended("unknown", trouble or blind or "the backend shows people exposed again and again")
            await asyncio.sleep(_KILL_PAUSE)

    async def _finish(
        self, intent: ChangeIntended, announced: Written, ending: Ending, why: str, revision: str = ""
    ) -> Outcome:
        written = await self._recorder.write(_ending(intent.op, ending, why, revision))
        line = _line(intent, ending, why) + (written.note or announced.note)
        state: Literal["confirmed", "rejected", "unknown", "partial"] = (
            ending if ending in ("confirmed", "rejected", "partial") else "unknown"
        )
        return Outcome(state, line, intent.op, revision, announced.journaled and written.journaled)


def asked_of(known: Known, intent: ChangeIntended) -> Change:
    """What a decided change asks the backends for."""
    return Change(
        op=intent.op,
        rollout=intent.rollout,
        target=intent.target,
        expect=intent.expect,
        who=words.who(known.actor),
        reason=intent.reason,
        plan_hash=known.effective.origin.hash,
        force=intent.action == "kill",
        epoch=known.decisions.epoch,
    )


def sent_key(op: str) -> str:
    """The unique key of a change's being sent. Whoever gives up a change that was not sent writes under the same key,
    so that only one of the two can ever be true."""
    return f"change.sent:{op}"


def _ending(op: str, ending: Ending, why: str, revision: str = "") -> Writing:
    # Neither is the last word: what became of it may be found out, or be put right, later.
    key = f"change.{ending}:{op}" if ending in ("unknown", "partial") else f"change.ended:{op}"
    return ChangeEnded(op=op, outcome=ending, revision=revision, why=why), key


def _line(intent: ChangeIntended, ending: Ending, why: str) -> str:
    what = {"set": "set to", "rollback": "rolled back to", "kill": "killed:"}[intent.action]
    done = f"{intent.rollout} {what} {words.exposure(intent.target)}"
    after = f" ({why})" if why else ""
    if ending == "confirmed":
        return f"{done}{after}"
    if ending == "rejected":
        return f"{intent.rollout}: nothing was changed: {why}"
    if ending == "partial":
        return f"{intent.rollout} is only in part {what} {words.exposure(intent.target)}: {why}"
    return f"{intent.rollout}: nobody knows yet whether it is {what} {words.exposure(intent.target)}{after}"


def _but(intent: ChangeIntended, state: RolloutState) -> str:
    """What a backend shows after a change that it says it made, if that is something else than was asked for."""
    if exposures.same(state.exposure, intent.target):
        return ""
    return f"but the backend shows {words.exposure(state.exposure)}"


def _grade(backend: RolloutWriter) -> Grade:
    """What a backend checks; nothing where it cannot say."""
    try:
        return backend.grade()
    except Exception:  # whatever it was: it must not keep a kill from being sent
        return "blind"


def _step_key(step: ChangeStepped) -> str:
    return f"change.step:{step.op}:{step.number}:{step.outcome}:{step.expect}"


_OF_STEP: Mapping[str, Literal["applied", "refused", "unknown"]] = {
    "confirmed": "applied",
    "rejected": "refused",
    "unknown": "unknown",
}


def _together(legs: Sequence[Leg], endings: Sequence[_Ended]) -> tuple[Ending, str]:
    """What became of a kill: as of its only backend, else what was reached and what was not."""
    found = {each.ending for each in endings}
    if len(found) == 1 and (len(legs) == 1 or found == {"confirmed"}):
        return endings[0].ending, "; ".join(dict.fromkeys(each.why for each in endings if each.why))
    taken = {leg.number: Taken(_OF_STEP[each.ending], each.why) for leg, each in zip(legs, endings, strict=True)}
    line = summed_up(legs, taken)
    if "unknown" in found:
        return "unknown", line
    return ("rejected" if found == {"rejected"} else "partial"), line

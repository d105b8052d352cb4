"""Several backends that move as one rollout: a change of it goes step by step, each step written down.

What widens goes in the plan's order, what others depend on first and what people see last; what shrinks goes the other
way round, and before anything widens. A widening stops at the first step that is not applied. A way back goes through
all of them whatever becomes of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from repz_console.engine.deadline import within
from repz_console.engine.known import Known
from repz_console.engine.read_back import read_part, told
from repz_console.events import ChangeStepped
from repz_console.facts import Change, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.parts import Step
from repz_console.providers.base import Conflict, Partial, ProviderError, Refused, RolloutWriter
from repz_console.room.decisions import ChangeRecord

TRIES = 3
"""How often a step of a way back is sent that finds its backend changed at the same moment."""


class Reports(Protocol):
    """Where steps are written down."""

    async def begin(self, step: ChangeStepped, *, widens: bool) -> str:
        """A step is sent next. Empty, or why it may not be."""
        ...

    async def end(self, step: ChangeStepped) -> None:
        """What became of it."""
        ...


class Leg:
    """One step's backend: a rollout's only one, or one of several."""

    def __init__(self, known: Known, rollout: str, step: Step, number: int, of: int) -> None:
        """The step `number` (from 1) of a change of `rollout` in `of` steps."""
        self.step, self.number, self.of = step, number, of
        self._known, self._rollout = known, rollout

    @property
    def name(self) -> str:
        """How to call it in a sentence."""
        return f"{self.step.controller} ({', '.join(self.step.scope)})" if self.step.scope else self.step.controller

    async def writer(self) -> RolloutWriter:
        """Its backend, open. Raises `ProviderError`."""
        return await self._known.sources.writer(self.step.controller)

    async def read(self) -> RolloutState:
        """What it has configured now. Raises `ProviderError`."""
        return await read_part(self._known, self._rollout, self.step)

    def known(self) -> RolloutState | None:
        """What it said last; None if nothing."""
        whole = self._known.partly(self._rollout)
        part = parts.part_of(whole, self.step) if whole is not None else None
        return part if part is not None and part.revision else None

    def share(self, change: Change, *, back: bool = False) -> Change:
        """What of a change is its own. With `back` it is no more than the backend has, nor bucketed otherwise, whatever
        the others had when it was decided."""
        if self.of == 1:
            return change
        whole = self._known.partly(self._rollout)
        target = parts.share_of(change.target, self.step.features)
        if whole is not None:
            part = parts.part_of(whole, self.step)
            target = parts.of_step(change.target, self.step, whole, part)
            target = exposures.at_most(parts.least(part), target) if back and part is not None else target
        expect = parts.split(change.expect, self.of)[self.number - 1]
        return replace(change, target=target, expect=expect, scope=self.step.scope)

    def of_change(self, change: ChangeRecord) -> ChangeRecord:
        """A change as this step of it: with the share it asks for and the revision that it is bound to."""
        if self.of == 1:
            return change
        sent = next((step for step in change.steps if step.number == self.number), None)
        expect = parts.split(change.intent.expect, self.of)[self.number - 1]
        target = parts.share_of(change.intent.target, self.step.features)
        bound = sent.expect if sent is not None and sent.expect else expect
        return replace(change, intent=replace(change.intent, target=target, expect=bound))

    def stepped(self, op: str, outcome: Literal["sent", "applied", "refused", "unknown"], **more: str) -> ChangeStepped:
        """The event that says what became of it."""
        return ChangeStepped(
            op=op,
            number=self.number,
            of=self.of,
            controller=self.step.controller,
            scope=self.step.scope,
            outcome=outcome,
            **more,
        )


def legs_of(known: Known, rollout: str) -> tuple[Leg, ...]:
    """The steps of a change of a rollout, in the order in which widening goes. Raises `Refused` where the plan, adopted
    meanwhile, no longer has it."""
    steps = known.steps(rollout)
    return tuple(Leg(known, rollout, step, number, len(steps)) for number, step in enumerate(steps, 1))


def in_order(legs: Sequence[Leg], change: Change, *, back: bool = False) -> list[tuple[Leg, Change, bool]]:
    """The legs in the order in which a change takes them, each with its share and whether that widens."""
    shares = [(leg, leg.share(change, back=back)) for leg in legs]
    widening = {leg.number: _widens(leg, share) for leg, share in shares}
    shrinking = [(leg, share, False) for leg, share in reversed(shares) if not widening[leg.number]]
    return shrinking + [(leg, share, True) for leg, share in shares if widening[leg.number]]


def _widens(leg: Leg, share: Change) -> bool:
    known = leg.known()
    return exposures.widens(parts.least(known) if known is not None else None, share.target)


class Taken(Struct, frozen=True):
    """What became of a step."""

    outcome: Literal["applied", "refused", "unknown"]
    why: str = ""
    state: RolloutState | None = None


class Ensemble:
    """The backends of one rollout, changed as one."""

    def __init__(self, legs: Sequence[Leg], reports: Reports, deadline: float, *, back: bool) -> None:
        """`deadline` is what each step may take, in seconds. With `back` the change is a roll back, which goes on from
        what it finds where somebody changed a backend meanwhile."""
        self._legs, self._reports, self._deadline, self._back = legs, reports, deadline, back

    async def apply(self, change: Change) -> RolloutState:
        """Take every step of a change. Raises `Refused` where none was applied, `Partial` where some were, and
        `ProviderError` where of one that is not known."""
        taken: dict[int, Taken] = {}
        for leg, share, widens in in_order(self._legs, change, back=self._back):
            if widens and any(each.outcome != "applied" for each in taken.values()):
                break
            taken[leg.number] = await self._take(leg, share, widens=widens)
        return self._sum(taken)

    async def _take(self, leg: Leg, share: Change, *, widens: bool) -> Taken:
        taken = await self._try(leg, share, widens=widens)
        revision = taken.state.revision if taken.state is not None else ""
        await self._reports.end(leg.stepped(share.op, taken.outcome, revision=revision, why=taken.why))
        return taken

    async def _try(self, leg: Leg, share: Change, *, widens: bool) -> Taken:
        if not share.expect:
            return Taken("refused", "it has not been read back, so nothing was sent")
        for left in reversed(range(TRIES)):
            held = await self._reports.begin(leg.stepped(share.op, "sent", expect=share.expect), widens=widens)
            if held:
                return Taken("refused", held)
            try:
                backend = await leg.writer()
            except ProviderError as error:
                return Taken("refused", told(error))
            try:
                written = await within(self._deadline, backend.apply(share))
                return Taken("applied", "", parts.narrowed(written, leg.step) or written)
            except Conflict as error:
                anew = await self._anew(leg, share) if self._back and not widens and left else None
                if anew is None:
                    return Taken("refused", told(error))
                share = anew
            except Refused as error:
                return Taken("refused", told(error))
            except Exception as error:  # whatever it was, the backend may have done it
                return await self._look(leg, share, told(error), by_hand=backend.grade() == "by hand")
        return Taken("refused", "it is changed again and again")

    async def _anew(self, leg: Leg, share: Change) -> Change | None:
        """A step of a roll back, decided again on what the backend has now: it never widens that either."""
        try:
            now = await leg.read()
        except ProviderError:
            return None
        return replace(share, target=exposures.at_most(parts.least(now), share.target), expect=now.revision)

    async def _look(self, leg: Leg, share: Change, trouble: str, *, by_hand: bool) -> Taken:
        """The backend did not answer as it should: only what it shows now can tell."""
        if by_hand:
            return Taken("unknown", trouble)
        try:
            state = await leg.read()
        except ProviderError as error:
            return Taken("unknown", f"{trouble}; {told(error)}")
        if state.op == share.op:
            return Taken("applied", f"found when reading back, after: {trouble}", state)
        return Taken("unknown", trouble)

    def _sum(self, taken: Mapping[int, Taken]) -> RolloutState:
        states = [each.state for each in taken.values() if each.outcome == "applied"]
        if len(states) == len(self._legs) and all(state is not None for state in states):
            ordered = (taken[leg.number].state for leg in self._legs)
            found = [
                replace(state, controller=leg.step.controller, scope=leg.step.scope, parts=())
                for leg, state in zip(self._legs, ordered, strict=True)
                if state is not None
            ]
            return parts.combined(found)
        line = summed_up(self._legs, taken)
        if any(each.outcome == "unknown" for each in taken.values()):
            raise ProviderError(line)
        raise Partial(line) if states else Refused(line)


def summed_up(legs: Sequence[Leg], taken: Mapping[int, Taken]) -> str:
    """`2 of 3 applied: flags, edge; not web: no permission`."""
    applied = [leg.name for leg in legs if leg.number in taken and taken[leg.number].outcome == "applied"]
    head = f"{len(applied)} of {len(legs)} applied" + (f": {', '.join(applied)}" if applied else "")
    rest = []
    for leg in legs:
        each = taken.get(leg.number)
        if each is None:
            rest.append(f"{leg.name} was not begun")
        elif each.outcome == "refused":
            rest.append(f"not {leg.name}: {each.why}")
        elif each.outcome == "unknown":
            rest.append(f"{leg.name} is not known: {each.why}")
    return "; ".join([head, *rest])

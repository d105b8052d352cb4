"""What everything that people agree to goes through: read the journal, judge afresh, journal, answer with one line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any, Literal, ParamSpec

from repz_console.engine.follower import bring_in, catch_up
from repz_console.engine.known import Known
from repz_console.engine.outcome import Outcome
from repz_console.engine.read_back import read_back
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.events import AnyEvent, Entry, NoteAdded, SeatTaken
from repz_console.facts import Exposure
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan, Rollout, Stage
from repz_console.providers.base import ProviderError
from repz_console.room import seats
from repz_console.room.consents import Consents
from repz_console.room.rollout import Surroundings
from repz_console.room.viewer import Viewer
from repz_console.room.views import GateView
from repz_console.room.words import who
from repz_console.store.errors import StoreError
from repz_console.text import safe

P = ParamSpec("P")


class No(Exception):
    """A check said no."""

    def __init__(self, line: str, state: Literal["denied", "refused"] = "refused") -> None:
        """`denied` is for what this person may not do, `refused` for what nobody could do now."""
        super().__init__(line)
        self.outcome = Outcome(state, line)


def answers(work: Callable[P, Awaitable[Outcome]]) -> Callable[P, Coroutine[Any, Any, Outcome]]:
    """Give a check that says no, and a journal that takes nothing, as the outcome that they are."""

    @wraps(work)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> Outcome:
        try:
            return await work(*args, **kwargs)
        except No as no:
            return no.outcome
        except StoreError as error:
            return Outcome("refused", f"nothing was done, for that cannot be journaled: {error}", journaled=False)

    return answered


def cleaned(text: str, missing: str = "") -> str:
    """What somebody wrote, made safe. Raises `No` with `missing` if nothing is left and something must be."""
    text = safe(text).strip()
    if missing and not text:
        raise No(missing)
    return text


class Desk:
    """Where one console's operator says what they agree to, one thing at a time."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known) -> None:
        """Has done nothing yet."""
        self.known = known
        self.turn = asyncio.Lock()
        self._storage = storage
        self._writer = writer

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.known.plan

    @property
    def consents(self) -> Consents:
        """What was agreed to, as far as the journal is read."""
        return self.known.decisions.consents

    @property
    def around(self) -> Surroundings:
        """What rollouts are judged in now."""
        return self.known.surroundings()

    @property
    def viewer(self) -> Viewer:
        """This console's operator."""
        return self.around.viewer or Viewer(self.known.actor)

    async def look(self, rollout: str = "") -> None:
        """Read what others wrote, and what the backends of a rollout have. Raises `StoreError`; a backend that does not
        answer leaves what is known of it as old as it is, which the gates tell."""
        if rollout in self.plan.rollout:
            with suppress(ProviderError):
                await read_back(self.known, rollout)
        await bring_in(self._storage, self.known)
        await catch_up(self._storage, self.known)

    async def append(self, event: AnyEvent, unique: str) -> Entry:
        """Journal an event, once for its key; the entry may be that of whoever was first. Raises `StoreError`."""
        return await self._writer.append(event, unique=unique)

    async def note(self, text: str, unique: str) -> None:
        """Journal that something was refused, once for its key."""
        await self.append(NoteAdded(text=safe(text)), f"refused:{unique}")

    def rollout(self, identity: str) -> Rollout:
        """A rollout of the plan. Raises `No` for another one."""
        if identity not in self.plan.rollout:
            raise No(f"the plan has no rollout {safe(identity)}")
        return self.plan.rollout[identity]

    def stage(self, rollout: str, identity: str = "") -> Stage:
        """A stage of a rollout, the next one without `identity`. Raises `No` if there is none."""
        table = self.rollout(rollout)
        if not identity:
            view = next(each for each in self.known.view().rollout.rollouts if each.id == rollout)
            if view.next is None:
                raise No(f"no stage of {rollout} is left")
            identity = view.next.id
        found = next((stage for stage in table.stage if stage.id == identity), None)
        if found is None:
            raise No(f"{rollout} has no stage {safe(identity)}")
        return found

    def exposure(self, rollout: str, stage: Stage) -> Exposure:
        """What a stage of a rollout exposes."""
        return exposures.of_stage(self.rollout(rollout), stage)

    def judged(self, rollout: str, stage: Stage) -> tuple[GateView, ...]:
        """The gates of entering a stage, as of now."""
        return self.known.gates(rollout, self.exposure(rollout, stage))

    async def speak_for(self, seat: str, doing: str) -> None:
        """Speak for a seat: as its holder, or by taking it while it is free. Raises `No`, and journals that, if this
        console's operator may not; `doing` says what was tried."""
        why = seats.speaks_for(self.plan, self.consents, seat, self.viewer)
        if why:
            await self.note(f"could not {doing}: {why}", f"{seat}:{self.viewer.actor.uid}:{doing}:{why}")
            raise No(why, "denied")
        await self.take(seat, "")

    async def take(self, seat: str, reason: str) -> bool:
        """Take a seat that may be taken; whether it was not held before. Raises `No` if somebody was faster."""
        me, last = self.viewer.actor, self.consents.seats.get(seat)
        held = seats.holder(self.plan, self.consents, seat, self.viewer)
        if held is not None and seats.same_person(held.actor, me):
            return False
        taken = SeatTaken(seat=seat, from_whom=who(held.actor) if held is not None else "", reason=reason)
        entry = await self.append(taken, f"seat.taken:{seat}:{last.at.isoformat() if last is not None else ''}")
        if not seats.same_person(entry.actor, me):
            raise No(f"{who(entry.actor)} took the seat {seats.title(self.plan, seat)} at the same moment", "denied")
        return True

"""What people agree to, in this console's name: seats, go/no-go polls, the line that anybody may stop.

Each method reads the journal first, judges everything afresh, journals, and answers with one plain line. Nothing here
widens anything, and nothing but starting the line needs the conn: votes are governed by seats.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Literal

from repz_console.engine.conn import NEEDS_CONN, Conn
from repz_console.engine.consenting import Consenting
from repz_console.engine.desk import Desk, No, answers, cleaned
from repz_console.engine.known import Known
from repz_console.engine.outcome import Outcome
from repz_console.engine.recorder import Recorder
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.events import ConditionAccepted, LineStarted, LineStopped, PollCalled, PollClosed, VoteCast
from repz_console.plan.model import Poll, Stage
from repz_console.room import rollout as rollouts
from repz_console.room import seats
from repz_console.room.approvals import APPROVAL
from repz_console.room.consents import Vote
from repz_console.room.gates import CONN
from repz_console.room.polls import POLL
from repz_console.room.views import GateView, PollView, RoomView, StationView
from repz_console.room.words import exposure, instant, who
from repz_console.store.errors import FenceError
from repz_console.text import safe

Answer = Literal["GO", "NO-GO", "GO-IF"]

REPEATED = timedelta(minutes=1)
"""How long the same answer, given again, is the one that was given."""


class Council(Consenting):
    """Says and answers in this console's name."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known, conn: Conn) -> None:
        """Has said nothing yet."""
        super().__init__(Desk(storage, writer, known))
        self._writer = writer
        self._conn = conn
        self._recorder = Recorder(storage, writer, known)

    @answers
    async def take_seat(self, seat: str, reason: str = "") -> Outcome:
        """Hold a seat from now on. Taking it from somebody needs a reason, which both see."""
        desk = self._desk
        async with desk.turn:
            await desk.look()
            present = {person.user for person in desk.known.people}
            wanted = seats.claim(desk.plan, desk.consents, seat, desk.viewer, present)
            if not wanted.may:
                await desk.note(f"could not take the seat {seat}: {wanted.note}", f"{seat}:{desk.viewer.actor.uid}")
                raise No(safe(wanted.note), "denied")
            title = seats.title(desk.plan, seat)
            over = f"{who(wanted.over.actor)} holds the seat {title}: taking it needs a reason" if wanted.over else ""
            fresh = await desk.take(seat, cleaned(reason, over))
        if not fresh:
            return Outcome("confirmed", f"the seat {title} is yours already")
        note = f" ({wanted.note})" if wanted.note else ""
        return Outcome("confirmed", f"the seat {title} is yours{note}")

    # The go/no-go poll

    @answers
    async def call(self, rollout: str, stage: str = "") -> Outcome:
        """Call the next round of the poll of a stage (of the next one without `stage`). The first one begins a poll
        anew, unless one goes on for that stage."""
        desk = self._desk
        async with desk.turn:
            await desk.look(rollout)
            table = desk.stage(rollout, stage)
            view, poll = self._poll(rollout, table)
            number = view.round + 1 if view.run else 0
            if number >= len(poll.round):
                raise No(f"every round of {poll.title} is called: {view.line}")
            following = poll.round[number]
            may_not = seats.speaks_for(desk.plan, desk.consents, following.caller, desk.viewer)
            if view.may_call and view.may_call != may_not:
                raise No(f"{following.title} cannot be called: {view.may_call}")
            await desk.speak_for(following.caller, f"call {following.title} for {rollout} {table.id}")
            before = desk.consents.runs.get(rollout)
            called = PollCalled(
                run=view.run or secrets.token_hex(8),
                poll=poll.id,
                rollout=rollout,
                stage=table.id,
                round=number,
                plan_hash=desk.around.plan_hash,
            )
            # Each run follows one other, so that two who call at once begin one.
            key = f"{view.run}:{number}" if view.run else f"{rollout}:{before.seq if before is not None else 0}"
            await desk.append(called, f"poll.called:{key}")
            view, _ = self._poll(rollout, table)
        asked = next((station.title for station in view.stations if station.turn), "nobody")
        return Outcome("confirmed", f"{following.title} is called for {rollout} {table.id}: {asked} is asked first")

    @answers
    async def vote(
        self,
        rollout: str,
        seat: str,
        answer: Answer,
        *,
        reason: str = "",
        owner: str = "",
        due: datetime | None = None,
        verbal: str = "",
    ) -> Outcome:
        """Answer for a seat in the poll that is open. NO-GO needs a reason, GO-IF a condition (`reason`), who sees to
        it (`owner`) and by when (`due`, aware). `verbal` is who said it, where the director writes it down."""
        desk = self._desk
        reason, owner, verbal = _content(answer, reason, owner, due, desk.known.clock(), verbal)
        async with desk.turn:
            await desk.look(rollout)
            table, view, _ = self._open(rollout)
            station = await self._asked(view, seat, rollout)
            speaker = desk.plan.launch.director if verbal else station.seat
            await desk.speak_for(speaker, f"answer {answer} for {station.seat} in the poll of {rollout} {table.id}")
            known = self._vote(rollout, seat)
            if known is not None and station.stands and self._repeats(known, answer, reason, due, verbal):
                return Outcome("confirmed", f"{station.title} said {answer} already. {view.line}")
            cast = VoteCast(
                run=view.run,
                seat=seat,
                answer=answer,
                reason=reason,
                owner=owner,
                due=due if answer == "GO-IF" else None,
                evidence=_seen(desk.judged(rollout, table)),
                plan_hash=desk.around.plan_hash,
                verbal=verbal,
                seen=_circumstances(desk.known.view(), rollout),
            )
            before = known.seq if known is not None else 0
            entry = await desk.append(cast, f"poll.vote:{view.run}:{seat}:{before}:{desk.viewer.actor.uid}:{answer}")
            known = self._vote(rollout, seat)
            if known is None or known.seq != entry.seq:
                raise No(f"the poll went on without it: look again, {station.title} was not counted as {answer}")
            view, _ = self._poll(rollout, table)
        return Outcome("confirmed", f"{station.title} says {answer}. {view.line}")

    @answers
    async def accept_condition(self, rollout: str, seat: str, condition: str = "") -> Outcome:
        """Take a station's GO-IF for a GO: only the director does. `condition` is the one that was read: if it is
        another one by now, nothing is accepted."""
        desk = self._desk
        async with desk.turn:
            await desk.look(rollout)
            table, view, _ = self._open(rollout)
            station = await self._asked(view, seat, rollout)
            await desk.speak_for(desk.plan.launch.director, f"accept the condition of {seat} for {rollout} {table.id}")
            vote = self._vote(rollout, seat)
            if vote is None or vote.event.answer != "GO-IF":
                raise No(f"{station.title} made no condition")
            if condition and cleaned(condition) != vote.event.reason:
                raise No(f"{station.title} makes another condition by now: {vote.event.reason}")
            if station.stale:
                raise No(f"the answer of {station.title} is STALE ({station.stale}): it has to be given again")
            if not vote.accepted:
                accepted = ConditionAccepted(run=view.run, seat=seat, vote=vote.seq)
                await desk.append(accepted, f"poll.accepted:{vote.seq}")
            view, _ = self._poll(rollout, table)
        return Outcome("confirmed", f"the condition of {station.title} is accepted. {view.line}")

    @answers
    async def close(self, rollout: str, reason: str) -> Outcome:
        """Call a poll off. Whoever calls one of its rounds may, and the director."""
        desk = self._desk
        reason = cleaned(reason, "calling a poll off needs a reason, which the others see")
        async with desk.turn:
            await desk.look()
            table, view, poll = self._open(rollout)
            callers = dict.fromkeys([*(each.caller for each in poll.round), desk.plan.launch.director])
            may = [seat for seat in callers if not seats.speaks_for(desk.plan, desk.consents, seat, desk.viewer)]
            doing = f"call off the poll of {rollout} {table.id}"
            await desk.speak_for(may[0] if may else next(iter(callers)), doing)
            await desk.append(PollClosed(run=view.run, reason=reason), f"poll.closed:{view.run}")
        return Outcome("confirmed", f"{poll.title} for {rollout} {table.id} is called off")

    # The line

    @answers
    async def stop_line(self, reason: str) -> Outcome:
        """Let nobody widen any rollout until the line is started again. Anybody may, also without the journal."""
        known = self._desk.around.consents.line
        if known is not None:
            return Outcome("confirmed", f"the line is stopped already, by {known.who}")
        stopped = LineStopped(reason=cleaned(reason))
        written = await self._recorder.write((stopped, f"line.stopped:{secrets.token_hex(8)}"))
        if not written.seen:
            return Outcome("refused", f"the line is stopped in this console only{written.note}", journaled=False)
        return Outcome("confirmed", f"the line is stopped{written.note}", journaled=written.journaled)

    @answers
    async def start_line(self, reason: str) -> Outcome:
        """Start the line again. Needs the conn."""
        reason = cleaned(reason, "starting the line needs a reason, which the others see")
        fence = self._conn.fence
        if fence is None:
            raise No(NEEDS_CONN, "denied")
        async with self._desk.turn:
            await self._desk.look()
            if self._desk.consents.line is None:
                raise No("the line is not stopped")
            try:
                await self._writer.append(LineStarted(reason=reason), fence=fence)
            except FenceError as error:
                raise No(f"{error}: the line stays stopped", "denied") from error
        return Outcome("confirmed", "the line runs again")

    def _poll(self, rollout: str, stage: Stage) -> tuple[PollView, Poll]:
        """The poll of a stage, as of now. Raises `No` if it needs none."""
        view = rollouts.poll_of(self._desk.around, rollout, stage, self._desk.known.clock())
        poll = next((poll for poll in self._desk.plan.poll if poll.id == stage.poll), None)
        if view is None or poll is None:
            raise No(f"{rollout} {stage.id} needs no go/no-go poll")
        return view, poll

    def _open(self, rollout: str) -> tuple[Stage, PollView, Poll]:
        """The poll that goes on. Raises `No` if none does."""
        run = self._desk.consents.runs.get(rollout)
        stage = self._desk.stage(rollout, run.stage if run is not None else "")
        view, poll = self._poll(rollout, stage)
        if not view.run:
            raise No(f"{poll.title} for {rollout} {stage.id} is {view.line}")
        return stage, view, poll

    async def _asked(self, view: PollView, seat: str, rollout: str) -> StationView:
        """A station that is asked now: the last round's, where a seat is asked in several."""
        stations = [station for station in view.stations if station.seat == seat]
        if not stations:
            asked = ", ".join(dict.fromkeys(station.seat for station in view.stations))
            why = f"{view.title} does not ask {safe(seat)}; it asks {asked}"
            await self._desk.note(f"could not answer for {seat} in the poll of {rollout}: {why}", f"{view.run}:{seat}")
            raise No(why)
        called = [station for station in stations if station.round <= view.round]
        if not called:
            raise No(f"{stations[0].title} is asked in a later round, which is not called yet")
        return called[-1]

    def _vote(self, rollout: str, seat: str) -> Vote | None:
        run = self._desk.consents.runs.get(rollout)
        return run.votes.get(seat) if run is not None else None

    def _repeats(self, known: Vote, answer: Answer, reason: str, due: datetime | None, verbal: str) -> bool:
        """Whether an answer says what the last one said, just now and by the same person."""
        event, me = known.event, self._desk.viewer.actor
        same = (event.answer, event.reason, event.due, event.verbal) == (answer, reason, due, verbal)
        return same and seats.same_person(known.actor, me) and self._desk.known.clock() - known.at < REPEATED


def _content(
    answer: Answer, reason: str, owner: str, due: datetime | None, now: datetime, verbal: str
) -> tuple[str, str, str]:
    """What an answer says, made safe: (reason, owner, verbal). Raises `No` for one that says too little."""
    missing = {"GO": "", "NO-GO": "a NO-GO needs a reason, which the others see", "GO-IF": "a GO-IF needs a condition"}
    if answer not in missing:
        raise No(f"{safe(answer)} is no answer: GO, NO-GO or GO-IF")
    reason, owner = cleaned(reason, missing[answer]), cleaned(owner)
    if answer != "GO-IF":
        return reason, "", cleaned(verbal)
    if not owner:
        raise No("a GO-IF needs an owner: who sees to the condition")
    if due is None or due.tzinfo is None:
        raise No("a GO-IF needs a time by which the condition is met, with its zone")
    if due <= now:
        raise No(f"{instant(due)} is past: the condition of a GO-IF is due later")
    return reason, owner, cleaned(verbal)


def _seen(judged: tuple[GateView, ...]) -> dict[str, object]:
    """What an answer saw: what every gate said and on what, other than those that hang on the answer itself."""
    return {
        gate.id: {"verdict": str(gate.verdict), "line": gate.line, "evidence": list(gate.evidence)}
        for gate in judged
        if gate.id not in (CONN, POLL, APPROVAL)
    }


def _circumstances(view: RoomView, rollout: str) -> tuple[str, ...]:
    """What was configured, and how fresh each source was, one fact a line."""
    configured = next((each for each in view.rollout.rollouts if each.id == rollout), None)
    lines = []
    if configured is not None and configured.configured.exposure is not None:
        has = exposure(configured.configured.exposure)
        lines.append(f"configured: {has} at revision {configured.revision} ({configured.configured.freshness})")
    for source in view.sources.sources:
        answered = f"answered at {instant(source.last_ok_at)}" if source.last_ok_at is not None else "never answered"
        lines.append(f"{source.id}: {source.freshness}, {answered}{f', {source.error}' if source.error else ''}")
    return tuple(lines)

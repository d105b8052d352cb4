"""The go/no-go poll of a stage: who is asked, what each answer is worth now, and whether the stage is armed.

Silence is NO-GO, and a GO that no longer rests on what it rested on is STALE, which is not GO. Unanimous GO arms the
one stage that was asked about, for a time; once that was entered, or a way back was taken, a new poll is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from repz_console.facts import Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Stage
from repz_console.plan.polls import Poll, Station
from repz_console.room import seats
from repz_console.room.consents import Run, Vote
from repz_console.room.decisions import ChangeRecord
from repz_console.room.freshness import soonest
from repz_console.room.gates.changes import CHANGE
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView, PollView, StationView
from repz_console.room.words import instant, who

POLL = "poll"
"""Id of the gate."""


class Answer(Struct, frozen=True):
    """A station, and what its answer is worth now."""

    station: Station
    round: int
    title: str
    vote: Vote | None
    stale: str = ""
    """Why what was once a GO is none any more."""
    waits: bool = False
    """A GO-IF whose condition the director has not accepted."""
    until: datetime | None = None
    """When it stops to count by itself."""

    @property
    def says(self) -> Literal["GO", "NO-GO", "GO-IF", ""]:
        """What was answered; empty for nothing."""
        return self.vote.event.answer if self.vote is not None else ""

    @property
    def stands(self) -> bool:
        """Whether it counts as GO."""
        return self.says in ("GO", "GO-IF") and not self.stale and not self.waits


class Sitting(Struct, frozen=True):
    """A poll as it stands."""

    poll: Poll
    run: Run | None
    """None where none goes on for this stage."""
    over: str
    """Why the last one goes on no more; empty if none was held, or it does."""
    answers: tuple[Answer, ...]
    """In the order in which they are asked."""
    armed_to: datetime | None = None
    """Until when unanimous GO arms, or armed, the stage; None without it."""
    armed: bool = False
    changes: tuple[datetime, ...] = ()
    """Every later instant at which something lapses."""

    @property
    def called(self) -> int:
        """How many rounds were called."""
        return len(self.run.called) if self.run is not None else 0

    @property
    def asked(self) -> tuple[Answer, ...]:
        """The stations of the rounds that were called."""
        return tuple(answer for answer in self.answers if answer.round < self.called)


def sitting(evidence: Evidence, stage: Stage, judged: Sequence[GateView], now: datetime) -> Sitting | None:
    """The poll of a stage; None where it needs none, or the plan lacks it. `judged` are the gates of entering it."""
    poll = next((poll for poll in evidence.plan.poll if poll.id == stage.poll), None)
    if poll is None:
        return None
    run, over = _run(evidence, poll, stage, now)
    now_says = {gate.id: gate for gate in judged}
    answers = tuple(
        _answer(evidence, poll, run, number, station, now_says, now)
        for number, each in enumerate(poll.round)
        for station in each.station
    )
    if run is None:
        return Sitting(poll, None, over, answers)
    lapses = [answer.until for answer in answers if answer.until is not None]
    armed_to = None
    if len(run.called) >= len(poll.round) and answers and all(answer.stands for answer in answers):
        last = max(_given(answer.vote) for answer in answers if answer.vote is not None)
        armed_to = min([last + timedelta(minutes=poll.armed_minutes), *lapses])
    changes = [*lapses, _last(run) + timedelta(minutes=poll.valid_minutes)]
    changes += [armed_to] if armed_to is not None else []
    return Sitting(
        poll,
        run,
        "",
        answers,
        armed_to,
        armed_to is not None and now < armed_to,
        tuple(sorted({at for at in changes if at > now})),
    )


def view(evidence: Evidence, stage: Stage, judged: Sequence[GateView], now: datetime) -> PollView | None:
    """The poll of a stage as it is shown; None where it needs none, or the plan lacks it."""
    held = sitting(evidence, stage, judged, now)
    if held is None:
        return None
    turn = next((answer for answer in held.asked if not answer.says), None)
    return PollView(
        id=held.poll.id,
        title=held.poll.title,
        stage=stage.id,
        run=held.run.run if held.run is not None else "",
        round=max(0, held.called - 1),
        stations=tuple(_station(evidence, answer, answer is turn) for answer in held.answers),
        verdict=_verdict(held),
        armed_until=held.armed_to if held.armed else None,
        line=line(evidence, held),
        may_call=why_not_call(evidence, held),
    )


def gates_of(evidence: Evidence, judged: Sequence[GateView], now: datetime) -> Iterator[GateView]:
    """The gate of the stage that is entered, where it needs a poll. It is never waived: whoever is silent can speak."""
    stage = evidence.enters
    if stage is None or not stage.poll:
        return
    held = sitting(evidence, stage, judged, now)
    if held is None:
        line_ = f"the plan has no poll {stage.poll}: nobody can be asked"
        yield GateView(POLL, "Go/no-go poll", Verdict.INCONCLUSIVE, line_)
        return
    said = f"{held.poll.title}: {line(evidence, held)}"
    facts = tuple(_told(evidence, answer) for answer in held.asked)
    if evidence.damage:
        unknown = f"{held.poll.title}: not known what was answered: {evidence.damage}"
        yield GateView(POLL, held.poll.title, Verdict.INCONCLUSIVE, unknown, evidence=facts)
        return
    answer = Verdict.PASS if held.armed else Verdict.FAIL
    yield GateView(POLL, held.poll.title, answer, said, soonest(held.changes), facts)


def why_not_call(evidence: Evidence, held: Sitting) -> str:
    """Empty if the viewer may call the next round now, else why not."""
    if evidence.damage:
        return f"not known what was answered: {evidence.damage}"
    if held.called >= len(held.poll.round):
        return "its last round is called"
    if not all(answer.stands for answer in held.asked):
        return f"{held.poll.round[held.called - 1].title} is not all GO"
    return seats.speaks_for(evidence.plan, evidence.consents, held.poll.round[held.called].caller, evidence.viewer)


def line(evidence: Evidence, held: Sitting) -> str:
    """How a poll stands, in one line."""
    if held.run is None:
        caller = seats.title(evidence.plan, held.poll.round[0].caller) if held.poll.round else "nobody"
        return f"not called{f' ({held.over})' if held.over else ''}: {caller} calls it"
    if held.armed and held.armed_to is not None:
        return f"GO: armed until {instant(held.armed_to)}"
    if held.armed_to is not None:
        return f"GO, but armed only until {instant(held.armed_to)}: answer again"
    parts = [*_parts(held.asked)]
    if not parts and held.called >= len(held.poll.round):
        parts.append("it asks nobody")
    if not parts:
        following = held.poll.round[held.called]
        caller = seats.title(evidence.plan, following.caller)
        parts.append(f"{held.poll.round[held.called - 1].title} is GO; {caller} calls {following.title}")
    return "; ".join(parts)


def _parts(answers: Sequence[Answer]) -> Iterator[str]:
    """What keeps answers from being unanimous."""
    refused = [f"{answer.title}{_why(answer)}" for answer in answers if answer.says == "NO-GO"]
    stale = [f"{answer.title} ({answer.stale})" for answer in answers if answer.stale]
    waits = [f"{answer.title}{_why(answer)}" for answer in answers if answer.waits and not answer.stale]
    silent = [answer.title for answer in answers if not answer.says]
    yield from (
        f"{what}: {', '.join(names)}"
        for what, names in (
            ("NO-GO", refused),
            ("STALE", stale),
            ("GO-IF waits for the director", waits),
            ("silent", silent),
        )
        if names
    )


def _why(answer: Answer) -> str:
    reason = answer.vote.event.reason if answer.vote is not None else ""
    return f" ({reason})" if reason else ""


def _verdict(held: Sitting) -> Literal["not called", "open", "GO", "NO-GO"]:
    if held.run is None:
        return "not called"
    if any(answer.says == "NO-GO" for answer in held.asked):
        return "NO-GO"
    return "GO" if held.armed else "open"


def _run(evidence: Evidence, poll: Poll, stage: Stage, now: datetime) -> tuple[Run | None, str]:
    """The run that goes on for a stage, or None and why the last one does not."""
    run = evidence.consents.runs.get(evidence.identity)
    if run is None or run.stage != stage.id or run.poll != poll.id:
        return None, ""
    if run.closed is not None:
        return None, f"called off: {run.closed}" if run.closed else "called off"
    wanted = exposures.of_stage(evidence.rollout, stage)
    begun = run.called[0]
    for change in evidence.decided.changes:
        later = change.seq > run.seq
        if later and _is_way_back(change):
            return None, f"a way back was taken at {instant(change.at)}"
        entered = change.state == "confirmed" and exposures.same(change.intent.target, wanted)
        if entered and (later or change.state_at > begun):
            return None, f"used for the change of {instant(change.state_at)}"
    if now >= _last(run) + timedelta(minutes=poll.valid_minutes):
        return None, f"the last answer was at {instant(_last(run))}"
    return run, ""


def _is_way_back(change: ChangeRecord) -> bool:
    """Whether a change only took from people what they had, by whatever name."""
    before, target = change.intent.before, change.intent.target
    if change.intent.action != "set":
        return True
    shrinks = before is not None and exposures.widens(target, before) and not exposures.widens(before, target)
    return shrinks and change.state == "confirmed"


def _last(run: Run) -> datetime:
    """When somebody last called or answered."""
    return max([*run.called, *(_given(vote) for vote in run.votes.values())])


def _given(vote: Vote) -> datetime:
    """When an answer became what it is."""
    return max(vote.at, vote.accepted_at) if vote.accepted_at is not None else vote.at


def _answer(
    evidence: Evidence,
    poll: Poll,
    run: Run | None,
    number: int,
    station: Station,
    judged: Mapping[str, GateView],
    now: datetime,
) -> Answer:
    title = seats.title(evidence.plan, station.seat)
    vote = run.votes.get(station.seat) if run is not None else None
    if run is None or vote is None or number >= len(run.called) or vote.at < run.called[number]:
        return Answer(station, number, title, None)
    if vote.event.answer == "NO-GO":
        return Answer(station, number, title, vote)
    until = vote.at + timedelta(minutes=poll.valid_minutes)
    if vote.event.due is not None:
        until = min(until, vote.event.due)
    return Answer(
        station,
        number,
        title,
        vote,
        stale=_stale(evidence, poll, station, vote, judged, now),
        waits=vote.event.answer == "GO-IF" and not vote.accepted,
        until=until,
    )


def _stale(
    evidence: Evidence, poll: Poll, station: Station, vote: Vote, judged: Mapping[str, GateView], now: datetime
) -> str:
    """Why a GO no longer counts; empty if it does."""
    if vote.event.plan_hash != evidence.plan_hash:
        return "said of another plan"
    held = seats.holder(evidence.plan, evidence.consents, station.seat, evidence.viewer)
    if held is None and not vote.event.verbal:
        return f"{who(vote.actor)} holds the seat no more"
    # By the order of the journal, which no clock turns round. Also where it came back to whoever answered.
    if held is not None and held.seq > vote.seq:
        return f"{who(held.actor)} took the seat since"
    if held is not None and not vote.event.verbal and not seats.same_person(held.actor, vote.actor):
        return f"{who(held.actor)} holds the seat"
    # Also where the clock was set back: how old an answer from the future is nobody knows.
    if abs(now - vote.at) >= timedelta(minutes=poll.valid_minutes):
        return f"older than {poll.valid_minutes:g} min"
    if vote.event.answer == "GO-IF" and (vote.event.due is None or now >= vote.event.due):
        return f"was due {instant(vote.event.due)}" if vote.event.due is not None else "without a due time"
    return next(_flips(station, vote, judged), "")


def _flips(station: Station, vote: Vote, judged: Mapping[str, GateView]) -> Iterator[str]:
    """Where the gates that an answer rests on say something else than they said when it was given."""
    for gate in station.gates:
        if gate == CHANGE:
            # The step that is judged for the last time is itself a change under way; that gate stops any other one.
            continue
        seen = vote.event.evidence.get(gate)
        then = seen.get("verdict", "") if isinstance(seen, Mapping) else ""
        says = str(judged[gate].verdict) if gate in judged else ""
        if then == says:
            continue
        if says == Verdict.INCONCLUSIVE:
            yield f"{gate} is INCONCLUSIVE now"
        else:
            yield f"{gate} was {then or 'not judged'} and is {says or 'not judged'}"


def _station(evidence: Evidence, answer: Answer, turn: bool) -> StationView:
    seat = answer.station.seat
    held = seats.holder(evidence.plan, evidence.consents, seat, evidence.viewer)
    return StationView(
        seat=seat,
        title=answer.title,
        round=answer.round,
        holder=seats.named(held.actor) if held is not None else _who_may(evidence, seat),
        mine=not seats.speaks_for(evidence.plan, evidence.consents, seat, evidence.viewer),
        answer=answer.says,
        stands=answer.stands,
        stale=answer.stale,
        line=_told(evidence, answer),
        turn=turn,
        criteria=answer.station.criteria,
        reason=answer.vote.event.reason if answer.vote is not None else "",
    )


def _who_may(evidence: Evidence, identity: str) -> str:
    seat = seats.find(evidence.plan, identity)
    if seat is None:
        return "nobody: the plan has no such seat"
    known = evidence.viewer.known if evidence.viewer is not None else None
    return "free: anyone" if seats.open_to_all(seat, known) else f"free: {seats.members(seat)}"


def _told(evidence: Evidence, answer: Answer) -> str:
    """Who said what and when."""
    vote = answer.vote
    if vote is None:
        return f"{answer.title}: silent"
    by = f"{vote.event.verbal}, told to {seats.named(vote.actor)}" if vote.event.verbal else seats.named(vote.actor)
    said = f"{answer.title}: {vote.event.answer}{_why(answer)} by {by} at {instant(vote.at)}"
    if vote.event.answer == "GO-IF":
        said += f", {vote.event.owner or 'nobody'} sees to it"
        said += f" by {instant(vote.event.due)}" if vote.event.due is not None else ""
        said += ", accepted" if vote.accepted else ", not accepted"
    return f"{said}; STALE: {answer.stale}" if answer.stale else said

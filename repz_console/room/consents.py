"""What people agreed to, folded from the journal: seats, polls, approvals, waivers, overrides, and the stopped line.

One frozen value, replaced by every entry that changes it: what it adds up to is judged elsewhere, against the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from repz_console import events
from repz_console.events import Entry
from repz_console.facts import Actor, Hold
from repz_console.room.words import who


class Waiver(Struct, frozen=True):
    """A gate that somebody asked to pass."""

    event: events.GateWaived
    actor: Actor
    at: datetime
    second: Actor | None = None
    solo: bool = False
    seconded_at: datetime | None = None
    seq: int = 0


class Override(Struct, frozen=True):
    """A gate that the director passes although it fails."""

    event: events.GateOverridden
    actor: Actor
    at: datetime
    seq: int


class Vote(Struct, frozen=True):
    """A station's last answer."""

    event: events.VoteCast
    actor: Actor
    at: datetime
    seq: int = 0
    accepted: bool = False
    """The director took its condition for a GO."""
    accepted_by: Actor | None = None
    accepted_at: datetime | None = None


class Run(Struct, frozen=True):
    """One go/no-go poll as it was held."""

    run: str
    poll: str
    rollout: str
    stage: str
    plan_hash: str
    called: tuple[datetime, ...]
    """When each round was called."""
    votes: Mapping[str, Vote]
    """Seat id to its last answer."""
    seq: int
    closed: str | None = None
    """Why it was called off."""


class Ask(Struct, frozen=True):
    """An approval that was asked for."""

    event: events.ApprovalAsked
    actor: Actor
    at: datetime
    seq: int
    given: tuple[tuple[Actor, datetime, bool], ...] = ()
    """Who approved, when, and whether alone after the cool-off."""


class Holder(Struct, frozen=True):
    """Who holds a seat."""

    actor: Actor
    at: datetime
    seq: int = 0
    """Number of the entry by which it came to them."""


class Observed(Struct, frozen=True):
    """What somebody saw at a backend."""

    event: events.ExposureObserved
    actor: Actor
    at: datetime
    seq: int


class Consents(Struct, frozen=True):
    """Everything that people agreed to so far."""

    line: Hold | None = None
    """Who stopped the line; None while it runs."""
    seats: Mapping[str, Holder] = field(default_factory=dict)
    """Seat id to who took it last."""
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    """By id."""
    overrides: tuple[Override, ...] = ()
    runs: Mapping[str, Run] = field(default_factory=dict)
    """Rollout id to its last poll."""
    asks: Mapping[str, Ask] = field(default_factory=dict)
    """Rollout id to what was last asked to be approved."""
    observed: Mapping[tuple[str, str], Observed] = field(default_factory=dict)
    """(rollout, controller) to what somebody last saw there."""
    elsewhere: Mapping[str, events.ChangedElsewhere] = field(default_factory=dict)
    """Rollout id to the last change that was made elsewhere."""


def fold(consents: Consents, entry: Entry) -> Consents:
    """What is agreed to after one more entry: the same object where it changes nothing."""
    folder = _FOLDERS.get(type(entry.event))
    folded: Consents = folder(consents, entry, entry.event) if folder is not None else consents
    return folded


def _with(mapping: Mapping[Any, Any], key: Any, value: Any) -> Mapping[Any, Any]:
    return {**mapping, key: value}


def _stopped(consents: Consents, entry: Entry, event: events.LineStopped) -> Consents:
    return replace(consents, line=Hold(who(entry.actor), entry.at, event.reason))


def _started(consents: Consents, entry: Entry, event: events.LineStarted) -> Consents:
    return replace(consents, line=None)


def _seat(consents: Consents, entry: Entry, event: events.SeatTaken) -> Consents:
    held = consents.seats.get(event.seat)
    if held is not None and (held.actor.uid, held.actor.user) == (entry.actor.uid, entry.actor.user):
        return consents  # it changed no hands
    return replace(consents, seats=_with(consents.seats, event.seat, Holder(entry.actor, entry.at, entry.seq)))


def _waived(consents: Consents, entry: Entry, event: events.GateWaived) -> Consents:
    if event.waiver in consents.waivers:
        return consents
    waiver = Waiver(event, entry.actor, entry.at, seq=entry.seq)
    return replace(consents, waivers=_with(consents.waivers, event.waiver, waiver))


def _seconded(consents: Consents, entry: Entry, event: events.WaiverSeconded) -> Consents:
    waiver = consents.waivers.get(event.waiver)
    if waiver is None or waiver.second is not None:
        return consents
    agreed = replace(waiver, second=entry.actor, solo=event.solo, seconded_at=entry.at)
    return replace(consents, waivers=_with(consents.waivers, event.waiver, agreed))


def _overridden(consents: Consents, entry: Entry, event: events.GateOverridden) -> Consents:
    return replace(consents, overrides=(*consents.overrides, Override(event, entry.actor, entry.at, entry.seq)))


def _called(consents: Consents, entry: Entry, event: events.PollCalled) -> Consents:
    known = consents.runs.get(event.rollout)
    if known is not None and known.run == event.run:
        # A round is called once, in its order.
        if event.round != len(known.called) or known.closed is not None:
            return consents
        run = replace(known, called=(*known.called, entry.at))
    elif event.round == 0:
        run = Run(event.run, event.poll, event.rollout, event.stage, event.plan_hash, (entry.at,), {}, entry.seq)
    else:
        return consents
    return replace(consents, runs=_with(consents.runs, event.rollout, run))


def _run_of(consents: Consents, run: str) -> Run | None:
    return next((each for each in consents.runs.values() if each.run == run and each.closed is None), None)


def _voted(consents: Consents, entry: Entry, event: events.VoteCast) -> Consents:
    run = _run_of(consents, event.run)
    if run is None:
        return consents
    run = replace(run, votes=_with(run.votes, event.seat, Vote(event, entry.actor, entry.at, entry.seq)))
    return replace(consents, runs=_with(consents.runs, run.rollout, run))


def _accepted(consents: Consents, entry: Entry, event: events.ConditionAccepted) -> Consents:
    run = _run_of(consents, event.run)
    vote = run.votes.get(event.seat) if run is not None else None
    if run is None or vote is None or vote.event.answer != "GO-IF" or event.vote not in (0, vote.seq):
        return consents
    taken = replace(vote, accepted=True, accepted_by=entry.actor, accepted_at=entry.at)
    run = replace(run, votes=_with(run.votes, event.seat, taken))
    return replace(consents, runs=_with(consents.runs, run.rollout, run))


def _closed(consents: Consents, entry: Entry, event: events.PollClosed) -> Consents:
    run = _run_of(consents, event.run)
    if run is None:
        return consents
    return replace(consents, runs=_with(consents.runs, run.rollout, replace(run, closed=event.reason)))


def _asked(consents: Consents, entry: Entry, event: events.ApprovalAsked) -> Consents:
    asked = Ask(event, entry.actor, entry.at, entry.seq)
    return replace(consents, asks=_with(consents.asks, event.rollout, asked))


def _given(consents: Consents, entry: Entry, event: events.ApprovalGiven) -> Consents:
    ask = next((each for each in consents.asks.values() if each.event.ask == event.ask), None)
    if ask is None or any(actor.uid == entry.actor.uid and actor.host == entry.actor.host for actor, _, _ in ask.given):
        return consents
    ask = replace(ask, given=(*ask.given, (entry.actor, entry.at, event.solo)))
    return replace(consents, asks=_with(consents.asks, ask.event.rollout, ask))


def _observed(consents: Consents, entry: Entry, event: events.ExposureObserved) -> Consents:
    seen = Observed(event, entry.actor, entry.at, entry.seq)
    return replace(consents, observed=_with(consents.observed, (event.rollout, event.controller), seen))


def _elsewhere(consents: Consents, entry: Entry, event: events.ChangedElsewhere) -> Consents:
    return replace(consents, elsewhere=_with(consents.elsewhere, event.rollout, event))


_FOLDERS: Mapping[type, Any] = {
    events.LineStopped: _stopped,
    events.LineStarted: _started,
    events.SeatTaken: _seat,
    events.GateWaived: _waived,
    events.WaiverSeconded: _seconded,
    events.GateOverridden: _overridden,
    events.PollCalled: _called,
    events.VoteCast: _voted,
    events.ConditionAccepted: _accepted,
    events.PollClosed: _closed,
    events.ApprovalAsked: _asked,
    events.ApprovalGiven: _given,
    events.ExposureObserved: _observed,
    events.ChangedElsewhere: _elsewhere,
}

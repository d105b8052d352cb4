"""What people agree to before a rollout widens: seats, polls, approvals, waivers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import field

from repz_console.events.base import Event
from repz_console.facts import Exposure


class GateWaived(Event, frozen=True, tag="gate.waived"):
    """Somebody asks to go on though a gate is INCONCLUSIVE. It holds once a second person agrees."""

    waiver: str
    rollout: str
    stage: str
    """The stage to be entered; empty where the target is none."""
    gate: str
    line: str
    """What the gate said."""
    reason: str
    until: datetime


class WaiverSeconded(Event, frozen=True, tag="gate.seconded"):
    """A second person agrees to a waiver; alone in a `solo` plan, the same one after a cool-off."""

    waiver: str
    solo: bool = False


class GateOverridden(Event, frozen=True, tag="gate.overridden"):
    """The director goes on though a gate FAILs, until the stage ends."""

    rollout: str
    stage: str
    gate: str
    line: str
    reason: str


class SeatTaken(Event, frozen=True, tag="seat.taken"):
    """Somebody holds a seat from now on. Answers of whoever held it before are stale."""

    seat: str
    from_whom: str = ""
    reason: str = ""


class PollCalled(Event, frozen=True, tag="poll.called"):
    """A round of a go/no-go poll was called. The first one begins a run, of which every further round is a part."""

    run: str
    poll: str
    rollout: str
    stage: str
    round: int
    """From 0."""
    plan_hash: str = ""


class VoteCast(Event, frozen=True, tag="poll.vote"):
    """A station answered, with what it saw."""

    run: str
    seat: str
    answer: Literal["GO", "NO-GO", "GO-IF"]
    reason: str = ""
    """Why not, or the condition of a GO-IF."""
    owner: str = ""
    """Who sees to the condition."""
    due: datetime | None = None
    """By when."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """Gate id to what it said and on what: `{"verdict": ..., "line": ..., "evidence": [...]}`."""
    plan_hash: str = ""
    verbal: str = ""
    """Who said it, where the director wrote it down for them; empty where the holder answered."""
    seen: tuple[str, ...] = ()
    """What was configured, and how fresh each source was, one fact a line."""


class ConditionAccepted(Event, frozen=True, tag="poll.accepted"):
    """The director takes a station's GO-IF for a GO."""

    run: str
    seat: str
    vote: int = 0
    """Number of the entry with the answer that is accepted; 0 for whatever that station said last."""


class PollClosed(Event, frozen=True, tag="poll.closed"):
    """A run was called off."""

    run: str
    reason: str = ""


class ApprovalAsked(Event, frozen=True, tag="approval.asked"):
    """Somebody is about to widen and needs others to approve."""

    ask: str
    rollout: str
    stage: str
    """Empty where the target is no stage."""
    target: Exposure
    revision: str
    """Of what was configured."""
    plan_hash: str
    evidence: dict[str, str] = field(default_factory=dict)
    """Gate id to verdict, as judged when it was asked."""
    until: datetime | None = None
    reason: str = ""


class ApprovalGiven(Event, frozen=True, tag="approval.given"):
    """Somebody approves what was asked; alone in a `solo` plan, the same one after a cool-off."""

    ask: str
    solo: bool = False

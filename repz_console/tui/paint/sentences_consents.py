"""What people agree to, as one plain sentence each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from repz_console import events
from repz_console.tui.paint.sentences_rollouts import because, exposed


def _until(at: datetime) -> str:
    return f"until {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _waived(event: events.GateWaived) -> str:
    where = f" of {event.rollout}" + (f" for {event.stage}" if event.stage else "")
    return because(f"asks to WAIVE gate {event.gate}{where} {_until(event.until)} ({event.line})", event.reason)


def _seconded(event: events.WaiverSeconded) -> str:
    return f"agreed to waiver {event.waiver}{', SOLO' if event.solo else ''}"


def _overridden(event: events.GateOverridden) -> str:
    where = f" of {event.rollout}" + (f" for {event.stage}" if event.stage else "")
    return because(f"OVERRIDES gate {event.gate}{where}, which says: {event.line}", event.reason)


def _seat_taken(event: events.SeatTaken) -> str:
    return because(f"took the seat {event.seat}{f' from {event.from_whom}' if event.from_whom else ''}", event.reason)


def _called(event: events.PollCalled) -> str:
    return f"called round {event.round + 1} of the poll {event.poll} for {event.rollout} {event.stage}".rstrip()


def _voted(event: events.VoteCast) -> str:
    said = f"{event.seat} says {event.answer}"
    if event.verbal:
        said = f"{said}, told by {event.verbal}"
    owner = f", seen to by {event.owner}" if event.owner else ""
    due = f", {_until(event.due)}" if event.due is not None else ""
    return f"{because(said, event.reason)}{owner}{due}"


def _accepted(event: events.ConditionAccepted) -> str:
    return f"takes the GO-IF of {event.seat} for a GO"


def _closed(event: events.PollClosed) -> str:
    return because("called the poll off", event.reason)


def _asked(event: events.ApprovalAsked) -> str:
    stage = f" ({event.stage})" if event.stage else ""
    return because(f"asks to approve {event.rollout} going to {exposed(event.target)}{stage}", event.reason)


def _given(event: events.ApprovalGiven) -> str:
    return f"approved what was asked ({event.ask}){', SOLO' if event.solo else ''}"


SENTENCES = cast(
    Mapping[type, Callable[[Any], str]],
    {
        events.GateWaived: _waived,
        events.WaiverSeconded: _seconded,
        events.GateOverridden: _overridden,
        events.SeatTaken: _seat_taken,
        events.PollCalled: _called,
        events.VoteCast: _voted,
        events.ConditionAccepted: _accepted,
        events.PollClosed: _closed,
        events.ApprovalAsked: _asked,
        events.ApprovalGiven: _given,
    },
)

"""What is decided and found about rollouts, as one plain sentence each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, cast

from repz_console import events
from repz_console.facts import Exposure
from repz_console.plan.exposure import headline_percent, is_nobody
from repz_console.tui.paint.format import percent


def exposed(exposure: Exposure | None) -> str:
    """An exposure in words: its percent and regions."""
    if exposure is None:
        return "an unknown exposure"
    if is_nobody(exposure):
        return "nobody"
    regions = " ".join(sorted(region for region, share in exposure.percent.items() if share > 0))
    return f"{percent(headline_percent(exposure))} of {regions}"


def because(text: str, reason: str) -> str:
    """A sentence with its reason, if there is one."""
    return f"{text}: {reason}" if reason else text


def _intended(event: events.ChangeIntended) -> str:
    before = exposed(event.before) if event.before is not None else ""
    after = exposed(event.target)
    who = "" if event.by == "person" else f", {event.by.upper()}"
    if event.action == "kill":
        whom = f", seen by {before}" if before else ""
        return because(f"KILLS {event.rollout}{whom}{who}", event.reason)
    verb = {"set": "sets {}", "rollback": "rolls {} back"}[event.action].format(event.rollout)
    if before == after:
        # The same share of the same regions, with other features or another bucketing key.
        return because(f"{verb} to {after} with {' '.join(event.target.features) or 'no feature'}{who}", event.reason)
    return because(f"{verb}{f' from {before}' if before else ''} to {after}{who}", event.reason)


def _sent(event: events.ChangeSent) -> str:
    return f"change {event.op} was sent to the backend"


def _ended(event: events.ChangeEnded) -> str:
    outcome = {"unknown": "UNKNOWN", "partial": "applied IN PART"}.get(event.outcome, event.outcome.replace("_", " "))
    revision = f" at revision {event.revision}" if event.revision else ""
    return because(f"change {event.op} {outcome}{revision}", event.why)


def _stepped(event: events.ChangeStepped) -> str:
    outcome = "UNKNOWN" if event.outcome == "unknown" else event.outcome
    scope = f" ({' '.join(event.scope)})" if event.scope else ""
    step = f"step {event.number} of {event.of} at {event.controller}{scope}"
    revision = f" at revision {event.revision}" if event.revision else ""
    return because(f"change {event.op}, {step}: {outcome}{revision}", event.why)


def _fenced(event: events.BackendFenced) -> str:
    return f"writes {event.rollout} again as it is, so that nothing decided at revision {event.expect} can still come"


def _elsewhere(event: events.ChangedElsewhere) -> str:
    whom = f" by {event.who}" if event.who else ""
    before = f" from {exposed(event.before)}" if event.before is not None else ""
    at = f" on {event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if event.at is not None else ""
    return f"found {event.rollout} CHANGED ELSEWHERE{whom}{at}:{before} to {exposed(event.after)}"


def _observed(event: events.ExposureObserved) -> str:
    until = f"{event.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"saw {exposed(event.exposure)} of {event.rollout} at {event.controller}, to be believed until {until}"


def _held(event: events.RolloutHeld) -> str:
    who = "" if event.by == "person" else f", {event.by.upper()}"
    return because(f"HOLDS {event.rollout}{who}", event.reason)


def _resumed(event: events.RolloutResumed) -> str:
    return because(f"resumed {event.rollout}", event.reason)


def _stopped(event: events.LineStopped) -> str:
    return because("STOPPED THE LINE: nobody widens any rollout", event.reason)


def _started(event: events.LineStarted) -> str:
    return because("started the line again", event.reason)


def _due(event: events.StageDue) -> str:
    return f"{event.rollout}: the stage {event.stage} is due since {event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


SENTENCES = cast(
    Mapping[type, Callable[[Any], str]],
    {
        events.ChangeIntended: _intended,
        events.ChangeSent: _sent,
        events.ChangeEnded: _ended,
        events.ChangeStepped: _stepped,
        events.BackendFenced: _fenced,
        events.ChangedElsewhere: _elsewhere,
        events.ExposureObserved: _observed,
        events.RolloutHeld: _held,
        events.RolloutResumed: _resumed,
        events.LineStopped: _stopped,
        events.LineStarted: _started,
        events.StageDue: _due,
    },
)

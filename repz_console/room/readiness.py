"""Whether this user could take everything back now, as last looked at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from repz_console.room import words
from repz_console.room.rollout_views import LookView, ReadinessView

BELIEVED = timedelta(minutes=2)
"""How long a look is believed: four that were due did not come by then."""


def view(controller: str, look: LookView | None, now: datetime) -> ReadinessView:
    """What a look says now. One that is too old, or from a clock that was set back since, says nothing."""
    if look is None:
        return ReadinessView(controller, "unknown", "not looked at yet", None)
    if abs(now - look.at) >= BELIEVED:
        return ReadinessView(controller, "unknown", f"not looked at since {words.instant(look.at)}", look.at)
    if look.kill:
        return ReadinessView(controller, "not ready", look.kill, look.at)
    if look.roll_back:
        line = f"a kill would work now, a roll back would fail: {look.roll_back}"
        return ReadinessView(controller, "ready", line, look.at)
    return ReadinessView(controller, "ready", "roll back and kill would work now", look.at)


def believed_until(look: LookView, now: datetime) -> datetime | None:
    """When a look grows too old; None if it is."""
    until = look.at + BELIEVED
    return until if until > now else None


def kill(found: Iterable[ReadinessView]) -> str:
    """`KILL 1 of 2: unleash: 403 Forbidden`: how many backends could be killed now, and what is with the first that
    could not. Empty if all could be."""
    backends = {each.controller: each for each in found}
    unready = sorted((each for each in backends.values() if each.state != "ready"), key=lambda each: each.state)
    if not unready:
        return ""
    if all(each.at is None for each in unready) and len(unready) == len(backends):
        return "KILL not looked at yet"
    first = unready[0]
    return f"KILL {len(backends) - len(unready)} of {len(backends)}: {first.controller}: {first.line}"

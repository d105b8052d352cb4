"""Saying what became of what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.engine.outcome import Outcome
from repz_console.text import safe
from repz_console.tui.dialogs.lists import Alarm

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

_OUTCOME_ROLE = {"confirmed": "ok", "denied": "warn"}


def tell(app: ConsoleApp, outcome: Outcome) -> None:
    """A line; what nobody knows stays until it is read."""
    if outcome.state == "unknown":
        settle = "Nothing widens until it is settled: roll back (!, then b), kill (!, then k), or look and accept (v)."
        raise_alarm(app, outcome, "UNKNOWN", [settle])
    else:
        app.say(outcome.line, _OUTCOME_ROLE.get(outcome.state, "bad"))


def raise_alarm(app: ConsoleApp, outcome: Outcome, title: str, advice: list[str]) -> None:
    """Say what did not come about so that nobody misses it, and what to do next."""
    app.say(outcome.line, "bad")
    app.show(Alarm("UNKNOWN" if outcome.state == "unknown" else title, safe(outcome.line, 2000), advice))

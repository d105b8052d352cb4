"""Consoles killed without warning: what they said was done is done, and no change stays half-known."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from repz_console.events import BugFiled, ChangeEnded, ChangeIntended
from tests.support.consoles import (
    ENTER,
    PATIENCE,
    Consoles,
    draft_next_stage,
    eventually,
    file_bug,
    open_tab,
    opened,
    painted,
    take_conn,
    to_challenge,
    type_challenge,
)

SOFT = {"us": 20.0, "world": 20.0}
POINTS: dict[str, Callable[[Consoles], object]] = {
    "intended": lambda consoles: consoles.events(ChangeIntended),
    "applied": lambda consoles: consoles.flags.exists(),
}


def whole(consoles: Consoles) -> bool:
    """Whether the journal is what was written."""
    return consoles.run("journal", "verify").returncode == 0


def test_a_bug_that_was_said_to_be_filed_survives_kill_9(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        file_bug(terminal, "checkout is down")
        terminal.kill(signal.SIGKILL)
        assert terminal.wait() == -signal.SIGKILL
    assert [event.title for event in consoles.events(BugFiled)] == ["checkout is down"]
    assert whole(consoles)
    with consoles.open() as terminal:
        painted(terminal)
        terminal.until("P0:1", PATIENCE)
        open_tab(terminal, 5, "Bugs")
        terminal.until("checkout is down", PATIENCE)


@pytest.mark.parametrize("point", list(POINTS))
def test_a_change_whose_console_was_killed_is_settled_by_the_next_one(consoles: Consoles, point: str) -> None:
    """The kill falls at or soon after the point: wherever it does, the same must hold."""
    with consoles.open() as terminal:
        opened(terminal)
        take_conn(terminal)
        draft_next_stage(terminal, "20 %")
        type_challenge(terminal, to_challenge(terminal, "on time"))
        terminal.send(ENTER)
        until = time.monotonic() + PATIENCE
        while not POINTS[point](consoles) and time.monotonic() < until:
            terminal.read(0.002)
        terminal.kill(signal.SIGKILL)
        assert terminal.wait() == -signal.SIGKILL
    known = consoles.entries()
    assert whole(consoles)
    with consoles.open() as terminal:
        painted(terminal)
        eventually(lambda: _outcome(consoles) in ("confirmed", "not_applied"), terminal)
        open_tab(terminal, 3, "Rollout")
        terminal.until("the outcome of every change is known", PATIENCE)
        applied = _outcome(consoles) == "confirmed"
        terminal.until("NOW   Soft launch 20 %" if applied else "NOW   no stage 0 %", PATIENCE)
    assert consoles.percents() == (SOFT if applied else {})
    assert len(consoles.events(ChangeIntended)) == 1, "nothing is decided twice"
    assert consoles.entries()[: len(known)] == known
    assert whole(consoles)


def _outcome(consoles: Consoles) -> str:
    intent = consoles.events(ChangeIntended)[-1]
    return next((event.outcome for event in consoles.events(ChangeEnded)[::-1] if event.op == intent.op), "")

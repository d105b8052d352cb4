"""The small launch with seats, a go/no-go poll and approvals before full launch, and people who sit in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from repz_console import events
from repz_console.config import Loaded
from repz_console.engine import accounts
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.facts import Actor, Priority
from repz_console.store import rows
from tests.support import sessions

SEATS = """
[[seat]]
id = "director"
title = "Director"
users = ["dan"]
conn = true
[[seat]]
id = "tech"
title = "Tech"
users = ["ann"]
deputies = ["eve"]
conn = true
[[seat]]
id = "qa"
title = "QA"
users = ["bo", "cy"]
"""

POLL = """
[[poll]]
id = "golive"
title = "Go/no-go"
valid_minutes = 30
armed_minutes = 20
[[poll.round]]
title = "Technical poll"
caller = "tech"
station = [{ seat = "tech", gates = ["p0"] }, { seat = "qa", gates = ["p0", "data"] }]
[[poll.round]]
title = "Director's poll"
caller = "director"
station = [{ seat = "director" }]
"""

PEOPLE = {name: number for number, name in enumerate(("ann", "bo", "cy", "dan", "eve", "zoe"), 1001)}


METRIC = """
[[metric]]
id = "errors"
title = "Error rate"
targets = [{ said = "launch", op = "<", value = 1 }]
"""
"""A number that no source tells."""


def config(
    *, poll: bool = True, approvals: int = 0, solo: bool = False, metric: bool = False, seats: str = SEATS
) -> str:
    """The small launch, whose soft launch needs what is said."""
    text = sessions.CONFIG.replace(
        'environment = "PRODUCTION"', f'environment = "PRODUCTION"\nsolo = {str(solo).lower()}'
    )
    needs = (['poll = "golive"'] if poll else []) + [f"approvals = {approvals}"]
    needs += ['metrics = [{ metric = "errors" }]'] if metric else []
    text = text.replace("percent = 20\n", "percent = 20\n" + "\n".join(needs) + "\n")
    return text + seats + (POLL if poll else "") + (METRIC if metric else "")


def person(name: str, *, proven: bool = True) -> Actor:
    """Somebody with a number of their own."""
    return Actor(name, PEOPLE[name], "jump", "pts/1", f"console-of-{name}", proven=proven)


class Clock:
    """A clock that stands until somebody moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **span: float) -> None:
        """Go on by so much."""
        self.now += timedelta(**span)


class Table:
    """Several people, each at a console of their own, on one store and with one clock."""

    def __init__(self, folder: Path, text: str) -> None:
        self.loaded: Loaded = sessions.launch(folder, text)
        self.clock = Clock()
        self._stack = AsyncExitStack()
        self._sessions: dict[str, Session] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def writes_its_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the journal go by this clock too."""
        written = rows._written_time
        monkeypatch.setattr(rows, "_written_time", lambda at: written(at or self.clock()))

    async def sits(self, name: str, *, proven: bool = True) -> Session:
        """Somebody's session; the same one each time."""
        if name not in self._sessions:
            who = person(name, proven=proven)
            opened = Session.open(self.loaded, actor=who, watch=False, collect=False, clock=self.clock)
            self._sessions[name] = await self._stack.enter_async_context(opened)
        return self._sessions[name]

    async def everybody(self, *names: str) -> list[Session]:
        """Several people's sessions."""
        return [await self.sits(name) for name in names]

    def entries(self, kind: type) -> Sequence[tuple[str, Any]]:
        """(user, event) of every entry of a kind, from what any console knows."""
        fullest = max(self._sessions.values(), key=lambda session: len(session.entries()))
        return [(entry.actor.user, entry.event) for entry in fullest.entries() if isinstance(entry.event, kind)]

    def notes(self) -> list[str]:
        """What was noted."""
        return [event.text for _, event in self.entries(events.NoteAdded)]

    async def soft(self, session: Session) -> Outcome:
        """Take production to the soft launch, as somebody with the conn does, a second later."""
        self.clock.on(seconds=1)
        assert await session.take_conn("to widen") == ""
        try:
            return await sessions.widen(session, 20)
        finally:
            await session.release_conn()

    async def files(self, session: Session, priority: Priority) -> None:
        """Somebody files a bug."""
        await session.write(events.BugFiled("bugs", "B1", "Checkout charges twice", priority))

    async def unanimous(self) -> None:
        """Everybody is asked and says GO."""
        ann, bo, dan = await self.everybody("ann", "bo", "dan")
        for outcome in (
            await ann.council.call("production"),
            await ann.council.vote("production", "tech", "GO"),
            await bo.council.vote("production", "qa", "GO"),
            await dan.council.call("production"),
            await dan.council.vote("production", "director", "GO"),
        ):
            assert outcome.state == "confirmed", outcome.line


@pytest.fixture
def everybody_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine know every name in the plan's seats, and nobody be in any group."""
    monkeypatch.setattr(accounts, "groups", lambda actor: frozenset())
    monkeypatch.setattr(
        accounts,
        "existing",
        lambda plan: frozenset(name for seat in plan.seat for name in (*seat.users, *seat.groups, *seat.deputies)),
    )


async def both(*works: Any) -> list[Outcome]:
    """Do several things at once."""
    return list(await asyncio.gather(*works))


__all__ = ["Table", "both", "config", "everybody_exists", "person"]

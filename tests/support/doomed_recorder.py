"""A recorder that kills itself on the way of an automatic roll back: `python -m tests.support.doomed_recorder`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from repz_console.config import load
from repz_console.engine.session import Session
from repz_console.engine.writer import JournalWriter
from repz_console.events import Entry
from repz_console.facts import Change, RolloutState
from repz_console.providers import registry
from repz_console.providers.flagd import Flagd
from tests.support import gauge
from tests.support.doomed import die
from tests.support.sessions import actor


async def live(folder: Path, point: str) -> None:
    """Record until the change that a test's plan arms, and die right after `point`."""
    append, apply = JournalWriter.append, Flagd.apply

    async def appended(self: JournalWriter, event: Any, **given: Any) -> Entry:
        entry = await append(self, event, **given)
        if entry.kind == point:
            die()
        return entry

    async def applied(self: Flagd, change: Change) -> RolloutState:
        state = await apply(self, change)
        if point == "applied":
            die()
        return state

    JournalWriter.append, Flagd.apply = appended, applied  # type: ignore[method-assign]
    async with Session.open(load(folder / "config.toml"), actor=actor("doomed"), recorder=True):
        await asyncio.sleep(60)


if __name__ == "__main__":
    registry.BUILT_IN["gauge"] = gauge.REFERENCE
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2]))

"""A console that widens a rollout and kills itself on the way: `python -m tests.support.doomed FOLDER POINT`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from repz_console.config import load
from repz_console.engine.writer import JournalWriter
from repz_console.events import Entry
from repz_console.facts import Change, RolloutState
from repz_console.providers.flagd import Flagd
from tests.support.sessions import opened, widen

POINTS = ("change.intended", "change.sent", "applied", "change.ended")


def die() -> None:
    """As the kernel or an impatient operator would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, point: str) -> None:
    """Widen to 20 %, and die right after `point`."""
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

    JournalWriter.append, Flagd.apply = appended, applied  # type: ignore[method-assign,assignment]
    async with opened(load(folder / "config.toml"), "doomed") as session:
        await session.take_conn()
        await widen(session, 20)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

"""Consoles that widen a rollout and kill themselves on the way: `python -m tests.support.doomed`.

Reads `FOLDER POINT` lines, forks a console for each, and answers `FOLDER STATUS` when it is dead. Forking spares each
the time to start Python.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
from pathlib import Path
from typing import Any

from repz_console.config import load
from repz_console.engine.writer import JournalWriter
from repz_console.events import Entry
from repz_console.facts import Change, RolloutState
from repz_console.providers import registry
from tests.support import slow_backend
from tests.support.sessions import opened, widen

POINTS = ("change.intended", "change.sent", "asked", "applied", "change.ended")
"""`asked`: the change has left for a `slow` backend, which has not answered."""


def die() -> None:
    """As the kernel or an impatient operator would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


async def live(folder: Path, point: str) -> None:
    """Widen to 20 %, and die right after `point`."""
    loaded = load(folder / "config.toml")
    backend: Any = registry.load(loaded.plan.source["flags"].kind)
    append, apply = JournalWriter.append, backend.apply

    async def appended(self: JournalWriter, event: Any, **given: Any) -> Entry:
        entry = await append(self, event, **given)
        if entry.kind == point:
            die()
        return entry

    async def applied(self: Any, change: Change) -> RolloutState:
        state: RolloutState = await apply(self, change)
        if point == "applied":
            die()
        return state

    JournalWriter.append, backend.apply = appended, applied  # type: ignore[method-assign]
    if point == "asked":
        slow_backend.Slow.asked = staticmethod(die)
    async with opened(loaded, "doomed") as session:
        await session.take_conn()
        await widen(session, 20)


def main() -> None:
    """Until standard input ends and the last console is dead."""
    registry.BUILT_IN["slow"] = slow_backend.REFERENCE
    folders: dict[int, str] = {}
    lines = b""
    more = True
    while more or folders:
        if more and select.select([0], [], [], 0.005)[0]:
            read = os.read(0, 65536)
            more = bool(read)
            *whole, lines = (lines + read).split(b"\n")
            for line in whole:
                folder, point = line.decode().split()
                pid = os.fork()
                if pid == 0:
                    os.close(0)
                    asyncio.run(live(Path(folder), point))
                    os._exit(0)
                folders[pid] = folder
        dead, status = os.waitpid(-1, os.WNOHANG if more else 0) if folders else (0, 0)
        if dead:
            print(folders.pop(dead), os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

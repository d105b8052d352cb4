"""Consoles that widen a rollout and kill themselves on the way: `python -m tests.support.doomed`.

Reads `FOLDER POINT` lines, forks a console for each, and answers `FOLDER STATUS` when it is dead. Forking spares each
the time to start Python.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from repz_console.config import load
from repz_console.engine.writer import JournalWriter
from repz_console.events import Entry
from repz_console.facts import Change, RolloutState
from repz_console.providers import registry
from tests.support import several, slow_backend
from tests.support.sessions import opened, widen

POINTS = ("change.intended", "change.sent", "asked", "applied", "change.ended")
"""`asked`: the change has left for a `slow` backend, which has not answered."""
STEPS = (
    "change.intended",
    "change.sent",
    *(f"change.stepped:{number}" for number in range(1, 7)),
    *(f"{point}:{number}" for number in range(1, 4) for point in ("asked", "applied")),
    "change.ended",
)
"""The same of a change in three steps: `POINT:N` is its Nth time."""
BACK = "back@"
"""Before a point: of a roll back."""


def die() -> None:
    """As the kernel or an impatient operator would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


async def live(folder: Path, point: str) -> None:
    """Widen to 20 %, or roll back to 5 %, and die right after `point`."""
    loaded = load(folder / "config.toml")
    back, point = point.startswith(BACK), point.removeprefix(BACK)
    point, _, times = point.partition(":")
    left = int(times or 1)
    alone = "flags" in loaded.plan.source
    backend: Any = registry.load(loaded.plan.source["flags" if alone else several.SOURCES[0]].kind)
    append, apply = JournalWriter.append, backend.apply

    def reached(where: str) -> None:
        nonlocal left
        left -= where == point
        if left == 0:
            die()

    async def appended(self: JournalWriter, event: Any, **given: Any) -> Entry:
        entry = await append(self, event, **given)
        reached(entry.kind)
        return entry

    async def applied(self: Any, change: Change) -> RolloutState:
        state: RolloutState = await apply(self, change)
        reached("applied")
        return state

    JournalWriter.append, backend.apply = appended, applied  # type: ignore[method-assign]
    slow_backend.Slow.asked = staticmethod(lambda: reached("asked"))
    async with opened(loaded, "doomed") as session:
        await session.take_conn()
        if alone:
            await widen(session, 20)
        elif back:
            await session.control.change("production", "rollback", several.everywhere(5))
        else:
            await session.refresh_rollout("production")
            expect = session.view().rollout.rollouts[0].revision
            await session.control.change("production", "set", several.everywhere(20), expect=expect)


def serve(live: Callable[[Path, str], Coroutine[Any, Any, None]]) -> None:
    """Fork consoles until standard input ends and the last one is dead."""
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
    registry.BUILT_IN["slow"] = slow_backend.REFERENCE
    serve(live)

"""Consoles that change a rollout, or settle what another one left, and die at any line of it or by their backend.

Reads `FOLDER WHAT:LINE` lines and answers `FOLDER STATUS`, as `tests.support.doomed`. LINE counts the lines of the
engine, the store and the providers that run from the intent on, in all threads; at 0 the console lives through it.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from repz_console.config import load
from repz_console.engine.session import Session
from repz_console.engine.writer import JournalWriter
from repz_console.events import ChangeEnded, ChangeIntended, Entry
from repz_console.plan.exposure import is_nobody
from tests.support.doomed import die, serve
from tests.support.sessions import opened
from tests.support.witnesses import SEED, TARGETS

COUNTED = ("/repz_console/engine/", "/repz_console/store/", "/repz_console/providers/")
ACKNOWLEDGED = "acknowledged"
"""The file that lists the entries of which somebody was told that they are written: `SEQ HASH`."""
LINES = "lines"
"""The file that says how many lines a console lived through."""


class Countdown:
    """Counts lines once it is armed, and ends the process at the one that it was given."""

    def __init__(self, last: int) -> None:
        self.last, self.passed, self.armed = last, 0, False

    def install(self) -> None:
        """In this thread, and in those that start from now on."""
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        counted = self.armed and any(part in frame.f_code.co_filename for part in COUNTED)
        return self._line if counted else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.passed += 1
            if self.passed == self.last:
                die()
        return self._line


async def decided(session: Session) -> str:
    """Let the journal say that what is shown was decided; returns its revision."""
    rollout = session.view().rollout.rollouts[0]
    exposure = rollout.configured.exposure
    if exposure is not None and not is_nobody(exposure):
        await session.write(
            ChangeIntended(op=SEED, rollout="production", action="set", target=exposure, before=None, expect="0")
        )
        await session.write(ChangeEnded(op=SEED, outcome="confirmed", revision=rollout.revision))
    return rollout.revision


async def live(folder: Path, doom: str) -> None:
    """Do it, and die on the way."""
    what, _, last = doom.partition(":")
    loaded = load(folder / "config.toml")
    (folder / "pid").write_text(str(os.getpid()))
    countdown = Countdown(int(last))
    countdown.install()
    acknowledged = os.open(folder / ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    append = JournalWriter.append

    async def appended(self: JournalWriter, event: Any, **given: Any) -> Entry:
        countdown.armed = countdown.armed or (isinstance(event, ChangeIntended) and event.op != SEED)
        entry = await append(self, event, **given)
        os.write(acknowledged, f"{entry.seq} {entry.hash}\n".encode())
        return entry

    JournalWriter.append = appended  # type: ignore[method-assign]
    async with opened(loaded, f"doomed-{what}") as session:
        if what == "settle":
            countdown.armed = True
            await session.control.settle()
        else:
            await session.take_conn()
            await session.refresh_rollout("production")
            expect = await decided(session)
            target = TARGETS[(folder / "kind").read_text()][what]
            await session.control.change("production", what, target, expect=expect)  # type: ignore[arg-type]
        countdown.armed = False
        (folder / LINES).write_text(str(countdown.passed))


def main() -> None:
    """Import beforehand what each console needs, which spares each the time."""
    import httpx  # noqa: F401

    from repz_console.providers import dial, registry

    assert dial
    for kind in ("flagd", "webhook", "unleash", "vercel"):
        registry.load(kind)
    serve(live)


if __name__ == "__main__":
    main()

"""Consoles killed anywhere on the way of a change, with backends of every grade that are slow to do what was asked.

Whatever the moment: nothing is applied twice, nothing without a record, and nothing that was called not applied comes.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from repz_console.engine import settler
from repz_console.engine.session import Session
from repz_console.events import BackendFenced, ChangeIntended
from repz_console.plan import exposure as exposures
from repz_console.providers import registry
from repz_console.providers.base import Grade
from repz_console.room.decisions import ChangeRecord
from tests.conftest import ROOT, Figure
from tests.support import slow_backend
from tests.support.doomed import POINTS
from tests.support.sessions import CONFIG, launch, opened
from tests.support.slow_backend import Register, Server

GRADES: tuple[Grade, ...] = ("keyed", "checked", "compared", "blind")
AT_ONCE = 24


class Doom:
    """The process that consoles are forked from."""

    def __init__(self, module: str = "tests.support.doomed") -> None:
        self._module = module
        self._waiting: dict[str, asyncio.Future[int]] = {}

    async def __aenter__(self) -> Doom:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        self._hearing.cancel()

    async def console(self, folder: Path, point: str) -> int:
        """How a console in `folder` ended that was to die at `point`."""
        assert self._process.stdin is not None
        ended = self._waiting[str(folder)] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(f"{folder} {point}\n".encode())
        return await ended

    async def _hear(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            folder, status = line.decode().split()
            self._waiting.pop(folder).set_result(int(status))


async def outcome(session: Session, register: Register) -> ChangeRecord:
    """What a later console makes of the change of a dead one, also when what was under way has arrived."""
    await session.control.settle()
    while register.under_way:
        await asyncio.wait(register.under_way)
    await asyncio.sleep(0)
    await session.control.settle()
    intent = next(entry.event for entry in session.entries() if isinstance(entry.event, ChangeIntended))
    found = session._known.decisions.change(intent.op)
    assert found is not None
    return found


async def one(folder: Path, server: Server, doom: Doom, grade: Grade, delay: float, point: str) -> str:
    """Kill a console, recover by another one. Returns how its change was settled."""
    register = server.registers[folder.name] = Register(grade, delay)
    loaded = launch(folder, slow_backend.config(CONFIG, server.socket, folder.name, grade))
    assert await doom.console(folder, point) == -signal.SIGKILL
    async with opened(loaded, "ben") as session:
        change = await outcome(session, register)
        written = [one.op for one in register.log]
        recorded = {
            entry.event.op for entry in session.entries() if isinstance(entry.event, ChangeIntended | BackendFenced)
        }
        tale = f"{grade}, {delay:g} s, killed at {point}: {change.state} ({change.why}), written {written}"
        assert max(Counter(written).values(), default=0) <= 1, f"applied twice: {tale}"
        assert set(written) <= recorded, f"applied without a record: {tale}"
        if change.state in ("not_applied", "rejected"):
            assert change.op not in written, f"called not applied: {tale}"
        elif change.state == "confirmed":
            assert change.op in written, f"called confirmed: {tale}"
        else:
            assert change.state == ("unknown" if grade == "blind" else "superseded"), tale
        if change.state == "unknown":
            assert await session.take_conn("its console died") == ""
            assert (await session.control.accept("production", register.state.exposure)).state == "confirmed", tale
        assert session._known.decisions.unsettled() == (), tale
        await session.refresh("flags")
        shown = session._known.state("production")
        assert shown is not None
        assert exposures.same(shown.exposure, register.state.exposure), tale
        return change.state


@pytest.mark.figure
async def test_no_kill_on_the_way_of_a_change_loses_doubles_or_denies_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "slow", slow_backend.REFERENCE)
    monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
    monkeypatch.setattr(settler, "BETWEEN_LOOKS", 0)
    monkeypatch.setattr(settler, "LATE_WRITE", 0)
    delays = (0.0, 0.1, 5.0 if figure.full else 0.5)
    cases = list(itertools.product(GRADES, delays, POINTS))
    kills = figure.count(len(cases), 3000)
    chosen = [*cases, *random.Random(5).choices(cases, k=kills - len(cases))]
    gate = asyncio.Semaphore(AT_ONCE)
    for number in range(kills):
        (tmp_path / str(number)).mkdir()

    async with Server(tmp_path / "backend.sock") as server, Doom() as doom:

        async def try_one(number: int, grade: Grade, delay: float, point: str) -> str:
            async with gate:
                return await one(tmp_path / str(number), server, doom, grade, delay, point)

        settled = Counter(await asyncio.gather(*(try_one(number, *case) for number, case in enumerate(chosen))))
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(settled.items()))
    figure.say(f"{kills:,} consoles killed on the way of a change: 0 double, 0 unrecorded, 0 wrongly denied ({told})")

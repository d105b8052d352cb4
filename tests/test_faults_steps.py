"""Consoles killed between any two steps of a change that several backends take, of every grade and slow to answer.

Whatever the moment: nothing is applied twice, nothing without a record, nothing is called applied that was not or not
applied that was, and the way back then takes every one of them.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from repz_console.engine import settler
from repz_console.events import BackendFenced, ChangeIntended
from repz_console.plan import exposure as exposures
from repz_console.providers import registry
from repz_console.providers.base import Grade
from repz_console.room.decisions import ChangeRecord
from tests.conftest import Figure
from tests.support import several, slow_backend
from tests.support.doomed import BACK, STEPS
from tests.support.sessions import launch, opened
from tests.support.several import SOURCES, everywhere
from tests.support.slow_backend import Register, Server
from tests.test_faults_changes import AT_ONCE, GRADES, Doom

MARKED = ("keyed", "checked")
"""Grades whose backends know the id of what they wrote."""

Case = tuple[tuple[Grade, ...], tuple[float, ...], str]


def right(change: ChangeRecord, grades: tuple[Grade, ...], applied: list[bool]) -> bool:
    """Whether what a change was called is so."""
    match change.state:
        case "confirmed":
            return all(applied)
        case "not_applied" | "rejected":
            return not any(applied)
        case "partial":
            known = [was for was, grade in zip(applied, grades, strict=True) if grade in MARKED]
            return any(known) and not (all(applied) and len(known) == len(applied))
        case "superseded":  # nobody can say it of one that leaves no mark
            return any(was for was, grade in zip(applied, grades, strict=True) if grade == "compared")
        case "unknown":
            return "blind" in grades
    return False


async def one(folder: Path, server: Server, doom: Doom, case: Case) -> str:
    """Kill a console, recover by another one, and take everybody off. Returns how its change was settled."""
    grades, delays, point = case
    registers = [Register(grade, delay) for grade, delay in zip(grades, delays, strict=True)]
    for source, register in zip(SOURCES, registers, strict=True):
        server.registers[f"{folder.name}.{source}"] = register
        if point.startswith(BACK):
            register.state = replace(register.state, exposure=everywhere(50, source))
    option = f'socket = "{server.socket}"\nname = "{folder.name}.{{source}}"\ngrade = "of {{source}}"'
    text = several.config("slow", option)
    for source, grade in zip(SOURCES, grades, strict=True):
        text = text.replace(f'grade = "of {source}"', f'grade = "{grade}"')
    loaded = launch(folder, text)
    assert await doom.console(folder, point) == -signal.SIGKILL, f"never came to {point}"
    async with opened(loaded, "ben") as session:
        await session.control.settle()
        for register in registers:
            while register.under_way:
                await asyncio.wait(register.under_way)
        await asyncio.sleep(0)
        await session.control.settle()
        intent = next(entry.event for entry in session.entries() if isinstance(entry.event, ChangeIntended))
        change = session._known.decisions.change(intent.op)
        assert change is not None
        recorded = {
            entry.event.op for entry in session.entries() if isinstance(entry.event, ChangeIntended | BackendFenced)
        }
        written = [[one.op for one in register.log] for register in registers]
        tale = f"{grades} {delays} killed at {point}: {change.state} ({change.why}), written {written}"
        assert max((count for ops in written for count in Counter(ops).values()), default=0) <= 1, f"twice: {tale}"
        assert {op for ops in written for op in ops} <= recorded, f"applied without a record: {tale}"
        assert right(change, grades, [change.op in ops for ops in written]), f"wrongly settled: {tale}"
        if change.state == "unknown":
            assert await session.take_conn("its console died") == ""
            await session.refresh_rollout("production")
            seen = session.view().rollout.rollouts[0].configured.exposure
            assert (await session.control.accept("production", seen)).state == "confirmed", tale
        assert session._known.decisions.unsettled() == (), tale
        killed = await session.control.change("production", "kill")
        assert killed.state == "confirmed", f"{tale}: {killed.line}"
        assert all(exposures.is_nobody(register.state.exposure) for register in registers), tale
        assert session._known.decided("production").partial == (), tale
        return change.state


@pytest.mark.figure
async def test_no_kill_between_two_steps_loses_doubles_or_denies_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "slow", slow_backend.REFERENCE)
    monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
    monkeypatch.setattr(settler, "BETWEEN_LOOKS", 0)
    monkeypatch.setattr(settler, "LATE_WRITE", 0)
    chance = random.Random(7)
    late = (0.0, 0.1, 5.0 if figure.full else 0.5)
    points = [f"{verb}{point}" for verb in ("", BACK) for point in STEPS]
    every = list(itertools.product(GRADES, repeat=3))
    kills = figure.count(2 * len(points), 1000)
    cases: list[Case] = [
        (chance.choice(every), (chance.choice(late), chance.choice(late), chance.choice(late)), point)
        for point in itertools.islice(itertools.cycle(points), kills)
    ]
    gate = asyncio.Semaphore(AT_ONCE)
    for number in range(kills):
        (tmp_path / str(number)).mkdir()

    async with Server(tmp_path / "backend.sock") as server, Doom() as doom:

        async def try_one(number: int, case: Case) -> str:
            async with gate:
                return await one(tmp_path / str(number), server, doom, case)

        settled = Counter(await asyncio.gather(*(try_one(number, case) for number, case in enumerate(cases))))
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(settled.items()))
    figure.say(f"{kills:,} consoles killed between the steps of 3 backends: 0 double, 0 wrongly settled ({told})")

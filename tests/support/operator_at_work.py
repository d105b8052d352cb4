"""An operator who changes a rollout again and again: `python -m tests.support.operator_at_work FOLDER NAME COUNT SEED`.

Prints what was done and seen as JSON lines: operations of `tests.support.linear`, with the outcome's state and id.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

import msgspec

from repz_console.config import load
from repz_console.engine.outcome import Outcome
from repz_console.engine.read_back import read_back
from repz_console.engine.session import Session
from repz_console.facts import Exposure, RolloutState
from tests.support.linear import Operation
from tests.support.sessions import at, opened


class Line(msgspec.Struct):
    """One operation and how it ended."""

    operation: Operation
    state: str
    op: str = ""


def value(exposure: Exposure) -> str:
    """An exposure as what a register holds."""
    return " ".join(f"{region}={percent:g}" for region, percent in sorted(exposure.percent.items()) if percent) or "0"


def number(revision: str) -> int:
    """A flag file's revision counts, whatever follows."""
    return int(revision.partition("-")[0] or 0)


async def change(session: Session, seen: RolloutState, chance: random.Random) -> tuple[str, Outcome]:
    """Something that an operator does: what was asked for, and what came of it."""
    target = at(chance.choice((5, 10, 20, 40, 60, 80)))
    kind = chance.choices(("take", "set", "kill"), (8, 25, 1))[0]
    if kind == "kill":
        return "0", await session.control.change("production", "kill")
    if kind == "take":
        await session.take_conn("my turn")
    return value(target), await session.control.change("production", "set", target, expect=seen.revision)


async def main(folder: Path, name: str, count: int, seed: int) -> None:
    """Work until `count` changes were tried."""
    chance = random.Random(seed)
    async with opened(load(folder / "config.toml"), name) as session:
        for _ in range(count):
            invoked = time.monotonic()
            seen = await read_back(session._known, "production")
            tell(Operation(name, False, invoked, time.monotonic(), number(seen.revision), value(seen.exposure)), "read")
            invoked = time.monotonic()
            asked, outcome = await change(session, seen, chance)
            revision = number(outcome.revision) if outcome.op and outcome.state == "confirmed" else 0
            made = Operation(name, True, invoked, time.monotonic(), revision, asked)
            tell(made, outcome.state, outcome.op)
            session.touch()


def tell(operation: Operation, state: str, op: str = "") -> None:
    """Print a line."""
    print(msgspec.json.encode(Line(operation, state, op)).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

"""A rollout backend that takes its time, in a process that outlives its clients: the kind `slow`.

What a client asked for happens though the client was killed meanwhile, as on a server far away.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from repz_console.facts import Change, Exposure, Facts, RolloutState
from repz_console.providers.base import Conflict, Grade, Options, Provider, ProviderError

REFERENCE = "tests.support.slow_backend:Slow"
ROLLOUT = "production"


class Register:
    """One rollout as the server holds it."""

    def __init__(self, grade: Grade, *delays: float) -> None:
        """`delays` are the seconds that the next applications take to arrive; further ones arrive at once."""
        self.state = RolloutState(ROLLOUT, Exposure({}, ()), "1")
        self.log: list[Change] = []
        """What was written, in order."""
        self.under_way: set[asyncio.Task[None]] = set()
        self._grade = grade
        self._delays = list(delays)

    async def apply(self, change: Change) -> RolloutState:
        """Raises `Conflict`."""
        task = asyncio.create_task(asyncio.sleep(self._delays.pop(0) if self._delays else 0))
        self.under_way.add(task)
        try:
            await task
            return self._write(change)
        finally:
            self.under_way.discard(task)

    def _write(self, change: Change) -> RolloutState:
        if self._grade in ("keyed", "checked") and change.op in {one.op for one in self.log}:
            return self.state
        if self._grade != "blind" and not change.force and change.expect != self.state.revision:
            raise Conflict(f"it is at {self.state.revision}")
        self.log.append(change)
        mark = change.op if self._grade in ("keyed", "checked") else ""
        self.state = RolloutState(ROLLOUT, change.target, str(len(self.log) + 1), change.who, None, mark)
        return self.state


class Server:
    """Serves registers by name on a Unix socket."""

    def __init__(self, socket: Path) -> None:
        self.registers: dict[str, Register] = {}
        self.socket = socket

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_unix_server(self._serve, self.socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(await reader.readline())
        register = self.registers[asked["name"]]
        answer: dict[str, Any] = {}
        try:
            change = asked["change"]
            state = register.state if change is None else await register.apply(msgspec.convert(change, Change))
            answer = {"state": msgspec.to_builtins(state)}
        except Conflict as error:
            answer = {"conflict": str(error)}
        try:
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except OSError:
            return  # whoever asked is dead
        finally:
            writer.close()


class SlowOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server listens, and which register is this rollout's."""

    socket: str
    name: str
    grade: Grade


class Slow(Provider):
    """Asks the server."""

    kind: ClassVar[str] = "slow"
    Options = SlowOptions
    options: SlowOptions
    asked: ClassVar[Callable[[], None]] = staticmethod(lambda: None)
    """Called once a change has left for the server."""

    async def fetch(self) -> Facts:
        return Facts(rollouts=(await self.read(ROLLOUT),))

    async def read(self, rollout: str) -> RolloutState:
        return await self._ask(None)

    async def apply(self, change: Change) -> RolloutState:
        return await self._ask(change)

    async def _ask(self, change: Change | None) -> RolloutState:
        question = Question(self.options.name, change)
        try:
            reader, writer = await asyncio.open_unix_connection(self.options.socket)
            writer.write(msgspec.json.encode(question) + b"\n")
            await writer.drain()
            if change is not None:
                type(self).asked()
            answer = json.loads(await reader.readline() or b"{}")
            writer.close()
        except OSError as error:
            raise ProviderError(str(error)) from error
        if "conflict" in answer:
            raise Conflict(answer["conflict"])
        return msgspec.convert(answer["state"], RolloutState)

    def grade(self) -> Grade:
        return self.options.grade

    def propagation(self) -> float:
        return 0.0

    async def ready(self) -> str:
        return ""


class Question(Struct):
    """A line to the server: a change to apply, or None to read."""

    name: str
    change: Change | None


def config(plain: str, socket: Path, name: str, grade: Grade) -> str:
    """The small launch, steered by the register `name`."""
    return plain.replace('kind = "flagd"', 'kind = "slow"').replace(
        'path = "flags.json"\n', f'socket = "{socket}"\nname = "{name}"\ngrade = "{grade}"\n'
    )

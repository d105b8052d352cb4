"""A rollout backend in memory that fails as it is told to: the kind `faulty`."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from msgspec.structs import replace

from repz_console.facts import Change, Exposure, Facts, RolloutState
from repz_console.providers.base import Conflict, Grade, Provider, ProviderError, Refused

REFERENCE = "tests.support.faulty:Faulty"


class Backend:
    """What all `faulty` sources of one test share."""

    def __init__(self) -> None:
        self.state = RolloutState("production", Exposure({}, ()), "1")
        self.applied: list[Change] = []
        self.answers: list[str] = []
        """How the next applications go: `ok`, `raise`, `defect`, `hang`, `refuse`, `applied, then raise`, `late`."""
        self.reads = "ok"
        self.grade: Grade = "keyed"
        """What it checks, as `RolloutWriter.grade` says."""
        self.trouble = ""
        """Why this user cannot write it."""
        self.release = asyncio.Event()
        """Lets what is `late` arrive."""
        self.arrived = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def write(self, change: Change) -> RolloutState:
        if self.grade != "blind" and not change.force and change.expect != self.state.revision:
            raise Conflict(f"it is at {self.state.revision}")
        if self.state.op != change.op:
            self.applied.append(change)
            number = str(int(self.state.revision) + 1)
            mark = change.op if self.grade in ("keyed", "checked") else ""
            self.state = RolloutState("production", change.target, number, change.who, None, mark)
        return self.state

    def meddle(self, exposure: Exposure) -> None:
        """Somebody else changes it."""
        number = str(int(self.state.revision) + 1)
        self.state = replace(self.state, exposure=exposure, revision=number, op="", changed_by="mallory")


class Faulty(Provider):
    """Answers from `backend`."""

    kind: ClassVar[str] = "faulty"
    backend: ClassVar[Backend]

    async def __aenter__(self) -> Faulty:
        if self.backend.reads == "hang":
            await asyncio.Event().wait()
        return self

    async def fetch(self) -> Facts:
        return Facts(rollouts=(await self.read("production"),))

    async def read(self, rollout: str) -> RolloutState:
        match self.backend.reads:
            case "raise":
                raise ProviderError("502 Bad Gateway")
            case "hang":
                await asyncio.Event().wait()
        return self.backend.state

    async def apply(self, change: Change) -> RolloutState:
        backend = self.backend
        match backend.answers.pop(0) if backend.answers else "ok":
            case "raise":
                raise ProviderError("connection reset")
            case "defect":
                raise KeyError("flags")
            case "refuse":
                raise Refused("no permission")
            case "hang":
                await asyncio.Event().wait()
            case "applied, then raise":
                backend.write(change)
                raise ProviderError("504 Gateway Timeout")
            case "late":
                backend.tasks.append(asyncio.create_task(self._later(change)))
                await asyncio.Event().wait()
        return backend.write(change)

    async def _later(self, change: Change) -> None:
        await self.backend.release.wait()
        try:
            self.backend.write(change)
        except Conflict:
            return
        finally:
            self.backend.arrived.set()

    def grade(self) -> Grade:
        return self.backend.grade

    def propagation(self) -> float:
        return 0.0

    async def ready(self) -> str:
        return self.backend.trouble


def config(plain: str) -> str:
    """The small launch, steered by a faulty backend."""
    return plain.replace('kind = "flagd"', 'kind = "faulty"').replace('path = "flags.json"\n', "")


def install(monkeypatch: Any) -> Backend:
    """Make the kind known, with a fresh backend."""
    from repz_console.providers import registry

    monkeypatch.setitem(registry.BUILT_IN, "faulty", REFERENCE)
    Faulty.backend = Backend()
    return Faulty.backend

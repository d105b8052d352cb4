"""Reading a backend afresh, for everyone in this process to see."""

from __future__ import annotations

import asyncio

from repz_console.engine.deadline import within
from repz_console.engine.known import Known
from repz_console.facts import RolloutState
from repz_console.providers.base import ProviderError
from repz_console.text import safe

READ_DEADLINE = 5.0
"""Seconds a backend has to say what is configured."""


async def read_back(known: Known, rollout: str) -> RolloutState:
    """The state of a rollout as configured now. Raises `ProviderError`.

    All rollouts of its backend are read, so that the room's picture of that backend is of one moment.
    """
    source = known.backend_of(rollout)
    siblings = [other for other, spec in known.plan.rollout.items() if spec.controller == source]
    backend = await known.sources.writer(source)
    answers = await asyncio.gather(
        *(within(READ_DEADLINE, backend.read(sibling)) for sibling in siblings), return_exceptions=True
    )
    states = dict(zip(siblings, answers, strict=True))
    read = [answer for answer in answers if isinstance(answer, RolloutState)]
    if read:
        known.put_states(source, read)
    answer = states[rollout]
    if isinstance(answer, RolloutState):
        return answer
    raise ProviderError(f"{source} cannot be read back: {told(answer)}")


def told(error: BaseException) -> str:
    """An error of a backend in one safe line."""
    if isinstance(error, ProviderError):
        return safe(error.fault.what)
    return safe(str(error)) or type(error).__name__

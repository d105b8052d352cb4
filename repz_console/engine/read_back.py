"""Reading backends afresh, for everyone in this process to see."""

from __future__ import annotations

import asyncio

from repz_console.engine.deadline import within
from repz_console.engine.known import Known
from repz_console.facts import RolloutState
from repz_console.plan import parts
from repz_console.plan.parts import Step
from repz_console.providers.base import ProviderError, Refused
from repz_console.text import safe

READ_DEADLINE = 5.0
"""Seconds a backend has to say what is configured."""


async def read_back(known: Known, rollout: str) -> RolloutState:
    """The state of a rollout as configured now. Raises `ProviderError`, also where one of several backends does not
    answer: what the others said is known then all the same.

    All rollouts of each backend are read, so that the room's picture of that backend is of one moment.
    """
    sources = known.controllers(rollout)
    answers = await asyncio.gather(*(_read(known, source, rollout) for source in sources), return_exceptions=True)
    said: dict[str, RolloutState | None] = {}
    for source, answer in zip(sources, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        said[source] = answer
    state = parts.gathered(known.plan.rollout[rollout], said)
    if state is None:
        raise Refused(f"the plan no longer has the rollout {safe(rollout)}")
    return state


async def read_part(known: Known, rollout: str, step: Step) -> RolloutState:
    """What one step's backend has of a rollout now, whatever the others do. Raises `ProviderError`."""
    answer = await _read(known, step.controller, rollout)
    part = parts.narrowed(answer, step)
    if part is None:
        raise ProviderError(f"{step.controller} says nothing of {', '.join(step.scope)}")
    return part


async def _read(known: Known, source: str, rollout: str) -> RolloutState:
    siblings = parts.controlled(known.plan.rollout, source)
    backend = await known.sources.writer(source)
    answers = await asyncio.gather(
        *(within(READ_DEADLINE, backend.read(sibling)) for sibling in siblings), return_exceptions=True
    )
    states: dict[str, RolloutState | BaseException] = dict(zip(siblings, answers, strict=True))
    read = [answer for answer in answers if isinstance(answer, RolloutState)]
    if read:
        known.put_states(source, read)
    answer = states.get(rollout, Refused(f"the plan no longer has the rollout {safe(rollout)}"))
    if isinstance(answer, RolloutState):
        return answer
    raise ProviderError(f"{source} cannot be read back: {told(answer)}")


def told(error: BaseException) -> str:
    """An error of a backend in one safe line."""
    if isinstance(error, ProviderError):
        return safe(error.fault.what)
    return safe(str(error)) or type(error).__name__

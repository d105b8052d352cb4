"""The exact calls that a change of a rollout would send, as its backends word them, without sending any."""

from __future__ import annotations

from msgspec import Struct

from repz_console.engine.known import Known
from repz_console.engine.read_back import told
from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.parts import Step
from repz_console.providers.base import Explaining, ProviderError
from repz_console.room import words
from repz_console.text import safe

OP = "OP"
"""Stands for the id that a change gets when it is decided."""


class Calls(Struct, frozen=True):
    """What one backend would be sent."""

    controller: str
    lines: tuple[str, ...]
    """One call each, in their order; empty where it would be sent nothing or cannot tell."""
    why: str = ""
    """Why there are none."""
    features: tuple[str, ...] = ()
    """Those that are changed by it, where the backend changes them one after the other."""


async def rehearsed(known: Known, rollout: str, target: Exposure) -> tuple[Calls, ...]:
    """What taking a rollout to `target` would send, in order. Raises KeyError for an unknown rollout."""
    ramp, state = known.plan.rollout[rollout], known.state(rollout)
    steps = known.steps(rollout)
    if state is not None and not parts.widens(ramp, state, target):
        # What people see comes last when it widens, and goes first when it shrinks.
        steps = tuple(reversed(steps))
    return tuple([await _of_step(known, rollout, step, state, target) for step in steps])


async def _of_step(known: Known, rollout: str, step: Step, state: RolloutState | None, target: Exposure) -> Calls:
    part = parts.part_of(state, step) if state is not None else None
    share = target
    if state is not None and (state.parts or step.scope):
        share = parts.of_step(target, step, state, part)
    if part is not None and exposures.same(part.exposure, share):
        return Calls(step.controller, (), "it has that already", step.scope)
    change = Change(
        op=OP,
        rollout=rollout,
        target=share,
        expect=part.revision if part is not None else "",
        who=words.who(known.actor),
        plan_hash=known.effective.origin.hash,
        epoch=known.decisions.epoch,
        scope=step.scope,
    )
    try:
        backend = await known.sources.writer(step.controller)
        if not isinstance(backend, Explaining):
            return Calls(step.controller, (), "this backend cannot tell beforehand what it would send", step.scope)
        lines = backend.calls(change)
    except ProviderError as error:
        return Calls(step.controller, (), told(error), step.scope)
    except Exception as error:  # a stranger's backend may raise anything; only its own words are missing then
        return Calls(step.controller, (), safe(f"defect in the provider: {error!r}"), step.scope)
    return Calls(step.controller, tuple(safe(line, 4000) for line in lines), "", step.scope)

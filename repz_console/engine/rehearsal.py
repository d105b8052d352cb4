"""The exact calls that a change of a rollout would send, as its backends word them, without sending any."""

from __future__ import annotations

from msgspec import Struct

from repz_console.engine.known import Known
from repz_console.engine.read_back import told
from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan.parts import parts_of, share_of
from repz_console.plan.ramp import Part
from repz_console.providers.base import Explaining, ProviderError, Stepwise
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


async def rehearsed(known: Known, rollout: str, target: Exposure) -> tuple[Calls, ...]:
    """What taking a rollout to `target` would send, in order. Raises KeyError for an unknown rollout."""
    parts = parts_of(known.plan.rollout[rollout])
    state = known.state(rollout)
    widens = exposures.widens(state.exposure if state is not None else None, target)
    # What people see comes last when it widens, and goes first when it shrinks.
    ordered = parts if widens else tuple(reversed(parts))
    return tuple([await _of_part(known, rollout, part, _part_state(state, part), target, widens) for part in ordered])


async def _of_part(
    known: Known, rollout: str, part: Part, state: RolloutState | None, target: Exposure, widens: bool
) -> Calls:
    share = share_of(target, part.features)
    if state is not None and exposures.same(state.exposure, share):
        return Calls(part.controller, (), "it has that already")
    try:
        backend = await known.sources.writer(part.controller)
        if not isinstance(backend, Explaining):
            return Calls(part.controller, (), "this backend cannot tell beforehand what it would send")
        scopes = backend.scopes(rollout) if isinstance(backend, Stepwise) else ((),)
        lines: list[str] = []
        for scope in scopes if widens else tuple(reversed(scopes)):
            lines += backend.calls(_change(known, rollout, share, state, scope))
    except ProviderError as error:
        return Calls(part.controller, (), told(error))
    except Exception as error:  # a stranger's backend may raise anything; only its own words are missing then
        return Calls(part.controller, (), safe(f"defect in the provider: {error!r}"))
    return Calls(part.controller, tuple(safe(line, 4000) for line in lines))


def _part_state(state: RolloutState | None, part: Part) -> RolloutState | None:
    """What is known of the part alone."""
    if state is None or not state.parts:
        return state
    return next((each for each in state.parts if each.controller == part.controller), None)


def _change(known: Known, rollout: str, target: Exposure, state: RolloutState | None, scope: tuple[str, ...]) -> Change:
    return Change(
        op=OP,
        rollout=rollout,
        target=target,
        expect=state.revision if state is not None else "",
        who=words.who(known.actor),
        plan_hash=known.effective.origin.hash,
        epoch=known.decisions.epoch,
        scope=scope,
    )

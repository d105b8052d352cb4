"""The exact calls that a change of a rollout would send, as its backends word them, without sending any."""

from __future__ import annotations

from msgspec import Struct

from repz_console.engine.carrier import asked_of
from repz_console.engine.ensemble import Leg, in_order, legs_of
from repz_console.engine.known import Known
from repz_console.engine.read_back import told
from repz_console.events import ChangeIntended
from repz_console.facts import Change, Exposure
from repz_console.plan import exposure as exposures
from repz_console.providers.base import Explaining, ProviderError
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
    state = known.state(rollout)
    legs = legs_of(known, rollout)
    if state is not None and exposures.same(state.exposure, target) and state.least is None:
        return tuple(Calls(leg.step.controller, (), "it has that already", leg.step.scope) for leg in legs)
    before, revision = (state.exposure, state.revision) if state is not None else (None, "")
    change = asked_of(known, ChangeIntended(OP, rollout, "set", target, before, revision))
    return tuple([await _worded(known, leg, share) for leg, share, _ in in_order(legs, change)])


async def _worded(known: Known, leg: Leg, share: Change) -> Calls:
    controller, scope = leg.step.controller, leg.step.scope
    try:
        backend = await known.sources.writer(controller)
        if not isinstance(backend, Explaining):
            return Calls(controller, (), "this backend cannot tell beforehand what it would send", scope)
        lines = backend.calls(share)
    except ProviderError as error:
        return Calls(controller, (), told(error), scope)
    except Exception as error:  # a stranger's backend may raise anything; only its own words are missing then
        return Calls(controller, (), safe(f"defect in the provider: {error!r}"), scope)
    return Calls(controller, tuple(safe(line, 4000) for line in lines), "", scope)

"""Which rollouts of the plan a backend applies, and what of each."""

from __future__ import annotations

from repz_console.plan.parts import carried, controllers
from repz_console.plan.ramp import Rollout
from repz_console.providers.base import Context, Refused
from repz_console.text import safe


def rollouts(context: Context) -> tuple[str, ...]:
    """Ids of the rollouts that the source has a part in."""
    return tuple(name for name, each in context.plan.rollout.items() if context.source in controllers(each))


def rollout(context: Context, name: str) -> Rollout:
    """One of them. Raises `Refused` for any other."""
    found = context.plan.rollout.get(name)
    if found is None or context.source not in controllers(found):
        raise Refused(f"{context.source} does not control a rollout {safe(name, 60)}")
    return found


def features(context: Context, name: str) -> tuple[str, ...]:
    """The features of a rollout that the source carries, sorted. Raises `Refused` like `rollout`."""
    return tuple(sorted(carried(rollout(context, name), context.source)))

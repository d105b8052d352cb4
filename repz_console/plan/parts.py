"""Which controllers move a rollout, what each of them carries of it, and what they show together.

A change of such a rollout goes in steps, one a controller or one a scope of a controller that changes its features
group by group. Each step has a state and a revision of its own; the rollout's is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from repz_console.facts import Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan.ramp import Part, Rollout

Scopes = Callable[[str], Sequence[tuple[str, ...]]]
"""A controller's id to the groups of features that it changes one after the other; empty where it takes all at once."""

_JOIN = "+"
_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Step(Struct, frozen=True):
    """One step of a change: what one controller changes at once."""

    controller: str
    features: tuple[str, ...]
    scope: tuple[str, ...] = ()
    """`features`, where the controller carries more of the rollout than these; else empty."""


def parts_of(rollout: Rollout) -> tuple[Part, ...]:
    """The rollout's controllers in the order in which widening goes, each with every feature that it carries, in the
    order in which the stages switch them on."""
    switched = tuple(dict.fromkeys(feature for stage in rollout.stage for feature in stage.features))
    if not rollout.part:
        return (Part(controller=rollout.controller, features=switched),)
    named = {feature for part in rollout.part for feature in part.features}
    rest = tuple(feature for feature in switched if feature not in named)
    return tuple(Part(controller=part.controller, features=part.features or rest) for part in rollout.part)


def controllers(rollout: Rollout) -> tuple[str, ...]:
    """Ids of the sources that apply it, each once, in the order in which widening goes."""
    return tuple(dict.fromkeys(part.controller for part in parts_of(rollout)))


def controlled(rollouts: Mapping[str, Rollout], controller: str) -> tuple[str, ...]:
    """Ids of the rollouts that a source applies, or a part of them."""
    return tuple(identity for identity, rollout in rollouts.items() if controller in controllers(rollout))


def carried(rollout: Rollout, controller: str) -> tuple[str, ...]:
    """The features that a controller carries of it."""
    return tuple(
        dict.fromkeys(
            feature for part in parts_of(rollout) if part.controller == controller for feature in part.features
        )
    )


def share_of(exposure: Exposure, features: tuple[str, ...]) -> Exposure:
    """What is left of an exposure for whoever carries only these features."""
    kept = tuple(feature for feature in exposure.features if feature in features)
    return Exposure(percent=exposure.percent if kept else {}, features=kept, key=exposure.key)


def steps_of(rollout: Rollout, scopes: Scopes) -> tuple[Step, ...]:
    """The steps of a change of it, in the order in which widening goes."""
    found: list[Step] = []
    for controller in controllers(rollout):
        groups = tuple(scopes(controller))
        if len(groups) > 1:
            found += [Step(controller, group, group) for group in groups]
        else:
            found.append(Step(controller, carried(rollout, controller)))
    return tuple(found)


def of_step(target: Exposure, step: Step, whole: RolloutState, part: RolloutState | None) -> Exposure:
    """What a step of going to `target` asks its controller for. What people are bucketed by stays as the controller
    has it, unless the target changes that."""
    share = share_of(target, step.features)
    if part is not None and target.key == whole.exposure.key:
        return replace(share, key=part.exposure.key)
    return share


# States


def leaves(state: RolloutState) -> tuple[RolloutState, ...]:
    """Its parts, or itself where it has none."""
    return state.parts or (state,)


def part_of(state: RolloutState, step: Step) -> RolloutState | None:
    """What a step's controller has of the rollout; None where the state does not tell."""
    if not state.parts:
        return state
    fitting = (part for part in state.parts if part.controller == step.controller)
    return next((part for part in fitting if not step.scope or part.scope == step.scope), None)


def narrowed(said: RolloutState, step: Step) -> RolloutState | None:
    """What a controller's own word tells of one of its steps; None where it does not tell. A word that is not divided
    is that of the step that was asked for."""
    if not step.scope or not said.parts:
        return said.parts[0] if len(said.parts) == 1 else said
    return next((part for part in said.parts if part.scope == step.scope), None)


def gathered(rollout: Rollout, said: Mapping[str, RolloutState | None]) -> RolloutState | None:
    """What all of a rollout's controllers have together; None while one of them has not said."""
    found: list[RolloutState] = []
    for controller in controllers(rollout):
        state = said.get(controller)
        if state is None:
            return None
        several = state.parts if len(state.parts) > 1 else (state,)
        found += [replace(part, controller=controller, parts=()) for part in several]
    if len(found) == 1:
        return replace(found[0], controller="")
    return combined(found)


def combined(parts: Sequence[RolloutState]) -> RolloutState:
    """One state of several parts: the highest share of each region and every feature that is on, with what each cell
    has at least where that is less."""
    exposed = [part for part in parts if not exposures.is_nobody(part.exposure)]
    key = (exposed or parts)[0].exposure.key
    highest = Exposure(
        percent=_by_region((part.exposure for part in exposed), max),
        features=tuple(sorted({feature for part in exposed for feature in part.exposure.features})),
        key=key,
    )
    cells = {cell: share for part in exposed for cell, share in exposures.cells(part.exposure).items()}
    even = cells == exposures.cells(highest) and all(part.least is None for part in parts)
    latest = max(parts, key=lambda part: part.changed_at or _BEGINNING)
    several = len({part.controller for part in parts}) > 1
    ops = {part.op for part in parts}
    return RolloutState(
        rollout=parts[0].rollout,
        exposure=highest,
        revision=joined(part.revision for part in parts),
        changed_by=latest.changed_by,
        changed_at=latest.changed_at,
        op=ops.pop() if len(ops) == 1 else "",
        notes=tuple(
            dict.fromkeys(f"{part.controller}: {note}" if several else note for part in parts for note in part.notes)
        ),
        least=None if even else _common([least(part) for part in exposed], key),
        epoch=max(part.epoch for part in parts),
        parts=tuple(parts),
        until=min((part.until for part in parts if part.until is not None), default=None),
    )


def least(state: RolloutState) -> Exposure:
    """What every cell has: only what is no more than this surely shrinks."""
    return state.exposure if state.least is None else state.least


def uneven(state: RolloutState) -> bool:
    """Whether shares differ within what one controller calls a region's share, so that nobody can say who sees how
    much. That the controllers have different ones is no such case: each is known."""
    return any(part.least is not None for part in leaves(state))


def widens(rollout: Rollout, state: RolloutState, target: Exposure) -> bool:
    """Whether going to `target` gives anybody more."""
    if not state.parts:
        return exposures.widens(least(state), target)
    return any(exposures.widens(least(part), _share(rollout, state, part, target)) for part in state.parts)


def at_most(rollout: Rollout, state: RolloutState, target: Exposure) -> Exposure:
    """One exposure within both what every part has and `target`: going there can only shrink each of them.

    One number a region has to do for all features, so that parts which differ are brought down to the lowest of those
    that show anything.
    """
    if not state.parts:
        return exposures.at_most(least(state), target)
    kept = [exposures.at_most(least(part), _share(rollout, state, part, target)) for part in state.parts]
    return _common(kept, state.exposure.key)


def joined(revisions: Iterable[str]) -> str:
    """One revision of several; of one, itself."""
    every = list(revisions)
    if len(every) == 1:
        return every[0]
    return _JOIN.join(revision.replace("%", "%25").replace(_JOIN, "%2B") for revision in every)


def split(revision: str, number: int) -> tuple[str, ...]:
    """The revisions of which `number` were joined; all empty where it was made of another number of them."""
    if number == 1:
        return (revision,)
    found = revision.split(_JOIN)
    if len(found) != number:
        return ("",) * number
    return tuple(each.replace("%2B", _JOIN).replace("%25", "%") for each in found)


def _share(rollout: Rollout, state: RolloutState, part: RolloutState, target: Exposure) -> Exposure:
    features = part.scope or carried(rollout, part.controller)
    return of_step(target, Step(part.controller, features), state, part)


def _common(several: Sequence[Exposure], key: str) -> Exposure:
    """What all of these that show anything have in common, with the features of each."""
    shown = [each for each in several if not exposures.is_nobody(each)]
    lowest = {region: share for region, share in _by_region(shown, min).items() if share > 0}
    features = sorted({feature for each in shown for feature in each.features}) if lowest else []
    return Exposure(percent=lowest, features=tuple(features), key=key)


def _by_region(several: Iterable[Exposure], best: Callable[[Iterable[float]], float]) -> dict[str, float]:
    every = list(several)
    regions = dict.fromkeys(region for each in every for region in each.percent)
    return {region: best([each.percent.get(region, 0.0) for each in every]) for region in regions}

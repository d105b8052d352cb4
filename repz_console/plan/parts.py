"""Which controllers move a rollout, and what each of them carries of it."""

from __future__ import annotations

from repz_console.facts import Exposure
from repz_console.plan.ramp import Part, Rollout


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

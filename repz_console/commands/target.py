"""What `rollout set` is asked for: a planned stage or a percent, as the exposure that it means."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from msgspec import Struct

from repz_console.commands.exits import Exit, Stop
from repz_console.facts import Exposure
from repz_console.plan.exposure import PERCENT_STEP, is_nobody, of_stage
from repz_console.plan.model import Rollout
from repz_console.room.views import RolloutView


class Target(Struct, frozen=True):
    """Where a rollout is to go."""

    exposure: Exposure
    typed: str
    """How it is typed in a challenge: the stage's id, or the percent's number."""
    stage: str
    """The stage's id; empty for a percent."""


def parsed_target(
    plan: Rollout, view: RolloutView, text: str, regions: Sequence[str], features: Sequence[str]
) -> Target:
    """The target that `text` means. Regions and features not given stay as configured. Raises `Stop`."""
    stage = next((stage for stage in plan.stage if stage.id == text), None)
    if stage is not None:
        if regions or features:
            raise Stop(Exit.INPUT, f"the stage {text} says its regions and features itself: leave them out")
        return Target(of_stage(plan, stage), stage.id, stage.id)
    percent = _percent(text, [stage.id for stage in plan.stage])
    now = view.configured.exposure
    if now is None and not (regions and features):
        raise Stop(Exit.HELD, f"what is configured is not known ({view.configured.note}): say --region and --feature")
    kept = now if now is not None and not is_nobody(now) else None
    chosen = _known("region", regions, [identity for identity, _ in view.regions]) or (
        [region for region, share in kept.percent.items() if share > 0] if kept else list(plan.regions)
    )
    on = _known("feature", features, [identity for identity, _ in view.features]) or (
        list(kept.features) if kept else []
    )
    if percent > 0 and not on:
        raise Stop(Exit.INPUT, "no feature is on yet: say --feature, or name a stage")
    # A region that is not named keeps its share: naming one must not silently take another one down.
    shares = dict(kept.percent) if kept and regions else {}
    shares |= dict.fromkeys(chosen, percent)
    exposure = Exposure(
        percent={region: share for region, share in shares.items() if share > 0},
        features=tuple(sorted(on)),
        key=now.key if now is not None else "targetingKey",
    )
    return Target(exposure, f"{percent:g}", "")


def _percent(text: str, stages: Sequence[str]) -> float:
    try:
        percent = float(text.removesuffix("%").strip())
    except ValueError:
        near = get_close_matches(text, stages, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the stages are {', '.join(stages)}"
        raise Stop(Exit.INPUT, f"{text!r} is neither a percent nor a stage; {hint}") from None
    if not 0 <= percent <= 100 or abs(percent / PERCENT_STEP - round(percent / PERCENT_STEP)) > 1e-6:
        raise Stop(Exit.INPUT, f"{text!r} is not a percent from 0 to 100 in steps of {PERCENT_STEP}")
    return round(percent, 2)


def _known(noun: str, given: Sequence[str], known: Sequence[str]) -> list[str]:
    for word in given:
        if word not in known:
            raise Stop(Exit.INPUT, f"the rollout has no {noun} {word!r}: it has {', '.join(known)}")
    return list(given)

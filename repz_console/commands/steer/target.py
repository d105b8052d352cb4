"""What a rollout is to become: a planned stage, a percent, or a percent a region, as the exposure that it means."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from msgspec import Struct

from repz_console.commands.exits import Exit, Stop
from repz_console.commands.steer.common import one_of
from repz_console.facts import Exposure
from repz_console.plan.exposure import PERCENT_STEP, headline_percent, is_nobody, of_stage
from repz_console.plan.model import Rollout
from repz_console.room.views import RolloutView


class Target(Struct, frozen=True):
    """Where a rollout is to go."""

    exposure: Exposure
    typed: str
    """How it is typed in a challenge: the stage's id, or the percent's number."""
    stage: str
    """The stage's id; empty for a percent."""


def stage_target(plan: Rollout, identity: str) -> Target:
    """The planned stage of that id."""
    stage = next(stage for stage in plan.stage if stage.id == identity)
    return Target(of_stage(plan, stage), stage.id, stage.id)


def parsed_target(
    plan: Rollout,
    view: RolloutView,
    text: str | None,
    regions: Sequence[str],
    features: Sequence[str],
    *,
    now: Exposure | None,
    unknown: str,
) -> Target:
    """The target that `text` and the options mean. Regions and features not given stay as in `now`; `unknown` says why
    that is None. Each region is `REGION` or `REGION=PERCENT`. Raises `Stop`."""
    if text in [stage.id for stage in plan.stage]:
        if regions or features:
            raise Stop(Exit.INPUT, f"the stage {text} says its regions and features itself: leave them out")
        return stage_target(plan, str(text))
    percent = _percent(text, [stage.id for stage in plan.stage]) if text is not None else None
    own = _own_shares(regions, [identity for identity, _ in view.regions])
    _fits(text, own)
    on = [one_of("feature", word, [identity for identity, _ in view.features], view.id) for word in features]
    if now is None and not (own and on):
        raise Stop(Exit.HELD, f"what is configured is not known ({unknown}): say --region and --feature")
    kept = now if now is not None and not is_nobody(now) else None
    if not own:
        exposed = [region for region, share in kept.percent.items() if share > 0] if kept else plan.regions
        own = dict.fromkeys(exposed, None)
    chosen = {region: share if share is not None else percent or 0.0 for region, share in own.items()}
    on = on or (list(kept.features) if kept else [])
    if max(chosen.values()) > 0 and not on:
        raise Stop(Exit.INPUT, "no feature is on yet: say --feature, or name a stage")
    # A region that is not named keeps its share: naming one must not silently take another one down.
    shares = {**(kept.percent if kept and regions else {}), **chosen}
    exposure = Exposure(
        percent={region: share for region, share in shares.items() if share > 0},
        features=tuple(sorted(on)),
        key=now.key if now is not None else "targetingKey",
    )
    typed = percent if percent is not None else max(chosen.values(), default=headline_percent(exposure))
    return Target(exposure, f"{typed:g}", "")


def _own_shares(words: Sequence[str], known: Sequence[str]) -> dict[str, float | None]:
    """Region to its percent; None where only the region is named."""
    own: dict[str, float | None] = {}
    for word in words:
        name, equals, share = word.partition("=")
        region = one_of("region", name, known, "the rollout")
        if region in own:
            raise Stop(Exit.INPUT, f"the region {region} is named twice")
        own[region] = _percent(share, ()) if equals else None
    return own


def _fits(text: str | None, own: dict[str, float | None]) -> None:
    bare = [region for region, share in own.items() if share is None]
    if text is None and (not own or bare):
        whose = f"what {bare[0]} is to become" if bare else "where to"
        raise Stop(Exit.INPUT, f"say {whose}: a stage, a percent, or --region REGION=PERCENT")
    if text is not None and own and not bare:
        raise Stop(Exit.INPUT, f"{text} is for no region: leave it out, or name a region without a percent of its own")


def _percent(text: str, stages: Sequence[str]) -> float:
    try:
        percent = float(text.removesuffix("%").strip())
    except ValueError:
        near = get_close_matches(text, stages, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; the stages are {', '.join(stages)}" if stages else ""
        what = "neither a percent nor a stage" if stages else "no percent"
        raise Stop(Exit.INPUT, f"{text!r} is {what}{hint}") from None
    if not 0 <= percent <= 100 or abs(percent / PERCENT_STEP - round(percent / PERCENT_STEP)) > 1e-6:
        raise Stop(Exit.INPUT, f"{text!r} is not a percent from 0 to 100 in steps of {PERCENT_STEP}")
    return round(percent, 2)

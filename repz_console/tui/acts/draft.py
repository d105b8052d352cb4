"""The rollout's draft: what the operator would set, before anybody is asked."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

from msgspec.structs import replace

from repz_console.facts import Exposure
from repz_console.plan.exposure import headline_percent, is_nobody
from repz_console.room.views import RolloutView

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

STEP = 5.0
"""Percent of one press of an arrow."""


def less(app: ConsoleApp) -> None:
    """A smaller percent."""
    _step(app, -STEP)


def more(app: ConsoleApp) -> None:
    """A larger percent."""
    _step(app, STEP)


def _step(app: ConsoleApp, step: float) -> None:
    rollout = app.rollout
    base = _base(app, rollout)
    if rollout is None or base is None:
        return
    kind, identity = app.selected
    _draft(app, rollout, stepped(base, step, identity if kind == "region" else ""))


def switch(app: ConsoleApp) -> None:
    """The selected feature on or off."""
    rollout = app.rollout
    base = _base(app, rollout)
    if rollout is None or base is None:
        return
    _, feature = app.selected
    _draft(app, rollout, replace(base, features=tuple(sorted({feature} ^ {*base.features}))))


def forget_overtaken(app: ConsoleApp) -> None:
    """Drop a draft that was begun on what is configured no more: after a kill Enter must not ask for what was drafted
    before it."""
    rollout, choice = app.rollout, app.choices["rollout"]
    if rollout is None or choice.draft is None or not rollout.revision or not choice.draft_on:
        return
    if choice.draft_on != rollout.revision:
        app.choose(tab="rollout", draft=None, draft_stage="")
        app.say(f"The draft was dropped: {rollout.title} has changed since.", "warn")


def _draft(app: ConsoleApp, rollout: RolloutView, exposure: Exposure, stage: str = "") -> None:
    choice = app.choices["rollout"]
    on = choice.draft_on if choice.draft is not None else rollout.revision
    # On a gate or a station Enter opens that row: what was just drafted is meant now.
    cursor = choice.cursor if app.selected[0] in ("region", "feature", "stage") else ""
    app.choose(tab="rollout", draft=exposure, draft_stage=stage, draft_on=on, cursor=cursor)


def _base(app: ConsoleApp, rollout: RolloutView | None) -> Exposure | None:
    """The draft, or what one begins from; None, which is said, while that is not known."""
    if rollout is None:
        return None
    base = app.choice.draft or basis(rollout)
    if base is None:
        app.say(f"What is configured is not known: {rollout.configured.note or 'no answer yet'}", "warn")
    return base


def basis(rollout: RolloutView) -> Exposure | None:
    """What a draft begins from: what is configured; where that is nobody, the regions and features of the next stage
    at 0 %. None while it is not known."""
    configured = rollout.configured.exposure
    if configured is None or not is_nobody(configured):
        return configured
    ahead = rollout.next or (rollout.stages[0] if rollout.stages else None)
    if ahead is None:
        return Exposure(
            percent={identity: 0.0 for identity, _ in rollout.regions},
            features=tuple(sorted(identity for identity, _ in rollout.features)),
            key=configured.key,
        )
    return Exposure(
        percent=dict.fromkeys(ahead.exposure.percent, 0.0), features=ahead.exposure.features, key=configured.key
    )


def stepped(exposure: Exposure, step: float, region: str = "") -> Exposure:
    """One region, or every one of the exposure, `step` percent up or down, on whole steps, from 0 to 100."""

    def moved(percent: float) -> float:
        steps = floor(percent / STEP) + 1 if step > 0 else ceil(percent / STEP) - 1
        return min(100.0, max(0.0, steps * STEP))

    if region:
        return replace(exposure, percent={**exposure.percent, region: moved(exposure.percent.get(region, 0.0))})
    return replace(exposure, percent={each: moved(percent) for each, percent in exposure.percent.items()})


def to_stage(app: ConsoleApp) -> None:
    """Draft the next planned stage; pressed again, the one after it."""
    rollout = app.rollout
    if rollout is None or not rollout.stages:
        app.say("The plan has no stage for this rollout.", "warn")
        return
    ids = [stage.id for stage in rollout.stages]
    if app.choice.draft_stage in ids:
        index = (ids.index(app.choice.draft_stage) + 1) % len(ids)
    else:
        index = ids.index(rollout.next.id) if rollout.next else len(ids) - 1
    stage = rollout.stages[index]
    configured = rollout.configured.exposure
    key = configured.key if configured is not None else stage.exposure.key
    _draft(app, rollout, replace(stage.exposure, key=key), stage.id)


def other(app: ConsoleApp) -> None:
    """Show the next rollout of the plan."""
    rollouts = [rollout.id for rollout in app.room.rollout.rollouts]
    shown = app.rollout
    if shown is not None:
        following = rollouts[(rollouts.index(shown.id) + 1) % len(rollouts)]
        app.choose(rollout=following, draft=None, draft_stage="", cursor="")


def typed_target(rollout: RolloutView, draft: Exposure, stage: str) -> str:
    """What names a draft in the typed challenge: its stage, or its percent's number."""
    return stage or f"{headline_percent(draft):g}"

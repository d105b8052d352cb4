"""What is sent to the receiver of a webhook, and what it says of a rollout when it is asked. No I/O."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan.exposure import PERCENT_STEP, cells, headline_percent, is_nobody
from repz_console.plan.model import Plan
from repz_console.providers.base import ProviderError
from repz_console.text import identifier, is_identifier, safe

Percent = Annotated[float, Meta(ge=0, le=100)]
Moment = Annotated[datetime, Meta(tz=True)]


class Shown(Struct, frozen=True):
    """`exposure` in what the receiver says."""

    regions: dict[str, Percent]
    """Region id to the share of its people; one that is absent is at 0."""
    features: tuple[str, ...]
    """The features that those people get."""
    key: str = "targetingKey"
    """What people are bucketed by."""


class Said(Struct, frozen=True):
    """What the read-back address answers."""

    rollout: str
    revision: str
    """Another one after every change, whoever made it."""
    exposure: Shown
    op: str = ""
    """The `rev` of the message that wrote this state; empty for any other change."""
    changed_by: str = ""
    changed_at: Moment | None = None
    epoch: int = 0
    """The highest `epoch` of any message that was ever applied."""
    notes: tuple[str, ...] = field(default=())
    """What is odd about it, one plain line each."""


def state(said: Said, rollout: str, regions: frozenset[str]) -> RolloutState:
    """What was said, of `rollout` in a plan of `regions`. Raises `ProviderError` where it does not fit."""
    if said.rollout != rollout:
        raise ProviderError(f"it was asked about {rollout} and speaks of {identifier(said.rollout)}")
    if not is_identifier(said.revision):
        raise ProviderError(f"its revision {safe(said.revision, 40)!r} is not letters, digits and . _ : @ / + -")
    if not (0 <= said.epoch < 2**53):
        raise ProviderError("its epoch is not a number from 0 on")
    shown = Exposure(
        percent={region: percent for region, percent in said.exposure.regions.items() if percent > 0},
        features=tuple(sorted(set(map(identifier, said.exposure.features)))),
        key=identifier(said.exposure.key),
    )
    unknown = sorted(set(shown.percent) - regions)
    if unknown and shown.features:
        raise ProviderError(f"it shows region {identifier(unknown[0])}, which the plan does not have")
    if is_nobody(shown):
        shown = Exposure(percent={}, features=(), key=shown.key)
    return RolloutState(
        rollout=rollout,
        exposure=shown,
        revision=said.revision,
        changed_by=safe(said.changed_by, 100),
        changed_at=said.changed_at.astimezone(UTC) if said.changed_at else None,
        op=identifier(said.op),
        notes=tuple(safe(note, 200) for note in said.notes[:10]),
        epoch=said.epoch,
    )


def message(change: Change, plan: Plan) -> bytes:
    """The body that asks for a change; docs/providers.md says what each member means."""
    return json.dumps(members(change, plan), separators=(",", ":"), ensure_ascii=True).encode()


def members(change: Change, plan: Plan) -> dict[str, Any]:
    """The members of the body, in their order."""
    target = change.target
    everybody = cells(target)
    shares = {region: percent for (region, _), percent in everybody.items()}
    return {
        "type": "rollout.change",
        "plan": plan.launch.name,
        "plan_hash": change.plan_hash,
        "rollout": change.rollout,
        "rev": change.op,
        "expected_rev": change.expect,
        "force": change.force,
        "epoch": change.epoch,
        "desired": {
            "percent": headline_percent(target),
            "regions": {region: shares.get(region, 0) for region in plan.rollout[change.rollout].regions},
            "features": list(target.features) if everybody else [],
            "key": target.key,
        },
        "actor": change.who,
        "reason": change.reason,
    }


def why_not(target: Exposure, plan: Plan, rollout: str) -> str:
    """Why a target cannot be asked for, in one line; empty if it can. Nothing stands in the way of showing nothing."""
    if is_nobody(target):
        return ""
    regions = plan.rollout[rollout].regions
    for region, percent in target.percent.items():
        if region not in regions:
            return f"{rollout} has no region {safe(region, 60)}"
        steps = percent / PERCENT_STEP
        if not 0 <= percent <= 100 or abs(steps - round(steps)) > 1e-4:
            return f"{percent:g} is not a percent from 0 to 100 in steps of {PERCENT_STEP:g}"
    known = {each.id for each in plan.feature} | {each.id for each in plan.flag}
    known |= {feature for stage in plan.rollout[rollout].stage for feature in stage.features}
    unknown = sorted(set(target.features) - known)
    if unknown:
        return f"the plan has no feature {safe(unknown[0], 60)}"
    return "" if is_identifier(target.key) else f"people cannot be bucketed by {safe(target.key, 60)!r}"

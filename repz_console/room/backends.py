"""What is known of the controllers of a rollout: each one's last word, or what a person saw where it has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from repz_console.facts import Freshness, RolloutState, Snapshot
from repz_console.plan import observed, parts
from repz_console.plan.model import Plan
from repz_console.room.consents import Consents
from repz_console.room.freshness import freshness, next_change, soonest, worst


class Said(Struct, frozen=True):
    """What one controller has of a rollout."""

    controller: str
    features: tuple[str, ...]
    """Those that it carries."""
    snapshot: Snapshot | None
    state: RolloutState | None
    """None while it is not known."""
    freshness: Freshness
    lapsed: datetime | None = None
    """When what a person saw there stopped to be believed; None if it did not."""


class Backend(Struct, frozen=True):
    """What is known of a rollout's controllers together."""

    snapshot: Snapshot | None
    """Of the controller that answered longest ago; None where one never did, or where all that is known was seen by
    people."""
    state: RolloutState | None
    """What they have of the rollout; None while one of them is not known."""
    freshness: Freshness
    """The worst."""
    said: tuple[Said, ...] = ()
    """Each controller, in the order in which widening goes."""
    until: datetime | None = None
    """When something that a person saw is no longer to be believed; None where nothing known was."""


def backend(plan: Plan, identity: str, snapshots: Mapping[str, Snapshot], consents: Consents, now: datetime) -> Backend:
    """The controllers of the rollout `identity`."""
    rollout = plan.rollout[identity]
    said = tuple(
        _said(plan, identity, controller, snapshots.get(controller), consents, now)
        for controller in parts.controllers(rollout)
    )
    state = parts.gathered(rollout, {each.controller: each.state for each in said})
    off = any(each.freshness is Freshness.OFF for each in said)
    return Backend(
        snapshot=_oldest(said),
        state=None if off else state,
        freshness=Freshness.OFF if off else worst(each.freshness for each in said),
        said=said,
        until=soonest(each.state.until for each in said if each.state is not None),
    )


def expiries(found: Backend, now: datetime) -> Iterable[datetime | None]:
    """When what is known of them could next change by itself."""
    yield from (next_change(each.snapshot, now) for each in found.said)
    yield found.until


def last_word(snapshot: Snapshot | None, identity: str) -> RolloutState | None:
    """What a source last said of a rollout, however long ago."""
    states = snapshot.facts.rollouts if snapshot is not None and snapshot.facts is not None else None
    return next((state for state in states or () if state.rollout == identity), None)


def _said(
    plan: Plan, identity: str, controller: str, snapshot: Snapshot | None, consents: Consents, now: datetime
) -> Said:
    features = parts.carried(plan.rollout[identity], controller)
    state = last_word(snapshot, identity)
    if controller not in plan.source:
        return Said(controller, features, snapshot, state, Freshness.OFF)
    bucket = freshness(snapshot, now)
    if state is not None and state.until is not None:
        if now < state.until:
            return Said(controller, features, snapshot, state, bucket)
        return Said(controller, features, snapshot, None, Freshness.DOWN, state.until)
    seen = consents.observed.get((identity, controller))
    if bucket is not Freshness.DOWN or seen is None or now >= seen.event.until:
        return Said(controller, features, snapshot, state, bucket)
    answered = snapshot.last_ok_at if snapshot is not None else None
    if answered is not None and answered >= seen.at:
        return Said(controller, features, snapshot, state, bucket)
    by_hand = observed.state_of(seen.event, seen.actor, seen.at, seen.seq)
    if state is not None:  # what it had before binds a way back all the same
        by_hand = replace(by_hand, epoch=state.epoch)
    return Said(controller, features, snapshot, by_hand, Freshness.LIVE)


def _oldest(said: Iterable[Said]) -> Snapshot | None:
    """The snapshot to judge by how old the word on the rollout is."""
    read = [each.snapshot for each in said if each.state is None or each.state.until is None]
    known = [snapshot for snapshot in read if snapshot is not None and snapshot.last_ok_at is not None]
    if len(known) < len(read):
        return next((snapshot for snapshot in read if snapshot is None or snapshot.last_ok_at is None), None)
    return min(known, key=lambda each: each.last_ok_at.timestamp() if each.last_ok_at else 0.0, default=None)

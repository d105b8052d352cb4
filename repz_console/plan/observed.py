"""What a person saw at a backend, as a state that is believed for a while."""

from __future__ import annotations

from datetime import UTC, datetime

from repz_console.events import ExposureObserved
from repz_console.facts import Actor, Exposure, RolloutState
from repz_console.text import identifier


def state_of(seen: ExposureObserved, actor: Actor, at: datetime, seq: int) -> RolloutState:
    """The state that somebody saw; `seq` is that of the entry, so that every look has a revision of its own."""
    return RolloutState(
        rollout=seen.rollout,
        exposure=Exposure(
            percent={identifier(region): percent for region, percent in seen.exposure.percent.items()},
            features=tuple(sorted(map(identifier, seen.exposure.features))),
            key=identifier(seen.exposure.key),
        ),
        revision=f"seen-{seq}",
        changed_by=identifier(f"{actor.user}@{actor.host}"),
        changed_at=at,
        notes=(f"by hand, {identifier(actor.user)} {_clock(at)}, until {_clock(seen.until)} UTC",),
        until=seen.until,
    )


def _clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%H:%M")

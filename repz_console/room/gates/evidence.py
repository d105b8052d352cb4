"""What gates are judged on."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from repz_console.events import StoreRestored, StoreRetired
from repz_console.facts import Exposure, Freshness, RolloutState, Snapshot, Tick
from repz_console.plan.model import Plan, Rollout, Stage
from repz_console.room.bugs import Queue
from repz_console.room.consents import Consents
from repz_console.room.decisions import Recorded, RolloutDecisions
from repz_console.room.viewer import Viewer
from repz_console.room.views import ControlView


class Evidence(Struct, frozen=True):
    """What the gates of one rollout are judged on."""

    plan: Plan
    identity: str
    """The rollout's id."""
    rollout: Rollout
    basis: Exposure
    """What is exposed, as far as it is known."""
    target: Exposure | None
    """Where the step goes; None where no stage is left to go to."""
    current: Stage | None
    """The stage that is reached."""
    next: Stage | None
    """The stage after it."""
    enters: Stage | None
    """The stage whose needs the step has to meet: the one that it goes to, or lies within. None where it is neither a
    planned stage nor within the next one."""
    phase: str
    """The phase that the step enters: bug rules are judged against it."""
    decided: RolloutDecisions
    consents: Consents
    control: ControlView
    queue: Queue
    bugs: Freshness
    snapshot: Snapshot | None
    """The controller's."""
    state: RolloutState | None
    """The rollout's, as read back."""
    drift: tuple[str, ...] = ()
    """Where what is configured is not as decided, one line each."""
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    """Of every source."""
    ticks: tuple[Tick, ...] = ()
    ticked: Freshness = Freshness.OFF
    """Of the sources that tell of ticks."""
    damage: str = ""
    """Why the journal could not be read in full: that something is not in it proves nothing then."""
    viewer: Viewer | None = None
    """Who looks; None where nobody in particular does."""
    plan_hash: str = ""
    epoch: int = 0
    """The store's own."""
    idle: Recorded[StoreRestored | StoreRetired] | None = None
    """Why the store does not steer; None if it does."""


def because(evidence: Evidence) -> str:
    """What a journal that cannot be read in full adds to something not being known, since it would tell."""
    return f" ({evidence.damage})" if evidence.damage else ""

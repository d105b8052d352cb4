"""The four truths of a rollout - planned, desired, configured, measured - and where they disagree."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from repz_console.facts import Exposure, Freshness, RolloutState, Snapshot
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan, Rollout
from repz_console.plan.schedule import instant
from repz_console.room import stages, words
from repz_console.room.decisions import RolloutDecisions
from repz_console.room.freshness import freshness, trustworthy
from repz_console.room.views import Truth


class Backend(Struct, frozen=True):
    """What is known of a rollout's controller."""

    snapshot: Snapshot | None
    state: RolloutState | None
    """What it last said of this rollout."""
    freshness: Freshness


def backend(plan: Plan, identity: str, snapshot: Snapshot | None, now: datetime) -> Backend:
    """The controller of the rollout `identity`, of whose source `snapshot` is the last."""
    states = snapshot.facts.rollouts if snapshot is not None and snapshot.facts is not None else None
    state = next((state for state in states or () if state.rollout == identity), None)
    configured = plan.rollout[identity].controller in plan.source
    return Backend(snapshot, state, freshness(snapshot, now) if configured else Freshness.OFF)


def planned(plan: Plan, rollout: Rollout, past: bool, configured: Exposure | None, now: datetime) -> Truth:
    """What the plan wants exposed now. Being ahead or behind is a remark, not a drift: people decide the pace."""
    stage = stages.planned(plan, rollout, now)
    wanted = exposures.of_stage(rollout, stage) if stage is not None else exposures.nobody()
    at = instant(stage.at, plan.launch.zone) if stage is not None else None
    return Truth("planned", wanted, at, "plan", Freshness.LIVE, _pace(wanted, past, configured))


def _pace(wanted: Exposure, past: bool, configured: Exposure | None) -> str:
    if past:
        return "the plan's last date is past"
    if configured is None or exposures.same(wanted, configured):
        return ""
    ahead = exposures.widens(wanted, configured)
    behind = exposures.widens(configured, wanted)
    where = "apart from" if ahead and behind else "ahead of" if ahead else "behind"
    return f"{words.headline(configured)} is configured: {where} the plan"


def desired(decided: RolloutDecisions, damage: str = "") -> Truth:
    """What people last decided. `damage` is why the journal could not be read in full: more may have been."""
    change = decided.desired
    if change is None and damage:
        return Truth("desired", None, None, "", Freshness.DOWN, "not known: the journal cannot be read")
    if change is None:
        return Truth("desired", None, None, "", Freshness.LIVE, "nothing decided yet")
    return Truth("desired", change.intent.target, change.at, words.who(change.actor), Freshness.LIVE, _pending(decided))


def _pending(decided: RolloutDecisions) -> str:
    change = decided.desired
    if change is None or change.state == "confirmed":
        return ""
    return "outcome unknown" if change.state == "unknown" else "under way"


def configured(rollout: Rollout, controller: Backend) -> Truth:
    """What the backend says it is set to, with the age of that answer."""
    snapshot, state = controller.snapshot, controller.state
    error = snapshot.error if snapshot is not None else ""
    if controller.freshness is Freshness.OFF:
        note = f"no source named {rollout.controller} is configured"
        return Truth("configured", None, None, "", Freshness.OFF, note)
    if state is None or snapshot is None or snapshot.last_ok_at is None:
        note = error or f"{rollout.controller} has not been read back"
        return Truth("configured", None, None, "", Freshness.DOWN, note)
    notes = list(state.notes)
    if not trustworthy(controller.freshness):
        notes.insert(0, f"last read back at {words.instant(snapshot.last_ok_at)}")
        notes += [error] if error else []
    by = state.changed_by
    return Truth("configured", state.exposure, state.changed_at, by, controller.freshness, "; ".join(notes))


def measured() -> Truth:
    """What traffic saw."""
    return Truth("measured", None, None, "", Freshness.OFF, "no source measures exposure yet")


def drift(decided: RolloutDecisions, rollout: Rollout, controller: Backend, *, ours: bool) -> tuple[str, ...]:
    """Where the backend is not as decided, with who and when. Empty while that is not known. `ours` is whether a known
    change or fence made it as it is."""
    state = controller.state
    if state is None or decided.under_way:
        return ()
    change = decided.desired
    if change is None:
        if exposures.is_nobody(state.exposure):
            return ()
        what = f"{rollout.controller} has {words.exposure(state.exposure)}, nobody decided that here"
        return (f"{what}{_whose(state, ours)}",)
    read_at = controller.snapshot.last_ok_at if controller.snapshot is not None else None
    if read_at is None or read_at < change.state_at or exposures.same(change.intent.target, state.exposure):
        return ()
    what = (
        f"{rollout.controller} has {words.exposure(state.exposure)}, "
        f"decided was {words.exposure(change.intent.target)} ({words.who(change.actor)})"
    )
    if change in decided.unknown:
        return (f"{what}: nobody knows whether that happened",)
    return (f"{what}{_whose(state, ours)}",)


def _whose(state: RolloutState, ours: bool) -> str:
    """Who made the backend so, and when."""
    at = f" at {words.instant(state.changed_at)}" if state.changed_at is not None else ""
    by = f" by {state.changed_by}" if state.changed_by else ""
    if not ours:
        return f": changed outside this console{by}{at}"
    return f": changed{by}{at}" if by or at else ""


def last_good(decided: RolloutDecisions, now_configured: Exposure | None) -> Exposure | None:
    """Where roll back goes: the last confirmed exposure, cut to what is configured, that is less than that.

    Nobody where there is none. Judged against the last decision while the configured state is not known; None if
    neither is.
    """
    here = now_configured
    if here is None:
        here = decided.desired.intent.target if decided.desired is not None else None
    if here is None:
        return None
    if not exposures.is_nobody(here):
        for good in decided.confirmed:
            less = exposures.at_most(here, good)
            if not exposures.same(less, here):
                return less
    return exposures.nobody(here.key)

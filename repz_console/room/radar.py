"""What the backends tell by themselves: that somebody changed one elsewhere, and that a planned stage is due."""

from __future__ import annotations

from datetime import datetime

from repz_console.events import ChangedElsewhere, StageDue
from repz_console.facts import Exposure, RolloutState
from repz_console.plan.model import Plan
from repz_console.plan.parts import share_of
from repz_console.plan.schedule import instant
from repz_console.room import stages
from repz_console.room.decisions import ChangeRecord, Decisions
from repz_console.room.views import RolloutView


def elsewhere(
    state: RolloutState, controller: str, before: RolloutState | None, decisions: Decisions, *, alone: bool
) -> ChangedElsewhere | None:
    """The change made elsewhere that `state` shows; None if a decision or a fence of ours made it so, if that cannot be
    told, or if it is as it was.

    `before` is what the same part had when this process looked before; without it and without a word of the journal
    it is seen for the first time, which is no change. `alone` is whether it is the rollout's only part.
    """
    decided = decisions.rollout(state.rollout)
    desired = decided.desired if alone else None
    noted = decisions.consents.elsewhere.get(state.rollout)
    if not state.revision or (noted is not None and noted.revision == state.revision):
        return None
    if _ours(state, desired, decisions) or (not state.op and (decided.under_way or decided.unknown)):
        return None
    known = before.revision if before is not None else ""
    if desired is not None and desired.state == "confirmed" and desired.revision:
        known = desired.revision
    if known in ("", state.revision) or (not state.op and decisions.moved_on(known)):
        return None
    strange = decisions.change(state.op) is None
    return ChangedElsewhere(
        rollout=state.rollout,
        controller=controller,
        revision=state.revision,
        # Of what was put back as it once was, the backend only names who made it so then.
        who=state.changed_by if strange else "",
        at=state.changed_at if strange else None,
        before=_before(state, before, decided.desired),
        after=state.exposure,
    )


def due(plan: Plan, view: RolloutView, ends: datetime, now: datetime) -> StageDue | None:
    """The stage that the plan puts a rollout in, if its instant has come and the rollout is known not to be there. Only
    the last such one, and none once the whole plan is past."""
    if view.configured.exposure is None or now >= ends:
        return None
    stage = stages.planned(plan, plan.rollout[view.id], now)
    shown = next((each for each in view.stages if stage is not None and each.id == stage.id), None)
    if stage is None or shown is None or shown.state in ("done", "current"):
        return None
    return StageDue(rollout=view.id, stage=stage.id, at=instant(stage.at, plan.launch.zone))


def _ours(state: RolloutState, desired: ChangeRecord | None, decisions: Decisions) -> bool:
    if decisions.fenced(state.op) is not None:
        return True
    change = decisions.change(state.op)
    if change is None:
        return desired is not None and not state.op and desired.revision == state.revision
    # An older change of ours that shows again was put back by somebody, such as from a copy of the file.
    later = desired is not None and desired.state == "confirmed" and desired.seq > change.seq
    return not later


def _before(state: RolloutState, before: RolloutState | None, desired: ChangeRecord | None) -> Exposure | None:
    if before is not None and before.revision != state.revision:
        return before.exposure
    if desired is None:
        return None
    return share_of(desired.intent.target, state.scope) if state.scope else desired.intent.target

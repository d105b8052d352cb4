"""Three of the four truths of a rollout: planned, desired, configured. The fourth is what `measured` finds."""

from __future__ import annotations

from datetime import datetime

from repz_console.facts import Exposure, Freshness
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan, Rollout
from repz_console.plan.schedule import instant
from repz_console.room import stages, words
from repz_console.room.backends import Backend, Said
from repz_console.room.decisions import RolloutDecisions
from repz_console.room.freshness import trustworthy
from repz_console.room.views import Truth


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
    by = words.decided_by(change.intent.by, change.actor)
    return Truth("desired", change.intent.target, change.at, by, Freshness.LIVE, _pending(decided))


def _pending(decided: RolloutDecisions) -> str:
    change = decided.desired
    if change is None or change.state == "confirmed":
        return ""
    if change.state == "partial":
        return change.why or "applied in part"
    return "outcome unknown" if change.state == "unknown" else "under way"


def configured(found: Backend) -> Truth:
    """What the backends say they are set to, with the age of that answer."""
    state, notes = found.state, []
    for each in found.said:
        if each.freshness is Freshness.OFF:
            note = f"no source named {each.controller} is configured"
            return Truth("configured", None, None, "", Freshness.OFF, note)
    for each in found.said:
        notes += _troubles(each)
    if state is None:
        return Truth("configured", None, None, "", Freshness.DOWN, "; ".join(notes))
    # The age of an answer comes first, what is odd about it next, why there is no newer one last.
    notes[1:1] = state.notes if notes else ()
    said = notes or list(state.notes)
    return Truth("configured", state.exposure, state.changed_at, state.changed_by, found.freshness, "; ".join(said))


def _troubles(said: Said) -> list[str]:
    """What there is to say of a controller's word: that there is none, or of when it is."""
    error = said.snapshot.error if said.snapshot is not None else ""
    if said.lapsed is not None:
        return [f"what was seen at {said.controller} was believed until {words.instant(said.lapsed)}: look again"]
    if said.state is None or said.snapshot is None or said.snapshot.last_ok_at is None:
        if said.state is not None and said.state.until is not None:
            return []
        return [error or f"{said.controller} has not been read back"]
    if trustworthy(said.freshness):
        return []
    return [f"last read back at {words.instant(said.snapshot.last_ok_at)}", *([error] if error else [])]


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

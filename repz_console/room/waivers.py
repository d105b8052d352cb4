"""Waivers: gates that people want to pass although they are INCONCLUSIVE. One holds once a second person agreed."""

from __future__ import annotations

from datetime import datetime

from repz_console.plan.model import Plan
from repz_console.room import seats
from repz_console.room.consents import Consents, Waiver
from repz_console.room.viewer import Viewer
from repz_console.room.views import WaiverView
from repz_console.room.words import instant, who


def holds(waiver: Waiver, plan: Plan, now: datetime) -> bool:
    """Whether two people, or in a `solo` plan one after the cool-off, agreed, and its time is not over."""
    if waiver.second is None or waiver.seconded_at is None:
        return False
    # Also where the clock was set back: how long it holds from the future nobody knows.
    if abs(now - waiver.at) >= waiver.event.until - waiver.at:
        return False
    solo = plan.launch.solo
    return not seats.why_no_second(waiver.actor, waiver.at, waiver.second, waiver.seconded_at, solo=solo)


def why_not_second(waiver: Waiver, plan: Plan, viewer: Viewer | None, now: datetime) -> str:
    """Empty if the viewer may agree to a waiver now, else why not."""
    if viewer is None:
        return "nobody in particular looks"
    if waiver.second is not None:
        return f"{who(waiver.second)} agreed already"
    if now >= waiver.event.until:
        return f"it ended at {instant(waiver.event.until)}"
    if not seats.sits(plan, viewer):
        return f"{viewer.actor.user} holds no seat of this launch"
    return seats.why_no_second(waiver.actor, waiver.at, viewer.actor, now, solo=plan.launch.solo)


def views(consents: Consents, plan: Plan, rollout: str, viewer: Viewer | None, now: datetime) -> tuple[WaiverView, ...]:
    """Those of a rollout that hold or wait for a second person, oldest first."""
    return tuple(
        WaiverView(
            waiver=waiver.event.waiver,
            gate=waiver.event.gate,
            stage=waiver.event.stage,
            who=seats.named(waiver.actor),
            second="" if waiver.second is None else f"{seats.named(waiver.second)}{' SOLO' if waiver.solo else ''}",
            reason=waiver.event.reason,
            until=waiver.event.until,
            may_second=why_not_second(waiver, plan, viewer, now),
        )
        for waiver in consents.waivers.values()
        if waiver.event.rollout == rollout and now < waiver.event.until
        if waiver.second is None or holds(waiver, plan, now)
    )

"""Approvals, waivers, overrides and what somebody saw at a backend, in this console's name."""

from __future__ import annotations

import math
import secrets
from datetime import timedelta

from repz_console.engine.desk import Desk, No, answers, cleaned
from repz_console.engine.outcome import Outcome
from repz_console.events import (
    ApprovalAsked,
    ApprovalGiven,
    ExposureObserved,
    GateOverridden,
    GateWaived,
    WaiverSeconded,
)
from repz_console.facts import Exposure, Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Stage
from repz_console.plan.parts import controllers
from repz_console.room import rollout as rollouts
from repz_console.room import seats, waivers
from repz_console.room.approvals import VALID
from repz_console.room.consents import Waiver
from repz_console.room.gates import excuses
from repz_console.room.views import GateView
from repz_console.room.words import exposure as worded
from repz_console.room.words import instant, who
from repz_console.text import safe

LONGEST = 24 * 60
"""Minutes that a waiver, or what somebody saw at a backend, may hold at most."""


class Consenting:
    """Asks and agrees in this console's name."""

    def __init__(self, desk: Desk) -> None:
        """Has asked nothing yet."""
        self._desk = desk

    @answers
    async def ask(self, rollout: str, target: Exposure, stage: str = "", reason: str = "") -> Outcome:
        """Ask others to approve taking a rollout to `target`: this once, as everything is now, for 15 minutes. `stage`
        is the one that it was meant to enter."""
        desk = self._desk
        table = desk.rollout(rollout)
        mistake = exposures.mistake(table, target)
        if mistake:
            raise No(f"{rollout}: {mistake}")
        async with desk.turn:
            await desk.look(rollout)
            self._may_ask()
            now = desk.known.clock()
            bound = rollouts.binding_of(desk.around, rollout, target, now)
            if stage and stage != bound.stage:
                raise No(f"{worded(target)} enters {bound.stage or 'no stage'}, not {safe(stage)}")
            needed = next((each.approvals for each in table.stage if each.id == bound.stage), 0)
            if needed <= 0:
                raise No(f"{rollout} {bound.stage or worded(target)} needs no approval")
            if not bound.revision:
                raise No(f"{rollout} has not been read back: nobody can approve what nobody knows")
            last = desk.consents.asks.get(rollout)
            view = rollouts.approval_of(desk.around, rollout, now)
            if view is not None and last is not None and not view.void and exposures.same(view.target, target):
                return Outcome("confirmed", f"{view.who} asked for that already", view.ask)
            asked = ApprovalAsked(
                ask=secrets.token_hex(4),
                rollout=rollout,
                stage=bound.stage,
                target=target,
                revision=bound.revision,
                plan_hash=bound.plan_hash,
                evidence=dict(bound.evidence),
                until=now + VALID,
                reason=cleaned(reason),
            )
            entry = await desk.append(asked, f"approval.asked:{rollout}:{last.seq if last is not None else 0}")
        event = entry.event
        if not isinstance(event, ApprovalAsked) or not exposures.same(event.target, target):
            raise No(f"{who(entry.actor)} asked for something else at the same moment: look again")
        others = "you again, after the cool-off," if desk.plan.launch.solo else "somebody else"
        line = f"asked until {instant(now + VALID)}: {others} approves {worded(target)} from their own console"
        return Outcome("confirmed", line, event.ask)

    @answers
    async def approve(self, rollout: str, ask: str = "") -> Outcome:
        """Approve what was last asked; with `ask`, only if it is that."""
        desk = self._desk
        desk.rollout(rollout)
        async with desk.turn:
            await desk.look(rollout)
            asked = desk.consents.asks.get(rollout)
            view = rollouts.approval_of(desk.around, rollout, desk.known.clock())
            if view is None or asked is None:
                raise No(f"nothing is asked to be approved for {rollout}")
            if ask and ask != view.ask:
                raise No(f"that was replaced by what {view.who} asked for at {instant(view.at)}: look again")
            me = desk.viewer.actor
            if any(seats.same_person(me, actor) for actor, _, _ in asked.given):
                return Outcome("confirmed", "you approved it already", view.ask)
            if view.may_give:
                doing = f"approve {worded(view.target)} for {rollout}"
                await desk.note(f"could not {doing}: {view.may_give}", f"{view.ask}:{me.uid}:{view.may_give}")
                raise No(f"not approved: {view.may_give}", "refused" if view.void else "denied")
            solo = desk.plan.launch.solo and seats.alone(asked.actor, me)
            await desk.append(ApprovalGiven(ask=view.ask, solo=solo), f"approval.given:{view.ask}:{me.uid}")
        marked = ", SOLO" if solo else ""
        return Outcome("confirmed", f"you approve {worded(view.target)} for {rollout}{marked}", view.ask)

    @answers
    async def waive(self, rollout: str, gate: str, reason: str, minutes: float, stage: str = "") -> Outcome:
        """Ask to go on for so many minutes though a gate is INCONCLUSIVE. It holds once somebody else agrees."""
        desk = self._desk
        reason = cleaned(reason, "a waiver needs a reason, which the others see")
        span = _span(minutes)
        async with desk.turn:
            await desk.look(rollout)
            self._may_ask()
            table = desk.stage(rollout, stage)
            found = self._gate(rollout, table, gate)
            if found.verdict is Verdict.FAIL:
                raise No(f"{found.id} FAILs: only the director can override that ({found.line})")
            if found.verdict is Verdict.PASS:
                raise No(f"{found.id} passes: there is nothing to waive")
            if not found.waivable:
                raise No(f"{found.id} is never waived: it can be cured ({found.line})")
            now = desk.known.clock()
            known = self._waiting(rollout, table, gate)
            if known is not None:
                return Outcome("confirmed", f"{who(known.actor)} asked for that already", known.event.waiver)
            waiver = GateWaived(
                waiver=secrets.token_hex(4),
                rollout=rollout,
                stage=table.id,
                gate=found.id,
                line=found.line,
                reason=reason,
                until=now + span,
            )
            key = f"gate.waived:{rollout}:{table.id}:{found.id}:{len(desk.consents.waivers)}"
            entry = await desk.append(waiver, key)
        if not isinstance(entry.event, GateWaived) or entry.event.gate != gate:
            raise No(f"{who(entry.actor)} asked for another waiver at the same moment: look again")
        line = f"asked to waive {gate} for {table.id} until {instant(entry.event.until)}: it holds once "
        line += "you agree again, after the cool-off" if desk.plan.launch.solo else "somebody else agrees"
        return Outcome("confirmed", line, entry.event.waiver)

    @answers
    async def second(self, rollout: str, waiver: str = "") -> Outcome:
        """Agree to a waiver: to the one that waits, or to the one with that id."""
        desk = self._desk
        desk.rollout(rollout)
        async with desk.turn:
            await desk.look()
            known = self._chosen(rollout, waiver)
            me, now = desk.viewer.actor, desk.known.clock()
            if known.second is not None and seats.same_person(known.second, me):
                return Outcome("confirmed", "you agreed to it already", known.event.waiver)
            why = waivers.why_not_second(known, desk.plan, desk.viewer, now)
            if why:
                doing = f"agree to waive {known.event.gate} of {rollout}"
                await desk.note(f"could not {doing}: {why}", f"{known.event.waiver}:{me.uid}:{why}")
                raise No(f"not waived: {why}", "denied")
            solo = desk.plan.launch.solo and seats.alone(known.actor, me)
            seconded = WaiverSeconded(waiver=known.event.waiver, solo=solo)
            entry = await desk.append(seconded, f"gate.seconded:{known.event.waiver}")
        marked = ", SOLO" if solo else ""
        line = f"{known.event.gate} of {rollout} is waived until {instant(known.event.until)}{marked}"
        return Outcome("confirmed", f"{line}: {who(entry.actor)} agreed", known.event.waiver)

    @answers
    async def override(self, rollout: str, gate: str, reason: str, stage: str = "") -> Outcome:
        """Go on though a gate FAILs, until the stage ends: only the director does."""
        desk = self._desk
        reason = cleaned(reason, "an override needs a reason, which everybody sees")
        async with desk.turn:
            await desk.look(rollout)
            table = desk.stage(rollout, stage)
            found = self._gate(rollout, table, gate)
            await desk.speak_for(desk.plan.launch.director, f"override {found.id} of {rollout} for {table.id}")
            if found.id in excuses.NEVER:
                raise No(f"{found.id} is never overridden: {found.line}")
            if found.verdict is not Verdict.FAIL:
                raise No(f"{found.id} is {found.verdict}, and only a FAIL is overridden ({found.line})")
            if found.overridden:
                return Outcome("confirmed", f"{found.id} is overridden already")
            event = GateOverridden(rollout=rollout, stage=table.id, gate=found.id, line=found.line, reason=reason)
            key = f"gate.overridden:{rollout}:{table.id}:{found.id}:{len(desk.consents.overrides)}"
            await desk.append(event, key)
        return Outcome("confirmed", f"{found.id} of {rollout} is OVERRIDDEN until {table.id} ends ({found.line})")

    @answers
    async def observe(
        self, rollout: str, controller: str, exposure: Exposure, minutes: float, *, op: str = ""
    ) -> Outcome:
        """Say what a backend shows that the console cannot ask, to be believed for so many minutes. `op` is the change
        that was made by hand, if it was one of the console's."""
        desk = self._desk
        table = desk.rollout(rollout)
        if controller not in controllers(table):
            raise No(f"{safe(controller)} does not apply {rollout}; {', '.join(controllers(table))} does")
        mistake = exposures.mistake(table, exposure)
        if mistake:
            raise No(f"{rollout}: {mistake}")
        span = _span(minutes)
        async with desk.turn:
            await desk.look()
            until = desk.known.clock() + span
            seen = ExposureObserved(
                rollout=rollout, controller=controller, exposure=exposure, until=until, op=cleaned(op)
            )
            last = desk.consents.observed.get((rollout, controller))
            key = f"rollout.observed:{rollout}:{controller}:{last.seq if last is not None else 0}"
            entry = await desk.append(seen, key)
        if not isinstance(entry.event, ExposureObserved) or not exposures.same(entry.event.exposure, exposure):
            raise No(f"{who(entry.actor)} saw something else at the same moment: look again")
        return Outcome("confirmed", f"{controller} shows {worded(exposure)}, believed until {instant(until)}")

    def _may_ask(self) -> None:
        """Raise `No` for who cannot be one of two people."""
        viewer, plan = self._desk.viewer, self._desk.plan
        if not seats.sits(plan, viewer):
            raise No(f"{viewer.actor.user} holds no seat of this launch", "denied")
        if not viewer.actor.proven and not plan.launch.solo:
            raise No(f"{who(viewer.actor)} is a shared account, which is none of two people", "denied")

    def _gate(self, rollout: str, stage: Stage, identity: str) -> GateView:
        judged = self._desk.judged(rollout, stage)
        found = next((gate for gate in judged if gate.id == identity), None)
        if found is None:
            known = ", ".join(gate.id for gate in judged)
            raise No(f"{rollout} {stage.id} has no gate {safe(identity)}; it has {known}")
        return found

    def _waiting(self, rollout: str, stage: Stage, gate: str) -> Waiver | None:
        """A waiver of that gate that holds, or waits for a second person."""
        now = self._desk.known.clock()
        for waiver in self._desk.consents.waivers.values():
            event = waiver.event
            alive = now < event.until and (waiver.second is None or waivers.holds(waiver, self._desk.plan, now))
            if alive and (event.rollout, event.stage, event.gate) == (rollout, stage.id, gate):
                return waiver
        return None

    def _chosen(self, rollout: str, identity: str) -> Waiver:
        known = [each for each in self._desk.consents.waivers.values() if each.event.rollout == rollout]
        if identity:
            known = [waiver for waiver in known if waiver.event.waiver == identity]
        else:
            now = self._desk.known.clock()
            known = [waiver for waiver in known if waiver.second is None and now < waiver.event.until]
        if not known:
            raise No(f"{rollout} has no waiver {safe(identity)}" if identity else "no waiver waits for anybody")
        if len(known) > 1:
            each = ", ".join(f"{waiver.event.waiver} ({waiver.event.gate})" for waiver in known)
            raise No(f"several waivers wait, so say which: {each}")
        return known[0]


def _span(minutes: float) -> timedelta:
    """So many minutes. Raises `No` for none, and for more than a day."""
    if not math.isfinite(minutes) or not 0 < minutes <= LONGEST:
        raise No(f"{minutes:g} is not a number of minutes up to {LONGEST} (24 h)")
    return timedelta(minutes=minutes)

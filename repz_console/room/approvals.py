"""Approvals: others say yes to one change, bound to everything that it was judged on, and not for long.

An approval holds for the plan, stage, target, revision and verdicts that it was asked on; any difference makes it void.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from repz_console.facts import Actor, Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Stage
from repz_console.room import seats
from repz_console.room.consents import Ask
from repz_console.room.gates.changes import CHANGE
from repz_console.room.gates.conn import CONN
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import ApprovalView, GateView
from repz_console.room.words import exposure, instant, who

APPROVAL = "approval"
"""Id of the gate."""

VALID = timedelta(minutes=15)
"""How long an approval may be given and used."""


class Binding(Struct, frozen=True):
    """What an approval is asked on."""

    stage: str
    revision: str
    plan_hash: str
    evidence: Mapping[str, str]
    """Gate id to verdict."""


def binding(evidence: Evidence, judged: Sequence[GateView]) -> Binding:
    """What the step would be approved on now. Neither who has the conn is part of it, which says who applies it, nor
    whether a change is under way, which the step itself is once it is judged for the last time."""
    return Binding(
        stage=evidence.enters.id if evidence.enters is not None else "",
        revision=evidence.state.revision if evidence.state is not None else "",
        plan_hash=evidence.plan_hash,
        evidence={gate.id: str(gate.verdict) for gate in judged if gate.id not in (CONN, CHANGE, APPROVAL)},
    )


def pending(evidence: Evidence) -> Ask | None:
    """What was last asked of a rollout; None where nothing was, or it was used, or a way back was taken since."""
    ask = evidence.consents.asks.get(evidence.identity)
    if ask is None:
        return None
    for change in evidence.decided.changes:
        if change.seq > ask.seq and (change.intent.action != "set" or change.state == "confirmed"):
            return None
    return ask


def why_void(evidence: Evidence, judged: Sequence[GateView], ask: Ask, now: datetime) -> str:
    """Why what was asked no longer holds, in one line; empty if it does. `evidence` is for the target asked for."""
    event, present = ask.event, binding(evidence, judged)
    if event.until is None or now >= event.until or now < ask.at - VALID:
        return f"it expired at {instant(event.until)}" if event.until is not None else "it has no end"
    if event.plan_hash != present.plan_hash:
        return "it was asked on another plan"
    if event.stage != present.stage:
        return f"it was asked for {event.stage or 'no stage'}, and the step enters {present.stage or 'none'} now"
    if event.revision != present.revision and not _begun(evidence, ask):
        return f"it was asked on revision {event.revision}, and {present.revision or 'an unknown one'} is configured"
    for gate in sorted({*event.evidence, *present.evidence}):
        then, says = event.evidence.get(gate, "not judged"), present.evidence.get(gate, "not judged")
        if _BADNESS.get(says, 0) > _BADNESS.get(then, 0):
            return f"{gate} was {then} and is {says}"
    return ""


_BADNESS = {str(Verdict.INCONCLUSIVE): 1, str(Verdict.FAIL): 2}
"""Whoever approved a step on a gate's answer approved it on every better one. A gate that was not asked stood in
nobody's way."""


def _begun(evidence: Evidence, ask: Ask) -> bool:
    """Whether the very change that was asked for is being made, so that the revision moved on with its first steps."""
    return any(
        change.seq > ask.seq
        and change.state in ("intended", "sent", "partial")
        and change.intent.expect == ask.event.revision
        and exposures.same(change.intent.target, ask.event.target)
        for change in evidence.decided.changes
    )


def counted(evidence: Evidence, ask: Ask, needed: int) -> tuple[Actor, ...]:
    """Whose approvals count: distinct people besides who asked and who would apply it; in a `solo` plan one person's
    after the cool-off is all that is needed."""
    solo, found = evidence.plan.launch.solo, list[Actor]()
    applies = evidence.viewer.actor if evidence.viewer is not None else ask.actor
    for actor, at, _ in ask.given:
        if seats.why_no_second(ask.actor, ask.at, actor, at, solo=solo):
            continue
        if solo and seats.alone(ask.actor, actor):
            return (actor,) * max(1, needed)
        if seats.alone(applies, actor) or any(seats.same_person(actor, other) for other in found):
            continue
        found.append(actor)
    return tuple(found)


def gates_of(evidence: Evidence, judged: Sequence[GateView], now: datetime) -> Iterator[GateView]:
    """The gate of the stage that is entered, where it needs approvals. `judged` are all others."""
    stage = evidence.enters
    if stage is None or stage.approvals <= 0:
        return
    needs = "1 other person" if stage.approvals == 1 else f"{stage.approvals} other people"
    title = f"Approved by {needs}"

    def gate(answer: Verdict, line: str, until: datetime | None = None, facts: tuple[str, ...] = ()) -> GateView:
        return GateView(APPROVAL, title, answer, line, until, facts)

    ask = pending(evidence)
    if evidence.damage:
        yield gate(Verdict.INCONCLUSIVE, f"not known who approved: {evidence.damage}")
    elif ask is None:
        yield gate(Verdict.FAIL, f"approval: not asked for; {needs} must approve")
    elif evidence.target is None or not exposures.same(ask.event.target, evidence.target):
        yield gate(Verdict.FAIL, f"approval: asked for {exposure(ask.event.target)}, which is another target")
    else:
        void = why_void(evidence, judged, ask, now)
        have = counted(evidence, ask, stage.approvals)
        facts = tuple(_facts(ask))
        if void:
            yield gate(Verdict.FAIL, f"approval: void, for {void}", facts=facts)
        elif len(have) < stage.approvals:
            yield gate(Verdict.FAIL, _waiting(evidence, ask, stage, len(have)), ask.event.until, facts)
        else:
            by = ", ".join(dict.fromkeys(map(who, have)))
            yield gate(Verdict.PASS, f"approved by {by}{_solo(ask, have)}", ask.event.until, facts)


def view(evidence: Evidence, judged: Sequence[GateView], now: datetime) -> ApprovalView | None:
    """What was last asked, as it is shown; None where nothing is. `evidence` is for the target asked for."""
    ask = pending(evidence)
    if ask is None:
        return None
    needed = evidence.enters.approvals if evidence.enters is not None else 0
    void = why_void(evidence, judged, ask, now)
    return ApprovalView(
        ask=ask.event.ask,
        stage=ask.event.stage,
        target=ask.event.target,
        who=seats.named(ask.actor),
        at=ask.at,
        until=ask.event.until,
        given=tuple(f"{seats.named(actor)}{' SOLO' if solo else ''}" for actor, _, solo in ask.given),
        needed=needed,
        void=void,
        may_give=f"void: {void}" if void else why_not_give(evidence, ask, now),
    )


def why_not_give(evidence: Evidence, ask: Ask, now: datetime) -> str:
    """Empty if the viewer may approve what was asked now, else why not, other than that it is void."""
    viewer = evidence.viewer
    if viewer is None:
        return "nobody in particular looks"
    if any(seats.same_person(viewer.actor, actor) for actor, _, _ in ask.given):
        return "you approved it already"
    if not seats.sits(evidence.plan, viewer):
        return f"{viewer.actor.user} holds no seat of this launch"
    return seats.why_no_second(ask.actor, ask.at, viewer.actor, now, solo=evidence.plan.launch.solo)


def _waiting(evidence: Evidence, ask: Ask, stage: Stage, have: int) -> str:
    left = f"approval: {have} of {stage.approvals}, asked by {seats.named(ask.actor)} at {instant(ask.at)}"
    viewer = evidence.viewer
    if viewer is not None and any(seats.same_person(viewer.actor, actor) for actor, _, _ in ask.given):
        return f"{left}; you approved it, so somebody else applies it"
    return left


def _solo(ask: Ask, have: Sequence[Actor]) -> str:
    return " SOLO" if any(seats.alone(ask.actor, actor) for actor in have) else ""


def _facts(ask: Ask) -> Iterator[str]:
    yield f"asked by {seats.named(ask.actor)} at {instant(ask.at)} on revision {ask.event.revision}"
    for actor, at, solo in ask.given:
        yield f"approved by {seats.named(actor)} at {instant(at)}{' SOLO' if solo else ''}"

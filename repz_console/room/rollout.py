"""The rollouts: planned stages, the four truths, decisions and gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from repz_console.facts import Abilities, Exposure, Freshness, RolloutState, Snapshot, Tick, Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan, Rollout, Stage
from repz_console.plan.parts import controllers, leaves, parts_of
from repz_console.plan.schedule import instant
from repz_console.room import (
    approvals,
    backends,
    drift,
    gates,
    measured,
    polls,
    readiness,
    stages,
    truths,
    waivers,
    warden,
)
from repz_console.room.bugs import Queue
from repz_console.room.consents import Consents
from repz_console.room.decisions import ChangeRecord, Decisions, RolloutDecisions
from repz_console.room.freshness import soonest
from repz_console.room.seats import COOL_OFF
from repz_console.room.viewer import Viewer
from repz_console.room.views import (
    ApprovalView,
    ChangeView,
    ControlView,
    GateView,
    LookView,
    PartView,
    PollView,
    RolloutsView,
    RolloutView,
)
from repz_console.room.words import decided_by, exposure
from repz_console.text import safe


class Surroundings(Struct, frozen=True):
    """What every rollout is judged in."""

    plan: Plan
    decisions: Decisions
    snapshots: Mapping[str, Snapshot]
    control: ControlView
    queue: Queue
    bugs: Freshness
    ends: datetime
    """When the plan is past."""
    waiting: Decisions
    """What was decided and is not in the journal yet."""
    damage: str = ""
    """Why the journal could not be read in full."""
    viewer: Viewer | None = None
    """Who looks; None where nobody in particular does."""
    plan_hash: str = ""
    ticks: tuple[Tick, ...] = ()
    """Of every checklist item that has one."""
    ticked: Freshness = Freshness.OFF
    """Of the sources that tell of ticks."""
    abilities: Mapping[str, Abilities] = field(default_factory=dict)
    """Source id to what it can do, of those that apply rollouts."""
    looks: Mapping[str, LookView] = field(default_factory=dict)
    """Source id to whether this user could steer it, as last looked at."""
    recorder: bool = False
    """Whether a `record` process polls for everyone, so that what nobody decides can happen."""

    @property
    def consents(self) -> Consents:
        """What people agreed to, and whether somebody stopped the line, also where that is not in the journal yet."""
        agreed, stopped = self.decisions.consents, self.waiting.consents.line
        return agreed if agreed.line is not None or stopped is None else replace(agreed, line=stopped)

    def decided(self, identity: str) -> RolloutDecisions:
        """What was decided about a rollout, also what is not in the journal yet."""
        return self.decisions.rollout(identity).followed_by(self.waiting.rollout(identity))


def build(around: Surroundings, now: datetime) -> RolloutsView:
    """All rollouts, the main one first, then in the plan's order."""
    plan = around.plan
    main = stages.main_rollout(plan)
    views = tuple(_view(around, identity, now) for identity in sorted(plan.rollout, key=lambda each: each != main))
    first = views[0] if views else None
    return RolloutsView(
        rollouts=views,
        blocker=gates.blocker(first.gates) if first is not None and first.next is not None else "",
        next_change=soonest([*_expiries(around, now), *_lapses(around, views, now)]),
        kill=readiness.kill(each for view in views for each in view.readiness),
    )


def gates_of(around: Surroundings, identity: str, target: Exposure | None, now: datetime) -> tuple[GateView, ...]:
    """The gates of going to `target`, or to the next stage if it is None. Raises KeyError for an unknown rollout."""
    return _judged(_evidence(around, identity, target, now), now)


def poll_of(around: Surroundings, identity: str, stage: Stage, now: datetime) -> PollView | None:
    """The go/no-go poll of entering a stage; None where it needs none, or the plan lacks it."""
    evidence = _evidence(around, identity, exposures.of_stage(around.plan.rollout[identity], stage), now)
    return polls.view(evidence, stage, _judged(evidence, now), now)


def approval_of(around: Surroundings, identity: str, now: datetime) -> ApprovalView | None:
    """What was last asked to be approved and is not spent; None where nothing is."""
    ask = around.consents.asks.get(identity)
    if ask is None:
        return None
    evidence = _evidence(around, identity, ask.event.target, now)
    return approvals.view(evidence, _judged(evidence, now), now)


def binding_of(around: Surroundings, identity: str, target: Exposure, now: datetime) -> approvals.Binding:
    """What approving `target` now would be bound to."""
    evidence = _evidence(around, identity, target, now)
    return approvals.binding(evidence, _judged(evidence, now))


def _judged(evidence: gates.Evidence, now: datetime) -> tuple[GateView, ...]:
    """Every gate: what people say hangs on what the others say."""
    try:
        judged = gates.build(evidence, now)
        asked = tuple(polls.gates_of(evidence, judged, now))
        people = (*asked, *approvals.gates_of(evidence, (*judged, *asked), now))
        return gates.build(evidence, now, people) if people else judged
    except Exception as error:  # nobody widens past a defect, and everything else is shown and steered all the same
        line = safe(f"the gates could not be judged, {type(error).__name__}: {error}: holding")
        return (GateView("defect", "Gates judged", Verdict.INCONCLUSIVE, line),)


def _evidence(around: Surroundings, identity: str, target: Exposure | None, now: datetime) -> gates.Evidence:
    plan, rollout = around.plan, around.plan.rollout[identity]
    controller = backends.backend(plan, identity, around.snapshots, around.consents, now)
    basis = _basis(around, identity, controller)
    where = stages.position(plan, rollout, basis)
    following = rollout.stage[where.here + 1] if where.next is not None else None
    entered = stages.entered(rollout, where.here, target)
    if target is None and following is not None:
        phase, target = where.phase, exposures.of_stage(rollout, following)
    else:
        phase = stages.phase_of(rollout, target) if target is not None else where.phase
    return gates.Evidence(
        plan=plan,
        identity=identity,
        rollout=rollout,
        basis=basis,
        target=target,
        current=rollout.stage[where.here] if where.current is not None else None,
        next=following,
        enters=rollout.stage[entered] if entered is not None else None,
        phase=phase,
        decided=around.decided(identity),
        consents=around.consents,
        control=around.control,
        queue=around.queue,
        bugs=around.bugs,
        snapshot=controller.snapshot,
        state=controller.state,
        drift=_drift(around, identity, controller, now),
        snapshots=around.snapshots,
        ticks=around.ticks,
        ticked=around.ticked,
        damage=around.damage,
        viewer=around.viewer,
        plan_hash=around.plan_hash,
        epoch=around.decisions.epoch,
        idle=around.decisions.idle,
    )


def shows_the_same(old: RolloutsView, new: RolloutsView) -> bool:
    """Whether two views differ at most in when they expire."""
    return _timeless(old) == _timeless(new)


def _timeless(view: RolloutsView) -> RolloutsView:
    def still(rollout: RolloutView) -> RolloutView:
        return replace(
            rollout,
            gates=tuple(replace(gate, next_change=None) for gate in rollout.gates),
            readiness=tuple(replace(each, at=None) for each in rollout.readiness),
        )

    return replace(view, rollouts=tuple(map(still, view.rollouts)), next_change=None)


def _basis(around: Surroundings, identity: str, controller: backends.Backend) -> Exposure:
    """What the stages are compared with: configured, else as last decided, else nobody."""
    if controller.state is not None:
        return controller.state.exposure
    change = around.decided(identity).desired
    return change.intent.target if change is not None else exposures.nobody()


def _view(around: Surroundings, identity: str, now: datetime) -> RolloutView:
    plan, rollout = around.plan, around.plan.rollout[identity]
    decided = around.decided(identity)
    controller = backends.backend(plan, identity, around.snapshots, around.consents, now)
    configured = truths.configured(controller)
    past = now >= around.ends
    planned = truths.planned(plan, rollout, past, configured.exposure, now)
    desired = truths.desired(decided, around.damage)
    where = stages.position(plan, rollout, _basis(around, identity, controller), None if past else now)
    regions = dict(_titled(rollout.regions, ((region.id, region.title) for region in plan.region)))
    counts = measured.found(around.snapshots, identity, now)
    settled = measured.settles_at(rollout, decided, around.abilities)
    evidence = _evidence(around, identity, None, now)
    found = _judged(evidence, now)
    following = evidence.next
    return RolloutView(
        id=identity,
        title=rollout.title,
        controller=" + ".join(controllers(rollout)),
        backend=" + ".join(dict.fromkeys(_kinds(plan, rollout))),
        cohort=rollout.cohort,
        regions=tuple(regions.items()),
        features=_titled(_features(rollout), _switches(plan)),
        stages=where.stages,
        current=where.current,
        next=where.next,
        planned=planned,
        desired=desired,
        configured=configured,
        measured=measured.truth(counts, rollout, configured.exposure),
        revision=controller.state.revision if controller.state is not None else "",
        drift=_drift(around, identity, controller, now),
        hold=decided.hold,
        change=_change(rollout, decided.latest) if decided.latest is not None else None,
        unknown=tuple(_change(rollout, each) for each in decided.unknown),
        last_good=truths.last_good(decided, configured.exposure),
        gates=found,
        verdict=gates.verdict(found),
        where=stages.regions(rollout, regions, where, planned.exposure, desired.exposure, configured.exposure),
        of_all=exposures.of_all(configured.exposure, rollout.people) if configured.exposure is not None else None,
        poll=polls.view(evidence, following, found, now) if following is not None else None,
        approval=approval_of(around, identity, now),
        overrides=gates.overrides(plan, identity, around.consents, decided),
        due=stages.due(where),
        waivers=waivers.views(around.consents, plan, identity, around.viewer, now),
        automatic=warden.armed(rollout.automatic),
        unarmed=warden.unarmed(
            plan,
            identity,
            decided,
            around.snapshots,
            around.abilities,
            now,
            recorder=around.recorder,
            collector=around.control.collector,
            damage=around.damage,
            idle=around.decisions.idle is not None,
        ),
        readiness=tuple(readiness.view(each, around.looks.get(each), now) for each in controllers(rollout)),
        parts=_parts(controller),
        settles_at=settled if settled is not None and settled > now else None,
    )


def _drift(around: Surroundings, identity: str, controller: backends.Backend, now: datetime) -> tuple[str, ...]:
    """Where truths differ. A decision may only be missing from a journal that was not read in full."""
    rollout, decided = around.plan.rollout[identity], around.decided(identity)

    def ours(state: RolloutState) -> bool:
        known = (around.decisions, around.waiting)
        return any(each.change(state.op) or each.fenced(state.op) is not None for each in known)

    found = drift.lines(decided, rollout, controller, around.consents.elsewhere.get(identity), ours=ours)
    if found and around.damage:
        return (f"not known whether what it has was decided here: {around.damage}",)
    configured = controller.state.exposure if controller.state is not None else None
    return found + measured.drift(
        measured.found(around.snapshots, identity, now),
        rollout,
        configured,
        controller.state.changed_at if controller.state is not None else None,
        measured.settles_at(rollout, decided, around.abilities),
    )


def _kinds(plan: Plan, rollout: Rollout) -> Iterable[str]:
    yield from (plan.source[each].kind for each in controllers(rollout) if each in plan.source)


def _parts(found: backends.Backend) -> tuple[PartView, ...]:
    """What each backend has configured, where there are several or one changes its features group by group."""
    rows: list[PartView] = []
    for said in found.said:
        notes = said.snapshot.error if said.snapshot is not None else ""
        if said.state is None:
            rows.append(PartView(said.controller, said.features, "not known", notes))
            continue
        for state in leaves(said.state):
            why = "; ".join(state.notes) or notes
            rows.append(PartView(said.controller, state.scope or said.features, exposure(state.exposure), why))
    return tuple(rows) if len(rows) > 1 else ()


def _features(rollout: Rollout) -> Iterable[str]:
    return dict.fromkeys(feature for stage in rollout.stage for feature in stage.features)


def _switches(plan: Plan) -> Iterable[tuple[str, str]]:
    yield from ((flag.id, flag.title) for flag in plan.flag)
    yield from ((feature.id, feature.title) for feature in plan.feature)


def _titled(identities: Iterable[str], titles: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    known = dict(titles)
    return tuple((identity, known.get(identity, identity)) for identity in identities)


def _change(rollout: Rollout, change: ChangeRecord) -> ChangeView:
    return ChangeView(
        op=change.op,
        action=change.intent.action,
        state=change.state,
        target=change.intent.target,
        who=decided_by(change.intent.by, change.actor),
        at=change.at,
        why=change.why,
        stage=change.intent.stage,
        steps=_steps(rollout, change),
    )


def _steps(rollout: Rollout, change: ChangeRecord) -> tuple[PartView, ...]:
    """What became of each of its steps, those that were not begun included."""
    known = {step.number: step for step in change.steps}
    of = max((step.of for step in change.steps), default=0)
    plan = parts_of(rollout)
    # Which scopes a backend has, only the backend can tell.
    waiting = (
        {number: (part.controller, part.features) for number, part in enumerate(plan, 1)} if of == len(plan) else {}
    )
    return tuple(
        PartView(known[number].controller, known[number].scope, known[number].outcome, known[number].why)
        if number in known
        else PartView(*waiting.get(number, ("", ())), "waits")
        for number in range(1, of + 1)
    )


def _expiries(around: Surroundings, now: datetime) -> Iterable[datetime | None]:
    """Every later instant at which a stage is due, a read-back grows too old or the plan is past."""
    for identity, rollout in around.plan.rollout.items():
        found = backends.backend(around.plan, identity, around.snapshots, around.consents, now)
        yield from backends.expiries(found, now)
        yield from measured.expiries(around.snapshots, identity, now)
        due = [instant(stage.at, around.plan.launch.zone) for stage in rollout.stage]
        due += [limit for limit in [gates.readable_until(rollout, found.snapshot)] if limit is not None]
        settled = measured.settles_at(rollout, around.decided(identity), around.abilities)
        due += [settled] if settled is not None else []
        yield from (at for at in due if at > now)
    yield from warden.expiries(around.plan, around.snapshots, now)
    yield from (readiness.believed_until(look, now) for look in around.looks.values())
    yield around.ends if around.ends > now else None


def sources(plan: Plan) -> tuple[str, ...]:
    """Ids of the sources whose answers a rollout is judged on, apart from those that tell of bugs and ticks."""
    asked: set[str] = set()
    found: list[str] = []
    for rollout in plan.rollout.values():
        found += controllers(rollout)
        for stage in rollout.stage:
            asked |= {rule.metric for rule in stage.metrics} | {rule.counted_by for rule in stage.metrics}
            asked.add(stage.bake.counted_by)
    found += [metric.source for metric in plan.metric if metric.id in asked and metric.source]
    return tuple(dict.fromkeys(found))


def _lapses(around: Surroundings, views: Iterable[RolloutView], now: datetime) -> Iterable[datetime]:
    """Every later instant at which a gate changes by itself, or what people agreed to ends or may be agreed to."""
    known = [gate.next_change for view in views for gate in view.gates]
    known += [ask.event.until for ask in around.consents.asks.values()]
    known += [ask.at + COOL_OFF for ask in around.consents.asks.values()]
    for waiver in around.consents.waivers.values():
        known += [waiver.event.until, waiver.at + COOL_OFF]
    return (at for at in known if at is not None and at > now)

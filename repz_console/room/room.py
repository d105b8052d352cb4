"""The room: takes in what changed and gives one view of everything, at any moment.

    room = Room(plan, me)
    room.update(entries=journal.entries(after=room.decisions.length), snapshots=snapshots)
    view = room.view(now)

Every area remembers its view; one that would look the same is the very same object, so that `is` says whether to
paint. A view over an earlier `now` is as good as one over the present.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from repz_console.events import Entry
from repz_console.facts import Abilities, Exposure, Freshness, Person, Snapshot, Tick
from repz_console.plan.model import Plan
from repz_console.plan.schedule import Span, plan_span
from repz_console.room import budget, bugs, clock, control, health, rollout, sources, stages, timeline, warden
from repz_console.room.control import Held, Standing
from repz_console.room.decisions import Decisions, RolloutDecisions
from repz_console.room.freshness import freshness, soonest, worst
from repz_console.room.health import History
from repz_console.room.memo import Memo
from repz_console.room.viewer import Viewer
from repz_console.room.views import (
    BudgetView,
    BugsView,
    ClockView,
    ControlView,
    FindingView,
    GateView,
    HealthView,
    JournalView,
    LaunchView,
    LookView,
    RolloutsView,
    RoomView,
    SourcesView,
    TimelineView,
)


class _Keep(Enum):
    KEEP = 0


KEEP: Final = _Keep.KEEP
"""Leave an input as it is, where None means something."""


class Origin(Struct, frozen=True):
    """Where the effective plan comes from."""

    hash: str = ""
    source: str = "file"
    """`adopted` when the journal holds it, else `file`."""
    differs: str = ""
    """Empty, or in one line how this console's file differs from the plan that the others share."""
    rebased_days: int = 0


class _Memos:
    """Every area's memory."""

    def __init__(self) -> None:
        self.span: Memo[Span] = Memo()
        self.ticks: Memo[tuple[Tick, ...]] = Memo()
        self.launch: Memo[LaunchView] = Memo()
        self.clock: Memo[ClockView] = Memo()
        self.timeline: Memo[TimelineView] = Memo()
        self.judged: Memo[tuple[str, ...]] = Memo()
        self.rollout: Memo[RolloutsView] = Memo(rollout.shows_the_same)
        self.health: Memo[HealthView] = Memo()
        self.queue: Memo[bugs.Queue] = Memo()
        self.bugs: Memo[BugsView] = Memo()
        self.budget: Memo[BudgetView | None] = Memo()
        self.control: Memo[ControlView] = Memo()
        self.sources: Memo[SourcesView] = Memo(sources.shows_the_same)
        self.journal: Memo[JournalView] = Memo()

    def until(self) -> datetime | None:
        """When the first of them expires."""
        return soonest(memo.until for memo in vars(self).values())


class Room:
    """What is going on, folded from what was fed."""

    def __init__(self, plan: Plan, viewer: Viewer, origin: Origin | None = None) -> None:
        """`plan` is the effective one: adopted or the file's, and rebased."""
        self.decisions = Decisions()
        """The journal, folded."""
        self._plan = plan
        self._origin = origin or Origin()
        self._viewer = viewer
        self._snapshots: dict[str, Snapshot] = {}
        self._tells: dict[str, frozenset[str]] = {}
        self._people: tuple[Person, ...] = ()
        self._lease: Held | None = None
        self._collector: Held | None = None
        self._history: History = {}
        self._findings: tuple[FindingView, ...] = ()
        self._trouble, self._refused, self._damage = "", "", ""
        self._waiting = Decisions()
        self._abilities: dict[str, Abilities] = {}
        self._looks: Mapping[str, LookView] = {}
        self._recorder = False
        self._bugs_into = ""
        self._spend_into = ""
        self._memos = _Memos()

    @property
    def plan(self) -> Plan:
        """The effective plan."""
        return self._plan

    def update(
        self,
        *,
        plan: Plan | None = None,
        origin: Origin | None = None,
        viewer: Viewer | None = None,
        entries: Iterable[Entry] = (),
        snapshots: Mapping[str, Snapshot] | None = None,
        tells: Mapping[str, frozenset[str]] | None = None,
        people: Iterable[Person] | None = None,
        lease: Held | _Keep | None = KEEP,
        collector: Held | _Keep | None = KEEP,
        history: History | None = None,
        findings: Iterable[FindingView] | None = None,
        trouble: str | None = None,
        refused: str | None = None,
        damage: str | None = None,
        waiting: Decisions | None = None,
        abilities: Mapping[str, Abilities] | None = None,
        looks: Mapping[str, LookView] | None = None,
        recorder: bool | None = None,
        bugs_into: str | None = None,
        spend_into: str | None = None,
    ) -> None:
        """Take in what changed; what is not given stays.

        `entries` are further ones, oldest first (those already folded are passed over). `snapshots` are all sources'
        by id, those that follow the journal included, and `tells` the fields of `Facts` that each fills once it
        answers. `lease` is the conn's and `collector` the collector's, None while free. `trouble` is why the journal
        cannot be appended to, `refused` why the disk took nothing when that was last tried and `damage` why the journal
        could not be read in full. `waiting` is what was decided, recorded elsewhere and is not journaled yet.
        `abilities` and `looks` are those of the backends by source id, and `recorder` is whether the collector is a
        `record` process. `bugs_into` and `spend_into` are the sources that new bugs and spend are written in, empty
        for none.
        """
        self.decisions.fold(entries)
        self._plan = plan if plan is not None else self._plan
        self._origin = origin if origin is not None else self._origin
        self._viewer = viewer if viewer is not None else self._viewer
        self._snapshots = dict(snapshots) if snapshots is not None else self._snapshots
        self._tells = dict(tells) if tells is not None else self._tells
        self._people = tuple(people) if people is not None else self._people
        self._lease = lease if lease is not KEEP else self._lease
        self._collector = collector if collector is not KEEP else self._collector
        self._history = history if history is not None else self._history
        self._findings = tuple(findings) if findings is not None else self._findings
        self._trouble = trouble if trouble is not None else self._trouble
        self._refused = refused if refused is not None else self._refused
        self._damage = damage if damage is not None else self._damage
        self._waiting = waiting if waiting is not None else self._waiting
        self._abilities = dict(abilities) if abilities is not None else self._abilities
        self._looks = looks if looks is not None else self._looks
        self._recorder = recorder if recorder is not None else self._recorder
        self._bugs_into = bugs_into if bugs_into is not None else self._bugs_into
        self._spend_into = spend_into if spend_into is not None else self._spend_into

    def view(self, now: datetime) -> RoomView:
        """Everything at `now`, an aware UTC instant."""
        rollouts = self._rollouts(now)
        return RoomView(
            launch=self._launch(rollouts, now),
            clock=self._clock(now),
            timeline=self._timeline(now),
            rollout=rollouts,
            health=self._health(now),
            bugs=self._bugs(rollouts, now),
            budget=self._budget(now),
            control=self._control(now),
            sources=self._sources(now),
            findings=self._findings,
            journal=self._journal(now),
            next_change=self._memos.until(),
        )

    def gates(self, identity: str, now: datetime, target: Exposure | None = None) -> tuple[GateView, ...]:
        """The gates of taking a rollout to `target` (to its next stage without one), judged afresh on what the room
        knows now. Raises KeyError for an unknown rollout."""
        return rollout.gates_of(self.surroundings(now), identity, target, now)

    def surroundings(self, now: datetime) -> rollout.Surroundings:
        """What every rollout is judged in at `now`."""
        queue, bucket = self._queue(now)
        ticks, ticked = self._told("ticks", now)
        return rollout.Surroundings(
            plan=self._plan,
            decisions=self.decisions,
            snapshots=self._snapshots,
            control=self._control(now),
            queue=queue,
            bugs=bucket,
            ends=self._memos.span.get((self._plan,), now, lambda: plan_span(self._plan))[1],
            damage=self._damage,
            waiting=self._waiting,
            viewer=self._viewer,
            plan_hash=self._origin.hash,
            ticks=self._memos.ticks.get(ticks, now, lambda: tuple(chain(*ticks))),
            ticked=ticked,
            abilities=self._abilities,
            looks=self._looks,
            recorder=self._recorder,
        )

    def standing(self) -> Standing:
        """Whether the viewer may take the conn as things are."""
        viewer = self._viewer
        return control.standing(self._plan, viewer.actor, viewer.groups, viewer.known, self._lease)

    def decided(self, identity: str) -> RolloutDecisions:
        """What was decided about a rollout, also what is not in the journal yet."""
        return self.decisions.rollout(identity).followed_by(self._waiting.rollout(identity))

    def _launch(self, rollouts: RolloutsView, now: datetime) -> LaunchView:
        main = rollouts.rollouts[0] if rollouts.rollouts else None
        backend = ""
        if main is not None:
            backend = main.backend if main.controller == main.backend else f"{main.backend} {main.controller}".strip()
        launch, origin = self._plan.launch, self._origin

        def build() -> LaunchView:
            return LaunchView(
                name=launch.name,
                title=launch.title,
                environment=launch.environment,
                backend=backend,
                solo=launch.solo,
                plan_hash=origin.hash,
                plan_source=origin.source,
                differs=origin.differs,
                rebased_days=origin.rebased_days,
            )

        return self._memos.launch.get((self._plan, origin, backend), now, build)

    def _clock(self, now: datetime) -> ClockView:
        hold = self.decided(stages.main_rollout(self._plan)).hold
        still = self._memos.clock.get((self._plan, hold), now, lambda: clock.build(self._plan, hold, now))
        return still if still.now == now else replace(still, now=now)

    def _timeline(self, now: datetime) -> TimelineView:
        ticks, ticked = self._told("ticks", now)
        progress, progressed = self._told("progress", now)
        bucket = worst((ticked, progressed))

        def build() -> TimelineView:
            return timeline.build(self._plan, chain(*ticks), chain(*progress), bucket, now)

        return self._memos.timeline.get((self._plan, bucket, *ticks, *progress), now, build)

    def _rollouts(self, now: datetime) -> RolloutsView:
        around = self.surroundings(now)
        decided: list[object] = [self.decisions.epoch, self.decisions.idle, self.decisions.consents]
        decided += [self.decisions.rollout(identity) for identity in self._plan.rollout]
        judged = self._memos.judged.get((self._plan,), now, lambda: rollout.sources(self._plan))
        answers = [self._snapshots.get(source) for source in judged]
        # What traffic saw may come from any source.
        answers += [one for one in self._snapshots.values() if one.facts is not None and one.facts.measured]
        answers += [self._snapshots.get(source) for source in warden.watched(self._plan)]
        journal = (around.damage, self._waiting, self._origin.hash, *decided)
        people = (self._viewer, self._looks, self._recorder, self._abilities, around.ticks, around.ticked)
        inputs = (self._plan, around.control, around.queue, around.bugs, *journal, *people, *answers)
        return self._memos.rollout.get(inputs, now, lambda: rollout.build(around, now))

    def _health(self, now: datetime) -> HealthView:
        def build() -> HealthView:
            return health.build(self._plan, self._snapshots, self._history, now)

        return self._memos.health.get((self._plan, self._history, *self._known()), now, build)

    def _bugs(self, rollouts: RolloutsView, now: datetime) -> BugsView:
        queue, bucket = self._queue(now)
        main = rollouts.rollouts[0] if rollouts.rollouts else None
        phase = stages.next_phase(main) if main is not None else None

        def build() -> BugsView:
            return bugs.build(self._plan, queue, bucket, phase, self._bugs_into)

        return self._memos.bugs.get((self._plan, queue, bucket, phase, self._bugs_into), now, build)

    def _budget(self, now: datetime) -> BudgetView | None:
        parts, bucket = self._told("spend", now)

        def build() -> BudgetView | None:
            return budget.build(self._plan, parts, bucket, self._spend_into, now)

        return self._memos.budget.get((self._plan, bucket, self._spend_into, *parts), now, build)

    def _control(self, now: datetime) -> ControlView:
        viewer = self._viewer

        def build() -> ControlView:
            return control.build(
                self._plan,
                viewer.actor,
                viewer.groups,
                viewer.known,
                self._lease,
                self._people,
                self._collector,
                self._damage,
            )

        inputs = (self._plan, viewer, self._lease, self._people, self._collector, self._damage)
        return self._memos.control.get(inputs, now, build)

    def _sources(self, now: datetime) -> SourcesView:
        def build() -> SourcesView:
            return sources.build(self._plan, self._snapshots, now)

        return self._memos.sources.get((self._plan, *self._known()), now, build)

    def _journal(self, now: datetime) -> JournalView:
        decisions, closed, damage = self.decisions, bool(self._trouble), self._damage
        trouble = self._trouble or self._refused

        def build() -> JournalView:
            return JournalView(decisions.length, decisions.head, trouble, decisions.latest, closed, damage)

        return self._memos.journal.get((decisions.length, decisions.head, trouble, closed, damage), now, build)

    def _queue(self, now: datetime) -> tuple[bugs.Queue, Freshness]:
        parts, bucket = self._told("bugs", now)
        return self._memos.queue.get(parts, now, lambda: bugs.merge(parts)), bucket

    def _known(self) -> Iterator[Snapshot | None]:
        return (self._snapshots.get(source) for source in self._plan.source)

    def _told(
        self, field: Literal["bugs", "spend", "ticks", "progress"], now: datetime
    ) -> tuple[tuple[Any, ...], Freshness]:
        """What each source that has such facts tells, and how fresh the least fresh of those sources is. One that would
        have such facts and has not told them is DOWN: what the others tell is not all there is."""
        parts, buckets = [], []
        for source, snapshot in zip(self._plan.source, self._known(), strict=True):
            told = getattr(snapshot.facts, field, None) if snapshot is not None else None
            if told is not None:
                parts.append(told)
                buckets.append(freshness(snapshot, now))
            elif field in self._tells.get(source, ()):
                buckets.append(Freshness.DOWN)
        return tuple(parts), worst(buckets)

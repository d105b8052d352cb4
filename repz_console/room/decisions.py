"""What people decided: the journal folded, entry by entry, into the present state of every decision.

Folding is incremental and total: any order of entries gives a state and none raises. A change goes intended, sent,
then confirmed, rejected, unknown or partial; from unknown to confirmed, not applied, superseded or partial. Settled
changes stay so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from repz_console import events
from repz_console.events import Entry
from repz_console.facts import Actor, Exposure, Hold
from repz_console.room import consents
from repz_console.room.consents import Consents
from repz_console.room.words import decided_by

LATEST_KEPT = 1000
"""Newest entries kept for the screens; older ones are in the journal."""

ChangeState = Literal["intended", "sent", "confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"]

_MAY_BECOME: Mapping[str, frozenset[str]] = {
    "intended": frozenset(["confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"]),
    "sent": frozenset(["confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"]),
    "unknown": frozenset(["confirmed", "not_applied", "superseded", "partial"]),
    "partial": frozenset(["confirmed", "superseded"]),
}
_NEVER_HAPPENED = frozenset(["rejected", "not_applied", "superseded"])

E = TypeVar("E")


class Recorded(Struct, Generic[E], frozen=True):
    """An event with who wrote it and when."""

    event: E
    actor: Actor
    at: datetime
    seq: int


class ChangeRecord(Struct, frozen=True):
    """A rollout change and what became of it."""

    intent: events.ChangeIntended
    actor: Actor
    at: datetime
    """When it was decided."""
    seq: int
    state: ChangeState
    state_at: datetime
    """When it reached its present state."""
    why: str = ""
    revision: str = ""
    """The backend's revision after it, if confirmed."""
    steps: tuple[events.ChangeStepped, ...] = ()
    """The last word on each of its steps that was begun, in their order; empty where it needs only one."""

    @property
    def op(self) -> str:
        """The change's id."""
        return self.intent.op


class RolloutDecisions(Struct, frozen=True):
    """What was decided about one rollout. A new object only when something about it changed."""

    hold: Hold | None = None
    latest: ChangeRecord | None = None
    desired: ChangeRecord | None = None
    """The last change that was not rejected, not applied or superseded: its target is what should be configured."""
    under_way: tuple[ChangeRecord, ...] = ()
    """Intended or sent, without an outcome, oldest first."""
    unknown: tuple[ChangeRecord, ...] = ()
    """Nobody knows whether the backend did it, oldest first."""
    partial: tuple[ChangeRecord, ...] = ()
    """Applied in part, and neither completed nor taken back since, oldest first."""
    confirmed: tuple[Exposure, ...] = ()
    """Distinct exposures that were confirmed, the latest first."""
    changes: tuple[ChangeRecord, ...] = ()
    """Every change, oldest first."""

    def followed_by(self, waiting: RolloutDecisions) -> RolloutDecisions:
        """The same with what was decided without the journal and is not in it yet."""
        if waiting is NOTHING_DECIDED:
            return self
        return RolloutDecisions(
            hold=self.hold or waiting.hold,
            latest=_later(self.latest, waiting.latest),
            desired=_later(self.desired, waiting.desired),
            under_way=self.under_way + waiting.under_way,
            unknown=self.unknown + waiting.unknown,
            partial=self.partial + waiting.partial,
            confirmed=self.confirmed,
            changes=self.changes + waiting.changes,
        )


NOTHING_DECIDED = RolloutDecisions()


def _later(one: ChangeRecord | None, other: ChangeRecord | None) -> ChangeRecord | None:
    return max((each for each in (one, other) if each is not None), key=lambda each: each.at, default=None)


def _identity(exposure: Exposure) -> tuple[Any, ...]:
    return (tuple(sorted(exposure.percent.items())), exposure.features, exposure.key)


class _Log:
    """One rollout's changes while folding; `decided` is made only when somebody looks."""

    def __init__(self) -> None:
        self.hold: Hold | None = None
        self.order: list[str] = []
        self.open: dict[str, None] = {}
        self.unknown: dict[str, None] = {}
        self.partial: dict[str, None] = {}
        self.confirmed: dict[tuple[Any, ...], Exposure] = {}
        self.made: RolloutDecisions | None = None

    def decided(self, changes: Mapping[str, ChangeRecord]) -> RolloutDecisions:
        if self.made is None:
            newest_first = (changes[op] for op in reversed(self.order))
            self.made = RolloutDecisions(
                hold=self.hold,
                latest=changes[self.order[-1]] if self.order else None,
                desired=next((change for change in newest_first if change.state not in _NEVER_HAPPENED), None),
                under_way=tuple(changes[op] for op in self.open),
                unknown=tuple(changes[op] for op in self.unknown),
                partial=tuple(changes[op] for op in self.partial),
                confirmed=tuple(reversed(self.confirmed.values())),
                changes=tuple(changes[op] for op in self.order),
            )
        return self.made


class Decisions:
    """The state of every decision after the entries folded so far."""

    def __init__(self) -> None:
        self.length = 0
        """Sequence number of the last entry folded."""
        self.head = ""
        """Its hash."""
        self.adopted: Recorded[events.PlanAdopted] | None = None
        """The plan that everyone shares, if one was adopted."""
        self.rebased: Recorded[events.PlanRebased] | None = None
        """The last rebase, of whatever plan; see `rebase_of`."""
        self.conn: Recorded[events.ConnTaken] | None = None
        """Who last took the conn and did not give it up. The lease says whether it still holds."""
        self.collector: Recorded[events.CollectorTaken] | None = None
        """Who last became the collector. The lease says whether it still is."""
        self.epoch = 0
        """That of this store, by which a backend tells it from one that it took over from."""
        self.idle: Recorded[events.StoreRestored | events.StoreRetired] | None = None
        """Why the rollouts are not steered from this store; None if they are."""
        self.consents = Consents()
        """What people agreed to; another object only when something about it changed."""
        self.consoles: dict[str, Actor] = {}
        """Console id to actor of those opened and not closed in an orderly way; a killed one stays listed."""
        self._rebases: dict[str, Recorded[events.PlanRebased]] = {}
        self._changes: dict[str, ChangeRecord] = {}
        self._fences: dict[str, str] = {}
        self._logs: dict[str, _Log] = {}
        self._newest: deque[Entry] = deque(maxlen=LATEST_KEPT)
        self._latest: tuple[Entry, ...] | None = ()
        self._folders: dict[type, Callable[[Entry, Any], None]] = {
            events.PlanAdopted: self._plan_adopted,
            events.PlanRebased: self._plan_rebased,
            events.ChangeIntended: self._change_intended,
            events.ChangeSent: self._change_sent,
            events.ChangeEnded: self._change_ended,
            events.ChangeStepped: self._change_stepped,
            events.BackendFenced: self._backend_fenced,
            events.RolloutHeld: self._rollout_held,
            events.RolloutResumed: self._rollout_resumed,
            events.ConnTaken: self._conn_taken,
            events.ConnReleased: self._conn_released,
            events.CollectorTaken: self._collector_taken,
            events.ConsoleOpened: self._console_opened,
            events.ConsoleClosed: self._console_closed,
            events.StoreRestored: self._store_idle,
            events.StoreRetired: self._store_idle,
            events.StoreSteers: self._store_steers,
        }

    def fold(self, entries: Iterable[Entry]) -> bool:
        """Take in further entries, oldest first; those already folded are passed over. True if any was new."""
        before = self.length
        folders = self._folders
        for entry in entries:
            if entry.seq <= self.length:
                continue
            self.length = entry.seq
            self.head = entry.hash
            self._newest.append(entry)
            self.consents = consents.fold(self.consents, entry)
            folder = folders.get(type(entry.event))
            if folder is not None:
                folder(entry, entry.event)
        if self.length == before:
            return False
        self._latest = None
        return True

    @property
    def latest(self) -> tuple[Entry, ...]:
        """The newest `LATEST_KEPT` entries, newest first; the same object until an entry comes."""
        if self._latest is None:
            self._latest = tuple(reversed(self._newest))
        return self._latest

    def rollout(self, rollout: str) -> RolloutDecisions:
        """What was decided about a rollout; the same object until something about it changes."""
        log = self._logs.get(rollout)
        return log.decided(self._changes) if log is not None else NOTHING_DECIDED

    @property
    def rollouts(self) -> tuple[str, ...]:
        """Ids of every rollout about which anything was ever decided, of whatever plan."""
        return tuple(self._logs)

    def change(self, op: str) -> ChangeRecord | None:
        """A change by its id."""
        return self._changes.get(op)

    def fenced(self, op: str) -> str | None:
        """The revision that a fence with this id was put behind; None if `op` is no fence's."""
        return self._fences.get(op)

    def moved_on(self, revision: str) -> bool:
        """Whether a fence was put behind a revision: where a backend shows no ids, what follows it may be that."""
        return revision in self._fences.values()

    def unsettled(self) -> tuple[ChangeRecord, ...]:
        """Every change of any rollout that is under way or unknown, oldest first."""
        ops = (op for log in self._logs.values() for op in (*log.open, *log.unknown))
        return tuple(sorted((self._changes[op] for op in ops), key=lambda change: change.seq))

    def rebase_of(self, plan_hash: str) -> Recorded[events.PlanRebased] | None:
        """The last rebase of the plan with this hash; a rebase holds only for the plan that it was made on."""
        return self._rebases.get(plan_hash)

    def _log(self, rollout: str) -> _Log:
        log = self._logs.get(rollout)
        if log is None:
            log = self._logs[rollout] = _Log()
        log.made = None
        return log

    def _plan_adopted(self, entry: Entry, event: events.PlanAdopted) -> None:
        self.adopted = Recorded(event, entry.actor, entry.at, entry.seq)

    def _plan_rebased(self, entry: Entry, event: events.PlanRebased) -> None:
        self.rebased = self._rebases[event.plan_hash] = Recorded(event, entry.actor, entry.at, entry.seq)

    def _change_intended(self, entry: Entry, event: events.ChangeIntended) -> None:
        if event.op in self._changes:
            return
        self._changes[event.op] = ChangeRecord(event, entry.actor, entry.at, entry.seq, "intended", entry.at)
        log = self._log(event.rollout)
        log.order.append(event.op)
        log.open[event.op] = None

    def _change_sent(self, entry: Entry, event: events.ChangeSent) -> None:
        change = self._changes.get(event.op)
        if change is not None and change.state == "intended":
            self._log(change.intent.rollout)
            self._changes[event.op] = replace(change, state="sent", state_at=entry.at)

    def _change_ended(self, entry: Entry, event: events.ChangeEnded) -> None:
        change = self._changes.get(event.op)
        if change is None or event.outcome not in _MAY_BECOME.get(change.state, ()):
            return
        self._settle(change, event.outcome, entry, event.why, event.revision)
        # One that went in part itself reached whatever the older one did or did not, and leaves what is unknown so.
        over = {"confirmed": ("unknown", "partial"), "partial": ("partial",)}.get(event.outcome, ())
        for overruled in change.intent.supersedes if over else ():
            older = self._changes.get(overruled)
            if older is not None and older.state in over and older.intent.rollout == change.intent.rollout:
                self._settle(older, "superseded", entry, f"overruled by {event.op}", "")

    def _change_stepped(self, entry: Entry, event: events.ChangeStepped) -> None:
        change = self._changes.get(event.op)
        if change is None:
            return
        known = {step.number: step for step in change.steps}
        before = known.get(event.number)
        if before is not None and (before.outcome in ("applied", "refused") or before.of != event.of):
            return
        if before is not None and event.outcome != "sent":
            event = replace(event, expect=before.expect)
        known[event.number] = event
        self._log(change.intent.rollout)
        steps = tuple(known[number] for number in sorted(known))
        self._changes[event.op] = replace(change, steps=steps)

    def _backend_fenced(self, entry: Entry, event: events.BackendFenced) -> None:
        self._fences[event.op] = event.expect

    def _settle(self, change: ChangeRecord, state: ChangeState, entry: Entry, why: str, revision: str) -> None:
        log = self._log(change.intent.rollout)
        log.open.pop(change.op, None)
        log.unknown.pop(change.op, None)
        log.partial.pop(change.op, None)
        self._changes[change.op] = replace(change, state=state, state_at=entry.at, why=why, revision=revision)
        if state == "unknown":
            log.unknown[change.op] = None
        elif state == "partial":
            log.partial[change.op] = None
        elif state == "confirmed":
            identity = _identity(change.intent.target)
            log.confirmed.pop(identity, None)
            log.confirmed[identity] = change.intent.target

    def _rollout_held(self, entry: Entry, event: events.RolloutHeld) -> None:
        self._log(event.rollout).hold = Hold(decided_by(event.by, entry.actor), entry.at, event.reason)

    def _rollout_resumed(self, entry: Entry, event: events.RolloutResumed) -> None:
        self._log(event.rollout).hold = None

    def _conn_taken(self, entry: Entry, event: events.ConnTaken) -> None:
        self.conn = Recorded(event, entry.actor, entry.at, entry.seq)

    def _conn_released(self, entry: Entry, event: events.ConnReleased) -> None:
        if self.conn is not None and self.conn.event.token == event.token:
            self.conn = None

    def _collector_taken(self, entry: Entry, event: events.CollectorTaken) -> None:
        self.collector = Recorded(event, entry.actor, entry.at, entry.seq)

    def _store_idle(self, entry: Entry, event: events.StoreRestored | events.StoreRetired) -> None:
        self.idle = Recorded(event, entry.actor, entry.at, entry.seq)

    def _store_steers(self, entry: Entry, event: events.StoreSteers) -> None:
        self.epoch, self.idle = max(self.epoch, event.epoch), None

    def _console_opened(self, entry: Entry, event: events.ConsoleOpened) -> None:
        self.consoles[entry.actor.console] = entry.actor

    def _console_closed(self, entry: Entry, event: events.ConsoleClosed) -> None:
        self.consoles.pop(entry.actor.console, None)

"""The gates of widening: each answers PASS, FAIL or INCONCLUSIVE with one plain line.

Missing or old data is INCONCLUSIVE, never PASS. Gates only ever stand in the way of widening; the way back has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from repz_console.events import StoreRestored, StoreRetired
from repz_console.facts import Bug, Freshness, Priority, RolloutState, Snapshot, Verdict
from repz_console.plan.model import Plan, Rollout
from repz_console.room import words
from repz_console.room.bugs import ALWAYS, Queue, blocks
from repz_console.room.control import only_holder
from repz_console.room.decisions import ChangeRecord, Recorded, RolloutDecisions
from repz_console.room.freshness import trustworthy
from repz_console.room.views import ControlView, GateView

CONN = "conn"
"""Id of the gate that any holder can cure with one key; named last when something else is in the way."""

CHANGE = "change"
"""Id of the gate that a change which is under way closes for every other one."""

_ORDER = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}
_NAMED = 3


class Evidence(Struct, frozen=True):
    """What the gates of one rollout are judged on."""

    plan: Plan
    rollout: Rollout
    phase: str
    """The phase that the step enters: bug rules are judged against it."""
    decided: RolloutDecisions
    control: ControlView
    queue: Queue
    bugs: Freshness
    snapshot: Snapshot | None
    """The controller's."""
    state: RolloutState | None
    """The rollout's, as read back."""
    damage: str = ""
    """Why the journal could not be read in full: that something is not in it proves nothing then."""
    epoch: int = 0
    """The store's own."""
    idle: Recorded[StoreRestored | StoreRetired] | None = None
    """Why the store does not steer; None if it does."""


def build(evidence: Evidence, now: datetime) -> tuple[GateView, ...]:
    """Every gate, in the order in which they are shown."""
    return (
        *_store(evidence),
        _hold(evidence),
        _changes(evidence),
        *_bugs(evidence),
        _data(evidence, now),
        _conn(evidence),
    )


def verdict(gates: Iterable[GateView]) -> Verdict:
    """FAIL beats INCONCLUSIVE beats PASS, which an excused gate counts as. Without any gate nothing was looked at:
    INCONCLUSIVE."""
    answers = (Verdict.PASS if gate.lets_pass else gate.verdict for gate in gates)
    return max(answers, key=_ORDER.__getitem__, default=Verdict.INCONCLUSIVE)


def blocker(gates: Sequence[GateView]) -> str:
    """The line of the first gate in the way: the worst first, the conn last. Empty if all pass."""
    closed = [gate for gate in gates if not gate.lets_pass]
    return min(closed, key=lambda gate: (gate.id == CONN, -_ORDER[gate.verdict])).line if closed else ""


def readable_until(rollout: Rollout, snapshot: Snapshot | None) -> datetime | None:
    """When the controller's last read-back becomes too old to widen on; None without one."""
    if snapshot is None or snapshot.last_ok_at is None:
        return None
    return snapshot.last_ok_at + timedelta(seconds=rollout.max_age)


def _store(evidence: Evidence) -> Iterable[GateView]:
    """Shown only where it fails: elsewhere there never was another store."""

    def gate(line: str) -> GateView:
        return GateView("store", "This store steers", Verdict.FAIL, f"{line}; `store take-over` makes it steer")

    if evidence.idle is not None and isinstance(evidence.idle.event, StoreRestored):
        copy = evidence.idle.event
        yield gate(f"restored from a copy of {copy.host} of {words.instant(copy.copied_at)}, and not steering yet")
    elif evidence.idle is not None and isinstance(evidence.idle.event, StoreRetired):
        why = f": {evidence.idle.event.reason}" if evidence.idle.event.reason else ""
        yield gate(f"retired by {words.who(evidence.idle.actor)} at {words.instant(evidence.idle.at)}{why}")
    elif evidence.state is not None and evidence.state.epoch > evidence.epoch:
        yield gate("another store took this rollout over, perhaps on another machine: this one was left behind")


def _hold(evidence: Evidence) -> GateView:
    hold = evidence.decided.hold
    if hold is None and evidence.damage:
        return GateView("hold", "Not held", Verdict.INCONCLUSIVE, f"not known whether it is held: {evidence.damage}")
    if hold is None:
        return GateView("hold", "Not held", Verdict.PASS, "not held")
    why = f": {hold.reason}" if hold.reason else ""
    return GateView("hold", "Not held", Verdict.FAIL, f"held by {hold.who} since {words.instant(hold.at)}{why}")


def _changes(evidence: Evidence) -> GateView:
    def gate(answer: Verdict, line: str) -> GateView:
        return GateView(CHANGE, "No unknown change", answer, line)

    if evidence.decided.unknown:
        change = evidence.decided.unknown[-1]
        line = f"{_told(change)}: nobody knows whether it happened; roll back, kill or accept (v) settles it"
        return gate(Verdict.INCONCLUSIVE, line)
    if evidence.decided.under_way:
        return gate(Verdict.INCONCLUSIVE, f"{_told(evidence.decided.under_way[-1])} is under way")
    if evidence.damage:
        return gate(Verdict.INCONCLUSIVE, f"not known whether a change is without an outcome: {evidence.damage}")
    return gate(Verdict.PASS, "the outcome of every change is known")


def _told(change: ChangeRecord) -> str:
    what = {"set": "change", "rollback": "roll back", "kill": "kill"}[change.intent.action]
    return f"{what} to {words.headline(change.intent.target)} by {words.who(change.actor)}"


def _bugs(evidence: Evidence) -> Iterable[GateView]:
    rules = {rule.priority: rule for rule in evidence.plan.bug_rule}
    yield _lane(evidence, "P0", "blocks every step")
    for priority, rule in sorted(rules.items()):
        if priority != "P0" and blocks(evidence.plan, rule, evidence.phase):
            yield _lane(evidence, priority, _blocked(evidence.plan, rule.blocks_from))


def _blocked(plan: Plan, blocks_from: str) -> str:
    if blocks_from == ALWAYS:
        return "blocks every step"
    title = next(phase.title for phase in plan.phase if phase.id == blocks_from)
    return f"blocks from {title}"


def _lane(evidence: Evidence, priority: Priority, consequence: str) -> GateView:
    waiting = evidence.queue.open[priority]
    title = f"{priority} bugs = 0"
    if waiting:
        line = f"{priority} bugs: {len(waiting):,} open ({_keys(waiting)}): {consequence}"
        return GateView(priority.lower(), title, Verdict.FAIL, line)
    if not trustworthy(evidence.bugs):
        line = f"{priority} bugs: {_unknown_bugs(evidence.bugs)}{_because(evidence)}"
        return GateView(priority.lower(), title, Verdict.INCONCLUSIVE, line)
    return GateView(priority.lower(), title, Verdict.PASS, f"{priority} bugs: none open")


def _keys(waiting: tuple[Bug, ...]) -> str:
    keys = [bug.id.partition(":")[2] or bug.id for bug in waiting[:_NAMED]]
    return ", ".join(keys) + (", ..." if len(waiting) > _NAMED else "")


def _unknown_bugs(bucket: Freshness) -> str:
    return "not known, no source tells of bugs" if bucket is Freshness.OFF else f"none known, but bug data is {bucket}"


def _because(evidence: Evidence) -> str:
    """What a journal that cannot be read in full adds to something not being known, since it would tell."""
    return f" ({evidence.damage})" if evidence.damage else ""


def _data(evidence: Evidence, now: datetime) -> GateView:
    def gate(answer: Verdict, line: str) -> GateView:
        return GateView("data", "Data fresh", answer, line, until)

    controller, limit = evidence.rollout.controller, evidence.rollout.max_age
    until = readable_until(evidence.rollout, evidence.snapshot)
    if controller not in evidence.plan.source:
        return gate(Verdict.INCONCLUSIVE, f"no source named {controller} is configured: nothing can be read back")
    if evidence.state is None or evidence.snapshot is None or evidence.snapshot.last_ok_at is None or until is None:
        return gate(Verdict.INCONCLUSIVE, f"{controller} has not been read back: holding")
    read_at = evidence.snapshot.last_ok_at
    if abs((now - read_at).total_seconds()) >= limit:
        line = f"{controller} was last read back at {words.instant(read_at)} (limit {limit:g} s): holding"
        return gate(Verdict.INCONCLUSIVE, line)
    if not trustworthy(evidence.bugs):
        what = "no source tells of bugs" if evidence.bugs is Freshness.OFF else f"bug data is {evidence.bugs}"
        return gate(Verdict.INCONCLUSIVE, f"{what}{_because(evidence)}: holding")
    return gate(Verdict.PASS, f"{controller} read back within {limit:g} s, bug data {evidence.bugs}")


def _conn(evidence: Evidence) -> GateView:
    if evidence.control.mine:
        return GateView(CONN, "You have the conn", Verdict.PASS, "you have the conn")
    if evidence.control.state == "FREE":
        return GateView(CONN, "You have the conn", Verdict.FAIL, "the conn is FREE: take it to widen")
    if evidence.control.state == "UNKNOWN":
        line = f"nobody knows who has the conn{_because(evidence)}"
        return GateView(CONN, "You have the conn", Verdict.INCONCLUSIVE, line)
    return GateView(CONN, "You have the conn", Verdict.FAIL, only_holder(evidence.control, "widen"))

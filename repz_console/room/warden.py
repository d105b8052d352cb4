"""What may happen to a rollout without a person: it is held, rolled back, or goes down when nobody is there.

It only ever holds or shrinks, and only where a `record` process runs. Each stage that a person entered is rolled back
or taken down at most once; then it is a person's turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from repz_console import events
from repz_console.events import Entry
from repz_console.facts import Abilities, Person, Snapshot, Verdict
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan
from repz_console.plan.parts import controllers
from repz_console.plan.ramp import Automatic, MetricRule, Rollout
from repz_console.room import health, words
from repz_console.room.decisions import RolloutDecisions
from repz_console.room.freshness import trustworthy
from repz_console.room.gates.metrics import judge
from repz_console.room.rollout_views import RolloutView

LONGEST_GAP = 10.0
"""Seconds without a look after which nobody knows whether somebody was there meanwhile."""
_BY_PROCESSES = (
    events.ChangeSent,
    events.ChangeEnded,
    events.ChangeStepped,
    events.BackendFenced,
    events.ChangedElsewhere,
    events.StageDue,
    events.CollectorTaken,
    events.SourceFailed,
    events.SourceRecovered,
    events.ConnReleased,
    events.ConsoleClosed,
    events.EmergencyImported,
)
"""What a process journals though nobody is at it."""


class Row(Struct, frozen=True):
    """How many looks in a row a watched metric failed, in one stage."""

    entry: str
    """The change that entered the stage."""
    at: datetime | None = None
    """When the last value that was looked at was measured."""
    failed: int = 0
    line: str = ""
    """What was found then."""


Rows = Mapping[tuple[str, int], Row]
"""(rollout id, number of the rule) to its row."""


class Attendance(Struct, frozen=True):
    """Since when nobody was at a console. Moments are seconds that setting the clock does not move."""

    since: float
    looked: float
    signs: frozenset[tuple[str, datetime]]
    """(console, when somebody last typed there, or opened it)."""


class Duty(Struct, frozen=True):
    """What is to be done now without a person."""

    rollout: str
    what: Literal["hold", "automatic", "dead man"]
    """To hold, or by what to go down to the last good stage."""
    key: str
    """The same whoever finds it, so that it is done once."""
    reason: str
    evidence: tuple[str, ...]


def looked(
    rows: Rows, plan: Plan, entries: Mapping[str, str], snapshots: Mapping[str, Snapshot], now: datetime
) -> Rows:
    """The rows after one more look. `entries` is `entry_of` each rollout. A value counts once, however often it is
    looked at; one that says nothing, or is fine, ends its row."""
    found: dict[tuple[str, int], Row] = {}
    for rollout, ramp in plan.rollout.items():
        for number, rule in enumerate(ramp.automatic.watch):
            row = rows.get((rollout, number))
            if row is None or row.entry != entries[rollout]:
                row = Row(entries[rollout])
            judged, at = judge(plan, snapshots, rule, now), _measured_at(plan, rule, snapshots, now)
            if judged.verdict is not Verdict.FAIL:
                row = Row(row.entry, at, 0, judged.line)
            elif at != row.at:
                row = Row(row.entry, at, row.failed + 1, judged.line)
            found[rollout, number] = row
    return found


def attended(
    before: Attendance | None, people: tuple[Person, ...], moment: float, *, conn: bool, wrote: bool
) -> Attendance:
    """Since when nobody is there, after one more look: somebody has the conn, wrote something, opened a console or
    typed at one since the last look, or nobody looked for a while."""
    signs = frozenset((person.console, person.typed_at or person.since) for person in people)
    if before is None or conn or wrote or signs - before.signs or moment - before.looked > LONGEST_GAP:
        return Attendance(moment, moment, signs)
    return replace(before, looked=moment, signs=signs)


def watched(plan: Plan) -> tuple[str, ...]:
    """Ids of the sources that tell the metrics which start something."""
    names = {rule.metric for ramp in plan.rollout.values() for rule in ramp.automatic.watch}
    return tuple(dict.fromkeys(metric.source for metric in plan.metric if metric.id in names))


def expiries(plan: Plan, snapshots: Mapping[str, Snapshot], now: datetime) -> Iterator[datetime | None]:
    """When what is said of them could next change by itself."""
    rules = (rule for ramp in plan.rollout.values() for rule in ramp.automatic.watch)
    yield from (judge(plan, snapshots, rule, now).next_change for rule in rules)


def by_person(entry: Entry) -> bool:
    """Whether an entry tells that somebody was there to write it."""
    if isinstance(entry.event, events.ChangeIntended | events.RolloutHeld):
        return entry.event.by == "person"
    return not isinstance(entry.event, _BY_PROCESSES)


def entry_of(decided: RolloutDecisions) -> str:
    """What names the stage that a rollout is in: the change that took it there."""
    return decided.desired.op if decided.desired is not None else "none"


def duties(
    ramp: Rollout, view: RolloutView, decided: RolloutDecisions, rows: Rows, unattended: float
) -> Iterator[Duty]:
    """What is to be done about a rollout now, `unattended` seconds after anybody was last there."""
    automatic, entry = ramp.automatic, entry_of(decided)
    configured = view.configured.exposure
    if configured is not None and exposures.is_nobody(configured):
        return
    failing = [
        rows[view.id, number].line
        for number in range(len(automatic.watch))
        if (view.id, number) in rows and rows[view.id, number].failed >= max(automatic.checks, 1)
    ]
    if failing and automatic.hold and view.hold is None:
        reason = f"{failing[0]}, {_times(automatic)}"
        yield Duty(view.id, "hold", f"rollout.held:automatic:{view.id}:{entry}", reason, tuple(failing))
    if configured is None or not trustworthy(view.configured.freshness) or decided.under_way or latched(decided):
        return
    if failing and automatic.roll_back:
        reason = f"{failing[0]}, {_times(automatic)}: back to the last good stage"
        yield Duty(view.id, "automatic", _op("automatic", view.id, entry), reason, tuple(failing))
    elif automatic.dead_man_minutes > 0 and unattended >= automatic.dead_man_minutes * 60:
        reason = f"nobody at any console for {automatic.dead_man_minutes:g} min, and nobody has the conn"
        yield Duty(view.id, "dead man", _op("dead man", view.id, entry), reason, (reason,))


def latched(decided: RolloutDecisions) -> str:
    """Why nothing is taken down without a person any more, in one line; empty if it may be."""
    last = decided.latest
    if decided.desired is None or last is None:
        return "nobody decided here what is exposed"
    if last.intent.by != "person":
        return f"it went down by itself at {words.instant(last.at)} ({last.intent.by}): a person decides what is next"
    if decided.desired.intent.by != "person":
        return "what is exposed was not decided by a person: a person decides what is next"
    return ""


def armed(automatic: Automatic) -> str:
    """What the plan lets happen without a person, in one line; empty if nothing."""
    does = [
        *(["holds"] if automatic.hold else []),
        *(["rolls back to the last good stage, once a stage"] if automatic.roll_back else []),
    ]
    told = []
    if does and automatic.watch:
        metrics = " or ".join(dict.fromkeys(rule.metric for rule in automatic.watch))
        told.append(f"{' and '.join(does)} if {metrics} fails {_times(automatic)}")
    if automatic.dead_man_minutes > 0:
        told.append(f"goes down to the last good stage after {automatic.dead_man_minutes:g} min with nobody there")
    return "; ".join(told)


def unarmed(
    plan: Plan,
    identity: str,
    decided: RolloutDecisions,
    snapshots: Mapping[str, Snapshot],
    abilities: Mapping[str, Abilities],
    now: datetime,
    *,
    recorder: bool,
    collector: str,
    damage: str,
    idle: bool,
) -> str:
    """Why what is armed would not happen now, or not all of it, in one line; empty if it would, or nothing is."""
    ramp = plan.rollout[identity]
    automatic = ramp.automatic
    if not armed(automatic):
        return ""
    if damage:
        return f"the journal could not be read in full: {damage}"
    if idle:
        return "the rollouts are not steered from this store"
    if not recorder:
        return f"no `record` process polls{f': the console of {collector} does' if collector else ''}"
    goes_down = automatic.roll_back or automatic.dead_man_minutes > 0
    stuck = [one for one in controllers(ramp) if one in abilities and not abilities[one].reversible]
    if goes_down and stuck:
        return f"{stuck[0]} cannot go back to a smaller share than it has but to nobody"
    if goes_down and decided.desired is not None and (why := latched(decided)):
        return why
    judged = [judge(plan, snapshots, rule, now) for rule in automatic.watch]
    why = next((one.line.removesuffix(": holding") for one in judged if one.verdict is Verdict.INCONCLUSIVE), "")
    # The other rule goes on: nobody may think that nothing goes down by itself.
    return f"{why}; the dead man's rule is armed" if why and automatic.dead_man_minutes > 0 else why


def _measured_at(plan: Plan, rule: MetricRule, snapshots: Mapping[str, Snapshot], now: datetime) -> datetime | None:
    metric = next(each for each in plan.metric if each.id == rule.metric)
    return health.metric(plan, metric, snapshots, now).at


def _times(automatic: Automatic) -> str:
    times = max(automatic.checks, 1)
    return f"{times} looks in a row" if times > 1 else "at one look"


def _op(by: str, rollout: str, entry: str) -> str:
    """The id of a change: whoever decides it again finds it decided."""
    return hashlib.sha256(f"{by}:{rollout}:{entry}".encode()).hexdigest()[:16]

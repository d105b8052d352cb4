"""The words everyone shares: what was read, how old it is, and what is exposed. No logic beyond themselves.

Times are aware UTC datetimes, money is `Decimal`, a percent is a float from 0 to 100 with at most two decimals.
Everything here is frozen and compares by value: an unchanged poll is found by `==`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from msgspec import Struct, field


class Freshness(StrEnum):
    """How far to trust a value's age. Counted in poll intervals since the last good answer."""

    LIVE = "LIVE"
    """Up to two intervals."""
    LATE = "LATE"
    """Up to three."""
    STALE = "STALE"
    """Up to five."""
    DOWN = "DOWN"
    """Older, or never answered."""
    OFF = "OFF"
    """No source is configured."""


class Verdict(StrEnum):
    """A gate's answer. FAIL beats INCONCLUSIVE beats PASS."""

    PASS = "PASS"  # noqa: S105 - the field's word, not a password
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"


Priority = Literal["P0", "P1", "P2", "P3", "P4"]
PRIORITIES: tuple[Priority, ...] = ("P0", "P1", "P2", "P3", "P4")


class Reading(Struct, frozen=True):
    """One number a source read."""

    name: str
    """The reading's name within its source, such as `cpu` or `latency.p95`."""
    value: float | None
    """None when the source answered but had no data: never drawn as 0."""
    at: datetime
    unit: str = ""
    """`%`, `ms`, `s`, `B`, `B/s`, `days`, or empty for a plain count."""
    note: str = ""
    """Why there is no data, in one plain line."""


class Bug(Struct, frozen=True):
    """One defect, whoever tracks it."""

    id: str
    """Unique over all sources, `SOURCE:KEY`."""
    title: str
    priority: Priority
    state: Literal["open", "resolved"]
    opened_at: datetime
    changed_at: datetime
    assignee: str = ""
    reporter: str = ""
    url: str = ""
    note: str = ""


class Spend(Struct, frozen=True):
    """One entry of money spent or promised, on one budget line."""

    id: str
    line: str
    """The budget line's id."""
    amount: Decimal
    """In the budget's currency; negative is a refund."""
    kind: Literal["committed", "actual"]
    on: date
    note: str = ""
    who: str = ""
    voided: bool = False


class Tick(Struct, frozen=True):
    """The state that somebody gave a checklist item. An item without one is open."""

    item: str
    """The item's full id, `CHECKLIST/ITEM`."""
    state: Literal["done", "open", "n/a"]
    who: str
    at: datetime
    note: str = ""


class TaskProgress(Struct, frozen=True):
    """How far somebody said a task without a checklist is."""

    task: str
    percent: float
    who: str
    at: datetime


class Exposure(Struct, frozen=True):
    """Who can see what in one rollout: each region's percent, and the features those people get.

    A cell (region, feature) has the region's percent if the feature is on, else 0.
    """

    percent: dict[str, float]
    """Region id to percent of that region's people. A region that is absent is at 0."""
    features: tuple[str, ...] = ()
    """Feature ids that are on, sorted."""
    key: str = "targetingKey"
    """What people are bucketed by. Changing it reshuffles everyone, so it counts as widening."""


class RolloutState(Struct, frozen=True):
    """What a backend says is configured for one rollout."""

    rollout: str
    exposure: Exposure
    revision: str
    """The backend's version of this state: what a compare-and-set is bound to."""
    changed_by: str = ""
    changed_at: datetime | None = None
    op: str = ""
    """The id of the change that wrote it, when this console family did; empty for a stranger's change."""
    notes: tuple[str, ...] = ()
    """What is odd about it, one plain line each."""
    least: Exposure | None = None
    """Where shares differ within a cell of `exposure`, which then has the highest: what every cell has at least.
    Going there or below takes something from some and gives nothing to anybody. None where `exposure` says it all."""
    epoch: int = 0
    """The highest `Change.epoch` that ever wrote it; 0 where the backend keeps none."""
    scope: tuple[str, ...] = ()
    """The features that this speaks of, where a backend changes them one by one; empty for all that it carries."""
    parts: tuple[RolloutState, ...] = ()
    """Where several parts move as one rollout, each part's state in the order in which widening goes; else empty."""
    controller: str = ""
    """The source that said it, where that is not the rollout's only one."""
    until: datetime | None = None
    """When it is no longer to be believed, where a person said it; None where the source itself did."""


class Measured(Struct, frozen=True):
    """What traffic saw of one rollout, as counted by whoever evaluates its flags."""

    rollout: str
    feature: str
    percent: float
    """Of all evaluations that were counted, whatever the region."""
    samples: int
    """How many were counted."""
    at: datetime
    """When the counting ended."""


class Facts(Struct, frozen=True):
    """All that one source knows. A source fills what its kind has; None means it has no such thing."""

    readings: tuple[Reading, ...] = ()
    bugs: tuple[Bug, ...] | None = None
    spend: tuple[Spend, ...] | None = None
    ticks: tuple[Tick, ...] | None = None
    progress: tuple[TaskProgress, ...] | None = None
    rollouts: tuple[RolloutState, ...] | None = None
    measured: tuple[Measured, ...] = ()
    notes: tuple[str, ...] = ()
    """What is odd about the source itself, one plain line each, such as a clock that is not ours."""


class Snapshot(Struct, frozen=True):
    """A source's last good facts, and what happened since."""

    source: str
    kind: str
    interval: float
    """Seconds between polls; 0 for a source that follows the journal and has no age of its own."""
    facts: Facts | None = None
    last_ok_at: datetime | None = None
    last_try_at: datetime | None = None
    error: str = ""
    """The last failure in one plain, safe line; empty after a success."""


class Actor(Struct, frozen=True):
    """Who did it, as the operating system knows them."""

    user: str
    uid: int
    host: str
    tty: str = ""
    console: str = ""
    """The running program's own id, so that two windows of one person are told apart."""
    seat: str = ""
    """The seat held, by id; empty for an observer."""
    proven: bool = True
    """False where several people share the account, so the name proves nobody."""


class Change(Struct, frozen=True):
    """What a rollout change asks a backend for."""

    op: str
    rollout: str
    target: Exposure
    expect: str
    """The revision that the change was judged against."""
    who: str
    reason: str = ""
    plan_hash: str = ""
    force: bool = False
    """True for a kill: apply whatever the revision is."""
    epoch: int = 0
    """Of the store that asks; one that took over from another has a higher one. 0 where none ever did."""
    scope: tuple[str, ...] = ()
    """The features that are to be changed; empty for all that the backend carries of the rollout."""


class Abilities(Struct, frozen=True):
    """What a rollout backend can do. What it cannot is disabled on the screen, with why."""

    percent: Literal["any", "stages", "none"] = "any"
    """Which percent can be set: any, only the next of the backend's own stages, or none from here."""
    step: float = 0.01
    """The finest percent it tells apart."""
    regions: bool = True
    """Whether regions can have different shares."""
    features: bool = True
    """Whether features can be switched one by one."""
    kill: Literal["zero", "off", "abort", "none"] = "zero"
    """How everything is taken back: by a share of 0, by switching off, by aborting the release, or not from here."""
    compares: Literal["atomic", "stale", "none"] = "none"
    """What keeps two writers apart: compare-and-set in one step, a check just before the write, or nothing."""
    dry_run: bool = False
    """Whether `RolloutWriter.calls` can tell beforehand what would be sent."""
    reads_back: bool = True
    """Whether it can be asked what is configured."""
    propagation: float = 0
    """Seconds until every client may be expected to have seen a change, its own refresh included."""
    reversible: bool = True
    """Whether a share can be lowered to another one than nobody."""
    sticky: str = ""
    """What keeps a person's answer the same, in words; empty if nothing does."""
    cannot: str = ""
    """In one line, what is missing and why."""


class Fault(Struct, frozen=True):
    """Why a source could not answer, as a screen may show it."""

    what: str
    retry_after: float | None = None
    """Seconds the source asked us to wait."""


class Person(Struct, frozen=True):
    """Somebody with a console open."""

    user: str
    host: str
    seat: str
    console: str
    since: datetime
    tab: str = ""
    typed_at: datetime | None = None


class Hold(Struct, frozen=True):
    """A rollout or the clock held by a person."""

    who: str
    at: datetime
    reason: str = field(default="")

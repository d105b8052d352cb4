"""What every pane, gate and `status --json` reads: one frozen view an area.

Views hold values, not words: colours, glyphs and layout belong to the screen. All times are aware UTC. Each view says
when it could next change by the passing of time alone, so that a quiet second costs nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from repz_console.events import Entry
from repz_console.facts import Bug, Freshness, Hold, Person, Priority, Spend
from repz_console.room.rollout_views import (
    ApprovalView,
    ChangeView,
    GateView,
    LookView,
    PartView,
    PollView,
    ReadinessView,
    RegionView,
    RolloutsView,
    RolloutView,
    StageView,
    StationView,
    Truth,
    WaiverView,
)

__all__ = [
    "ApprovalView",
    "ChangeView",
    "GateView",
    "LookView",
    "PartView",
    "PollView",
    "ReadinessView",
    "RegionView",
    "RolloutView",
    "RolloutsView",
    "StageView",
    "StationView",
    "Truth",
    "WaiverView",
]
"""What is declared beside and looked for here."""


class Happening(Struct, frozen=True):
    """Something the plan puts at an instant."""

    at: datetime
    title: str
    kind: Literal["task", "stage", "ritual", "launch"]
    until: datetime | None = None


class LaunchView(Struct, frozen=True):
    """Which launch this is."""

    name: str
    title: str
    environment: str
    backend: str
    """Kind and id of the production rollout's controller, such as `flagd`."""
    solo: bool
    plan_hash: str
    plan_source: str
    """`adopted` when the journal holds it, else `file`."""
    differs: str
    """Empty, or in one line how this console's file differs from the plan that the others share."""
    rebased_days: int
    """Days by which the plan was moved, 0 for as written."""


class ClockView(Struct, frozen=True):
    """Where in the launch we are."""

    now: datetime
    t0: datetime
    zone: str
    phase: str
    """Title of the phase by the calendar; empty before and after the plan."""
    hold: Hold | None
    """The production rollout's hold, if any."""
    past: bool
    """The whole plan lies in the past: a rebase is due."""
    starts: datetime
    ends: datetime
    current: tuple[Happening, ...]
    upcoming: tuple[Happening, ...]
    """The next few, soonest first."""
    next_change: datetime | None


class ItemView(Struct, frozen=True):
    """A checklist item with its tick."""

    id: str
    """`CHECKLIST/ITEM`."""
    title: str
    optional: bool
    state: Literal["done", "open", "n/a"]
    who: str = ""
    at: datetime | None = None
    note: str = ""


class ChecklistView(Struct, frozen=True):
    """A checklist and how far it is."""

    id: str
    title: str
    phase: str
    owner: str
    priority: str
    items: tuple[ItemView, ...]
    done: int
    """Done and not applicable."""


class TaskView(Struct, frozen=True):
    """One bar of the timeline."""

    id: str
    title: str
    phase: str
    owner: str
    start: datetime
    end: datetime
    percent: float | None
    """None when nothing says how far it is."""
    state: Literal["done", "active", "upcoming", "overdue"]
    checklists: tuple[str, ...]


class SectionView(Struct, frozen=True):
    """A phase's bars."""

    id: str
    title: str
    start: datetime
    end: datetime
    percent: float | None
    tasks: tuple[TaskView, ...]


class TimelineView(Struct, frozen=True):
    """The gantt."""

    start: datetime
    end: datetime
    zone: str
    sections: tuple[SectionView, ...]
    checklists: tuple[ChecklistView, ...]
    items_done: int
    items_total: int
    freshness: Freshness
    next_change: datetime | None


class TargetView(Struct, frozen=True):
    """A target of a metric and whether it is met."""

    said: str
    op: str
    value: float
    window: str
    met: bool | None
    """None while there is no trustworthy value."""


class MetricView(Struct, frozen=True):
    """A metric of the plan with its value."""

    id: str
    title: str
    unit: str
    groups: tuple[str, ...]
    source: str
    value: float | None
    at: datetime | None
    freshness: Freshness
    note: str
    """Why there is no value, in one line."""
    targets: tuple[TargetView, ...]
    history: tuple[float, ...]
    """Oldest first."""


class BoxView(Struct, frozen=True):
    """A reading that no metric of the plan asks for, such as the jump box's own load."""

    source: str
    name: str
    value: float | None
    unit: str
    at: datetime
    freshness: Freshness
    history: tuple[float, ...]


class HealthView(Struct, frozen=True):
    """Every number."""

    metrics: tuple[MetricView, ...]
    box: tuple[BoxView, ...]
    met: int
    missed: int
    blind: int
    """Metrics without a trustworthy value."""
    freshness: Freshness
    next_change: datetime | None


class LaneView(Struct, frozen=True):
    """A priority's bugs in short."""

    priority: Priority
    name: str
    rule: str
    open: int
    oldest: datetime | None
    blocks_from: str
    """The title of the first phase it blocks, `every step`, or empty."""
    blocking: bool
    """Whether an open one blocks the main rollout's next stage."""


class BugsView(Struct, frozen=True):
    """The bug queue."""

    lanes: tuple[LaneView, ...]
    bugs: tuple[Bug, ...]
    """Open first, by priority, oldest first; resolved after them, newest first."""
    freshness: Freshness
    writable: str
    """The source that new bugs are filed in; empty if none."""


class LineView(Struct, frozen=True):
    """One budget line against its entries."""

    id: str
    title: str
    planned: Decimal | None
    committed: Decimal
    actual: Decimal
    left: Decimal | None


class CategoryView(Struct, frozen=True):
    """A budget category: its stated sum against its lines' and entries'."""

    id: str
    title: str
    stated: Decimal
    planned: Decimal
    """Sum of its priced lines."""
    committed: Decimal
    actual: Decimal
    left: Decimal
    """Stated less committed and actual."""
    lines: tuple[LineView, ...]


class ChargeView(Struct, frozen=True):
    """One dated charge of a recurring line."""

    on: date
    line: str
    title: str
    amount: Decimal
    due: bool
    """Its day has come."""


class BudgetView(Struct, frozen=True):
    """The money."""

    currency: str
    total: Decimal
    planned: Decimal
    committed: Decimal
    actual: Decimal
    left: Decimal
    categories: tuple[CategoryView, ...]
    charges: tuple[ChargeView, ...]
    entries: tuple[Spend, ...]
    """Newest first."""
    stray: tuple[Spend, ...]
    """Entries on lines that the plan does not have; they count in the totals."""
    freshness: Freshness
    writable: str
    next_change: datetime | None


class ControlView(Struct, frozen=True):
    """Who steers."""

    state: Literal["FREE", "HELD", "UNKNOWN"]
    """UNKNOWN where the journal cannot be read: somebody may have it."""
    holder: str
    """`user@host`, empty unless held."""
    seat: str
    """The title of the holder's seat."""
    mine: bool
    """Held by this very console."""
    since: datetime | None
    may_take: bool
    """Whether this console's operator may, by the plan's seats."""
    why_not: str
    """Why they may not; where anyone may because the plan names nobody, that."""
    people: tuple[Person, ...]
    collector: str
    """Who polls: `user@host`, or empty."""
    named: str = ""
    """The holder as a sentence names them: `user@host`, or that it is another console of this one's operator."""


class SourceView(Struct, frozen=True):
    """A source and its freshness."""

    id: str
    kind: str
    interval: float
    freshness: Freshness
    last_ok_at: datetime | None
    """Exact unless LIVE: then it may be an earlier good answer's, so that an unchanged poll changes no view."""
    error: str
    notes: tuple[str, ...] = ()
    """What is odd about the source itself, one plain line each."""


class SourcesView(Struct, frozen=True):
    """All sources."""

    sources: tuple[SourceView, ...]
    worst: Freshness
    next_change: datetime | None


class FindingView(Struct, frozen=True):
    """A contradiction or a trap in the plan."""

    rule: str
    severity: Literal["error", "warning", "info"]
    text: str
    figures: tuple[str, ...]
    where: tuple[str, ...]
    """`file:line path` of each figure."""


class JournalView(Struct, frozen=True):
    """The journal's state and its newest entries."""

    length: int
    head: str
    writable: str
    """Empty, or why nothing can be appended, be it for good or when it was last tried."""
    latest: tuple[Entry, ...]
    """Newest first."""
    closed: bool = False
    """Whether trying to append is in vain: it may only be read for as long as it is open."""
    damage: str = ""
    """Empty, or why it could not be read in full, so that what was decided and filed may be missing here."""


class RoomView(Struct, frozen=True):
    """Everything, at one moment."""

    launch: LaunchView
    clock: ClockView
    timeline: TimelineView
    rollout: RolloutsView
    health: HealthView
    bugs: BugsView
    budget: BudgetView | None
    control: ControlView
    sources: SourcesView
    findings: tuple[FindingView, ...]
    journal: JournalView
    next_change: datetime | None
    """The soonest moment at which anything but the clock's `now` could change by itself. An area's own may be
    earlier: it is that of the moment when the area was built."""

"""The shape of `config.toml`: a launch as data, top to bottom as a launch director reads it.

Every class is one table of the file; a field's docstring is its reference. Unknown keys are refused. Ids are short
words that other tables refer to; dates are the plan's own calendar, in `launch.zone` unless a zone is given.
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any, Literal

from msgspec import field

from repz_console.facts import Priority
from repz_console.plan.polls import Poll, Round, Station
from repz_console.plan.ramp import Automatic, Bake, Freeze, MetricRule, Part, Rollout, Stage
from repz_console.plan.secrets import SecretPlace, SecretRef
from repz_console.plan.table import Moment, Table

__all__ = [
    "Automatic",
    "Bake",
    "Freeze",
    "MetricRule",
    "Moment",
    "Part",
    "Poll",
    "Rollout",
    "Round",
    "Stage",
    "Station",
    "Table",
]
"""What other files of this package declare and the rest of the program finds here, with the tables below."""


class Launch(Table, frozen=True, kw_only=True):
    """`[launch]`: what is launched, where, and when."""

    name: str
    title: str
    environment: str
    """What every dangerous step repeats and asks to be typed, such as `PRODUCTION`."""
    zone: str
    """IANA zone of the plan's days and of times without one."""
    full_launch: Moment
    """T-0: the instant the clock counts to."""
    solo: bool = False
    """One person holds every seat: a second approval becomes a cool-off and a typed phrase."""
    director: str = "director"
    """The seat that alone may override a gate which fails, accept a condition and record a verbal answer."""
    document_version: str = ""
    document_date: date | None = None
    document_status: str = ""
    timeline_weeks: tuple[int, int] | None = None
    """Weeks from start to full launch as the plan promises, from and to."""
    budget_range: tuple[Decimal, Decimal] | None = None
    """The investment as the plan's summary states it, from and to."""
    risk_level: str = ""
    success_probability: float | None = None
    """Percent, as claimed. Never used in a decision."""
    claims: tuple[str, ...] = ()
    """What the approach promises; shown, never used in a decision."""
    success_factors: tuple[str, ...] = ()
    """Asserted by the plan, not verified."""


class Seat(Table, frozen=True, kw_only=True):
    """`[[seat]]`: a role in the launch team and who may hold it."""

    id: str
    title: str
    duties: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """Unix user names."""
    groups: tuple[str, ...] = ()
    """Unix group names."""
    deputies: tuple[str, ...] = ()
    """Unix users who may hold it when nobody else does."""
    conn: bool = False
    """Whether a holder may take the conn, and so widen a rollout."""


class Phase(Table, frozen=True, kw_only=True):
    """`[[phase]]`: a stretch of the launch, in order."""

    id: str
    title: str
    weeks: str = ""
    objectives: tuple[str, ...] = ()


class Task(Table, frozen=True, kw_only=True):
    """`[[task]]`: one bar of the timeline. It ends where its last day ends."""

    id: str
    title: str
    phase: str
    start: date
    days: int
    owner: str = ""
    """A seat's id, or a role's name as the plan words it; `check` reports a role that no seat has."""
    checklists: tuple[str, ...] = ()
    """Checklists whose items make up this task's progress."""


class Item(Table, frozen=True, kw_only=True):
    """One thing to tick in a checklist."""

    id: str
    title: str
    optional: bool = False
    """May be marked not applicable."""


class Checklist(Table, frozen=True, kw_only=True):
    """`[[checklist]]`: things to tick, with one owner and priority."""

    id: str
    title: str
    phase: str
    owner: str = ""
    """As a task's."""
    priority: str = ""
    days: str = ""
    """As the plan words it: `1-2`."""
    items: tuple[Item, ...] = ()


class Step(Table, frozen=True, kw_only=True):
    """One step of a runbook."""

    title: str
    command: str = ""
    """To be copied by a person; the console does not run it."""


class RunbookPart(Table, frozen=True, kw_only=True):
    """Steps done under one time limit."""

    title: str
    limit_minutes: int | None = None
    """From the trigger."""
    steps: tuple[Step, ...] = ()


class Runbook(Table, frozen=True, kw_only=True):
    """`[[runbook]]`: what to do, in order, when a deployment or a disaster comes."""

    id: str
    title: str
    phase: str = ""
    trigger: str = ""
    parts: tuple[RunbookPart, ...] = ()


class Target(Table, frozen=True, kw_only=True):
    """One figure that a metric must reach, and where the plan says so."""

    said: str
    """Where the plan states it: `alpha`, `launch criteria`, `growth targets` ..."""
    op: Literal["<", "<=", ">", ">="]
    value: float
    window: str = ""
    """Over what time it is judged, as the plan words it: `month 1`."""


class Metric(Table, frozen=True, kw_only=True):
    """`[[metric]]`: a number the launch is judged by."""

    id: str
    title: str
    unit: str = ""
    """`%`, `ms`, `s`, `$`, or empty for a count."""
    source: str = ""
    """Id of the source it is read from; empty while none is connected."""
    reading: str = ""
    """Name of the reading within the source; empty means the metric's id."""
    targets: tuple[Target, ...] = ()
    groups: tuple[str, ...] = ()
    """Where it is listed: `monitor`, `daily`, `weekly`, `monthly`, `beta` ..."""
    note: str = ""


class BugRule(Table, frozen=True, kw_only=True):
    """`[[bug_rule]]`: what a priority means for the launch."""

    priority: Priority
    name: str
    rule: str
    blocks_from: str = ""
    """Open bugs of it block entering this phase and every later one; `always` blocks each step; empty blocks none."""


class BetaGroup(Table, frozen=True, kw_only=True):
    """Who is invited to the beta."""

    id: str
    title: str
    least: int | None = None
    most: int | None = None
    """People; both absent where the plan gives no number."""


class FeedbackChannel(Table, frozen=True, kw_only=True):
    """How beta users are heard."""

    title: str
    tool: str = ""


class Beta(Table, frozen=True, kw_only=True):
    """`[beta]`: who takes part and what they get."""

    groups: tuple[BetaGroup, ...] = ()
    incentives: tuple[str, ...] = ()
    feedback: tuple[FeedbackChannel, ...] = ()


class Flag(Table, frozen=True, kw_only=True):
    """`[[flag]]`: a feature flag of the product as the plan wants it."""

    id: str
    title: str
    on: bool
    note: str = ""


class Region(Table, frozen=True, kw_only=True):
    """`[[region]]`: a part of the world whose people are steered together. Regions do not overlap."""

    id: str
    title: str
    countries: tuple[str, ...] = ()
    """ISO 3166 alpha-2 codes; empty means every country no other region names. At most one region may be empty."""
    countries_stated: bool = True
    """False where the plan names the region without listing its countries, and the list was filled in."""


class Feature(Table, frozen=True, kw_only=True):
    """`[[feature]]`: something a rollout stage switches on."""

    id: str
    title: str
    note: str = ""


class Announcement(Table, frozen=True, kw_only=True):
    """`[[announcement]]`: something told to the world at full launch."""

    title: str
    kind: Literal["channel", "event"]
    note: str = ""


class CommandCentre(Table, frozen=True, kw_only=True):
    """`[command_centre]`: where the team sits on launch day."""

    location: str
    team: str
    hours: int


class Escalation(Table, frozen=True, kw_only=True):
    """`[[escalation]]`: who is called when, minutes after an incident is declared."""

    level: int
    from_minute: int
    to_minute: int | None = None
    who: str
    """A seat's id or a role's name."""


class Ritual(Table, frozen=True, kw_only=True):
    """`[[ritual]]`: a meeting that comes back."""

    id: str
    title: str
    every: Literal["day", "monday", "tuesday", "wednesday", "thursday", "friday"]
    time: time
    zone: str = ""
    """Empty where the plan names none, which `check` reports."""
    minutes: int
    agenda: tuple[str, ...] = ()
    phase: str = ""
    """The phase it begins with; it goes on until the plan ends. Empty means from the plan's first day."""


class Priorities(Table, frozen=True, kw_only=True):
    """What a week after the launch is for."""

    week: int
    focus: str


class Milestone(Table, frozen=True, kw_only=True):
    """`[[milestone]]`: what to do when so many users are there."""

    users: int
    actions: tuple[str, ...]


class Risk(Table, frozen=True, kw_only=True):
    """`[[risk]]`: what may go wrong."""

    title: str
    probability: Literal["Low", "Medium", "High"]
    impact: Literal["Low", "Medium", "High", "Critical"]
    mitigation: str
    runbook: str = ""


class Channel(Table, frozen=True, kw_only=True):
    """`[[channel]]`: where people talk."""

    audience: Literal["internal", "external", "press"]
    kind: str
    address: str
    purpose: str = ""
    said: str = ""
    """Where the plan states it, kept when it states it twice."""


class BudgetLine(Table, frozen=True, kw_only=True):
    """One line of a budget category: a sum, or a charge that comes back."""

    id: str
    title: str
    amount: Decimal | None = None
    """Once; absent where the plan gives no figure."""
    monthly: Decimal | None = None
    months: int = 0
    """How many monthly charges, the first on the plan's first day."""


class BudgetCategory(Table, frozen=True, kw_only=True):
    """`[[budget.category]]`: lines under a heading with its own stated sum."""

    id: str
    title: str
    amount: Decimal
    """As the plan's heading states it."""
    line: tuple[BudgetLine, ...] = ()


class Budget(Table, frozen=True, kw_only=True):
    """`[budget]`: what the launch may cost."""

    currency: str
    total: Decimal
    category: tuple[BudgetCategory, ...] = ()


class Source(Table, frozen=True, kw_only=True):
    """`[source.NAME]`: where facts come from. Further keys belong to the kind and are checked by it."""

    kind: str
    every: float = 30
    """Seconds between polls."""
    options: dict[str, Any] = field(default_factory=dict)
    """The kind's own keys, collected from the table."""


class Anchor(Table, frozen=True, kw_only=True):
    """`[store.anchor]`: where the journal's newest entry is noted besides, so that it shows if the journal is cut or
    written anew. At least one of the two places."""

    file: str = ""
    """A file that lines are appended to, best on another disk; relative to the config file."""
    webhook: str = ""
    """An https address that each line is sent to by POST, as JSON."""
    headers: dict[str, str | SecretRef] = field(default_factory=dict)
    """Headers of that request; one that holds a secret is `{ secret = "NAME", prefix = "Bearer " }`."""
    every: float = 60
    """Seconds between two lines, while there are new entries."""


class Store(Table, frozen=True, kw_only=True):
    """`[store]`: where the journal and the telemetry live."""

    path: str = ""
    """A folder shared by the team; empty means the user's state folder."""
    anchor: Anchor | None = None


class Plan(Table, frozen=True, kw_only=True):
    """The whole file."""

    launch: Launch
    include: tuple[str, ...] = ()
    """Further files, relative to this one, whose tables are added."""
    store: Store = Store()
    source: dict[str, Source] = field(default_factory=dict)
    secret: dict[str, SecretPlace] = field(default_factory=dict)
    seat: tuple[Seat, ...] = ()
    phase: tuple[Phase, ...] = ()
    task: tuple[Task, ...] = ()
    checklist: tuple[Checklist, ...] = ()
    runbook: tuple[Runbook, ...] = ()
    metric: tuple[Metric, ...] = ()
    bug_rule: tuple[BugRule, ...] = ()
    trackers: tuple[str, ...] = ()
    """Where bugs are tracked, as the plan names it."""
    tools: tuple[str, ...] = ()
    """Performance tools the plan names."""
    beta: Beta = Beta()
    flag: tuple[Flag, ...] = ()
    region: tuple[Region, ...] = ()
    feature: tuple[Feature, ...] = ()
    rollout: dict[str, Rollout] = field(default_factory=dict)
    freeze: tuple[Freeze, ...] = ()
    poll: tuple[Poll, ...] = ()
    announcement: tuple[Announcement, ...] = ()
    command_centre: CommandCentre | None = None
    escalation: tuple[Escalation, ...] = ()
    ritual: tuple[Ritual, ...] = ()
    priorities: tuple[Priorities, ...] = ()
    milestone: tuple[Milestone, ...] = ()
    risk: tuple[Risk, ...] = ()
    channel: tuple[Channel, ...] = ()
    budget: Budget | None = None

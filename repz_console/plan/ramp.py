"""The tables of `config.toml` that say how a rollout goes: its stages, what each needs, and who applies it."""

from __future__ import annotations

from msgspec import field

from repz_console.plan.table import Moment, Table


class MetricRule(Table, frozen=True, kw_only=True):
    """A metric that has to be within its targets."""

    metric: str
    """A metric's id."""
    said: str = ""
    """Which of the metric's targets counts, by where the plan says it; empty for all of them."""
    samples: int = 0
    """How many samples it has to stand on; 0 where that is not asked."""
    counted_by: str = ""
    """The metric whose value is how many samples there are; needed with `samples`."""
    max_age: float = 0
    """Seconds after which the value is too old; 0 leaves that to its source's freshness."""


class Bake(Table, frozen=True, kw_only=True):
    """How long a stage stands, at least, before the next one may be entered: all of it has to be met."""

    minutes: float = 0
    """Since the stage was reached."""
    requests: float = 0
    """Requests of exposed people since then."""
    counted_by: str = ""
    """The metric that counts those requests and only ever rises; needed with `requests`."""


class Stage(Table, frozen=True, kw_only=True):
    """`[[rollout.NAME.stage]]`: one planned step of a rollout."""

    id: str
    title: str
    at: Moment
    percent: float
    """Of the people of each region named."""
    regions: tuple[str, ...] = ()
    """Region ids; empty means all of the rollout's."""
    shares: dict[str, float] = field(default_factory=dict)
    """Region id to percent, for regions whose share is another one than `percent`."""
    features: tuple[str, ...] = ()
    """Feature or flag ids that are on in this stage."""
    phase: str = ""
    """The phase that this stage enters; bug rules are judged against it."""
    note: str = ""
    percent_stated: bool = True
    """False where the plan implies the percent without saying it."""
    not_before: bool = False
    """Whether the stage may be entered only once its planned instant has come."""
    checklists: tuple[str, ...] = ()
    """Checklists whose items must all be done, or not applicable, to enter it."""
    metrics: tuple[MetricRule, ...] = ()
    """What must be within its targets to enter it."""
    poll: str = ""
    """The go/no-go poll that must be unanimous to enter it; empty for none."""
    approvals: int = 0
    """How many people besides the one who applies it must approve it."""
    bake: Bake = Bake()
    """How long it stands before the next stage may be entered."""


class Part(Table, frozen=True, kw_only=True):
    """One of several controllers that move as one rollout."""

    controller: str
    """Id of the source that applies it."""
    features: tuple[str, ...] = ()
    """The features that it carries; empty for all that no other part names."""


class Automatic(Table, frozen=True, kw_only=True):
    """`[rollout.NAME.automatic]`: what may happen without a person. It only ever holds or shrinks, and only while a
    `record` process runs."""

    watch: tuple[MetricRule, ...] = ()
    """The metrics whose failing starts it."""
    checks: int = 3
    """How many looks in a row must fail."""
    hold: bool = False
    """Hold the rollout then."""
    roll_back: bool = False
    """Roll it back to the last good stage then: once a stage, after which only a person does."""
    dead_man_minutes: float = 0
    """Minutes without anybody at a console after which it goes down to the last good stage; 0 for never."""


class Rollout(Table, frozen=True, kw_only=True):
    """`[rollout.NAME]`: a ramp from nobody to everybody."""

    title: str
    controller: str = ""
    """Id of the source that applies it; empty where `part` names several."""
    part: tuple[Part, ...] = ()
    """Several controllers that move as one, in the order in which widening goes: what others depend on first, what
    people see last. Shrinking goes the other way round."""
    cohort: str
    """Whose share the percent is: `visitors`, `beta users`."""
    regions: tuple[str, ...]
    people: dict[str, float] = field(default_factory=dict)
    """Region id to how many of the cohort live there, or their share of it in any unit: what a percent of a region is
    of all. Empty where the plan does not say, and then no share of all is shown."""
    people_stated: bool = True
    """False where the plan gives no such figures, and they were filled in."""
    traffic: float = 0
    """Requests a second of the whole cohort, as planned; 0 where the plan does not say."""
    requests_metric: str = ""
    """The metric that measures these requests a second; empty while none does."""
    errors_metric: str = ""
    """The metric that measures how many of them fail, in percent; empty while none does."""
    max_age: float = 60
    """Seconds after which the backend's read-back is too old to widen on."""
    max_step: float = 100
    """The most points by which a region's share may rise in one change that enters no planned stage."""
    automatic: Automatic = Automatic()
    stage: tuple[Stage, ...] = ()


class Freeze(Table, frozen=True, kw_only=True):
    """`[[freeze]]`: a time in which nobody widens."""

    id: str
    title: str
    start: Moment
    """When it begins, the first time if it comes back. A time of day is needed. A rebase leaves it where it is."""
    minutes: float
    """How long it lasts each time."""
    rule: str = ""
    """An RFC 5545 recurrence such as `FREQ=WEEKLY;BYDAY=FR,SA`, on the wall clock of `start`'s zone; empty for once. It
    names days: nothing finer than FREQ=DAILY, and the time of day is the start's."""
    rollouts: tuple[str, ...] = ()
    """The rollouts that it holds; empty for all."""
    except_stages: tuple[str, ...] = ()
    """Stages that may be entered in it all the same, as `ROLLOUT.STAGE`."""

"""A launch in its fourth day, made by hand, for what painters draw; and the text of what they drew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Actor, Bug, Exposure, Freshness, Hold, Person, Priority, Spend, Verdict
from repz_console.room import views
from repz_console.tui.paint.base import Line, Sheet, Size, text_of
from repz_console.tui.paint.format import pad

NOW = datetime(2027, 2, 3, 14, 3, 20, tzinfo=UTC)
T0 = datetime(2027, 2, 5, 14, 0, tzinfo=UTC)
LIVE, LATE, DOWN, OFF = Freshness.LIVE, Freshness.LATE, Freshness.DOWN, Freshness.OFF
REGIONS = (("us", "United States"), ("ca", "Canada"), ("uk", "United Kingdom"), ("rest", "Everywhere else"))
FEATURES = (("core", "Core"), ("adaptive", "Adaptive"), ("tiers", "All tiers"))
ANA = Actor("ana", 1001, "jump", "pts/3", "c-ana", "lead")
BO = Actor("bo", 1002, "jump", "pts/4", "c-bo", "dev")


def ago(**span: float) -> datetime:
    """That long before now."""
    return NOW - timedelta(**span)


def day(on: date) -> datetime:
    """Midnight of a day where the launch is."""
    return datetime(on.year, on.month, on.day, 5, tzinfo=UTC)


def share(percent: float, *regions: str, features: tuple[str, ...] = ("core",)) -> Exposure:
    """That percent of the people of those regions."""
    return Exposure(dict.fromkeys(regions, percent), features)


def _stage(
    number: int, identity: str, title: str, at: datetime, exposure: Exposure, state: str, timed: bool = True
) -> views.StageView:
    assert state in ("done", "current", "next", "planned")
    percent = max(exposure.percent.values())
    return views.StageView(
        identity, title, at, timed, exposure, percent, tuple(exposure.percent), exposure.features, "launch", state
    )


CORE, ADAPTIVE, EVERYTHING = ("core",), ("adaptive", "core"), ("adaptive", "core", "tiers")
STAGES = (
    _stage(0, "soft", "Soft launch", day(date(2027, 2, 1)), share(20, "us", "ca"), "done"),
    _stage(
        1,
        "tuesday",
        "Tuesday",
        day(date(2027, 2, 2)),
        share(40, "us", "ca", "uk", features=ADAPTIVE),
        "current",
        False,
    ),
    _stage(
        2,
        "wednesday",
        "Wednesday",
        day(date(2027, 2, 3)),
        share(60, "us", "ca", "uk", features=EVERYTHING),
        "next",
        False,
    ),
    _stage(
        3,
        "thursday",
        "Thursday",
        day(date(2027, 2, 4)),
        share(80, "us", "ca", "uk", "rest", features=EVERYTHING),
        "planned",
        False,
    ),
    _stage(4, "full", "Full launch", T0, share(100, "us", "ca", "uk", "rest", features=EVERYTHING), "planned"),
)
GATES = (
    views.GateView("conn", "You have the conn", Verdict.PASS, "you have the conn"),
    views.GateView("p0", "No open P0", Verdict.FAIL, "P0 bugs: 1 open (12): blocks every step"),
    views.GateView("fresh", "Data is fresh", Verdict.INCONCLUSIVE, "bugs were last read 12m ago, 60 s allowed"),
    views.GateView("known", "No change is unknown", Verdict.PASS, "every change has its outcome"),
    views.GateView("held", "Not held", Verdict.PASS, "nobody holds it"),
)


def truth(
    name: str, exposure: Exposure | None, by: str = "", at: datetime | None = None, **more: object
) -> views.Truth:
    """One row of a rollout's truths."""
    made = views.Truth(name, exposure, at, by, LIVE)  # type: ignore[arg-type]  # the tests name them rightly
    return replace(made, **more)


ROLLOUT = views.RolloutView(
    id="production",
    title="Production",
    controller="flags",
    backend="flagd",
    cohort="visitors",
    regions=REGIONS,
    features=FEATURES,
    stages=STAGES,
    current=STAGES[1],
    next=STAGES[2],
    planned=truth("planned", STAGES[2].exposure, "Wednesday", STAGES[2].at),
    desired=truth("desired", STAGES[1].exposure, "ana", ago(hours=4)),
    configured=truth("configured", STAGES[1].exposure, "ana", ago(seconds=2)),
    measured=truth("measured", None, freshness=OFF, note="no source measures it"),
    revision="17",
    drift=("flags has 40 % of us ca uk, decided was 20 % (ana)",),
    hold=None,
    change=views.ChangeView("op-9", "set", "confirmed", STAGES[1].exposure, "ana", ago(hours=4)),
    unknown=(),
    last_good=STAGES[0].exposure,
    gates=GATES,
    verdict=Verdict.FAIL,
    where=(
        views.RegionView("us", "United States", 60, 40, 40, 60),
        views.RegionView("ca", "Canada", 60, 40, 40, 60),
        views.RegionView("uk", "United Kingdom", 60, 20, 40, 60),
        views.RegionView("rest", "Everywhere else", 0, 0, 0, 0),
    ),
    readiness=(views.ReadinessView("flags", "ready", "you may write flags.json", ago(seconds=20)),),
)
BETA = replace(ROLLOUT, id="beta", title="Beta", cohort="beta users", drift=(), gates=(), verdict=Verdict.PASS)


def _task(
    identity: str, title: str, owner: str, start: date, days: int, percent: float | None, state: str
) -> views.TaskView:
    assert state in ("done", "active", "upcoming", "overdue")
    begins = day(start)
    lists = ("infrastructure",) if identity == "infra" else ()
    return views.TaskView(
        identity, title, "launch", owner, begins, begins + timedelta(days=days), percent, state, lists
    )


SECTIONS = (
    views.SectionView(
        "preparation",
        "Preparation",
        day(date(2027, 1, 25)),
        day(date(2027, 1, 30)),
        80.0,
        (
            _task("infra", "Infrastructure setup", "DevOps lead", date(2027, 1, 25), 2, 66.0, "overdue"),
            _task("audit", "Security audit", "Security lead", date(2027, 1, 27), 3, 100.0, "done"),
        ),
    ),
    views.SectionView(
        "launch",
        "Launch",
        day(date(2027, 2, 1)),
        day(date(2027, 2, 6)),
        40.0,
        (
            _task("soft", "Soft launch", "CTO", date(2027, 2, 1), 1, 100.0, "done"),
            _task("progressive", "Progressive launch", "CTO", date(2027, 2, 2), 3, 50.0, "active"),
            _task("full", "Full launch", "CTO", date(2027, 2, 5), 1, None, "upcoming"),
        ),
    ),
    views.SectionView(
        "optimization",
        "Optimization",
        day(date(2027, 2, 6)),
        day(date(2027, 3, 6)),
        None,
        (
            _task("stable", "Stabilization", "Tech lead", date(2027, 2, 6), 7, None, "upcoming"),
            _task("growth", "Growth phase", "", date(2027, 2, 13), 21, None, "upcoming"),
        ),
    ),
)
CHECKLISTS = (
    views.ChecklistView(
        "infrastructure",
        "Infrastructure",
        "preparation",
        "DevOps lead",
        "Critical",
        (
            views.ItemView("infrastructure/supabase", "Create the Supabase project", False, "done", "bo", ago(days=8)),
            views.ItemView("infrastructure/cdn", "Configure the CDN", False, "open"),
            views.ItemView("infrastructure/sms", "Set up Twilio", True, "n/a", "ana", ago(days=7), "no SMS"),
        ),
        2,
    ),
    views.ChecklistView(
        "criteria",
        "Launch criteria",
        "launch",
        "",
        "",
        (views.ItemView("criteria/uptime", "Uptime above 99.9 %", False, "open"),),
        0,
    ),
)


def _target(said: str, op: str, value: float, met: bool | None) -> views.TargetView:
    assert op in ("<", "<=", ">", ">=")
    return views.TargetView(said, op, value, "", met)


def _metric(identity: str, title: str, unit: str, group: str, **more: object) -> views.MetricView:
    made = views.MetricView(identity, title, unit, (group,), "", None, None, OFF, "no source", (), ())
    return replace(made, **more)


METRICS = (
    _metric(
        "latency",
        "API response p95",
        "ms",
        "monitor",
        source="probe",
        value=212.4,
        at=ago(seconds=9),
        freshness=LIVE,
        note="",
        targets=(_target("alpha", "<", 200, False), _target("launch criteria", "<", 250, True)),
        history=(180.0, 184.0, 190.0, 188.0, 199.0, 205.0, 212.4),
    ),
    _metric(
        "uptime",
        "Uptime",
        "%",
        "monitor",
        source="probe",
        value=99.98,
        at=ago(seconds=9),
        freshness=LIVE,
        note="",
        targets=(_target("launch criteria", ">", 99.9, True),),
        history=(100.0, 100.0, 99.98),
    ),
    _metric(
        "errors",
        "Error rate",
        "%",
        "monitor",
        source="apm",
        value=0.04,
        at=ago(minutes=31),
        freshness=DOWN,
        note="connection refused",
        targets=(_target("launch criteria", "<", 0.1, None),),
        history=(0.02, 0.04),
    ),
    _metric("nps", "Net promoter score", "", "beta", targets=(_target("post-launch", ">", 50, None),)),
    _metric("mrr", "Monthly recurring revenue", "$", "monthly", targets=(_target("growth", ">=", 25000, None),)),
)
BOX = (
    views.BoxView("host", "cpu", 12.5, "%", ago(seconds=1), LIVE, (9.0, 11.0, 30.0, 12.5)),
    views.BoxView("host", "memory", 61.0, "%", ago(seconds=1), LIVE, (60.0, 61.0)),
    views.BoxView("host", "network.in", 1.2e6, "B/s", ago(seconds=1), LIVE, ()),
)


def bug(
    number: int, priority: Priority, title: str, assignee: str = "", hours: float = 3, resolved: bool = False
) -> Bug:
    """A local bug that old."""
    at = ago(hours=hours)
    state = "resolved" if resolved else "open"
    return Bug(f"local:{number}", title, priority, "resolved" if state == "resolved" else "open", at, at, assignee)


BUGS = (
    bug(12, "P0", "Checkout charges twice when the card is retried", "ana", 2.2),
    bug(9, "P1", "Coach sees another client's plan", "bo", 30),
    bug(14, "P1", "Password mail is late", "", 5),
    bug(7, "P2", "Avatar of a 日本語 name is cut", "cy", 80),
    bug(3, "P3", "Typo on the pricing page", "", 200, resolved=True),
)


def _lane(
    priority: Priority, name: str, number: int, oldest: datetime | None, blocks: str, now: bool
) -> views.LaneView:
    return views.LaneView(priority, name, f"Fix {name.lower()}", number, oldest, blocks, now)


LANES = (
    _lane("P0", "Blocker", 1, ago(hours=2.2), "every step", True),
    _lane("P1", "Critical", 2, ago(hours=30), "Beta", True),
    _lane("P2", "Major", 1, ago(hours=80), "Launch", False),
    _lane("P3", "Minor", 0, None, "", False),
    _lane("P4", "Trivial", 0, None, "", False),
)


def _line(identity: str, title: str, planned: int | None, committed: int, actual: int) -> views.LineView:
    left = None if planned is None else Decimal(planned - committed - actual)
    amount = None if planned is None else Decimal(planned)
    return views.LineView(identity, title, amount, Decimal(committed), Decimal(actual), left)


BUDGET = views.BudgetView(
    currency="USD",
    total=Decimal(10000),
    planned=Decimal(9827),
    committed=Decimal(1200),
    actual=Decimal(4590),
    left=Decimal(4210),
    categories=(
        views.CategoryView(
            "infra",
            "Infrastructure",
            Decimal(2000),
            Decimal(1827),
            Decimal(600),
            Decimal(490),
            Decimal(910),
            (_line("supabase", "Supabase Pro", 75, 0, 25), _line("cdn", "CDN and edge", 600, 600, 465)),
        ),
        views.CategoryView(
            "marketing",
            "Marketing",
            Decimal(3000),
            Decimal(3000),
            Decimal(600),
            Decimal(4100),
            Decimal(-1700),
            (_line("ads", "Advertising", 1500, 600, 4100), _line("press", "Press kit", None, 0, 0)),
        ),
    ),
    charges=(
        views.ChargeView(date(2027, 1, 25), "supabase", "Supabase Pro", Decimal(25), True),
        views.ChargeView(date(2027, 2, 25), "supabase", "Supabase Pro", Decimal(25), False),
    ),
    entries=(
        Spend("s-3", "ads", Decimal(4100), "actual", date(2027, 2, 2), "second wave", "ana"),
        Spend("s-2", "cdn", Decimal("464.99"), "actual", date(2027, 2, 1), "", "bo"),
        Spend("s-1", "ads", Decimal(600), "committed", date(2027, 1, 28), "", "ana", voided=True),
    ),
    stray=(),
    freshness=LIVE,
    writable="ledger",
    next_change=None,
)


def entry(seq: int, event: events.AnyEvent, actor: Actor = ANA, minutes: float = 1) -> events.Entry:
    """A journal entry that old."""
    return events.Entry(seq, ago(minutes=minutes), str(type(event).__struct_config__.tag), event, actor, f"{seq:064x}")


ENTRIES = (
    entry(41, events.NoteAdded("Support reports slow mails"), BO, 2),
    entry(40, events.BugFiled("local", "14", "Password mail is late", "P1"), BO, 200),
    entry(39, events.ChangeEnded("op-9", "confirmed", "17"), ANA, 240),
    entry(
        38,
        events.ChangeIntended("op-9", "production", "set", STAGES[1].exposure, STAGES[0].exposure, "16", "on time"),
        ANA,
        241,
    ),
    entry(37, events.ConnTaken(4, "bo@jump", "lunch"), ANA, 250),
    entry(36, events.SourceFailed("apm", "connection refused"), ANA, 300),
)
SOURCES = tuple(
    views.SourceView(identity, kind, interval, freshness, ago(seconds=seconds), error)
    for identity, kind, interval, freshness, seconds, error in (
        ("plan", "plan", 0.0, LIVE, 0, ""),
        ("local", "local", 0.0, LIVE, 0, ""),
        ("ledger", "ledger", 0.0, LIVE, 0, ""),
        ("flags", "flagd", 2.0, LIVE, 2, ""),
        ("host", "host", 2.0, LIVE, 1, ""),
        ("probe", "probe", 10.0, LIVE, 9, ""),
        ("apm", "probe", 30.0, DOWN, 1860, "connection refused"),
    )
)
ROOM = views.RoomView(
    launch=views.LaunchView("repz", "REPZ Platform", "PRODUCTION", "flagd", False, "a1b2c3", "adopted", "", 1096),
    clock=views.ClockView(
        now=NOW,
        t0=T0,
        zone="America/New_York",
        phase="Production launch",
        hold=None,
        past=False,
        starts=day(date(2027, 1, 25)),
        ends=day(date(2027, 3, 6)),
        current=(
            views.Happening(day(date(2027, 2, 2)), "Progressive launch", "task", day(date(2027, 2, 5))),
            views.Happening(ago(minutes=3), "Daily standup", "ritual", ago(minutes=-12)),
        ),
        upcoming=(
            views.Happening(day(date(2027, 2, 4)), "Thursday 80 %", "stage"),
            views.Happening(T0, "Full launch", "launch"),
        ),
        next_change=None,
    ),
    timeline=views.TimelineView(
        day(date(2027, 1, 25)), day(date(2027, 3, 6)), "America/New_York", SECTIONS, CHECKLISTS, 2, 4, LIVE, None
    ),
    rollout=views.RolloutsView((ROLLOUT, BETA), "1 open P0 blocks every step", None),
    health=views.HealthView(METRICS, BOX, 1, 1, 3, DOWN, None),
    bugs=views.BugsView(LANES, BUGS, LIVE, "local"),
    budget=BUDGET,
    control=views.ControlView(
        "HELD",
        "ana@jump",
        "Launch director",
        True,
        ago(hours=4),
        True,
        "",
        (
            Person("ana", "jump", "lead", "c-ana", ago(hours=5), "rollout", ago(seconds=4)),
            Person("bo", "jump", "dev", "c-bo", ago(hours=2), "bugs", ago(minutes=12)),
        ),
        "repz@jump",
    ),
    sources=views.SourcesView(SOURCES, DOWN, None),
    findings=(views.FindingView("budget.sum", "warning", "Lines sum to $1,827, the heading says $2,000", (), ()),),
    journal=views.JournalView(41, "ab" * 32, "", ENTRIES),
    next_change=None,
)

HELD = Hold("bo", ago(minutes=6), "payment errors")
EMPTY = replace(
    ROOM,
    timeline=replace(ROOM.timeline, sections=(), checklists=(), items_done=0, items_total=0),
    rollout=views.RolloutsView((), "", None),
    health=views.HealthView((), (), 0, 0, 0, OFF, None),
    bugs=views.BugsView((), (), OFF, ""),
    budget=None,
    control=views.ControlView("FREE", "", "", False, None, True, "", (), ""),
    sources=views.SourcesView((), OFF, None),
    findings=(),
    clock=replace(ROOM.clock, current=(), upcoming=(), phase=""),
    journal=views.JournalView(0, "", "", ()),
)
TROUBLE = replace(
    ROOM,
    clock=replace(ROOM.clock, hold=HELD, past=True, now=T0 + timedelta(days=40)),
    rollout=replace(
        ROOM.rollout,
        rollouts=(
            replace(
                ROLLOUT,
                hold=HELD,
                unknown=(views.ChangeView("op-10", "set", "unknown", STAGES[2].exposure, "ana", ago(hours=1)),),
                current=None,
                configured=replace(ROLLOUT.configured, exposure=None, freshness=DOWN, note="no answer"),
                change=replace(ROLLOUT.change or GATES, state="unknown"),
            ),
        ),
    ),
    control=replace(ROOM.control, state="FREE", holder="", mine=False, why_not="only seats may", may_take=False),
    journal=replace(ROOM.journal, writable="entry 12 does not match its hash"),
)
ROOMS = {"running": ROOM, "empty": EMPTY, "trouble": TROUBLE}
"""Rooms that a painter must survive at any size."""

PANE = Size(80, 21)


def drawn(lines: Sequence[Line]) -> str:
    """The text of lines, without the blanks at their ends."""
    return "\n".join(text_of(line).rstrip() for line in lines)


def picture(sheet: Sheet, size: Size = PANE) -> str:
    """What a pane of that size shows at first: the rows that fit, with the side beside them."""
    rows: list[Line] = []
    height = size.height - len(sheet.foot)
    for index in range(min(height, max(len(sheet.lines), sheet.header + len(sheet.side)))):
        line, place = sheet.lines[index] if index < len(sheet.lines) else (), index - sheet.header
        if 0 <= place < len(sheet.side):
            line = (*pad(line, size.width - sheet.side_width), *sheet.side[place])
        rows.append(line)
    return drawn([*rows, *sheet.foot])

"""Rooms for tests, made as the console makes them: a plan, journal entries, snapshots, people and a frozen moment.

view = rooms.live()                      # or stale(), down(), blocked(), observer(), ... ; `rooms.ALL` has each
making = rooms.Making().running()        # or step by step
making.wrote(events.RolloutHeld("production", "payments fail"), rooms.BO, minutes=3)
view = making.view()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Self

import msgspec
from msgspec.structs import replace

from repz_console import config, events, resources
from repz_console.facts import (
    PRIORITIES,
    Actor,
    Bug,
    Exposure,
    Facts,
    Person,
    Priority,
    Reading,
    RolloutState,
    Snapshot,
    Spend,
    TaskProgress,
    Tick,
)
from repz_console.plan import exposure as exposures
from repz_console.plan.model import Plan
from repz_console.plan.schedule import rebase
from repz_console.room.room import Origin, Room
from repz_console.room.viewer import Viewer
from repz_console.room.views import FindingView, RoomView

NOW = datetime(2027, 2, 3, 14, 3, 20, tzinfo=UTC)
"""The Wednesday of launch week: the plan wants 60 %, 40 % are configured."""

ANA = Actor("ana", 1001, "jump", "pts/3", "c-ana", "director")
BO = Actor("bo", 1002, "jump", "pts/4", "c-bo", "tech")
CY = Actor("cy", 1003, "jump", "pts/5", "c-cy", "support")
DEE = Actor("dee", 1004, "jump", "pts/6", "c-dee")
RECORDER = Actor("repz", 999, "jump", "", "c-rec")

PEOPLE = (ANA, BO, CY)


@cache
def plan() -> Plan:
    """The launch of `launch.toml`."""
    return msgspec.toml.decode((Path(__file__).parent / "launch.toml").read_bytes(), type=Plan)


@cache
def shipped() -> Plan:
    """The config that ships with the console, moved to the launch week of these tests."""
    loaded = config.load(resources.shipped("config.toml"))
    return rebase(loaded.plan, datetime(2027, 2, 5, 14, tzinfo=UTC))


def stage(identity: str, rollout: str = "production", of: Plan | None = None) -> Exposure:
    """What a stage of the plan exposes."""
    ramp = (of or plan()).rollout[rollout]
    return exposures.of_stage(ramp, next(each for each in ramp.stage if each.id == identity))


class Holding(msgspec.Struct, frozen=True):
    """A lease as the room sees it."""

    holder: Actor
    taken_at: datetime


class Making:
    """A room in the making. Spans are before `now`."""

    def __init__(self, of: Plan | None = None, *, now: datetime = NOW, me: Actor = ANA) -> None:
        self.plan = of or plan()
        self.now = now
        self.me = me
        self.groups: frozenset[str] = frozenset()
        self.entries: list[events.Entry] = []
        self.snapshots: dict[str, Snapshot] = {}
        self.lease: Holding | None = None
        self.collector: Holding | None = None
        self.people: tuple[Person, ...] = ()
        self.history: Mapping[tuple[str, str], tuple[float, ...]] = {}
        self.findings: tuple[FindingView, ...] = ()
        self.origin = Origin(hash="5e" * 32, source="file")
        self.trouble = ""
        self.damage = ""

    def ago(self, **span: float) -> datetime:
        """That long before now."""
        return self.now - timedelta(**span)

    def wrote(self, event: events.AnyEvent, actor: Actor = ANA, **span: float) -> Self:
        """`actor` wrote this into the journal that long ago. Call in the order of time."""
        seq = len(self.entries) + 1
        self.entries.append(entry(seq, event, actor, self.ago(**span)))
        return self

    def answered(self, source: str, facts: Facts | None, error: str = "", **span: float) -> Self:
        """A source last answered that long ago; with None it never did."""
        configured = self.plan.source[source]
        self.snapshots[source] = Snapshot(
            source=source,
            kind=configured.kind,
            interval=0 if configured.kind in ("plan", "local", "ledger") else configured.every,
            facts=facts,
            last_ok_at=self.ago(**span) if facts is not None else None,
            last_try_at=self.now,
            error=error,
        )
        return self

    def aged(self, source: str, error: str, **span: float) -> Self:
        """A source that answered failed since, and its last answer is that old."""
        return self.answered(source, self.snapshots[source].facts, error, **span)

    def exposed(self, production: Exposure, *, op: str = "", by: str = "", hours: float = 4, **read: float) -> Self:
        """The backend has this for production, since that many hours, read back that long ago."""
        states = (
            RolloutState("beta", stage("day7", "beta", self.plan), "11", "ana", self.ago(days=8), "op-1"),
            RolloutState("production", production, "17", by, self.ago(hours=hours), op),
        )
        return self.answered("flagd", Facts(rollouts=states), **(read or {"seconds": 2}))

    def changed(
        self, op: str, target: Exposure, outcome: str, *, actor: Actor = ANA, rollout: str = "production", hours: float
    ) -> Self:
        """A change was decided that many hours ago; `outcome` is its present state."""
        self.wrote(events.ChangeIntended(op, rollout, "set", target, None, "16", "on schedule"), actor, hours=hours)
        if outcome != "intended":
            self.wrote(events.ChangeSent(op), actor, hours=hours)
        if outcome not in ("intended", "sent"):
            ended = msgspec.convert({"kind": "change.ended", "op": op, "outcome": outcome}, events.ChangeEnded)
            self.wrote(ended, actor, hours=hours)
        return self

    def has_conn(self, actor: Actor | None, **span: float) -> Self:
        """Who has the conn, since when; None for nobody."""
        self.lease = Holding(actor, self.ago(**span)) if actor is not None else None
        return self

    def bugs(self, *bugs: Bug) -> Self:
        """What the local tracker holds."""
        return self.answered("local", Facts(bugs=bugs), seconds=1)

    def bug(self, key: str, priority: Priority, title: str, *, assignee: str = "", hours: float = 3) -> Bug:
        """An open local bug that old."""
        at = self.ago(hours=hours)
        return Bug(f"local:{key}", title, priority, "open", at, at, assignee, "cy")

    def running(self) -> Self:
        """The fourth day of a launch that goes well: everything answers and every gate of the next stage is open."""
        self.changed("op-1", stage("day7", "beta", self.plan), "confirmed", rollout="beta", hours=190)
        self.changed("op-2", stage("soft", of=self.plan), "confirmed", hours=62)
        self.wrote(events.ConnTaken(4, "", ""), ANA, hours=5)
        self.changed("op-3", stage("tuesday", of=self.plan), "confirmed", hours=4)
        self.wrote(events.NoteAdded("Support reports slow mails"), BO, minutes=2)
        self.exposed(stage("tuesday", of=self.plan), op="op-3", by="ana")
        self.bugs(
            self.bug("B7K2Q", "P3", "Typo on the pricing page", hours=30),
            replace(self.bug("B1", "P1", "Login loops"), state="resolved", changed_at=self.ago(hours=1)),
        )
        self.answered("plan", self._progress(), seconds=1)
        self.answered("ledger", Facts(spend=tuple(self._spend())), seconds=1)
        self.answered("host", Facts(readings=tuple(self._box())), seconds=1)
        self.answered("web", Facts(readings=tuple(self._web())), seconds=9)
        self.history = {
            ("web", "latency.p95"): (150.0, 152.0, 160.0, 171.0, 168.0, 175.0, 181.5),
            ("host", "cpu"): (9.0, 11.0, 30.0, 12.5),
        }
        self.has_conn(ANA, hours=5)
        self.collector = Holding(RECORDER, self.ago(days=2))
        self.people = tuple(
            Person(who.user, who.host, who.seat, who.console, self.ago(hours=hours), tab, self.ago(minutes=idle))
            for who, hours, tab, idle in ((ANA, 5, "rollout", 0), (BO, 3, "bugs", 2), (CY, 1, "room", 25))
        )
        self.findings = (
            FindingView(
                "budget.sum", "warning", "The lines do not come to the heading's sum", ("$1,827", "$2,000"), ("c:1",)
            ),
        )
        return self

    def room(self) -> Room:
        """A room that was told all this."""
        room = Room(self.plan, Viewer(self.me, self.groups), self.origin)
        self.tell(room)
        return room

    def tell(self, room: Room) -> None:
        """Tell a room all this, again."""
        room.update(
            plan=self.plan,
            entries=self.entries,
            snapshots=self.snapshots,
            people=self.people,
            lease=self.lease,
            collector=self.collector,
            history=self.history,
            findings=self.findings,
            trouble=self.trouble,
            damage=self.damage,
            bugs_into="local" if "local" in self.plan.source else "",
            spend_into="ledger" if "ledger" in self.plan.source else "",
        )

    def view(self) -> RoomView:
        """The room at `now`."""
        return self.room().view(self.now)

    def _progress(self) -> Facts:
        at = self.ago(days=20)
        ticks = (
            Tick("infrastructure/supabase", "done", "bo", at),
            Tick("infrastructure/dns", "done", "bo", at),
            Tick("infrastructure/sms", "n/a", "ana", at, "no SMS"),
            Tick("security/owasp", "done", "bo", at),
            Tick("security/limits", "done", "bo", at),
        )
        progress = (
            TaskProgress("staging", 100, "bo", at),
            TaskProgress("soft", 100, "ana", self.ago(days=1)),
            TaskProgress("progressive", 40, "ana", self.ago(hours=4)),
        )
        return Facts(ticks=ticks, progress=progress)

    def _spend(self) -> Iterable[Spend]:
        yield Spend("ledger:s1", "ads", Decimal("1200.00"), "committed", date(2027, 1, 20), "first wave", "ana")
        yield Spend("ledger:s2", "supabase", Decimal("149.00"), "actual", date(2027, 1, 4), "", "bo")
        yield Spend("ledger:s3", "ads", Decimal("99.99"), "actual", date(2027, 2, 1), "", "ana")
        yield Spend("ledger:s4", "content", Decimal("500.00"), "actual", date(2027, 2, 2), "twice", "ana", voided=True)

    def _box(self) -> Iterable[Reading]:
        for name, value, unit in (("cpu", 12.5, "%"), ("memory", 61.0, "%"), ("network.in", 1.2e6, "B/s")):
            yield Reading(name, value, self.ago(seconds=1), unit)

    def _web(self) -> Iterable[Reading]:
        yield Reading("latency.p95", 181.5, self.ago(seconds=9), "ms")
        yield Reading("uptime", 99.98, self.ago(seconds=9), "%")


def entry(seq: int, event: events.AnyEvent, actor: Actor, at: datetime) -> events.Entry:
    """A journal entry as the store gives it."""
    kind = str(type(event).__struct_config__.tag)
    return events.Entry(seq, at, kind, event, actor, f"{seq:064x}")


def live() -> RoomView:
    """All is well; the next stage may be entered by us."""
    return Making().running().view()


def blocked() -> RoomView:
    """As live, with an open P0 and an open P2."""
    making = Making().running()
    making.bugs(
        making.bug("B7K2Q", "P0", "Checkout charges twice when the card is retried", assignee="ana", hours=2.2),
        making.bug("B9", "P2", "Avatar of a 日本語 name is cut", assignee="bo", hours=80),
        making.bug("B3", "P4", "Pixel off", hours=300),
    )
    return making.view()


def observer() -> RoomView:
    """As live, on the screen of somebody without a seat that may take the conn."""
    return Making(me=CY).running().view()


def stale() -> RoomView:
    """The flag backend and the probe have been failing for a while; what they said last is still shown."""
    making = Making().running()
    making.aged("flagd", "flags.json: permission denied", seconds=94)
    making.aged("web", "connection refused", seconds=60)
    return making.view()


def down() -> RoomView:
    """Nothing answers, the probe never did, and nobody polls."""
    making = Making().running()
    making.aged("flagd", "flags.json: no such file", hours=2)
    making.aged("host", "no /proc", hours=2)
    making.answered("web", None, "name not known")
    making.collector = None
    return making.view()


def empty() -> RoomView:
    """A fresh start: an empty journal, and no source has answered yet."""
    return Making().view()


def bare() -> RoomView:
    """A plan that has nothing but a launch instant."""
    return Making(Plan(launch=plan().launch)).view()


def held() -> RoomView:
    """As live, but held by another operator, and nobody has the conn."""
    making = Making().running().wrote(events.RolloutHeld("production", "payments fail"), BO, minutes=6)
    return making.has_conn(None).view()


def unknown() -> RoomView:
    """A change was sent and nobody knows whether it happened."""
    making = Making().running().changed("op-4", stage("wednesday"), "unknown", hours=0.1)
    return making.aged("flagd", "timed out", seconds=25).view()


def drifted() -> RoomView:
    """Somebody changed the backend behind the console's back."""
    return Making().running().exposed(stage("thursday"), by="mallory", hours=0.5).view()


def past() -> RoomView:
    """The whole plan is over: a rebase is due."""
    making = Making(now=NOW + timedelta(days=400)).running()
    return making.view()


def read_only() -> RoomView:
    """The journal is damaged."""
    making = Making().running()
    making.trouble = "entry 12 does not match its hash: read only"
    return making.view()


def crowded(number: int = 10_000) -> RoomView:
    """A queue of many open bugs."""
    making = Making().running()
    making.bugs(
        *(
            making.bug(f"B{index}", PRIORITIES[index % 5], f"Bug number {index}", hours=index % 900)
            for index in range(number)
        )
    )
    return making.view()


ALL: Mapping[str, Callable[[], RoomView]] = {
    make.__name__: make
    for make in (
        live,
        blocked,
        observer,
        stale,
        down,
        empty,
        bare,
        held,
        unknown,
        drifted,
        past,
        read_only,
        crowded,
    )
}
"""Every kind of room by name."""

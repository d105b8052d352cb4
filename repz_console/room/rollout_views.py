"""What the room says of rollouts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from repz_console.facts import Exposure, Freshness, Hold, Verdict


class Truth(Struct, frozen=True):
    """One of the four truths of a rollout."""

    name: Literal["planned", "desired", "configured", "measured"]
    exposure: Exposure | None
    """None when it is not known, never a guess."""
    at: datetime | None
    by: str
    freshness: Freshness
    note: str = ""


class StageView(Struct, frozen=True):
    """A planned stage and where it stands."""

    id: str
    title: str
    at: datetime
    timed: bool
    """False where the plan gives a day without a time."""
    exposure: Exposure
    percent: float
    regions: tuple[str, ...]
    features: tuple[str, ...]
    phase: str
    state: Literal["done", "current", "next", "planned"]
    note: str = ""
    of_all: float | None = None
    """The percent of all people of the cohort that it shows anything; None where the plan does not say how many live
    where."""
    due: bool = False
    """Its planned instant has come and it is not reached: it asks."""
    approvals: int = 0
    """How many people besides the one who applies it must approve it."""


class GateView(Struct, frozen=True):
    """One condition of widening, with its answer."""

    id: str
    title: str
    verdict: Verdict
    line: str
    """One plain line that says why."""
    next_change: datetime | None = None
    """When it could next change by itself."""
    evidence: tuple[str, ...] = ()
    """What it was judged on, one fact a line, with source and age."""
    waivable: bool = False
    """Whether two people may go on while it is INCONCLUSIVE. Never so for what any one person can cure at once."""
    excused: str = ""
    """Who waived or overrode it, until when and why, in one line; empty if nobody did."""
    overridden: bool = False
    """Excused by the director although it FAILs."""
    reason: str = ""
    """Why it is INCONCLUSIVE, in one word for scripts: `NO_SOURCE`, `NO_DATA`, `STALE`, `TOO_FEW`, `COUNTER_RESET`,
    `BAKING`, `DAMAGED`. Empty where its line alone says so."""

    @property
    def lets_pass(self) -> bool:
        """Whether it does not stand in the way: it passes, or somebody who may excused it."""
        return self.verdict is Verdict.PASS or bool(self.excused)


class RegionView(Struct, frozen=True):
    """One region of a rollout."""

    id: str
    title: str
    planned: float
    """Percent by the calendar."""
    desired: float | None
    configured: float | None
    """None while it is not known."""
    next: float | None
    """At the next stage; None where no stage is left."""
    enters: bool = False
    """Whether the next stage lets its first people in."""


class PartView(Struct, frozen=True):
    """One step of a change, or what one backend has of a rollout."""

    controller: str
    features: tuple[str, ...]
    state: str
    """`waits`, `sent`, `applied`, `refused` or `unknown` for a step; what is configured for a backend."""
    why: str = ""


class StationView(Struct, frozen=True):
    """A seat that is asked in a go/no-go poll."""

    seat: str
    title: str
    round: int
    """From 0."""
    holder: str
    """Who answers for it, `user@host` once somebody took the seat, else who may, in words."""
    mine: bool
    """Whether this console's operator may answer."""
    answer: Literal["GO", "NO-GO", "GO-IF", ""]
    """Empty while it is silent, which counts as NO-GO."""
    stands: bool
    """Whether it counts as GO now."""
    stale: str
    """Why a GO no longer counts, in one line; empty if it does."""
    line: str
    """Who said what and when, or that it is silent, in one line."""
    turn: bool
    """Whether it is the next one to be asked."""
    criteria: tuple[str, ...] = ()
    reason: str = ""
    """Why not, or the condition of a GO-IF, in its own words."""


class PollView(Struct, frozen=True):
    """A go/no-go poll for one stage."""

    id: str
    title: str
    stage: str
    run: str
    """Empty while it has not been called."""
    round: int
    """The round that is open, from 0."""
    stations: tuple[StationView, ...]
    """In the order in which they are asked."""
    verdict: Literal["not called", "open", "GO", "NO-GO"]
    armed_until: datetime | None
    """Until when unanimous GO lets the stage be entered."""
    line: str
    """How it stands, in one line."""
    may_call: str
    """Empty if this console's operator may call the next round now, else why not."""


class ApprovalView(Struct, frozen=True):
    """What was asked to be approved."""

    ask: str
    stage: str
    target: Exposure
    who: str
    at: datetime
    until: datetime | None
    given: tuple[str, ...]
    """Who approved, `user@host` each; SOLO where it was the same person after the cool-off."""
    needed: int
    void: str
    """Why it no longer holds, in one line; empty if it does."""
    may_give: str
    """Empty if this console's operator may approve it now, else why not."""


class WaiverView(Struct, frozen=True):
    """A gate that people want to pass, or pass, although it is INCONCLUSIVE."""

    waiver: str
    gate: str
    stage: str
    who: str
    second: str
    """Who agreed; empty while it waits for somebody."""
    reason: str
    until: datetime
    may_second: str
    """Empty if this console's operator may agree now, else why not."""


class LookView(Struct, frozen=True):
    """What this console found when it last looked whether its user could steer a backend."""

    controller: str
    roll_back: str
    """What would stand in the way; empty if nothing would."""
    kill: str
    at: datetime


class ReadinessView(Struct, frozen=True):
    """Whether this user could kill a backend now, by this token, file permission and network."""

    controller: str
    state: Literal["ready", "not ready", "unknown"]
    """`unknown` where nobody has looked for a while."""
    line: str
    """What stands in the way, or that nothing does."""
    at: datetime | None
    """When that was found out. A later look that finds the same does not move it."""


class ChangeView(Struct, frozen=True):
    """A change of a rollout."""

    op: str
    action: Literal["set", "rollback", "kill"]
    state: Literal["intended", "sent", "confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"]
    target: Exposure
    who: str
    at: datetime
    why: str = ""
    stage: str = ""
    """The planned stage that it goes to; empty where it is none."""
    steps: tuple[PartView, ...] = ()
    """Where it needs several steps, what became of each."""


class RolloutView(Struct, frozen=True):
    """One rollout: plan, truths, gates."""

    id: str
    title: str
    controller: str
    """The source that applies it; several joined by ` + `."""
    backend: str
    """The controller's kind; several joined likewise."""
    cohort: str
    regions: tuple[tuple[str, str], ...]
    """(id, title)."""
    features: tuple[tuple[str, str], ...]
    stages: tuple[StageView, ...]
    current: StageView | None
    """The stage that the configured exposure equals, or the last one it covers; None before the first."""
    next: StageView | None
    planned: Truth
    desired: Truth
    configured: Truth
    measured: Truth
    revision: str
    """Of the configured state; empty while it is not known."""
    drift: tuple[str, ...]
    """Where truths disagree, one plain line each."""
    hold: Hold | None
    change: ChangeView | None
    unknown: tuple[ChangeView, ...]
    """Changes whose outcome nobody knows, oldest first; they block widening."""
    last_good: Exposure | None
    """Where roll back goes: the last confirmed exposure below the present one."""
    gates: tuple[GateView, ...]
    """For entering the next stage."""
    verdict: Verdict
    """Of all of them, the excused ones left out."""
    where: tuple[RegionView, ...] = ()
    """Region by region: planned, desired, configured, and after the next stage."""
    of_all: float | None = None
    """The percent of all people of the cohort that see anything now; None where that is not known."""
    parts: tuple[PartView, ...] = ()
    """Where several steps make one change, what each backend has configured; else empty."""
    poll: PollView | None = None
    """The go/no-go poll for the next stage; None where it needs none."""
    approval: ApprovalView | None = None
    """What was last asked to be approved and is not spent; None where nothing was, or need not be."""
    waivers: tuple[WaiverView, ...] = ()
    """Those that hold or wait for a second person."""
    overrides: tuple[str, ...] = ()
    """Gates that the director overrode and whose stage has not ended, one red line each."""
    readiness: tuple[ReadinessView, ...] = ()
    """Whether this user could kill each backend now."""
    due: str = ""
    """What the plan asks for now, in one line; empty if nothing is due."""
    settles_at: datetime | None = None
    """When the last change may be expected to be seen by everybody; None if it is, or nothing was changed."""
    automatic: str = ""
    """What may happen without a person, in one line; empty where the plan arms nothing."""
    unarmed: str = ""
    """Why that cannot happen now, in one line; empty if it can."""
    cannot: str = ""
    """What its backend cannot do, in one line; empty if it can all that the plan asks for."""

    @property
    def controllers(self) -> tuple[str, ...]:
        """Ids of the sources that apply it, in the order in which widening goes."""
        return tuple(dict.fromkeys(part.controller for part in self.parts)) or (self.controller,)


class RolloutsView(Struct, frozen=True):
    """All rollouts; the first is the one the status line speaks of."""

    rollouts: tuple[RolloutView, ...]
    blocker: str
    """The first thing in the way of the main rollout's next step, in one line; empty if none."""
    next_change: datetime | None
    kill: str = ""
    """Which backend this user could not kill now, and why, in one line; empty if all could be."""

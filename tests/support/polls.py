"""Rooms in which a go/no-go poll is held: two rounds, three stations, before Wednesday of the test launch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, Self

from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Actor
from repz_console.plan.model import Plan, Poll, Round, Station
from repz_console.room.approvals import VALID
from repz_console.room.views import GateView, PollView, RolloutView
from tests.support import rooms
from tests.support.rooms import ANA, BO, CY, NOW, Making

POLL = Poll(
    id="golive",
    title="Go/no-go",
    valid_minutes=30,
    armed_minutes=20,
    round=(
        Round(
            title="Technical poll",
            caller="tech",
            station=(
                Station(seat="tech", criteria=("it is deployed",), gates=("p0", "data")),
                Station(seat="support", criteria=("somebody answers",)),
            ),
        ),
        Round(title="Director's poll", caller="director", station=(Station(seat="director"),)),
    ),
)

HOLDERS = {"tech": BO, "support": CY, "director": ANA}


def plan(*, solo: bool = False, approvals: int = 0, poll: str = "golive", poll_table: Poll = POLL) -> Plan:
    """The test launch, in which Wednesday needs a poll, and as many approvals as said."""
    whole = rooms.plan()
    production = whole.rollout["production"]
    stages = tuple(
        replace(each, poll=poll, approvals=approvals) if each.id == "wednesday" else each for each in production.stage
    )
    return replace(
        whole,
        launch=replace(whole.launch, solo=solo),
        poll=(poll_table,),
        rollout={**whole.rollout, "production": replace(production, stage=stages)},
    )


class Polled(Making):
    """A room in the making in which people are asked. The actors hold their seats since an hour ago."""

    def __init__(self, of: Plan | None = None, *, me: Actor = ANA, seated: bool = True, now: datetime = NOW) -> None:
        super().__init__(of or plan(), me=me, now=now)
        self.running()
        if seated:
            for seat, actor in HOLDERS.items():
                self.wrote(events.SeatTaken(seat), actor, minutes=60)

    def rollout(self, at: datetime | None = None) -> RolloutView:
        """Production, as it stands now or then."""
        return self.room().view(at or self.now).rollout.rollouts[0]

    def poll(self, at: datetime | None = None) -> PollView:
        """Its poll."""
        view = self.rollout(at).poll
        assert view is not None
        return view

    def gate(self, identity: str, at: datetime | None = None) -> GateView:
        """A gate of its next stage."""
        return next(gate for gate in self.rollout(at).gates if gate.id == identity)

    def seen(self) -> dict[str, Any]:
        """What an answer freezes."""
        return {
            gate.id: {"verdict": str(gate.verdict), "line": gate.line, "evidence": list(gate.evidence)}
            for gate in self.rollout().gates
            if gate.id not in ("conn", "poll", "approval")
        }

    def call(self, number: int = 0, run: str = "r1", *, minutes: float = 5, stage: str = "wednesday") -> Self:
        """Somebody called a round that long ago."""
        actor = BO if number == 0 else ANA
        called = events.PollCalled(run, "golive", "production", stage, number, self.origin.hash)
        return self.wrote(called, actor, minutes=minutes)

    def say(
        self,
        seat: str,
        answer: Literal["GO", "NO-GO", "GO-IF"] = "GO",
        reason: str = "",
        *,
        run: str = "r1",
        actor: Actor | None = None,
        minutes: float = 4,
        due: datetime | None = None,
        verbal: str = "",
        plan_hash: str | None = None,
    ) -> Self:
        """A station answered that long ago, and saw what is there now."""
        vote = events.VoteCast(
            run,
            seat,
            answer,
            reason,
            owner="cy" if answer == "GO-IF" else "",
            due=due,
            evidence=self.seen(),
            plan_hash=self.origin.hash if plan_hash is None else plan_hash,
            verbal=verbal,
        )
        return self.wrote(vote, actor or HOLDERS[seat], minutes=minutes)

    def unanimous(self) -> Self:
        """Everybody said GO, the last one two minutes ago."""
        self.call().say("tech").say("support").call(1, minutes=3)
        return self.say("director", minutes=2)

    def asked(self, actor: Actor = ANA, *, minutes: float = 6, ask: str = "a1") -> Self:
        """Somebody asked that long ago to approve going to Wednesday, on everything as it is now."""
        evidence = {
            gate.id: str(gate.verdict) for gate in self.rollout().gates if gate.id not in ("conn", "change", "approval")
        }
        target = rooms.stage("wednesday", of=self.plan)
        until = self.ago(minutes=minutes) + VALID
        event = events.ApprovalAsked(
            ask, "production", "wednesday", target, "17", self.origin.hash, evidence, until, "on time"
        )
        return self.wrote(event, actor, minutes=minutes)


def later(minutes: float) -> datetime:
    """So long after now."""
    return NOW + timedelta(minutes=minutes)

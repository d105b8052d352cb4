"""Polls under any order of calls, answers, seats and time: a stage is never armed without a GO of every station."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Verdict
from tests.support import rooms
from tests.support.polls import HOLDERS, POLL, Polled, plan
from tests.support.rooms import ANA, BO, CY, NOW

STATIONS = [(number, station.seat) for number, each in enumerate(POLL.round) for station in each.station]
SEATS = ["tech", "support", "director"]
WHOLE = plan(poll_table=replace(POLL, valid_minutes=10, armed_minutes=6))
PLAN = replace(WHOLE, seat=tuple(replace(seat, users=("ana", "bo", "cy")) for seat in WHOLE.seat))
VALID, ARMED = timedelta(minutes=10), timedelta(minutes=6)

step = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 2), st.sampled_from(["r1", "r2"])),
    st.tuples(st.just("vote"), st.sampled_from(SEATS), st.sampled_from(["GO", "GO", "GO", "NO-GO", "GO-IF"])),
    st.tuples(st.just("own"), st.sampled_from(SEATS), st.sampled_from([ANA, BO, CY])),
    st.tuples(st.just("accept"), st.sampled_from(SEATS), st.none()),
    st.tuples(st.just("bug"), st.booleans(), st.none()),
    st.tuples(st.just("enter"), st.none(), st.none()),
    st.tuples(st.just("back"), st.none(), st.none()),
    st.tuples(st.just("close"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.integers(0, 400), st.none()),
)
"""One thing that happens; waits are in seconds."""

unanimous: list[tuple[object, ...]] = [
    ("call", 0, "r1"),
    ("vote", "tech", "GO"),
    ("vote", "support", "GO"),
    ("call", 1, "r1"),
    ("vote", "director", "GO"),
]


class Model:
    """The rules once more, kept as simple as they are said."""

    def __init__(self) -> None:
        self.run = ""
        self.rounds: list[datetime] = []
        self.votes: dict[str, tuple[str, datetime, str, bool, str, datetime]] = {}
        self.holder = {seat: actor.user for seat, actor in HOLDERS.items()}
        self.over = False
        """Entered, taken back or called off."""
        self.closed = False
        self.bug = False

    def armed(self, now: datetime) -> datetime | None:
        """Until when the stage is armed; None if it is not."""
        if self.over or len(self.rounds) < len(POLL.round):
            return None
        until, given = [], []
        for number, seat in STATIONS:
            if seat not in self.votes:
                return None
            answer, at, who, accepted, saw, accepted_at = self.votes[seat]
            fine = answer == "GO" or (answer == "GO-IF" and accepted)
            rests = seat != "tech" or saw == ("FAIL" if self.bug else "PASS")
            if not fine or not rests or at < self.rounds[number] or self.holder[seat] != who or now >= at + VALID:
                return None
            until.append(at + VALID)
            given.append(max(at, accepted_at))
        end = min([max(given) + ARMED, *until])
        return end if now < end else None


@given(st.lists(step, max_size=10), st.booleans(), st.lists(step, max_size=6))
def test_armed_means_that_everybody_says_go_now(
    first: list[tuple[object, ...]], all_go: bool, then: list[tuple[object, ...]]
) -> None:
    making, model = Polled(PLAN), Model()
    now = NOW
    for what, one, other in [*first, *(unanimous if all_go else []), *then]:
        now += timedelta(seconds=7)
        if what == "wait":
            assert isinstance(one, int)
            now += timedelta(seconds=one)
        making.now = now
        making.exposed(rooms.stage("tuesday"), op="op-3")
        _do(making, model, str(what), one, other)
        poll, gate = making.poll(), making.gate("poll")
        expected = model.armed(now)
        event("armed" if expected is not None else "not armed")
        assert poll.armed_until == expected, f"{what} {one} {other}"
        assert (gate.verdict is Verdict.PASS) == (expected is not None)
        if expected is not None:
            assert all(station.stands for station in poll.stations)
            assert making.gate("poll", expected).verdict is Verdict.FAIL


def _do(making: Polled, model: Model, what: str, one: object, other: object) -> None:
    now = making.now
    if what == "call":
        assert isinstance(one, int)
        making.call(one, str(other), minutes=0)
        if one == 0 and other != model.run:
            model.run, model.rounds, model.votes = str(other), [now], {}
            model.over = model.closed = False
        elif other == model.run and one == len(model.rounds) and not model.closed:
            model.rounds.append(now)
    elif what == "vote":
        seat = str(one)
        actor = next(actor for actor in (ANA, BO, CY) if actor.user == model.holder[seat])
        due = now + timedelta(hours=1) if other == "GO-IF" else None
        making.say(seat, other, "as agreed", run=model.run or "r1", actor=actor, minutes=0, due=due)  # type: ignore[arg-type]
        if model.run and not model.closed:
            model.votes[seat] = (str(other), now, actor.user, False, "FAIL" if model.bug else "PASS", now)
    elif what == "own":
        making.wrote(events.SeatTaken(str(one)), other)  # type: ignore[arg-type]
        if model.holder[str(one)] != other.user:  # type: ignore[attr-defined]
            model.votes.pop(str(one), None)
        model.holder[str(one)] = other.user  # type: ignore[attr-defined]
    elif what == "accept":
        making.wrote(events.ConditionAccepted(model.run or "r1", str(one)), ANA)
        vote = model.votes.get(str(one))
        if vote is not None and vote[0] == "GO-IF" and not model.closed:
            model.votes[str(one)] = (*vote[:3], True, vote[4], now)
    elif what == "bug":
        model.bug = bool(one)
        making.bugs(*([making.bug("B1", "P0", "Checkout")] if one else []))
    elif what == "enter":
        making.changed(f"op-{len(making.entries)}", rooms.stage("wednesday"), "confirmed", hours=0)
        model.over = True
    elif what == "back":
        back = events.ChangeIntended(f"op-{len(making.entries)}", "production", "kill", rooms.stage("soft"), None, "")
        making.wrote(back, CY)
        model.over = True
    elif what == "close":
        making.wrote(events.PollClosed(model.run or "r1", "enough"), ANA)
        if model.run:
            model.over = model.closed = True

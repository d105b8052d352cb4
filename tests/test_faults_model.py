"""Three operators do whatever operators do, in any order, and die at it: held to a model that knows only the rules.

After each operation: at most one console has the conn, each change of what people see is explained by one entry or by a
stranger, nobody saw more without the conn, a GO of every station and a fresh approval, and a kill left nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from repz_console import events
from repz_console.engine import settler
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.facts import Actor, Change, Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.providers.base import ProviderError
from repz_console.store.journal import Journal
from tests.conftest import Figure
from tests.support import council
from tests.support.council import everybody_exists, person
from tests.support.sessions import at, launch

__all__ = ["everybody_exists"]

NAMES = ("ann", "bo", "dan")
SEATS = {"tech": "ann", "qa": "bo", "director": "dan"}
SOFT = at(20)
"""The stage that needs the poll and one approval."""
names = st.sampled_from(NAMES)
percents = st.sampled_from((5, 10, 20, 20, 40, 100))
Work = Callable[[Session], Awaitable[Any]]


class Law:
    """What the journal says so far, and what it allows next. Knows nothing of the house's own folding."""

    def __init__(self) -> None:
        self.seq = 0
        self.holder, self.token = "", 0
        self.held = self.stopped = False
        self.intents: dict[str, events.ChangeIntended] = {}
        self.sent: set[str] = set()
        self.ends: dict[str, str] = {}
        self.fences: set[str] = set()
        self.ask: events.ApprovalAsked | None = None
        self.asker = 0
        self.approved: set[int] = set()
        self.run, self.round, self.votes = "", -1, dict[str, str]()
        self.widened = 0

    def take(self, entry: events.Entry) -> None:
        """Go on by one entry, which must be allowed by those before."""
        assert entry.seq == self.seq + 1, "an entry is lost"
        self.seq = entry.seq
        match entry.event:
            case events.ConnTaken(token=token):
                assert token > self.token
                self.holder, self.token = entry.actor.console, token
            case events.ConnReleased(token=token):
                self.holder = "" if token == self.token else self.holder
            case events.RolloutHeld():
                self.held = True
            case events.RolloutResumed():
                assert entry.actor.console == self.holder
                self.held = False
            case events.LineStopped():
                self.stopped = True
            case events.LineStarted() | events.PlanAdopted():
                assert entry.actor.console == self.holder
                self.stopped = self.stopped and not isinstance(entry.event, events.LineStarted)
            case events.ApprovalAsked() | events.ApprovalGiven():
                self._consent(entry.actor, entry.event)
            case events.PollCalled() | events.VoteCast() | events.PollClosed():
                self._poll(entry.event)
            case events.BackendFenced(op=op):
                self.fences.add(op)
            case events.ChangeIntended(op=op):
                assert op not in self.intents
                self.intents[op] = entry.event
                if entry.event.action != "set":  # a way back gives up what everybody agreed to
                    self._end_poll()
                    self.ask = None
            case events.ChangeSent(op=op):
                self.sent.add(op)
                self._sent(self.intents[op], entry.actor)
            case events.ChangeEnded(op=op, outcome=outcome):
                assert self.ends.get(op, "unknown") in ("unknown", "partial"), "settled twice"
                self.ends[op] = outcome
                if outcome == "confirmed" and self.intents[op].action == "set":
                    self.ask = None
                    if exposures.same(self.intents[op].target, SOFT):
                        self._end_poll()

    def _consent(self, actor: Actor, event: events.ApprovalAsked | events.ApprovalGiven) -> None:
        if isinstance(event, events.ApprovalAsked):
            self.ask, self.asker, self.approved = event, actor.uid, set()
        elif self.ask is not None and event.ask == self.ask.ask and actor.uid != self.asker:
            self.approved.add(actor.uid)

    def _poll(self, event: events.PollCalled | events.VoteCast | events.PollClosed) -> None:
        match event:
            case events.PollCalled(run=run, round=number):
                if run != self.run:
                    self.run, self.votes = run, {}
                self.round = number
            case events.VoteCast(run=run, seat=seat, answer=answer) if run == self.run:
                self.votes[seat] = answer
            case events.PollClosed(run=run) if run == self.run:
                self._end_poll()

    def _end_poll(self) -> None:
        self.run, self.votes, self.round = "", {}, -1

    def _sent(self, intent: events.ChangeIntended, actor: Actor) -> None:
        """A change is about to be applied: may it?"""
        if intent.action != "set" or not exposures.widens(intent.before, intent.target):
            return
        self.widened += 1
        assert actor.console == self.holder, "widened without the conn"
        assert not self.held, "widened on hold"
        assert not self.stopped, "widened though the line is stopped"
        if exposures.widens(SOFT, intent.target):
            assert intent.before is not None, "a stage was passed over"
            assert not exposures.widens(intent.before, SOFT), "a stage was passed over"
            return
        assert self.ask is not None, "widened without an approval, or with one that was used"
        assert self.approved - {actor.uid}, "widened without a second person"
        assert (self.ask.revision, exposures.same(self.ask.target, intent.target)) == (intent.expect, True)
        assert self.round == 1, "widened without the whole poll"
        assert self.votes == dict.fromkeys(SEATS, "GO"), "widened without a GO of everybody"


class Operators(RuleBasedStateMachine):
    """Three people, one store, one flag file."""

    counted: ClassVar[Counter[str]] = Counter()
    operations: ClassVar[int] = 0
    widened: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.temporary = TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.loaded = launch(self.folder, council.config(approvals=1))
        self.sessions: dict[str, Session] = {}
        self.lives = itertools.count(1)
        self.law = Law()
        self.explained: set[str] = set()
        self.strange = False
        self.shown = Exposure({}, ())
        self.last_op = ""
        self.run(self._sit("ann"))
        self.journal = Journal.open(self.folder / "store", read_only=True)

    def teardown(self) -> None:
        for session in self.sessions.values():
            self.run(session.aclose())
        assert self.journal.verify().ok
        self.journal.close()
        self.runner.close()
        self.temporary.cleanup()
        Operators.widened += self.law.widened

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def _sit(self, name: str) -> Session:
        """Somebody's console; a new one if the last one died."""
        if name not in self.sessions:
            who = person(name)
            who = Actor(who.user, who.uid, who.host, who.tty, f"{name}-{next(self.lives)}", proven=True)
            self.sessions[name] = await Session.open(self.loaded, actor=who, watch=False, collect=False)
        return self.sessions[name]

    def do(self, name: str, what: str, work: Work) -> Any:
        """Let somebody do something, by whatever is known by then."""

        async def done() -> Any:
            session = await self._sit(name)
            session.touch()
            return await work(session)

        Operators.operations += 1
        found = self.run(done())
        Operators.counted[f"{what} {found.state if isinstance(found, Outcome) else ''}".strip()] += 1
        return found

    # What people do

    @rule(name=names, reason=st.sampled_from(("", "my turn")))
    def takes_conn(self, name: str, reason: str) -> None:
        self.do(name, "take", lambda session: session.take_conn(reason))

    @rule(name=names)
    def releases_conn(self, name: str) -> None:
        self.do(name, "release", lambda session: session.release_conn())

    @rule(name=names, percent=percents, stale=st.booleans(), take=st.booleans())
    def sets(self, name: str, percent: float, stale: bool, take: bool) -> None:
        async def work(session: Session) -> Outcome:
            if take:
                await session.take_conn("to widen")
            if not stale:
                await session.refresh_rollout("production")
            expect = session.view().rollout.rollouts[0].revision
            return await session.control.change("production", "set", at(percent), expect=expect)

        self.do(name, "set", work)

    @rule(name=names, percent=st.sampled_from((None, 0, 5, 10)))
    def rolls_back(self, name: str, percent: float | None) -> None:
        target = None if percent is None else at(percent)
        self.do(name, "roll back", lambda session: session.control.change("production", "rollback", target))

    @rule(name=names)
    def kills(self, name: str) -> None:
        outcome = self.do(name, "kill", lambda session: session.control.change("production", "kill"))
        assert outcome.state == "confirmed", outcome.line
        assert exposures.is_nobody(self._read().exposure)

    @rule(name=names, what=st.sampled_from(("hold", "resume")))
    def holds(self, name: str, what: str) -> None:
        self.do(name, what, lambda session: getattr(session.control, what)("production", "so"))

    @rule(name=names, what=st.sampled_from(("stop_line", "start_line")))
    def stops(self, name: str, what: str) -> None:
        self.do(name, what, lambda session: getattr(session.council, what)("so"))

    @rule(name=names)
    def calls(self, name: str) -> None:
        self.do(name, "call", lambda session: session.council.call("production"))

    @rule(name=names, seat=st.sampled_from(tuple(SEATS)), answer=st.sampled_from(("GO", "GO", "GO", "NO-GO")))
    def votes(self, name: str, seat: str, answer: Any) -> None:
        self.do(name, "vote", lambda session: session.council.vote("production", seat, answer, reason="so"))

    def everybody_says_go(self) -> None:
        """As far as they are asked."""
        for name, seat in (("ann", "tech"), ("bo", "qa"), ("dan", "director")):
            if name != "bo":
                self.do(name, "call", lambda session: session.council.call("production"))
            self.do(name, "vote", lambda session, seat=seat: session.council.vote("production", seat, "GO"))

    @rule(name=names, percent=percents)
    def asks(self, name: str, percent: float) -> None:
        async def work(session: Session) -> Outcome:
            await session.refresh_rollout("production")
            return await session.council.ask("production", at(percent))

        self.do(name, "ask", work)

    @rule(name=names)
    def approves(self, name: str) -> None:
        self.do(name, "approve", lambda session: session.council.approve("production"))

    @rule(name=names, gate=st.sampled_from(("data", "p0", "drift", "approval")))
    def waives(self, name: str, gate: str) -> None:
        self.do(name, "waive", lambda session: session.council.waive("production", gate, "so", 5))

    @rule(name=names)
    def seconds(self, name: str) -> None:
        self.do(name, "second", lambda session: session.council.second("production"))

    @rule(name=names)
    def accepts(self, name: str) -> None:
        async def work(session: Session) -> Outcome:
            await session.refresh_rollout("production")
            seen = session.view().rollout.rollouts[0].configured.exposure
            return await session.control.accept("production", seen)

        self.do(name, "accept", work)

    @rule(name=names)
    def adopts(self, name: str) -> None:
        self.do(name, "adopt", lambda session: session.adopt())

    @initialize()
    def begins(self) -> None:
        """Somewhere from where all ways are open."""
        self.goes_the_whole_way("ann", "bo", 10)

    @rule(first=names, second=names, percent=st.sampled_from((5, 10, 20)))
    def goes_the_whole_way(self, first: str, second: str, percent: float) -> None:
        """What it takes to widen, as far as it can be had."""
        self.do(first, "take", lambda session: session.take_conn("my turn"))
        self.do(first, "resume", lambda session: session.control.resume("production"))
        self.do(first, "start_line", lambda session: session.council.start_line("so"))
        self.everybody_says_go()
        self.asks(first, percent)
        self.approves(second)
        self.sets(first, percent, stale=False, take=False)

    @rule(
        name=names,
        what=st.sampled_from(("set", "rollback", "kill")),
        where=st.sampled_from(("change.intended", "change.sent", "asked", "applied", "change.ended")),
    )
    def dies(self, name: str, what: Any, where: str) -> None:
        """Somebody's console is gone on the way of a change, and lets go of nothing."""

        async def work(session: Session) -> None:
            gone = asyncio.Event()
            append, backend = session._writer.append, await session._known.sources.writer("flags")
            apply = backend.apply

            async def dead() -> Any:
                gone.set()
                await asyncio.Event().wait()

            async def appended(event: Any, **given: Any) -> Any:
                entry = await append(event, **given)
                return await dead() if entry.kind == where else entry

            async def applied(change: Change) -> Any:
                if where == "asked":
                    await dead()
                state = await apply(change)
                return await dead() if where == "applied" else state

            session._writer.append, backend.apply = appended, applied  # type: ignore[method-assign]
            await session.refresh_rollout("production")
            expect = session.view().rollout.rollouts[0].revision
            target = {"set": at(10), "rollback": at(5), "kill": None}[what]
            changing = asyncio.create_task(session.control.change("production", what, target, expect=expect))
            waiting = asyncio.create_task(gone.wait())
            await asyncio.wait({changing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            await _abandon(session, [changing, waiting])

        self.do(name, f"die at {where}", work)
        self.sessions.pop(name, None)

    @rule(everybody=st.booleans())
    def a_stranger_edits(self, everybody: bool) -> None:
        """The file is for everybody to edit."""
        file = self.folder / "flags.json"
        if not file.exists():
            return
        document = json.loads(file.read_text())
        for flag in document["flags"].values():
            flag.pop("targeting", None)
            flag["defaultVariant"] = "on" if everybody else "off"
        file.write_text(json.dumps(document))
        self.strange = True
        Operators.operations += 1
        Operators.counted["stranger's edit"] += 1

    # What holds

    @invariant()
    def everything_is_explained(self) -> None:
        for entry in self.journal.entries(after=self.law.seq):
            self.law.take(entry)
        self._at_most_one_has_the_conn()
        state = self._read()
        if state.op != self.last_op and state.op:
            assert state.op in self.law.sent | self.law.fences, "applied without a record"
            # A stranger may put back what once was.
            assert state.op not in self.explained or self.strange, "applied twice"
            self.explained.add(state.op)
            self._agrees(state)
        elif not exposures.same(state.exposure, self.shown):
            assert self.strange, "nothing explains what is shown"
        for op in {op for op, end in self.law.ends.items() if end in ("not_applied", "rejected")}:
            assert op not in self.explained, "called not applied, and was"
        self.last_op, self.shown, self.strange = state.op, state.exposure, False

    def _agrees(self, state: RolloutState) -> None:
        intent = self.law.intents.get(state.op)
        if intent is not None and not self.strange:
            assert exposures.same(state.exposure, intent.target), "another exposure than was decided"
            widened = exposures.widens(self.shown, state.exposure)
            assert not widened or intent.action == "set", "widened by a way back"
        elif not self.strange:
            assert exposures.same(state.exposure, self.shown), "changed by a fence"

    def _at_most_one_has_the_conn(self) -> None:
        async def tokens() -> tuple[list[int], int]:
            held = [session._conn.fence.token for session in self.sessions.values() if session._conn.fence]
            if not self.sessions:
                return held, 0
            storage = next(iter(self.sessions.values()))._storage
            lease = await storage.run(lambda stores: stores.leases.holder("conn"))
            return held, lease.token if lease is not None else 0

        held, current = self.run(tokens())
        assert held.count(current) <= 1
        assert len(set(held)) == len(held), "two consoles believe in one hold"
        assert not current or current == self.law.token, "the lease is not the journal's"

    def _read(self) -> RolloutState:
        from tests.support.providers import provider

        flagd = provider("flagd", self.folder, "flags", self.loaded.plan, path="flags.json")
        try:
            state: RolloutState = self.run(flagd.read("production"))
        except ProviderError as error:
            raise AssertionError(str(error)) from error
        return state


async def _abandon(session: Session, tasks: list[asyncio.Task[Any]]) -> None:
    """As a kill leaves it: the lock goes with the process, the lease stays."""
    tasks += [*session.control._under_way, *filter(None, [session._conn._keeping])]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    session.control._carrier.liveness.release()
    await session._known.aclose()
    await session._storage.close(1.0)


@pytest.mark.figure
@pytest.mark.usefixtures("everybody_exists")
def test_three_operators_do_whatever_they_do_within_the_rules(monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
    for limit in ("LONGEST_FLIGHT", "BETWEEN_LOOKS", "LATE_WRITE"):
        monkeypatch.setattr(settler, limit, 0)
    Operators.counted, Operators.operations, Operators.widened = Counter(), 0, 0
    run_state_machine_as_test(
        Operators,
        settings=settings(
            max_examples=figure.count(8, 90),
            stateful_step_count=figure.count(20, 40),
            deadline=None,
            derandomize=not figure.full,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    told = ", ".join(f"{count:,} {what}" for what, count in Operators.counted.most_common())
    figure.say(
        f"3 operators, {Operators.operations:,} mixed operations: at most one holder, every effect explained, "
        f"{Operators.widened:,} widenings, none without its right ({told})"
    )

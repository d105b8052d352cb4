"""What this process knows: journal, snapshots, people, leases, plan. Lives on the event loop and does no I/O."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from repz_console.config import Loaded
from repz_console.engine import news
from repz_console.engine.effective import effective
from repz_console.engine.sources import Sources
from repz_console.events import ChangeEnded, Entry
from repz_console.facts import Actor, Exposure, Facts, Person, RolloutState, Snapshot
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.lint import findings
from repz_console.plan.model import Plan, Rollout
from repz_console.plan.parts import Step
from repz_console.providers.base import BugTriage, JournalReader, Refused, SpendBook
from repz_console.room import gates
from repz_console.room.backends import last_word
from repz_console.room.decisions import Decisions, RolloutDecisions
from repz_console.room.health import History
from repz_console.room.readiness import BELIEVED
from repz_console.room.rollout import Surroundings
from repz_console.room.room import Room
from repz_console.room.viewer import Viewer
from repz_console.room.views import FindingView, GateView, LookView, RoomView
from repz_console.store.emergency import Record
from repz_console.store.journal import Condition
from repz_console.store.leases import Lease
from repz_console.text import safe


class Known:
    """The room and everything that feeds it."""

    def __init__(self, own: Loaded, actor: Actor, folder: Path, clock: Callable[[], datetime]) -> None:
        """`own` is this console's file, `folder` the store's, whether it can be used or not."""
        self.actor = actor
        self.clock = clock
        self.condition = Condition()
        """What is wrong with the journal."""
        self.notices: dict[str, str] = {}
        """Subject to one plain line."""
        self.on_read_back: Callable[[str], None] = lambda _: None
        """Called with a backend's source when this console, or a change of another one, read that back."""
        self.conn: Lease | None = None
        self.collector: Lease | None = None
        self.people: tuple[Person, ...] = ()
        self.people_reads = 0
        """How often it was read who is here: while that cannot be read, nobody is known to be away."""
        self.snapshots: dict[str, Snapshot] = {}
        self.looks: Mapping[str, LookView] = {}
        """Whether this console's user could steer each backend, as last looked at."""
        self.records: tuple[Record, ...] = ()
        """What was recorded without the journal and is not in it yet, oldest first."""
        self._own = own
        self._folder = folder
        self._opened_at = clock()
        self._entries: list[Entry] = []
        self._subscribers: list[Callable[[], None]] = []
        self._telling = False
        self._closing: set[asyncio.Task[None]] = set()
        self._viewer = Viewer(actor)
        self._room = Room(own.plan, self._viewer)
        self.effective = effective(own, self._room.decisions)
        """The plan in force and its config."""
        self.sources = self._furnish()
        """The providers of the plan in force; another object once another plan is."""
        self._show_plan()

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.effective.plan

    @property
    def decisions(self) -> Decisions:
        """The journal, folded."""
        return self._room.decisions

    def decided(self, rollout: str) -> RolloutDecisions:
        """What was decided about a rollout, also what is not in the journal yet."""
        return self._room.decided(rollout)

    @property
    def recorder(self) -> bool:
        """Whether a `record` process polls for everyone now."""
        taken = self.decisions.collector
        ours = taken is not None and self.collector is not None and taken.event.token == self.collector.token
        return ours and taken is not None and taken.event.recorder

    @property
    def trouble(self) -> str:
        """Why the journal cannot be appended to; empty if it can, or may be tried again."""
        return self.condition.trouble

    @property
    def length(self) -> int:
        """Number of the last entry that is known."""
        return self._entries[-1].seq if self._entries else 0

    def view(self) -> RoomView:
        """Everything, as of now."""
        return self._room.view(self.clock())

    def gates(self, rollout: str, target: Exposure) -> tuple[GateView, ...]:
        """The gates of taking a rollout to `target`, judged afresh."""
        return self._room.gates(rollout, self.clock(), target)

    def surroundings(self) -> Surroundings:
        """What every rollout is judged in, as of now."""
        return self._room.surroundings(self.clock())

    def counters(self, rollout: str) -> dict[str, float]:
        """What the metrics that count a rollout's bakes say now, of those that can be believed."""
        return gates.counters(self.plan, self.plan.rollout[rollout], self.snapshots, self.clock())

    def may_take_conn(self) -> tuple[bool, str, str]:
        """Whether this console's operator may take the conn, in which seat, and what there is to say about it."""
        standing = self._room.standing()
        return standing.may, standing.seat, standing.note

    def steps(self, rollout: str) -> tuple[Step, ...]:
        """The steps of a change of a rollout, in the order in which widening goes. Raises `Refused` if the plan,
        adopted meanwhile, no longer has it."""
        return parts.steps_of(self._ramp(rollout), lambda source: self.sources.scopes(source, rollout))

    def controllers(self, rollout: str) -> tuple[str, ...]:
        """The sources that apply a rollout. Raises `Refused` as `steps` does."""
        return parts.controllers(self._ramp(rollout))

    def coarsest_step(self, rollout: str) -> float:
        """The finest percent that every backend of a rollout can tell apart."""
        able = (self.sources.abilities.get(source) for source in self.controllers(rollout))
        return max(exposures.PERCENT_STEP, *(each.step for each in able if each is not None), 0.0)

    def state(self, rollout: str) -> RolloutState | None:
        """What the backends last said of a rollout; None while one of them said nothing, or nothing to be believed."""
        ramp = self.plan.rollout[rollout]
        return parts.gathered(ramp, {source: self._said(source, rollout) for source in parts.controllers(ramp)})

    def partly(self, rollout: str) -> RolloutState | None:
        """The same, with an empty revision for each part of which nothing is known; None if nothing is of any. Only a
        way back may go by it."""
        if len(self.steps(rollout)) == 1:
            return self.state(rollout)
        said = {source: self._said(source, rollout) for source in self.controllers(rollout)}
        if not any(said.values()):
            return None
        unknown = RolloutState(rollout, exposures.nobody(), "")
        found = []
        for step in self.steps(rollout):
            word = said[step.controller]
            part = parts.narrowed(word, step) if word is not None else None
            found.append(replace(part or unknown, controller=step.controller, scope=step.scope))
        return parts.combined(found)

    def read_at(self, rollout: str) -> datetime | None:
        """When the backend that answered longest ago did; None if one never did."""
        known = [self.snapshots.get(source) for source in self.controllers(rollout)]
        times = [snapshot.last_ok_at if snapshot is not None else None for snapshot in known]
        return min((at for at in times if at is not None), default=None) if None not in times else None

    def _ramp(self, rollout: str) -> Rollout:
        if rollout not in self.plan.rollout:
            raise Refused(f"the plan no longer has the rollout {safe(rollout)}")
        return self.plan.rollout[rollout]

    def _said(self, source: str, rollout: str) -> RolloutState | None:
        state = last_word(self.snapshots.get(source), rollout)
        lapsed = state is not None and state.until is not None and self.clock() >= state.until
        return None if lapsed else state

    def slice(self, after: int, limit: int | None) -> Sequence[Entry]:
        """Entries with a higher `seq`, oldest first; with `limit` only the newest ones."""
        start = bisect.bisect_right(self._entries, after, key=lambda entry: entry.seq)
        if limit is not None:
            start = max(start, len(self._entries) - limit)
        return self._entries[start:]

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` soon after a change; returns what ends it."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def take_in(self, entries: Iterable[Entry]) -> None:
        """Further entries, oldest first; those already known are passed over."""
        fresh = [entry for entry in entries if entry.seq > self.length]
        if not fresh:
            return
        plan_before = (self.decisions.adopted, self.decisions.rebased)
        self._entries += fresh
        self._room.update(entries=fresh)
        self._room.update(recorder=self.recorder)
        if (self.decisions.adopted, self.decisions.rebased) != plan_before:
            self._replan()
        self._fold(fresh)
        for entry in fresh:
            if isinstance(entry.event, ChangeEnded) and entry.event.outcome == "confirmed":
                self._tell_of_change(entry.event.op)
        self.changed()

    def put(self, snapshots: Iterable[Snapshot]) -> None:
        """What sources said. An older word than the known one is passed over."""
        told = False
        for snapshot in snapshots:
            known = self.snapshots.get(snapshot.source)
            if snapshot.source in self.sources.readers or not news.is_news(snapshot, known, self.clock()):
                continue
            snapshot = news.with_newest_answer(snapshot, known, self.clock())
            if known is None or not news.tells_the_same(known, snapshot):
                told = True
            elif known.facts == snapshot.facts:
                snapshot = replace(snapshot, facts=known.facts)
            self.snapshots[snapshot.source] = snapshot
        self._room.update(snapshots=self.snapshots)
        if told:
            self.changed()

    def put_states(self, source: str, states: Iterable[RolloutState]) -> None:
        """All rollouts of a backend, read back just now by this process."""
        now = self.clock()
        known = self.snapshots.get(source)
        if source not in self.plan.source:  # another plan was adopted meanwhile
            return
        if known is None:
            spec = self.plan.source[source]
            known = Snapshot(source, spec.kind, spec.every)
        facts = replace(known.facts or Facts(), rollouts=tuple(states))
        self.put([replace(known, facts=facts, last_ok_at=now, last_try_at=now, error="")])
        self.on_read_back(source)

    def put_people(self, people: tuple[Person, ...]) -> None:
        """Who has a console open, read just now."""
        self.people_reads += 1
        if people != self.people:
            self.people = people
            self._room.update(people=people)
            self.changed()

    def put_looks(self, looks: Mapping[str, LookView]) -> None:
        """Whether this console's user could steer each backend, looked at just now. Nobody is told of no news."""
        told = _untimed(looks) != _untimed(self.looks)
        if not told and all(abs(look.at - self.looks[source].at) < BELIEVED / 2 for source, look in looks.items()):
            return  # it still is believed, and to judge every rollout again costs more than the look
        self.looks = dict(looks)
        self._room.update(looks=self.looks)
        if told:
            self.changed()

    def put_leases(self, conn: Lease | None, collector: Lease | None) -> None:
        """Who has the conn and who polls."""
        if conn == self.conn and collector == self.collector:
            return
        self.conn, self.collector = conn, collector
        self._room.update(lease=conn, collector=collector, recorder=self.recorder)
        self.changed()

    def put_condition(self, condition: Condition) -> None:
        """What is wrong with the journal now."""
        if condition == self.condition:
            return
        unlike = condition.damage != self.condition.damage
        self.condition = condition
        self._room.update(trouble=condition.trouble, refused=condition.refused, damage=condition.damage)
        if unlike:
            self._fold(())
        self.changed()

    def put_records(self, records: tuple[Record, ...]) -> None:
        """What was recorded without the journal. Holds and changes among it count as if they were journaled."""
        if records == self.records:
            return
        self.records = records
        waiting = Decisions()
        waiting.fold(
            Entry(number, record.at, str(record.event.__struct_config__.tag), record.event, record.actor, "")
            for number, record in enumerate(records, self.length + 1)
        )
        self._room.update(waiting=waiting)
        entries = "1 entry waits" if len(records) == 1 else f"{len(records)} entries wait"
        self.notice("records", f"{entries} in the emergency file to be journaled" if records else "")
        self.changed()

    def put_history(self, history: History) -> None:
        """How the numbers went."""
        self._room.update(history=history)
        self.changed()

    def put_accounts(self, groups: frozenset[str], existing: frozenset[str]) -> None:
        """The operator's unix groups, and the names in the plan's seats that this machine knows."""
        self._viewer = Viewer(self.actor, groups, existing)
        self._room.update(viewer=self._viewer)
        self.changed()

    def take_seat(self, seat: str) -> None:
        """The seat by which this console has the conn; empty for none."""
        self.actor = replace(self.actor, seat=seat)
        self._viewer = replace(self._viewer, actor=self.actor)
        self._room.update(viewer=self._viewer)
        self.changed()

    def notice(self, subject: str, line: str) -> None:
        """Say something about this console itself; an empty line takes it back."""
        if self.notices.get(subject, "") == line:
            return
        if line:
            self.notices[subject] = line
        else:
            del self.notices[subject]
        self.changed()

    def changed(self) -> None:
        """Tell the subscribers, once for all that happens before the loop is idle."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    async def aclose(self) -> None:
        """Close every provider."""
        await asyncio.gather(self.sources.aclose(), *self._closing)

    def _tell(self) -> None:
        self._telling = False
        for callback in tuple(self._subscribers):
            # Each in a turn of its own: one that raises is reported by the loop and silences no other.
            asyncio.get_running_loop().call_soon(callback)

    def _tell_of_change(self, op: str) -> None:
        change = self.decisions.change(op)
        rollout = self.plan.rollout.get(change.intent.rollout) if change is not None else None
        if rollout is not None:
            for source in parts.controllers(rollout):
                self.on_read_back(source)

    def _replan(self) -> None:
        before = self.effective
        self.effective = effective(self._own, self.decisions, before)
        self.notice("plan", self.effective.notice)
        if self.effective.loaded is not before.loaded:
            # Which of its names exist was asked of another plan: until it is asked of this one, all do.
            self._viewer = replace(self._viewer, known=None)
            self._room.update(viewer=self._viewer)
            closing = asyncio.create_task(self.sources.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self.sources = self._furnish()
            self._fold(self._entries)
        self._show_plan()

    def _furnish(self) -> Sources:
        sources = Sources(self._own, self.effective.loaded, self.effective.plan, self._folder)
        plan = self.effective.plan
        self.snapshots = {source: known for source, known in self.snapshots.items() if source in plan.source}
        for source, why in sources.broken.items():
            spec = plan.source[source]
            self.snapshots[source] = Snapshot(source, spec.kind, spec.every, last_try_at=self._opened_at, error=why)
        for source, reader in sources.readers.items():
            self.snapshots[source] = self._read(source, reader.facts)
        return sources

    def _fold(self, entries: Sequence[Entry]) -> None:
        for source, reader in self.sources.readers.items():
            known = self.snapshots[source]
            read = self._read(source, partial(_folded, reader, entries))
            if read.facts is not known.facts or read.error != known.error:
                self.snapshots[source] = read
        self._room.update(snapshots=self.snapshots)

    def _read(self, source: str, facts: Callable[[], Facts]) -> Snapshot:
        """A journal reader's snapshot: as fresh as the journal, and as sound, unless the reader has a defect."""
        kind, at = self.plan.source[source].kind, self._opened_at
        try:
            return Snapshot(source, kind, 0, facts(), at, at, self.condition.damage)
        except Exception as error:  # a stranger's reader may raise anything; the journal and the others go on
            return Snapshot(source, kind, 0, None, None, at, safe(f"defect in the provider: {error!r}"))

    def _show_plan(self) -> None:
        readers: Mapping[str, object] = self.sources.readers
        now = self.clock()
        self._room.update(
            plan=self.effective.plan,
            origin=self.effective.origin,
            snapshots=self.snapshots,
            tells=self.sources.tells,
            abilities=self.sources.abilities,
            bugs_into=next((source for source, one in readers.items() if isinstance(one, BugTriage)), ""),
            spend_into=next((source for source, one in readers.items() if isinstance(one, SpendBook)), ""),
            findings=[
                FindingView(found.rule, found.severity, found.text, found.figures, found.where)
                for found in findings(self.effective.plan, self.effective.loaded.where, now)
            ],
        )


def _untimed(looks: Mapping[str, LookView]) -> dict[str, tuple[str, str]]:
    return {source: (look.roll_back, look.kill) for source, look in looks.items()}


def _folded(reader: JournalReader, entries: Sequence[Entry]) -> Facts:
    reader.fold(entries)
    return reader.facts()

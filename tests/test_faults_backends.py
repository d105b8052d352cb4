"""Consoles killed at any line of a change, and by their backend's hand, over every kind of backend that the house has.

Whatever the moment, also of whoever settles it next: what was acknowledged is in the journal, nothing was written twice
or without a record, the outcome is what the backend's own log says, and nobody was shown more than was decided.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from repz_console.engine import settler
from repz_console.engine.session import Session
from repz_console.events import BackendFenced, ChangeEnded, ChangeIntended, ChangeSent, Entry
from repz_console.room.decisions import ChangeRecord
from repz_console.store.journal import Journal
from tests.conftest import Figure
from tests.support.doomed_anywhere import ACKNOWLEDGED, LINES
from tests.support.sessions import opened
from tests.support.witnesses import PATIENCE, SEED, SEEDS, TARGETS, Effect, Place, Shares
from tests.test_faults_changes import Doom

AT_ONCE = 3
BY_SERVER = 0.35
"""How often a console is killed by its backend, where that is a server; else at a line of its own."""
SETTLED_BY_A_DOOMED = 0.3
"""How often whoever settles the change of a dead console dies as well."""
REQUESTS = {"unleash": 3, "unleash anew": 6, "parts": 3}
"""How many requests a change makes that change something; one of other kinds."""
MARKED = ("flagd", "webhook keyed")
"""Kinds that take a change whole or not at all, and then say whose it is."""


class Case:
    """One console that dies, and what is left of it."""

    def __init__(self, place: Place, what: str) -> None:
        self.place, self.what = place, what
        wanted = TARGETS[place.kind][what]
        self.wanted: Shares = {} if wanted is None else dict(wanted.percent)
        self.seed: Shares = dict.fromkeys(("us", "world"), SEEDS[place.kind][what]) if SEEDS[place.kind][what] else {}
        self.tale = ""

    def look(self) -> None:
        """Note what was written meanwhile."""
        for witness in self.place.witnesses:
            witness.look()

    def check_effects(self, entries: Sequence[Entry]) -> None:
        """Nothing twice, nothing without a record, and nobody shown more than was decided."""
        intents = {entry.event.op for entry in entries if isinstance(entry.event, ChangeIntended)}
        sent = {entry.event.op for entry in entries if isinstance(entry.event, ChangeSent)}
        fences = {entry.event.op for entry in entries if isinstance(entry.event, BackendFenced)}
        for witness in self.place.witnesses:
            told = {effect.op for effect in witness.effects} - {"", SEED}
            assert told <= intents | fences, f"without a record: {self.tale}"
            if self.what != "kill":  # one may be sent again
                again = Counter((effect.op, effect.did) for effect in witness.effects)
                assert max(again.values(), default=0) <= 1, f"twice: {self.tale}"
                assert not any(effect.did.startswith("revision") and not effect.op for effect in witness.effects)
            rises = [(effect, region) for effect in witness.effects for region in _rising(effect)]
            assert max(Counter(region for _, region in rises).values(), default=0) <= 1, f"widened twice: {self.tale}"
            for effect, region in rises:
                assert self.what == "set", f"widened by a way back: {self.tale}"
                assert effect.after[region] <= self.wanted[region], f"more than was decided: {self.tale}"
                assert effect.op in sent or (sent and not effect.op), f"not the decided change's: {self.tale}"

    def check_outcome(self, change: ChangeRecord) -> None:
        """What the journal says of it is so by the backends' own logs."""
        own = [[one for one in witness.effects if one.op in (change.op, "")] for witness in self.place.witnesses]
        applied = [self.wanted == self.seed or any(one.after == self.wanted for one in effects) for effects in own]
        touched = [any(one.before != one.after for one in effects) for effects in own]
        match change.state:
            case "confirmed":
                right = all(applied)
            case "not_applied" | "rejected":
                right = not any(touched)
            case "partial":
                right = any(touched) and not all(applied)
            case "superseded" if self.what == "kill":
                right = not any(witness.shown() for witness in self.place.witnesses)
            case "superseded":  # moved on without a mark: by a change that leaves none, or was broken off
                right = self.place.kind not in MARKED and any(witness.effects for witness in self.place.witnesses)
            case "unknown":
                right = not (self.place.kind in MARKED and all(applied)) and (
                    self.what == "kill" or self.place.kind in ("webhook blind", "vercel")
                )
            case _:
                right = False
        assert right, f"wrongly settled: {self.tale}"


def _rising(effect: Effect) -> list[str]:
    return [region for region, share in effect.after.items() if share > effect.before.get(region, 0)]


def changes(entries: Sequence[Entry]) -> list[tuple[ChangeIntended | ChangeSent | ChangeEnded, str]]:
    """What the journal says of changes, and in whose name."""
    kinds = ChangeIntended | ChangeSent | ChangeEnded
    found = [(entry.event, entry.actor.user) for entry in entries if isinstance(entry.event, kinds)]
    return [(event, user) for event, user in found if event.op != SEED]


def phase(entries: Sequence[Entry], what: str) -> str:
    """How far the journal says that a console came."""
    kinds = [type(event) for event, user in changes(entries) if user == f"doomed-{what}"]
    if ChangeEnded in kinds:
        return "after its outcome"
    return "once sent" if ChangeSent in kinds else "once intended" if ChangeIntended in kinds else "before"


def check_journal(folder: Path, entries: Sequence[Entry]) -> None:
    """What a console was told to be written is, in an unbroken chain."""
    journal = Journal.open(folder / "store", read_only=True)
    try:
        assert journal.verify().ok
    finally:
        journal.close()
    hashes = {entry.seq: entry.hash for entry in entries}
    for line in (folder / ACKNOWLEDGED).read_text().splitlines():
        seq, known = line.split()
        assert hashes[int(seq)] == known, f"entry {seq} was acknowledged and is lost"
    assert all(one.seq + 1 == next_one.seq for one, next_one in pairwise(entries))


async def settled(session: Session, case: Case) -> None:
    """Settle what can be, before and after what a server still works on has come."""
    await session.control.settle()
    for server in case.place.servers:
        server.lets_go.set()
        assert await asyncio.to_thread(server.finished.wait, PATIENCE)
    case.look()
    await session.control.settle()
    case.look()


async def recovered(session: Session, case: Case) -> str:
    """What a later console makes of it, up to taking everybody off. Returns how the change was settled."""
    await settled(session, case)
    intents = [event for event, _ in changes(session.entries()) if isinstance(event, ChangeIntended)]
    change = session._known.decisions.change(intents[0].op) if intents else None
    state, why = (change.state, change.why) if change is not None else ("never intended", "")
    case.tale += f": {state} ({why}), written {[witness.effects for witness in case.place.witnesses]}"
    case.check_effects(session.entries())
    if change is None:
        assert not any(witness.effects for witness in case.place.witnesses), f"without a record: {case.tale}"
    else:
        case.check_outcome(change)
    if state in ("unknown", "partial"):
        assert await session.take_conn("its console died") == ""
        await session.refresh_rollout("production")
        seen = session.view().rollout.rollouts[0].configured.exposure
        assert (await session.control.accept("production", seen)).state == "confirmed", case.tale
    assert session._known.decisions.unsettled() == (), case.tale
    killed = await session.control.change("production", "kill")
    assert killed.state == "confirmed", f"{case.tale}: {killed.line}"
    assert not any(witness.shown() for witness in case.place.witnesses), case.tale
    return state


class Trial:
    """Kills consoles over backends of one kind."""

    def __init__(self, kind: str, folder: Path, doom: Doom, chance: random.Random) -> None:
        self._kind, self._folder, self._doom, self._chance = kind, folder, doom, chance
        self._lines: dict[str, int] = {}
        self._number = 0
        self.states: Counter[str] = Counter()
        self.phases: Counter[str] = Counter()
        self.settlers = 0

    async def measure(self) -> None:
        """How many lines each thing that a console does takes."""
        for what in SEEDS[self._kind]:
            place = self._place()
            with place.running(what):
                assert await self._doom.console(place.folder, f"{what}:0") == 0
                self._lines[what] = int((place.folder / LINES).read_text())
        place = self._place()
        with place.running("set"):
            await self._doom.console(place.folder, f"set:{self._lines['set'] // 2}")
            assert await self._doom.console(place.folder, "settle:0") == 0
            self._lines["settle"] = int((place.folder / LINES).read_text())

    async def kill(self) -> None:
        """Until one more console was killed on its way."""
        while not await self._kill():
            continue

    async def _kill(self) -> bool:
        what = self._chance.choice(list(SEEDS[self._kind]))
        place = self._place()
        case = Case(place, what)
        with place.running(what) as loaded:
            line = self._point(place, what)
            case.tale = f"{self._kind}, {what}, killed at {line or [server.doom for server in place.servers]}"
            status = await self._doom.console(place.folder, f"{what}:{line}")
            assert status in (0, -signal.SIGKILL), case.tale
            if status == 0:
                return False
            case.look()
            for server in place.servers:
                server.doom = None
            if self._chance.random() < SETTLED_BY_A_DOOMED:
                last = self._chance.randint(1, self._lines["settle"])
                self.settlers += await self._doom.console(place.folder, f"settle:{last}") != 0
                case.tale += f", then the one who settled it at {last}"
                case.look()
            async with opened(loaded, "ben") as session:
                self.phases[phase(session.entries(), what)] += 1
                self.states[await recovered(session, case)] += 1
                check_journal(place.folder, session.entries())
        return True

    def _place(self) -> Place:
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        return Place(self._kind, folder)

    def _point(self, place: Place, what: str) -> int:
        if place.servers and self._chance.random() < BY_SERVER:
            (server,) = place.servers
            where = self._chance.choice(("arrived", "done"))
            server.doom = (where, self._chance.randint(1, REQUESTS.get(self._kind, 1)))
            server.late = self._chance.random() < 0.5
            return 0
        return self._chance.randint(1, self._lines[what])


@pytest.mark.figure
@pytest.mark.parametrize("kind", SEEDS)
async def test_no_kill_anywhere_loses_doubles_or_missettles(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
    monkeypatch.setattr(settler, "BETWEEN_LOOKS", 0)
    monkeypatch.setattr(settler, "LATE_WRITE", 0)
    kills = figure.count(6, 1000)
    gate = asyncio.Semaphore(AT_ONCE)
    async with Doom("tests.support.doomed_anywhere") as doom:
        trial = Trial(kind, tmp_path, doom, random.Random(17))
        await trial.measure()

        async def one() -> None:
            async with gate:
                await trial.kill()

        await asyncio.gather(*(one() for _ in range(kills)))
    where = ", ".join(f"{count:,} {when}" for when, count in trial.phases.most_common())
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(trial.states.items()))
    figure.say(
        f"{kills:,} consoles killed over {kind} ({where}) and {trial.settlers:,} that settled them: "
        f"0 lost, 0 double, 0 wrongly settled ({told})"
    )

"""What happens without a person: in a `record` process alone, once, and explained in the journal."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import pytest

from repz_console.config import Loaded
from repz_console.engine import collector as collector_module
from repz_console.engine import follower, settler
from repz_console.engine import warden as warden_module
from repz_console.engine.follower import COLLECTOR
from repz_console.engine.session import Opening, Session
from repz_console.events import AnyEvent, ChangeEnded, ChangeIntended, CollectorTaken, RolloutHeld
from repz_console.room.views import RolloutView
from repz_console.store.errors import StoreError
from repz_console.store.telemetry import Telemetry
from tests.support import faulty, gauge
from tests.support.commands import ROOT
from tests.support.faulty import Backend
from tests.support.sessions import CONFIG, actor, at, eventually, launch, opened, widen

Kind = TypeVar("Kind", bound=AnyEvent)

CHECKS = "checks = 3\nhold = true\nroll_back = true"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(collector_module, "SAVE_EVERY", 0.02)
    monkeypatch.setattr(collector_module, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(warden_module, "LOOK_EVERY", 0.02)
    gauge.install(monkeypatch)
    return faulty.install(monkeypatch)


def armed(folder: Path, automatic: str = CHECKS) -> Loaded:
    plain = gauge.armed(faulty.config(CONFIG), automatic).replace("every = 1\n", "every = 0.05\n")
    return launch(folder, plain)


def recording(loaded: Loaded, name: str = "recorder") -> Opening:
    return Session.open(loaded, actor=actor(name), recorder=True)


def events(session: Session, kind: type[Kind]) -> list[Kind]:
    return [entry.event for entry in session.entries() if isinstance(entry.event, kind)]


def unattended(session: Session) -> list[ChangeIntended]:
    return [event for event in events(session, ChangeIntended) if event.by != "person"]


def production(session: Session) -> RolloutView:
    return session.view().rollout.rollouts[0]


async def exposed(loaded: Loaded, *percents: float) -> None:
    """Ann widens, stage by stage, while the metric is fine."""
    (loaded.path.parent / "gauge").write_text("0.1")
    async with opened(loaded) as ann:
        await ann.take_conn()
        for percent in percents:
            outcome = await widen(ann, percent)
            assert outcome.state == "confirmed", outcome.line


async def test_it_holds_and_rolls_back_once_and_then_waits_for_a_person(tmp_path: Path, backend: Backend) -> None:
    loaded = armed(tmp_path)
    await exposed(loaded, 20, 40)
    async with recording(loaded) as recorder, opened(loaded, "ann", watch=True) as ann:
        await eventually(lambda: production(ann).unarmed == "")
        (tmp_path / "gauge").write_text("3")
        await eventually(lambda: bool(unattended(ann)) and production(ann).configured.exposure == at(20))
        await eventually(lambda: "a person decides" in production(ann).unarmed)
        held = events(ann, RolloutHeld)
        assert [(event.by, event.reason) for event in held[:1]] == [
            ("automatic", "errors 3 %, must be < 1 %, 3 looks in a row")
        ]
        assert held[0].evidence == ("errors 3 %, must be < 1 %",)
        hold = production(ann).hold
        assert hold is not None
        assert hold.who == "automatic (recorder@jump)"
        intent = unattended(ann)[0]
        assert (intent.by, intent.action, intent.target) == ("automatic", "rollback", at(20))
        assert intent.evidence["automatic"] == ["errors 3 %, must be < 1 %"]
        # It goes on failing, and a recorder that starts anew counts from the beginning.
        seen = recorder.view().clock.now
        await eventually(lambda: (recorder.view().clock.now - seen).total_seconds() > 1)
        async with recording(loaded, "second") as second:
            await eventually(lambda: second.view().control.collector == "second@jump")
            row = second._warden
            await eventually(lambda: any(each.failed > 5 for each in row._rows.values()))
        assert len(unattended(ann)) == 1
        assert backend.state.exposure == at(20)
        # A hold a stage: the one of 40 %, and none of 20 %, since it still stands.
        assert len(events(ann, RolloutHeld)) == 1


async def test_what_says_nothing_and_what_is_not_armed_changes_nothing(tmp_path: Path, backend: Backend) -> None:
    loaded = armed(tmp_path)
    await exposed(loaded, 20)
    async with recording(loaded) as recorder:
        await eventually(lambda: production(recorder).unarmed == "")
        (tmp_path / "gauge").write_text("")
        await eventually(lambda: "errors: no data" in production(recorder).unarmed)
        looks = recorder._known.snapshots["gauge"].last_ok_at
        assert looks is not None
        await eventually(
            lambda: ((recorder._known.snapshots["gauge"].last_ok_at or looks) - looks).total_seconds() > 0.5
        )
        assert events(recorder, RolloutHeld) == []
        assert unattended(recorder) == []


async def test_a_console_that_polls_says_unarmed_and_does_nothing(tmp_path: Path, backend: Backend) -> None:
    loaded = armed(tmp_path)
    await exposed(loaded, 20)
    (tmp_path / "gauge").write_text("3")
    async with opened(loaded, "ben", watch=True, collect=True) as ben:
        await eventually(lambda: ben._collector.lease is not None)
        seen = ben.view().clock.now
        await eventually(lambda: (ben.view().clock.now - seen).total_seconds() > 0.5)
        assert production(ben).unarmed == "no `record` process polls: the console of ben@jump does"
        async with recording(loaded):
            await eventually(lambda: bool(events(ben, RolloutHeld)))
            await eventually(lambda: len(unattended(ben)) == 1)
        await eventually(lambda: "no `record` process polls" in production(ben).unarmed)


async def test_a_recorder_takes_the_polling_back_from_a_console_that_can_do_no_more(
    tmp_path: Path, backend: Backend
) -> None:
    loaded = armed(tmp_path)
    async with recording(loaded) as recorder:
        await eventually(lambda: recorder._known.recorder)
        mine = recorder._collector.lease
        ben = actor("ben")
        taken = await recorder._storage.run(
            lambda stores: stores.leases.take(COLLECTOR, ben, 60, over=mine, event=lambda token: CollectorTaken(token))
        )
        assert taken is not None
        await eventually(lambda: recorder._collector.lease not in (None, mine))
        await eventually(lambda: recorder._known.recorder)
        assert [event.recorder for event in events(recorder, CollectorTaken)] == [True, False, True]
        # Not from another recorder: two would take it from each other for ever.
        other = await recorder._storage.run(
            lambda stores: stores.leases.take(
                COLLECTOR,
                ben,
                60,
                over=stores.leases.holder(COLLECTOR),
                event=lambda token: CollectorTaken(token, (), True),
            )
        )
        assert other is not None
        await eventually(lambda: recorder._collector.lease is None)
        seen = recorder.view().clock.now
        await eventually(lambda: (recorder.view().clock.now - seen).total_seconds() > 0.5)
        assert recorder._collector.lease is None


class Hands:
    """Turns a recorder's own clock on, in steps of which none is long enough to be a gap on a busy machine."""

    def __init__(self, recorder: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self._warden = recorder._warden
        self.later = 0.0
        real = self._warden._uptime
        monkeypatch.setattr(self._warden, "_uptime", lambda: real() + self.later)

    @property
    def alone(self) -> float:
        """Seconds for which nobody is known to have been there."""
        attendance = self._warden._attendance
        return attendance.looked - attendance.since if attendance is not None else 0.0

    async def on(self, seconds: float) -> None:
        for _ in range(int(seconds // 4)):
            self.later += 4
            last = self._warden._attendance
            await eventually(lambda last=last: self._warden._attendance is not last)  # type: ignore[misc]


async def test_nobody_there_takes_it_down_once_and_never_further(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "LOOK_EVERY", 0.005)
    loaded = armed(tmp_path, "dead_man_minutes = 2")
    await exposed(loaded, 20, 40, 60)
    async with recording(loaded) as recorder:
        hands = Hands(recorder, monkeypatch)
        await eventually(lambda: recorder._warden._attendance is not None)
        await hands.on(60)
        assert hands.alone >= 60
        async with opened(loaded, "bo") as bo:
            await bo.note("I look at it")
        await eventually(lambda: hands.alone < 30)
        assert unattended(recorder) == []
        while not unattended(recorder):
            await hands.on(4)
        assert hands.alone >= 120
        await eventually(lambda: production(recorder).configured.exposure == at(40))
        await hands.on(300)
        (intent,) = unattended(recorder)
        assert (intent.by, intent.before, intent.target) == ("dead man", at(60), at(40))
        assert intent.reason == "nobody at any console for 2 min, and nobody has the conn"
        assert backend.state.exposure == at(40)


async def test_nobody_is_away_while_it_cannot_be_read_who_is_here(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "LOOK_EVERY", 0.005)

    def unreadable(self: Telemetry) -> None:
        raise StoreError("telemetry.db is damaged")

    loaded = armed(tmp_path, "dead_man_minutes = 1")
    await exposed(loaded, 20, 40)
    async with recording(loaded) as recorder:
        hands = Hands(recorder, monkeypatch)
        await eventually(lambda: recorder._warden._attendance is not None)
        with monkeypatch.context() as broken:
            broken.setattr(Telemetry, "people", unreadable)
            await eventually(lambda: "telemetry.db is damaged" in " ".join(recorder.notices))
            hands.later += 1000
            seen = recorder.view().clock.now
            await eventually(lambda: (recorder.view().clock.now - seen).total_seconds() > 0.5)
            assert unattended(recorder) == []
        await eventually(lambda: hands.alone < 30)
        assert unattended(recorder) == []
        while not unattended(recorder):
            await hands.on(4)
        assert hands.alone >= 60


async def test_a_stranger_who_went_lower_is_not_overruled_upwards(tmp_path: Path, backend: Backend) -> None:
    loaded = armed(tmp_path, "checks = 2\nroll_back = true")
    await exposed(loaded, 20, 40)
    backend.meddle(at(30, "us"))
    async with recording(loaded) as recorder:
        await eventually(lambda: production(recorder).unarmed == "")
        (tmp_path / "gauge").write_text("3")
        await eventually(lambda: bool(events(recorder, ChangeEnded)) and bool(unattended(recorder)))
        await eventually(lambda: production(recorder).configured.exposure == at(20, "us"))
        assert backend.state.exposure == at(20, "us")


async def test_two_that_decide_the_same_make_one_change(tmp_path: Path, backend: Backend) -> None:
    loaded = armed(tmp_path, "roll_back = true")
    await exposed(loaded, 20, 40)
    from repz_console.engine.unattended import Unattended

    async with recording(loaded) as recorder, opened(loaded, "other", watch=True) as other:
        await eventually(lambda: recorder._collector.lease is not None)
        lease = recorder._collector.lease
        assert lease is not None
        decided = Unattended("automatic", "same-op", lease.fence)
        outcomes = await asyncio.gather(
            *(each.control.change("production", "rollback", unattended=decided) for each in (recorder, other))
        )
        assert sorted(outcome.state for outcome in outcomes) == ["confirmed", "refused"]
        assert len(unattended(recorder)) == 1
        again = await recorder.control.change("production", "rollback", unattended=decided)
        assert (again.state, again.line) == ("refused", "nothing was sent: it was decided before")
        # Whoever lost the lease decides nothing.
        await recorder._storage.run(lambda stores: stores.leases.release(lease))
        lost = await other.control.change(
            "production", "rollback", unattended=Unattended("automatic", "another-op", lease.fence)
        )
        assert lost.state == "refused"
        assert len(backend.applied) == 3


@pytest.mark.parametrize("point", ["change.intended", "change.sent", "applied"])
async def test_a_recorder_that_is_killed_is_settled_by_others_and_repeated_by_nobody(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settler, "LOOK_EVERY", 0.05)
    gauge.install(monkeypatch)
    loaded = launch(tmp_path, gauge.armed(CONFIG, "checks = 2\nroll_back = true"))
    await exposed(loaded, 20, 40)
    (tmp_path / "gauge").write_text("3")
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.support.doomed_recorder", str(tmp_path), point],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    async with opened(loaded, "ann", watch=True) as ann:
        await eventually(lambda: ann._known.decisions.unsettled() == ())
        (intent,) = unattended(ann)
        ended = [event for event in events(ann, ChangeEnded) if event.op == intent.op]
        assert [event.outcome for event in ended] == ["confirmed" if point == "applied" else "not_applied"]
        await ann.refresh("flags")
        there = at(20) if point == "applied" else at(40)
        assert production(ann).configured.exposure == there
        monkeypatch.setattr(warden_module, "LOOK_EVERY", 0.02)
        async with recording(loaded, "second") as second:
            warden = second._warden
            await eventually(lambda: any(row.failed > 3 for row in warden._rows.values()))
            assert "a person decides" in production(second).unarmed
            assert len(unattended(second)) == 1
            await second.refresh("flags")
            assert production(second).configured.exposure == there

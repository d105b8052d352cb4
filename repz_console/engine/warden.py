"""The collector's eye on the rollouts: it journals what happened by itself, and in a `record` process it acts.

What was changed elsewhere and which stage is due any collector tells. Only a `record` process, while it has the
collector's lease, holds a rollout or takes it down without a person, where the plan arms that. Every entry has a key
of its own, so that a process that takes over, or starts again, repeats none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from repz_console.engine.collector import Collector
from repz_console.engine.control import Controller
from repz_console.engine.follower import catch_up
from repz_console.engine.known import Known
from repz_console.engine.storage import Storage
from repz_console.engine.unattended import Unattended
from repz_console.engine.writer import JournalWriter
from repz_console.events import AnyEvent, ChangedElsewhere, RolloutHeld
from repz_console.facts import RolloutState
from repz_console.plan.parts import controllers, leaves
from repz_console.plan.schedule import plan_span
from repz_console.room import radar, warden
from repz_console.room.views import RoomView
from repz_console.store.errors import StoreError
from repz_console.store.leases import Lease

LOOK_EVERY = 1.0
RETRY_EVERY = 30.0
"""Seconds after which something that could not be begun is tried again."""

Part = tuple[str, str, tuple[str, ...]]
"""(rollout id, controller, scope)."""


class Warden:
    """Looks while this process has the collector's lease."""

    def __init__(
        self,
        storage: Storage,
        writer: JournalWriter,
        known: Known,
        collector: Collector,
        control: Controller,
        *,
        recorder: bool,
        uptime: Callable[[], float] = time.monotonic,
    ) -> None:
        """`recorder` acts; others only tell. `uptime` gives seconds that setting the clock does not move."""
        self._storage = storage
        self._writer = writer
        self._known = known
        self._collector = collector
        self._control = control
        self._recorder = recorder
        self._uptime = uptime
        self._told: set[str] = set()
        self._tried: dict[str, float] = {}
        self._forget()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            lease = self._collector.lease
            if lease is None:
                self._forget()
                continue
            try:
                await self.look(lease)
                self._known.notice("warden", "")
            except StoreError as error:
                self._known.notice("warden", f"what happens by itself cannot be journaled: {error}")

    async def look(self, lease: Lease) -> None:
        """Tell, and do, what there is now. Raises `StoreError`."""
        known = self._known
        if known.trouble or known.condition.damage or known.decisions.idle is not None:
            return  # what is not known to be ours is not foreign either, and what is not journaled is not done
        view = known.view()
        await self._tell_what_changed(lease)
        await self._tell_what_is_due(view)
        if self._recorder:
            await self._act(view, lease)

    def _forget(self) -> None:
        """Somebody else looks meanwhile: what is seen next is seen for the first time."""
        self._seen: dict[Part, RolloutState] = {}
        self._suspected: dict[Part, tuple[str, datetime]] = {}
        self._rows: warden.Rows = {}
        self._attendance: warden.Attendance | None = None
        self._read = self._known.length
        self._people_reads = 0

    # What is told

    async def _tell_what_changed(self, lease: Lease) -> None:
        for rollout, ramp in self._known.plan.rollout.items():
            sources = controllers(ramp)
            for controller in sources:
                snapshot = self._known.snapshots.get(controller)
                states = snapshot.facts.rollouts if snapshot is not None and snapshot.facts is not None else None
                read_at = snapshot.last_ok_at if snapshot is not None else None
                found = next((state for state in states or () if state.rollout == rollout), None)
                if found is None or read_at is None or found.until is not None:
                    continue  # what a person saw is no word of the backend's
                parts = list(leaves(found))
                alone = len(parts) == len(sources) == 1
                for state in parts:
                    await self._compare((rollout, controller, state.scope), state, read_at, lease, alone=alone)

    async def _compare(self, part: Part, state: RolloutState, read_at: datetime, lease: Lease, *, alone: bool) -> None:
        """Tell of a part that was changed elsewhere, once it is so at two looks: the first may be from before a change
        that has ended since."""
        event = self._foreign(part, state, alone=alone)
        if event is None:
            self._seen[part] = state
            self._suspected.pop(part, None)
            return
        suspected = self._suspected.setdefault(part, (state.revision, read_at))
        if suspected[0] != state.revision:
            self._suspected[part] = (state.revision, read_at)
        elif read_at > suspected[1]:
            # What others decided is journaled before it is sent, and may not have been read here yet.
            await catch_up(self._storage, self._known)
            if self._foreign(part, state, alone=alone) is not None:
                await self._once(event, _elsewhere_key(part, event), lease)
                self._seen[part] = state

    def _foreign(self, part: Part, state: RolloutState, *, alone: bool) -> ChangedElsewhere | None:
        _, controller, _ = part
        before = self._seen.get(part)
        if before is not None and _elsewhere_key(part, state) in self._told:
            return None
        return radar.elsewhere(state, controller, before, self._known.decisions, alone=alone)

    async def _tell_what_is_due(self, view: RoomView) -> None:
        plan, now = self._known.plan, view.clock.now
        ends = plan_span(plan)[1]
        for each in view.rollout.rollouts:
            event = radar.due(plan, each, ends, now)
            if event is not None:
                await self._once(event, f"stage.due:{event.rollout}:{event.stage}:{event.at.isoformat()}", None)

    async def _once(self, event: AnyEvent, key: str, lease: Lease | None) -> None:
        if key not in self._told:
            await self._writer.append(event, fence=lease.fence if lease is not None else None, unique=key)
            self._told.add(key)

    # What is done

    async def _act(self, view: RoomView, lease: Lease) -> None:
        known, plan = self._known, self._known.plan
        entries = {rollout: warden.entry_of(known.decided(rollout)) for rollout in plan.rollout}
        self._rows = warden.looked(self._rows, plan, entries, known.snapshots, view.clock.now)
        unattended = self._unattended()
        for each in view.rollout.rollouts:
            decided = known.decided(each.id)
            for duty in tuple(warden.duties(plan.rollout[each.id], each, decided, self._rows, unattended)):
                if self._uptime() - self._tried.get(duty.key, -RETRY_EVERY) >= RETRY_EVERY:
                    self._tried[duty.key] = self._uptime()
                    await self._do(duty, lease)

    def _unattended(self) -> float:
        """Seconds, as far as it was looked, since somebody was last seen to be there."""
        known, moment = self._known, self._uptime()
        if self._attendance is not None and known.people_reads == self._people_reads:
            return self._attendance.looked - self._attendance.since
        self._people_reads = known.people_reads
        wrote = any(warden.by_person(entry) for entry in known.slice(self._read, None))
        self._read = known.length
        conn = known.conn is not None
        self._attendance = warden.attended(self._attendance, known.people, moment, conn=conn, wrote=wrote)
        return moment - self._attendance.since

    async def _do(self, duty: warden.Duty, lease: Lease) -> None:
        if duty.what == "hold":
            held = RolloutHeld(rollout=duty.rollout, reason=duty.reason, by="automatic", evidence=duty.evidence)
            await self._once(held, duty.key, lease)
            return
        outcome = await self._control.change(
            duty.rollout,
            "rollback",
            reason=duty.reason,
            evidence={duty.what: list(duty.evidence)},
            unattended=Unattended(duty.what, duty.key, lease.fence),
        )
        # What was journaled tells for itself.
        self._known.notice(f"warden {duty.rollout}", "" if outcome.op else f"{duty.what}: {outcome.line}")


def _elsewhere_key(part: Part, found: ChangedElsewhere | RolloutState) -> str:
    rollout, controller, scope = part
    where = f"{controller}:{','.join(scope)}" if scope else controller
    return f"rollout.elsewhere:{rollout}:{where}:{found.revision}"

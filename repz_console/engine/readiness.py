"""Whether this console's user could take each rollout back now: with this token, these file rights and this network.

Only a look from where the kill would come from can tell, so every console looks for itself.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from repz_console.engine.deadline import Overdue, within
from repz_console.engine.known import Known
from repz_console.engine.read_back import told
from repz_console.plan.parts import controllers
from repz_console.providers.base import Able, Rehearsing, RolloutWriter, WayBack
from repz_console.room.views import LookView
from repz_console.text import safe

FIRST_AFTER = 1.0
"""Seconds that a console has to itself when it starts."""
LOOK_EVERY = 30.0
JITTER = 5.0
"""Seconds, at most, by which a look is late, so that the consoles of a launch do not all look at once."""
PAUSE = 2.0
"""Seconds between looks, at least, however much happens."""
BY_HAND = "only a person can, elsewhere: `rollout card` says how"
ONLY_NOBODY = "it cannot go back to a smaller share, only to nobody"
LOOK_DEADLINE = 5.0
"""Seconds a backend has to say what stands in the way."""


async def way_back_of(backend: RolloutWriter) -> WayBack:
    """What a roll back and a kill would meet now. Raises what the backend raises."""
    if backend.grade() == "by hand":
        return _neither(BY_HAND)
    met = await backend.way_back() if isinstance(backend, Rehearsing) else _neither(await backend.ready())
    if not met.roll_back and isinstance(backend, Able) and not backend.abilities().reversible:
        return WayBack(ONLY_NOBODY, met.kill)
    return met


class Readiness:
    """Looks, and tells the room."""

    def __init__(self, known: Known) -> None:
        """Looks at nothing yet."""
        self._known = known
        self._stuck: dict[str, asyncio.Task[WayBack]] = {}
        self._turn = asyncio.Lock()
        self._signs = self._signs_now()
        self._stirred = asyncio.Event()

    async def run(self) -> None:
        """Look until cancelled: now and then, and soon after a backend failed, answered again or was changed."""
        unsubscribe = self._known.subscribe(self._stir)
        try:
            await asyncio.sleep(FIRST_AFTER)
            while True:
                self._stirred.clear()
                await self.look()
                await asyncio.sleep(PAUSE)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY - PAUSE + random.uniform(0, JITTER)):  # noqa: S311
                        await self._stirred.wait()
        finally:
            unsubscribe()

    async def look(self) -> None:
        """Look at every backend once, side by side. Raises nothing that a backend does."""
        async with self._turn:
            ramps = self._known.plan.rollout.values()
            backends = tuple(dict.fromkeys(backend for ramp in ramps for backend in controllers(ramp)))
            met = await asyncio.gather(*map(self._look_at, backends))
            at = self._known.clock()
            found = zip(backends, met, strict=True)
            self._known.put_looks({one: LookView(one, safe(way.roll_back), safe(way.kill), at) for one, way in found})

    async def _look_at(self, source: str) -> WayBack:
        stuck = self._stuck.get(source)
        if stuck is not None and not stuck.done():
            return _neither("the last look is still hanging; it does not react to being cancelled")
        try:
            backend = await self._known.sources.writer(source)
            return await within(LOOK_DEADLINE, way_back_of(backend))
        except Overdue as overdue:
            self._stuck[source] = overdue.task
            return _neither(str(overdue))
        except Exception as error:  # whatever it was: a way back would meet it too
            return _neither(told(error))

    def _stir(self) -> None:
        signs = self._signs_now()
        if signs != self._signs:
            self._signs = signs
            self._stirred.set()

    def _signs_now(self) -> tuple[object, ...]:
        """What makes another look worth while: another plan, a backend that fails or answers, a change and its end."""
        known = self._known
        failing = tuple(source for source, snapshot in known.snapshots.items() if snapshot.error)
        latest = (known.decided(rollout).latest for rollout in known.plan.rollout)
        return id(known.sources), failing, *((change.op, change.state) for change in latest if change is not None)


def _neither(obstacle: str) -> WayBack:
    return WayBack(obstacle, obstacle)

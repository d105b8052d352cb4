"""One source asked over and over: never twice at once, never for ever, never given up.

A source that failed several times in a row is taken off the circuit: it is asked seldom, once, until it answers, and
whoever reads its error is told so. A poller turns answers and failures into snapshots. It knows no store and no screen,
and its clock, its sleep and its dice are given to it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol

from repz_console.engine.deadline import Overdue, within
from repz_console.facts import Facts, Snapshot
from repz_console.providers.base import ProviderError
from repz_console.text import safe

POLL_DEADLINE = 10.0
"""Seconds one answer may take in all."""
LONGEST_BACKOFF = 60.0
"""Seconds between tries of a source that stays silent."""
LONGEST_RETRY_AFTER = 300.0
"""Seconds a source may ask us to stay away."""
FAILURES_TO_OPEN = 5
"""Failures in a row after which the circuit breaker opens."""
OPEN_PAUSE = 15.0
"""Seconds between tries while it is open, at least."""
PROBE_EVERY = 5.0
"""Seconds between tries while it is open when a person asks for them."""
FAILURES_TO_REPORT = 2
"""Failures in a row that make an outage: a single lost answer is no news."""

BEAT = 0.25
"""Seconds between the moments at which polls begin."""

_CANCEL_GRACE = 1.0


class Reports(Protocol):
    """Who hears of what a poller found."""

    def polled(self, snapshot: Snapshot) -> None:
        """A poll ended, well or not."""
        ...

    def failed(self, snapshot: Snapshot) -> None:
        """The source stopped answering. Told once an outage."""
        ...

    def recovered(self, snapshot: Snapshot, since: datetime) -> None:
        """The source answers again; its last good answer before was at `since`, or its first failure if there was
        none. Told once an outage."""
        ...


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


def backoff(failures: int, retry_after: float | None, chance: float) -> float:
    """Seconds to wait after so many failures in a row: full jitter under a doubling ceiling, `chance` from 0 to 1."""
    ceiling = min(LONGEST_BACKOFF, 2.0 ** min(failures, 16))
    asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
    return max(ceiling * chance, asked, 1.0)


async def sleep_to_beat(seconds: float) -> None:
    """Sleep about so long, to the nearest common beat: sources that are due together wake the process once, and not
    each for itself, which is much of what a quiet console costs. Shorter sleeps than four beats are exact."""
    now = time.monotonic()
    if seconds >= 4 * BEAT:
        seconds = round((now + seconds) / BEAT) * BEAT - now
    await asyncio.sleep(seconds)


class Poller:
    """Asks one source and reports. `run` asks for ever; `poll` asks once, joining a poll that is under way; `refresh`
    asks at a person's wish, if the source may be asked at all."""

    def __init__(
        self,
        before: Snapshot,
        fetch: Callable[[], Coroutine[Any, Any, Facts]],
        reports: Reports,
        *,
        deadline: float = POLL_DEADLINE,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = sleep_to_beat,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`before` is what is known of the source so far, at least its id, kind and interval."""
        self.snapshot = before
        self._fetch = fetch
        self._reports = reports
        self._deadline = deadline
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._failures = FAILURES_TO_REPORT if before.error else 0
        self._steps = self._failures
        self._down_since = before.last_ok_at or before.last_try_at
        self._retry_after: float | None = None
        self._flight: asyncio.Task[Snapshot] | None = None
        self._stuck: asyncio.Task[Facts] | None = None
        self._rest: asyncio.Future[None] | None = None
        self._pause = 0.0

    async def run(self) -> None:
        """Poll until cancelled. The next poll starts when the pause after the last one is over."""
        try:
            while True:
                await self.poll()
                while await self._woken():
                    pass
        finally:
            await self.stop()

    def pause(self) -> float:
        """Seconds until the next poll is due."""
        if self._steps:
            pause = backoff(self._steps, self._retry_after, self._chance())
            return max(pause, OPEN_PAUSE) if self.is_open else pause
        return self.snapshot.interval

    @property
    def is_open(self) -> bool:
        """Whether the breaker is open: each poll is a single try, and the next good answer closes it."""
        return self._steps >= FAILURES_TO_OPEN

    def nudge(self) -> None:
        """The source has just answered somebody else: no longer stay away from it for its failures."""
        if self._steps:
            self._steps, self._retry_after = 0, None
            if self._rest is not None and self._pause > self.pause():
                self._rest.cancel()

    async def _woken(self) -> bool:
        """Sleep until the next poll is due; whether a nudge ended that before."""
        self._pause = self.pause()
        rest = self._rest = asyncio.ensure_future(self._sleep(self._pause))
        try:
            await asyncio.wait({rest})
        finally:
            self._rest = None
            rest.cancel()
        if not rest.cancelled():
            rest.result()
        return rest.cancelled()

    async def poll(self) -> Snapshot:
        """Ask once and report. Never raises for what the source does."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._ask())
        return await asyncio.shield(self._flight)

    async def refresh(self) -> Snapshot:
        """Ask once now, before it is due. A source that asked to be left alone is, and one with an open breaker is not
        asked again right after a try: then this gives what is known."""
        tried = self.snapshot.last_try_at
        if self._steps and tried is not None:
            away = min(self._retry_after or 0.0, LONGEST_RETRY_AFTER)
            away = max(away, PROBE_EVERY) if self.is_open else away
            if abs((self._now() - tried).total_seconds()) < away:
                return self.snapshot
        return await self.poll()

    async def stop(self) -> None:
        """End what is under way, without waiting for a source that does not listen."""
        under_way = [task for task in (self._flight, self._stuck) if task is not None and not task.done()]
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way, timeout=_CANCEL_GRACE)

    async def _ask(self) -> Snapshot:
        if self._stuck is not None and not self._stuck.done():
            return self._fail("the last request is still hanging; it does not react to being cancelled", None)
        try:
            facts = await within(self._deadline, self._fetch())
        except Overdue as overdue:
            self._stuck = overdue.task
            return self._fail(str(overdue), None)
        except ProviderError as error:
            return self._fail(error.fault.what, error.fault.retry_after)
        except Exception as error:  # a defect of one provider stays with that provider
            return self._fail(f"defect in the provider: {type(error).__name__}: {error}", None)
        return self._succeed(facts)

    def _succeed(self, facts: Facts) -> Snapshot:
        now = self._now()
        before = self.snapshot
        self.snapshot = Snapshot(
            source=before.source,
            kind=before.kind,
            interval=before.interval,
            facts=before.facts if facts == before.facts else facts,
            last_ok_at=now,
            last_try_at=now,
        )
        outage = self._failures >= FAILURES_TO_REPORT
        self._failures, self._steps, self._retry_after = 0, 0, None
        self._reports.polled(self.snapshot)
        if outage:
            self._reports.recovered(self.snapshot, self._down_since or now)
        self._down_since = now
        return self.snapshot

    def _fail(self, what: str, retry_after: float | None) -> Snapshot:
        now = self._now()
        before = self.snapshot
        self._failures += 1
        self._steps += 1
        self._retry_after = retry_after
        seldom = f"; asked seldom after {FAILURES_TO_OPEN} failures in a row" if self.is_open else ""
        self.snapshot = Snapshot(
            source=before.source,
            kind=before.kind,
            interval=before.interval,
            facts=before.facts,
            last_ok_at=before.last_ok_at,
            last_try_at=now,
            error=(safe(what) or "failed without a reason") + seldom,
        )
        self._down_since = self._down_since or now
        self._reports.polled(self.snapshot)
        if self._failures == FAILURES_TO_REPORT:
            self._reports.failed(self.snapshot)
        return self.snapshot

"""The kind `host`: the box that this runs on, and one process on it if named.

These are the box's own figures. They never stand in for the health of the servers that are launched.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import psutil

from repz_console.facts import Facts, Reading
from repz_console.providers.base import Context, Options, Provider, ProviderError, reading_time
from repz_console.providers.host_process import Watch
from repz_console.providers.threads import in_thread
from repz_console.text import safe

_LEAST_SPAN = 0.2
"""Seconds between two looks at a counter below which its rate is noise."""

_DEADLINE = 5.0
"""Seconds: a hung mount never answers."""

_OPEN_FILES = Path("/proc/sys/fs/file-nr")
_SET_BACK = "the counters were set back"


class HostOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "host"`."""

    disk: str = "/"
    """A path on the file system whose use is read as `disk`."""
    process: str = ""
    """Name of a process to watch as well, summed over all of that name; empty watches none."""


class Host(Provider):
    """Readings `cpu`, `memory`, `disk` (%), `load1`, `net.in`, `net.out` (B/s), `fds`, `uptime` (s, in whole minutes),
    and with a process `process.up` (1 or 0), `process.cpu` (% of one core), `process.memory` (B), `process.fds`.
    """

    kind: ClassVar[str] = "host"
    Options = HostOptions
    options: HostOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._before: _Counters | None = None
        self._watch = Watch(options.process) if options.process else None

    async def __aenter__(self) -> Self:
        """Look at the counters once, so that the first fetch has rates."""
        self._before = await in_thread(self._prime, deadline=_DEADLINE, what="the host")
        return self

    async def fetch(self) -> Facts:
        """One look. Rates are since the last one. Raises `ProviderError` when the box does not answer."""
        before = self._before
        if before is None:
            before = await in_thread(self._prime, deadline=_DEADLINE, what="the host")
        young = _LEAST_SPAN - (time.monotonic() - before.at)
        if young > 0:
            await asyncio.sleep(young)
        readings, self._before = await in_thread(lambda: self._look(before), deadline=_DEADLINE, what="the host")
        return Facts(readings=readings)

    def _prime(self) -> _Counters:
        if self._watch is not None:
            self._watch.look()
        return _counters()

    def _look(self, before: _Counters) -> tuple[tuple[Reading, ...], _Counters]:
        at = reading_time(datetime.now(UTC))
        try:
            counters = _counters()
            readings = [
                _rate("cpu", 100 * (counters.busy - before.busy), counters.cpu - before.cpu, at, "%"),
                Reading("memory", round(psutil.virtual_memory().percent, 1), at, "%"),
                _disk(self.context.resolve(self.options.disk), at),
                Reading("load1", round(psutil.getloadavg()[0], 2), at),
                _rate("net.in", counters.received - before.received, counters.at - before.at, at, "B/s"),
                _rate("net.out", counters.sent - before.sent, counters.at - before.at, at, "B/s"),
                _open_files(at),
                Reading("uptime", (time.time() - psutil.boot_time()) // 60 * 60, at, "s"),
            ]
            if self._watch is not None:
                readings += self._watch.readings(at)
        except (OSError, psutil.Error) as error:
            raise ProviderError(f"cannot read the host: {safe(error)}") from error
        return tuple(readings), counters


class _Counters(NamedTuple):
    at: float
    cpu: float
    busy: float
    received: int
    sent: int


def _counters() -> _Counters:
    times = psutil.cpu_times()
    # Linux counts a guest's time in user time as well
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    network = psutil.net_io_counters()
    received, sent = (network.bytes_recv, network.bytes_sent) if network is not None else (0, 0)
    return _Counters(time.monotonic(), total, total - idle, received, sent)


def _rate(name: str, amount: float, span: float, at: datetime, unit: str) -> Reading:
    if amount < 0 or span <= 0:
        return Reading(name, None, at, unit, _SET_BACK)
    rate = amount / span
    return Reading(name, round(min(rate, 100.0), 1) if unit == "%" else float(round(rate)), at, unit)


def _disk(path: Path, at: datetime) -> Reading:
    try:
        return Reading("disk", round(psutil.disk_usage(str(path)).percent, 1), at, "%")
    except OSError as error:
        return Reading("disk", None, at, "%", f"{safe(path)}: {safe(error.strerror)}")


def _open_files(at: datetime) -> Reading:
    try:
        return Reading("fds", float(_OPEN_FILES.read_text().split()[0]), at)
    except (OSError, ValueError, IndexError):
        return Reading("fds", None, at, note="this system does not count open files")

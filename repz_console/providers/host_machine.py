"""What the kind `host` asks the machine, through psutil. Apart from the kind itself, because psutil takes longer to
import than a plan to read, and a config that only names the kind has no use for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil

from repz_console.facts import Reading
from repz_console.providers.base import ProviderError, reading_time
from repz_console.providers.host_process import Watch
from repz_console.text import safe

_OPEN_FILES = Path("/proc/sys/fs/file-nr")
_SET_BACK = "the counters were set back"


class Machine:
    """One box, and one process on it if named. Blocks while the system answers."""

    def __init__(self, disk: Path, process: str) -> None:
        """`disk` is a path on the file system whose use is read; an empty `process` watches none."""
        self._disk = disk
        self._watch = Watch(process) if process else None

    def prime(self) -> Counters:
        """The counters now, for the first look to have rates."""
        if self._watch is not None:
            self._watch.look()
        return _counters()

    def look(self, before: Counters) -> tuple[tuple[Reading, ...], Counters]:
        """Every reading, rates since `before`, and the counters for the next look. Raises `ProviderError`."""
        at = reading_time(datetime.now(UTC))
        try:
            counters = _counters()
            readings = [
                # Linux's idle and iowait counts may run backwards a little, or ahead: that is no reset.
                _rate("cpu", 100 * max(0.0, counters.busy - before.busy), counters.cpu - before.cpu, at, "%"),
                Reading("memory", round(psutil.virtual_memory().percent, 1), at, "%"),
                _disk(self._disk, at),
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


class Counters(NamedTuple):
    """What only grows, at one moment."""

    at: float
    cpu: float
    busy: float
    received: int
    sent: int


def _counters() -> Counters:
    times = psutil.cpu_times()
    # Linux counts a guest's time in user time as well
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    network = psutil.net_io_counters()
    received, sent = (network.bytes_recv, network.bytes_sent) if network is not None else (0, 0)
    return Counters(time.monotonic(), total, total - idle, received, sent)


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

"""The clock of leases and presence: seconds since boot, and which boot.

The wall clock jumps (NTP, a person, a resumed laptop); this one counts on through a suspend and never goes back, so a
frozen console loses what it held. It means something only on one machine, which is why the store refuses network
file systems.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from msgspec import Struct

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Instant(Struct, frozen=True):
    """A moment of one boot."""

    boot: str
    seconds: float

    def before(self, boot: str, seconds: float) -> bool:
        """Whether a term that ends at `seconds` of `boot` still runs. A term of another boot has ended."""
        return boot == self.boot and self.seconds < seconds


@cache
def boot_id() -> str:
    """The running boot's id; empty where the system gives none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def now() -> Instant:
    """This moment."""
    return Instant(boot_id(), time.clock_gettime(_CLOCK))

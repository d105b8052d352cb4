"""Whether the machine's clock and its knowledge of time zones can carry a launch."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from repz_console.commands.examine.answer import Answer

AREA = "clock"
_UNSYNCHRONISED = 0x40
"""STA_UNSYNC of <sys/timex.h>."""


class _Timex(ctypes.Structure):
    """The head of Linux's `struct timex`; the kernel writes the rest into the padding."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def examine(zones: Iterable[str]) -> list[Answer]:
    """Whether every zone in `zones` is known, the clock is kept in time, and leases have a clock that never jumps."""
    return [_zones(sorted(set(zones) | {"UTC"})), _synchronised(_kernel_status()), _boot_clock()]


def _zones(names: list[str]) -> Answer:
    unknown = [name for name in names if not _is_known(name)]
    if unknown:
        return Answer(
            AREA,
            "zones",
            "bad",
            f"unknown here: {', '.join(unknown)}",
            "install the system's tzdata package; a misspelt zone is named by `check`",
        )
    return Answer(AREA, "zones", "ok", f"known: {', '.join(names)}")


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _synchronised(status: int | None) -> Answer:
    if status is None:
        return Answer(AREA, "time sync", "note", "this system does not tell whether its clock is kept in time")
    if status & _UNSYNCHRONISED:
        return Answer(
            AREA,
            "time sync",
            "warn",
            "the kernel says that its clock is not synchronised: ages and the countdown may be off",
            "start chrony or systemd-timesyncd on this machine",
        )
    return Answer(AREA, "time sync", "ok", "synchronised")


def _kernel_status() -> int | None:
    """The kernel's clock status bits, or None where it cannot be asked. Reads only."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        timex = _Timex()
        answer = library.adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return int(timex.status) if answer >= 0 else None


def _boot_clock() -> Answer:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return Answer(AREA, "leases", "ok", "counted in boot time: setting the clock cannot expire or extend one")
    return Answer(
        AREA, "leases", "bad", "this system has no CLOCK_BOOTTIME, which leases are counted in", "run it on Linux"
    )

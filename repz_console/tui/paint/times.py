"""Instants as people read them: in the launch's zone, as ages, and as the countdown."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=16)
def zone_of(name: str) -> tzinfo:
    """The zone of that IANA name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def month(number: int) -> str:
    """`Jan` for 1."""
    return _MONTHS[number - 1]


def day(on: date) -> str:
    """`2 Feb`."""
    return f"{on.day} {month(on.month)}"


def weekday(on: date) -> str:
    """`Fri 2 Feb`."""
    return f"{_DAYS[on.weekday()]} {day(on)}"


def clock(at: datetime, zone: tzinfo) -> str:
    """`14:03:20`."""
    return f"{at.astimezone(zone):%H:%M:%S}"


def minute(at: datetime, zone: tzinfo) -> str:
    """`14:03`."""
    return f"{at.astimezone(zone):%H:%M}"


def moment(at: datetime, now: datetime, zone: tzinfo) -> str:
    """As much of the instant as tells it apart from now: `14:03`, `2 Feb 14:03`, `2 Feb 2024`."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return minute(at, zone)
    if local.year == today.year or abs(at - now) < timedelta(days=60):
        return f"{day(local)} {minute(at, zone)}"
    return f"{day(local)} {local.year}"


def age(span: timedelta) -> str:
    """An age in one unit, rounded down: `<1m`, `3m`, `2h`, `5d`. It says no seconds, so a pane need not follow them."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return "<1m"


def lasting(span: timedelta) -> str:
    """A length of time in two units: `2d 4h`, `3h 05m`, `12m`, `40s`."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days}d {hours}h" if hours and days < 100 else f"{days}d"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m" if minutes else f"{seconds}s"


def interval(seconds: float) -> str:
    """A poll interval in one unit where it is whole: `5 s`, `0.5 s`, `90 s`, `5 min`, `1 h`."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.10g} s"


def countdown(now: datetime, t0: datetime, detail: int = 2) -> str:
    """The launch clock by detail: 0 `T-2d04h`, 1 `T-2d 04:12`, 2 `T-2d 04:12:08`. Within a day of T-0 it is always to
    the second: `T-04:12:08`, `T+00:03:10`."""
    left = (t0 - now).total_seconds()
    sign, seconds = ("-", math.ceil(left)) if left > 0 else ("+", math.floor(-left))
    days, rest = divmod(seconds, 86400)
    hours, minutes = rest // 3600, rest // 60 % 60
    if not days:
        return f"T{sign}{hours:02}:{minutes:02}:{rest % 60:02}"
    if detail == 0:
        return f"T{sign}{days}d{hours:02}h"
    return f"T{sign}{days}d {hours:02}:{minutes:02}" + (f":{rest % 60:02}" if detail > 1 else "")

"""Freezes: times in which nobody widens, some of which come back by an RFC 5545 rule.

A rule runs on the wall clock of the freeze's zone, so that a Friday at nine stays at nine on both sides of a change of
clocks. How long it lasts is time that passes, as RFC 5545 has it. A rule names days; the time of day is the start's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from repz_console.plan.days import DAY
from repz_console.plan.ramp import Freeze
from repz_console.plan.schedule import Span, at_wall_clock
from repz_console.plan.wrong import listed, nearest, shown

if TYPE_CHECKING:
    from dateutil.rrule import rrule

_CYCLE = 400
"""Years after which the calendar repeats, days of the week included."""
_CHAINED = 1000
"""Windows that may follow on one another before nobody looks for the end."""
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAY_NAME = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)\Z")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?\Z")
_BOUNDS = {
    "INTERVAL": (1, 1000),
    "COUNT": (1, 10_000),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
}
_WORDS = ("FREQ", "BYDAY", "UNTIL", "WKST", *_BOUNDS)


class Standing(Struct, frozen=True):
    """How a freeze stands at one moment."""

    until: datetime | None
    """When the time that is on is over, those that follow on it without a gap included; None while none is."""
    next: datetime | None
    """When it next begins; None if it never does again."""


def standing(freeze: Freeze, zone: str, now: datetime) -> Standing:
    """Whether a freeze is on at `now`. `zone` is the plan's, for one that names none."""
    until = None
    for start, end in islice(windows(freeze, zone, now), _CHAINED):
        if start > (until or now):
            return Standing(until, start)
        until = max(until or end, end)
    return Standing(until, None)


def windows(freeze: Freeze, zone: str, since: datetime) -> Iterator[Span]:
    """Its times that end after `since`, oldest first."""
    there = freeze.start.zone or zone
    length = timedelta(minutes=freeze.minutes)
    # A wall clock is never more than a day from UTC, and a change of clocks moves it by less.
    early = (since - length).astimezone(UTC).replace(tzinfo=None) - 2 * DAY
    for wall in _starts(freeze, there, early):
        start = at_wall_clock(wall.date(), wall.time(), there)
        if start + length > since:
            yield start, start + length


def rule_mistake(freeze: Freeze, zone: str) -> str:
    """What is allowed in place of a freeze's rule, in words; empty if it is in order."""
    try:
        first = next(_starts(freeze, freeze.start.zone or zone), None)
    except ValueError as error:
        return str(error)
    return "" if first is not None else "a rule that comes at least once"


def _starts(freeze: Freeze, zone: str, early: datetime | None = None) -> Iterator[datetime]:
    """When it begins by the wall clock, from `early` on."""
    first = datetime.combine(freeze.start.on, freeze.start.time or time())
    if not freeze.rule:
        if early is None or first >= early:
            yield first
        return
    rule, shift = _recurrence(freeze.rule, first, zone)
    begin = max(early or first, first)
    if begin.year + shift <= MAXYEAR:
        for wall in rule.xafter(_later(begin, shift), inc=True):
            yield _later(wall, -shift)


def _later(wall: datetime, shift: int) -> datetime:
    return wall.replace(year=wall.year + shift)


@lru_cache(maxsize=64)
def _recurrence(text: str, first: datetime, zone: str) -> tuple[rrule, int]:
    """A rule, moved by so many years. Raises `ValueError`, saying what is allowed.

    dateutil looks for a next time up to the calendar's end, which takes seconds for a rule that never comes. As close
    to that end as whole cycles of the calendar bring it, there is not much to look through.
    """
    from dateutil.rrule import rrulestr

    shift = (MAXYEAR - first.year) // _CYCLE * _CYCLE
    words = []
    for name, value in _words(text).items():
        words.append(f"{name}={_until(value, zone, shift) if name == 'UNTIL' else value}")
    try:
        rule: Any = rrulestr(";".join(words), dtstart=_later(first, shift), cache=True)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(f"a rule of RFC 5545 ({error})") from None
    return rule, shift


def _words(text: str) -> dict[str, str]:
    """A rule's words, each one checked. Raises `ValueError`."""
    words: dict[str, str] = {}
    for word in text.upper().removeprefix("RRULE:").split(";"):
        name, separator, value = word.partition("=")
        if not separator or name in words:
            raise ValueError("a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=FR,SA")
        if name not in _WORDS:
            near = nearest(name, _WORDS)
            raise ValueError(f"no {shown(name)} in it{f', perhaps {near}' if near else ''}: days only, in a rule")
        words[name] = value
    if words.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"FREQ of {listed(_FREQUENCIES)}: nothing that comes back within a day")
    if "COUNT" in words and "UNTIL" in words:
        raise ValueError("COUNT or UNTIL, not both")
    for name, (least, most) in _BOUNDS.items():
        values = words[name].split(",") if name in words else []
        if len(values) > 1 and not name.startswith("BY"):
            raise ValueError(f"one number as {name}")
        if not all(re.fullmatch(r"[+-]?\d{1,5}", value) and least <= int(value) <= most for value in values):
            raise ValueError(f"{name} from {least} to {most}")
        if least < 0 and any(int(value) == 0 for value in values):
            raise ValueError(f"{name} other than 0")
    numbered = words["FREQ"] in ("MONTHLY", "YEARLY")
    for value in words["BYDAY"].split(",") if "BYDAY" in words else ():
        named = _DAY_NAME.match(value)
        if named is None or (named[1] and (not numbered or not 1 <= abs(int(named[1])) <= 53)):
            raise ValueError("BYDAY of MO to SU, with a number before it only by the month or year")
    return words


def _until(value: str, zone: str, shift: int) -> str:
    """The last moment of a rule on the wall clock, moved. A day alone counts to its end."""
    found = _UNTIL.match(value)
    if found is None:
        raise ValueError("UNTIL such as 20270301 or 20270301T170000Z")
    try:
        until = datetime.strptime(found[1] + (found[2] or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - wall clock
        if found[3]:
            until = until.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return f"{_later(until, shift):%Y%m%dT%H%M%S}"
    except (ValueError, OverflowError):
        raise ValueError("an UNTIL that the calendar has, after its start") from None

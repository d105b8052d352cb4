"""Checks that several tables of a plan need: each yields the mistakes that it finds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from repz_console.plan.days import FIRST_YEAR, LAST_YEAR
from repz_console.plan.table import Moment
from repz_console.plan.wrong import Path, Wrong, listed, nearest, shown

_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z")


def unique(places: Iterable[tuple[Path, str]]) -> Iterator[Wrong]:
    """Ids that are no short word, or there twice."""
    places = list(places)
    for path, identity in places:
        if not _IDENTITY.match(identity):
            yield Wrong(path, shown(identity), "a short word of letters, digits, dots, dashes and underscores")
    yield from once(places)


def once(places: Iterable[tuple[Path, str]]) -> Iterator[Wrong]:
    """Words that are there twice."""
    seen: set[str] = set()
    for path, word in places:
        if word in seen:
            yield Wrong(path, f"{shown(word)} again", "one that is not taken yet")
        seen.add(word)


def known(word: str, known: Iterable[str], path: Path) -> Iterator[Wrong]:
    """A word that is none of those known."""
    words = list(known)
    if word not in words:
        yield Wrong(path, shown(word), listed(words), nearest(word, words))


def moment(moment: Moment, path: Path) -> Iterator[Wrong]:
    """A day or a zone that no calendar has."""
    yield from day(moment.on, (*path, "on"))
    if moment.zone:
        yield from zone(moment.zone, (*path, "zone"))


def zone(zone: str, path: Path) -> Iterator[Wrong]:
    """A zone that nobody has."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        near = nearest(zone.replace(" ", "_"), available_timezones())
        yield Wrong(path, shown(zone), "an IANA zone such as America/New_York or UTC", near)


def within(value: int, least: int, most: int, path: Path) -> Iterator[Wrong]:
    """A whole number out of bounds."""
    if not least <= value <= most:
        yield Wrong(path, shown(value), f"a whole number from {least} to {most}")


def day(day: date, path: Path) -> Iterator[Wrong]:
    """A day too far away to reckon with."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        yield Wrong(path, shown(day), f"a day of the years {FIRST_YEAR} to {LAST_YEAR}")

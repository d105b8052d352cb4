"""What the head of an HTTP answer tells of time: how long to stay away, and what the server takes for now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

CLOCK_TOLERANCE = 5.0
"""Seconds that two clocks may be apart without a word."""
_UNSTEADY = 3.0
"""Seconds by which what was measured may waver while the clocks do not move."""


class Head:
    """The headers of one answer, by name in small letters; of several of one name the first counts."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._headers: dict[str, str] = {}
        for name, value in headers:
            self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1").strip())

    def __getitem__(self, name: str) -> str:
        """A header, empty if it is not there."""
        return self._headers.get(name, "")

    def retry_after(self, now: datetime) -> float | None:
        """The seconds that the server asks us to stay away, whichever way it says so; None if it does not, or not in
        a way that can be read. A date is held against the server's own clock, else against `now`."""
        asked = self["retry-after"]
        if asked.isascii() and asked.isdigit():
            return float(asked[:12])
        until = _date(asked)
        if until is None:
            return None
        return max(0.0, (until - (_date(self["date"]) or now)).total_seconds())

    def ahead(self, sent: datetime, received: datetime) -> float | None:
        """Seconds by which the server's clock is ahead of ours, which read `sent` and `received` around the answer.
        None if it does not say; 0 where it could be the time in between that makes the difference, and for what is
        too small to matter."""
        date = _date(self["date"])
        if date is None:
            return None
        age = self["age"]  # of an answer that somebody in between kept
        kept = float(age[:12]) if age.isascii() and age.isdigit() else 0.0
        middle = sent + (received - sent) / 2
        apart = (date - middle).total_seconds() + kept + 0.5  # a date is cut to the second
        unsure = (received - sent).total_seconds() / 2 + 0.5
        return apart if abs(apart) - unsure > CLOCK_TOLERANCE else 0.0


class Clock:
    """How far a server's clock is from ours, told so that the same distance is told in the same words."""

    def __init__(self) -> None:
        self._apart = 0.0

    def measured(self, ahead: float | None) -> None:
        """Another answer came."""
        if ahead is not None and (ahead == 0 or abs(ahead - self._apart) > _UNSTEADY):
            self._apart = round(ahead)

    @property
    def notes(self) -> tuple[str, ...]:
        """One plain line if the clocks are further apart than matters not."""
        if not self._apart:
            return ()
        return (f"the server's clock is {_span(abs(self._apart))} {'ahead' if self._apart > 0 else 'behind'}",)


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text[:64])
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

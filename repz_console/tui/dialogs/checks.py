"""What is wrong with a typed value, in one line; empty if nothing is."""

from __future__ import annotations

from repz_console.plan import schedule

_MOST_MINUTES = 24 * 60


def percent_mistake(text: str) -> str:
    """A percent, with its sign or without."""
    number = _number(text.removesuffix("%"))
    return "" if number is not None and 0 <= number <= 100 else f"{text} is not a percent from 0 to 100"


def minutes_mistake(text: str) -> str:
    """A length of time."""
    number = _number(text)
    return "" if number is not None and 0 < number <= _MOST_MINUTES else f"{text} is no number of minutes up to a day"


def instant_mistake(text: str, zone: str) -> str:
    """A day and a time in the launch's zone."""
    try:
        schedule.typed_instant(text, zone)
    except ValueError as error:
        return str(error)
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

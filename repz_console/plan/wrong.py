"""How a mistake in a plan is told: where, what was found, what is allowed, and the word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from repz_console.text import safe

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the plan."""

_LONGEST_FOUND = 60
_ALIKE = 0.75
"""From which likeness one word is taken for a slip of another; below it a hint only misleads."""


class Wrong(Struct, frozen=True):
    """One mistake, before its file and line are known."""

    path: Path
    found: str
    allowed: str
    nearest: str = ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` most likely was meant to be, or empty."""
    from difflib import get_close_matches  # only a mistake pays for its import

    by_fold = {candidate.casefold(): candidate for candidate in known}
    matches = get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=_ALIKE)
    return by_fold[matches[0]] if matches else ""


def listed(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`; `none` where there are no words."""
    if len(words) < 2:
        return words[0] if words else "none"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def counted(number: int, noun: str) -> str:
    """`1 day`, `5 days`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(value: object) -> str:
    """A found value, short and harmless to print."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, str):
        return f'"{safe(value, _LONGEST_FOUND)}"'
    return safe(value, _LONGEST_FOUND)

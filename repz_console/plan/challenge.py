"""What a person has to type out before a rollout widens, the same at every place that asks for it."""

from __future__ import annotations

from collections.abc import Callable

LETTERS = "ghjkmnpqrstvwxz"
"""Of the nonce. Without vowels, so that no word comes out, without what looks like another letter, and without the
hexadecimal digits that a terminal's answers are full of."""


def nonce(choose: Callable[[str], str]) -> str:
    """Two letters that nobody can know before; `choose` picks one of a text by chance, as `secrets.choice` does."""
    return choose(LETTERS) + choose(LETTERS)


def words(target: str, environment: str, nonce: str) -> str:
    """What is to be typed. `target` is a stage's id or the percent's number."""
    return f"{target} {environment} {nonce}"


def met(typed: str, expected: str) -> bool:
    """Whether exactly these words were typed; how many blanks are between them does not matter."""
    return typed.split() == expected.split()

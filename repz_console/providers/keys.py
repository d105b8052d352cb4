"""Short keys for what people file in the journal: typable, and unique without asking anybody."""

from __future__ import annotations

import secrets
from collections.abc import Container

from repz_console.providers.base import ProviderError
from repz_console.text import is_identifier

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0, 1, I, L, O and U: what is read aloud on a call must come back the same."""

_LENGTH = 4


def new_key(letter: str, taken: Container[str]) -> str:
    """A key such as `B7K2Q` that is not in `taken`.

    It is drawn, not counted: two consoles that file at the same moment cannot see each other's number.
    """
    while True:
        key = letter + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        if key not in taken:
            return key


def settled_key(key: str, seq: int, taken: Container[str]) -> str:
    """The key under which an entry is kept: its own, or with the entry's number behind if somebody was first.

    Every console folds the same entries in the same order, so all settle on the same key and no filing is lost.
    """
    return key if key not in taken else f"{key}-{seq}"


def check_plain(key: str) -> None:
    """Raise `ProviderError` for a key that somebody else made up so that it could be taken for another one."""
    if not is_identifier(key):
        raise ProviderError(f"{key} could be taken for another key: it can be looked at, but not changed")

"""What the store says when it cannot do what was asked: one plain line that fits a status line."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened, read or written. Nothing was written, unless the text says otherwise."""


class NewerStore(StoreError):
    """The file was made by a newer program. It was not touched."""


class CutError(StoreError):
    """The journal ends before an entry that was written to it."""

    def __init__(self, end: int, seen: int) -> None:
        super().__init__(f"The journal ends at entry {end} though entry {seen} was written: it was cut")


class FenceError(StoreError):
    """The lease that a write depends on is no longer held: the entry was not written."""

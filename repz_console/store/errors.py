"""What the store says when it cannot do what was asked: one plain line that fits a status line."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened, read or written. Nothing was written, unless the text says otherwise."""


class NewerStore(StoreError):
    """The file was made by a newer program. It was not touched."""


class FenceError(StoreError):
    """The lease that a write depends on is no longer held: the entry was not written."""

"""What every event is."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, tag_field="kind"):
    """The base of everything the journal holds."""

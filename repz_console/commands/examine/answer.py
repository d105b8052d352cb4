"""One answer of an examination."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["ok", "note", "warn", "bad"]
"""`bad` stands in the way of running a launch, `warn` will bite one day, `note` is only worth knowing."""


class Answer(Struct, frozen=True):
    """What was looked at, how it is, and what to do about it."""

    area: str
    subject: str
    state: State
    line: str
    remedy: str = ""
    """What would mend it, in one line."""

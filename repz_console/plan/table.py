"""What every table of `config.toml` is, and a moment of the plan's own calendar."""

from __future__ import annotations

from datetime import date, time

from msgspec import Struct


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every table: fields by name, nothing unknown."""


class Moment(Table, frozen=True, kw_only=True):
    """A day, and the time on it if the plan states one."""

    on: date
    time: time | None = None
    """Wall-clock time; absent where the plan gives none, which `check` reports."""
    zone: str = ""
    """IANA zone name such as `America/New_York`; empty means `launch.zone`."""
    written: str = ""
    """The words of the original plan, kept where they are ambiguous: `9:00 AM EST`."""

"""The tables of `config.toml` that say who is asked before a stage, in which order, and about what."""

from __future__ import annotations

from repz_console.plan.table import Table


class Station(Table, frozen=True, kw_only=True):
    """One seat that is asked."""

    seat: str
    """A seat's id."""
    criteria: tuple[str, ...] = ()
    """What its holder answers for, in the plan's words."""
    gates: tuple[str, ...] = ()
    """Ids of gates that its answer rests on, such as `p0` or `metric:errors`: one that changes makes it stale."""


class Round(Table, frozen=True, kw_only=True):
    """Stations that are asked together, in their order; a round is called once the one before it is all GO."""

    title: str
    caller: str
    """The seat that calls it."""
    station: tuple[Station, ...]


class Poll(Table, frozen=True, kw_only=True):
    """`[[poll]]`: a go/no-go poll."""

    id: str
    title: str
    valid_minutes: float = 30
    """After which an answer is stale."""
    armed_minutes: float = 60
    """How long unanimous GO lets the one stage be entered that was asked about."""
    round: tuple[Round, ...]

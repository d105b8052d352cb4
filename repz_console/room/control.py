"""Who steers: the holder of the conn, who may take it, and who is here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from repz_console.facts import Actor, Person
from repz_console.plan.model import Plan, Seat
from repz_console.room.seats import members
from repz_console.room.views import ControlView
from repz_console.room.words import who


class Held(Protocol):
    """What the room needs to know of a lease that somebody holds now."""

    @property
    def holder(self) -> Actor:
        """Who holds it."""
        ...

    @property
    def taken_at(self) -> datetime:
        """Since when."""
        ...


class Standing(Struct, frozen=True):
    """Whether somebody may take the conn, in which seat, and what there is to say about it."""

    may: bool
    seat: str = ""
    """Id of the seat that allows it; empty where no seat is needed."""
    note: str = ""
    """Why not, or why anyone may."""


def standing(
    plan: Plan,
    me: Actor,
    groups: frozenset[str] = frozenset(),
    known: frozenset[str] | None = None,
    lease: Held | None = None,
) -> Standing:
    """Whether `me`, a member of the unix `groups`, may take the conn, now held under `lease` or free.

    `known` are the user and group names of the plan that exist on this machine; None takes all for existing. A plan
    whose conn seats name nobody that exists lets anyone take it: a launch must not be stuck for a wrong name.
    """
    seats = [seat for seat in plan.seat if seat.conn]
    named = {name for seat in seats for name in (*seat.users, *seat.groups, *seat.deputies)}
    if not named:
        return Standing(True, note="the plan's conn seats name nobody, so anyone may take it")
    if known is not None and not named & known:
        return Standing(True, note="nobody whom the plan's conn seats name exists here, so anyone may take it")
    for seat in seats:
        if me.user in seat.users or groups & set(seat.groups):
            return Standing(True, seat.id)
    for seat in seats:
        if me.user in seat.deputies:
            if lease is None or lease.holder.user == me.user:
                return Standing(True, seat.id)
            return Standing(False, seat.id, f"a deputy takes the conn only while it is free; {_has(lease)}")
    return Standing(False, note=f"{me.user} holds no seat with the conn: {_titles(seats)}")


def build(
    plan: Plan,
    me: Actor,
    groups: frozenset[str],
    known: frozenset[str] | None,
    lease: Held | None,
    people: Iterable[Person],
    collector: Held | None,
    damage: str,
) -> ControlView:
    """The conn as this console sees it. `damage` is why the journal, where it is kept, could not be read in full."""
    allowed = standing(plan, me, groups, known, lease)
    return ControlView(
        state="HELD" if lease is not None else "UNKNOWN" if damage else "FREE",
        holder="" if lease is None else who(lease.holder),
        named="" if lease is None else named(lease.holder, me),
        seat="" if lease is None else _title(plan, lease.holder.seat),
        mine=lease is not None and me.console != "" and lease.holder.console == me.console,
        since=None if lease is None else lease.taken_at,
        may_take=allowed.may,
        why_not=allowed.note,
        people=tuple(sorted(people, key=lambda person: (person.since, person.console))),
        collector="" if collector is None else who(collector.holder),
    )


def named(holder: Actor, me: Actor) -> str:
    """The conn's holder as a sentence names them to `me`, who would not know their own name for another console."""
    if (holder.user, holder.host) != (me.user, me.host) or holder.console == me.console:
        return who(holder)
    # Under an account that several people share nobody knows whose console it is.
    return "another console of yours" if holder.proven and me.proven else f"another console of {who(me)}"


def only_holder(control: ControlView, verb: str) -> str:
    """Why somebody without the conn cannot `verb` while it is held."""
    they = "they" if control.named == control.holder else "that one"
    return f"{control.named} has the conn: only {they} can {verb}"


def _title(plan: Plan, identity: str) -> str:
    return next((seat.title for seat in plan.seat if seat.id == identity), identity)


def _has(lease: Held) -> str:
    return f"{who(lease.holder)} has it"


def _titles(seats: Iterable[Seat]) -> str:
    return ", ".join(f"{seat.title} ({members(seat)})" for seat in seats)

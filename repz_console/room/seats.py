"""Who may hold a seat, who does, and when two people are two.

Whoever took a seat last holds it, as long as the plan still lets them. A seat that names nobody who exists on this
machine may be held by anyone, and says so: a launch must not be stuck for a wrong name.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from repz_console.facts import Actor
from repz_console.plan.model import Plan, Seat
from repz_console.room.consents import Consents, Holder
from repz_console.room.viewer import Viewer
from repz_console.room.words import instant, who

COOL_OFF = timedelta(minutes=5)
"""How long somebody alone has to wait before they may agree with themselves."""


class Claim(Struct, frozen=True):
    """Whether somebody may take a seat, and what there is to say about it."""

    may: bool
    note: str = ""
    """Why not, or why anyone may."""
    over: Holder | None = None
    """Who holds it now and is somebody else: taking it then needs a reason."""


def find(plan: Plan, identity: str) -> Seat | None:
    """A seat by its id."""
    return next((seat for seat in plan.seat if seat.id == identity), None)


def title(plan: Plan, identity: str) -> str:
    """A seat's title; its id where the plan has no such seat."""
    seat = find(plan, identity)
    return seat.title if seat is not None else identity


def members(seat: Seat) -> str:
    """Who may hold a seat, in words."""
    return ", ".join([*seat.users, *(f"group {group}" for group in seat.groups), *seat.deputies]) or "nobody"


def open_to_all(seat: Seat, known: frozenset[str] | None) -> bool:
    """Whether a seat names nobody who exists. `known` are the names that do; None takes all for existing."""
    named = {*seat.users, *seat.groups, *seat.deputies}
    return not named or (known is not None and not named & known)


def holder(plan: Plan, consents: Consents, identity: str, viewer: Viewer | None) -> Holder | None:
    """Who holds a seat; None while it is free, or whoever took it may not hold it any more.

    Whether another operator is still in a group is not known here: a seat that names groups is theirs as taken.
    """
    seat, held = find(plan, identity), consents.seats.get(identity)
    if seat is None or held is None:
        return None
    if open_to_all(seat, viewer.known if viewer is not None else None):
        return held
    if viewer is not None and same_person(viewer.actor, held.actor):
        fits = held.actor.user in (*seat.users, *seat.deputies) or bool(viewer.groups & set(seat.groups))
    else:
        fits = held.actor.user in (*seat.users, *seat.deputies) or bool(seat.groups)
    return held if fits else None


def claim(plan: Plan, consents: Consents, identity: str, viewer: Viewer, present: Collection[str] = ()) -> Claim:
    """Whether the viewer may hold a seat. `present` are the users who have a console open: a deputy takes a seat only
    while nobody else holds it, or while whoever does is not here."""
    seat = find(plan, identity)
    if seat is None:
        return Claim(False, f"the plan has no seat {identity}")
    held = holder(plan, consents, identity, viewer)
    over = held if held is not None and not same_person(held.actor, viewer.actor) else None
    if open_to_all(seat, viewer.known):
        return Claim(True, f"{seat.title} names nobody who exists here, so anyone may hold it", over)
    me = viewer.actor.user
    if me in seat.users or viewer.groups & set(seat.groups):
        return Claim(True, over=over)
    if me not in seat.deputies:
        return Claim(False, f"{me} may not hold the seat {seat.title}: {members(seat)}", over)
    if over is not None and over.actor.user in present:
        return Claim(
            False, f"a deputy takes {seat.title} only while nobody else holds it; {who(over.actor)} does", over
        )
    return Claim(True, over=over)


def speaks_for(plan: Plan, consents: Consents, identity: str, viewer: Viewer | None) -> str:
    """Empty if the viewer may answer for a seat now, since they hold it or may take it and it is free; else why not."""
    if viewer is None:
        return "nobody in particular looks"
    held = holder(plan, consents, identity, viewer)
    if held is not None:
        if same_person(held.actor, viewer.actor):
            return ""
        return f"{title(plan, identity)} is {who(held.actor)}"
    wanted = claim(plan, consents, identity, viewer)
    return "" if wanted.may else wanted.note


def sits(plan: Plan, viewer: Viewer) -> bool:
    """Whether the plan has any seat that the viewer may hold, or none that is kept for somebody."""
    return not plan.seat or any(
        open_to_all(seat, viewer.known)
        or viewer.actor.user in (*seat.users, *seat.deputies)
        or viewer.groups & set(seat.groups)
        for seat in plan.seat
    )


def named(actor: Actor) -> str:
    """`user@host`, and that the account is shared where it is."""
    return who(actor) if actor.proven else f"{who(actor)} (a shared account)"


def same_person(one: Actor, other: Actor) -> bool:
    """Whether two actors may be one person, by the account alone. A store may move to another machine, where the
    same person has another number, or another person the same: neither makes two people of one."""
    return one.uid == other.uid or one.user == other.user


def alone(asker: Actor, other: Actor) -> bool:
    """Whether nothing proves that these are two people."""
    return same_person(asker, other) or not (asker.proven and other.proven)


def why_no_second(asker: Actor, asked_at: datetime, other: Actor, at: datetime, *, solo: bool) -> str:
    """Empty if the agreement of `other` at `at` is that of a second person, or in a `solo` plan that of the same one
    after the cool-off; else why it is not."""
    if not alone(asker, other):
        return ""
    if not solo:
        if same_person(asker, other):
            return "that needs somebody else than who asked"
        shared = other if not other.proven else asker
        return f"{who(shared)} is a shared account, which proves no second person"
    if at < asked_at + COOL_OFF:
        return f"alone, it can be agreed to from {instant(asked_at + COOL_OFF)} on"
    return ""

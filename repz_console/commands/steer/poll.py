"""`rollout poll`: the go/no-go poll for the next stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import click

from repz_console.commands.common import columns, in_session, print_json, print_line
from repz_console.commands.exits import Exit, Stop
from repz_console.commands.lazy import Lazy
from repz_console.commands.steer.common import (
    deed,
    done,
    looked_at,
    named,
    needed_reason,
    one_of,
    rollout_argument,
)

if TYPE_CHECKING:
    from datetime import datetime

    from repz_console.engine.outcome import Outcome
    from repz_console.engine.session import Session
    from repz_console.plan.model import Plan
    from repz_console.room.views import PollView, RolloutView, RoomView, StationView

COMMANDS = {
    "show": ("steer.poll:show", "Show how it stands."),
    "call": ("steer.poll:call", "Call its next round."),
    "vote": ("steer.poll:vote", "Answer for a seat."),
    "accept": ("steer.poll:accept", "Take a seat's GO-IF for a GO."),
    "close": ("steer.poll:close", "Call it off."),
}
_ANSWERS = click.Choice(["GO", "NO-GO", "GO-IF"], case_sensitive=False)


@click.group(cls=Lazy, table=COMMANDS)
def group() -> None:
    """Hold the go/no-go poll for a stage. Silence is NO-GO."""


@rollout_argument
def _show(ctx: click.Context, rollout: str, as_json: bool) -> int:
    """Show how the poll for the next stage of ROLLOUT stands.

    Exits 0 where it is GO (or none is asked for), 3 where somebody said NO-GO or the rollout is held, and 4 while
    somebody is silent, or an answer does not count any more.
    """
    from repz_console.room.export import as_data

    async def look(session: Session) -> tuple[RoomView, str]:
        identity = named(session, rollout)
        await looked_at(session, identity)
        return session.view(), identity

    room, identity = in_session(ctx, look)
    view = next(each for each in room.rollout.rollouts if each.id == identity)
    code = standing(view)
    if as_json:
        data = next(each for each in as_data(room)["rollout"]["rollouts"] if each["id"] == identity)
        print_json({"rollout": identity, "poll": data["poll"], "hold": data["hold"], "exit": int(code)})
        return code
    for line in report(view):
        print_line(line)
    return code


@rollout_argument
@click.argument("stage", required=False, default="")
def _call(ctx: click.Context, rollout: str, stage: str, as_json: bool) -> int:
    """Call the next round of the poll for entering STAGE of ROLLOUT, otherwise its next one."""

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        await looked_at(session, identity)
        if stage:
            one_of("stage", stage, (each.id for each in session.plan.rollout[identity].stage), identity)
        return await session.council.call(identity, stage)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("seat")
@click.argument("answer", type=_ANSWERS)
@click.option("--reason", default="", help="Why not, or the condition of a GO-IF.")
@click.option("--owner", default="", help="Who sees to the condition.")
@click.option("--due", default="", metavar="INSTANT", help="By when, such as 2027-02-05T09:00.")
@click.option("--verbal", default="", metavar="WHO", help="Who said it: the director writes it down for them.")
def _vote(
    ctx: click.Context,
    rollout: str,
    seat: str,
    answer: str,
    reason: str,
    owner: str,
    due: str,
    verbal: str,
    as_json: bool,
) -> int:
    """Answer for SEAT in the poll of ROLLOUT: GO, NO-GO with a reason, or GO-IF with a condition, an owner and a due
    time. What the answer rests on is frozen with it."""

    async def steer(session: Session) -> Outcome:
        identity, known = _seated(session, rollout, seat)
        at = _instant(session.plan, due) if due else None
        await looked_at(session, identity)
        return await session.council.vote(
            identity, known, _answer(answer), reason=reason, owner=owner, due=at, verbal=verbal
        )

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("seat")
def _accept(ctx: click.Context, rollout: str, seat: str, as_json: bool) -> int:
    """Take the GO-IF of SEAT for a GO. Only the director's seat."""

    async def steer(session: Session) -> Outcome:
        identity, known = _seated(session, rollout, seat)
        await looked_at(session, identity)
        return await session.council.accept_condition(identity, known)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@needed_reason
def _close(ctx: click.Context, rollout: str, reason: str, as_json: bool) -> int:
    """Call the poll of ROLLOUT off."""

    async def steer(session: Session) -> Outcome:
        return await session.council.close(named(session, rollout), reason)

    return done(ctx, steer, as_json=as_json)


show = deed(_show, "show")
call = deed(_call, "call")
vote = deed(_vote, "vote")
accept = deed(_accept, "accept")
close = deed(_close, "close")


def standing(view: RolloutView) -> Exit:
    """What `poll show` exits with."""
    poll = view.poll
    if view.hold is not None or (poll is not None and poll.verdict == "NO-GO"):
        return Exit.HELD
    if poll is not None and any(station.answer == "NO-GO" for station in poll.stations):
        return Exit.HELD
    return Exit.DONE if poll is None or poll.verdict == "GO" else Exit.INCOMPLETE


def report(view: RolloutView) -> Iterator[str]:
    """The poll, a line a station."""
    if view.hold is not None:
        yield f"HELD by {view.hold.who}" + (f": {view.hold.reason}" if view.hold.reason else "")
    if view.poll is None:
        yield f"no poll is asked for: {view.id} needs none for its next stage"
        return
    yield from stations(view.poll)


def stations(poll: PollView) -> Iterator[str]:
    """How it stands, then a line a station."""
    yield f"{poll.title} for {poll.stage or 'the next stage'}: {poll.line}"
    yield from columns([_row(poll, station) for station in poll.stations])


def _row(poll: PollView, station: StationView) -> tuple[str, ...]:
    word: str = station.answer or "silent"
    if station.answer and not station.stands:
        word = f"{word} (does not count)"
    turn = "<- is asked" if station.turn and station.round == poll.round else ""
    return (f"  {station.title}", station.holder, word, station.stale or station.line, turn)


def _seated(session: Session, rollout: str, seat: str) -> tuple[str, str]:
    identity = named(session, rollout)
    return identity, one_of("seat", seat, (each.id for each in session.plan.seat), "the plan")


def _answer(word: str) -> Literal["GO", "NO-GO", "GO-IF"]:
    answers: dict[str, Literal["GO", "NO-GO", "GO-IF"]] = {"GO": "GO", "NO-GO": "NO-GO", "GO-IF": "GO-IF"}
    return answers[word]


def _instant(plan: Plan, text: str) -> datetime:
    from repz_console.plan import schedule

    try:
        return schedule.typed_instant(text, schedule.launch_zone(plan))
    except ValueError as error:
        raise Stop(Exit.INPUT, str(error)) from None

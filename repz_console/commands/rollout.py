"""`repz-console rollout`: show a rollout and steer it, by the same checks and into the same journal as the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import click

from repz_console.commands.card import card
from repz_console.commands.challenge import ask_challenge
from repz_console.commands.common import (
    ask,
    columns,
    config_option,
    has_terminal,
    in_session,
    print_json,
    print_line,
    printed_glyphs,
)
from repz_console.commands.conn import conn_held
from repz_console.commands.exits import Exit, Stop
from repz_console.commands.target import Target, parsed_target
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.plan.exposure import rising_cells
from repz_console.room import words
from repz_console.room.export import as_data
from repz_console.room.views import RolloutView, RoomView
from repz_console.tui.paint.times import age
from repz_console.tui.paint.words import VERDICT_ROLE, sign

_EXITS = {
    "confirmed": Exit.DONE,
    "denied": Exit.HELD,
    "refused": Exit.HELD,
    "rejected": Exit.HELD,
    "unknown": Exit.INCOMPLETE,
    "partial": Exit.INCOMPLETE,
}


@click.group
def command() -> None:
    """Show a rollout and steer it.

    Hold, roll back and kill need no conn, no gate and no terminal. Whatever widens needs all three.
    """


def _steering(function: Callable[..., int], short: str | None = None) -> click.Command:
    """A subcommand, of the function's name, that does something to one rollout; `short` is its line in a list."""
    return command.command(short_help=short)(click.argument("rollout")(config_option(click.pass_context(function))))


_REASON = click.option("--reason", default="", help="Why; everyone sees it, and the journal keeps it.")
_YES = click.option("--yes", is_flag=True, help="Do not ask for the letter; needed where there is no terminal.")


@command.command(short_help="Show what is planned, desired, configured, and the gates.")
@click.argument("rollout", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as data.")
@config_option
@click.pass_context
def show(ctx: click.Context, rollout: str | None, as_json: bool) -> None:
    """Read the backend back and show ROLLOUT, or all: what is planned, desired, configured, and the gates."""

    async def look(session: Session) -> RoomView:
        names = [_named(session, rollout)] if rollout else [each.id for each in session.view().rollout.rollouts]
        for name in names:
            await session.refresh_rollout(name)
        return session.view()

    view = in_session(ctx, look)
    shown = [each for each in view.rollout.rollouts if rollout in (None, each.id)]
    if as_json:
        data = [each for each in as_data(view)["rollout"]["rollouts"] if rollout in (None, each["id"])]
        print_json(data[0] if rollout else data)
        return
    for number, each in enumerate(shown):
        for line in ([""] if number else []) + list(_report(each, view)):
            print_line(line)


@command.command("set")
@click.argument("rollout")
@click.argument("target")
@click.option("--expect", metavar="REV", help="The revision you judged, as `rollout show` prints it; needed to widen.")
@click.option("--region", "regions", multiple=True, help="Change only these regions; otherwise all that are let in.")
@click.option("--feature", "features", multiple=True, help="These features; otherwise those that are configured.")
@_REASON
@config_option
@click.pass_context
def set_(
    ctx: click.Context,
    rollout: str,
    target: str,
    expect: str | None,
    regions: tuple[str, ...],
    features: tuple[str, ...],
    reason: str,
) -> int:
    """Set ROLLOUT to TARGET: a stage's id, or a percent.

    What widens needs --expect, the conn for as long as the command runs, passing gates, and a person who types the
    target, the environment and two letters on a terminal. What only shrinks needs none of these.
    """

    async def steer(session: Session) -> Outcome:
        named = _named(session, rollout)
        await session.refresh_rollout(named)
        view = next(each for each in session.view().rollout.rollouts if each.id == named)
        wanted = parsed_target(session.plan.rollout[named], view, target, regions, features)
        if not rising_cells(view.configured.exposure, wanted.exposure):
            return await session.control.change(
                named, "set", wanted.exposure, reason=reason, expect=expect or view.revision, stage=wanted.stage
            )
        if expect is None:
            raise Stop(Exit.INPUT, f"this widens: say --expect {view.revision or 'REV'} if that is what you judged")
        return await _widen(session, view, wanted, expect, reason)

    return _told(in_session(ctx, steer))


@_steering
@_REASON
def hold(ctx: click.Context, rollout: str, reason: str) -> int:
    """Hold ROLLOUT: nobody widens it until it is resumed. Needs nothing."""

    async def steer(session: Session) -> Outcome:
        return await session.control.hold(_named(session, rollout), reason)

    return _told(in_session(ctx, steer))


@_steering
@_REASON
def resume(ctx: click.Context, rollout: str, reason: str) -> int:
    """Lift the hold of ROLLOUT. Needs the conn."""

    async def steer(session: Session) -> Outcome:
        named = _named(session, rollout)
        async with conn_held(session, "resume"):
            return await session.control.resume(named, reason)

    return _told(in_session(ctx, steer))


@partial(_steering, short="Accept what the backend shows for changes without an outcome.")
@_YES
def accept(ctx: click.Context, rollout: str, yes: bool) -> int:
    """Take what the backend of ROLLOUT shows for the outcome of every change that has none. Needs the conn.

    Most backends tell by themselves what became of a change. One that compares no revisions cannot: look at it with its
    own tools before you say that what is under way will not come any more.
    """

    async def steer(session: Session) -> Outcome:
        named = _named(session, rollout)
        async with conn_held(session, "accept"):
            await session.refresh_rollout(named)
            seen = next(each for each in session.view().rollout.rollouts if each.id == named).configured.exposure
            if not yes:
                shown = words.exposure(seen) if seen is not None else "nothing that can be read"
                what = f"say that {named} in {session.plan.launch.environment} has {shown}, as its backend shows"
                await _letter("a", what, "accept")
            return await session.control.accept(named, seen)

    return _told(in_session(ctx, steer))


@_steering
@_REASON
def rollback(ctx: click.Context, rollout: str, reason: str) -> int:
    """Roll ROLLOUT back to its last good exposure. It can only shrink, and needs nothing."""

    async def steer(session: Session) -> Outcome:
        return await session.control.change(_named(session, rollout), "rollback", None, reason=reason, expect="")

    return _told(in_session(ctx, steer))


@_steering
@_REASON
@_YES
def kill(ctx: click.Context, rollout: str, reason: str, yes: bool) -> int:
    """Take ROLLOUT to nobody, whatever stands in the way. Needs no conn; asks for the letter k."""

    async def steer(session: Session) -> Outcome:
        named = _named(session, rollout)
        if not yes:
            await _letter("k", f"take {named} in {session.plan.launch.environment} to nobody", "kill")
        return await session.control.change(named, "kill", None, reason=reason, expect="")

    return _told(in_session(ctx, steer))


async def _letter(letter: str, to_do: str, verb: str) -> None:
    """Have a person type a letter. Raises `Stop` without it."""
    if not has_terminal():
        raise Stop(Exit.HELD, f"there is no terminal to type the letter on: say --yes to {verb} without asking")
    if await ask(f"Type  {letter}  to {to_do}: ", otherwise="") != letter:
        raise Stop(Exit.HELD, f"that was not {letter}; nothing was changed")


async def _widen(session: Session, view: RolloutView, wanted: Target, expect: str, reason: str) -> Outcome:
    if not has_terminal():
        raise Stop(Exit.HELD, "this widens, and without a terminal nothing widens")
    async with conn_held(session, "widen"):
        for line in _difference(view, wanted):
            print_line(line, err=True)
        await ask_challenge(wanted.typed, session.plan.launch.environment)
        session.touch()
        return await session.control.change(
            view.id, "set", wanted.exposure, reason=reason, expect=expect, stage=wanted.stage
        )


def _named(session: Session, rollout: str) -> str:
    """The rollout's id, of the plan alone: a way back needs nothing else to be known. Raises `Stop`."""
    known = session.plan.rollout
    if rollout in known:
        return rollout
    raise Stop(Exit.INPUT, f"the plan has no rollout {rollout!r}" + (f": it has {', '.join(known)}" if known else ""))


command.add_command(card(_named))


def _told(outcome: Outcome) -> int:
    """Prints the outcome and gives its exit code."""
    print_line(outcome.line, err=outcome.state != "confirmed")
    return _EXITS[outcome.state]


def _difference(view: RolloutView, wanted: Target) -> Iterator[str]:
    yield f"{view.title}, on {view.backend}, revision {view.revision}"
    rising = rising_cells(view.configured.exposure, wanted.exposure)
    yield from columns(
        [
            (f"  {region}", feature, words.percent(before), "->", words.percent(after))
            for (region, feature), (before, after) in sorted(rising.items())
        ],
        right=(2, 4),
    )
    for gate in view.gates:
        yield f"  {gate.verdict.value:<12} {gate.line}"


def _report(view: RolloutView, room: RoomView) -> Iterator[str]:
    glyphs = printed_glyphs()
    yield f"{view.id}  {view.title}, of {view.cohort}, on {view.backend} ({room.launch.environment})"
    yield from columns(
        [
            (
                f"  {truth.name}",
                words.exposure(truth.exposure) if truth.exposure is not None else "unknown",
                truth.freshness.value,
                f"{age(room.clock.now - truth.at)} ago" if truth.at is not None and truth.at <= room.clock.now else "",
                truth.by,
                truth.note,
            )
            for truth in (view.planned, view.desired, view.configured, view.measured)
        ]
    )
    yield f"  revision    {view.revision or 'unknown'}"
    yield f"  stage       {view.current.title if view.current else 'none yet'}"
    yield f"  next        {f'{view.next.title} ({view.next.id})' if view.next else 'none'}"
    if view.hold is not None:
        because = f": {view.hold.reason}" if view.hold.reason else ""
        yield f"  HELD        by {view.hold.who} since {words.instant(view.hold.at)}{because}"
    if view.change is not None:
        yield f"  change      {view.change.action} {view.change.op} {view.change.state} by {view.change.who}"
    for line in view.drift:
        yield f"  DRIFT       {line}"
    for gate in view.gates:
        yield f"  {sign(VERDICT_ROLE[gate.verdict], glyphs)} {gate.verdict.value:<12} {gate.title}: {gate.line}"

"""`rollout set`, `next` and `forward`: what may widen, and `--dry-run`, which only tells what would come of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from repz_console.commands.common import has_terminal, in_session, print_json, print_line
from repz_console.commands.exits import Exit, Stop
from repz_console.commands.steer.common import deed, looked_at, named, reason_option, rollout_argument, told

if TYPE_CHECKING:
    from repz_console.commands.steer.target import Target
    from repz_console.engine.outcome import Outcome
    from repz_console.engine.rehearsal import Calls
    from repz_console.engine.session import Session
    from repz_console.plan.model import Rollout
    from repz_console.room.views import RolloutView
    from repz_console.room.what_if import Forecast

Function = TypeVar("Function", bound=Callable[..., object])

_EXPECT = click.option(
    "--expect", metavar="REV", help="The revision you judged, as `rollout show` prints it; needed to widen."
)
_DRY = click.option("--dry-run", is_flag=True, help="Change nothing: print what it would mean, and what would be sent.")


def _moving(function: Function) -> Function:
    for option in (_DRY, reason_option, _EXPECT):
        function = option(function)
    return function


@click.argument("target", required=False)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION[=PERCENT]",
    help="Change only these regions; otherwise all that are let in. With a percent of its own, TARGET is not for it.",
)
@click.option("--feature", "features", multiple=True, help="These features; otherwise those that are configured.")
@_moving
def _set(
    ctx: click.Context,
    rollout: str,
    target: str | None,
    expect: str | None,
    regions: tuple[str, ...],
    features: tuple[str, ...],
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Set ROLLOUT to TARGET: a stage's id, or a percent; or give each region its own by --region REGION=PERCENT.

    What widens needs --expect, the conn for as long as the command runs, passing gates, and a person who types the
    target, the environment and two letters on a terminal. What only shrinks needs none of these.
    """
    from repz_console.commands.steer.target import parsed_target

    def choose(plan: Rollout, view: RolloutView) -> Target:
        now = view.configured
        return parsed_target(plan, view, target, regions, features, now=now.exposure, unknown=now.note)

    return _move(ctx, rollout, choose, expect, reason, dry_run, as_json)


@_moving
def _next(ctx: click.Context, rollout: str, expect: str | None, reason: str, dry_run: bool, as_json: bool) -> int:
    """Take ROLLOUT to its next planned stage, as `rollout set` would."""
    from repz_console.commands.steer.target import stage_target

    def choose(plan: Rollout, view: RolloutView) -> Target:
        if view.next is None:
            raise Stop(Exit.HELD, f"{view.id} has no stage left to enter")
        return stage_target(plan, view.next.id)

    return _move(ctx, rollout, choose, expect, reason, dry_run, as_json)


@_moving
def _forward(ctx: click.Context, rollout: str, expect: str | None, reason: str, dry_run: bool, as_json: bool) -> int:
    """Go on with the change of ROLLOUT of which only some steps were applied, as `rollout set` would.

    `rollout rollback` goes the other way.
    """
    from repz_console.commands.steer.target import Target
    from repz_console.plan.exposure import headline_percent

    def choose(plan: Rollout, view: RolloutView) -> Target:
        change = view.change
        if change is None or change.state != "partial":
            raise Stop(Exit.HELD, f"no change of {view.id} was applied in part: there is nothing to roll forward")
        return Target(change.target, change.stage or f"{headline_percent(change.target):g}", change.stage)

    return _move(ctx, rollout, choose, expect, reason, dry_run, as_json)


set_ = deed(rollout_argument(_set), "set")
next_ = deed(rollout_argument(_next), "next")
forward = deed(rollout_argument(_forward), "forward")


def _move(
    ctx: click.Context,
    rollout: str,
    choose: Callable[[Rollout, RolloutView], Target],
    expect: str | None,
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    async def look(session: Session) -> tuple[RolloutView, Target]:
        identity = named(session, rollout)
        view = await looked_at(session, identity)
        return view, choose(session.plan.rollout[identity], view)

    async def steer(session: Session) -> Outcome:
        view, wanted = await look(session)
        return await _steered(session, view, wanted, expect, reason)

    async def rehearse(session: Session) -> tuple[Forecast, tuple[Calls, ...]]:
        view, wanted = await look(session)
        return _forecast(session, view, wanted), await session.calls(view.id, wanted.exposure)

    if not dry_run:
        return told(in_session(ctx, steer), as_json=as_json)
    _tell_dry(*in_session(ctx, rehearse), as_json=as_json)
    return Exit.DONE


async def _steered(session: Session, view: RolloutView, wanted: Target, expect: str | None, reason: str) -> Outcome:
    if _forecast(session, view, wanted).way == "widens":
        if expect is None:
            raise Stop(Exit.INPUT, f"this widens: say --expect {view.revision or 'REV'} if that is what you judged")
        return await _widened(session, view, wanted, expect, reason)
    return await session.control.change(
        view.id, "set", wanted.exposure, reason=reason, expect=expect or view.revision, stage=wanted.stage
    )


async def _widened(session: Session, view: RolloutView, wanted: Target, expect: str, reason: str) -> Outcome:
    from repz_console.commands.challenge import ask_challenge
    from repz_console.commands.conn import conn_held
    from repz_console.room import what_if

    if not has_terminal():
        raise Stop(Exit.HELD, "this widens, and without a terminal nothing widens")
    async with conn_held(session, "widen"):
        print_line(f"{view.title}, on {view.backend}, revision {view.revision}", err=True)
        for line in what_if.lines(_forecast(session, view, wanted)):
            print_line(f"  {line}", err=True)
        await ask_challenge(wanted.typed, session.plan.launch.environment)
        session.touch()
        return await session.control.change(
            view.id, "set", wanted.exposure, reason=reason, expect=expect, stage=wanted.stage
        )


def _forecast(session: Session, view: RolloutView, wanted: Target) -> Forecast:
    """What it would mean, with what this command line would ask to be typed."""
    from msgspec.structs import replace

    found = session.forecast(view.id, wanted.exposure, wanted.stage)
    return replace(found, typed=f"{wanted.typed} {session.plan.launch.environment}") if found.typed else found


def _tell_dry(forecast: Forecast, calls: tuple[Calls, ...], *, as_json: bool) -> None:
    from repz_console.room import what_if

    if as_json:
        print_json({"forecast": forecast, "calls": calls})
        return
    for line in what_if.lines(forecast):
        print_line(line)
    for part in calls:
        print_line(f"to {part.controller}: {part.why or 'would be sent'}")
        for line in part.lines:
            print_line(f"  {line}")
    print_line("nothing was changed: this was a dry run")

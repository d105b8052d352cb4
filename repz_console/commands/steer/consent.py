"""`rollout ask`, `approve`, `waive`, `second`, `override`, `seat`, `stop`, `start`, `observe`: what people agree to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from repz_console.commands.exits import Exit, Stop
from repz_console.commands.steer.common import (
    deed,
    done,
    looked_at,
    named,
    needed_reason,
    one_of,
    reason_option,
    rollout_argument,
    view_of,
)

if TYPE_CHECKING:
    from repz_console.commands.steer.target import Target
    from repz_console.engine.outcome import Outcome
    from repz_console.engine.session import Session
    from repz_console.facts import Exposure
    from repz_console.room.views import RolloutView

_REGIONS = click.option("--region", "regions", multiple=True, metavar="REGION[=PERCENT]", help="Only these regions.")
_FEATURES = click.option("--feature", "features", multiple=True, help="These features.")
_STAGE = click.option("--stage", default="", help="For entering this stage; otherwise the next one.")
_MINUTES = click.FloatRange(min=0, min_open=True, max=7 * 24 * 60)


@rollout_argument
@click.argument("target", required=False)
@_REGIONS
@_FEATURES
@reason_option
def _ask(
    ctx: click.Context,
    rollout: str,
    target: str | None,
    regions: tuple[str, ...],
    features: tuple[str, ...],
    reason: str,
    as_json: bool,
) -> int:
    """Ask others to approve taking ROLLOUT to TARGET, named as for `rollout set`; otherwise to its next stage."""

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        view = await looked_at(session, identity)
        wanted = _wanted(session, view, target, regions, features)
        return await session.council.ask(identity, wanted.exposure, wanted.stage, reason)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("ask", required=False, default="")
def _approve(ctx: click.Context, rollout: str, ask: str, as_json: bool) -> int:
    """Approve what was last asked for ROLLOUT; with ASK only if it is that one."""

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        await looked_at(session, identity)
        return await session.council.approve(identity, ask)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("gate")
@needed_reason
@click.option("--minutes", type=_MINUTES, required=True, help="How long it holds.")
@_STAGE
def _waive(ctx: click.Context, rollout: str, gate: str, reason: str, minutes: float, stage: str, as_json: bool) -> int:
    """Ask to widen ROLLOUT though GATE is INCONCLUSIVE. It holds once somebody else says `rollout second`."""

    async def steer(session: Session) -> Outcome:
        identity, asked, entered = await _gate(session, rollout, gate, stage)
        return await session.council.waive(identity, asked, reason, minutes, entered)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("waiver", required=False, default="")
def _second(ctx: click.Context, rollout: str, waiver: str, as_json: bool) -> int:
    """Agree to the waiver of ROLLOUT that waits for a second person; with WAIVER to that one."""

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        await looked_at(session, identity)
        return await session.council.second(identity, waiver)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("gate")
@needed_reason
@_STAGE
def _override(ctx: click.Context, rollout: str, gate: str, reason: str, stage: str, as_json: bool) -> int:
    """Let ROLLOUT widen though GATE fails, until the stage ends. Only the director's seat; typed on a terminal."""
    from repz_console.commands.challenge import ask_challenge

    async def steer(session: Session) -> Outcome:
        identity, asked, entered = await _gate(session, rollout, gate, stage)
        await ask_challenge(f"override {asked}", session.plan.launch.environment)
        session.touch()
        return await session.council.override(identity, asked, reason, entered)

    return done(ctx, steer, as_json=as_json)


@click.argument("seat")
@reason_option
def _seat(ctx: click.Context, seat: str, reason: str, as_json: bool) -> int:
    """Hold SEAT from now on, to answer and to approve for it. Taking it from somebody needs a reason."""

    async def steer(session: Session) -> Outcome:
        known = one_of("seat", seat, (each.id for each in session.plan.seat), "the plan")
        return await session.council.take_seat(known, reason)

    return done(ctx, steer, as_json=as_json)


@needed_reason
def _stop(ctx: click.Context, reason: str, as_json: bool) -> int:
    """Stop the line: nobody widens any rollout until it is started again. Anybody may."""

    async def steer(session: Session) -> Outcome:
        return await session.council.stop_line(reason)

    return done(ctx, steer, as_json=as_json)


@needed_reason
def _start(ctx: click.Context, reason: str, as_json: bool) -> int:
    """Start the line again. Needs the conn."""
    from repz_console.commands.conn import conn_held

    async def steer(session: Session) -> Outcome:
        async with conn_held(session, "start the line"):
            return await session.council.start_line(reason)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.argument("target", required=False)
@_REGIONS
@_FEATURES
@click.option("--controller", default="", help="The source that was looked at; needed where the rollout has several.")
@click.option("--minutes", type=_MINUTES, default=10, show_default=True, help="How long it is to be believed.")
@click.option("--op", default="", help="The change that was made by hand, if it was one of the console's.")
def _observe(
    ctx: click.Context,
    rollout: str,
    target: str | None,
    regions: tuple[str, ...],
    features: tuple[str, ...],
    controller: str,
    minutes: float,
    op: str,
    as_json: bool,
) -> int:
    """Say what the backend of ROLLOUT shows, where the console cannot ask it: a stage's id, a percent, or a percent a
    region. What is not named is as last decided."""
    from repz_console.commands.steer.target import parsed_target
    from repz_console.plan.parts import controllers

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        plan, view = session.plan.rollout[identity], view_of(session, identity)
        known = controllers(plan)
        if not controller and len(known) > 1:
            raise Stop(Exit.INPUT, f"{identity} has several controllers: say --controller, one of {', '.join(known)}")
        source = one_of("controller", controller or known[0], known, identity)
        seen = parsed_target(
            plan, view, target, regions, features, now=_decided(view), unknown="nothing was decided yet"
        )
        return await session.council.observe(identity, source, seen.exposure, minutes, op=op)

    return done(ctx, steer, as_json=as_json)


ask = deed(_ask, "ask")
approve = deed(_approve, "approve")
waive = deed(_waive, "waive")
second = deed(_second, "second")
override = deed(_override, "override")
seat = deed(_seat, "seat")
stop = deed(_stop, "stop")
start = deed(_start, "start")
observe = deed(_observe, "observe")


def _wanted(
    session: Session, view: RolloutView, target: str | None, regions: tuple[str, ...], features: tuple[str, ...]
) -> Target:
    from repz_console.commands.steer.target import parsed_target, stage_target

    plan = session.plan.rollout[view.id]
    if target is None and not regions and not features:
        if view.next is None:
            raise Stop(Exit.HELD, f"{view.id} has no stage left to enter")
        return stage_target(plan, view.next.id)
    now = view.configured
    return parsed_target(plan, view, target, regions, features, now=now.exposure, unknown=now.note)


async def _gate(session: Session, rollout: str, gate: str, stage: str) -> tuple[str, str, str]:
    """The rollout, a gate of entering a stage, and that stage: the one named, else the next one. Raises `Stop`."""
    identity = named(session, rollout)
    view = await looked_at(session, identity)
    if stage:
        entered = one_of("stage", stage, (each.id for each in view.stages), identity)
    elif view.next is None:
        raise Stop(Exit.HELD, f"{identity} has no stage left to enter")
    else:
        entered = view.next.id
    target = next(each.exposure for each in view.stages if each.id == entered)
    judged = (each.id for each in session.gates(identity, target))
    return identity, one_of("gate", gate, judged, f"{identity} {entered}"), entered


def _decided(view: RolloutView) -> Exposure | None:
    """What was last decided. Before anything was, nobody is exposed."""
    from repz_console.plan.exposure import nobody

    return view.desired.exposure or nobody()

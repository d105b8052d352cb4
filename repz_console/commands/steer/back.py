"""`rollout hold`, `resume`, `rollback`, `kill` and `accept`: the way back, and what lets people go on after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from repz_console.commands.steer.common import (
    deed,
    done,
    letter,
    looked_at,
    named,
    one_of,
    reason_option,
    rollout_argument,
    yes_option,
)

if TYPE_CHECKING:
    from repz_console.engine.outcome import Outcome
    from repz_console.engine.session import Session
    from repz_console.facts import Exposure
    from repz_console.plan.model import Rollout


@rollout_argument
@reason_option
def _hold(ctx: click.Context, rollout: str, reason: str, as_json: bool) -> int:
    """Hold ROLLOUT: nobody widens it until it is resumed. Needs nothing."""

    async def steer(session: Session) -> Outcome:
        return await session.control.hold(named(session, rollout), reason)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@reason_option
def _resume(ctx: click.Context, rollout: str, reason: str, as_json: bool) -> int:
    """Lift the hold of ROLLOUT. Needs the conn."""
    from repz_console.commands.conn import conn_held

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        async with conn_held(session, "resume"):
            return await session.control.resume(identity, reason)

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@reason_option
def _rollback(ctx: click.Context, rollout: str, reason: str, as_json: bool) -> int:
    """Roll ROLLOUT back to its last good exposure. It can only shrink, and needs nothing."""

    async def steer(session: Session) -> Outcome:
        return await session.control.change(named(session, rollout), "rollback", None, reason=reason, expect="")

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@click.option("--feature", "features", multiple=True, help="Take only these features from everybody.")
@reason_option
@yes_option
def _kill(ctx: click.Context, rollout: str, features: tuple[str, ...], reason: str, yes: bool, as_json: bool) -> int:
    """Take ROLLOUT to nobody, whatever stands in the way. Needs no conn; asks for the letter k.

    With --feature only that is switched off, and the others stay as they are. The backend must then answer what it has.
    """

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        without = _without(session.plan.rollout[identity], features) if features else None
        if not yes:
            what = f"take {', '.join(features)} of {identity}" if features else f"take {identity}"
            await letter("k", f"{what} in {session.plan.launch.environment} to nobody", "kill")
        if without is not None:
            return await session.control.change(identity, "rollback", without, reason=reason, expect="")
        return await session.control.change(identity, "kill", None, reason=reason, expect="")

    return done(ctx, steer, as_json=as_json)


@rollout_argument
@yes_option
def _accept(ctx: click.Context, rollout: str, yes: bool, as_json: bool) -> int:
    """Take what the backend of ROLLOUT shows for the outcome of every change that has none. Needs the conn.

    Most backends tell by themselves what became of a change. One that compares no revisions cannot: look at it with its
    own tools before you say that what is under way will not come any more.
    """
    from repz_console.commands.conn import conn_held
    from repz_console.room import words

    async def steer(session: Session) -> Outcome:
        identity = named(session, rollout)
        async with conn_held(session, "accept"):
            seen = (await looked_at(session, identity)).configured.exposure
            if not yes:
                shown = words.exposure(seen) if seen is not None else "nothing that can be read"
                what = f"say that {identity} in {session.plan.launch.environment} has {shown}, as its backend shows"
                await letter("a", what, "accept")
            return await session.control.accept(identity, seen)

    return done(ctx, steer, as_json=as_json)


hold = deed(_hold, "hold")
resume = deed(_resume, "resume")
rollback = deed(_rollback, "rollback")
kill = deed(_kill, "kill")
accept = deed(_accept, "accept")


def _without(rollout: Rollout, features: tuple[str, ...]) -> Exposure:
    """Everything but these features: a roll back takes the smaller of this and what is configured."""
    from repz_console.facts import Exposure

    known = dict.fromkeys(feature for stage in rollout.stage for feature in stage.features)
    gone = {one_of("feature", feature, known, "the rollout") for feature in features}
    kept = tuple(sorted(feature for feature in known if feature not in gone))
    return Exposure(percent=dict.fromkeys(rollout.regions, 100.0), features=kept)

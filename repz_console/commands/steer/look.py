"""`rollout show` and `ready`: what a rollout is, and whether this user could take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from repz_console.commands.common import in_session, print_json, print_line, printed_glyphs
from repz_console.commands.exits import Exit
from repz_console.commands.steer.common import deed, looked_at, named

if TYPE_CHECKING:
    from repz_console.engine.session import Session
    from repz_console.room.views import RoomView


@click.argument("rollout", required=False)
def _show(ctx: click.Context, rollout: str | None, as_json: bool) -> None:
    """Read the backends back and show ROLLOUT, or all: what is planned, desired and configured, region by region, the
    gates, and who has to say go."""
    import asyncio

    from repz_console.commands.steer.report import report
    from repz_console.room.export import as_data

    async def look(session: Session) -> RoomView:
        names = [named(session, rollout)] if rollout else list(session.plan.rollout)
        await asyncio.gather(session.look_back(), *(looked_at(session, name) for name in names))
        return session.view()

    view = in_session(ctx, look)
    if as_json:
        data = [each for each in as_data(view)["rollout"]["rollouts"] if rollout in (None, each["id"])]
        print_json(data[0] if rollout else data)
        return
    shown = [each for each in view.rollout.rollouts if rollout in (None, each.id)]
    for number, each in enumerate(shown):
        for line in ([""] if number else []) + list(report(each, view, printed_glyphs())):
            print_line(line)


@click.argument("rollout", required=False)
def _ready(ctx: click.Context, rollout: str | None, as_json: bool) -> int:
    """Look whether you could take ROLLOUT, or each, back now: with this token, these file rights and this network.

    Writes nothing. Exits 3 if a kill would fail somewhere, and 4 where that could not be found out.
    """
    from repz_console.room.export import as_data

    async def look(session: Session) -> RoomView:
        if rollout:
            named(session, rollout)
        await session.look_back()
        return session.view()

    view = in_session(ctx, look)
    shown = [each for each in view.rollout.rollouts if rollout in (None, each.id)]
    states = {each.state for found in shown for each in found.readiness}
    code = Exit.HELD if "not ready" in states else Exit.INCOMPLETE if "unknown" in states else Exit.DONE
    if as_json:
        data = [each for each in as_data(view)["rollout"]["rollouts"] if rollout in (None, each["id"])]
        print_json([{"rollout": each["id"], "readiness": each["readiness"]} for each in data])
        return code
    for found in shown:
        for each in found.readiness:
            print_line(f"{found.id} on {each.controller}: {each.state.upper()}, {each.line}")
    return code


show = deed(_show, "show")
ready = deed(_ready, "ready")

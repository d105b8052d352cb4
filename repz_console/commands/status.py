"""`repz-console status`: the whole room without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from repz_console.commands.common import config_option, loaded, print_json, printed_glyphs
from repz_console.commands.failures import say
from repz_console.config import Loaded
from repz_console.engine.session import Session
from repz_console.room import words
from repz_console.room.export import as_data
from repz_console.room.views import RoomView
from repz_console.tui.paint.areas import standings
from repz_console.tui.paint.base import text_of
from repz_console.tui.paint.format import cut
from repz_console.tui.paint.status import banner, status_line
from repz_console.tui.paint.times import moment, zone_of
from repz_console.tui.paint.words import sign

_WIDTH = 120
"""Columns of a line; what has no room in the status line is told below it."""


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print everything as data.")
@click.option("--refresh", is_flag=True, help="Ask every source once before; otherwise what is known is told.")
@config_option
@click.pass_context
def command(ctx: click.Context, as_json: bool, refresh: bool) -> None:
    """Print where the launch stands. Needs no terminal and asks no source unless --refresh is given."""
    view, notices = asyncio.run(_look(loaded(ctx), refresh))
    for notice in notices:
        say(notice)
    if as_json:
        print_json(as_data(view))
    else:
        for line in report(view):
            click.echo(line)


async def _look(config: Loaded, refresh: bool) -> tuple[RoomView, tuple[str, ...]]:
    async with Session.open(config, watch=False, collect=False) as session:
        if refresh:
            await session.refresh()
        return session.view(), session.notices


def report(view: RoomView) -> Iterator[str]:
    """The room in a few lines: the status line of every tab, then how each area stands."""
    glyphs = printed_glyphs()
    yield f"{view.launch.title} - as of {words.instant(view.clock.now)}"
    warned = banner(view, _WIDTH, glyphs)
    if warned is not None:
        yield text_of(warned).strip()
    yield text_of(status_line(view, _WIDTH, glyphs)).rstrip()
    yield ""
    for standing in standings(view, glyphs):
        aside = f"  ({standing.aside})" if standing.aside else ""
        told = cut(f"{standing.text}{aside}", _WIDTH - 12, glyphs.ellipsis)
        yield f"{sign(standing.role, glyphs)} {standing.label:<9} {told}"
    yield ""
    for happening in view.clock.current:
        yield f"now   {happening.title}"
    zone = zone_of(view.clock.zone)
    for happening in view.clock.upcoming[:3]:
        yield f"next  {moment(happening.at, view.clock.now, zone)}  {happening.title}"
    if view.rollout.blocker:
        yield f"block {view.rollout.blocker}"
    yield f"conn  {view.control.holder or 'FREE'}"

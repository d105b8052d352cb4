"""`repz-console status`: the whole room without a screen."""

from __future__ import annotations

import asyncio

import click

from repz_console.commands.common import config_option, loaded, print_json, print_line, refuse_damaged
from repz_console.commands.failures import say
from repz_console.config import Loaded
from repz_console.engine.session import Session
from repz_console.room.export import as_data
from repz_console.room.views import RoomView


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
        # Scripts ask for data every few seconds: they need not wait for the painters.
        from repz_console.commands.report import report

        for line in report(view):
            print_line(line)
    refuse_damaged(view.journal.damage)


async def _look(config: Loaded, refresh: bool) -> tuple[RoomView, tuple[str, ...]]:
    async with Session.open(config, watch=False, collect=False) as session:
        if refresh:
            await asyncio.gather(session.refresh(), session.look_back())
        return session.view(), session.notices

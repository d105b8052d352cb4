"""`repz-console rollout card`: what to do when there is no console, printed while there is one."""

from __future__ import annotations

import click

from repz_console.commands.common import config_option, in_session, print_json, print_line
from repz_console.commands.steer.common import named
from repz_console.engine.card import Card, printed
from repz_console.engine.session import Session


@click.command("card")
@click.argument("rollout", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as data.")
@config_option
@click.pass_context
def command(ctx: click.Context, rollout: str | None, as_json: bool) -> None:
    """Print the break-glass card of ROLLOUT, or of all: the exact commands that take it to nobody without this
    program, what they do not do, and how to see that they worked.

    Needs no store, no conn and no backend that answers. Print it anew after each change of the plan, and keep it
    where it can be read when this machine cannot.
    """

    async def make(session: Session) -> list[Card]:
        return [session.card(name) for name in ([named(session, rollout)] if rollout else session.plan.rollout)]

    cards = in_session(ctx, make)
    if as_json:
        print_json(cards[0] if rollout else cards)
        return
    for number, each in enumerate(cards):
        for line in (["", "=" * 80, ""] if number else []) + list(printed(each)):
            print_line(line)

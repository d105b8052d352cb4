"""`repz-console store`: carry the journal to another machine, and decide which of two stores steers."""

from __future__ import annotations

from pathlib import Path

import click

from repz_console.commands.common import config_option, in_session, loaded, print_line
from repz_console.commands.exits import Exit
from repz_console.commands.failures import say
from repz_console.engine.session import Session
from repz_console.engine.takeover import TakenOver
from repz_console.events import StoreCopied, StoreRestored, StoreRetired
from repz_console.store import backup as copies
from repz_console.store import identity, place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.text import safe
from repz_console.tui.paint.format import count

_PATH = click.Path(dir_okay=False, path_type=Path)


@click.group
def command() -> None:
    """Back the journal up, restore it on another machine, and say which store steers."""


@command.command(short_help="Write the whole journal to a new file.")
@click.argument("to", type=_PATH)
@config_option
@click.pass_context
def backup(ctx: click.Context, to: Path) -> None:
    """Write the whole journal to the new file TO, while consoles go on using it.

    TO may lie on any disk, also on a network. It is private to you, and was read back and verified when this returns.
    """
    config = loaded(ctx)
    folder = place.folder(config.plan.store.path, config.path.parent)
    origin = copies.write(folder, to)
    print_line(f"{count(origin.seq, 'entry', 'entries')} copied to {to}; head {origin.seq}:{origin.hash}")
    try:
        journal = Journal.open(folder)
        try:
            journal.append(StoreCopied(safe(to.absolute()), origin.seq, origin.hash), identity.actor())
        finally:
            journal.close()
    except StoreError as error:
        say(f"the copy is whole, but that it was made could not be journaled: {error}")


@command.command(short_help="Make a backup the journal of this machine's store.")
@click.argument("source", metavar="FROM", type=_PATH)
@click.option("--set-aside", is_flag=True, help="Keep a journal that is there already beside the restored one.")
@config_option
@click.pass_context
def restore(ctx: click.Context, source: Path, set_aside: bool) -> None:
    """Make FROM, which `store backup` wrote, the journal of this machine's store.

    No rollout is touched and nobody can widen from here until `store take-over`: a copy may be restored just to look
    at it.
    """
    config = loaded(ctx)
    folder = place.folder(config.plan.store.path, config.path.parent)
    db, origin = copies.read(source)
    restored = StoreRestored(origin.seq, origin.hash, origin.host, origin.folder, origin.at)
    kept = copies.restore(db, folder, [restored], identity.actor(), aside=set_aside)
    print_line(f"{count(origin.seq, 'entry', 'entries')} restored into {folder}, from {origin.host} {origin.folder}")
    if kept:
        print_line(f"the journal that was there is kept as {kept}")
    print_line(f"what was journaled there after {origin.at:%Y-%m-%d %H:%M:%S}Z is not here")
    print_line("next: repz-console doctor, and repz-console store take-over to steer from here")


@command.command("take-over", short_help="Steer from this store and shut the other one out.")
@click.option("--reason", default="", help="Why, for the journal.")
@config_option
@click.pass_context
def take_over(ctx: click.Context, reason: str) -> int:
    """Steer every rollout from this store, and shut out the store that did until now.

    Needs the conn and a typed challenge. Nobody sees more or less afterwards. Every rollout is held until it is
    resumed. Exits 4 if a rollout could not be fenced: it says which, and why.
    """
    from repz_console.commands.challenge import ask_challenge
    from repz_console.commands.conn import conn_held

    async def work(session: Session) -> tuple[TakenOver, ...]:
        async with conn_held(session, "take the rollouts over"):
            await ask_challenge("take-over", session.plan.launch.environment)
            return await session.control.take_over(reason)

    found = in_session(ctx, work)
    for each in found:
        print_line(f"{each.rollout}: {each.line}")
    print_line("this store steers from now on; every rollout is held until it is resumed")
    return Exit.DONE if all(each.fenced for each in found) else Exit.INCOMPLETE


@command.command()
@click.option("--reason", default="", help="Why, for the journal.")
@config_option
@click.pass_context
def retire(ctx: click.Context, reason: str) -> None:
    """Let nobody widen from this store any more, before it is moved. Hold, roll back and kill go on working.

    `store take-over` makes it steer again.
    """

    async def work(session: Session) -> None:
        await session.write(StoreRetired(reason=safe(reason).strip()))

    in_session(ctx, work)
    print_line("retired: nobody widens from this store; back it up and restore it where the rollouts are to be steered")

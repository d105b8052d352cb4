"""What the commands that steer a rollout share: how they name one, look at it, ask for a letter, and tell the outcome.

Modules beside this one import what is heavy where it is used, so that help and completion need none of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import click

from repz_console.commands.common import ask, config_option, has_terminal, in_session, print_json, print_line
from repz_console.commands.exits import Exit, Stop

if TYPE_CHECKING:
    from repz_console.engine.outcome import Outcome
    from repz_console.engine.session import Session
    from repz_console.room.views import RolloutView

_EXITS = {"confirmed": Exit.DONE, "denied": Exit.HELD, "refused": Exit.HELD, "rejected": Exit.HELD}

reason_option = click.option("--reason", default="", help="Why; everyone sees it, and the journal keeps it.")
needed_reason = click.option("--reason", required=True, help="Why; everyone sees it, and the journal keeps it.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask for the letter; needed where there is no terminal.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as data.")
rollout_argument = click.argument("rollout")


def deed(function: Callable[..., int | None], name: str) -> click.Command:
    """The function as a command, with --json and --config."""
    return click.command(name)(json_option(config_option(click.pass_context(function))))


def done(ctx: click.Context, work: Callable[[Session], Awaitable[Outcome]], *, as_json: bool) -> int:
    """Does `work` in a session, prints the outcome and gives its exit code."""
    return told(in_session(ctx, work), as_json=as_json)


def told(outcome: Outcome, *, as_json: bool) -> int:
    """Prints the outcome and gives its exit code."""
    import msgspec

    code = _EXITS.get(outcome.state, Exit.INCOMPLETE)
    if as_json:
        print_json({**msgspec.to_builtins(outcome), "exit": int(code)})
    else:
        print_line(outcome.line, err=code != Exit.DONE)
    return code


def named(session: Session, rollout: str) -> str:
    """The rollout's id, of the plan alone: a way back needs nothing else to be known. Raises `Stop`."""
    return one_of("rollout", rollout, session.plan.rollout, "the plan")


def one_of(noun: str, word: str, known: Iterable[str], whose: str) -> str:
    """`word`, if it is one of the known ones. Raises `Stop` with the nearest one, or with all."""
    from difflib import get_close_matches

    names = list(known)
    if word in names:
        return word
    near = get_close_matches(word, names, n=1)
    listed = f"it has {', '.join(names)}" if names else "it has none"
    hint = f"did you mean {near[0]}? {listed}" if near else listed
    raise Stop(Exit.INPUT, f"{whose} has no {noun} {word!r}: {hint}")


async def looked_at(session: Session, rollout: str) -> RolloutView:
    """The rollout, after its backends were asked what is configured."""
    # One that cannot be asked says nothing here: the view tells why.
    with contextlib.suppress(ValueError):
        await session.refresh_rollout(rollout)
    return view_of(session, rollout)


def view_of(session: Session, rollout: str) -> RolloutView:
    """The rollout as known now."""
    return next(each for each in session.view().rollout.rollouts if each.id == rollout)


async def letter(letter: str, to_do: str, verb: str) -> None:
    """Have a person type a letter. Raises `Stop` without it."""
    if not has_terminal():
        raise Stop(Exit.HELD, f"there is no terminal to type the letter on: say --yes to {verb} without asking")
    if await ask(f"Type  {letter}  to {to_do}: ", otherwise="") != letter:
        raise Stop(Exit.HELD, f"that was not {letter}; nothing was changed")

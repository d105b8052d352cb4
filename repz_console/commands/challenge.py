"""The typed challenge on a terminal: what stands between a person and a wider rollout."""

from __future__ import annotations

import secrets

from repz_console.commands.common import ask
from repz_console.commands.exits import Exit, Stop
from repz_console.plan import challenge


async def ask_challenge(target: str, environment: str) -> None:
    """Ask for target, environment and two letters that nobody can know before. Stops unless exactly these are typed."""
    expected = challenge.words(target, environment, challenge.nonce(secrets.choice))
    typed = await ask(
        f"Type  {expected}  to go on: ", otherwise="a widening needs a person who types the challenge on a terminal"
    )
    if not challenge.met(typed, expected):
        raise Stop(Exit.HELD, "that is not what had to be typed; nothing was changed")

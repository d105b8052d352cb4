"""The conn as a command takes it: free or not at all, and only for as long as the command runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from repz_console.commands.exits import Exit, Stop
from repz_console.engine.session import Session
from repz_console.room.control import only_holder


@asynccontextmanager
async def conn_held(session: Session, verb: str) -> AsyncIterator[None]:
    """Has the conn inside. Raises `Stop` where that cannot be; `verb` is what its holder alone may do."""
    refused = await session.take_conn()
    if refused:
        control = session.view().control
        if control.may_take and control.state == "HELD":
            # A reason would let a console take it. Nobody is to lose it to a script, whatever it was given.
            raise Stop(Exit.HELD, only_holder(control, verb))
        raise Stop(Exit.HELD, f"the conn could not be taken: {refused}")
    try:
        yield
    finally:
        await session.release_conn()

"""`repz-console record`: the collector without a screen, for a service account."""

from __future__ import annotations

import asyncio
import gc
import signal

import click

from repz_console.commands.common import config_option, loaded
from repz_console.commands.exits import Exit, Stop
from repz_console.commands.failures import say
from repz_console.commands.journal import line
from repz_console.config import Loaded
from repz_console.engine.session import Session
from repz_console.facts import Freshness

_ENDED_BY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@click.command
@config_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """Poll every source for everyone and journal what happens, until SIGTERM, SIGINT or SIGHUP.

    It takes polling over from consoles, so that closing one never leaves the others without data. What it does goes
    to stderr, one line each; docs/record.service runs it under systemd.
    """
    asyncio.run(_record(loaded(ctx)))


async def _record(config: Loaded) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str] = loop.create_future()

    def end(name: str) -> None:
        if not ended.done():
            ended.set_result(name)

    for number in _ENDED_BY:
        loop.add_signal_handler(number, end, number.name)
    async with Session.open(config, collect=True, recorder=True) as session:
        if session.without:
            raise Stop(Exit.HELD, session.without)
        gc.enable()  # unlike other commands this one stays
        teller = _Teller(session)
        say(f"records {config.plan.launch.title}: {len(config.plan.source)} sources, the store is {session.folder}")
        unsubscribe = session.subscribe(teller.tell)
        teller.tell()
        why = await ended
        unsubscribe()
        say(f"ends: {why}")


class _Teller:
    """Tells each change once: what the journal gained, and which source is how fresh."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen = session.view().journal.length
        self._fresh: dict[str, Freshness] = {}
        self._notices: set[str] = set()

    def tell(self) -> None:
        """Print what changed since the last call."""
        for entry in self._session.entries(after=self._seen):
            self._seen = entry.seq
            say(line(entry).strip())
        for source in self._session.view().sources.sources:
            before = self._fresh.get(source.id)
            if before is not source.freshness:
                self._fresh[source.id] = source.freshness
                because = f": {source.error}" if source.error else ""
                say(f"source {source.id} is {source.freshness.value}{because}")
        for notice in self._session.notices:
            if notice not in self._notices:
                self._notices.add(notice)
                say(notice)

"""The kind `host`: the box that this runs on, and one process on it if named.

These are the box's own figures. They never stand in for the health of the servers that are launched.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar, Self

from repz_console.facts import Facts
from repz_console.providers.base import Context, Options, Provider
from repz_console.providers.threads import in_thread

if TYPE_CHECKING:
    from repz_console.providers.host_machine import Counters, Machine

_LEAST_SPAN = 0.2
"""Seconds between two looks at a counter below which its rate is noise."""

_DEADLINE = 5.0
"""Seconds: a hung mount never answers."""


class HostOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "host"`."""

    disk: str = "/"
    """A path on the file system whose use is read as `disk`."""
    process: str = ""
    """Name of a process to watch as well, summed over all of that name; empty watches none."""


class Host(Provider):
    """Readings `cpu`, `memory`, `disk` (%), `load1`, `net.in`, `net.out` (B/s), `fds`, `uptime` (s, in whole minutes),
    and with a process `process.up` (1 or 0), `process.cpu` (% of one core), `process.memory` (B), `process.fds`.
    """

    kind: ClassVar[str] = "host"
    own_config_only = False
    Options = HostOptions
    options: HostOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._machine: Machine | None = None
        self._before: Counters | None = None

    async def __aenter__(self) -> Self:
        """Look at the counters once, so that the first fetch has rates."""
        self._before = await in_thread(self._prime, deadline=_DEADLINE, what="the host")
        return self

    async def fetch(self) -> Facts:
        """One look. Rates are since the last one. Raises `ProviderError` when the box does not answer."""
        before = self._before
        if before is None:
            before = await in_thread(self._prime, deadline=_DEADLINE, what="the host")
        young = _LEAST_SPAN - (time.monotonic() - before.at)
        if young > 0:
            await asyncio.sleep(young)
        machine = self._asked()
        readings, self._before = await in_thread(lambda: machine.look(before), deadline=_DEADLINE, what="the host")
        return Facts(readings=readings)

    def _prime(self) -> Counters:
        return self._asked().prime()

    def _asked(self) -> Machine:
        if self._machine is None:
            from repz_console.providers.host_machine import Machine

            self._machine = Machine(self.context.resolve(self.options.disk), self.options.process)
        return self._machine

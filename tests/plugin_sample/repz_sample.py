"""The kind `sample`: as many queued jobs as the config says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from repz_console.facts import Facts, Reading
from repz_console.providers.base import Options, Provider, reading_time


class SampleOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "sample"`."""

    jobs: int = 3


class Sample(Provider):
    """One reading, `queue.length`."""

    kind: ClassVar[str] = "sample"
    Options = SampleOptions
    options: SampleOptions

    async def fetch(self) -> Facts:
        """The number from the config."""
        return Facts(readings=(Reading("queue.length", float(self.options.jobs), reading_time(datetime.now(UTC))),))


class Stranger:
    """Not a provider at all."""

"""Kinds that read JSON over HTTP, as a third party's would: `meter`, and `tracker`, which tells of bugs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from repz_console.facts import Bug, Facts, Reading
from repz_console.providers import registry
from repz_console.providers.address import check_url
from repz_console.providers.base import Context, Options, Provider, reading_time
from repz_console.providers.net import Client

OPENED = datetime(2027, 2, 1, tzinfo=UTC)


class Page(Struct):
    """What a meter's server sends."""

    error_rate: float


class MeterOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "meter"` or `"tracker"`."""

    url: str
    timeout: float = 5

    def __post_init__(self) -> None:
        """Refuse what must not be asked."""
        check_url(self.url)


class Meter(Provider):
    """One reading, `error_rate`."""

    kind: ClassVar[str] = "meter"
    Options = MeterOptions
    options: MeterOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self.client = Client(self.options.url)

    async def page(self) -> Page:
        return await self.client.read(self.options.url, Page, deadline=self.options.timeout)

    async def fetch(self) -> Facts:
        page = await self.page()
        reading = Reading("error_rate", page.error_rate, reading_time(datetime.now(UTC)), "%")
        return Facts(readings=(reading,), notes=self.client.notes)


class Tracker(Meter):
    """As many bugs as the page's number says."""

    kind: ClassVar[str] = "tracker"
    tells = frozenset({"bugs"})

    async def fetch(self) -> Facts:
        count = int((await self.page()).error_rate)
        source = self.context.source
        return Facts(bugs=tuple(Bug(f"{source}:{n}", "t", "P0", "open", OPENED, OPENED) for n in range(count)))


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the kinds known."""
    for kind in (Meter, Tracker):
        monkeypatch.setitem(registry.BUILT_IN, kind.kind, f"tests.support.meter:{kind.__name__}")

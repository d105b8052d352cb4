"""What people see by Unleash's own Python client."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.unleash import CLIENT, Unleash

PEOPLE = 10_000
A_FEW = 500
"""Enough to tell one stage from the next while waiting for it."""
SEEN_WITHIN = 60.0
"""Seconds in which a client on a busy machine sees a change."""


class Clients:
    """Unleash's own client, asked for many people."""

    def __init__(self, client: Any, flag: str, people: int) -> None:
        self.people = people
        """How many are asked for."""
        self._client = client
        self._flag = flag

    def inside(self, country: str, people: int = 0) -> set[int]:
        """Those of a country who are let in, of all or of the first so many."""
        found = set()
        for person in range(people or self.people):
            context = {"userId": f"user-{person}", "properties": {"country": country}}
            if self._client.is_enabled(self._flag, context):
                found.add(person)
        return found

    async def until(self, percent: float, country: str = "US") -> set[int]:
        """Those of a country who are in, once so many percent are."""
        deadline = time.monotonic() + SEEN_WITHIN
        while abs(100 * len(found := self.inside(country, A_FEW)) / A_FEW - percent) > (8 if percent else 0):
            assert time.monotonic() < deadline, f"{len(found)} of {A_FEW} are in"
            await asyncio.sleep(0.2)
        inside = await asyncio.to_thread(self.inside, country)
        assert abs(100 * len(inside) / self.people - percent) <= chance(percent, self.people)
        return inside


def chance(percent: float, people: int) -> float:
    """Percent by which the share of so many people may be off: five standard deviations of a fair draw."""
    return 5 * math.sqrt(percent * (100 - percent) / people)


@contextmanager
def clients(unleash: Unleash, folder: Path, flag: str, people: int = PEOPLE) -> Iterator[Clients]:
    """A client that looks every second and is asked for `people` of each country."""
    from UnleashClient import UnleashClient

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    client = UnleashClient(
        url=f"{unleash.url}/api",
        app_name=f"tests-{folder.name}",
        custom_headers={"Authorization": CLIENT},
        refresh_interval=1,
        metrics_interval=1,
        cache_directory=str(folder / "client"),
        verbose_log_level=50,
    )
    client.initialize_client()
    try:
        yield Clients(client, flag, people)
    finally:
        client.destroy()

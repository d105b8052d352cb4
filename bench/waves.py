"""A kind of source whose five readings all change at every poll, installed beside the console for one measurement."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from pathlib import Path

from repz_console.facts import Facts, Reading
from repz_console.providers.base import Provider, reading_time


class Waves(Provider):
    """Readings `wave.1` to `wave.5`."""

    kind = "waves"

    async def fetch(self) -> Facts:
        """Five values that were never there before."""
        at = reading_time(datetime.now(UTC))
        now = time.time()
        values = (round(50 + 40 * math.sin(now / 7 + number), 2) for number in range(1, 6))
        return Facts(
            readings=tuple(Reading(f"wave.{number}", value, at, "%") for number, value in enumerate(values, 1))
        )


def install(folder: Path) -> None:
    """Make `folder` one in which Python finds this as an installed package that registers its kind."""
    information = folder / "bench_waves-1.dist-info"
    information.mkdir(parents=True, exist_ok=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-waves\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[repz_console.providers]\nwaves = bench.waves:Waves\n")

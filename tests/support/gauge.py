"""A number in a file, that tests write: the kind `gauge`. A file without a number is a value that is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from repz_console.facts import Facts, Reading
from repz_console.providers.base import Options, Provider

REFERENCE = "tests.support.gauge:Gauge"
SOURCE = """
[source.gauge]
kind = "gauge"
every = 0.05
path = "gauge"

[[metric]]
id = "errors"
title = "Errors"
unit = "%"
source = "gauge"
targets = [{ said = "launch", op = "<", value = 1 }]
"""


class GaugeOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file."""

    path: str


class Gauge(Provider):
    """Reads it."""

    kind: ClassVar[str] = "gauge"
    Options = GaugeOptions
    options: GaugeOptions

    async def fetch(self) -> Facts:
        value = _value(self.context.resolve(self.options.path))
        return Facts(readings=(Reading("errors", value, datetime.now(UTC), "%"),))


def _value(path: Path) -> float | None:
    text = path.read_text() if path.exists() else ""
    return float(text) if text else None


def armed(plain: str, automatic: str) -> str:
    """A launch that watches the gauge; `automatic` are the keys of `[rollout.production.automatic]`."""
    ramp = '[[rollout.production.stage]]\nid = "soft"'
    table = f'[rollout.production.automatic]\nwatch = [{{ metric = "errors" }}]\n{automatic}\n\n'
    return plain.replace(ramp, table + ramp) + SOURCE


def install(monkeypatch: Any) -> None:
    """Make the kind known."""
    from repz_console.providers import registry

    monkeypatch.setitem(registry.BUILT_IN, "gauge", REFERENCE)

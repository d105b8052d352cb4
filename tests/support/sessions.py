"""A small launch on a store and a flag file in a temporary folder, and sessions on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from repz_console.config import Loaded, load
from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Opening, Session
from repz_console.facts import Actor, Exposure

CONFIG = """
[launch]
name = "small"
title = "Small launch"
environment = "PRODUCTION"
zone = "UTC"
full_launch = { on = 2027-02-05, time = 09:00:00 }

[store]
path = "store"

[source.plan]
kind = "plan"
[source.bugs]
kind = "local"
[source.money]
kind = "ledger"
[source.flags]
kind = "flagd"
every = 1
path = "flags.json"

[[phase]]
id = "launch"
title = "Launch"

[[task]]
id = "go"
title = "Go"
phase = "launch"
start = 2027-02-01
days = 5
checklists = ["ready"]

[[checklist]]
id = "ready"
title = "Ready"
phase = "launch"
items = [{ id = "tests", title = "Tests pass" }, { id = "tshirts", title = "T-shirts", optional = true }]

[[bug_rule]]
priority = "P0"
name = "Critical"
rule = "Blocks everything"
blocks_from = "always"

[[region]]
id = "us"
title = "United States"
countries = ["US"]
[[region]]
id = "world"
title = "Elsewhere"

[[feature]]
id = "core"
title = "Core"

[rollout.production]
title = "Production"
controller = "flags"
cohort = "visitors"
regions = ["us", "world"]

[[rollout.production.stage]]
id = "soft"
title = "Soft launch"
at = { on = 2027-02-01, time = 00:00:00 }
percent = 20
features = ["core"]
phase = "launch"

[[rollout.production.stage]]
id = "full"
title = "Full launch"
at = { on = 2027-02-05, time = 09:00:00 }
percent = 100
features = ["core"]
phase = "launch"

[budget]
currency = "USD"
total = 1000
[[budget.category]]
id = "marketing"
title = "Marketing"
amount = 100
line = [{ id = "ads", title = "Ads", amount = 100 }]
"""


def launch(folder: Path, config: str = CONFIG) -> Loaded:
    """The small launch, its config in `folder`."""
    path = folder / "config.toml"
    path.write_text(config)
    path.chmod(0o600)
    return load(path)


def actor(name: str, console: str = "") -> Actor:
    """Somebody."""
    return Actor(user=name, uid=1000, host="jump", tty="pts/1", console=console or f"console-of-{name}")


def opened(loaded: Loaded, name: str = "ann", *, watch: bool = False, collect: bool = False) -> Opening:
    """A session of somebody's; by default one that does only what it is told."""
    return Session.open(loaded, actor=actor(name), watch=watch, collect=collect)


def at(percent: float, *regions: str) -> Exposure:
    """An exposure of the small launch."""
    return Exposure(dict.fromkeys(regions or ("us", "world"), percent), ("core",))


async def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it waits for what has no event, such as another process
            await asyncio.sleep(0.01)


def kinds(session: Session) -> list[str]:
    """The kinds of the journal's entries."""
    return [entry.kind for entry in session.entries()]


async def revision(session: Session) -> str:
    """The production rollout's revision, read back just now."""
    await session.refresh("flags")
    return session.view().rollout.rollouts[0].revision


async def widen(session: Session, percent: float, expect: str | None = None) -> Outcome:
    """Set the production rollout everywhere, on the present revision unless another is given."""
    expect = await revision(session) if expect is None else expect
    return await session.control.change("production", "set", at(percent), expect=expect, reason="the plan says so")

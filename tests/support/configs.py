"""A small launch as config text, and ways to load variants of it."""

from __future__ import annotations

from pathlib import Path

from repz_console import config
from repz_console.plan.model import Plan

SMALL = """\
[launch]
name = "small"
title = "Small launch"
environment = "PRODUCTION"
zone = "Europe/Berlin"
full_launch = { on = 2027-06-11, time = 09:00:00 }

[[seat]]
id = "director"
title = "Launch Director"
users = ["anna"]
conn = true

[[phase]]
id = "prepare"
title = "Prepare"

[[phase]]
id = "launch"
title = "Launch"

[[task]]
id = "build"
title = "Build"
phase = "prepare"
start = 2027-06-07
days = 2
owner = "director"

[[task]]
id = "go"
title = "Go"
phase = "launch"
start = 2027-06-10
days = 2
owner = "director"

[[region]]
id = "world"
title = "World"

[[feature]]
id = "core"
title = "Core"

[rollout.production]
title = "Production"
controller = "flags"
cohort = "visitors"
regions = ["world"]

[[rollout.production.stage]]
id = "half"
title = "Half"
at = { on = 2027-06-10, time = 12:00:00 }
percent = 50
features = ["core"]
phase = "launch"

[[rollout.production.stage]]
id = "all"
title = "All"
at = { on = 2027-06-11, time = 09:00:00 }
percent = 100
features = ["core"]
phase = "launch"

[budget]
currency = "EUR"
total = 400

[[budget.category]]
id = "cloud"
title = "Cloud"
amount = 400
line = [
  { id = "host", title = "Hosting", monthly = 100.50, months = 2 },
  { id = "setup", title = "Setup", amount = 199 },
]

[source.flags]
kind = "flagd"
path = "flags.json"
"""


def loaded(text: str = SMALL, **includes: str) -> config.Loaded:
    """`text` validated as `plan.toml`."""
    return config.load_text(text, includes, Path("plan.toml"))


def small(extra: str = "", **replacements: str) -> Plan:
    """The small plan with `extra` tables, and each `OLD=NEW` text replaced."""
    return loaded(changed(SMALL, replacements) + extra).plan


def changed(text: str, replacements: dict[str, str]) -> str:
    """`text` with each key, which must be in it, replaced by its value."""
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    return text


def mistakes(text: str, **includes: str) -> list[str]:
    """Each mistake of a text as one line; empty for a sound one."""
    try:
        loaded(text, **includes)
    except config.ConfigError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []

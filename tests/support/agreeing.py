"""The small launch with seats, a poll of two rounds and an approval before its first stage, and two people on it."""

from __future__ import annotations

from repz_console.config import Loaded
from repz_console.engine.session import Opening, Session
from repz_console.facts import Actor
from tests.support.sessions import CONFIG

SEATS = """
[[seat]]
id = "director"
title = "Launch director"
users = ["ann", "root"]
conn = true
[[seat]]
id = "tech"
title = "Technical lead"
users = ["bob", "root"]

[[poll]]
id = "golive"
title = "Go-live"
[[poll.round]]
title = "Technical poll"
caller = "director"
station = [{ seat = "tech", criteria = ["It is deployed"], gates = ["p0"] }]
[[poll.round]]
title = "Director's poll"
caller = "director"
station = [{ seat = "director" }]
"""


def agreeing(*, poll: bool = False, approvals: int = 0, metric: bool = False) -> str:
    """The small launch's config; its first stage needs as much."""
    needs = ['poll = "golive"'] * poll + [f"approvals = {approvals}"] * bool(approvals)
    needs += ['metrics = [{ metric = "errors" }]'] * metric
    config = CONFIG.replace("percent = 20\n", "percent = 20\n" + "".join(f"{line}\n" for line in needs), 1)
    config += SEATS
    if metric:
        config += """
[[metric]]
id = "errors"
title = "Error rate"
unit = "%"
targets = [{ said = "launch", op = "<", value = 0.1 }]
"""
    return config


def person(name: str, uid: int) -> Actor:
    """Somebody with an account of their own."""
    return Actor(name, uid, "jump", "pts/1", f"console-of-{name}")


ANN, BOB = person("ann", 1001), person("bob", 1002)


def opened_by(loaded: Loaded, actor: Actor, *, watch: bool = False) -> Opening:
    """A session of somebody's; by default one that does only what it is told."""
    return Session.open(loaded, actor=actor, watch=watch, collect=False)

"""The break-glass card of a rollout: how to take it to nobody without the console, to be printed beforehand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from repz_console.engine.known import Known
from repz_console.engine.read_back import told
from repz_console.plan.parts import controllers
from repz_console.providers.base import Explaining, ProviderError
from repz_console.room import words
from repz_console.text import safe

_LONGEST = 8_000
"""Characters of one command: it has to be whole to be of use."""
_VARIABLE = re.compile(r"\$\{?([A-Z_][A-Z0-9_]*)")
_ASSIGNED = re.compile(r"^([A-Z_][A-Z0-9_]*)=", re.MULTILINE)


class BackendCard(Struct, frozen=True):
    """What to do at one backend."""

    controller: str
    kind: str
    lines: tuple[str, ...]
    """Commands for a POSIX shell; those that begin with `#` explain."""
    exact: bool
    """Whether the lines do it without the console; else they say what a person is to do."""


class Card(Struct, frozen=True):
    """What to do without the console, and what it was made from."""

    rollout: str
    title: str
    environment: str
    launch: str
    plan_hash: str
    made_at: datetime
    who: str
    variables: tuple[str, ...]
    """The environment variables that the commands read."""
    backends: tuple[BackendCard, ...]
    """In the order in which a way back goes: what people see first."""
    does_not: tuple[str, ...]
    check: tuple[str, ...]


def card(known: Known, rollout: str) -> Card:
    """The card of a rollout, from the plan alone: asks no backend and no journal. Raises KeyError for an unknown
    rollout."""
    plan, ramp = known.plan, known.plan.rollout[rollout]
    backends = tuple(_of_backend(known, rollout, controller) for controller in reversed(controllers(ramp)))
    commands = "\n".join(line for each in backends for line in each.lines if not line.startswith("#"))
    variables = dict.fromkeys(_VARIABLE.findall(commands))
    named = shlex.quote(rollout)
    waits = [known.sources.abilities[each].propagation for each in controllers(ramp) if each in known.sources.abilities]
    return Card(
        rollout=rollout,
        title=ramp.title,
        environment=plan.launch.environment,
        launch=plan.launch.title,
        plan_hash=known.effective.origin.hash,
        made_at=known.clock(),
        who=words.who(known.actor),
        variables=tuple(name for name in variables if name not in _ASSIGNED.findall(commands)),
        backends=backends,
        does_not=(
            "It writes nothing in the journal: note there what you did once a console runs, and on paper until then.",
            f"It holds nothing: once a console runs, `repz-console rollout hold {named}`, or others may widen it.",
            "It takes back what is shown, and nothing that people did with it meanwhile.",
            "It is of the plan named above: after another plan, another address or another secret, print it anew.",
        ),
        check=(
            f"With a console: `repz-console rollout show {named}` says that nobody is configured, and who changed it.",
            f"Without: look as a user who saw it. Clients should have followed within {max(waits, default=0):g} s.",
        ),
    )


def printed(of: Card) -> Iterator[str]:
    """The card as lines to print."""
    yield f"BREAK GLASS: take {of.rollout} ({of.title}) to nobody in {of.environment}"
    yield f"{of.launch}, plan {of.plan_hash[:12]}, made {words.instant(of.made_at)} by {of.who}"
    yield f"Reads these environment variables: {', '.join(of.variables) or 'none'}"
    yield ""
    yield f"First, if a console starts at all:  repz-console rollout kill {shlex.quote(of.rollout)} --yes"
    for number, each in enumerate(of.backends, 1):
        yield ""
        what = "" if each.exact else ", by hand"
        yield f"{number} of {len(of.backends)}: {each.controller} ({each.kind or 'no such source'}){what}"
        yield from (f"  {line}" for line in each.lines)
    yield ""
    yield "What this does not do"
    yield from (f"  - {line}" for line in of.does_not)
    yield ""
    yield "How to see that it worked"
    yield from (f"  - {line}" for line in of.check)


def _of_backend(known: Known, rollout: str, controller: str) -> BackendCard:
    source = known.plan.source.get(controller)
    kind = source.kind if source is not None else ""
    try:
        backend = known.sources.unopened(controller)
        if isinstance(backend, Explaining):
            lines = tuple(safe(line, _LONGEST) for line in backend.card(rollout))
            if lines:
                return BackendCard(controller, kind, lines, exact=True)
        why = "this kind of backend knows no commands that do without the console"
    except ProviderError as error:
        why = told(error)
    except Exception as error:  # a stranger's backend may raise anything; the card names what is left to do
        why = safe(f"defect in the provider: {error!r}")
    by_hand = (
        f"# No commands: {why}.",
        f"# With the own tools of {controller}, set every feature of {rollout} to nobody: 0 percent, or off.",
        "# Then, once a console runs:",
        f"repz-console rollout kill {shlex.quote(rollout)} --yes",
    )
    return BackendCard(controller, kind, by_hand, exact=False)

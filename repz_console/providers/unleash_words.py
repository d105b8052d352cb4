"""What a change sends to Unleash, in words, and how to do without the console what a kill does."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import structs

from repz_console.facts import Change
from repz_console.plan.exposure import is_nobody, nobody
from repz_console.plan.secrets import SecretRef
from repz_console.providers import break_glass
from repz_console.providers import unleash_state as states
from repz_console.providers import unleash_strategy as strategies
from repz_console.providers.base import Refused
from repz_console.providers.unleash_api import Place, Request
from repz_console.text import safe


def calls(
    place: Place, layout: states.Layout, parts: Sequence[states.Part], change: Change, at: datetime
) -> tuple[str, ...]:
    """The requests that change something, of flags that are as in `parts`."""
    if not parts:
        return ("# the flags were not read yet: what would be sent to them is not known",)
    if change.force:
        return tuple(_forced(place, layout, parts, change, at))
    looks = [f"GET {place.flag(part.flag)}" for part in parts]
    return (*looks, *(line for part in parts for line in _of(place, layout, part, change, at)), *looks)


def _forced(
    place: Place, layout: states.Layout, parts: Sequence[states.Part], change: Change, at: datetime
) -> Iterator[str]:
    off = [part for part in parts if is_nobody(states.of_feature(change.target, part.feature))]
    looks = [f"GET {place.flag(part.flag)}" for part in parts]
    if len(off) < len(parts):
        yield from looks
        for part in parts:
            if part not in off:
                yield from _of(place, layout, part, change, at)
    yield from (f"POST {place.at(part.flag)}/off" for part in off)
    yield from looks
    for part in off:
        if part.at is not None:
            is_off = structs.replace(part, at=structs.replace(part.at, enabled=False))
            requests = states.plan(layout, is_off, structs.replace(change, target=nobody()), at)[0]
            yield from (_line(place, part.flag, request) for request in requests)
    yield from looks


def _of(place: Place, layout: states.Layout, part: states.Part, change: Change, at: datetime) -> Iterator[str]:
    try:
        requests, _ = states.plan(layout, part, change, at)
        wanted = strategies.wanted(change.target, part.feature, layout.regions, layout.bucketing.attribute)
    except Refused as error:
        yield f"# nothing of {safe(part.flag, 100)}: {error.fault.what}"
        return
    yield from (_line(place, part.flag, request) for request in requests)
    yield f"GET {place.flag(part.flag)}"
    if wanted and part.at is not None and not part.at.enabled:
        yield f"GET {place.events(part.flag)}"
        yield f"POST {place.at(part.flag)}/on"
        yield f"GET {place.flag(part.flag)}"
    yield f"GET {place.events(part.flag)}"


def card(place: Place, rollout: str, flags: Sequence[str], token: SecretRef) -> tuple[str, ...]:
    """What switches the flags off, the last feature first, and then shows whether they are."""
    header = break_glass.printed({"Authorization": token})
    off = (
        f"{{ {header}; }} | {break_glass.CURL} -X POST -H @- {shlex.quote(place.at(flag) + '/off')}"
        for flag in flags[::-1]
    )
    look = (
        f"{{ {header}; }} | curl -sS --max-time 30 -H @- {shlex.quote(place.at(flag))} | grep -o '\"enabled\":[a-z]*'"
        for flag in flags[::-1]
    )
    return (
        f"# Takes {rollout} to nobody: switches its flags off in {safe(place.environment, 60)}. Needs curl.",
        *break_glass.needs(token),
        *off,
        '# Then look: each flag is to say "enabled":false.',
        *look,
        "# To go on later, set the strategies first: a flag that is switched on without one is shown to everybody.",
    )


def _line(place: Place, flag: str, request: Request) -> str:
    body = "" if request.body is None else f" {json.dumps(request.body)}"
    return safe(f"{request.method} {place.at(flag)}{request.path}{body}", 4000)

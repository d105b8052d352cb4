"""Each source tried once: what it answers and how long it takes, and whether a rollout could be taken back now."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from repz_console.commands.examine.answer import Answer
from repz_console.config import Loaded
from repz_console.engine.readiness import BY_HAND, ONLY_NOBODY, way_back_of
from repz_console.facts import Facts
from repz_console.providers import registry
from repz_console.providers.base import Context, Fetcher, Provider, ProviderError, RolloutWriter, WayBack
from repz_console.text import safe
from repz_console.tui.paint.format import count

AREA = "sources"
DEADLINE = 15.0
"""Seconds a source may take for one answer."""


async def examine(loaded: Loaded, state: Path | None) -> list[Answer]:
    """The answers of every source, asked side by side; `state` is the store's folder, None without one."""
    tried = await asyncio.gather(*(_try(loaded, name, state) for name in loaded.plan.source))
    return [answer for answers in tried for answer in answers]


async def _try(loaded: Loaded, name: str, state: Path | None) -> list[Answer]:
    source = loaded.plan.source[name]
    context = Context(source=name, plan=loaded.plan, folder=loaded.path.parent, state=state, vault=loaded.vault)
    started = time.monotonic()
    try:
        provider = registry.create(name, source, loaded.options.get(name), context)
        async with asyncio.timeout(DEADLINE), provider:
            try:
                answers = [_answer(name, source.kind, await _look(provider), time.monotonic() - started)]
            except ProviderError as error:
                answers = [Answer(AREA, name, "bad", f"{source.kind}: {error.fault.what}")]
            if isinstance(provider, RolloutWriter):
                # Also where it cannot be read: a kill may work on what is damaged.
                answers.append(_readiness(name, await way_back_of(provider)))
            return answers
    except ProviderError as error:
        return [Answer(AREA, name, "bad", f"{source.kind}: {error.fault.what}")]
    except TimeoutError:
        return [Answer(AREA, name, "bad", f"{source.kind}: no answer within {DEADLINE:.0f} s")]
    except registry.KindError as error:
        return [Answer(AREA, name, "bad", safe(error))]
    except Exception as error:  # a stranger's provider may raise anything; the other sources still have to be tried
        return [
            Answer(AREA, name, "bad", safe(f"{source.kind}: a defect of the source: {type(error).__name__}: {error}"))
        ]


async def _look(provider: Provider) -> Facts | None:
    """One fetch; None from a source that follows the journal and has nothing to be asked."""
    return await provider.fetch() if isinstance(provider, Fetcher) else None


def _answer(name: str, kind: str, facts: Facts | None, seconds: float) -> Answer:
    if facts is None:
        return Answer(AREA, name, "ok", f"{kind}: follows the journal")
    known = [
        count(len(facts.readings), "reading") if facts.readings else "",
        count(len(facts.bugs), "bug") if facts.bugs is not None else "",
        count(len(facts.spend), "spend entry", "spend entries") if facts.spend is not None else "",
        count(len(facts.rollouts), "rollout") if facts.rollouts is not None else "",
    ]
    said = ", ".join(part for part in known if part) or "nothing yet"
    if facts.notes:
        return Answer(AREA, name, "warn", f"{kind}: {said}; {'; '.join(facts.notes)}", "set the clock that is wrong")
    blind = [reading for reading in facts.readings if reading.value is None]
    line = f"{kind}: {said} in {seconds * 1000:.0f} ms"
    if blind:
        return Answer(AREA, name, "warn", f"{line}; no value for {blind[0].name}: {blind[0].note or 'no reason given'}")
    # A metric names its reading, and here is where a person finds those names.
    names = ", ".join(reading.name for reading in facts.readings)
    return Answer(AREA, name, "ok", f"{line}: {names}" if names else line)


def _readiness(name: str, met: WayBack) -> Answer:
    subject = f"{name} way back"
    if met.kill == BY_HAND:
        return Answer(AREA, subject, "note", BY_HAND)
    if met.roll_back == ONLY_NOBODY and not met.kill:
        return Answer(AREA, subject, "note", f"a kill could be written now; {ONLY_NOBODY}")
    if met.kill:
        return Answer(AREA, subject, "bad", f"roll back and kill would fail now: {met.kill}")
    if met.roll_back:
        return Answer(AREA, subject, "bad", f"a kill would work now, a roll back would fail: {met.roll_back}")
    return Answer(AREA, subject, "ok", "roll back and kill could be written now")

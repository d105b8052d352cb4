"""Which secrets can be had, from where and for whom, without showing one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from repz_console.commands.examine.answer import Answer
from repz_console.config import Loaded
from repz_console.inline_secrets import REMEDY
from repz_console.plan.secrets import references
from repz_console.plan.wrong import listed
from repz_console.providers.base import Context, ProviderError
from repz_console.text import safe

AREA = "secrets"


async def examine(loaded: Loaded) -> list[Answer]:
    """Every secret that the config names, fetched once side by side, and those that stand in the config itself."""
    fetched = await asyncio.gather(*(_fetch(loaded, name) for name in loaded.plan.secret))
    return [*fetched, *_inline(loaded)]


async def _fetch(loaded: Loaded, name: str) -> Answer:
    place = loaded.plan.secret[name]
    kept = getattr(place, place.place)
    said = safe(f"{place.place} {kept[0] if place.command else kept}", 100)
    users = _users(loaded, name)
    line = f"{said}, for {listed(users, 'and') if users else 'nobody'}"
    context = Context(source="", plan=loaded.plan, folder=loaded.path.parent, vault=loaded.vault)
    try:
        await context.secret(name, fresh=True)
    except ProviderError as error:
        return Answer(AREA, name, "bad", f"{line}: {error.fault.what}")
    if place.env:
        return Answer(
            AREA,
            name,
            "warn",
            f"{line}: can be had; the shell or service that starts the console knows it too",
            "keep it by command, credential, file or keyring",
        )
    return Answer(AREA, name, "ok", f"{line}: can be had")


def _users(loaded: Loaded, name: str) -> list[str]:
    """Who refers to a secret, as `source.NAME` or `store`."""
    data = loaded.document.data
    users = [f"source.{source}" for source, table in data.get("source", {}).items() if _uses(table, name)]
    return users + (["store"] if _uses(data.get("store", {}), name) else [])


def _uses(table: object, name: str) -> bool:
    return any(referred == name for _, referred in references(table))


def _inline(loaded: Loaded) -> Iterator[Answer]:
    for path in loaded.inline:
        yield Answer(AREA, path, "warn", f"stands in the config itself, at {loaded.where(path)}", f"write {REMEDY}")

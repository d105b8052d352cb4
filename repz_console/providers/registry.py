"""Which kinds of source there are. A kind's module is imported only when something names the kind.

Built-in kinds are listed here as well as in the package's entry points: a source checkout works uninstalled, and naming
a built-in kind costs no scan of the installed distributions.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from msgspec import convert, structs

from repz_console.plan.model import Source
from repz_console.providers.base import Context, Fetcher, JournalReader, Options, Provider

GROUP = "repz_console.providers"
"""The entry point group in which a third party's package registers its kinds."""

BUILT_IN = {
    "plan": "repz_console.providers.plan:Plan",
    "local": "repz_console.providers.local:Local",
    "ledger": "repz_console.providers.ledger:Ledger",
    "host": "repz_console.providers.host:Host",
    "probe": "repz_console.providers.probe:Probe",
    "flagd": "repz_console.providers.flagd:Flagd",
    "unleash": "repz_console.providers.unleash:Unleash",
    "webhook": "repz_console.providers.webhook:Webhook",
    "vercel": "repz_console.providers.vercel:Vercel",
    "manual": "repz_console.providers.manual:Manual",
}
"""Kind to `module:Class`. A third party cannot replace one of these."""


class KindError(Exception):
    """A kind that the config names cannot be used."""


class UnknownKind(KindError):
    """No package registers such a kind."""

    def __init__(self, kind: str, known: list[str]) -> None:
        self.kind = kind
        self.nearest = next(iter(difflib.get_close_matches(kind, known, n=1)), "")
        """The known kind that resembles it most, or empty."""
        self.known = tuple(known)
        hint = f"; nearest is {self.nearest!r}" if self.nearest else ""
        super().__init__(f"no source kind {kind!r}{hint} (known: {', '.join(known)})")


class BrokenKind(KindError):
    """A third party's kind is registered but cannot be loaded."""


def kinds() -> list[str]:
    """Every registered kind, sorted; imports none of them."""
    return sorted({*BUILT_IN, *_registered()})


def load(kind: str) -> type[Provider]:
    """The class of a kind. Raises `UnknownKind` or `BrokenKind`."""
    reference = BUILT_IN.get(kind)
    if reference is not None:
        module, _, name = reference.partition(":")
        built_in: type[Provider] = getattr(import_module(module), name)
        return built_in
    registered = _registered()
    if kind not in registered:
        raise UnknownKind(kind, kinds())
    try:
        loaded = registered[kind].load()
    except Exception as error:  # a stranger's module may raise anything at import, and must not take the console along
        raise BrokenKind(f"source kind {kind!r} cannot be loaded: {type(error).__name__}: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Provider)):
        raise BrokenKind(f"source kind {kind!r} is not a subclass of repz_console.providers.base.Provider")
    if not issubclass(loaded, (Fetcher, JournalReader)):
        raise BrokenKind(f"source kind {kind!r} has neither `fetch` nor `fold` and `facts`")
    return loaded


def create(source_id: str, source: Source, options: Options | None, context: Context) -> Provider:
    """The provider of one `[source.ID]` table, not yet opened.

    `options` is an instance of the kind's `Options`; None reads it from `source.options`. Raises `KindError`, and
    `msgspec.ValidationError` for options that do not fit.
    """
    kind = load(source.kind)
    if options is None:
        options = convert(source.options, kind.Options)
    return kind(options, structs.replace(context, source=source_id))


def _registered() -> dict[str, Any]:
    from importlib.metadata import entry_points  # 15 ms that a launch with built-in kinds alone never pays

    return {point.name: point for point in entry_points(group=GROUP)}

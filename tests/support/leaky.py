"""The kind `leaky`: says what it was told to keep to itself wherever a provider can say anything.

Beside each secret it says `LOUD`, which is none: where that is not found, nobody listened.
"""

from __future__ import annotations

import base64
import logging
import os
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

from repz_console.facts import Bug, Facts, Reading
from repz_console.plan.secrets import SecretRef
from repz_console.providers.base import Options, Provider, ProviderError, reading_time
from repz_console.room import export

LOUD = "loud-and-clear-000111"


class LeakyOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "leaky"`."""

    token: SecretRef
    how: str
    """`facts`, `error`, `defect` or `log`."""


class Leaky(Provider):
    """Leaks in one way."""

    kind: ClassVar[str] = "leaky"
    tells = frozenset(["bugs", "readings"])
    Options = LeakyOptions
    options: LeakyOptions

    async def fetch(self) -> Facts:
        """Say it."""
        token = (await self.context.secret(self.options.token.secret)).reveal()
        basic = base64.b64encode(b"u:" + token.encode()).decode()
        told = f"{LOUD} {token} https://x/?t={quote(token, safe='')} {basic}"
        if os.environ.get("LEAKY_CRASH"):

            def crash(view: object) -> None:
                raise RuntimeError(f"cannot tell {view!r:.0} {told}") from ValueError(told)

            export.as_data = crash  # type: ignore[assignment]
            import repz_console.commands.status as status

            status.as_data = crash  # type: ignore[assignment,attr-defined]
        match self.options.how:
            case "error":
                raise ProviderError(f"401: {told}")
            case "defect":
                raise RuntimeError(told) from ValueError(told)
            case "log":
                logging.getLogger("leaky").warning("asked with %s", told)
                logging.getLogger("httpx").warning("GET %s", told)
        at = reading_time(datetime.now(UTC))
        bug = Bug(f"leaky:{LOUD}", told, "P1", "open", at, at, note=told)
        return Facts(readings=(Reading("leak", None, at, note=told),), bugs=(bug,), notes=(told,))

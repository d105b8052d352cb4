"""Request headers that a config gives, of which some hold a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

from repz_console.plan.secrets import SecretRef
from repz_console.providers.base import Context, ProviderError

Headers = dict[str, str | SecretRef]
"""An option's type: header name to a plain text, or to `{ secret = "NAME", prefix = "Bearer " }`."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_VALUE = re.compile(r"[\t -~]*\Z")
_OURS = frozenset(["accept-encoding", "connection", "content-length", "host", "te", "transfer-encoding", "upgrade"])


def check_headers(headers: Headers, option: str = "headers") -> None:
    """Refuse what cannot be sent: raises `ValueError` with one line that quotes no value, which may be a secret."""
    for name, value in headers.items():
        if not _NAME.match(name):
            raise ValueError(f"{option} has a name that is none for a header")
        if name.lower() in _OURS:
            raise ValueError(f"{option} must not set {name}")
        if not _VALUE.match(value if isinstance(value, str) else value.prefix):
            raise ValueError(f"{option}.{name} must be one line of ASCII text")


async def revealed(headers: Headers, context: Context, *, fresh: bool = False) -> Mapping[str, str]:
    """The headers of one request, the secrets in them fetched and revealed: to be sent and kept nowhere. `fresh` is
    for what changes something, see `Context.secret`. Raises `ProviderError` for a secret that cannot be had.
    """
    sent = {}
    for name, value in headers.items():
        if isinstance(value, str):
            sent[name] = value
            continue
        secret = await context.secret(value.secret, fresh=fresh)
        if not _VALUE.match(secret.reveal()):
            raise ProviderError(f"secret {value.secret} is not one line of ASCII text, which a header needs")
        sent[name] = value.prefix + secret.reveal()
    return sent

"""The pieces of a break-glass card: shell commands that do without the console what it would do."""

from __future__ import annotations

import re
import shlex

from repz_console.plan.secrets import SecretRef
from repz_console.providers.headers import Headers

CURL = "curl -sS --max-time 30 -o /dev/null -w 'answered %{http_code}\\n'"
"""Follows no redirect and tells the status, which is to begin with a 2."""


def variable(secret: str) -> str:
    """The environment variable from which a card takes the secret of `[secret.NAME]`: none that a shell uses itself."""
    return "SECRET_" + re.sub(r"[^A-Za-z0-9]", "_", secret).upper()


def needs(*secrets: SecretRef) -> tuple[str, ...]:
    """A line for each secret that a card needs: where it is to be put."""
    named = dict.fromkeys(each.secret for each in secrets)
    return tuple(f'# First put the secret "{name}" into the environment variable {variable(name)}.' for name in named)


def secrets_in(headers: Headers) -> tuple[SecretRef, ...]:
    """The secrets of request headers."""
    return tuple(value for value in headers.values() if not isinstance(value, str))


def printed(headers: Headers) -> str:
    """A command that prints request headers for `curl -H @-`. They are in no process's arguments, which every user of
    a machine can read."""
    return "; ".join(_printed(name, value) for name, value in headers.items())


def _printed(name: str, value: str | SecretRef) -> str:
    if isinstance(value, str):
        return rf"printf '%s\n' {shlex.quote(f'{name}: {value}')}"
    before = shlex.quote(f"{name}: {value.prefix}")
    return rf"printf '%s%s\n' {before} " + f'"${variable(value.secret)}"'

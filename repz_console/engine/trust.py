"""What of an adopted plan this user did not agree to by a config of their own.

An adopted plan comes from the journal, where whoever has the conn put it. Read with this user's secrets, a source of it
could send them anywhere; and a kind that runs something would run it in this user's name. Such a source is used only if
this user's own config, a file that nobody else can write, has the very same table, and the very same secrets for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repz_console.config import Loaded
from repz_console.plan.secrets import references
from repz_console.plan.wrong import listed
from repz_console.providers import registry
from repz_console.secret import redact


def withheld(own: Loaded, adopted: Loaded, source_id: str) -> str:
    """Why a source of `adopted` is not used by the user of `own`, in one line; empty if it may be."""
    if own.hash == adopted.hash:
        return ""
    table = _table(adopted, source_id)
    secrets = list(dict.fromkeys(name for _, name in references(table)))
    if not secrets and not registry.load(table["kind"]).own_config_only:
        return ""
    if _table(own, source_id) != table:
        what = f"it uses the secret {listed(secrets, 'and')}" if secrets else f"it is of the kind {table['kind']}"
        return f"not used here: {what}, and your own config does not have this [source.{source_id}] as it was adopted"
    for name in secrets:
        if own.plan.secret.get(name) != adopted.plan.secret.get(name):
            return f"not used here: your own config does not have [secret.{name}] as it was adopted"
    return ""


def unfit_to_adopt(own: Loaded) -> str:
    """Why a config must not be written into the journal, where everybody reads it for ever; empty if it may be."""
    if own.inline:
        return f"it holds a secret at {own.where(own.inline[0])}, and the journal keeps what it is given"
    if any(redact(text) != text for text in (own.text, *own.includes.values())):
        return "it holds the value of one of its secrets, and the journal keeps what it is given"
    return ""


def _table(loaded: Loaded, source_id: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = loaded.document.data.get("source", {}).get(source_id, {})
    return table

"""JSON that another process has written into the store, its strings made safe as they are read."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from repz_console.facts import Actor, Person
from repz_console.text import identifier, safe

Kind = TypeVar("Kind")
Somebody = TypeVar("Somebody", Actor, Person)

MAX_STRING = 8192
"""Characters kept of one string that has to be made safe."""

_ANY = msgspec.json.Decoder()
_HARMLESS = re.compile(rb"[ -\[\]-~]*\Z")
_NAMES = frozenset(["user", "host", "tty", "seat", "console", "tab"])


def is_harmless(raw: bytes) -> bool:
    """Whether it is printable ASCII without a backslash: no string in it can hold anything that needs making safe."""
    return _HARMLESS.match(raw) is not None


def decode(raw: bytes, decoder: msgspec.json.Decoder[Kind]) -> Kind:
    """What `decoder` reads in `raw`, every string in it made safe.

    Raises `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError` for what it cannot read.
    """
    if is_harmless(raw):
        return decoder.decode(raw)
    cleaned: Kind = msgspec.convert(anything(raw), decoder.type)
    return cleaned


def somebody(raw: str, decoder: msgspec.json.Decoder[Somebody]) -> Somebody:
    """An actor or a person, whose names cannot pass for other ones. Raises as `decode` does."""
    found = decoder.decode(raw)
    return msgspec.structs.replace(
        found, **{name: identifier(getattr(found, name)) for name in _NAMES.intersection(found.__struct_fields__)}
    )


def anything(raw: bytes) -> Any:
    """Whatever JSON `raw` is, its strings and keys made safe. Raises as `decode` does."""
    return _clean(_ANY.decode(raw))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value, MAX_STRING)
    if isinstance(value, dict):
        return {safe(key, MAX_STRING): _clean(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_clean(member) for member in value]
    return value

"""A flag definition document: read strictly, and checked for what makes clients refuse it as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from repz_console.providers import strict_json
from repz_console.text import safe

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
_FLAG_MEMBERS = frozenset({"state", "variants", "defaultVariant", "targeting", "metadata", "source", "selector"})

Document = dict[str, Any]


class Damaged(Exception):
    """Something is not a flag definition that clients would take."""


def encode(document: Document, *, compact: bool = False) -> bytes:
    """A document as the bytes of its file, its members in the order they have; `compact` is as short as can be."""
    indent, separators = (None, (",", ":")) if compact else (2, None)

    def text(ascii_only: bool) -> str:
        return json.dumps(document, indent=indent, separators=separators, ensure_ascii=ascii_only, allow_nan=False)

    try:
        return text(False).encode() + b"\n"
    except UnicodeEncodeError:  # an escaped lone surrogate in a stranger's flag
        return text(True).encode() + b"\n"


def parse(raw: bytes, *, strict: bool = True) -> Document:
    """A file's bytes as a document. Raises `Damaged`.

    Strictly, what two JSON parsers could read differently is damaged; otherwise the last of two equal members counts,
    as it does to most clients.
    """
    try:
        document = strict_json.parse(raw, unique=strict)
    except strict_json.NotStrict as error:
        raise Damaged(str(error)) from None
    if not isinstance(document, dict):
        raise Damaged("it does not hold a JSON object")
    if not isinstance(document.get("flags"), dict):
        raise Damaged("it has no object of flags")
    return document


def rejected(document: Document) -> dict[str, str]:
    """What makes clients refuse the whole file, flag by flag."""
    found: dict[str, str] = {}
    if not _is_metadata(document.get("metadata", {})):
        found[""] = "the file's metadata holds something other than text, numbers, true or false"
    for key, flag in document["flags"].items():
        reason = _flag_trouble(flag)
        if reason:
            found[key] = reason
    return found


def _flag_trouble(flag: Any) -> str:
    if not isinstance(flag, Mapping):
        return "is not an object"
    unknown = sorted(set(flag) - _FLAG_MEMBERS)
    if unknown:
        return f"has an unknown member {safe(unknown[0], 40)}"
    if flag.get("state") not in ("ENABLED", "DISABLED"):
        return "has a state other than ENABLED and DISABLED"
    if not isinstance(flag.get("variants"), dict) or not flag["variants"]:
        return "has no variants"
    if not isinstance(flag.get("defaultVariant", ""), str | bool | None):
        return "has a defaultVariant that is no name"
    if flag.get("metadata") is not None and not _is_metadata(flag["metadata"]):
        return "has metadata other than text, numbers, true or false"
    return ""


def _is_metadata(metadata: Any) -> bool:
    return isinstance(metadata, dict) and all(
        name and isinstance(value, str | int | float) for name, value in metadata.items()
    )

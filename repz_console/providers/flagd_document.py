"""A flag definition document: read strictly, and checked for what makes clients refuse it as a whole."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from repz_console.text import safe

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
_FLAG_MEMBERS = frozenset({"state", "variants", "defaultVariant", "targeting", "metadata", "source", "selector"})
_DEEPEST = 100

Document = dict[str, Any]


class Damaged(Exception):
    """Something is not a flag definition that clients would take."""


def encode(document: Document) -> bytes:
    """A document as the bytes of its file, its members in the order they have."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # an escaped lone surrogate in a stranger's flag
        return json.dumps(document, indent=2, allow_nan=False).encode() + b"\n"


def parse(raw: bytes, *, strict: bool = True) -> Document:
    """A file's bytes as a document. Raises `Damaged`.

    Strictly, what two JSON parsers could read differently is damaged; otherwise the last of two equal members counts,
    as it does to most clients.
    """
    try:
        document = json.loads(
            raw.decode(),
            object_pairs_hook=_unique if strict else None,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise Damaged("it is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise Damaged(f"it is not strict JSON: {safe(error, 100)}") from None
    if not isinstance(document, dict):
        raise Damaged("it does not hold a JSON object")
    if not isinstance(document.get("flags"), dict):
        raise Damaged("it has no object of flags")
    if _depth(document) > _DEEPEST:
        raise Damaged(f"it is nested more than {_DEEPEST} levels deep")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _depth(document: Document) -> int:
    """Levels of nesting. Counted without recursion, which is what a deep document breaks."""
    depth = 0
    level: list[dict[str, Any] | list[Any]] = [document]
    while level:
        depth += 1
        children = (child for node in level for child in (node.values() if isinstance(node, dict) else node))
        level = [child for child in children if isinstance(child, dict | list)]
    return depth


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

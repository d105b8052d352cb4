"""JSON as everybody would read it, or not at all.

Python takes more than JSON is: NaN and infinity, which compare false with every limit; a number that overflows to
infinity; the last of two equal members, where another reader takes the first. Each of them could open a gate.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeVar

import msgspec

from repz_console.text import safe

DEEPEST = 100
"""Levels of nesting."""
LONGEST_INTEGER = 30
"""Digits. More is no quantity, and converting thousands of them takes seconds."""

Result = TypeVar("Result")


class NotStrict(ValueError):
    """It is not JSON, or not JSON that every reader would understand alike. The text is one plain, safe line."""


def parse(raw: bytes, *, unique: bool = True) -> Any:
    """The value that the bytes hold. Raises `NotStrict`.

    `unique` refuses a member that is given twice; without it the last one counts.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise NotStrict("it is not UTF-8 text") from None
    if not text.strip():
        raise NotStrict("it is empty")
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise NotStrict("it is a web page or XML, not JSON")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique if unique else None,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except RecursionError:
        raise NotStrict(f"it is nested more than {DEEPEST} levels deep") from None
    except ValueError as error:
        raise NotStrict(f"it is not strict JSON: {safe(error, 100)}") from None
    if _deeper_than(value, DEEPEST):
        raise NotStrict(f"it is nested more than {DEEPEST} levels deep")
    return value


def decode(raw: bytes, kind: type[Result]) -> Result:
    """The bytes as a value of `kind`, a msgspec struct or any other type that msgspec knows; no text counts as a number
    and no number as a text. Members that the type does not have are passed over. Raises `NotStrict`.
    """
    value = parse(raw)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise NotStrict(f"it is not what was expected: {safe(error, 120)}") from None


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


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError("a whole number is too long")
    return int(text)


def _deeper_than(value: Any, most: int) -> bool:
    """Counted without recursion, which is what a deep value breaks."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        children = (child for node in level for child in (node.values() if isinstance(node, dict) else node))
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True

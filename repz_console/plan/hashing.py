"""Fingerprints of a plan's parts: what a decision was judged against."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from repz_console.plan.model import Plan


def part_hash(plan: Plan, part: str) -> str:
    """Hex SHA-256 of one part, named by its path: `rollout.production`, `budget`, `bug_rule`. Empty is the whole plan.

    Equal parts have equal hashes whatever the file's order of keys, comments or layout. Raises `KeyError` for a part
    that the plan does not have.
    """
    value: Any = plan
    for name in part.split(".") if part else ():
        if isinstance(value, dict):
            value = value[name]
        elif name in getattr(value, "__struct_fields__", ()):
            value = getattr(value, name)
        else:
            raise KeyError(part)
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()

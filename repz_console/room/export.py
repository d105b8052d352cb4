"""The whole room as plain data, for `status --json`.

Keys: `launch, clock, timeline, rollout, health, bugs, budget, control, sources, findings, journal`, each with the
fields of its class in `views`, by name. Times are ISO 8601 in UTC with `Z`, days `YYYY-MM-DD`, money decimal strings,
percents and readings numbers, words such as `LIVE` or `PASS` strings, what is not known null. `budget` is null for a
plan without one. A journal entry's `event` has its `kind` among its keys; an adopted plan's text is left out.

Keys are only ever added. What only tells a screen when to paint (`next_change`) is not part of it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from repz_console.room.views import RoomView

ENTRIES = 20
"""Newest journal entries that are told; `journal export` has them all."""

_SCREEN_ONLY = frozenset(["next_change"])
_LENGTHY = frozenset(["text", "includes"])


def as_data(view: RoomView) -> dict[str, Any]:
    """A view as what `json.dumps` takes."""
    short = replace(view, journal=replace(view.journal, latest=view.journal.latest[:ENTRIES]))
    # By way of JSON, so that a number that JSON cannot say (NaN, infinity) becomes null here and not at the reader's.
    data = _without(msgspec.json.decode(msgspec.json.encode(short)), _SCREEN_ONLY)
    for entry in data["journal"]["latest"]:
        if entry["kind"] == "plan.adopted":
            entry["event"] = _without(entry["event"], _LENGTHY)
    return dict(data)


def _without(data: Any, keys: frozenset[str]) -> Any:
    if isinstance(data, dict):
        return {key: _without(value, keys) for key, value in data.items() if key not in keys}
    if isinstance(data, list):
        return [_without(value, keys) for value in data]
    return data

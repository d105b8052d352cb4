"""The room as data: stable keys, and nothing in it that JSON cannot say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from repz_console import events
from repz_console.room.export import ENTRIES, as_data
from tests.support import rooms
from tests.support.rooms import Making

KEYS = [
    "launch",
    "clock",
    "timeline",
    "rollout",
    "health",
    "bugs",
    "budget",
    "control",
    "sources",
    "findings",
    "journal",
]


def every_key(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from every_key(value)
    elif isinstance(data, list):
        for value in data:
            yield from every_key(value)


@pytest.mark.parametrize("name", [name for name in rooms.ALL if name != "crowded"])
def test_every_room_is_json_with_the_same_keys(name: str) -> None:
    data = as_data(rooms.ALL[name]())
    assert list(data) == KEYS
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert "next_change" not in set(every_key(data))


def test_times_money_percents_and_words() -> None:
    data = as_data(rooms.stale())
    assert data["clock"]["now"] == "2027-02-03T14:03:20Z"
    assert data["budget"]["left"] == "8551.01"
    assert data["budget"]["charges"][0]["on"] == "2027-01-04"
    production = data["rollout"]["rollouts"][0]
    assert production["verdict"] == "INCONCLUSIVE"
    assert production["configured"]["freshness"] == "STALE"
    assert production["configured"]["exposure"]["percent"]["us"] == 40
    assert production["measured"]["exposure"] is None
    assert data["sources"]["worst"] == "STALE"
    assert [gate["id"] for gate in production["gates"]] == [
        *("hold", "change", "drift", "order", "p0", "p1", "p2", "data", "conn"),
    ]


def test_a_plan_without_a_budget_has_none() -> None:
    assert as_data(rooms.bare())["budget"] is None


def test_a_number_that_json_cannot_say_is_null() -> None:
    making = Making()
    making.history = {("web", "latency.p95"): (1.0, float("nan"))}
    assert as_data(making.view())["health"]["metrics"][0]["history"] == [1.0, None]


def test_the_journal_is_told_in_short() -> None:
    making = Making().wrote(events.PlanAdopted("5e", "a long text", "config.toml", {"a.toml": "more"}))
    adopted = as_data(making.view())["journal"]["latest"][0]
    assert adopted["event"] == {"kind": "plan.adopted", "hash": "5e", "path": "config.toml"}
    assert adopted["actor"]["user"] == "ana"
    for number in range(ENTRIES):
        making.wrote(events.NoteAdded(str(number)))
    journal = as_data(making.view())["journal"]
    assert journal["length"] == ENTRIES + 1
    assert [entry["event"]["text"] for entry in journal["latest"]] == [str(n) for n in reversed(range(ENTRIES))]

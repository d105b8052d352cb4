"""Pictures of the screen. After a wanted change: `pytest tests/test_tui_snapshots.py --snapshot-update`, and look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repz_console.actions import TABS
from tests.support import rooms, rooms_agreed
from tests.support.console import still_app

SIZES = [(80, 24), (120, 40)]
TROUBLED = ["stale", "down", "empty", "observer"]

Compare = Callable[..., bool]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("number", range(1, 8), ids=lambda number: TABS[number - 1][0])
def test_a_tab_of_a_launch_under_way(snap_compare: Compare, tmp_path: Path, number: int, size: tuple[int, int]) -> None:
    app = still_app(rooms.live(), tmp_path)
    assert snap_compare(app, press=[str(number), "down"], terminal_size=size)


@pytest.mark.parametrize("name", TROUBLED)
@pytest.mark.parametrize("number", [1, 3, 4], ids=["room", "rollout", "health"])
def test_a_tab_of_a_launch_in_trouble(snap_compare: Compare, tmp_path: Path, number: int, name: str) -> None:
    app = still_app(rooms.ALL[name](), tmp_path, rooms.CY if name == "observer" else rooms.ANA)
    assert snap_compare(app, press=[str(number)], terminal_size=(80, 24))


@pytest.mark.parametrize(
    "keys",
    [["3", "exclamation_mark"], ["3", "s", "enter"], ["5", "n"], ["question_mark"], ["colon"], ["c"]],
    ids=["way-back", "compare", "new-bug", "help", "commands", "conn"],
)
def test_a_dialog(snap_compare: Compare, tmp_path: Path, keys: list[str]) -> None:
    assert snap_compare(still_app(rooms.live(), tmp_path), press=keys, terminal_size=(80, 24))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", rooms_agreed.ALL)
def test_a_rollout_in_which_people_have_to_agree(
    snap_compare: Compare, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    app = still_app(rooms_agreed.ALL[name](), tmp_path, rooms_agreed.ME.get(name, rooms.ANA))
    assert snap_compare(app, press=["3"], terminal_size=size)


@pytest.mark.parametrize(
    ("name", "keys"),
    [("polled", ["p", "a"]), ("polled", ["a"]), ("polled", ["right", "enter"]), ("armed", ["p"])],
    ids=["vote", "approve", "compare", "poll"],
)
def test_a_dialog_of_agreeing(snap_compare: Compare, tmp_path: Path, name: str, keys: list[str]) -> None:
    app = still_app(rooms_agreed.ALL[name](), tmp_path, rooms_agreed.ME.get(name, rooms.ANA))
    assert snap_compare(app, press=["3", *keys], terminal_size=(80, 24))


def test_a_screen_too_small(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(still_app(rooms.live(), tmp_path), terminal_size=(40, 10))

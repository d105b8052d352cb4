"""Which painter draws a tab, and which areas of the room it looks at."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from repz_console.actions import TABS
from repz_console.room.views import RoomView
from repz_console.tui.paint.base import Brush, Sheet

_AREAS = {
    "room": ("launch", "timeline", "rollout", "health", "bugs", "budget", "control", "sources", "journal", "findings"),
    "timeline": ("launch", "timeline", "sources"),
    "rollout": ("launch", "rollout", "control", "bugs", "sources"),
    "health": ("health", "sources"),
    "bugs": ("bugs", "rollout", "sources"),
    "budget": ("budget", "sources"),
    "journal": ("journal", "sources"),
}


def shown(tab: str, view: RoomView) -> tuple[Any, ...]:
    """Everything that the tab's picture is made from, apart from the operator's choices. The same objects, by
    identity, give the same picture: an area that says the same is the same object."""
    clock = view.clock
    still = (clock.t0, clock.phase, clock.hold, clock.past, clock.current, clock.upcoming)
    # Ages are told in minutes at the finest.
    minute = int(clock.now.timestamp()) // 60
    return (*(getattr(view, area) for area in _AREAS[tab]), *still, minute)


def paint(tab: str, view: RoomView, brush: Brush) -> Sheet:
    """The tab's picture. A painter is imported when its tab is first opened."""
    sheet: Sheet = importlib.import_module(f"repz_console.tui.paint.{tab}").paint(view, brush)
    return sheet


def scroll_to_now(view: RoomView, brush: Brush) -> int:
    """How far the timeline is scrolled to show the present."""
    from repz_console.tui.paint import timeline

    return timeline.scroll_to_now(view, brush)


def loaders() -> list[Callable[[], object]]:
    """A call for each tab that imports its painter."""
    return [partial(importlib.import_module, f"repz_console.tui.paint.{tab}") for tab, _ in TABS]

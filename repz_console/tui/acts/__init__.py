"""What each action of the registry does on the screen.

An act is a function of the app; one that asks or waits is a coroutine function. Modules are imported when one of their
acts is first needed, and all of them soon after the first paint, so that the way back never waits for a disk.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from repz_console.actions import BY_ID, TABS

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

WAY_BACK = BY_ID["way.back"]

ACTS: dict[str, str] = {
    **{f"tab.{tab}": "looking:tab" for tab, _ in TABS},
    "tab.next": "looking:next_tab",
    "tab.previous": "looking:previous_tab",
    "up": "looking:up",
    "down": "looking:down",
    "page.up": "looking:page_up",
    "page.down": "looking:page_down",
    "top": "looking:top",
    "bottom": "looking:bottom",
    "filter": "looking:filter_rows",
    "clear": "looking:clear",
    "open": "opening:open_row",
    "bug.sort": "looking:sort_bugs",
    "repaint": "looking:repaint",
    "timeline.fold": "timeline:fold",
    "timeline.in": "timeline:zoom_in",
    "timeline.out": "timeline:zoom_out",
    "timeline.left": "timeline:left",
    "timeline.right": "timeline:right",
    "timeline.now": "timeline:to_now",
    "timeline.progress": "timeline:progress",
    "item.tick": "timeline:tick",
    "item.na": "timeline:not_applicable",
    "help": "reading:help_page",
    "palette": "reading:palette",
    "findings": "reading:findings",
    "health.connect": "reading:connect",
    "theme": "shell:theme",
    "mouse": "shell:mouse",
    "quit": "shell:leave",
    "note": "shell:note",
    "conn": "shell:conn",
    "adopt": "shell:adopt",
    "rebase": "rebase:rebase",
    "rollout.less": "draft:less",
    "rollout.more": "draft:more",
    "rollout.stage": "draft:to_stage",
    "rollout.other": "draft:other",
    "rollout.switch": "draft:switch",
    "rollout.apply": "entering:enter",
    "rollout.poll": "polling:poll",
    "rollout.approve": "consenting:approval",
    "rollout.forward": "steering:roll_forward",
    "rollout.observe": "steering:observe",
    "rollout.line": "safety:line",
    "rollout.seat": "polling:seat",
    "rollout.card": "safety:card",
    "rollout.resume": "steering:resume",
    "rollout.reread": "steering:reread",
    "rollout.accept": "steering:accept",
    "way.back": "taking_back:way_back",
    "bug.file": "bugs:file",
    "bug.priority": "bugs:priority",
    "bug.assign": "bugs:assign",
    "bug.resolve": "bugs:resolve",
    "spend.add": "spend:add",
    "spend.void": "spend:void",
}
"""Action id to `module:function` in this package."""


def start(action: str, app: ConsoleApp) -> Coroutine[Any, Any, None] | None:
    """Do what `action` does; what takes longer than this call is given back to be waited for."""
    module, _, name = ACTS[action].partition(":")
    act = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    done = act(app, action.partition(".")[2]) if name == "tab" else act(app)
    return done if inspect.iscoroutine(done) else None


def loaders() -> list[Callable[[], object]]:
    """A call for each module of acts that imports it, the way back's first."""
    modules = dict.fromkeys(place.partition(":")[0] for place in (ACTS[WAY_BACK.id], *ACTS.values()))
    return [partial(importlib.import_module, f"{__name__}.{module}") for module in modules]

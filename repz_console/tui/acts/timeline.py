"""The timeline: folding, zooming, scrolling in time, ticking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from repz_console.room.views import ItemView
from repz_console.tui.dialogs.checks import percent_mistake
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Form
from repz_console.tui.paint.base import Brush
from repz_console.tui.paint.timeline import bars_width, most_scroll, scroll_to_now

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

_ZOOMS = ("hour", "day", "week")


def fold(app: ConsoleApp) -> None:
    """Fold or unfold the section that the selected row belongs to."""
    section = _section(app)
    if section:
        key = f"section:{section}"
        app.choose(folded=app.choice.folded ^ {key}, cursor=key, follow=True)


def _section(app: ConsoleApp) -> str:
    kind, identity = app.selected
    if kind == "section":
        return identity
    for section in app.room.timeline.sections:
        for task in section.tasks:
            opened = kind == "item" and app.choice.open == f"task:{task.id}"
            if (kind == "task" and task.id == identity) or opened:
                return section.id
    return ""


def zoom_in(app: ConsoleApp) -> None:
    """One step closer."""
    _zoom(app, -1)


def zoom_out(app: ConsoleApp) -> None:
    """One step away."""
    _zoom(app, 1)


def _zoom(app: ConsoleApp, step: int) -> None:
    index = _ZOOMS.index(app.choice.zoom) + step
    if 0 <= index < len(_ZOOMS):
        app.choose(zoom=_ZOOMS[index], scroll=0)
        to_now(app)


def left(app: ConsoleApp) -> None:
    """Earlier days."""
    _scroll(app, -1)


def right(app: ConsoleApp) -> None:
    """Later days."""
    _scroll(app, 1)


def _scroll(app: ConsoleApp, direction: int) -> None:
    brush = _brush(app)
    step = max(1, bars_width(brush.size) // 4)
    app.choose(scroll=max(0, min(app.choice.scroll + direction * step, most_scroll(app.room, brush))))


def to_now(app: ConsoleApp) -> None:
    """Bring the present into view."""
    app.choose(scroll=scroll_to_now(app.room, _brush(app)))


def _brush(app: ConsoleApp) -> Brush:
    return Brush(app.pane_size, app.choice, app.glyphs)


async def progress(app: ConsoleApp) -> None:
    """Say how far the selected task is."""
    _, identity = app.selected
    task = next((task for section in app.room.timeline.sections for task in section.tasks if task.id == identity), None)
    if task is None:
        return
    if task.checklists:
        app.say(f"{task.title}: its checklist says how far it is. Enter opens it.", "warn")
        return
    known = "" if task.percent is None else f"{task.percent:g}"
    field = Text("percent", "Percent done", known, needed=True, limit=6, check=percent_mistake)
    answer = await app.ask(Form(task.title, [field], submit="Save"))
    if answer is not None:
        await app.live.progress(identity, float(answer["percent"].removesuffix("%")))
        app.say(f"{task.title}: {answer['percent'].removesuffix('%')} %", "ok")


async def tick(app: ConsoleApp) -> None:
    """Tick the selected item, or take the tick back."""
    item = _item(app)
    if item is not None:
        await _set(app, item, "open" if item.state == "done" else "done")


async def not_applicable(app: ConsoleApp) -> None:
    """Mark an optional item not applicable, or take that back."""
    item = _item(app)
    if item is None:
        return
    if not item.optional and item.state != "n/a":
        app.say(f"{item.title}: it is not optional", "warn")
        return
    await _set(app, item, "open" if item.state == "n/a" else "n/a")


async def _set(app: ConsoleApp, item: ItemView, state: Literal["done", "open", "n/a"]) -> None:
    await app.live.tick(item.id, state)
    words = {"done": "ticked", "open": "open again", "n/a": "not applicable"}
    app.say(f"{item.title}: {words[state]}. The same key takes it back.", "ok")


def _item(app: ConsoleApp) -> ItemView | None:
    _, identity = app.selected
    items = (item for checklist in app.room.timeline.checklists for item in checklist.items)
    return next((item for item in items if item.id == identity), None)

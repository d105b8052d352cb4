"""Moving around: tabs, rows, filters, order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.actions import TABS
from repz_console.tui.dialogs.prompt import Prompt
from repz_console.tui.paint.bugs import SORTS

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


def tab(app: ConsoleApp, name: str) -> None:
    """Open a tab by its id."""
    app.open_tab(name)


def next_tab(app: ConsoleApp) -> None:
    """Open the tab to the right, the first after the last."""
    _turn(app, 1)


def previous_tab(app: ConsoleApp) -> None:
    """Open the tab to the left."""
    _turn(app, -1)


def _turn(app: ConsoleApp, step: int) -> None:
    ids = [name for name, _ in TABS]
    app.open_tab(ids[(ids.index(app.tab) + step) % len(ids)])


def up(app: ConsoleApp) -> None:
    """One row up."""
    _select(app, app.pane.step(-1))


def down(app: ConsoleApp) -> None:
    """One row down."""
    _select(app, app.pane.step(1))


def page_up(app: ConsoleApp) -> None:
    """One page up."""
    _select(app, app.pane.step(-max(2, app.pane.page - 1)))


def page_down(app: ConsoleApp) -> None:
    """One page down."""
    _select(app, app.pane.step(max(2, app.pane.page - 1)))


def top(app: ConsoleApp) -> None:
    """The first row."""
    _select(app, app.pane.end(-1))


def bottom(app: ConsoleApp) -> None:
    """The last row."""
    _select(app, app.pane.end(1))


def _select(app: ConsoleApp, key: str) -> None:
    if key:
        app.choose(cursor=key, follow=True)


async def filter_rows(app: ConsoleApp) -> None:
    """Type words; the rows follow as they are typed."""
    name, before = app.tab, app.choice.filter

    def narrow(words: str) -> None:
        app.choose(tab=name, filter=words, follow=True)

    if await app.ask(Prompt("/", before, narrow)) is None:
        app.choose(tab=name, filter=before)


def clear(app: ConsoleApp) -> None:
    """Close what is open, else drop the draft, else the filter."""
    if app.choice.open:
        app.choose(open="", follow=True)
    elif app.choice.draft is not None:
        app.choose(draft=None, draft_stage="")
    elif app.choice.filter:
        app.choose(filter="", follow=True)


def sort_bugs(app: ConsoleApp) -> None:
    """The next order."""
    now = app.choice.sort if app.choice.sort in SORTS else SORTS[0]
    order = SORTS[(SORTS.index(now) + 1) % len(SORTS)]
    app.settings.settings.sort["bugs"] = order
    app.choose(sort=order, follow=True)
    app.say(f"Sorted by {order}.")


def repaint(app: ConsoleApp) -> None:
    """Send every cell again."""
    app.refresh_all()
    if app.guard is not None:
        app.guard.repaint()

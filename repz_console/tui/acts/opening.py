"""What Enter does on a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.tui.acts.timeline import fold

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


def open_row(app: ConsoleApp) -> None:
    """Go to what the selected row stands for, or unfold all there is to say about it."""
    kind, identity = app.selected
    cursor = app.choice.cursor
    if kind == "tab":
        app.open_tab(identity)
    elif kind == "gate":
        app.open_tab("rollout")
    elif kind == "journal" and app.tab != "journal":
        app.open_tab("journal")
        app.choose(cursor=cursor, open=cursor, follow=True)
    elif kind == "section":
        fold(app)
    elif kind == "item":
        app.say("Space ticks an item, x marks an optional one not applicable, Esc closes the list.")
    elif kind:
        app.choose(open="" if app.choice.open == cursor else cursor, follow=True)
    else:
        app.say("Nothing is selected.")

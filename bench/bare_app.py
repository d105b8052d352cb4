"""The peer: what an ordinary Textual dashboard of this size costs. Seven tabs, a filled table in each."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Footer, Header, TabbedContent, TabPane

TABS = ("Room", "Timeline", "Rollout", "Health", "Bugs", "Budget", "Journal")
ROWS = 200


class Bare(App[None]):
    """Header, seven tabs with a table of 200 rows each, footer."""

    TITLE = "bare"
    CSS = "TabbedContent, ContentSwitcher, TabPane, DataTable { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "Quit"),
        *((str(number), f"open('{name.lower()}')", name) for number, name in enumerate(TABS, 1)),
    ]

    def compose(self) -> ComposeResult:
        """The usual widgets, used in the usual way."""
        yield Header()
        with TabbedContent():
            for name in TABS:
                with TabPane(name, id=name.lower()):
                    yield DataTable(id=f"table-{name.lower()}", cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        """Fill every table, as an ordinary dashboard does."""
        for name in TABS:
            table = self.query_one(f"#table-{name.lower()}", DataTable)
            table.add_columns("id", "title", "owner", "state", "age")
            table.add_rows(
                (f"{name[:2]}-{row}", f"{name} row {row}", "somebody", "open", f"{row} min") for row in range(ROWS)
            )

    def action_open(self, tab: str) -> None:
        """Show a tab, with the keys in its table."""
        self.query_one(TabbedContent).active = tab
        self.call_after_refresh(self.query_one(f"#table-{tab}", DataTable).focus)


if __name__ == "__main__":
    Bare().run()

"""The pane's widget: which rows it draws again, where the cursor goes, what stays in sight."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from repz_console.resources import shipped_themes
from repz_console.tui.paint.base import BLOCKS, Line, Sheet
from repz_console.tui.sheet import Artist, SheetView
from repz_console.tui.themes import Palette, read


class Pane(SheetView):
    """Counts what it is asked to draw."""

    def __init__(self) -> None:
        super().__init__(Artist(Palette(read(shipped_themes()[0])), BLOCKS), id="pane")
        self.drawn: list[Region] = []

    def refresh(self, *regions: Region, **options: bool) -> Pane:  # type: ignore[override]
        if hasattr(self, "drawn"):
            self.drawn += regions
        return super().refresh(*regions, **options)  # type: ignore[return-value]


class One(App[None]):
    """A pane alone on the screen."""

    def compose(self) -> ComposeResult:
        self.pane = Pane()
        yield self.pane


def sheet(count: int, header: int = 1, *, changed: Sequence[int] = (), selectable: bool = True) -> Sheet:
    lines: list[Line] = [((f" header {number}", "title"),) for number in range(header)]
    lines += [((f" row {number}{'!' * (number in changed)}", "text"),) for number in range(count)]
    return Sheet(lines, [""] * header + [f"row:{number}" if selectable else "" for number in range(count)], header)


def text(pane: SheetView) -> list[str]:
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


async def test_only_rows_that_changed_are_drawn_again() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        app.pane.show(sheet(5))
        app.pane.drawn.clear()
        app.pane.show(sheet(5))
        assert app.pane.drawn == []
        app.pane.show(sheet(5, changed=[2]))
        assert app.pane.drawn == [Region(0, 3, 40, 1)]


async def test_moving_the_cursor_draws_two_rows() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        app.pane.show(sheet(5), "row:1")
        app.pane.drawn.clear()
        app.pane.show(sheet(5), app.pane.step(1), follow=True)
        assert [region.y for region in app.pane.drawn] == [2, 3]
        assert text(app.pane)[3].startswith(f"{BLOCKS.cursor}row 2")


async def test_the_header_stays_while_the_rest_scrolls() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        app.pane.show(sheet(100), "row:50", follow=True)
        assert text(app.pane)[0] == " header 0"
        assert any("row 50" in line for line in text(app.pane))


async def test_rows_out_of_sight_are_not_asked_for() -> None:
    asked: set[int] = set()

    class Watched(list[Line]):
        def __getitem__(self, index: int) -> Line:  # type: ignore[override]
            asked.add(index)
            return super().__getitem__(index)

    app = One()
    async with app.run_test(size=(40, 10)):
        whole = sheet(10_000)
        app.pane.show(Sheet(Watched(whole.lines), whole.keys, 1), "row:5000", follow=True)
        assert len(asked) <= 10


@pytest.mark.parametrize(("moves", "expected"), [([1], 0), ([1, 1], 1), ([1, 5, -2], 3), ([1, 500], 99), ([-1], 0)])
async def test_steps_go_from_row_to_row(moves: list[int], expected: int) -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        cursor = ""
        app.pane.show(sheet(100), cursor)
        for move in moves:
            cursor = app.pane.step(move) or cursor
            app.pane.show(sheet(100), cursor, follow=True)
        assert cursor == f"row:{expected}"
        assert any(f"row {expected}" in line for line in text(app.pane))


async def test_both_ends() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        app.pane.show(sheet(100))
        assert app.pane.end(1) == "row:99"
        assert app.pane.end(-1) == "row:0"


async def test_a_sheet_without_rows_to_select_scrolls() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        app.pane.show(sheet(100, selectable=False))
        assert app.pane.step(1) == ""
        assert text(app.pane)[1] == " row 1"
        assert app.pane.end(1) == ""
        assert text(app.pane)[-1] == " row 99"


async def test_a_row_that_is_gone_hands_the_cursor_to_the_one_in_its_place() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        app.pane.show(sheet(5), "row:4")
        app.pane.show(sheet(3), "row:4")
        assert app.pane.lost
        assert app.pane.nearest() == "row:2"
        app.pane.show(sheet(0), "row:2")
        assert app.pane.nearest() == ""


async def test_the_side_stays_beside_the_scrolling_rows() -> None:
    app = One()
    async with app.run_test(size=(40, 10)):
        whole = sheet(100)
        app.pane.show(Sheet(whole.lines, whole.keys, 1, ((("detail", "strong"),),), 10), "row:60", follow=True)
        assert text(app.pane)[1][30:] == "detail"
        assert text(app.pane)[0] == " header 0"


async def test_a_line_too_wide_is_cut_and_a_short_one_filled() -> None:
    app = One()
    async with app.run_test(size=(20, 4)):
        app.pane.show(Sheet([(("x" * 50, "text"),), (("漢" * 30, "text"),)], ["", ""]))
        for y in range(4):
            assert app.pane.render_line(y).cell_length == 20

"""The cell diff: whatever was shown before, the terminal ends up showing what it should, for few bytes."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from repz_console.tui.cells import PLAIN, Cells, Pen, cells_of

WIDTH, HEIGHT = 12, 4
PENS = [PLAIN, Pen("1"), Pen("7", "31"), Pen("", "38;2;1;2;3", "48;2;9;9;9"), Pen("", "39", "44"), Pen("4", "32", "49")]

texts = st.text(st.sampled_from("ab c─█▲漢字é"), min_size=1, max_size=WIDTH)
runs = st.lists(st.tuples(texts, st.sampled_from(PENS)), min_size=1, max_size=4)
frames = st.lists(st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), runs), max_size=6)


def picture(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Every cell as a person sees it: the ink of a blank cell is not seen."""
    rows = []
    for y in range(HEIGHT):
        row = []
        for x in range(WIDTH):
            cell = screen.buffer[y][x]
            ink = None if cell.data == " " and not (cell.reverse or cell.underscore) else (cell.fg, cell.bold)
            row.append((cell.data, ink, cell.bg, cell.reverse, cell.underscore))
        rows.append(row)
    return rows


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    screen.reset_mode(pyte.modes.DECAWM)
    return screen, pyte.Stream(screen)


@given(st.lists(frames, min_size=1, max_size=5))
def test_many_changes_show_the_same_as_one_whole_painting(history: list[list[tuple[int, int, object]]]) -> None:
    cells, whole = Cells(WIDTH, HEIGHT), Cells(WIDTH, HEIGHT)
    screen, stream = terminal()
    for frame in history:
        for row, column, what in frame:
            cells.put(row, column, what)  # type: ignore[arg-type]
            whole.put(row, column, what)  # type: ignore[arg-type]
        stream.feed(cells.changes())
    fresh, fresh_stream = terminal()
    fresh_stream.feed(whole.changes())
    assert picture(screen) == picture(fresh)


def test_what_is_shown_already_costs_nothing() -> None:
    cells = Cells(80, 24)
    cells.put(3, 0, [("as of 14:03:20", PLAIN)])
    cells.changes()
    cells.put(3, 0, [("as of 14:03:20", PLAIN)])
    assert cells.changes() == ""


def test_one_digit_of_a_clock_costs_a_few_bytes() -> None:
    cells = Cells(120, 40)
    pen = Pen("1", "38;2;211;217;225", "48;2;15;19;24")
    cells.put(0, 0, [("PRODUCTION T-01:22:41".ljust(120), pen)])
    cells.changes()
    cells.put(0, 0, [("PRODUCTION T-01:22:40".ljust(120), pen)])
    assert len(cells.changes()) < 12


def test_after_forgetting_everything_is_painted_again() -> None:
    cells = Cells(WIDTH, HEIGHT)
    cells.put(1, 2, [("ok", PLAIN)])
    cells.changes()
    cells.forget()
    again = cells.changes()
    assert "\x1b[2J" in again
    assert "ok" in again


def test_a_terminal_that_lost_a_row_is_put_right_by_a_resize() -> None:
    cells = Cells(WIDTH, HEIGHT)
    cells.put(0, 0, [("old", PLAIN)])
    cells.changes()
    cells.resize(20, 6)
    cells.put(5, 15, [("new", PLAIN)])
    assert "new" in cells.changes()


@given(st.text())
def test_no_text_can_control_the_terminal(text: str) -> None:
    cells = Cells(40, 1)
    cells.put(0, 0, [(text, PLAIN)])
    written = cells.changes().removeprefix("\x1b[0m\x1b[2J")
    for piece in written.split("\x1b")[1:]:
        assert piece[0] == "["
        assert piece.lstrip("[0123456789;")[:1] in ("H", "G", "m")
    assert not [char for char in written if ord(char) < 32 and char != "\x1b"]
    assert not [char for char in written if 0x7F <= ord(char) < 0xA0]


def test_a_wide_character_takes_two_columns() -> None:
    assert cells_of("漢a") == ("漢", "", "a")


def test_a_combining_mark_stays_with_its_character() -> None:
    assert cells_of("e\u0301a") == ("e\u0301", "a")

"""What the terminal shows against what it should show, and the fewest bytes from the one to the other.

A frame that arrives while an earlier one is still on its way to a slow terminal only changes what should be shown:
there is never a queue of frames, and nothing stale is ever sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style


class Pen(NamedTuple):
    """How a cell is drawn: parameters of an SGR sequence."""

    attributes: str = ""
    """Such as `1` or `1;7`."""
    front: str = "39"
    back: str = "49"


PLAIN = Pen()
COLOR_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
"""By the names under which rich tells what a terminal can."""

_SHORT_GAP = 5
"""Unchanged cells that cost less to write again than to jump over."""
_VISIBLE_WHEN_BLANK = frozenset("479")
"""Attributes that show on a space: underline, reverse, strike."""


def pen_of(style: Style, system: ColorSystem | None) -> Pen:
    """How a terminal with these colours draws a style; without any, only bold, underline and their like remain."""
    attributes = ";".join(
        number
        for number, on in (
            ("1", style.bold),
            ("2", style.dim),
            ("3", style.italic),
            ("4", style.underline),
            ("7", style.reverse),
            ("9", style.strike),
        )
        if on
    )
    front, back = PLAIN.front, PLAIN.back
    if system is not None:
        if style.color is not None:
            front = ";".join(style.color.downgrade(system).get_ansi_codes(foreground=True))
        if style.bgcolor is not None:
            back = ";".join(style.bgcolor.downgrade(system).get_ansi_codes(foreground=False))
    return Pen(attributes, front, back)


@lru_cache(maxsize=8192)
def cells_of(text: str) -> tuple[str, ...]:
    """`text` as terminal columns: a wide character takes two, the second one empty. Nothing in it can control a
    terminal, whatever came before."""
    columns: list[str] = []
    for char in text:
        if not char.isprintable():
            columns.append("\ufffd" if not char.isspace() else " ")
            continue
        width = get_character_cell_size(char)
        if width == 0:
            if columns and columns[-1]:
                columns[-1] += char
            continue
        columns.append(char)
        if width == 2:
            columns.append("")
    return tuple(columns)


class Cells:
    """A terminal of `width` x `height` cells."""

    def __init__(self, width: int, height: int) -> None:
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """A terminal of another size, about which nothing is known."""
        self.width, self.height = width, height
        self._chars = [[" "] * width for _ in range(height)]
        self._pens = [[PLAIN] * width for _ in range(height)]
        self.forget()

    def forget(self) -> None:
        """What the terminal shows is not known any more: the next changes paint it whole."""
        self._shown_chars = [[" "] * self.width for _ in range(self.height)]
        self._shown_pens = [[PLAIN] * self.width for _ in range(self.height)]
        self._dirty = set(range(self.height))
        self._clear = True
        self._pen = PLAIN

    def put(self, row: int, column: int, runs: Iterable[tuple[str, Pen]]) -> None:
        """What should stand in `row` from `column` on; the rest of the row stays as it is."""
        if not 0 <= row < self.height:
            return
        chars, pens = self._chars[row], self._pens[row]
        if 0 < column < self.width and not chars[column]:
            chars[column - 1] = " "
        for text, pen in runs:
            columns = text if text.isascii() and text.isprintable() else cells_of(text)
            end = min(column + len(columns), self.width)
            count = end - column
            if count <= 0:
                break
            chars[column:end] = columns[:count]
            pens[column:end] = [pen] * count
            column = end
            if count < len(columns) and not columns[count]:
                chars[end - 1] = " "
        if column < self.width and not chars[column]:
            # Half of a wide character cannot stand alone.
            chars[column] = " "
        self._dirty.add(row)

    def changes(self) -> str:
        """The bytes, as text, that make the terminal show what it should. Assumes that they will arrive."""
        out: list[str] = []
        if self._clear:
            out.append("\x1b[0m\x1b[2J")
            self._clear = False
        for row in sorted(self._dirty):
            chars, pens = self._chars[row], self._pens[row]
            if chars != self._shown_chars[row] or pens != self._shown_pens[row]:
                self._change_row(row, out)
                self._shown_chars[row] = chars.copy()
                self._shown_pens[row] = pens.copy()
        self._dirty.clear()
        return "".join(out)

    def _change_row(self, row: int, out: list[str]) -> None:
        chars, pens = self._chars[row], self._pens[row]
        shown_chars, shown_pens = self._shown_chars[row], self._shown_pens[row]
        differs = [
            column
            for column in range(self.width)
            if chars[column] != shown_chars[column] or pens[column] != shown_pens[column]
        ]
        start = differs[0]
        last = start
        for column in differs[1:]:
            if column - last > _SHORT_GAP:
                self._write_run(row, start, last + 1, out)
                start = column
            last = column
        self._write_run(row, start, last + 1, out)

    def _write_run(self, row: int, start: int, end: int, out: list[str]) -> None:
        chars, pens = self._chars[row], self._pens[row]
        while start > 0 and not chars[start]:
            start -= 1
        while end < self.width and not chars[end]:
            end += 1
        out.append(f"\x1b[{row + 1};{start + 1}H")
        column = start
        while column < end:
            pen = pens[column]
            stop = column + 1
            while stop < end and pens[stop] == pen:
                stop += 1
            text = "".join(chars[column:stop])
            self._change_pen(pen, text, out)
            out.append(text)
            if len(text) != stop - column and stop < end:
                # Terminals differ in how wide they draw what is not one column: say where to go on.
                out.append(f"\x1b[{stop + 1}G")
            column = stop

    def _change_pen(self, pen: Pen, text: str, out: list[str]) -> None:
        now = self._pen
        if pen == now:
            return
        if pen.attributes != now.attributes:
            if text.isspace() and not (_VISIBLE_WHEN_BLANK & set(pen.attributes + now.attributes)):
                pen = Pen(now.attributes, now.front, pen.back)
            else:
                parts = ["0"] if now.attributes or (pen.front == "39" and pen.back == "49") else []
                base = PLAIN if parts else now
                if pen.attributes:
                    parts.append(pen.attributes)
                if pen.front != base.front:
                    parts.append(pen.front)
                if pen.back != base.back:
                    parts.append(pen.back)
                out.append(f"\x1b[{';'.join(parts)}m")
                self._pen = pen
                return
        elif text.isspace() and not (_VISIBLE_WHEN_BLANK & set(pen.attributes)):
            pen = Pen(now.attributes, now.front, pen.back)
        parts = []
        if pen.front != now.front:
            parts.append(pen.front)
        if pen.back != now.back:
            parts.append(pen.back)
        if parts:
            out.append(f"\x1b[{';'.join(parts)}m")
            self._pen = pen

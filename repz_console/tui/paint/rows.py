"""What panes are built from: fixed columns, rows gathered one by one, and rows made only when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar, overload

from repz_console.tui.paint.base import Glyphs, Line, Sheet, Size, Span
from repz_console.tui.paint.format import cell_width, clip, fit, fit_right

T = TypeVar("T")

SIDE_FROM = 120
"""Columns from which a pane has room for a detail side."""


class Cell(NamedTuple):
    """One column of a row."""

    text: str
    width: int
    role: str = "text"
    right: bool = False
    """Whether it stands at the right of its column, as numbers do."""


def columns(cells: Iterable[Cell], glyphs: Glyphs, gap: int = 1) -> Line:
    """A row of cells with `gap` blanks between them, behind the blank column of the cursor."""
    spans: list[Span] = [(" ", "text")]
    for number, cell in enumerate(cell for cell in cells if cell.width > 0):
        if number:
            spans.append((" " * gap, "text"))
        place = fit_right if cell.right else fit
        spans.append((place(cell.text, cell.width, glyphs.ellipsis), cell.role))
    return tuple(spans)


class Rows:
    """Lines and their keys, gathered from top to bottom, each cut to the width."""

    def __init__(self, width: int, glyphs: Glyphs) -> None:
        self.width = width
        self.glyphs = glyphs
        self.lines: list[Line] = []
        self.keys: list[str] = []

    def add(self, line: Iterable[Span], key: str = "") -> None:
        """Put a line below the others."""
        self.lines.append(clip(line, self.width, self.glyphs.ellipsis))
        self.keys.append(key)

    def text(self, text: str, role: str = "text", key: str = "") -> None:
        """Put one text below the others, behind the blank column."""
        self.add(((" ", "text"), (text, role)), key)

    def blank(self) -> None:
        """Leave a line free, unless the one above is."""
        if self.lines and self.lines[-1]:
            self.add(())

    def title(self, text: str, note: str = "") -> None:
        """Begin a part of the pane under a heading."""
        self.add(((" ", "text"), (text, "title"), (f"  {note}" if note else "", "muted")))

    def sheet(self, header: int = 0, side: Sequence[Line] = (), side_width: int = 0) -> Sheet:
        """What was gathered, as a pane."""
        return Sheet(self.lines, self.keys, header, side, side_width)


class Lazy(Sequence[T], Generic[T]):
    """A sequence whose items are made when they are asked for: ten thousand rows cost what twenty do."""

    def __init__(
        self, length: int, make: Callable[[int], T], find: Callable[[object], int | None] | None = None
    ) -> None:
        self._length = length
        self._make = make
        self._find = find

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self._make(each) for each in range(*index.indices(self._length))]
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError(index)
        return self._make(index)

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Where `value` is; ValueError if it is not there."""
        if self._find is None:
            return super().index(value, start, self._length if stop is None else stop)
        found = self._find(value)
        if found is None or not start <= found < (self._length if stop is None else stop):
            raise ValueError(value)
        return found


def drawn_late(
    head: Sequence[Line],
    rows: Sequence[tuple[str, Callable[[], Line]]],
    width: int,
    glyphs: Glyphs,
    side: Sequence[Line] = (),
    side_width: int = 0,
) -> Sheet:
    """A pane of head lines that stay and of rows, each a key and what draws it once it is looked at."""
    keys = [""] * len(head) + [key for key, _ in rows]

    def line(index: int) -> Line:
        return head[index] if index < len(head) else clip(rows[index - len(head)][1](), width, glyphs.ellipsis)

    return Sheet(Lazy(len(keys), line), keys, len(head), side, side_width)


@dataclass(frozen=True)
class Listing(Generic[T]):
    """Head lines that stay, then one line an item, with the detail of at most one item unfolded below it."""

    head: Sequence[Line]
    items: Sequence[T]
    line: Callable[[T], Line]
    key: Callable[[T], str]
    place: Callable[[object], int | None]
    """The place among the items of a row key; None if it is not among them."""
    opened: int | None = None
    """The place of the item whose detail is unfolded."""
    detail: Sequence[Line] = ()

    def sheet(self, side: Sequence[Line] = (), side_width: int = 0) -> Sheet:
        """The listing as a pane whose rows are made when they are looked at."""
        length = len(self.head) + len(self.items) + self._extra
        return Sheet(
            Lazy(length, self._line),
            Lazy(length, self._key, self._index),
            len(self.head),
            side,
            side_width,
        )

    @property
    def _extra(self) -> int:
        return 0 if self.opened is None else len(self.detail)

    def _locate(self, index: int) -> tuple[int, int]:
        """(place of the item, -1) or (-1, place in the detail) of a row below the head."""
        place = index - len(self.head)
        if self.opened is None or place <= self.opened:
            return place, -1
        inside = place - self.opened - 1
        return (-1, inside) if inside < self._extra else (place - self._extra, -1)

    def _line(self, index: int) -> Line:
        if index < len(self.head):
            return self.head[index]
        place, inside = self._locate(index)
        return self.detail[inside] if place < 0 else self.line(self.items[place])

    def _key(self, index: int) -> str:
        if index < len(self.head):
            return ""
        place, _ = self._locate(index)
        return "" if place < 0 else self.key(self.items[place])

    def _index(self, key: object) -> int | None:
        place = self.place(key)
        if place is None:
            return None
        below = self.opened is not None and place > self.opened
        return len(self.head) + place + (self._extra if below else 0)


def side_width(size: Size) -> int:
    """How wide the detail side is at this size; 0 where there is no room for one."""
    return 0 if size.width < SIDE_FROM else min(60, 40 + (size.width - SIDE_FROM) * 2 // 5)


def side(lines: Iterable[Line], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Detail lines behind the rule that parts them from the rows, down to the foot of the pane."""
    shown = clip_all(lines, width - 3, glyphs)[:height]
    shown += [()] * (height - len(shown))
    return [((f" {glyphs.now} ", "muted"), *line) for line in shown]


def clip_all(lines: Iterable[Line], width: int, glyphs: Glyphs) -> list[Line]:
    """Each line in at most `width` cells."""
    return [clip(line, width, glyphs.ellipsis) for line in lines]


def unfolded(lines: Iterable[Line], width: int, glyphs: Glyphs) -> list[Line]:
    """Detail lines as they stand below the row that they belong to."""
    return clip_all([((f"   {glyphs.now} ", "muted"), *line) for line in lines], width, glyphs)


def labelled(label: str, text: str, role: str = "text", label_width: int = 10) -> Line:
    """One line of a detail: a name and its value."""
    return ((fit(label, label_width), "muted"), (text, role))


def matches(words: str, *texts: str) -> bool:
    """Whether every word of a filter is somewhere in the texts, upper and lower case alike."""
    haystack = " ".join(texts).casefold()
    return all(word in haystack for word in words.casefold().split())


def longest(texts: Iterable[str], most: int) -> int:
    """The width of the widest text, at most `most`."""
    return min(most, max(map(cell_width, texts), default=0))

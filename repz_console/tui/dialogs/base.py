"""What every dialog is, and the frame around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from repz_console.tui.paint.base import Glyphs, Line, Size, Span
from repz_console.tui.paint.format import clip, cut, line_width, pad, wrap

_FRAMED = Size(24, 8)
"""Below this a dialog takes the whole screen, without a frame."""


class Dialog(ABC):
    """Something that is asked or shown over the pane. It has the keyboard until it closes."""

    title = ""
    wide = 64
    """Columns wanted for the body."""
    inline = False
    """Whether it is one line in place of the key line, instead of a box over the pane."""
    is_way_back = False
    """Whether it already offers the way back, which is otherwise opened over any dialog."""

    def __init__(self) -> None:
        self.open = True
        self.answer: Any = None
        """What was answered; None after a cancel."""
        self.parting = ""
        """What to say when it was cancelled: something was typed, and nothing came of it."""

    @property
    def typing(self) -> bool:
        """Whether a letter typed now becomes text."""
        return False

    @abstractmethod
    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """At most `size.height` lines, of at most `size.width` columns."""

    @abstractmethod
    def key(self, key: str, character: str | None) -> None:
        """A key was pressed; `character` is what it types, if anything."""

    def decides(self, key: str, character: str | None) -> bool:
        """Whether this key would give an answer that may change something. It has to be pressed by itself."""
        return False

    def paste(self, text: str) -> None:  # noqa: B027 - most dialogs take none
        """Text was pasted. Ignored, unless something is being typed."""

    def close(self, answer: Any = None) -> None:
        """Leave, with an answer or without."""
        self.open, self.answer = False, answer


class Framed(NamedTuple):
    """A dialog as it stands on the screen."""

    left: int
    top: int
    width: int
    lines: list[Line]


def frame(dialog: Dialog, screen: Size, glyphs: Glyphs) -> Framed:
    """`dialog` in the middle of the screen, as wide as it wants and as high as it needs."""
    if screen.width < _FRAMED.width or screen.height < _FRAMED.height:
        lines = dialog.body(screen, glyphs)[: screen.height]
        lines += [()] * (screen.height - len(lines))
        return Framed(0, 0, screen.width, [pad(clip(line, screen.width), screen.width) for line in lines])
    inner = Size(min(dialog.wide, screen.width - 4), screen.height - 4)
    width = inner.width + 4
    body = [_inside(line, inner.width, glyphs) for line in dialog.body(inner, glyphs)[: inner.height]]
    title = f" {cut(dialog.title, inner.width - 4, glyphs.ellipsis)} " if dialog.title else ""
    top_left, top_right, low_left, low_right = tuple(glyphs.corners)
    head: list[Span] = [(top_left + glyphs.line, "track"), (title, "title")]
    head.append((glyphs.line * (width - 1 - line_width(head)) + top_right, "track"))
    foot: Line = ((low_left + glyphs.line * (width - 2) + low_right, "track"),)
    lines = [tuple(head), *body, foot]
    return Framed((screen.width - width) // 2, max(0, (screen.height - len(lines)) // 2), width, lines)


def _inside(line: Line, width: int, glyphs: Glyphs) -> Line:
    filled = pad(clip(line, width, glyphs.ellipsis), width, glyphs.ellipsis)
    return ((f"{glyphs.now} ", "track"), *filled, (f" {glyphs.now}", "track"))


def paragraphs(texts: Sequence[str], width: int, role: str = "text") -> list[Line]:
    """Texts broken into lines; an empty one is an empty line."""
    lines: list[Line] = []
    for text in texts:
        lines += [((piece, role),) for piece in broken(text, width)] or [()]
    return lines


def broken(text: str, width: int) -> list[str]:
    """`text` between words into lines of at most `width` columns."""
    return wrap(text, max(1, width), 200)

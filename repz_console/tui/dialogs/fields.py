"""What can be filled in: a line of text, or one of a few choices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from repz_console.text import safe
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import cell_width, fit


class Field(ABC):
    """One line of a form."""

    typing = False

    def __init__(self, name: str, label: str) -> None:
        self.name, self.label = name, label

    @property
    @abstractmethod
    def value(self) -> str:
        """What is filled in."""

    @abstractmethod
    def line(self, width: int, focused: bool, glyphs: Glyphs) -> Line:
        """How it looks, in `width` columns."""

    @abstractmethod
    def key(self, key: str, character: str | None) -> bool:
        """Takes a key; whether it meant anything here."""

    def paste(self, text: str) -> None:  # noqa: B027 - most fields take none
        """Takes pasted text."""

    def mistake(self) -> str:
        """What is wrong with the value, in one line; empty if nothing is."""
        return ""


class Text(Field):
    """A line of text with a caret. What is typed or pasted is made safe as it comes in."""

    typing = True

    def __init__(
        self,
        name: str,
        label: str,
        value: str = "",
        *,
        hint: str = "",
        limit: int = 200,
        needed: bool = False,
        check: Callable[[str], str] | None = None,
    ) -> None:
        """`hint` stands where nothing is typed yet; `check` says what is wrong with a value, in one line."""
        super().__init__(name, label)
        self._text = safe(value, limit)
        self._caret = len(self._text)
        self._hint, self._limit, self._needed, self._check = hint, limit, needed, check

    @property
    def value(self) -> str:
        """The text without the spaces around it."""
        return self._text.strip()

    def line(self, width: int, focused: bool, glyphs: Glyphs) -> Line:
        """The part of the text around the caret, on a line that shows where one can type."""
        if not self._text:
            caret = ((" ", "text.reverse"),) if focused else ()
            return (*caret, (fit(self._hint or glyphs.track * 3, width - len(caret), glyphs.ellipsis), "muted"))
        if not focused:
            return ((fit(self._text, width, glyphs.ellipsis), "text"),)
        start = 0
        while start < self._caret and cell_width(self._text[start : self._caret]) > width - 1:
            start += 1
        under = self._text[self._caret : self._caret + 1] or " "
        before = self._text[start : self._caret]
        room = max(0, width - cell_width(before) - cell_width(under))
        return ((before, "text"), (under, "text.reverse"), (fit(self._text[self._caret + 1 :], room, ""), "text"))

    def key(self, key: str, character: str | None) -> bool:
        """Editing as in a shell: arrows, home and end, backspace and delete, ctrl+u and ctrl+w."""
        text, caret = self._text, self._caret
        if key == "backspace" or key == "ctrl+h":
            self._text, self._caret = text[: max(0, caret - 1)] + text[caret:], max(0, caret - 1)
        elif key == "delete":
            self._text = text[:caret] + text[caret + 1 :]
        elif key == "left":
            self._caret = max(0, caret - 1)
        elif key == "right":
            self._caret = min(len(text), caret + 1)
        elif key in ("home", "ctrl+a"):
            self._caret = 0
        elif key in ("end", "ctrl+e"):
            self._caret = len(text)
        elif key == "ctrl+u":
            self._text, self._caret = text[caret:], 0
        elif key == "ctrl+w":
            kept = text[:caret].rstrip()
            kept = kept[: kept.rfind(" ") + 1]
            self._text, self._caret = kept + text[caret:], len(kept)
        elif character and character.isprintable():
            self._insert(character)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        """Pasted text becomes one line."""
        self._insert(text)

    def _insert(self, text: str) -> None:
        room = self._limit - len(self._text)
        piece = safe(text, max(1, room)) if room > 0 else ""
        self._text = self._text[: self._caret] + piece + self._text[self._caret :]
        self._caret += len(piece)

    def mistake(self) -> str:
        """Empty where something is needed, or what the check says."""
        if not self.value:
            return f"{self.label}: nothing is filled in" if self._needed else ""
        return self._check(self.value) if self._check else ""


class Choice(Field):
    """One of a few values."""

    def __init__(self, name: str, label: str, options: Sequence[tuple[str, str]], value: str = "") -> None:
        """`options` are (value, shown)."""
        super().__init__(name, label)
        self._options = list(options)
        self._index = next((i for i, option in enumerate(self._options) if option[0] == value), 0)

    @property
    def value(self) -> str:
        """The chosen value."""
        return self._options[self._index][0] if self._options else ""

    def line(self, width: int, focused: bool, glyphs: Glyphs) -> Line:
        """The chosen value between arrows."""
        shown = self._options[self._index][1] if self._options else ""
        count = f" {self._index + 1}/{len(self._options)}"
        room = max(1, width - 4 - len(count))
        role = "accent" if focused else "muted"
        return (
            ("< ", role),
            (fit(shown, min(room, max(cell_width(shown), 1)), glyphs.ellipsis), "text"),
            (" >", role),
            (count, "muted"),
        )

    def key(self, key: str, character: str | None) -> bool:
        """Left and right go around; a letter or digit goes to the next value that begins with it or ends in it."""
        count = len(self._options)
        if not count:
            return False
        if key in ("right", "space"):
            self._index = (self._index + 1) % count
        elif key == "left":
            self._index = (self._index - 1) % count
        elif character and character.isalnum():
            wanted = character.casefold()
            for step in range(1, count + 1):
                shown = self._options[(self._index + step) % count][1].casefold()
                if shown.startswith(wanted) or shown.split(" ")[0].endswith(wanted):
                    self._index = (self._index + step) % count
                    return True
            return False
        else:
            return False
        return True

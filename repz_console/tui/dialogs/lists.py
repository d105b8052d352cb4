"""Longer texts to read, and lists to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from repz_console.tui.dialogs.base import Dialog, paragraphs
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.paint.base import Glyphs, Line, Size
from repz_console.tui.paint.format import fit

_TINY = 6
"""Rows up to which every line counts."""


class Reader(Dialog):
    """Lines to scroll through."""

    def __init__(
        self,
        title: str,
        lines: Sequence[Line] | Callable[[int, Glyphs], list[Line]],
        *,
        wide: int = 76,
        leave: str = "Esc closes.",
    ) -> None:
        """`lines` may be a function of the width, for text that is to be broken. `leave` says how it is left."""
        super().__init__()
        self.title, self.wide, self._leave = title, wide, leave
        self._lines = lines
        self._top = 0
        self._page = 1

    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """The lines in sight, and how many there are."""
        lines = self._lines(size.width, glyphs) if callable(self._lines) else list(self._lines)
        # Where there is hardly room, a blank line is one too many.
        gap: list[Line] = [()] if size.height > _TINY else []
        self._page = max(1, size.height - 1 - len(gap))
        self._top = max(0, min(self._top, len(lines) - self._page))
        shown = lines[self._top : self._top + self._page]
        last = f"{self._top + 1}-{self._top + len(shown)} of {len(lines)}" if len(lines) > self._page else ""
        return [*shown, *gap, ((f"{self._leave} {last}".rstrip(), "muted"),)]

    def key(self, key: str, character: str | None) -> None:
        """Arrows and pages scroll; Esc, Enter and q leave."""
        steps = {
            "down": 1,
            "j": 1,
            "up": -1,
            "k": -1,
            "pagedown": self._page,
            "pageup": -self._page,
            "space": self._page,
        }
        if key in ("escape", "enter", "q"):
            self.close()
        elif key in ("home", "g"):
            self._top = 0
        elif key in ("end", "G"):
            self._top = 1 << 30
        else:
            self._top += steps.get(key, 0)


class Alarm(Reader):
    """What did not come about, or nobody knows, and what to do next: nobody is to miss it, so it stays until Enter or
    Esc is pressed by itself."""

    def __init__(self, title: str, trouble: str, advice: Sequence[str]) -> None:
        """`trouble` is the whole of it; each of `advice` is a sentence."""

        def lines(width: int, _glyphs: Glyphs) -> list[Line]:
            return [*paragraphs([trouble], width, "bad"), (), *paragraphs(advice, width)]

        super().__init__(title, lines, leave="Enter or Esc: OK.")

    def decides(self, key: str, character: str | None) -> bool:
        """Enter and Esc: what is typed in a hurry was not meant for it."""
        return key in ("enter", "escape")

    def key(self, key: str, character: str | None) -> None:
        """As any text, but no letter leaves."""
        if key != "q":
            super().key(key, character)


class Entry(NamedTuple):
    """One line of a list."""

    id: str
    name: str
    note: str = ""
    key: str = ""
    """The key that does the same."""
    disabled: str = ""
    """Why it cannot be chosen now."""


class Picker(Dialog):
    """A list that words narrow down. The answer is the chosen entry's id."""

    wide = 76

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry],
        *,
        chosen: str = "",
        preview: Callable[[str], None] | None = None,
    ) -> None:
        """`preview` is called with the id of the entry that the cursor comes to."""
        super().__init__()
        self.title = title
        self._entries = list(entries)
        self._words = Text("words", "Find")
        self._preview = preview
        self._cursor = max(0, next((index for index, entry in enumerate(entries) if entry.id == chosen), 0))
        self._page = 1

    @property
    def typing(self) -> bool:
        """Letters narrow the list down."""
        return True

    def _found(self) -> list[Entry]:
        words = self._words.value.casefold().split()
        return [
            entry for entry in self._entries if all(word in f"{entry.name} {entry.note}".casefold() for word in words)
        ]

    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """The words typed, then the entries that have them all."""
        found = self._found()
        self._cursor = max(0, min(self._cursor, len(found) - 1))
        self._page = max(1, size.height - 4)
        top = max(0, self._cursor - self._page + 1)
        name_width = min(26, max((len(entry.name) for entry in self._entries), default=10))
        key_width = max((len(entry.key) for entry in self._entries), default=0)
        lines: list[Line] = [(("Find  ", "muted"), *self._words.line(size.width - 6, True, glyphs)), ()]
        for index, entry in enumerate(found[top : top + self._page], top):
            here = index == self._cursor
            role = "muted" if entry.disabled else "strong" if here else "text"
            lines.append(
                (
                    (f"{glyphs.cursor} " if here else "  ", "accent"),
                    (fit(entry.name, name_width, glyphs.ellipsis), role),
                    (f"  {fit(entry.key, key_width)}  " if key_width else "  ", "accent"),
                    (entry.disabled or entry.note, "muted"),
                )
            )
        if not found:
            lines.append((("Nothing has these words.", "muted"),))
        return [*lines, (), (("Enter chooses, Esc leaves.", "muted"),)]

    def decides(self, key: str, character: str | None) -> bool:
        """Enter: what is chosen may change something by itself."""
        return key == "enter"

    def key(self, key: str, character: str | None) -> None:
        """Arrows and pages move, Enter chooses, Esc leaves, letters narrow down."""
        found = self._found()
        steps = {"down": 1, "tab": 1, "up": -1, "shift+tab": -1, "pagedown": self._page, "pageup": -self._page}
        if key == "escape":
            self.close()
        elif key == "enter":
            if found and not found[self._cursor].disabled:
                self.close(found[self._cursor].id)
        elif key in steps:
            self._cursor = max(0, min(len(found) - 1, self._cursor + steps[key]))
            self._show_preview()
        elif self._words.key(key, character):
            self._cursor = 0
            self._show_preview()

    def paste(self, text: str) -> None:
        """Pasted words narrow down as well."""
        self._words.paste(text)

    def _show_preview(self) -> None:
        found = self._found()
        if self._preview and found:
            self._preview(found[min(self._cursor, len(found) - 1)].id)

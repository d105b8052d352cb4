"""A choice by named letter: nothing happens by Enter, so nothing happens by accident."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from repz_console.tui.dialogs.base import Dialog, broken, paragraphs
from repz_console.tui.paint.base import Glyphs, Line, Size

_ROOMY = Size(40, 10)


def _is_tiny(size: Size) -> bool:
    return size.width < _ROOMY.width or size.height < _ROOMY.height


class Letter(NamedTuple):
    """One thing to choose."""

    key: str
    short: str
    """Its name where there is hardly room."""
    long: str
    """What it does, in one sentence."""
    disabled: str = ""
    """Why it cannot be chosen now."""
    harmless: bool = False
    """Whether it changes nothing."""

    @property
    def role(self) -> str:
        """How its key is drawn."""
        return "muted" if self.disabled else "accent.reverse" if self.harmless else "bad.reverse"


class Letters(Dialog):
    """Several ways on, each by its letter. The answer is the letter."""

    def __init__(
        self,
        title: str,
        intro: Sequence[str] | Callable[[int, Glyphs], list[Line]],
        letters: Sequence[Letter],
        *,
        again: str = "",
    ) -> None:
        """`intro` is sentences, or lines by the width. `again` is the key that opened the dialog over one where text is
        typed: it answers with that key, so that it can be typed there after all."""
        super().__init__()
        self.title = title
        self._intro, self._letters, self._again = intro, list(letters), again
        self._top = 0
        self._page = 1
        self._short = ""
        """What to say instead of title and introduction where there is hardly room; empty for the title."""
        self._problem = ""

    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """Every letter with its effect; only names where the screen is tiny."""
        if _is_tiny(size):
            return self._tiny(size)
        below = self._below(size)
        intro = self._intro(size.width, glyphs) if callable(self._intro) else paragraphs(self._intro, size.width)
        room = max(1, size.height - len(below))
        self._page = room
        self._top = max(0, min(self._top, len(intro) - room))
        shown = intro[self._top : self._top + room]
        if len(intro) > room:
            more = len(intro) - self._top - room
            shown[-1] = ((f"{more + 1} more lines: PgDn" if more else "end of list: PgUp", "muted"),)
        return shown + below

    def _below(self, size: Size) -> list[Line]:
        """The letters: whatever there is to read above them, they are in sight."""
        lines: list[Line] = [()]
        for letter in self._letters:
            role = "muted" if letter.disabled else "text"
            texts = broken(letter.disabled or letter.long, size.width - 20)
            head: Line = (
                (f" {letter.key} ", letter.role),
                (f" {letter.short:<14}", "strong"),
            )
            lines.append((*head, (f"  {texts[0]}" if texts else "", role)))
            lines += [((f"{'':20}{text}", role),) for text in texts[1:]]
        lines.append(())
        last = self._problem or (f"Esc cancels; {self._again} again types it." if self._again else "Esc cancels.")
        lines.append(((last, "warn" if self._problem else "muted"),))
        return lines

    def _tiny(self, size: Size) -> list[Line]:
        said = self._problem or self._short or self.title
        lines: list[Line] = [((said, "warn" if self._problem else "strong"),)]
        lines += [
            ((letter.key, letter.role), (f" {letter.short}", "muted" if letter.disabled else "text"))
            for letter in self._letters
        ]
        leave: Line = (("esc cancel", "muted"),)
        if len(lines) < size.height:
            return [*lines, leave]
        # What there is to choose matters more than what it is about.
        return [*lines[:-1], (*lines[-1], ("  ", "text"), *leave)][-size.height :]

    def decides(self, key: str, character: str | None) -> bool:
        """A letter that can be chosen and is not harmless."""
        return any(character == letter.key and not (letter.disabled or letter.harmless) for letter in self._letters)

    def key(self, key: str, character: str | None) -> None:
        """A letter chooses, Esc leaves, anything else says what is expected."""
        if key == "escape":
            self.close()
            return
        if self._again and character == self._again:
            self.close(self._again)
            return
        if key in ("pagedown", "pageup", "down", "up"):
            self._top += {"pagedown": self._page - 1, "pageup": 1 - self._page, "down": 1, "up": -1}[key]
            return
        for letter in self._letters:
            if character == letter.key:
                if letter.disabled:
                    self._problem = f"{letter.short}: {letter.disabled}"
                else:
                    self.close(letter.key)
                return
        self._problem = f"Press {', '.join(letter.key for letter in self._letters)} or Esc."


class Ways(NamedTuple):
    """The way back as things stand."""

    title: str
    short: str
    """What is so now, for where there is hardly room: what is exposed comes first."""
    intro: list[str]
    letters: list[Letter]


class WayBack(Letters):
    """Hold, roll back, kill. Tells what is so now, also when that changes while it is open."""

    is_way_back = True

    def __init__(self, ways: Callable[[], Ways], *, again: str = "") -> None:
        super().__init__("", (), (), again=again)
        self._ways = ways

    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """As it stands now."""
        self.title, self._short, self._intro, self._letters = self._ways()
        if _is_tiny(size):
            self.title = self.title.partition("  ")[0]
        return super().body(size, glyphs)

"""A line to type on in place of the key line, that acts as it is typed."""

from __future__ import annotations

from collections.abc import Callable

from repz_console.tui.dialogs.base import Dialog
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.paint.base import Glyphs, Line, Size
from repz_console.tui.paint.format import cell_width


class Prompt(Dialog):
    """The answer is the text typed; None after Esc."""

    inline = True

    def __init__(self, sign: str, value: str, changed: Callable[[str], None]) -> None:
        """`changed` is called with the text after every key that changes it."""
        super().__init__()
        self._sign, self._changed = sign, changed
        self._text = Text("text", sign, value, hint="words that a row must have; Enter keeps, Esc drops")

    @property
    def typing(self) -> bool:
        """Always."""
        return True

    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """One line."""
        sign = f" {self._sign} "
        return [((sign, "accent"), *self._text.line(size.width - cell_width(sign), True, glyphs))]

    def key(self, key: str, character: str | None) -> None:
        """Enter keeps, Esc drops, everything else is typed."""
        if key == "escape":
            self.close()
        elif key == "enter":
            self.close(self._text.value)
        elif self._text.key(key, character):
            self._changed(self._text.value)

    def paste(self, text: str) -> None:
        """Pasted words count as typed."""
        self._text.paste(text)
        self._changed(self._text.value)

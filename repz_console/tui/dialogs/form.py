"""Forms: fields to fill in, a way to say no, and a way to say yes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial

from repz_console.plan import challenge
from repz_console.tui.dialogs.base import Dialog
from repz_console.tui.dialogs.fields import Field, Text
from repz_console.tui.paint.base import Glyphs, Line, Size, Span
from repz_console.tui.paint.format import fit

Values = dict[str, str]


class Form(Dialog):
    """Lines to read, fields, Cancel and one more button. The answer is every field's value by name."""

    def __init__(
        self,
        title: str,
        fields: Sequence[Field] = (),
        *,
        submit: str,
        intro: Sequence[Line] | Callable[[int, Glyphs], list[Line]] = (),
        dangerous: bool = False,
        disabled: str = "",
        check: Callable[[Values], str] | None = None,
        wide: int = 64,
    ) -> None:
        """`intro` may be a function of the width. A `dangerous` form starts on Cancel, and Enter in a field only moves
        on. `disabled` is why it cannot be submitted now; `check` says what is wrong with the values together."""
        super().__init__()
        self.title, self.wide = title, wide
        self._fields, self._submit, self._intro = list(fields), submit, intro
        self._dangerous, self._disabled, self._check = dangerous, disabled, check
        self._cancel, self._yes = len(self._fields), len(self._fields) + 1
        fields_in_order = list(range(len(self._fields)))
        # A dangerous form starts on Cancel and asks for everything on the way to its other button.
        self._order = [self._cancel, *fields_in_order] if dangerous else [*fields_in_order, self._cancel]
        self._order += [] if disabled else [self._yes]
        self._focus = self._order[0]
        self._problem = ""
        self._top = 0
        self._page = 1
        self._rows = 0

    @property
    def typing(self) -> bool:
        """Whether the focus is in a line of text."""
        return self._focus < len(self._fields) and self._fields[self._focus].typing

    def body(self, size: Size, glyphs: Glyphs) -> list[Line]:
        """What there is to read, scrolled where it is long, then the fields and the buttons."""
        intro = self._intro(size.width, glyphs) if callable(self._intro) else list(self._intro)
        below = self._below(size, glyphs)
        room = max(1, size.height - len(below))
        self._rows, self._page = len(intro), room
        self._top = max(0, min(self._top, len(intro) - room))
        shown = intro[self._top : self._top + room]
        if len(intro) > room and shown:
            more = len(intro) - self._top - room
            shown[-1] = ((f"{more + 1} more lines: PgDn" if more else "end of list: PgUp", "muted"),)
        return shown + below

    def _below(self, size: Size, glyphs: Glyphs) -> list[Line]:
        label_width = max((len(field.label) for field in self._fields), default=0)
        lines: list[Line] = [()] if self._intro else []
        # What Tab comes to first stands first.
        cancel_first = self._dangerous and bool(self._fields)
        cancel = self._button("Cancel", self._cancel, glyphs)
        if cancel_first:
            lines.append(cancel)
        for index, field in enumerate(self._fields):
            focused = index == self._focus
            label: Span = (fit(field.label, label_width), "strong" if focused else "muted")
            sign: Span = (f"{glyphs.cursor} " if focused else "  ", "accent")
            lines.append((sign, label, ("  ", "text"), *field.line(size.width - label_width - 4, focused, glyphs)))
        if self._fields and not cancel_first:
            lines.append(())
        problem = self._problem or self._disabled
        lines.append(((f"{glyphs.bad} {problem}", "bad"),) if problem else ())
        submit = self._button(self._submit, self._yes, glyphs)
        lines.append(submit if cancel_first else (*cancel, *submit))
        return lines

    def _button(self, label: str, index: int, glyphs: Glyphs) -> Line:
        focused = index == self._focus
        sign: Span = (f"{glyphs.cursor} " if focused else "  ", "accent")
        if index == self._yes and self._disabled:
            return (sign, (f"( {label} )", "muted"))
        return (sign, (f"[ {label} ]", "accent.reverse" if focused else "text"))

    def key(self, key: str, character: str | None) -> None:
        """Tab and the arrows move, Enter acts, Esc leaves; everything else belongs to the field in focus. What is
        typed while Cancel has the focus goes to the first line of text: a form must not swallow a reason."""
        if key == "escape":
            self.close()
        elif key == "enter":
            self._enter()
        elif key in ("tab", "down"):
            self._move(1)
        elif key in ("shift+tab", "up"):
            self._move(-1)
        elif key == "pagedown":
            self._top += self._page - 1
        elif key == "pageup":
            self._top -= self._page - 1
        elif self._focus < len(self._fields):
            if self._fields[self._focus].key(key, character):
                self._touched()
        elif key in ("left", "right") and not self._disabled:
            self._focus = self._yes if self._focus == self._cancel else self._cancel
        elif self._focus == self._cancel and _begins_text(character) and self._to_text():
            self.key(key, character)

    def decides(self, key: str, character: str | None) -> bool:
        """Enter, wherever it does not leave or move on only."""
        moves_on = self._dangerous and self._focus < len(self._fields)
        return key == "enter" and self._focus != self._cancel and not moves_on

    def paste(self, text: str) -> None:
        """Pasted text goes where the focus is, if that takes text; from Cancel to the first line of text."""
        if self._focus == self._cancel:
            self._to_text()
        if self._focus < len(self._fields):
            self._fields[self._focus].paste(text)
            self._touched()

    def _to_text(self) -> bool:
        """Go to the first line of text; whether there is one."""
        index = next((index for index, field in enumerate(self._fields) if field.typing), None)
        if index is None:
            return False
        self._focus = index
        return True

    def _touched(self) -> None:
        self._problem = ""
        self.parting = "Cancelled; nothing was done."

    def _move(self, step: int) -> None:
        self._focus = self._order[(self._order.index(self._focus) + step) % len(self._order)]

    def _enter(self) -> None:
        if self._focus == self._cancel:
            self.close()
        elif self._focus < len(self._fields) and self._dangerous:
            self._move(1)
        else:
            self.submit()

    def submit(self) -> None:
        """Answer with the values, or go to what is wrong with them and say it."""
        if self._disabled:
            return
        for index, field in enumerate(self._fields):
            self._problem = field.mistake()
            if self._problem:
                self._focus = index
                return
        values = {field.name: field.value for field in self._fields}
        self._problem = self._check(values) if self._check else ""
        if not self._problem:
            self.close(values)


def _begins_text(character: str | None) -> bool:
    """Whether a key pressed on Cancel was meant for a line of text. A blank is how one presses buttons elsewhere."""
    return character is not None and character.isprintable() and character.strip() != ""


def confirm(title: str, intro: Sequence[Line] | Callable[[int, Glyphs], list[Line]], submit: str) -> Form:
    """A question with Cancel in focus; the answer is None or not."""
    return Form(title, intro=intro, submit=submit, dangerous=True)


class Challenge(Form):
    """What has to be typed out before a rollout widens: target, environment, and two letters nobody can know before."""

    def __init__(self, title: str, intro: Sequence[Line], target: str, environment: str, submit: str) -> None:
        """`target` is the percent's number or a stage's id."""
        self._asked = partial(challenge.words, target, environment)
        self._draw()
        super().__init__(
            title,
            [Text("typed", "Typed", needed=True, limit=120, check=self._mismatch)],
            intro=lambda _width, _glyphs: [*intro, (), self._ask()],
            submit=submit,
            dangerous=True,
        )

    def decides(self, key: str, character: str | None) -> bool:
        """Enter after the words as well: they are the confirmation."""
        return key == "enter" and self._focus != self._cancel

    def _draw(self) -> None:
        self.nonce = challenge.nonce(secrets.choice)
        self.expected = self._asked(self.nonce)

    def _ask(self) -> Line:
        return (("Type  ", "text"), (self.expected, "strong"), ("  and press Enter.", "muted"))

    def _mismatch(self, typed: str) -> str:
        if challenge.met(typed, self.expected):
            return ""
        # Whoever did not read it gets no second try at the same letters.
        self._draw()
        return "that is not what has to be typed; it is another now"

    def _enter(self) -> None:
        # The typed words are the confirmation: no further key is needed, and none was enough without them.
        if self.typing:
            self.submit()
        else:
            super()._enter()

"""What a terminal sends, taken apart before it becomes keys: only what a person typed or pasted is let through.

A terminal answers queries over the same line that the keyboard uses, and a hostile text can make it do so. So nothing
passes because it is not known to be an answer: a control sequence passes only if a key sends it. What a slow line tears
apart is put together again, or swallowed to its end; its pieces are never keys.
"""

from __future__ import annotations

import re

MAX_PASTE = 64 * 1024
"""Characters of one paste that are taken."""
PASTE_TIMEOUT = 2.0
"""Seconds without a byte after which a paste that never ended is over."""
TORN = 0.05
"""Seconds after which an escape that nothing followed is the Esc key."""
PATIENCE = 2.0
"""Seconds without a byte after which a sequence is given up, and what comes then is typing again."""
AFTER_ESCAPE = 1.0
"""Seconds in which the rest of a sequence may still follow an escape that was taken for the Esc key."""
LONGEST = 10.0
"""Seconds that one sequence may take in all."""
HURRY = 0.03
"""Seconds between two keys below which nobody can have looked at the screen in between."""

_MAX_SEQUENCE = 4096
_PAUSE = 0.5
_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_KEY = re.compile(
    r"""\x1b\[(?:
        (?:1;(?:[2-9]|1[0-6]))?[ABCDEFHPQS]         # arrows, home, end, F1 to F4; R would be a cursor report
        | [abcdZ]                                   # rxvt's shifted arrows, back tab
        | (?:[1-9]|[12]\d|3[0-4])(?:;(?:[2-9]|1[0-6]))?[~^@]
        | \[[A-E]                                   # F1 to F5 of the Linux console
        | (?:9|13|27|127)(?:;(?:[2-9]|1[0-6]))?u    # where every key is told as a number: never one that types
        | (?:6[4-9]|[78]\d|9\d|1[01]\d|12[0-2]);[5-8]u
    )""",
    re.VERBOSE,
)
_MOUSE = re.compile(r"\x1b\[<\d{1,5};\d{1,5};\d{1,5}[Mm]")
_SYNC_REPORT = re.compile(r"\x1b\[\?2026;\d\$y")
_FUNCTION_KEY = re.compile(r"\x1bO[A-Za-z]")
_EIGHT_BIT = {0x8F: "O", 0x90: "P", 0x98: "X", 0x9B: "[", 0x9C: "\\", 0x9D: "]", 0x9E: "^", 0x9F: "_"}
"""Introducers in one byte instead of two. Where they are no valid UTF-8, the decoder gives them as surrogates."""
_C1 = {chr(base + code): f"\x1b{letter}" for code, letter in _EIGHT_BIT.items() for base in (0, 0xDC00)}
_STRINGS = "P]X^_"
_LOST, _UNKNOWN = re.compile("[\x80-\x9f\ud800-\udfff]"), "\ufffd"


class InputFilter:
    """Feeds on text that was read from the terminal, decoded with `surrogateescape`; gives whole keys and pastes.

    Each piece given back is one character, one sequence that a key sends, one mouse report, one paste in its marks, or
    the answer about synchronised output that the console asks for.
    """

    def __init__(self) -> None:
        self._held = ""
        """The beginning of a sequence, from its escape on."""
        self._escaped = False
        """Whether that escape was given as the Esc key already: what follows is swallowed."""
        self._began = 0.0
        self._last = -1e9
        self._paste: list[str] | None = None
        """What was pasted so far, by characters; None outside of a paste."""
        self.mouse = False
        """Whether mouse reports were asked for."""

    def feed(self, text: str, now: float) -> list[str]:
        """What of `text`, read at `now` (seconds of any steady clock), was typed."""
        given = self.flush(now)
        self._give_up(now)
        if self._paste is not None and text == "\x03" and now - self._last >= _PAUSE:
            # Somebody finds the keyboard dead in a paste that does not end.
            given, text = self._end_paste(), ""
        self._last = now
        for character in text:
            raw = self._paste is not None or self._held.startswith("\x1b[M")
            for plain in character if raw else _C1.get(character, character):
                self._take(plain, now, given)
        return given

    def flush(self, now: float) -> list[str]:
        """What has become typing because nothing more came: a lone escape, or the text of a paste without an end."""
        if self.deadline is None or now < self.deadline:
            return []
        if self._paste is not None:
            return self._end_paste()
        self._escaped = True
        return ["\x1b"]

    @property
    def deadline(self) -> float | None:
        """When `flush` will have something to give if nothing is fed before; None if nothing is held back."""
        if self._paste is not None:
            return self._last + PASTE_TIMEOUT
        return self._last + TORN if self._held == "\x1b" and not self._escaped else None

    def _give_up(self, now: float) -> None:
        """Forget a sequence whose end does not come. Nothing of it is typing."""
        patience = AFTER_ESCAPE if self._escaped and len(self._held) < 3 else PATIENCE
        if now - self._last >= patience or now - self._began >= LONGEST:
            self._reset()

    def _reset(self) -> None:
        self._held, self._escaped = "", False

    def _end_paste(self) -> list[str]:
        pasted, self._paste, self._held = "".join(self._paste or ()), None, ""
        return [f"{_PASTE_START}{_LOST.sub(_UNKNOWN, pasted)}{_PASTE_END}"]

    def _take(self, character: str, now: float, given: list[str]) -> None:
        if self._paste is not None:
            self._take_pasted(character, given)
        elif not self._held:
            if character == "\x1b":
                self._held, self._began = character, now
            else:
                given.append(_LOST.sub(_UNKNOWN, character))
        elif self._is_string():
            self._take_string(character, now, given)
        elif character == "\x1b":
            if self._held == "\x1b" and not self._escaped:
                given.append("\x1b")
            self._held, self._escaped, self._began = character, False, now
        elif len(self._held) == 1:
            self._take_second(character, given)
        elif self._belongs(character):
            self._held += character
            if self._complete():
                self._finish(given)
        else:
            # A sequence does not go on like this. It is broken off, and this character stands for itself.
            self._reset()
            self._take(character, now, given)

    def _take_second(self, character: str, given: list[str]) -> None:
        if character in "[O" or character in _STRINGS:
            self._held += character
        elif character == "\\":
            # The end of a string that was given up, or of none.
            self._reset()
        else:
            # No key that is bound sends this: the Esc key, and another right after it.
            if not self._escaped:
                given.append("\x1b")
            self._reset()
            given.append(_LOST.sub(_UNKNOWN, character))

    def _is_string(self) -> bool:
        return len(self._held) > 1 and self._held[1] in _STRINGS

    def _take_string(self, character: str, now: float, given: list[str]) -> None:
        if character == "\x07" or (character == "\\" and self._held.endswith("\x1b")):
            self._reset()
        elif self._held.endswith("\x1b") or (character < " " and character != "\x1b"):
            # No answer has these in it: whatever it was, it is over.
            escape = self._held.endswith("\x1b")
            self._reset()
            if escape:
                self._held, self._began = "\x1b", now
            self._take(character, now, given)
        else:
            self._held = self._held[: _MAX_SEQUENCE - 1] + character

    def _belongs(self, character: str) -> bool:
        if self._held.startswith(("\x1b[M", "\x1b[[")):
            return character >= " "
        return " " <= character <= "~"

    def _complete(self) -> bool:
        held = self._held
        if held[1] == "O":
            # With digits: a modified function key of old terminals.
            return held[-1].isalpha() or not held[2:].isdigit()
        if held.startswith("\x1b[M"):
            return len(held) == 6
        if held.startswith("\x1b[["):
            return len(held) == 4
        return "@" <= held[-1] <= "~"

    def _finish(self, given: list[str]) -> None:
        held, escaped = self._held, self._escaped
        self._reset()
        if held == _PASTE_START:
            self._paste = []
        elif not escaped and (_KEY.fullmatch(held) or _FUNCTION_KEY.fullmatch(held) or self._is_report(held)):
            given.append(held)

    def _is_report(self, held: str) -> bool:
        return bool(_SYNC_REPORT.fullmatch(held) or (self.mouse and _MOUSE.fullmatch(held)))

    def _take_pasted(self, character: str, given: list[str]) -> None:
        assert self._paste is not None
        self._held += character
        if _PASTE_END.startswith(self._held):
            if self._held == _PASTE_END:
                given += self._end_paste()
            return
        text, self._held = self._held, ""
        if character == "\x1b":
            text, self._held = text[:-1], "\x1b"
        self._paste += text.replace("\x1b", "\u241b")[: max(0, MAX_PASTE - len(self._paste))]


class Pace:
    """Tells keys that a person pressed one by one from those that come faster than anybody looks."""

    def __init__(self) -> None:
        self._last = -1e9

    def hurried(self, count: int, now: float) -> tuple[bool, bool]:
        """Of `count` keys (at least one) that came at `now` in one piece: whether they came in a hurry, together or
        right after others; and whether there was a pause before the first."""
        paused = now - self._last >= HURRY
        self._last = now
        return count > 1 or not paused, paused

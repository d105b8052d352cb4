"""Outside text made safe where it enters.

A terminal obeys control bytes wherever they come from, so a bug's title or a metric's label could repaint the
status line or make the terminal type. Every string that this program did not write passes `safe` at the boundary:
config values, provider answers, journal payloads of other consoles. What names something, such as a user, a host or
a key, passes `identifier`: there two different names must never look alike.
"""

from __future__ import annotations

import re
import unicodedata

from repz_console.secret import redact

MAX_TEXT = 512
"""Characters kept of one piece of outside text; the rest becomes an ellipsis."""
MAX_NAME = 100
"""Characters kept of an identifier."""

_MAX_MARKS = 2
_KNOWN_SIGNS = 8192
"""Characters whose looks are remembered; beyond that they are worked out each time."""
_PLAIN = re.compile(r"[ -~]*\Z")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,99}\Z")
_NAMED = re.compile(rf"[!-;=?-~]{{0,{MAX_NAME}}}\Z")
_UNNAMED = re.compile(r"[^!-;=?-~]")
_UNSEEN_RANGES = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""What takes no ink: it turns the writing round, joins, chooses a picture, or passes for a blank."""
_PICTURE_CHOICES = ((0x180B, 0x180D), (0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF), (0xE0100, 0xE01EF))
"""Variation selectors and skin tones. Terminals disagree on their width, and nothing is said without them."""
_OVERSIZED = frozenset([0x2E3A, 0x2E3B, 0xFDFA, 0xFDFB, 0xFDFD, 0x12219, 0x1242B])
"""Drawn far wider than the cells they count for, over what stands beside them."""
_STACKING = ((0x1161, 0x11FF), (0xD7B0, 0xD7FF))
"""Vowels and ends of Hangul syllables: letters that are drawn within the character before them."""
_ACTING = re.compile(
    "[\x7f-\x9f\u2028\u2029\ud800-\udfff" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _UNSEEN_RANGES) + "]"
)


class _Signs(dict[int, str]):
    """Code point to what is shown in its place, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        sign = _sign(code)
        if len(self) < _KNOWN_SIGNS:
            self[code] = sign
        return sign


_SIGNS = _Signs()


def safe(raw: object, limit: int = MAX_TEXT) -> str:
    """`raw` as one line of text that is harmless on a terminal. Made safe a second time it stays as it is.

    C0 control characters become their visible pictures, every kind of blank a space. C1, DEL, bidi overrides,
    zero-width characters, tags, lone surrogates, what no standard has assigned and what is drawn over its neighbours
    become U+FFFD. Variation selectors and skin tones are left out, combining marks capped at two a base character.
    The text is NFC and at most `limit` characters long. A known secret in it is masked.
    """
    # Before anything is cut: what is left of a secret would no longer be known for one.
    text = redact(raw if isinstance(raw, str) else str(raw))
    if len(text) <= limit and _PLAIN.match(text):
        return text
    shown = unicodedata.normalize("NFC", text[: limit * 4].translate(_SIGNS))
    if not shown.isascii():
        shown = _few_marks(shown)
    if len(shown) > limit or len(text) > limit * 4:
        return shown[: limit - 1] + "…"
    return shown


def _sign(code: int) -> str:
    char = chr(code)
    if code in (0x09, 0x0A, 0x0D):
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if _within(code, _PICTURE_CHOICES):
        return ""
    if code in _OVERSIZED or _within(code, _UNSEEN_RANGES):
        return "\ufffd"
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    return "\ufffd" if category[0] in "CZ" else char


def _few_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        if not _is_mark(char):
            marks = 0
        elif not kept:
            # Nothing of its own stands before it: it would be drawn into somebody else's text.
            char = "\ufffd"
        elif marks == _MAX_MARKS:
            continue
        else:
            marks += 1
        kept.append(char)
    return "".join(kept)


def _is_mark(char: str) -> bool:
    if char < "\u0300":
        return False
    return unicodedata.category(char)[0] == "M" or _within(ord(char), _STACKING)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def escaped(json: str) -> str:
    """JSON text for a terminal: the same data, with every character that could act on one written as `\\uXXXX`."""
    return _ACTING.sub(lambda found: _units(found[0]), json)


def _units(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))


def identifier(raw: object) -> str:
    """`raw` as a name that cannot pass for another one: blanks, angle brackets and all that is not ASCII are written
    `<U+0441>`. What is longer than `MAX_NAME` is cut, and ends in an ellipsis.
    """
    text = raw if isinstance(raw, str) else str(raw)
    if _NAMED.match(text):
        return text
    spelt = _UNNAMED.sub(lambda found: f"<U+{ord(found[0]):04X}>", text[: MAX_NAME + 1])
    return spelt if len(spelt) <= MAX_NAME else f"{spelt[: MAX_NAME - 1]}…"


def is_identifier(text: str) -> bool:
    """Whether `text` is plain enough to name something that a change may act on."""
    return bool(_IDENTIFIER.match(text))

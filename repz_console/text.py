"""Outside text made safe where it enters.

A terminal obeys control bytes wherever they come from, so a bug's title or a metric's label could repaint the
status line or make the terminal type. Every string that this program did not write passes `safe` at the boundary:
config values, provider answers, journal payloads of other consoles, names of users and hosts.
"""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 512
"""Characters kept of one piece of outside text; the rest becomes an ellipsis."""

_MAX_COMBINING = 2
_PLAIN = re.compile(r"[ -~]*\Z")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,99}\Z")
_INVISIBLE_RANGES = (
    (0x00AD, 0x00AD),
    (0x061C, 0x061C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)
_ACTING = re.compile(
    "[\x7f-\x9f\u2028\u2029\ud800-\udfff" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _INVISIBLE_RANGES) + "]"
)
_BIDI_AND_INVISIBLE = frozenset(code for first, last in _INVISIBLE_RANGES for code in range(first, last + 1))


def safe(raw: object, limit: int = MAX_TEXT) -> str:
    """`raw` as one line of text that is harmless on a terminal.

    C0 control characters become their visible pictures (newline and tab a space), C1, DEL, bidi overrides,
    zero-width characters, tags and lone surrogates become U+FFFD, combining marks are capped at two a base
    character, the text is NFC and at most `limit` characters long.
    """
    text = raw if isinstance(raw, str) else str(raw)
    if len(text) <= limit and _PLAIN.match(text):
        return text
    kept: list[str] = []
    combining = 0
    for char in unicodedata.normalize("NFC", text[: limit * 4]):
        code = ord(char)
        if code in (0x09, 0x0A, 0x0D):
            char = " "
        elif code < 0x20:
            char = chr(0x2400 + code)
        elif 0x7F <= code <= 0x9F or code in _BIDI_AND_INVISIBLE or unicodedata.category(char) in ("Cs", "Zl", "Zp"):
            char = "\ufffd"
        if unicodedata.combining(char):
            combining += 1
            if combining > _MAX_COMBINING:
                continue
        else:
            combining = 0
        kept.append(char)
        if len(kept) > limit:
            return "".join(kept[: limit - 1]) + "…"
    return "".join(kept)


def escaped(json: str) -> str:
    """JSON text for a terminal: the same data, with every character that could act on one written as `\\uXXXX`."""
    return _ACTING.sub(lambda found: _units(found[0]), json)


def _units(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))


def is_identifier(text: str) -> bool:
    """Whether `text` is plain enough to name something that a change may act on."""
    return bool(_IDENTIFIER.match(text))

"""Values as short text, and text measured by the cells it takes on a terminal.

Widths count terminal cells: a wide character takes two, a combining one none. Nothing here knows a pane.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from repz_console.facts import Exposure
from repz_console.plan.exposure import headline_percent
from repz_console.tui.paint.base import Glyphs, Line, Span

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "$": "$"}
_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_EMOJI_STYLE = "\ufe0f"
"""Makes the sign before it an emoji, which is wide."""
_EMOJI_FROM = "\u203c"
_NO_WIDTH = frozenset(("Mn", "Me", "Mc", "Cf", "Cc"))
_FOLDERS = re.compile(r"(?<![\w:/.~-])~?/(?:[^\s/:'\"()]+/)+(?=[^\s/])")
"""Of an absolute path, not of an address."""
_JOINING = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF), (0x1F3FB, 0x1F3FF))
"""Vowels and ends of Hangul syllables, and skin tones: drawn within the character before them."""


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    code = ord(char)
    if unicodedata.category(char) in _NO_WIDTH or any(first <= code <= last for first, last in _JOINING):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """`text` in pieces that must not be parted, a character with what is drawn within it, and each one's cells."""
    piece, width = "", 0
    for char in text:
        taken = _char_width(char)
        if taken == 0 and piece:
            if char == _EMOJI_STYLE and width == 1 and (piece >= _EMOJI_FROM or piece in "0123456789#*"):
                width = 2
            piece += char
            continue
        if piece:
            yield piece, width
        piece, width = char, taken
    if piece:
        yield piece, width


def cell_width(text: str) -> int:
    """How many terminal cells `text` takes."""
    return len(text) if text.isascii() else _measured(text)


@lru_cache(maxsize=4096)
def _measured(text: str) -> int:
    return sum(width for _, width in clusters(text))


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells, its end replaced by the ellipsis where it does not fit."""
    if cell_width(text) <= width:
        return text
    return _shorten(text, width, ellipsis)


def brief(text: str, width: int) -> str:
    """`text` with every path reduced to its file's name where it would not fit otherwise: what follows a long path is
    what went wrong."""
    return text if cell_width(text) <= width else _FOLDERS.sub("", text)


def _shorten(text: str, width: int, ellipsis: str) -> str:
    if width <= len(ellipsis):
        return ellipsis[: max(0, width)]
    return _prefix(text, width - len(ellipsis)).rstrip() + ellipsis


def _prefix(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    kept, taken = "", 0
    for piece, cells in clusters(text):
        taken += cells
        if taken > width:
            return kept
        kept += piece
    return text


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells, on the left."""
    shown = cut(text, width, ellipsis)
    return shown + " " * (width - cell_width(shown))


def fit_right(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells, on the right: for numbers."""
    shown = cut(text, width, ellipsis)
    return " " * (width - cell_width(shown)) + shown


def wrap(text: str, width: int, most: int, ellipsis: str = "…") -> list[str]:
    """`text` broken between words into at most `most` pieces of at most `width` cells, the last one cut."""
    pieces: list[str] = []
    rest = " ".join(text.split())
    while rest and len(pieces) < most:
        if len(pieces) == most - 1 or cell_width(rest) <= width:
            pieces.append(cut(rest, width, ellipsis))
            break
        head = _prefix(rest, width + 1)
        at = head.rfind(" ")
        head = rest[:at] if at > 0 else _prefix(rest, width)
        if not head:
            break
        pieces.append(head)
        rest = rest[len(head) :].lstrip()
    return pieces


def line_width(line: Iterable[Span]) -> int:
    """How many cells a line takes."""
    return sum(cell_width(text) for text, _ in line)


def clip(line: Iterable[Span], width: int, ellipsis: str = "…") -> Line:
    """`line` in at most `width` cells."""
    spans = tuple(span for span in line if span[0])
    if line_width(spans) <= width:
        return spans
    kept: list[Span] = []
    left = width
    for text, role in spans:
        taken = cell_width(text)
        if taken >= left:
            # What follows is lost, so the cut must show even where this text would just fit.
            kept.append((_shorten(text, left, ellipsis), role))
            break
        kept.append((text, role))
        left -= taken
    return tuple(span for span in kept if span[0])


def pad(line: Iterable[Span], width: int, ellipsis: str = "…") -> Line:
    """`line` in exactly `width` cells."""
    shown = clip(line, width, ellipsis)
    blank = width - line_width(shown)
    return (*shown, (" " * blank, "text")) if blank else shown


def spread(left: Iterable[Span], right: Iterable[Span], width: int, ellipsis: str = "…") -> Line:
    """A line with `right` at its right end. The left part is cut first, then the right one."""
    right = clip(right, width, ellipsis)
    room = width - line_width(right)
    if room < 2:
        return right
    return (*pad(left, room - 1, ellipsis), (" ", "text"), *right)


def percent(value: float) -> str:
    """`40 %`, `12.5 %`: at most two decimals, none that say nothing."""
    return f"{plain(value, 2)} %"


def plain(value: float, decimals: int = 1) -> str:
    """A number without an exponent or idle zeros, thousands apart: `1,204`, `0.1`, `99.95`."""
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_LONG = 7200
"""Seconds from which a span is told in hours or days."""


def quantity(value: float, unit: str) -> str:
    """A measured value with its unit, in about four digits: `184 ms`, `1.2 GB`, `23 days`, `0.08 %`, `3.5 h`."""
    if unit in ("B", "B/s"):
        size, step = value, 0
        while abs(size) >= 1000 and step < len(_BYTES) - 1:
            size, step = size / 1000, step + 1
        return f"{plain(size, 0 if step == 0 or abs(size) >= 100 else 1)} {_BYTES[step]}{unit[1:]}"
    if unit == "s" and abs(value) >= _LONG:
        value, unit = (value / 86400, "days") if abs(value) >= 2 * 86400 else (value / 3600, "h")
        return f"{plain(value, 1)} {unit}"
    magnitude = abs(value)
    decimals = 0 if magnitude >= 1000 else 1 if magnitude >= 100 else 2
    number = plain(value, decimals)
    if unit in _SYMBOLS:
        return f"-{_SYMBOLS[unit]}{number[1:]}" if number.startswith("-") else f"{_SYMBOLS[unit]}{number}"
    return f"{number} {unit}".rstrip()


def money(amount: Decimal, currency: str) -> str:
    """An amount in whole units where it is whole, else to the cent: `$1,827`, `-$12.50`, `1,827 CHF`."""
    whole = amount == amount.to_integral_value()
    number = f"{abs(amount):,.0f}" if whole else f"{abs(amount).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency.upper())
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}".rstrip()


def money_short(amount: Decimal, currency: str) -> str:
    """An amount for a narrow place, rounded towards less: `$4.2k`."""
    if abs(amount) < 1000:
        return money(Decimal(int(amount)), currency)
    thousands = amount / 1000
    million = abs(thousands) >= 1000
    tenths = int((thousands / 1000 if million else thousands) * 10)
    number = plain(abs(tenths) / 10, 1) + ("M" if million else "k")
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency.upper())
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}".rstrip()


def money_fit(amount: Decimal, currency: str, width: int) -> str:
    """An amount in at most `width` cells, by its cents, its last digits, then its currency's name given up. Digits are
    never cut off: where even the shortest form is too wide, it is that."""
    return next(form for form in _money_forms(amount, currency, width) if form)


def _money_forms(amount: Decimal, currency: str, width: int) -> Iterator[str]:
    for form in (money(amount, currency), money(Decimal(int(amount)), currency), money_short(amount, currency)):
        yield form if cell_width(form) <= width else ""
    yield money_short(amount, "")


def exposure_percent(exposure: Exposure | None) -> str:
    """The one number of an exposure; `unknown` where nobody knows it."""
    return percent(headline_percent(exposure)) if exposure is not None else "unknown"


def regions_of(exposure: Exposure, titles: Sequence[tuple[str, str]]) -> str:
    """The regions that are let in, by id, with their percent where they differ; `all regions` for every one alike."""
    known = [region for region, _ in titles]
    inside = {region: share for region, share in exposure.percent.items() if share > 0}
    if not inside:
        return "nowhere"
    ordered = [region for region in known if region in inside] + sorted(set(inside) - set(known))
    alike = len(set(inside.values())) == 1
    if alike and len(known) > 1 and set(known) == set(inside):
        return "all regions"
    return " ".join(region if alike else f"{region}:{plain(inside[region], 2)}" for region in ordered)


def bar(fractions: Sequence[tuple[float, str, str]], width: int, track: str, role: str = "track") -> Line:
    """A horizontal bar of exactly `width` cells: parts of (share of the whole, sign, role), then the track.

    A part above 0 takes at least one cell, so that little is never drawn as nothing; what passes the whole is cut.
    """
    spans: list[Span] = []
    used, total = 0, 0.0
    for share, sign, part_role in fractions:
        if share <= 0:
            continue
        total += share
        end = min(width, max(used + 1, int(total * width + 0.5)))
        if end > used:
            spans.append((sign * (end - used), part_role))
            used = end
    if used < width:
        spans.append((track * (width - used), role))
    return tuple(spans)


def spark(values: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """The last `width` values as a row of levels, on the right of `width` cells; equal ones sit at the lowest."""
    shown = values[-width:] if width > 0 else ()
    if not shown:
        return " " * max(0, width)
    low, high = min(shown), max(shown)
    top = len(glyphs.spark) - 1
    scale = top / (high - low) if high > low else 0.0
    return "".join(glyphs.spark[round((value - low) * scale)] for value in shown).rjust(width)


def count(number: int, one: str, many: str = "") -> str:
    """`1 bug`, `3 bugs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

"""Texts that try to do something to a terminal, a reader or a spreadsheet, and what may never come out of us."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from repz_console.tui.paint.format import cell_width

CONTROL = (
    "INC-2\x1b7\x1b[14;1HROLLOUT 50%  ERROR RATE 0.0% SLO OK \x1b8\x1b]2;PWNED\x07",
    "INC-2\x1b[>q",
    "x\x1b]52;c;cm0gLXJmIC8K\x07",
    "\x1b[2J\x1b[H",
    "\x1b[31mred\x1b[0m",
    "\x1b[?1049l",
    "\x1b[6n",
    "\x1b[c",
    "\x1b[21t",
    "\x1b[8;1;1t",
    "\x1b]0;title\x07",
    "\x1b]8;;https://example.com\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]11;?\x07",
    "\x1bP$q q\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gi=1;AAAA\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bXsos\x1b\\",
    "\x1bc",
    "\x1b#8",
    "\x1b",
    "\x1b\x1b[A",
    "\x9b2J",
    "\x9d0;title\x9c",
    "\x90$q q\x9c",
    "\x9f\x98\x9e",
    "\x84\x85\x8d",
    "".join(map(chr, range(32))),
    "".join(map(chr, range(0x80, 0xA0))),
    "del\x7fdel",
    "back\x08\x08\x08\x08over",
    "ring\x07",
    "shift\x0e\x0fout",
    "one\ntwo\r\nthree\rfour",
    "tab\tvertical\x0bform\x0c",
    "nul\x00nul",
)
"""Bytes that a terminal obeys."""
UNSEEN = (
    "\u202egnp.exe\u202c",
    "\u2066isolated\u2069 \u2067more",
    "a\u200bb\u200cc\u200dd\u2060e\ufeff",
    "\u200e\u200f\u061c",
    "soft\u00adhyphen",
    "".join(chr(0xE0000 + ord(char)) for char in "tagged"),
    "e" + "\u0301" * 200,
    "Z\u0336\u0489\u0363\u0334\u0321\u035c\u0361",
    "\u0301\u0302starts",
    "flood" + "\ufe0f" * 300,
    "sel" + "".join(chr(0xE0100 + index) for index in range(200)),
    "\u115f\u1160\u3164\uffa0",
    "\u1100" + "\u1161" * 50,
    "\u034f\u17b4\u17b5\u180e",
    "\u2028line\u2029paragraph",
    "\ufff9base\ufffaruby\ufffb",
    "\u00a0\u2003\u3000blank",
    "\ue000\uf8ff\U000f0000private",
    "\ufdd0\uffff\U0010ffffnone",
)
"""What takes no room, more than its room, or turns the writing round."""
WIDE = (
    "漢字" * 40,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
    "\U0001f44d\U0001f3fd" * 20,
    "\U0001f1e9\U0001f1ea\U0001f1e9",
    "\ufdfd\u2e3b\U0001242b",
    "\u2630\u4dc0\U0001d360",
    "ｆｕｌｌ",
    "×÷±§¶…─│",
    "שלום 100 % עולם",
    "مرحبا 40 %",
    "Ā" * 5000,
)
"""What one table counts as one column and another as two, or what is read from the right."""
WORDS = (
    "[red]alarm[/red]",
    "[@click=app.approve]press[/]",
    "[@click=app.quit()]press",
    "[link=https://example.com]here[/link]",
    "[/]",
    "[b + x",
    "foo\\",
    "[$primary]x[/]",
    "{0.__class__} {view} %s %n $HOME `id`",
    '=HYPERLINK("http://example.com")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "| a | b |\n|---|---|",
    "\ud800 lone \udfff",
    "раypal.com",
    "│ conn FREE │ P0:0 ● LIVE",
    "'; DROP TABLE entry; --",
)
"""What means something to markup, templates, spreadsheets, browsers or a hasty eye."""
PAYLOADS = (*CONTROL, *UNSEEN, *WIDE, *WORDS)

_SEQUENCE = re.compile(r"\x1b\[[0-9;]*[Hm]|\x1b\[2J|\x1b\[[0-9]+G")
"""All that a frame is made of: where to go, in which colours, clear."""
_FUZZ = "".join(PAYLOADS) + "abc 019[]@=/\\"


def harm(text: str, *, lines: bool = False, stacks: bool = True) -> str:
    """What in a text could act on a terminal or move what stands beside it; empty if nothing. With `lines` it may have
    line breaks; without `stacks` it is data, in which marks may pile up."""
    marks = 0
    for index, char in enumerate(text):
        category = unicodedata.category(char)
        if char == "\n" and lines:
            marks = 0
            continue
        acting = category[0] in "CZ" if stacks else category in ("Cc", "Cf", "Cs", "Zl", "Zp")
        if acting and char != " ":
            return f"{char!a} at {index} of {text[:120]!a}"
        if 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF:
            return f"a variation selector at {index} of {text[:120]!a}"
        marks = marks + 1 if category[0] == "M" or 0x1161 <= ord(char) <= 0x11FF else 0
        if stacks and (marks > 2 or (marks and (index == 0 or text[index - 1] == "\n"))):
            return f"a mark out of place at {index} of {text[:120]!a}"
    return ""


def harm_in_frame(written: str) -> str:
    """The same for what is written to a terminal, with the sequences that a frame is made of."""
    return harm(_SEQUENCE.sub("", written))


def fuzzed(chance: random.Random) -> str:
    """A text out of pieces of the payloads and whatever code points there are."""
    return "".join(
        chance.choice(_FUZZ) if chance.random() < 0.7 else chr(chance.randrange(0x110000))
        for _ in range(chance.randrange(1, 40))
    )


def poisoned(value: Any, texts: Iterator[str], keep: frozenset[str]) -> Any:
    """A view in which every text is the next of `texts`, but those of fields in `keep`, which are words of our own."""
    if isinstance(value, Struct):
        changes = {
            field.name: poisoned(getattr(value, field.name), texts, keep)
            for field in msgspec.structs.fields(value)
            if field.name not in keep
        }
        return msgspec.structs.replace(value, **changes)
    if type(value) is str:
        return next(texts) if value else value
    if isinstance(value, tuple):
        return tuple(poisoned(one, texts, keep) for one in value)
    if isinstance(value, dict):
        return {key: poisoned(one, texts, keep) for key, one in value.items()}
    return value


def same_width(text: str, width: int) -> bool:
    """Whether a painted row takes exactly that many columns, as everybody counts them."""
    return cell_width(text) == width

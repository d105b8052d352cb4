"""What terminals send by themselves: answers to every kind of query, and reports nobody asked for."""

from __future__ import annotations

from codecs import getincrementaldecoder

_SEVEN_BIT = [
    "\x1b[?1;2c",  # device attributes, primary
    "\x1b[?62;4;6;22c",
    "\x1b[>41;354;0c",  # secondary
    "\x1b[=1;1c",
    "\x1bP!|00000000\x1b\\",  # tertiary
    "\x1b]4;1;rgb:cccc/aaaa/bbbb\x07",
    "\x1b]10;rgb:cccc/aaaa/bbbb\x1b\\",
    "\x1b]11;rgb:cccc/aaaa/bbbb\x07",
    "\x1b]12;rgb:cccc/aaaa/bbbb\x1b\\",
    "\x1b]52;c;ISFrIWtzIWg=\x07",
    "\x1b]lc!k\x1b\\",  # the window's title
    "\x1b]Lc!k\x1b\\",  # the icon's
    "\x1bP>|tmux 3.3a\x1b\\",
    "\x1bP>|XTerm(388)\x1b\\",
    "\x1bP1$r0;38;5;1m\x1b\\",
    "\x1bP0$r\x1b\\",
    "\x1bP1+r544e=787465726d\x1b\\",
    "\x1bP1!~C0DE\x1b\\",  # the checksum of an area
    "\x1b[0n",
    "\x1b[?997;1n",
    "\x1b[12;40R",
    "\x1b[1;2R",
    "\x1b[?12;40;1R",
    "\x1b[8;24;80t",
    "\x1b[4;600;800t",
    "\x1b[3;0;0t",
    "\x1b[1t",
    "\x1b[48;24;80;600;800t",
    "\x1b[?25u",
    "\x1b[?2004;1$y",
    "\x1b[12;2$y",
    "\x1b[2;1;1;112;112;1;0x",
    "\x1b[?1;0;256S",
    "\x1b[I",
    "\x1b[O",
    "\x1b_Gi=31;OK\x1b\\",
    "\x1b^c!k\x1b\\",
    "\x1bXc!k\x1b\\",
    "\x1b[M !!",  # mouse: X10, UTF-8, SGR, urxvt, DEC
    "\x1b[M#\xe1\xe2",
    "\x1b[<0;10;5M",
    "\x1b[<0;10;5m",
    "\x1b[<65;10;5M",
    "\x1b[32;10;5M",
    "\x1b[1;1;5;10;0&w",
    "\x1b[99~",  # no key, though Textual would type a c
    "\x1b[99u",
    "\x1b[99;1u",
    "\x1b[99;;99u",
    "\x1b[27;5;99~",
]
_ONE_BYTE = {"\x1bP": "\x90", "\x1bX": "\x98", "\x1b[": "\x9b", "\x1b\\": "\x9c", "\x1b]": "\x9d", "\x1b^": "\x9e"}


def _eight_bit(reply: str) -> str:
    for two, one in {**_ONE_BYTE, "\x1b_": "\x9f"}.items():
        reply = reply.replace(two, one)
    return reply


_C1 = [_eight_bit(reply) for reply in _SEVEN_BIT]
REPLIES = [*_SEVEN_BIT, *_C1, *(reply.encode("latin-1").decode("utf-8", "surrogateescape") for reply in _C1)]
"""In seven bits, in eight, and in eight of a terminal that does not speak UTF-8; as the decoder gives them."""

KEYS = ["a", "!", "k", "\r", "\t", "\x1b[A", "\x1b[5~", "\x1b[1;5C", "\x1b[Z", "\x1bOP", "é", "漢", "\x03", "\x7f", "c"]
"""Keys that a person presses, as a terminal sends them."""


def decoded(data: bytes) -> str:
    """Bytes as the console decodes them."""
    return getincrementaldecoder("utf-8")("surrogateescape").decode(data)

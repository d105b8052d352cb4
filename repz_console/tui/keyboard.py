"""What a terminal sends, before it becomes keys: answers to questions nobody asked are taken out.

A terminal answers queries over the same line that the keyboard uses, and a hostile text can make it do so. Whole
answers are dropped here, also when they arrive in pieces; what remains is what a person typed or pasted.
"""

from __future__ import annotations

import re

MAX_PASTE = 64 * 1024
"""Characters of one paste that are taken."""
PASTE_TIMEOUT = 2.0
"""Seconds without a byte after which a paste that never ended is over."""

_MAX_REPLY = 4096
_PASTE_START = "\x1b[200~"
_PASTE_END = "\x1b[201~"
_STRING_REPLY = re.compile(r"\x1b[P\]^_X][^\x07\x1b]*(?:\x07|\x1b\\)")
_CSI_REPLY = re.compile(r"\x1b\[[?>=][0-9;:]*\$?[a-zA-Z]")
_MODE_REPORT = re.compile(r"\x1b\[\?2026;\d\$y\Z")
_UNFINISHED = re.compile(r"(?:\x1b[P\]^_X][^\x07\x1b]*\x1b?|\x1b\[[?>=][0-9;:]*\$?|\x1b\[?)\Z")


class InputFilter:
    """Feeds on what was read from the terminal, gives what may be parsed as keys."""

    def __init__(self) -> None:
        self._held = ""
        self._pasting = False
        self._pasted = 0
        self._last = 0.0

    def feed(self, text: str, now: float) -> str:
        """What of `text`, read at `now` (seconds of any steady clock), is typing."""
        ended = self._end_lost_paste(now)
        self._last = now
        text = self._held + text
        self._held = ""
        if self._pasting or _PASTE_START in text:
            return ended + self._paste(text)
        return ended + self._typed(text)

    def flush(self, now: float) -> str:
        """What has become typing because nothing more came: the held rest of an answer that was none."""
        ended = self._end_lost_paste(now)
        # A lone introducer is what a person types as escape or alt and a letter; longer rests are broken answers.
        held, self._held = self._held, ""
        return ended + (held if len(held) <= 2 else "")

    @property
    def waiting(self) -> bool:
        """Whether `flush` may have something to give later."""
        return bool(self._held) or self._pasting

    def _typed(self, text: str) -> str:
        if "\x1b" not in text:
            return text
        text = _STRING_REPLY.sub("", text)
        text = _CSI_REPLY.sub(lambda match: match.group() if _MODE_REPORT.match(match.group()) else "", text)
        unfinished = _UNFINISHED.search(text)
        if unfinished:
            self._held = unfinished.group()
            if len(self._held) > _MAX_REPLY:
                self._held = ""
            return text[: unfinished.start()]
        return text

    def _paste(self, text: str) -> str:
        before = ""
        if not self._pasting:
            before, _, text = text.partition(_PASTE_START)
            before = self._typed(before) + _PASTE_START
            self._pasting = True
            self._pasted = 0
        inside, end, after = text.partition(_PASTE_END)
        if not end:
            # The end mark itself may arrive in two pieces.
            cut = next(
                (size for size in range(min(len(_PASTE_END), len(text)), 0, -1) if _PASTE_END.startswith(text[-size:])),
                0,
            )
            if cut:
                inside, self._held = text[:-cut], text[-cut:]
        kept = inside[: max(0, MAX_PASTE - self._pasted)].replace("\x1b", "\u241b")
        self._pasted += len(kept)
        if not end:
            return before + kept
        self._pasting = False
        rest = self._paste(after) if _PASTE_START in after else self._typed(after)
        return before + kept + _PASTE_END + rest

    def _end_lost_paste(self, now: float) -> str:
        if not self._pasting or now - self._last < PASTE_TIMEOUT:
            return ""
        self._pasting = False
        self._held = ""
        return _PASTE_END

"""Hostile texts end to end: a poisoned launch in a real terminal, tab by tab, down to the bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repz_console import events
from repz_console.facts import Actor
from repz_console.store.journal import Journal
from tests.support import consoles as steps
from tests.support import hostile

if TYPE_CHECKING:
    from tests.support.consoles import Consoles

FRAME = re.compile(
    r"\x1b\]22;default\x07|\x1b\[[0-9;]*[HGm]|\x1b\[2J|\x1b\[\?[0-9;]+[hl]|\x1b\[\?2026\$p|\x1b\[[<>=]?[0-9;]*u|\x1b\[8[hl]|\x1b7|\x1b8"
)
"""Every sequence that the console writes: cells, colours, modes, the mouse pointer's shape. None carries a text."""


def test_a_poisoned_launch_writes_nothing_but_its_own_sequences(consoles: Consoles) -> None:
    consoles.store.mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(consoles.store)
    for text in hostile.PAYLOADS:
        text = text.encode("utf-8", "replace").decode()
        eve = Actor(text, 1, text, text, text, text)
        journal.append(events.BugFiled("bugs", text, text, "P0", text, text), eve)
        journal.append(events.NoteAdded(text), eve)
    journal.close()
    with consoles.open(columns=120, rows=40) as terminal:
        steps.painted(terminal)
        for number in range(1, 8):
            terminal.send(str(number))
            terminal.quiet()
            terminal.send("G")
            terminal.quiet()
        terminal.send("?")
        terminal.quiet()
        written = FRAME.sub("", terminal.raw.decode())
        assert hostile.harm(written, lines=True) == ""
        assert "INC-2" in terminal.text() or "INC-2" in written
        first = terminal.screen.display[0]
        assert "PRODUCTION" in first
        assert "SLO OK" not in first
        assert "PWNED" not in terminal.screen.title
    assert consoles.events(events.ChangeIntended) == []

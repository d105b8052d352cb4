"""The few terminal modes that are needed before Textual is there and after it is gone."""

from __future__ import annotations

LEAVE = "\x1b[?2026l\x1b[0m\x1b[?1000l\x1b[?1006l\x1b[?2004l\x1b[?7h\x1b[?1049l\x1b[?25h"
"""Undoes everything that this program may have switched on."""

ALTERNATE_SCREEN = "\x1b[?1049h\x1b[H\x1b[2J"
"""Switches to a screen of the program's own, so that the shell's comes back unharmed."""

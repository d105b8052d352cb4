"""The few terminal modes that are needed before Textual is there and after it is gone."""

from __future__ import annotations

LEAVE = "\x1b[?2026l\x1b[0m\x1b[?1000l\x1b[?1006l\x1b[?2004l\x1b[?7h\x1b[?1049l\x1b[?25h"
"""Undoes everything that this program may have switched on."""

ALTERNATE_SCREEN = "\x1b[?1049h\x1b[H\x1b[2J"
"""Switches to a screen of the program's own, so that the shell's comes back unharmed."""

_REPORTS = (9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 2004, 2026, 2048)
"""Every way to report the mouse, focus, pastes and sizes, and frames that are held back."""

EVERYTHING_OFF = (
    # Ends a string or a sequence that was cut off in the middle, and goes back to the plain character set.
    "\x18\x1b\\\x1b(B\x0f"
    + "".join(f"\x1b[?{mode}l" for mode in _REPORTS)
    # Keys as sequences of their own: kitty's, pushed any number of times, and xterm's.
    + "\x1b[<99u\x1b[=0u\x1b[>4;0m"
    # The shell's screen; its keypad and arrows, origin, insert mode and scrolling region.
    + "\x1b[?1049l\x1b>\x1b[?1l\x1b[?6l\x1b[4l\x1b7\x1b[r\x1b8"
    + "\x1b[?5l\x1b[?7h\x1b[?25h\x1b[0 q\x1b[0m\r\x1b[K"
)
"""Every mode that a full-screen program may have left on, off."""

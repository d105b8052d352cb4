"""The room as a few lines of text, for people at a plain prompt."""

from __future__ import annotations

from collections.abc import Iterator

from repz_console.commands.common import printed_glyphs
from repz_console.room import words
from repz_console.room.views import RoomView
from repz_console.tui.paint.areas import standings
from repz_console.tui.paint.base import text_of
from repz_console.tui.paint.format import cut
from repz_console.tui.paint.status import banner, status_line
from repz_console.tui.paint.times import moment, zone_of
from repz_console.tui.paint.words import sign

_WIDTH = 120
"""Columns of a line; what has no room in the status line is told below it."""


def report(view: RoomView) -> Iterator[str]:
    """The room in a few lines: the status line of every tab, then how each area stands."""
    glyphs = printed_glyphs()
    yield f"{view.launch.title} - as of {words.instant(view.clock.now)}"
    for warned in banner(view, _WIDTH, glyphs):
        yield text_of(warned).rstrip()[1:]
    yield text_of(status_line(view, _WIDTH, glyphs)).rstrip()
    yield ""
    for standing in standings(view, glyphs):
        aside = f"  ({standing.aside})" if standing.aside else ""
        told = cut(f"{standing.text}{aside}", _WIDTH - 12, glyphs.ellipsis)
        yield f"{sign(standing.role, glyphs)} {standing.label:<9} {told}"
    yield ""
    for happening in view.clock.current:
        yield f"now   {happening.title}"
    zone = zone_of(view.clock.zone)
    for happening in view.clock.upcoming[:3]:
        yield f"next  {moment(happening.at, view.clock.now, zone)}  {happening.title}"
    if view.rollout.blocker:
        yield f"block {view.rollout.blocker}"
    if view.rollout.kill:
        yield view.rollout.kill
    yield f"conn  {view.control.holder or view.control.state}"

"""The freshness chip that every pane carries."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from repz_console.facts import Freshness
from repz_console.tui.paint.base import BLOCKS, text_of
from repz_console.tui.paint.times import interval
from repz_console.tui.paint.words import chip
from tests.support.painting import ROOM, ago


def said(freshness: Freshness, *sources: str) -> str:
    """The chip of a pane that shows these sources."""
    return text_of(chip(freshness, sources, ROOM, BLOCKS))


def test_live_is_told_by_the_longest_interval_and_not_by_a_time_that_stands_still() -> None:
    assert said(Freshness.LIVE, "flags", "host") == "● LIVE every 2 s"
    assert said(Freshness.LIVE, "flags", "host", "probe", "local") == "● LIVE every 10 s"


def test_a_pane_that_follows_the_journal_is_just_live() -> None:
    assert said(Freshness.LIVE, "local", "plan") == "● LIVE"
    assert said(Freshness.LIVE) == "● LIVE"


def test_a_later_answer_of_a_live_source_changes_nothing() -> None:
    before = chip(Freshness.LIVE, ("flags",), ROOM, BLOCKS)
    later = tuple(replace(source, last_ok_at=ROOM.clock.now) for source in ROOM.sources.sources)
    assert (
        chip(Freshness.LIVE, ("flags",), replace(ROOM, sources=replace(ROOM.sources, sources=later)), BLOCKS) == before
    )


@pytest.mark.parametrize("freshness", [Freshness.LATE, Freshness.STALE, Freshness.DOWN])
def test_what_is_not_live_says_since_when(freshness: Freshness) -> None:
    at = ago(minutes=2)
    old = tuple(replace(source, last_ok_at=at, freshness=freshness) for source in ROOM.sources.sources)
    view = replace(ROOM, sources=replace(ROOM.sources, sources=old))
    assert f"{freshness.value} as of 09:01:20" in text_of(chip(freshness, ("flags",), view, BLOCKS))


def test_what_never_answered_and_what_is_not_there() -> None:
    none = tuple(replace(source, last_ok_at=None, freshness=Freshness.DOWN) for source in ROOM.sources.sources)
    view = replace(ROOM, sources=replace(ROOM.sources, sources=none))
    assert text_of(chip(Freshness.DOWN, ("flags",), view, BLOCKS)) == "✖ DOWN, no answer yet"
    assert said(Freshness.OFF) == "○ OFF: no source"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "0.5 s"), (5.0, "5 s"), (90.0, "90 s"), (300.0, "5 min"), (3600.0, "1 h")]
)
def test_intervals(seconds: float, text: str) -> None:
    assert interval(seconds) == text

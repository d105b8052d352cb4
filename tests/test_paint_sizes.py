"""Every pane of every room at every size: nothing is wider than the screen, and what can be selected is marked so."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.actions import ACTIONS, TABS
from repz_console.facts import Exposure
from repz_console.room.views import RoomView
from repz_console.tui.paint import status
from repz_console.tui.paint.base import ASCII, BLOCKS, Brush, Choices, Glyphs, Line, Sheet, Size, text_of
from repz_console.tui.paint.format import line_width
from tests.support import painting, rooms

PANES = tuple(tab for tab, _ in TABS)
NAMES = (*(f"hand:{name}" for name in painting.ROOMS), *rooms.ALL)
ROLES = {"text", "muted", "strong", "title", "ok", "warn", "bad", "info", "accent", "bar", "track", "mark", "now"}
sizes = st.builds(Size, st.integers(60, 200), st.integers(12, 60))
small_sizes = st.builds(Size, st.integers(1, 59), st.integers(1, 14))


@cache
def room(name: str) -> RoomView:
    """A room by name, made once."""
    if name.startswith("hand:"):
        return painting.ROOMS[name.removeprefix("hand:")]
    return rooms.crowded(300) if name == "crowded" else rooms.ALL[name]()


def paint(pane: str, view: RoomView, brush: Brush) -> Sheet:
    """The pane's sheet."""
    painter: Callable[[RoomView, Brush], Sheet] = importlib.import_module(f"repz_console.tui.paint.{pane}").paint
    return painter(view, brush)


def check_line(line: Line, width: int) -> None:
    """A line is not too wide and has only roles that a theme knows."""
    assert line_width(line) <= width, text_of(line)
    for text, role in line:
        assert role.removesuffix(".reverse") in ROLES
        assert "\n" not in text


def check(sheet: Sheet, size: Size) -> None:
    """A sheet keeps its promises to the widget."""
    assert len(sheet.lines) == len(sheet.keys)
    assert sheet.header <= len(sheet.lines)
    assert 0 <= sheet.side_width < size.width
    for index, (line, key) in enumerate(zip(sheet.lines, sheet.keys, strict=True)):
        check_line(line, size.width if index < sheet.header else size.width - sheet.side_width)
        if key:
            assert ":" in key
            assert text_of(line)[:1] in ("", " "), f"no room for the cursor: {text_of(line)}"
    selectable = [key for key in sheet.keys if key]
    assert len(selectable) == len(set(selectable))
    for line in sheet.side:
        check_line(line, sheet.side_width)


@pytest.mark.parametrize("pane", PANES)
@given(data=st.data())
def test_no_line_is_wider_than_the_pane(pane: str, data: st.DataObject) -> None:
    view, size = room(data.draw(st.sampled_from(NAMES))), data.draw(sizes)
    first = [key for key in paint(pane, view, Brush(size)).keys if key]
    keys = st.sampled_from(["", "bug:gone", *first[:40], *(key for key in first if key.startswith("section:"))])
    choices = Choices(
        cursor=data.draw(keys),
        open=data.draw(keys),
        filter=data.draw(st.sampled_from(["", "a", "pro", "no such words"])),
        sort=data.draw(st.sampled_from(["", "priority", "age", "assignee"])),
        folded=frozenset(data.draw(st.lists(keys, max_size=3))),
        zoom=data.draw(st.sampled_from(["hour", "day", "week"])),
        scroll=data.draw(st.integers(0, 4000)),
        rollout=data.draw(st.sampled_from(["", "beta", "production", "gone"])),
        draft=data.draw(st.none() | st.builds(share, st.floats(0, 100))),
        draft_stage="wednesday",
    )
    check(paint(pane, view, Brush(size, choices, data.draw(st.sampled_from([BLOCKS, ASCII])))), size)


def share(percent: float) -> Exposure:
    """Some percent of one region."""
    return Exposure({"us": round(percent, 2)}, ("core",))


@given(st.sampled_from(NAMES), st.integers(20, 260), st.sampled_from([BLOCKS, ASCII]), st.sampled_from(PANES))
def test_the_frame_fills_exactly_its_width(name: str, width: int, glyphs: Glyphs, tab: str) -> None:
    view = room(name)
    here = [action for action in ACTIONS if not action.tabs or tab in action.tabs]
    tabs = status.tab_line(tab, width, view.rollout.blocker, glyphs)
    for line in (status.status_line(view, width, glyphs), tabs, status.key_line(here, width)):
        check_line(line, width)
        assert line_width(line) == width
    for above in status.banner(view, width, glyphs):
        check_line(above, width)


@given(st.sampled_from(NAMES), small_sizes)
def test_a_small_screen_is_never_overdrawn(name: str, size: Size) -> None:
    lines = status.small(room(name), size)
    assert len(lines) <= size.height
    for line in lines:
        check_line(line, size.width)


@pytest.mark.parametrize("pane", PANES)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "crowded"])
def test_the_plain_tier_draws_only_ascii_besides_what_people_wrote(pane: str, name: str) -> None:
    for size in (Size(80, 21), Size(130, 40)):
        sheet = paint(pane, room(name), Brush(size, Choices(draft=share(60)), ASCII))
        text = "".join(text_of(line) for line in (*sheet.lines, *sheet.side)).replace("日本語", "")
        assert text.isascii(), {char for char in text if not char.isascii()}
        assert text.isprintable()


@pytest.mark.parametrize("pane", PANES)
@pytest.mark.parametrize("name", NAMES)
def test_the_first_line_says_how_fresh_the_pane_is(pane: str, name: str) -> None:
    first = text_of(paint(pane, room(name), Brush(Size(80, 21))).lines[0])
    assert any(word in first for word in ("LIVE", "LATE", "STALE", "DOWN", "OFF"))
    assert any(word in first for word in ("● LIVE", "as of", "no answer yet", "OFF: no source"))

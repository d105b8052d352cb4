"""The Bugs tab as it is seen, and what ten thousand bugs cost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from repz_console.facts import PRIORITIES, Freshness
from repz_console.room.views import RoomView
from repz_console.tui.paint import bugs
from repz_console.tui.paint.base import Brush, Choices, Size, text_of
from tests.support.painting import BUGS, EMPTY, PANE, ROOM, bug, picture

AT_80 = """\
 Bugs  4 open of 5  by priority                                           ● LIVE
 P0 Blocker     P1 Critical    P2 Major       P3 Minor       P4 Trivial
 ✖ 1 open       ▲ 2 open       1 open         0 open         0 open
 oldest 2h      oldest 1d      oldest 3d
 ✖ blocks now   ✖ blocks now   from Launch    blocks nothing blocks nothing
 Pri  Bug          Title                                     Assignee        Age
 ✖ P0 local:12     Checkout charges twice when the card is…  ana              2h
 ▲ P1 local:9      Coach sees another client's plan          bo               1d
 ▲ P1 local:14     Password mail is late                     nobody           5h
 · P2 local:7      Avatar of a 日本語 name is cut            cy               3d
 ✔ P3 local:3      Typo on the pricing page                  -           done 8d"""

OPENED = """\
 Bugs  4 open of 5  by assignee                                           ● LIVE
 P0 Blocker     P1 Critical    P2 Major       P3 Minor       P4 Trivial
 ✖ 1 open       ▲ 2 open       1 open         0 open         0 open
 oldest 2h      oldest 1d      oldest 3d
 ✖ blocks now   ✖ blocks now   from Launch    blocks nothing blocks nothing
 Pri  Bug          Title                                     Assignee        Age
 ✖ P0 local:12     Checkout charges twice when the card is…  ana              2h
 ▲ P1 local:9      Coach sees another client's plan          bo               1d
   │ Coach sees another client's plan
   │ bug       local:9
   │ priority  P1 Critical: Fix critical
   │ state     open
   │ assignee  bo
   │ opened    2 Feb 03:03
 · P2 local:7      Avatar of a 日本語 name is cut            cy               3d
 ▲ P1 local:14     Password mail is late                     nobody           5h
 ✔ P3 local:3      Typo on the pricing page                  -           done 8d"""

BESIDE = """\
 Bugs  4 open of 5  by priority                                                                                   ● LIVE
 P0 Blocker             P1 Critical            P2 Major               P3 Minor               P4 Trivial
 ✖ 1 open               ▲ 2 open               1 open                 0 open                 0 open
 ✖ blocks now           ✖ blocks now           from Launch            blocks nothing         blocks nothing
 Pri  Bug          Title                                     Assignee        Age
 ✖ P0 local:12     Checkout charges twice when the card is…  ana              2h │ Checkout charges twice when the card
 ▲ P1 local:9      Coach sees another client's plan          bo               1d │ is retried
 ▲ P1 local:14     Password mail is late                     nobody           5h │ bug       local:12
 · P2 local:7      Avatar of a 日本語 name is cut            cy               3d │ priority  P0 Blocker: Fix blocker
 ✔ P3 local:3      Typo on the pricing page                  -           done 8d │ state     open
                                                                                 │ assignee  ana
                                                                                 │ opened    06:51
                                                                                 │
                                                                                 │
                                                                                 │
                                                                                 │"""


def test_at_80_columns() -> None:
    assert picture(bugs.paint(ROOM, Brush(PANE))) == AT_80


def test_a_bug_opens_below_its_row() -> None:
    assert picture(bugs.paint(ROOM, Brush(PANE, Choices(sort="assignee", open="bug:local:9")))) == OPENED


def test_at_120_columns_the_selected_bug_stands_beside() -> None:
    size = Size(120, 16)
    assert picture(bugs.paint(ROOM, Brush(size, Choices(cursor="bug:local:12"))), size) == BESIDE


def order(sort: str, words: str = "", view: RoomView = ROOM) -> list[str]:
    """The bugs' numbers from top to bottom."""
    keys = bugs.paint(view, Brush(PANE, Choices(sort=sort, filter=words))).keys
    return [key.removeprefix("bug:local:") for key in keys if key]


def test_sorting_keeps_what_is_resolved_at_the_foot() -> None:
    assert order("") == order("priority") == ["12", "9", "14", "7", "3"]
    assert order("age") == ["7", "9", "14", "12", "3"]
    assert order("assignee") == ["12", "9", "7", "14", "3"]


def test_the_filter_wants_every_word_in_any_case() -> None:
    assert order("", "checkout TWICE") == ["12"]
    assert order("", "p1") == ["9", "14"]
    assert order("", "resolved") == ["3"]
    assert order("", "ana") == ["12"]
    assert order("", "nothing") == []


def crowd(number: int) -> RoomView:
    """A room with that many bugs."""
    many = tuple(bug(index, PRIORITIES[index % 5], f"Bug {index}", hours=index) for index in range(number))
    return replace(ROOM, bugs=replace(ROOM.bugs, bugs=many))


def test_moving_the_cursor_sorts_and_filters_nothing() -> None:
    view = crowd(10_000)
    first = bugs.arranged(view.bugs.bugs, "bug", "age")
    bugs.paint(view, Brush(PANE, Choices(cursor="bug:local:7", sort="age", filter="bug")))
    assert bugs.arranged(view.bugs.bugs, "bug", "age") is first
    assert bugs.arranged(view.bugs.bugs, "bug 1", "age") is not first


def test_rows_are_made_only_when_they_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    draw = bugs._row
    monkeypatch.setattr(bugs, "_row", lambda found, *rest: made.append(found.id) or draw(found, *rest))
    sheet = bugs.paint(crowd(10_000), Brush(PANE))
    assert len(sheet.lines) == 10_006
    assert made == []
    assert "Bug 9999" in text_of(sheet.lines[-1])
    assert made == ["local:9999"]


@pytest.mark.parametrize("opened", ["", "bug:local:0", "bug:local:57", "bug:local:99", "bug:local:500"])
def test_a_key_is_found_where_it_stands(opened: str) -> None:
    sheet = bugs.paint(crowd(100), Brush(PANE, Choices(open=opened)))
    keys: Sequence[str] = sheet.keys
    for index, key in enumerate(keys):
        if key:
            assert keys.index(key) == index
    with pytest.raises(ValueError, match="gone"):
        keys.index("bug:gone")


def test_a_lazy_pane_behaves_like_a_list() -> None:
    sheet = bugs.paint(ROOM, Brush(PANE, Choices(open="bug:local:9")))
    lines = [sheet.lines[index] for index in range(len(sheet.lines))]
    assert list(sheet.lines) == lines == list(sheet.lines[:])
    assert sheet.lines[-1] == lines[-1]
    with pytest.raises(IndexError):
        sheet.lines[len(lines)]


def test_the_same_room_gives_equal_lines() -> None:
    brush = Brush(PANE)
    assert list(bugs.paint(ROOM, brush).lines) == list(bugs.paint(ROOM, brush).lines)


def test_an_urgent_bug_that_nobody_has_says_so() -> None:
    assert "nobody" in text_of(bugs.paint(ROOM, Brush(PANE)).lines[8])
    alone = replace(ROOM, bugs=replace(ROOM.bugs, bugs=(replace(BUGS[3], assignee=""),)))
    assert "nobody" not in text_of(bugs.paint(alone, Brush(PANE)).lines[6])


def test_old_counts_are_doubted() -> None:
    text = picture(bugs.paint(replace(ROOM, bugs=replace(ROOM.bugs, freshness=Freshness.DOWN)), Brush(PANE)))
    assert "✖ 1? open" in text
    off = replace(ROOM, bugs=replace(ROOM.bugs, freshness=Freshness.OFF))
    assert "not known" in picture(bugs.paint(off, Brush(PANE)))
    assert " open" not in picture(bugs.paint(off, Brush(PANE))).splitlines()[2]


def test_no_source_is_not_no_bug() -> None:
    assert "OFF: no source reads bugs." in picture(bugs.paint(EMPTY, Brush(PANE)))
    none = replace(ROOM, bugs=replace(ROOM.bugs, bugs=()))
    assert "No bug is filed. n files one." in picture(bugs.paint(none, Brush(PANE)))

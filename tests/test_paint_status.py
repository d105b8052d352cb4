"""The lines that frame every pane."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from repz_console.actions import ACTIONS, BY_ID
from repz_console.facts import Freshness
from repz_console.room.views import RoomView
from repz_console.tui.paint import status
from repz_console.tui.paint.base import ASCII, Line, Size, text_of
from repz_console.tui.paint.format import line_width
from tests.support.painting import BUDGET, EMPTY, ROLLOUT, ROOM, T0, TROUBLE

WIDE = (
    "PRODUCTION on flagd │ T-1d 23:56:40 │ Tuesday 40 % → Wednesday │ health ✖ 1 missed, 3 blind │ P0:1 P1:2 open │ "
    "$4,210 left of $10,000 │ conn YOU (ana) │ ✖ DOWN: apm │ ● KILL ok"
)


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (60, "PRODUCTION/flagd T-1d23h 40% SLI ✖1 P0:1 P1:2 conn YOU DOWN"),
        (80, "PRODUCTION/flagd T-1d23h Tuesday 40 % SLI ✖1 P0:1 P1:2 $4,210 left conn YOU DOWN"),
        (
            100,
            "PRODUCTION/flagd  T-1d 23:56  Tuesday 40 %  SLI ✖1  P0:1 P1:2  $4.2k left  conn YOU  DOWN  ● KILL ok",
        ),
        (200, WIDE),
    ],
)
def test_the_status_line_shortens_by_what_matters(width: int, text: str) -> None:
    assert text_of(status.status_line(ROOM, width)).rstrip() == text


def at_80(view: RoomView) -> str:
    """The status line at the design width."""
    return text_of(status.status_line(view, 80)).rstrip()


def test_a_hold_stands_before_the_clock_and_crowds_nothing_out() -> None:
    rollouts = tuple(replace(rollout, unknown=()) for rollout in TROUBLE.rollout.rollouts)
    held = replace(TROUBLE, rollout=replace(TROUBLE.rollout, rollouts=rollouts))
    assert at_80(held) == "PRODUCTION/flagd HOLD T+40d 00:00 ?% SLI ✖1 P0:1 P1:2 $4,210 left conn FREE DOWN"


def test_what_is_not_there_is_not_drawn_as_zero() -> None:
    assert at_80(EMPTY) == "PRODUCTION on flagd │ T-1d 23:56:40 │ SLI ▲none │ bugs OFF │ conn FREE │ ○ OFF"


def test_a_conn_of_which_nothing_is_known_is_not_called_free() -> None:
    unread = replace(ROOM, control=replace(ROOM.control, state="UNKNOWN", holder="", mine=False))
    assert "conn ? " in at_80(unread)
    assert "conn UNKNOWN" in text_of(status.status_line(unread, 200))


@pytest.mark.parametrize("freshness", [Freshness.STALE, Freshness.DOWN, Freshness.OFF])
def test_what_is_old_is_doubted(freshness: Freshness) -> None:
    rollout = replace(ROLLOUT, configured=replace(ROLLOUT.configured, freshness=freshness))
    view = replace(
        ROOM,
        rollout=replace(ROOM.rollout, rollouts=(rollout,)),
        bugs=replace(ROOM.bugs, freshness=freshness),
        budget=replace(BUDGET, freshness=freshness),
    )
    line = text_of(status.status_line(view, 200))
    assert "40 %?" in line
    assert ("budget" if freshness is Freshness.OFF else "$4,210? left") in line
    assert ("OFF: no source" if freshness is Freshness.OFF else "P0:1? P1:2?") in line


def test_someone_elses_conn_is_named() -> None:
    view = replace(ROOM, control=replace(ROOM.control, mine=False, holder="bartholomew@jump"))
    assert "conn barth…" in text_of(status.status_line(view, 80))
    assert "conn bartholomew@jump" in text_of(status.status_line(view, 220))


def test_the_clock_moves_between_two_views() -> None:
    line = text_of(status.status_line(ROOM, 80, now=T0 - timedelta(minutes=3)))
    assert "T-00:03:00" in line


def test_a_second_changes_only_the_clock() -> None:
    now = T0 - timedelta(hours=3)
    first, second = (status.status_line(ROOM, 120, now=now + timedelta(seconds=n)) for n in (0, 1))
    changed = [(one, other) for one, other in zip(first, second, strict=True) if one != other]
    assert changed == [(("T-03:00:00", "strong"), ("T-02:59:59", "strong"))]


def test_the_active_tab_is_marked_without_colour() -> None:
    line = text_of(status.tab_line("rollout", 80))
    assert line.rstrip() == " 1 Room  2 Timeline [3 Rollout] 4 Health  5 Bugs  6 Budget  7 Journal"
    narrow = text_of(status.tab_line("rollout", 60))
    assert narrow.rstrip() == " 1 Room  2 Time [3 Rollout] 4 Heal  5 Bugs  6 Budg  7 Jour"


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (60, " 1 Room  2 Time [3 Rollout] 4 Heal  5 Bugs  6 Budg  7 Jour"),
        (80, " 1 Room  2 Time [3 Rollout] 4 Heal  5 Bugs  6 Budg  7 Jour   ✖ 1 open P0 blocks…"),
        (
            120,
            f"{' 1 Room  2 Timeline [3 Rollout] 4 Health  5 Bugs  6 Budget  7 Journal':<91}"
            "✖ 1 open P0 blocks every step",
        ),
    ],
)
def test_what_blocks_the_next_step_stands_beside_the_tabs(width: int, text: str) -> None:
    assert text_of(status.tab_line("rollout", width, ROOM.rollout.blocker)).rstrip() == text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_an_unknown_change_is_on_every_tab_whatever_else_is(width: int) -> None:
    assert ROLLOUT.change is not None
    unknown = replace(ROLLOUT, unknown=(ROLLOUT.change,))
    view = replace(ROOM, rollout=replace(ROOM.rollout, rollouts=(ROLLOUT, unknown)))
    for each in (view, replace(view, clock=TROUBLE.clock)):
        spans = status.status_line(each, width)
        assert [role for text, role in spans if "✖ UNKNOWN" in text] == ["bad.reverse"]
    assert "X UNKNOWN" in text_of(status.status_line(view, width, ASCII))


def keys(tab: str, width: int = 80, disabled: tuple[str, ...] = ()) -> Line:
    """The key line of a tab."""
    here = [action for action in ACTIONS if not action.tabs or tab in action.tabs]
    return status.key_line(here, width, disabled)


def test_the_way_back_is_on_every_key_line_however_narrow() -> None:
    for width in range(12, 100):
        assert text_of(keys("bugs", width)).endswith("! WAY BACK")
        assert line_width(keys("bugs", width)) == width


def test_help_comes_first_then_what_only_this_tab_can_do() -> None:
    assert text_of(keys("timeline")).startswith(" ? Help  Enter Open  f Fold  + Zoom in  - Zoom out  n Now")
    assert ": Commands  q Quit" in text_of(keys("timeline", 160))


def test_what_cannot_be_done_stays_in_parentheses() -> None:
    assert "(u Resume)" in text_of(keys("rollout", 120, ("rollout.resume",)))


def test_a_key_of_ones_own_is_shown() -> None:
    line = status.key_line([BY_ID["bug.file"], BY_ID["way.back"]], 60, keymap={"bug.file": ("ctrl+n",)})
    assert text_of(line) == f"{' Ctrl+n New bug':<49} ! WAY BACK"


@pytest.mark.parametrize(
    ("key", "name"),
    [("question_mark", "?"), ("shift+tab", "Shift+Tab"), ("ctrl+p", "Ctrl+p"), ("G", "G"), ("pageup", "PgUp")],
)
def test_keys_are_named_as_they_are_printed(key: str, name: str) -> None:
    assert status.key_name(key) == name


def test_the_banner_tells_the_worst_first_and_nothing_when_all_is_well() -> None:
    def said(view: RoomView) -> str:
        return " ".join(text_of(line).strip() for line in status.banner(view, 100))

    assert said(ROOM) == ""
    differs = replace(ROOM, launch=replace(ROOM.launch, differs="2 stages were moved"))
    assert said(differs) == "▲ This console's plan differs: 2 stages were moved"
    past = replace(ROOM, clock=replace(ROOM.clock, past=True))
    assert said(past).startswith("▲ This plan is past")
    assert said(replace(past, journal=TROUBLE.journal)).startswith("✖ READ-ONLY: entry 12")


def test_the_smallest_screen_shows_exposure_and_the_way_back() -> None:
    lines = [text_of(line).rstrip() for line in status.small(TROUBLE, Size(20, 5))]
    assert lines == ["PRODUCTION flagd", "unknown of visitors", "HOLD ! WAY BACK", "✖ READ-ONLY", "✖ UNKNOWN 1 change"]
    lines = [text_of(line).rstrip() for line in status.small(ROOM, Size(20, 5))]
    assert lines[-1] == "20x5, needs 60x15"


def test_a_screen_with_some_room_shows_more() -> None:
    text = "\n".join(text_of(line).rstrip() for line in status.small(ROOM, Size(40, 14), ASCII))
    assert "40 % of beta users" in text
    assert "P0:1 P1:2" in text
    assert "40x14: widening and editing need 60x15" in text
    assert text.isascii()


FULL = "The disk is full: nothing was written to /srv/launch/some/deep/folder/store/journal.db; make room there"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_without_a_journal_the_cause_comes_first_and_the_way_back_is_never_cut(width: int) -> None:
    view = replace(ROOM, journal=replace(EMPTY.journal, writable=FULL, damage=FULL))
    lines = [text_of(line) for line in status.banner(view, width)]
    assert len(lines) <= 2
    assert lines[0].startswith(" ✖ NO JOURNAL: The disk is full")
    assert lines[-1].rstrip().endswith("Hold, roll back and kill work (!).")
    assert all(line_width(line) == width for line in status.banner(view, width))


@pytest.mark.parametrize("size", [Size(20, 5), Size(40, 10)])
def test_the_smallest_screens_say_that_there_is_no_journal(size: Size) -> None:
    view = replace(TROUBLE, journal=replace(EMPTY.journal, writable=FULL, damage=FULL))
    lines = [text_of(line).rstrip() for line in status.small(view, size)]
    assert lines[2:5] == ["HOLD ! WAY BACK", "✖ NO JOURNAL", "✖ UNKNOWN 1 change"]
    assert not [line for line in lines if line.endswith("…")]

"""The Room tab as it is seen."""

from __future__ import annotations

from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Verdict
from repz_console.room.views import GateView
from repz_console.tui.paint import room, status
from repz_console.tui.paint.base import Brush, Size, text_of
from tests.support.painting import EMPTY, PANE, ROLLOUT, ROOM, TROUBLE, picture

AT_80 = """\
 REPZ Platform  Wed 3 Feb EST  Production launch           ✖ DOWN as of 08:32:20
 NOW      Progressive launch                              until Fri 5 Feb 00:00
          Daily standup                                             until 09:15
 NEXT     Thursday 80 %                                         Thu 4 Feb 00:00

 STAGE    Tuesday 40 % → Wednesday 60 %, planned Wed 3 Feb               ✖ FAIL
          ✖ P0 bugs: 1 open (12): blocks every step
          ▲ bugs were last read 12m ago, 60 s allowed

 TIMELINE ✖ 1 overdue: Infrastructure setup                   2 of 4 items done
 ROLLOUT  ✖ DRIFT flags has 40 % of us ca uk, decided was 20 % (ana)   flagd 17
 HEALTH   ✖ 1 missed, 1 met, 3 blind: API response p95 212.4 ms
 BUGS     ✖ 1 P0, 2 P1, 1 P2 open, oldest P0 2h
 BUDGET   ▲ $4,210 left of $10,000, Marketing $1,700 over
 SOURCES  ✖ 1 DOWN: apm since 08:32 (connection refused), 6 LIVE

 CONN     ▶ YOU (ana@jump), Launch director since 05:03
 HERE     ana (rollout), bo (bugs, idle 12m)
 JOURNAL  09:01 bo  noted: Support reports slow mails
          05:43 bo  filed P1 14: Password mail is late
          05:03 ana change op-9 confirmed at revision 17"""

AT_120 = """\
 REPZ Platform  Wed 3 Feb EST  Production launch  1 finding (F)                                    ✖ DOWN as of 08:32:20
 NOW      Progressive launch                              until Fri 5 Feb 00:00  │ JOURNAL  41 entries
          Daily standup                                             until 09:15  │ 09:01 bo
 NEXT     Thursday 80 %                                         Thu 4 Feb 00:00  │   noted: Support reports slow mails
                                                                                 │ 05:43 bo
 STAGE    Tuesday 40 % → Wednesday 60 %, planned Wed 3 Feb               ✖ FAIL  │   filed P1 14: Password mail is late
          ✖ P0 bugs: 1 open (12): blocks every step                              │ 05:03 ana
          ▲ bugs were last read 12m ago, 60 s allowed                            │   change op-9 confirmed at revision
                                                                                 │   17
 TIMELINE ✖ 1 overdue: Infrastructure setup                   2 of 4 items done  │ 05:02 ana
 ROLLOUT  ✖ DRIFT flags has 40 % of us ca uk, decided was 20 % (ana)   flagd 17  │   sets production from 20 % of ca us
 HEALTH   ✖ 1 missed, 1 met, 3 blind: API response p95 212.4 ms                  │   to 40 % of ca uk us: on time
 BUGS     ✖ 1 P0, 2 P1, 1 P2 open, oldest P0 2h                                  │ 04:53 ana
 BUDGET   ▲ $4,210 left of $10,000, Marketing $1,700 over                        │   took the conn from bo@jump: lunch
 SOURCES  ✖ 1 DOWN: apm since 08:32 (connection refused), 6 LIVE                 │ 04:03 ana
                                                                                 │   source apm stopped answering:
 CONN     ▶ YOU (ana@jump), Launch director since 05:03                          │   connection refused
 HERE     ana (rollout), bo (bugs, idle 12m)                                     │
                                                                                 │"""

NOTHING_YET = """\
 REPZ Platform  Wed 3 Feb EST                                   ○ OFF: no source
 NOW      nothing is planned for this moment
 NEXT     nothing more is planned

 STAGE    no rollout is planned

 TIMELINE ○ no task is planned
 ROLLOUT  ○ no rollout is planned
 HEALTH   ○ no metric is planned
 BUGS     ▲ OFF: no source
 BUDGET   ○ none is planned
 SOURCES  ▲ none is configured

 CONN     ○ FREE, c takes it
 HERE     nobody else is known

 JOURNAL  empty"""


def test_at_80_columns() -> None:
    assert picture(room.paint(ROOM, Brush(PANE))) == AT_80


def test_at_120_columns_the_journal_stands_beside() -> None:
    size = Size(120, 19)
    assert picture(room.paint(ROOM, Brush(size)), size) == AT_120


def test_a_launch_that_has_nothing_yet() -> None:
    assert picture(room.paint(EMPTY, Brush(PANE))) == NOTHING_YET


def test_one_capture_of_80x24_tells_what_matters() -> None:
    screen = text_of(status.status_line(ROOM, 80)) + picture(room.paint(ROOM, Brush(PANE)))
    for answer in (
        "PRODUCTION/flagd",
        "T-1d",
        "Tuesday 40 % → Wednesday 60 %",
        "✖ P0 bugs: 1 open (12): blocks every step",
        "P0:1 P1:2",
        "$4,210 left",
        "CONN     ▶ YOU (ana@jump)",
        "DOWN as of 08:32:20",
    ):
        assert answer in screen


def test_a_hold_is_the_first_thing_said() -> None:
    lines = picture(room.paint(TROUBLE, Brush(PANE))).splitlines()
    assert lines[1] == " NOW      ▲ HOLD by bo since 3 Feb 08:57: payment errors"


def test_an_unknown_exposure_is_not_drawn_as_a_stage() -> None:
    text = picture(room.paint(TROUBLE, Brush(PANE)))
    assert "STAGE    exposure unknown → Wednesday 60 %" in text
    assert "ROLLOUT  ✖ exposure unknown, 1 change with UNKNOWN outcome" in text


def test_blockers_beyond_the_room_there_is_are_counted_by_name() -> None:
    gates = tuple(GateView(f"g{n}", f"Gate {n}", Verdict.FAIL, f"line {n}") for n in range(4))
    view = replace(ROOM, rollout=replace(ROOM.rollout, rollouts=(replace(ROLLOUT, gates=gates),)))
    text = picture(room.paint(view, Brush(PANE)))
    assert "✖ line 0" in text
    assert "· and 3 more: Gate 1, Gate 2, Gate 3" in text
    assert "line 3" in picture(room.paint(view, Brush(Size(80, 30))), Size(80, 30))


def test_what_opens_what() -> None:
    keys = [key for key in room.paint(ROOM, Brush(PANE)).keys if key]
    assert [key for key in keys if key.startswith("tab:")] == [
        "tab:timeline",
        "tab:rollout",
        "tab:health",
        "tab:bugs",
        "tab:budget",
    ]
    assert keys[:3] == ["gate:stage", "gate:p0", "gate:fresh"]
    assert keys[-3:] == ["journal:41", "journal:40", "journal:39"]


def test_routine_entries_are_shown_while_there_is_nothing_else() -> None:
    opened = replace(ROOM.journal.latest[0], event=events.ConsoleOpened("0.1.0"))
    view = replace(ROOM, journal=replace(ROOM.journal, latest=(opened,)))
    for size in (PANE, Size(120, 19)):
        assert "opened a console" in picture(room.paint(view, Brush(size)), size)


def test_what_is_wrong_with_a_source_comes_before_where_its_file_lies() -> None:
    error = f"/{'deep/' * 20}data.json: not JSON"
    sources = tuple(replace(each, error=error if each.error else "") for each in ROOM.sources.sources)
    view = replace(ROOM, sources=replace(ROOM.sources, sources=sources))
    assert "(data.json: not JSON)" in picture(room.paint(view, Brush(PANE)))


def test_a_conn_of_which_nothing_is_known_is_not_called_free() -> None:
    unread = replace(ROOM, control=replace(ROOM.control, state="UNKNOWN", holder="", mine=False))
    assert " CONN     ▲ UNKNOWN, the journal cannot be read" in picture(room.paint(unread, Brush(PANE)))


def test_a_journal_that_cannot_be_read_is_not_called_empty() -> None:
    view = replace(EMPTY, journal=replace(EMPTY.journal, length=0, latest=(), damage="the disk is gone"))
    for size in (PANE, Size(120, 36)):
        seen = picture(room.paint(view, Brush(size)), size)
        assert "not known: it cannot be read" in seen
        assert "empty" not in seen
        assert "0 entries" not in seen


def test_nothing_is_called_undisturbed_while_what_was_decided_is_not_known() -> None:
    steady = replace(ROOM.rollout.rollouts[0], unknown=(), hold=None, drift=())
    rollout = replace(ROOM.rollout, rollouts=(steady,))
    assert "no drift" in picture(room.paint(replace(ROOM, rollout=rollout), Brush(PANE)))
    unread = replace(ROOM, rollout=rollout, journal=replace(ROOM.journal, damage="the disk is gone"))
    seen = picture(room.paint(unread, Brush(PANE)))
    assert "no drift" not in seen
    assert "what was decided is not known" in seen

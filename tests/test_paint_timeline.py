"""The Timeline tab as it is seen, and the arithmetic of its time axis."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from repz_console.tui.paint import timeline
from repz_console.tui.paint.base import Brush, Choices, Size, text_of
from tests.support.painting import EMPTY, NOW, PANE, ROOM, picture

OPEN = Choices(open="task:infra", folded=frozenset(["section:optimization"]))

BY_DAY = """\
 Timeline  2 of 4 items done  by day, EST                                 ● LIVE
                               Jan 2027             Feb 2027
   Task                   Done 25 26 27 28 29 30 31  1  2  3  4  5  6  7  8  9
 ▾ Preparation            80 % ───────────────······       │       ······
 ✖  Infrastructure setup  66 % ████░░ late 7d ······       │       ······
     Infrastructure 2/3  Critical, DevOps lead             │
     ✔ Create the Supabase project                          done bo 26 Jan 09:03
     ○ Configure the CDN                                   │
     ─ Set up Twilio                               n/a ana 27 Jan 09:03 · no SMS
 ✔  Security audit       100 %       █████████······       │       ······
 ▾ Launch                 40 %                ······───────│───────······
 ✔  Soft launch          100 %                ······███    │       ······
 ●  Progressive launch    50 %                ······   ████│░░░░   ······
 ○  Full launch              -                ······       │    ░░░······
 ▸ Optimization              -                ······       │       ░░░░░░░░░░░░░
 Checklists without a bar                                  │
 ○  Launch criteria        0/1                ······       │       ······"""

BY_HOUR = """\
 Timeline  2 of 4 items done  by hour, EST                                ● LIVE
                                 Wed 3 Feb         ▼
   Task                   Done   00:00 03:00 06:00 09:00 12:00 15:00 18:00 21:00
 ▾ Preparation            80 %                     │
 ✖  Infrastructure setup  66 % late 7d             │
 ✔  Security audit       100 %                     │
 ▾ Launch                 40 % ────────────────────│────────────────────────────
 ✔  Soft launch          100 %                     │
 ●  Progressive launch    50 % ████████████████████│█████░░░░░░░░░░░░░░░░░░░░░░░"""

BY_WEEK = """\
 Timeline  2 of 4 items done  by week, EST                                                                        ● LIVE
                                                                        Feb 2027                    Mar 2027
   Task                     Owner          From, days       Done 25 Jan 1 Feb  8 Feb  15 Feb 22 Feb 1 Mar  8 Mar  15 Mar
 ▾ Preparation                             Mon 25 Jan, 5d   80 % ─────··  │  ··     ··     ··     ··     ··     ··     ·
 ✖  Infrastructure setup    DevOps lead    Mon 25 Jan, 2d   66 % █░ late 7d  ··     ··     ··     ··     ··     ··     ·
 ✔  Security audit          Security lead  Wed 27 Jan, 3d  100 %   ███··  │  ··     ··     ··     ··     ··     ··     ·
 ▾ Launch                                  Mon 1 Feb, 5d    40 %      ··──│──··     ··     ··     ··     ··     ··     ·
 ✔  Soft launch             CTO            Mon 1 Feb, 1d   100 %      ··█ │  ··     ··     ··     ··     ··     ··     ·
 ●  Progressive launch      CTO            Tue 2 Feb, 3d    50 %      ·· █│░ ··     ··     ··     ··     ··     ··     ·
 ○  Full launch             CTO            Fri 5 Feb, 1d       -      ··  │ ░··     ··     ··     ··     ··     ··     ·
 ▾ Optimization                            Sat 6 Feb, 28d      -      ··  │  ────────────────────────────··     ··     ·
 ○  Stabilization           Tech lead      Sat 6 Feb, 7d       -      ··  │  ░░░░░░░··     ··     ··     ··     ··     ·
 ○  Growth phase                           Sat 13 Feb, 21d     -      ··  │  ··     ░░░░░░░░░░░░░░░░░░░░░··     ··     ·
 Checklists without a bar                                                 │"""


def test_by_day_with_a_task_open_and_a_section_folded() -> None:
    assert picture(timeline.paint(ROOM, Brush(PANE, OPEN))) == BY_DAY


def test_by_hour() -> None:
    size = Size(80, 9)
    assert picture(timeline.paint(ROOM, Brush(size, Choices(zoom="hour", scroll=430))), size) == BY_HOUR


def test_by_week_at_120_columns_with_owners_and_dates() -> None:
    size = Size(120, 14)
    assert picture(timeline.paint(ROOM, Brush(size, Choices(zoom="week"))), size) == BY_WEEK


def test_every_row_can_be_selected() -> None:
    keys = timeline.paint(ROOM, Brush(PANE, OPEN)).keys
    assert [key for key in keys if key] == [
        "section:preparation",
        "task:infra",
        "item:infrastructure/supabase",
        "item:infrastructure/cdn",
        "item:infrastructure/sms",
        "task:audit",
        "section:launch",
        "task:soft",
        "task:progressive",
        "task:full",
        "section:optimization",
        "checklist:criteria",
    ]


def test_a_checklist_without_a_task_opens_too() -> None:
    sheet = timeline.paint(ROOM, Brush(PANE, Choices(open="checklist:criteria")))
    assert sheet.keys[-1] == "item:criteria/uptime"
    assert text_of(sheet.lines[-1]).startswith("     ○ Uptime above 99.9 %")


@pytest.mark.parametrize("zoom", ["hour", "day", "week"])
@pytest.mark.parametrize("size", [PANE, Size(120, 36), Size(60, 15)])
def test_scrolling_to_now_brings_the_now_line_into_sight(zoom: str, size: Size) -> None:
    brush = Brush(size, Choices(zoom=zoom))
    scroll = timeline.scroll_to_now(ROOM, brush)
    assert 0 <= scroll <= timeline.most_scroll(ROOM, brush)
    there = timeline.axis_of(ROOM, Brush(size, Choices(zoom=zoom, scroll=scroll)))
    assert 0 <= there.column(NOW) < timeline.bars_width(size)


def test_the_plan_ends_at_the_right_edge_when_scrolled_all_the_way() -> None:
    brush = Brush(PANE)
    axis = timeline.axis_of(ROOM, Brush(PANE, Choices(scroll=timeline.most_scroll(ROOM, brush))))
    assert axis.span(ROOM.timeline.start, ROOM.timeline.end)[1] in range(axis.width - axis.a_day, axis.width + 1)


def test_days_keep_their_width_over_a_change_of_the_clock() -> None:
    axis = timeline.axis_of(ROOM, Brush(PANE))
    for start in range(60):
        midnight = ROOM.timeline.start + timedelta(days=start)
        local = midnight.astimezone(axis.zone)
        assert axis.absolute(local.replace(hour=0)) == (local.date() - axis.origin).days * 3


def test_little_progress_is_never_drawn_as_none_and_much_never_as_all() -> None:
    section = ROOM.timeline.sections[1]
    for percent, expected in ((1.0, "█░░░"), (99.0, "███░"), (0.0, "░░░░"), (100.0, "████"), (None, "░░░░")):
        task = replace(section.tasks[1], percent=percent, end=section.tasks[1].start + timedelta(days=4))
        drawn = replace(ROOM.timeline, sections=(replace(section, tasks=(task,)),))
        view = replace(ROOM, timeline=drawn, clock=replace(ROOM.clock, now=task.end))
        brush = Brush(Size(100, 20), Choices(zoom="week"))
        assert expected in text_of(timeline.paint(view, brush).lines[4])


def test_a_plan_without_tasks_says_how_to_get_some() -> None:
    assert "[[task]]" in picture(timeline.paint(EMPTY, Brush(PANE)))

"""The Rollout tab as it is seen."""

from __future__ import annotations

from msgspec.structs import replace

from repz_console.facts import Exposure, Verdict
from repz_console.room.views import GateView
from repz_console.tui.paint import rollout
from repz_console.tui.paint.base import ASCII, Brush, Choices, Size
from tests.support.painting import EMPTY, PANE, ROLLOUT, ROOM, STAGES, TROUBLE, picture

RUNNING = """\
 Production  visitors  flagd at 17  1 of 2 (o)                  ● LIVE every 2 s
                   20 %        40 %         60 %        80 %         100 %
                     ▼           ▼            ▼           ▼            ▼
    0 % ██████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 100 %
                                 ▲ configured 40 %
 planned         60 %  us ca uk  core adaptive tiers            Wednesday 00:00
 desired         40 %  us ca uk  core adaptive                        ana 05:03
 configured      40 %  us ca uk  core adaptive                        ana 09:03
 measured           -  no source measures it                              ○ OFF
 ✖ DRIFT flags has 40 % of us ca uk, decided was 20 % (ana)
   Stage        When               Share  Regions      Features
 ✔ Soft launch  Mon 1 Feb 00:00     20 %  us ca        core
 ● Tuesday      Tue 2 Feb           40 %  +uk          +adaptive
 → Wednesday    Wed 3 Feb           60 %  the same     +tiers
 ○ Thursday     Thu 4 Feb           80 %  all regions  the same
 ○ Full launch  Fri 5 Feb 09:00    100 %  the same     the same
 Gates for Wednesday  ✖ FAIL  3 of 5 gates pass
 ✖ FAIL          No open P0            P0 bugs: 1 open (12): blocks every step
 ▲ INCONCLUSIVE  Data is fresh         bugs were last read 12m ago, 60 s
                                       allowed
 ● PASS          You have the conn, No change is unknown, Not held"""

IN_TROUBLE = """\
 Production  visitors  flagd at 17                      ✖ DOWN as of 3 Feb 09:03
                   20 %        40 %         60 %        80 %         100 %
                     ▼           ▼            ▼           ▼            ▼
    0 % ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 100 %
        configured: unknown
 planned         60 %  us ca uk  core adaptive tiers      Wednesday 3 Feb 00:00
 desired         40 %  us ca uk  core adaptive                  ana 3 Feb 05:03
 configured   unknown  no answer                         ana 3 Feb 09:03 ✖ DOWN
 measured           -  no source measures it                              ○ OFF
 ▲ HOLD by bo since 3 Feb 08:57: payment errors (u resumes)
 ✖ UNKNOWN whether set to 60 % by ana happened: nothing widens until it is
   settled
 ✖ DRIFT flags has 40 % of us ca uk, decided was 20 % (ana)
   Stage        When               Share  Regions      Features
 ✔ Soft launch  Mon 1 Feb 00:00     20 %  us ca        core
 ● Tuesday      Tue 2 Feb           40 %  +uk          +adaptive
 → Wednesday    Wed 3 Feb           60 %  the same     +tiers
 ○ Thursday     Thu 4 Feb           80 %  all regions  the same
 ○ Full launch  Fri 5 Feb 09:00    100 %  the same     the same
 Gates for Wednesday  ✖ FAIL  3 of 5 gates pass
 ✖ FAIL          No open P0            P0 bugs: 1 open (12): blocks every step"""

PLAIN = """\
 Production  visitors  flagd at 17  1 of 2 (o)                  * LIVE every 2 s
                   20 %        40 %         60 %        80 %         100 %
                     v           v            v           v            v
    0 % ##########################...................................... 100 %
                 configured 40 % ^            ^ draft 60 %
 ^ draft 60 % (Enter compares)  us ca uk: core adaptive tiers
 planned         60 %  us ca uk  core adaptive tiers            Wednesday 00:00
 desired         40 %  us ca uk  core adaptive                        ana 05:03
 configured      40 %  us ca uk  core adaptive                        ana 09:03
 measured           -  no source measures it                              o OFF
 X DRIFT flags has 40 % of us ca uk, decided was 20 % (ana)
   Stage        When               Share  Regions      Features
 v Soft launch  Mon 1 Feb 00:00     20 %  us ca        core
 * Tuesday      Tue 2 Feb           40 %  +uk          +adaptive
 > Wednesday    Wed 3 Feb           60 %  the same     +tiers
 o Thursday     Thu 4 Feb           80 %  all regions  the same
 o Full launch  Fri 5 Feb 09:00    100 %  the same     the same
 Gates for Wednesday  X FAIL  3 of 5 gates pass
 X FAIL          No open P0            P0 bugs: 1 open (12): blocks every step
 ! INCONCLUSIVE  Data is fresh         bugs were last read 12m ago, 60 s
                                       allowed"""


def test_running() -> None:
    assert picture(rollout.paint(ROOM, Brush(PANE))) == RUNNING


def test_in_trouble_nothing_is_drawn_as_known() -> None:
    assert picture(rollout.paint(TROUBLE, Brush(PANE))) == IN_TROUBLE


def test_a_draft_in_plain_characters() -> None:
    assert picture(rollout.paint(ROOM, Brush(PANE, Choices(draft=STAGES[2].exposure), ASCII))) == PLAIN


def test_the_rollout_chosen_is_shown() -> None:
    assert picture(rollout.paint(ROOM, Brush(PANE, Choices(rollout="beta")))).startswith(" Beta  beta users")
    assert picture(rollout.paint(ROOM, Brush(PANE, Choices(rollout="gone")))).startswith(" Production")


def pointers(before: float, draft: float | None) -> str:
    """The line below the slider."""
    configured = replace(ROLLOUT.configured, exposure=Exposure({"us": before}, ("core",)))
    view = replace(ROOM, rollout=replace(ROOM.rollout, rollouts=(replace(ROLLOUT, configured=configured),)))
    chosen = Exposure({"us": draft}, ("core",)) if draft is not None else None
    return picture(rollout.paint(view, Brush(PANE, Choices(draft=chosen)))).splitlines()[4]


def test_pointers_name_themselves_on_their_free_side() -> None:
    assert pointers(0, None) == " " * 8 + "▲ configured 0 %"
    assert pointers(100, None).endswith("configured 100 % ▲")
    assert "configured 50 % ▲▲ draft 52 %" in pointers(50, 52)
    assert "draft 48 % ▲ ▲ configured 50 %" in pointers(50, 48)
    assert pointers(0, 100).startswith(" " * 8 + "▲ configured 0 %")
    assert pointers(0, 100).endswith("draft 100 % ▲")


def test_a_stage_named_by_its_percent_does_not_say_it_twice() -> None:
    stages = tuple(replace(stage, title=f"Ramp {stage.percent:.0f} %") for stage in STAGES)
    view = replace(ROOM, rollout=replace(ROOM.rollout, rollouts=(replace(ROLLOUT, stages=stages),)))
    text = picture(rollout.paint(view, Brush(PANE)))
    assert "Ramp" in text
    assert "Ramp 40 %" not in text


def test_stages_list_everything_where_there_is_room() -> None:
    size = Size(110, 30)
    text = picture(rollout.paint(ROOM, Brush(size)), size)
    assert "us ca uk     core adaptive tiers" in text
    assert "+tiers" not in text


def test_everything_fits_into_30_rows_with_the_gates() -> None:
    size = Size(80, 30)
    text = picture(rollout.paint(ROOM, Brush(size)), size)
    assert text.count("● PASS") == 3
    assert text.index("✖ FAIL          No open P0") < text.index("▲ INCONCLUSIVE") < text.index("● PASS")


def test_drift_and_reasons_are_said_in_full() -> None:
    long = "flags has 80 % of ca, uk, us, world, decided was 40 % of ca, uk (ana): changed outside by mallory"
    view = replace(ROOM, rollout=replace(ROOM.rollout, rollouts=(replace(ROLLOUT, drift=(long,)),)))
    assert " ".join(long.split()) in " ".join(picture(rollout.paint(view, Brush(PANE))).split())


def test_a_plan_without_a_rollout_says_how_to_get_one() -> None:
    assert "[rollout.NAME]" in picture(rollout.paint(EMPTY, Brush(PANE)))


def test_why_the_backend_is_not_read_back_is_said_and_its_path_gives_way_to_the_reason() -> None:
    error = f"/{'deep/' * 20}flags.json cannot be read: permission denied"
    flags = [replace(each, error=error if each.id == "flags" else "") for each in ROOM.sources.sources]
    view = replace(ROOM, sources=replace(ROOM.sources, sources=tuple(flags)))
    text = picture(rollout.paint(view, Brush(PANE)))
    assert "✖ flags is not read back: flags.json cannot be read: permission denied" in text
    assert "is not read back" not in picture(rollout.paint(ROOM, Brush(PANE)))


def test_gates_that_pass_share_a_line_where_there_is_no_room_for_each() -> None:
    passing = tuple(GateView(f"g{n}", f"Gate number {n}", Verdict.PASS, "fine") for n in range(9))
    view = replace(ROOM, rollout=replace(ROOM.rollout, rollouts=(replace(ROLLOUT, gates=passing),)))
    text = picture(rollout.paint(view, Brush(PANE)))
    assert text.splitlines()[-1] == " ● PASS          Gate number 0, Gate number 1, Gate number 2 and 6 more"
    assert len(rollout.paint(view, Brush(PANE)).lines) <= PANE.height


def test_an_unknown_change_is_told_by_what_it_was_also_when_another_came_after_it() -> None:
    (shown,) = TROUBLE.rollout.rollouts
    (lost,) = shown.unknown
    assert shown.change is not None
    assert shown.change.op != lost.op
    text = picture(rollout.paint(TROUBLE, Brush(PANE)))
    assert "UNKNOWN whether set to 60 % by ana happened" in text
    assert lost.op not in text

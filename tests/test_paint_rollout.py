"""The Rollout tab as it is seen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from repz_console.facts import Exposure, Verdict
from repz_console.room import views
from repz_console.tui.paint import rollout
from repz_console.tui.paint.base import ASCII, Brush, Choices, Size, text_of
from repz_console.tui.paint.status import small, status_line
from tests.support.painting import EMPTY, PANE, ROLLOUT, ROOM, STAGES, TROUBLE, drawn, picture
from tests.support.painting_rollouts import (
    ARMED,
    ASKED,
    FINE,
    OVERRIDDEN,
    PARTIAL,
    ROLLOUTS,
    SETTLING,
    STOPPED,
    UNARMED,
    room_of,
)

WIDE_PANE, NARROW_PANE = Size(120, 37), Size(60, 12)

RUNNING = """\
 Production  1 of 2 (o)  visitors  flagd at 17       ● KILL ok  ● LIVE every 2 s
 NOW   Tuesday 40 %                                                by ana 09:03
 NEXT  Wednesday 60 %  Wed 3 Feb
 ✖ DRIFT (v accepts it) flags has 40 % of us ca uk, decided was 20 % (ana)
 Region           Planned  Desired  Configured      Next
 United States       60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░
 Canada              60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░
 United Kingdom      60 %     20 %      ✖ 40 %    → 60 %  ████████░░░░│░░░░░░░░
 Everywhere else      0 %      0 %         0 %       0 %  ░░░░░░░░░░░░░░░░░░░░░
 Gates for Wednesday  ✖ FAIL  3 of 5 gates let it pass
 ✖ FAIL          No open P0            P0 bugs: 1 open (12): blocks every step
 ▲ INCONCLUSIVE  Data is fresh         bugs were last read 12m ago, 60 s
                                       allowed
 ● PASS          You have the conn, No change is unknown, Not held
 Features  Space switches one in the draft
 ✔ Core       on       from Soft launch
 ✔ Adaptive   on       from Tuesday
 ○ All tiers  off      next, with Wednesday
   Stage        When               Share  Regions      Features
 ✔ Soft launch  Mon 1 Feb 00:00     20 %  us ca        core
 Enter: compares Wednesday, 40 → 60 % in us, ca, uk; +tiers"""

IN_TROUBLE = """\
 Production  visitors  flagd at 17           ● KILL ok  ✖ DOWN as of 3 Feb 09:03
 NOW   ✖ configured is not known: no answer  (m enters what it shows)
 NEXT  Wednesday 60 %  Wed 3 Feb
 ✖ UNKNOWN whether set to 60 % by ana happened: nothing widens until it is
   settled (v)
 ✖ DRIFT (v accepts it) flags has 40 % of us ca uk, decided was 20 % (ana)
 ▲ HOLD by bo since 3 Feb 08:57: payment errors (u resumes)
 Region           Planned  Desired  Configured      Next
 United States       60 %     40 %       40 %?    → 60 %  ████████░░░░│░░░░░░░░
 Canada              60 %     40 %       40 %?    → 60 %  ████████░░░░│░░░░░░░░
 United Kingdom      60 %     20 %     ✖ 40 %?    → 60 %  ████████░░░░│░░░░░░░░
 Everywhere else      0 %      0 %        0 %?       0 %  ░░░░░░░░░░░░░░░░░░░░░
 Gates for Wednesday  ✖ FAIL  3 of 5 gates let it pass
 ✖ FAIL          No open P0            P0 bugs: 1 open (12): blocks every step
 ▲ INCONCLUSIVE  Data is fresh         bugs were last read 12m ago, 60 s
                                       allowed
 ● PASS          You have the conn, No change is unknown, Not held
 Features  Space switches one in the draft
 ? Core       unknown  from Soft launch
 ? Adaptive   unknown  from Tuesday
 Enter: compares Wednesday, 60 %, with what nobody knows"""

PLAIN = """\
 Production  1 of 2 (o)  visitors  flagd at 17       * KILL ok  * LIVE every 2 s
 NOW   Tuesday 40 %                                                by ana 09:03
 NEXT  Wednesday 60 %  Wed 3 Feb
 X DRIFT (v accepts it) flags has 40 % of us ca uk, decided was 20 % (ana)
 Region           Planned  Desired  Configured     Draft
 United States       60 %     40 %        40 %   -> 60 %  ########....|........
 Canada              60 %     40 %        40 %   -> 60 %  ########....|........
 United Kingdom      60 %     20 %      X 40 %   -> 60 %  ########....|........
 Everywhere else      0 %      0 %         0 %       0 %  .....................
 Gates for Wednesday  X FAIL  3 of 5 gates let it pass
 X FAIL          No open P0            P0 bugs: 1 open (12): blocks every step
 ! INCONCLUSIVE  Data is fresh         bugs were last read 12m ago, 60 s
                                       allowed
 * PASS          You have the conn, No change is unknown, Not held
 Features  Space switches one in the draft
 v Core       on       from Soft launch
 v Adaptive   on       from Tuesday
 o All tiers  off      -> on in the draft
   Stage        When               Share  Regions      Features
 v Soft launch  Mon 1 Feb 00:00     20 %  us ca        core
 Enter: compares 40 -> 60 % in us, ca, uk; +tiers"""

BLOCKED_BY_A_POLL = """\
 Production  visitors  flagd at 17                   ● KILL ok  ● LIVE every 2 s
 NOW   Tuesday 40 %  27 % of all visitors                          by ana 09:03
 NEXT  Wednesday 60 %  40.6 % of all visitors  Wed 3 Feb  ▲ DUE
 Region           Planned  Desired  Configured      Next
 United States       60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░
 Canada              60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░
 United Kingdom      60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░
 Everywhere else      0 %      0 %         0 %       0 %  ░░░░░░░░░░░░░░░░░░░░░
 All visitors      40.6 %     27 %        27 %    40.6 %
 Gates for Wednesday  ✖ FAIL  5 of 6 gates let it pass
 ✖ FAIL          Launch go/no-go       Support says NO-GO; Product is silent
 ● PASS          You have the conn, No open P0, Data is fresh and 2 more
 Launch go/no-go  ✖ NO-GO  round 1 of 2: 1 of 4 GO
  ✔ QA  ✖ Support NO-GO  ▲ Tech STALE  → Product YOU  ▲ Launch director GO-IF
 Features  Space switches one in the draft
 ✔ Core       on       from Soft launch
 ✔ Adaptive   on       from Tuesday
 ○ All tiers  off      next, with Wednesday
   Stage        When               Share  Regions      Features
 ✔ Soft launch  Mon 1 Feb 00:00     20 %  us ca        core
 Enter: compares Wednesday, 40 → 60 % in us, ca, uk; +tiers"""

WIDE = """\
 Production  visitors  flagd at 17                                                           ● KILL ok  ● LIVE every 2 s
 NOW   Tuesday 40 %  27 % of all visitors                          by ana 09:03  │ Launch go/no-go  ✖ FAIL
 NEXT  Wednesday 60 %  40.6 % of all visitors  Wed 3 Feb  ▲ DUE                  │ Support says NO-GO; Product is silent
 Region           Planned  Desired  Configured      Next                         │
 United States       60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░  │ Four truths
 Canada              60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░  │ planned    60 % us ca uk  Wednesday…
 United Kingdom      60 %     40 %        40 %    → 60 %  ████████░░░░│░░░░░░░░  │ desired    40 % us ca uk  ana 05:03
 Everywhere else      0 %      0 %         0 %       0 %  ░░░░░░░░░░░░░░░░░░░░░  │ configured 40 % us ca uk  ana 09:03
 All visitors      40.6 %     27 %        27 %    40.6 %                         │ measured   - no source measures it
                                                                                 │
 Gates for Wednesday  ✖ FAIL  5 of 6 gates let it pass                           │ Launch go/no-go  NO-GO
 ✖ FAIL          Launch go/no-go       Support says NO-GO; Product is silent     │ ✔ QA
 ● PASS          You have the conn, No open P0, Data is fresh and 2 more         │   GO by cy@jump 09:01
 Launch go/no-go  ✖ NO-GO  round 1 of 2: 1 of 4 GO                               │ ✖ Support NO-GO
  ✔ QA  ✖ Support NO-GO  ▲ Tech STALE  → Product YOU  ▲ Launch director GO-IF    │   NO-GO by bo@jump 09:02: two people
                                                                                 │   are ill
 Features  Space switches one in the draft                                       │ ▲ Tech STALE
 ✔ Core       on       from Soft launch                                          │   stale: older than 30 min
 ✔ Adaptive   on       from Tuesday                                              │ → Product YOU
 ○ All tiers  off      next, with Wednesday                                      │   silent, which counts as NO-GO
                                                                                 │ ▲ Launch director GO-IF
   Stage        When               Share  Regions      Features                  │   GO-IF by ana@jump: the banner is
 ✔ Soft launch  Mon 1 Feb 00:00     20 %  us ca        core                      │   off by noon
 ● Tuesday      Tue 2 Feb           40 %  +uk          +adaptive                 │
 → Wednesday    Wed 3 Feb           60 %  the same     +tiers                    │ Kill  (K: the card)
 ○ Thursday     Thu 4 Feb           80 %  all regions  the same                  │ ● flags: you may write flags.json
 ○ Full launch  Fri 5 Feb 09:00    100 %  the same     the same                  │
                                                                                 │
 Stations  Enter answers for yours                                               │
 ✔  QA               GO by cy@jump 09:01                                         │
 ✖  Support          NO-GO by bo@jump 09:02: two people are ill                  │
 ▲  Tech             STALE: older than 30 min                                    │
 →  Product          silent, which counts as NO-GO  (yours)                      │
 ▲  Launch director  GO-IF by ana@jump: the banner is off by noon                │
 Gates that pass                                                                 │
 ● PASS          You have the conn     you have the conn                         │
 Enter: shows what Launch go/no-go stands on, and what can be done"""

NARROW = """\
 Production  visitors            ● KILL ok  ● LIVE every 2 s
 NOW   Tuesday 40 %  27 % of all visitors      by ana 09:03
 NEXT  Wednesday 60 %  40.6 % of all visitors  Wed 3 Feb…
 Region           Planned  Desired  Configured      Next
 United States       60 %     40 %        40 %    → 60 %
 Canada              60 %     40 %        40 %    → 60 %
 United Kingdom      60 %     40 %        40 %    → 60 %
 Everywhere else      0 %      0 %         0 %       0 %
 All visitors      40.6 %     27 %        27 %    40.6 %
 Gates for Wednesday  ✖ FAIL  5 of 6 gates let it pass
 ✖ FAIL          Launch go/no-go       Support says NO-GO;
 Enter: compares Wednesday, 40 → 60 % in us, ca, uk; +tiers"""


def seen(shown: views.RolloutView, size: Size = PANE, choices: Choices | None = None) -> str:
    return picture(rollout.paint(room_of(shown), Brush(size, choices or Choices())), size)


def test_running() -> None:
    assert picture(rollout.paint(ROOM, Brush(PANE))) == RUNNING


def test_in_trouble_nothing_is_drawn_as_known() -> None:
    assert picture(rollout.paint(TROUBLE, Brush(PANE))) == IN_TROUBLE


def test_a_draft_in_plain_characters() -> None:
    assert picture(rollout.paint(ROOM, Brush(PANE, Choices(draft=STAGES[2].exposure), ASCII))) == PLAIN


def test_one_glance_tells_who_must_still_say_go() -> None:
    assert seen(ASKED) == BLOCKED_BY_A_POLL


def test_a_wide_screen_tells_what_the_selected_gate_stands_on_and_who_answered_when() -> None:
    assert seen(ASKED, WIDE_PANE, Choices(cursor="gate:poll")) == WIDE


def test_the_smallest_pane_still_tells_where_it_is_what_is_next_and_what_enter_does() -> None:
    assert seen(ASKED, NARROW_PANE) == NARROW


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (ARMED, "● GO  ARMED until 09:45"),
        (PARTIAL, "✖ PARTIAL 2 of 3 applied (f rolls forward, ! then b rolls back): set to 60 % by ana: edge: 503"),
        (PARTIAL, "✖ KILL 1/2"),
        (OVERRIDDEN, "✖ OVERRIDE No open P1 for Wednesday by ana@jump: known and harmless"),
        (OVERRIDDEN, "✖ OVERRIDDEN    No open P1"),
        (OVERRIDDEN, "▲ WAIVED        Error rate"),
        (OVERRIDDEN, "● PASS  7 of 7 gates let it pass"),
        (UNARMED, "▲ UNARMED no recorder runs"),
        (UNARMED, "▲ KILL ?"),
        (SETTLING, "configured 40 %, seen by everybody by 09:04:00, measured 31.2 %"),
        (SETTLING, "▲ APPROVAL 0 of 1 for wednesday, asked by bo@jump until 09:30 (Enter approves)"),
        (SETTLING, "▲ WAIVER of metric:errors asked by bo@jump: the probe is being moved"),
        (STOPPED, "the line is stopped by bo@jump: outage"),
        (STOPPED, "flagd cannot: regions cannot have different shares"),
        (FINE, "NEXT  Wednesday 60 %  40.6 % of all visitors  Wed 3 Feb  ▲ DUE"),
        (FINE, "NOW   Tuesday 40 %  27 % of all visitors"),
    ],
)
def test_it_says_so(shown: views.RolloutView, said: str) -> None:
    assert " ".join(said.split()) in " ".join(seen(shown).split())


@pytest.mark.parametrize("name", ROLLOUTS)
@pytest.mark.parametrize("size", [PANE, WIDE_PANE, NARROW_PANE, Size(200, 60)])
def test_nothing_is_wider_than_the_pane_and_its_last_line_says_what_enter_does(name: str, size: Size) -> None:
    text = seen(ROLLOUTS[name], size)
    assert max(map(len, text.splitlines())) <= size.width
    assert len(text.splitlines()) <= size.height
    assert text.splitlines()[-1].startswith(" Enter: ")


@pytest.mark.parametrize(
    ("cursor", "said"),
    [
        ("", "compares Wednesday, 40 → 60 % in us, ca, uk; +tiers"),
        ("stage:thursday", "compares Thursday, 40 → 80 % in us, ca, uk; rest enters at 80 %; +tiers"),
        ("stage:tuesday", "nothing, that is configured already"),
        ("stage:soft", "compares Soft launch, 40 → 20 % in us, ca; uk leaves; -adaptive"),
        ("gate:poll", "shows what Launch go/no-go stands on, and what can be done"),
        ("gate:p1", "shows what No open P1 stands on"),
        ("station:0/product", "answers for Product"),
        ("station:0/support", "shows what Support said"),
        ("poll:launch", "opens Launch go/no-go"),
    ],
)
def test_the_last_line_says_what_enter_does_on_the_selected_row(cursor: str, said: str) -> None:
    shown = replace(ASKED, gates=(*ASKED.gates, OVERRIDDEN.gates[-2]))
    assert seen(shown, PANE, Choices(cursor=cursor)).splitlines()[-1] == f" Enter: {said}"


def test_a_region_that_enters_and_one_that_leaves_are_named() -> None:
    where = tuple(
        replace(region, configured=0.0, desired=0.0, enters=True) if region.id == "uk" else region
        for region in FINE.where
    )
    lines = seen(replace(FINE, where=where)).splitlines()
    assert next(line for line in lines if line.startswith(" United Kingdom")).split()[-2] == "enters"
    draft = Exposure({"us": 60.0, "ca": 0.0, "uk": 5.0}, ("core",))
    lines = seen(replace(FINE, where=where), PANE, Choices(draft=draft)).splitlines()
    assert [line.split()[-2] for line in lines if "leaves" in line or "enters" in line][:2] == ["leaves", "enters"]
    assert " Canada              60 %     40 %        40 %     → 0 %  leaves" in "\n".join(lines)


def test_the_rollout_chosen_is_shown() -> None:
    assert picture(rollout.paint(ROOM, Brush(PANE, Choices(rollout="beta")))).startswith(" Beta  2 of 2 (o)")
    assert picture(rollout.paint(ROOM, Brush(PANE, Choices(rollout="gone")))).startswith(" Production")


def test_a_stage_named_by_its_percent_does_not_say_it_twice() -> None:
    stages = tuple(replace(stage, title=f"Ramp {stage.percent:.0f} %") for stage in STAGES)
    text = seen(replace(ROLLOUT, stages=stages), Size(80, 40))
    assert "✔ Ramp   " in text
    assert "✔ Ramp 20 %" not in text


def test_stages_list_everything_where_there_is_room() -> None:
    size = Size(110, 40)
    text = picture(rollout.paint(ROOM, Brush(size)), size)
    assert "us ca uk     core adaptive tiers" in text
    assert "+tiers" not in text


def test_drift_and_reasons_are_said_in_full() -> None:
    long = "flags has 80 % of ca, uk, us, world, decided was 40 % of ca, uk (ana): changed outside by mallory"
    assert " ".join(long.split()) in " ".join(seen(replace(ROLLOUT, drift=(long,))).split())


def test_a_plan_without_a_rollout_says_how_to_get_one() -> None:
    assert "[rollout.NAME]" in picture(rollout.paint(EMPTY, Brush(PANE)))


def test_why_the_backend_is_not_read_back_is_said_and_its_path_gives_way_to_the_reason() -> None:
    error = f"/{'deep/' * 20}flags.json cannot be read: permission denied"
    flags = [replace(each, error=error if each.id == "flags" else "") for each in ROOM.sources.sources]
    view = replace(ROOM, sources=replace(ROOM.sources, sources=tuple(flags)))
    text = picture(rollout.paint(view, Brush(PANE)))
    assert "✖ flags is not read back: flags.json cannot be read: permission denied" in text
    assert "is not read back" not in picture(rollout.paint(ROOM, Brush(PANE)))


def test_gates_that_pass_share_a_line_and_have_one_each_further_down() -> None:
    passing = tuple(views.GateView(f"g{n}", f"Gate number {n}", Verdict.PASS, "fine") for n in range(9))
    shown = replace(ROLLOUT, gates=passing)
    assert " ● PASS          Gate number 0, Gate number 1, Gate number 2 and 6 more\n" in seen(shown)
    assert seen(shown, Size(80, 60)).count("fine") == 9


def test_an_unknown_change_is_told_by_what_it_was_also_when_another_came_after_it() -> None:
    (shown,) = TROUBLE.rollout.rollouts
    (lost,) = shown.unknown
    assert shown.change is not None
    assert shown.change.op != lost.op
    text = picture(rollout.paint(TROUBLE, Brush(PANE)))
    assert "UNKNOWN whether set to 60 % by ana happened" in text
    assert lost.op not in text


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (OVERRIDDEN, "✖ OVERRIDE"),
        (PARTIAL, "✖ PARTIAL"),
        (PARTIAL, "✖ KILL 1/2"),
        (UNARMED, "▲ UNARMED"),
        (FINE, "▲ DUE"),
    ],
)
def test_the_status_line_says_so_too(shown: views.RolloutView, said: str) -> None:
    assert said in text_of(status_line(room_of(shown), 80))


def test_an_override_is_red_in_the_status_line_and_stands_on_the_smallest_screen() -> None:
    roles = [role for text, role in status_line(room_of(OVERRIDDEN), 80) if "OVERRIDE" in text]
    assert roles == ["bad.reverse"]
    assert "OVERRIDE 1 gate" in drawn(small(room_of(OVERRIDDEN), Size(20, 5)))


def test_the_status_line_says_that_a_kill_would_work_where_there_is_room() -> None:
    assert "● KILL ok" in text_of(status_line(room_of(FINE), 120))
    assert "KILL" not in text_of(status_line(room_of(replace(FINE, readiness=())), 120))

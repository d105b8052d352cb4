"""The Budget tab as it is seen."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from repz_console.facts import Freshness, Spend
from repz_console.room.views import BudgetView, ChargeView
from repz_console.tui.paint import budget
from repz_console.tui.paint.base import ASCII, Brush, Choices, Size
from tests.support.painting import BUDGET, EMPTY, PANE, ROOM, picture

AT_80 = """\
 Budget  $10,000  lines plan $9,827                                       ● LIVE
 █████████████▌▌▌░░░░░░░░░░░░  █ $4,590 spent  ▌ $1,200 promised  ░ $4,210 left
                                          Planned  Promised     Spent      Left
 Infrastructure          ███▌▌▌▌▌░░░░░░    $2,000      $600      $490      $910
   Supabase Pro          █████░░░░░░░░░       $75         -       $25       $50
   ✖ CDN and edge, over  ███████████▌▌▌      $600      $600      $465     -$465
 ✖ Marketing, over       ██████████████    $3,000      $600    $4,100   -$1,700
   ✖ Advertising, over   ██████████████    $1,500      $600    $4,100   -$3,200
   Press kit             no figure              -         -         -         -

 Recurring charges  1 due so far, $25
 Thu 25 Feb       $25 Supabase Pro

 Entries
 Tue 2 Feb     $4,100 spent      Advertising          ana      second wave
 Mon 1 Feb    $464.99 spent      CDN and edge         bo
 Thu 28 Jan      $600 taken back Advertising          ana"""

AT_60_PLAIN = """\
 Budget  $10,000  lines plan $9,827                   * LIVE
 ####-...  # $4,590 spent  - $1,200 promised  . $4,210 left
                      Planned  Promised     Spent      Left
 Infrastructure        $2,000      $600      $490      $910
   Supabase Pro           $75         -       $25       $50
   X CDN and edge,~      $600      $600      $465     -$465
 X Marketing, over     $3,000      $600    $4,100   -$1,700
   X Advertising,~     $1,500      $600    $4,100   -$3,200
   Press kit                -         -         -         -

 Recurring charges  1 due so far, $25
 Thu 25 Feb       $25 Supabase Pro

 Entries
 Tue 2 Feb     $4,100 spent      Advertising          ana~"""


def drawn(view: BudgetView, choices: Choices | None = None, size: Size = PANE) -> str:
    """The pane's text."""
    return picture(budget.paint(replace(ROOM, budget=view), Brush(size, choices or Choices())), size)


def test_at_80_columns() -> None:
    assert drawn(BUDGET) == AT_80


def test_at_60_columns_in_plain_characters_the_bars_make_room() -> None:
    size = Size(60, 15)
    assert picture(budget.paint(ROOM, Brush(size, glyphs=ASCII)), size) == AT_60_PLAIN


def test_row_keys() -> None:
    keys = [key for key in budget.paint(ROOM, Brush(PANE)).keys if key]
    assert keys[:3] == ["category:infra", "line:supabase", "line:cdn"]
    assert keys[-3:] == ["entry:s-3", "entry:s-2", "entry:s-1"]


def test_an_overspent_whole_says_by_how_much() -> None:
    over = replace(BUDGET, left=Decimal("-120.50"), actual=Decimal("8920.50"))
    assert "✖ $120.50 over" in drawn(over)
    assert "left" not in drawn(over).splitlines()[1]


def test_what_nobody_tells_is_not_drawn_as_zero() -> None:
    text = drawn(replace(BUDGET, freshness=Freshness.OFF))
    assert "▲ no source tells what was promised and spent" in text
    assert "$4,210 left" not in text
    assert "$4,210? left" in drawn(replace(BUDGET, freshness=Freshness.STALE))


def test_charges_beyond_the_next_four_are_summed() -> None:
    charges = tuple(ChargeView(date(2027, 3, day), "cdn", f"Charge {day}", Decimal(10), False) for day in range(1, 8))
    text = drawn(replace(BUDGET, charges=charges), size=Size(80, 40))
    assert "Charge 4" in text
    assert "Charge 5" not in text
    assert "$30 in 3 more until 7 Mar" in text


def test_an_entry_on_a_line_that_the_plan_does_not_have_is_marked() -> None:
    stray = Spend("s-9", "beer", Decimal(40), "actual", date(2027, 2, 2), "", "bo")
    text = drawn(replace(BUDGET, entries=(stray,), stray=(stray,)))
    assert "▲ no such line" in text
    assert "beer" in text


def test_the_filter_keeps_a_line_with_its_category() -> None:
    sheet = budget.paint(ROOM, Brush(PANE, Choices(filter="cdn")))
    assert [key for key in sheet.keys if key] == ["category:infra", "line:cdn", "entry:s-2"]


def test_a_plan_without_a_budget_says_how_to_get_one() -> None:
    assert "[budget]" in picture(budget.paint(EMPTY, Brush(PANE)))


def test_no_sum_is_cut_within_its_digits() -> None:
    large = Decimal("101007.35")
    lines = tuple(replace(line, actual=large) for line in BUDGET.categories[0].lines)
    category = replace(BUDGET.categories[0], actual=large, left=-large * 100, lines=lines)
    view = replace(
        BUDGET, total=large * 100, actual=large * 90, committed=large, left=large * 9, categories=(category,)
    )
    text = drawn(view, size=Size(80, 40))
    assert "$101,007 " in text
    assert "-$10.1M" in text
    assert "$9,090,661.50 spent" in text
    assert "$9,090,661 spent" in drawn(view, size=Size(62, 40))
    assert "$9M spent" in drawn(view, size=Size(50, 40))
    assert "$" not in "".join(word for word in text.split() if "…" in word)

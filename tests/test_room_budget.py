"""The money adds up exactly, to the cent, whatever is entered, taken back or strays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console.facts import Facts, Freshness, Spend
from repz_console.plan.model import Plan
from repz_console.room import budget
from repz_console.room.views import BudgetView
from tests.support import rooms
from tests.support.rooms import Making


def seen(making: Making) -> BudgetView:
    view = making.view().budget
    assert view is not None
    return view


def spend(identity: str, line: str, amount: str, kind: str = "actual", *, voided: bool = False) -> Spend:
    assert kind in ("actual", "committed")
    on = date(2027, 2, 1)
    return Spend(identity, line, Decimal(amount), "actual" if kind == "actual" else "committed", on, "", "ana", voided)


def test_stated_and_planned_sums_are_kept_apart() -> None:
    view = seen(Making())
    infrastructure = view.categories[0]
    assert (infrastructure.stated, infrastructure.planned) == (Decimal(2000), Decimal(1827))
    assert (view.total, view.planned) == (Decimal(10000), Decimal(9827))
    assert view.freshness is Freshness.OFF


def test_entries_count_on_their_line_category_and_in_the_whole() -> None:
    view = seen(Making().running())
    marketing = next(each for each in view.categories if each.id == "marketing")
    ads = next(each for each in marketing.lines if each.id == "ads")
    assert (ads.planned, ads.committed, ads.actual) == (Decimal(1500), Decimal(1200), Decimal("99.99"))
    assert ads.left == Decimal("200.01")
    assert marketing.left == Decimal(3000) - Decimal("1299.99")
    assert (view.committed, view.actual) == (Decimal(1200), Decimal("248.99"))
    assert view.left == Decimal("8551.01")
    assert (view.freshness, view.writable) == (Freshness.LIVE, "ledger")


def test_what_was_taken_back_stays_listed_and_counts_nothing() -> None:
    view = seen(Making().running())
    assert [entry.id for entry in view.entries] == ["ledger:s4", "ledger:s3", "ledger:s1", "ledger:s2"]
    assert view.entries[0].voided
    operations = next(line for each in view.categories for line in each.lines if line.id == "content")
    assert (operations.actual, operations.left) == (Decimal(0), Decimal(500))


def test_a_line_without_a_figure_has_nothing_left_to_tell() -> None:
    making = Making().answered("ledger", Facts(spend=(spend("s1", "scaling", "10.50"),)))
    scaling = next(line for each in seen(making).categories for line in each.lines if line.id == "scaling")
    assert (scaling.planned, scaling.actual, scaling.left) == (None, Decimal("10.50"), None)


def test_strays_count_in_the_whole_but_in_no_category() -> None:
    making = Making().answered("ledger", Facts(spend=(spend("s1", "yacht", "700"),)))
    view = seen(making)
    assert [entry.line for entry in view.stray] == ["yacht"]
    assert view.left == Decimal(9300)
    assert all(category.actual == 0 for category in view.categories)


def test_several_books_are_one_budget() -> None:
    making = Making().answered("ledger", Facts(spend=(spend("a", "ads", "1"),)), seconds=1)
    making.answered("web", Facts(spend=(spend("b", "ads", "2", "committed"),)), seconds=100)
    view = seen(making)
    assert (view.actual, view.committed, view.freshness) == (Decimal(1), Decimal(2), Freshness.DOWN)


def _monthly(plan: Plan, first: date) -> Plan:
    """The plan with its first day moved."""
    return replace(plan, task=(replace(plan.task[0], start=first), *plan.task[1:]))


def test_charges_come_monthly_from_the_first_day_clamped_to_the_months_end() -> None:
    view = seen(Making(_monthly(rooms.plan(), date(2026, 12, 31))))
    days = [charge.on for charge in view.charges if charge.line == "supabase"]
    assert days == [date(2026, 12, 31), date(2027, 1, 31), date(2027, 2, 28)]
    assert [charge.due for charge in view.charges if charge.line == "supabase"] == [True, True, False]
    assert view.next_change == datetime(2027, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2027, 2, 28, 4, 59, 59, tzinfo=UTC), False),
        (datetime(2027, 2, 28, 5, tzinfo=UTC), True),
    ],
)
def test_a_charge_is_due_with_its_day_in_the_plans_zone(now: datetime, due: bool) -> None:
    plan = _monthly(rooms.plan(), date(2026, 12, 31))
    making = Making(replace(plan, launch=replace(plan.launch, zone="America/New_York")), now=now)
    assert seen(making).charges[-1].due is due


money = st.decimals(min_value=-100_000, max_value=100_000, places=2)
entries = st.lists(
    st.builds(
        Spend,
        id=st.uuids().map(str),
        line=st.sampled_from(["ads", "supabase", "scaling", "yacht"]),
        amount=money,
        kind=st.sampled_from(["committed", "actual"]),
        on=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
        voided=st.booleans(),
    ),
    max_size=30,
)


@given(st.lists(entries, max_size=3))
def test_every_cent_is_counted_once(books: list[list[Spend]]) -> None:
    plan = rooms.plan()
    view = budget.build(plan, [tuple(book) for book in books], Freshness.LIVE, "", rooms.NOW)
    assert view is not None
    counted = [entry for book in books for entry in book if not entry.voided]
    cents = sum(int(entry.amount * 100) for entry in counted)
    assert (view.committed + view.actual) * 100 == cents
    assert view.left == view.total - view.committed - view.actual
    strays = budget.sums(view.stray)
    assert sum(each.committed + each.actual for each in view.categories) + strays.both == view.committed + view.actual
    for category in view.categories:
        assert category.committed == sum(line.committed for line in category.lines)
        assert category.left == category.stated - category.committed - category.actual

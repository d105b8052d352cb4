"""Sums and dated charges, to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from repz_console import config
from repz_console.plan import money
from repz_console.plan.days import months_after
from repz_console.plan.hashing import part_hash
from repz_console.plan.model import Budget, BudgetCategory, BudgetLine
from tests.support.configs import small

CENTS = st.decimals(0, 10**9, places=2)


def test_the_repz_budget_as_its_lines_have_it() -> None:
    plan = config.load(Path(__file__).parent.parent / "config.toml").plan
    assert plan.budget is not None
    assert [money.lines_total(category) for category in plan.budget.category] == [1827, 3000, 2000, 0]
    assert money.stated_total(plan.budget) == plan.budget.total == 10000
    assert money.planned_total(plan.budget) == 9827
    assert [money.is_priced(category) for category in plan.budget.category] == [True, True, True, False]


def test_charges_fall_a_month_apart_from_the_first_day() -> None:
    plan = small()
    assert [(charge.on, charge.line, charge.amount, charge.number) for charge in money.charges(plan)] == [
        (date(2027, 6, 7), "host", Decimal("100.5"), 1),
        (date(2027, 7, 7), "host", Decimal("100.5"), 2),
    ]
    assert money.charges(replace(plan, budget=None)) == ()


def test_a_month_without_the_day_takes_its_last() -> None:
    days = [months_after(date(2027, 1, 31), month) for month in range(14)]
    assert days[1] == date(2027, 2, 28)
    assert days[3] == date(2027, 4, 30)
    assert days[13] == date(2028, 2, 29)


def test_a_price_with_cents_stays_exact() -> None:
    line = small().budget.category[0].line[0]  # type: ignore[union-attr]  # the small plan has a budget
    assert line.monthly == Decimal("100.5")
    assert money.line_total(line) == Decimal("201.0")


@given(st.lists(st.lists(st.one_of(st.none(), CENTS, st.tuples(CENTS, st.integers(1, 36))), max_size=4), max_size=4))
def test_planned_is_lines_where_priced_else_the_heading(shape: list[list[object]]) -> None:
    categories = []
    expected = Decimal(0)
    for number, prices in enumerate(shape):
        lines = []
        for index, price in enumerate(prices):
            if isinstance(price, tuple):
                lines.append(BudgetLine(id=f"{number}-{index}", title="", monthly=price[0], months=price[1]))
                expected += price[0] * price[1]
            elif isinstance(price, Decimal):
                lines.append(BudgetLine(id=f"{number}-{index}", title="", amount=price))
                expected += price
            else:
                lines.append(BudgetLine(id=f"{number}-{index}", title=""))
        if all(price is None for price in prices):
            expected += 7
        categories.append(BudgetCategory(id=str(number), title="", amount=Decimal(7), line=tuple(lines)))
    budget = Budget(currency="USD", total=Decimal(1), category=tuple(categories))
    assert money.planned_total(budget) == expected
    assert money.stated_total(budget) == 7 * len(shape)
    plan = replace(small(), budget=budget)
    charged = sum((charge.amount for charge in money.charges(plan)), Decimal(0))
    recurring = sum(
        (money.line_total(line) or Decimal(0) for _, line in money.lines(budget) if line.monthly is not None),
        Decimal(0),
    )
    assert charged == recurring


def test_a_parts_hash_changes_with_that_part_alone() -> None:
    plan = small()
    other = small(**{"percent = 50": "percent = 60"})
    for part in ("rollout.production", "rollout", ""):
        assert part_hash(plan, part) != part_hash(other, part)
    for part in ("launch", "budget", "bug_rule", "source.flags"):
        assert part_hash(plan, part) == part_hash(other, part)
    assert part_hash(plan, "launch") != part_hash(plan, "budget")


def test_layout_does_not_change_a_hash() -> None:
    text = "[[region]]\nid = 'x'\ntitle = 'X'\ncountries = ['DE']\n"
    other = "# a remark\n[[region]]\ncountries = [\n  'DE',\n]\ntitle = 'X'\nid = 'x'\n"
    assert part_hash(small(text), "region") == part_hash(small(other), "region")


def test_a_part_that_is_not_there_is_an_error() -> None:
    for part in ("rollout.beta", "nothing", "launch.name.x"):
        try:
            part_hash(small(), part)
        except KeyError:
            continue
        raise AssertionError(part)

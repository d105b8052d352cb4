"""The kinds that fold the journal: checklist ticks, local bugs, and the spend book."""

from __future__ import annotations

import string
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.events import (
    BugChanged,
    BugFiled,
    ItemTicked,
    NoteAdded,
    SpendAdded,
    SpendVoided,
    TaskProgressed,
    Unknown,
)
from repz_console.facts import Facts
from repz_console.providers.base import ProviderError
from repz_console.providers.keys import new_key
from repz_console.providers.ledger import MOST, Ledger, money
from repz_console.providers.local import Local
from repz_console.providers.plan import Plan
from tests.support.providers import START, entries, provider

TODAY = date(2027, 2, 3)


@pytest.fixture
def bugs(tmp_path: Path) -> Local:
    made: Local = provider("local", tmp_path, "bugs")
    return made


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    made: Ledger = provider("ledger", tmp_path, "book")
    return made


def test_the_last_tick_counts(tmp_path: Path) -> None:
    plan: Plan = provider("plan", tmp_path)
    plan.fold(entries(ItemTicked("deploy/dns", "done"), ItemTicked("deploy/tls", "n/a", note="managed")))
    plan.fold(entries(ItemTicked("deploy/dns", "open"), TaskProgressed("beta", 40), user="ole", first=3))
    facts = plan.facts()
    assert facts.ticks is not None
    assert {(tick.item, tick.state, tick.who) for tick in facts.ticks} == {
        ("deploy/dns", "open", "ole"),
        ("deploy/tls", "n/a", "maya"),
    }
    assert facts.progress is not None
    assert [(each.task, each.percent) for each in facts.progress] == [("beta", 40)]


@pytest.mark.parametrize("percent", [float("nan"), -1, 101])
def test_progress_that_is_none_is_passed_over(tmp_path: Path, percent: float) -> None:
    plan: Plan = provider("plan", tmp_path)
    plan.fold(entries(TaskProgressed("beta", percent)))
    assert plan.facts().progress == ()


def test_a_bug_is_filed_changed_resolved_and_opened_again(bugs: Local) -> None:
    filed = bugs.filed("  Checkout\x1b[31m fails ", "p1", note="since noon")
    assert isinstance(filed, BugFiled)
    bugs.fold(entries(filed))
    bug = (bugs.facts().bugs or ())[0]
    assert bug.id == f"bugs:{filed.bug}"
    assert "\x1b" not in bug.title
    assert (bug.priority, bug.state, bug.reporter, bug.note) == ("P1", "open", "maya", "since noon")
    for seq, fields in enumerate([{"priority": "P0"}, {"state": "resolved"}, {"state": "open", "assignee": "ole"}], 2):
        bugs.fold(entries(bugs.changed(bug.id, **fields), user="ole", first=seq))
        changed = (bugs.facts().bugs or ())[0]
        assert {name: getattr(changed, name) for name in fields} == fields
    assert changed.opened_at == bug.opened_at < changed.changed_at
    assert (changed.priority, changed.reporter) == ("P0", "maya")


def test_a_bug_is_named_by_its_key_in_any_case(bugs: Local) -> None:
    filed = bugs.filed("Slow", "P3")
    assert isinstance(filed, BugFiled)
    bugs.fold(entries(filed))
    changed = bugs.changed(filed.bug.lower(), title="Slower", priority="P3")
    assert changed == BugChanged("bugs", filed.bug, title="Slower")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"priority": "P9"}, "one of P0"),
        ({"state": "wontfix"}, "open or resolved"),
        ({"title": " "}, "needs a title"),
        ({"colour": "red"}, "no 'colour'"),
        ({"priority": "P3"}, "nothing to change"),
        ({}, "nothing to change"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(bugs: Local, fields: dict[str, str], why: str) -> None:
    filed = bugs.filed("Slow", "P3")
    assert isinstance(filed, BugFiled)
    bugs.fold(entries(filed))
    with pytest.raises(ProviderError, match=why):
        bugs.changed(filed.bug, **fields)


def test_a_bug_that_is_not_there_cannot_be_changed_and_such_an_entry_is_passed_over(bugs: Local) -> None:
    with pytest.raises(ProviderError, match="no bug"):
        bugs.changed("B0000", state="resolved")
    bugs.fold(entries(BugChanged("bugs", "B0000", state="resolved"), BugFiled("others", "B1", "x", "P0")))
    assert bugs.facts() == Facts(bugs=())


def test_two_bugs_under_one_key_are_both_kept(bugs: Local) -> None:
    bugs.fold(entries(BugFiled("bugs", "B2", "first", "P0"), BugFiled("bugs", "B2", "second", "P1")))
    bugs.fold(entries(BugChanged("bugs", "B2", state="resolved"), first=3))
    bugs.fold(entries(bugs.changed("B2-2", state="resolved"), first=4))
    assert [(bug.id, bug.title, bug.state) for bug in bugs.facts().bugs or ()] == [
        ("bugs:B2", "first", "resolved"),
        ("bugs:B2-2", "second", "resolved"),
    ]


def test_a_new_key_avoids_those_taken_and_has_no_letters_that_look_alike() -> None:
    keys: set[str] = set()
    for _ in range(2000):
        keys.add(new_key("B", keys))
    assert len(keys) == 2000
    assert not set("".join(keys)) & set("01ILOU" + string.ascii_lowercase)


def test_spend_is_added_and_taken_back(book: Ledger) -> None:
    added = book.added("hosting", "$1,250.5", entry="Actual", on="2027-02-01", today=TODAY, note="February")
    assert isinstance(added, SpendAdded)
    assert (added.amount, added.entry, added.on) == (Decimal("1250.50"), "actual", date(2027, 2, 1))
    book.fold(entries(added))
    spend = (book.facts().spend or ())[0]
    assert (spend.id, spend.line, spend.who, spend.voided) == (f"book:{added.spend}", "hosting", "maya", False)
    book.fold(entries(book.voided(spend.id, "twice"), first=2))
    assert (book.facts().spend or ())[0].voided
    with pytest.raises(ProviderError, match="taken back before"):
        book.voided(spend.id, "again")
    with pytest.raises(ProviderError, match="no entry"):
        book.voided("S0000", "")


@pytest.mark.parametrize(
    ("line", "amount", "entry", "on", "why"),
    [
        ("hostin", "1", "actual", "2027-02-01", "nearest is hosting"),
        ("hosting", "1", "spent", "2027-02-01", "committed or actual"),
        ("hosting", "1", "actual", "01/02/2027", "no date"),
        ("hosting", "1", "actual", "20270201", "no date"),
        ("hosting", "1", "actual", "2027-02-30", "no date"),
    ],
)
def test_spend_that_makes_no_sense_is_refused(
    book: Ledger, line: str, amount: str, entry: str, on: str, why: str
) -> None:
    with pytest.raises(ProviderError, match=why):
        book.added(line, amount, entry=entry, on=on, today=TODAY)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (TODAY, "2026-01-31", "2028-02-06"),
        (date(2026, 12, 1), "2025-11-30", "2028-02-06"),
        (date(2029, 6, 1), "2026-01-31", "2030-06-02"),
    ],
)
def test_a_day_far_from_today_and_from_the_plan_is_a_slip(book: Ledger, today: date, first: str, last: str) -> None:
    def enter(on: date) -> None:
        book.added("hosting", "1", entry="actual", on=on.isoformat(), today=today)

    day = timedelta(days=1)
    enter(date.fromisoformat(first))
    enter(today)
    enter(date.fromisoformat(last))
    for far in (date.fromisoformat(first) - day, date.fromisoformat(last) + day, date.max, date(1999, 1, 1)):
        with pytest.raises(ProviderError, match=f"{far} is more than 366 days .* the plan, 2027-02-01 to 2027-02-05"):
            enter(far)


def test_a_taking_back_of_nothing_and_an_amount_that_is_none_are_passed_over(book: Ledger) -> None:
    book.fold(entries(SpendVoided("book", "S1"), SpendVoided("others", "S1")))
    book.fold(entries(SpendAdded("book", "S1", "hosting", Decimal("NaN"), "actual", date(2027, 2, 1)), first=3))
    assert book.facts().spend == ()


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1250", "1250"), ("1,250.00", "1250"), ("$12.5", "12.5"), ("-30", "-30"), ("-$30", "-30"), ("$-30", "-30")],
)
def test_money_as_people_write_it(typed: str, amount: str) -> None:
    assert money(f" {typed} ") == Decimal(amount)


@pytest.mark.parametrize(
    "typed",
    [
        *("NaN", "inf", "-Infinity", "1e3", "1_000", "0x10", "٣", "12 50", "", ".", "-", "$", "+5", "-$-5"),
        *("0", "0.00", "1.234", "12,50", "1,2345", ",5", "1.000,00", "1000000000.01", "9" * 400),
    ],
)
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(ProviderError):
        money(typed)


@given(st.decimals(-MOST, MOST, places=2).filter(bool), st.booleans())
def test_money_survives_being_written(amount: Decimal, grouped: bool) -> None:
    assert money(f"{amount:,}" if grouped else str(amount)) == amount


@given(st.text(max_size=30))
def test_money_is_an_amount_or_a_complaint(typed: str) -> None:
    try:
        amount = money(typed)
    except ProviderError:
        return
    assert amount.is_finite()
    assert amount.as_tuple().exponent == -2


@pytest.mark.parametrize("kind", ["plan", "local", "ledger"])
def test_facts_stay_the_same_object_until_something_relevant_comes(tmp_path: Path, kind: str) -> None:
    reader = provider(kind, tmp_path, "mine")
    before = reader.facts()
    reader.fold(entries(NoteAdded("hello"), Unknown("poll.opened"), BugFiled("x", "B2", "", "P0")))
    assert reader.facts() is before
    reader.fold(
        entries(
            ItemTicked("a/b", "done"),
            BugFiled("mine", "B2", "t", "P0"),
            SpendAdded("mine", "S2", "hosting", Decimal(1), "actual", START.date()),
            first=4,
        )
    )
    assert reader.facts() is not before
    assert reader.facts() is reader.facts()

"""The Budget tab: what is planned, promised, spent and left, by category and line; charges to come; entries.

Row keys: `category:ID`, `line:ID`, `entry:ID`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from repz_console.facts import Freshness, Spend
from repz_console.room.views import BudgetView, CategoryView, ChargeView, LineView, RoomView
from repz_console.tui.paint.base import Brush, Glyphs, Line, Sheet, Span
from repz_console.tui.paint.format import bar, cell_width, fit, line_width, money, money_fit, money_short, spread
from repz_console.tui.paint.rows import Cell, Rows, columns, matches
from repz_console.tui.paint.times import day, weekday
from repz_console.tui.paint.words import TRUSTED, chip, signed

_SUM, _BAR_FROM = 9, 72
_CHARGES = 4
"""Charges shown before the entries; the others stand in the plan."""


def paint(view: RoomView, brush: Brush) -> Sheet:
    """The money. The totals and the column heads stay in place."""
    budget, glyphs = view.budget, brush.glyphs
    rows = Rows(brush.size.width, glyphs)
    if budget is None:
        right = chip(Freshness.OFF, (), view, glyphs)
        rows.add(spread(((" Budget", "strong"),), right, rows.width, glyphs.ellipsis))
        rows.text("The plan has no budget. Add a [budget] table to config.toml.", "muted")
        return rows.sheet(1)
    words = brush.choices.filter
    rows.add(_header(view, budget, brush))
    rows.add(_total(budget, brush))
    rows.add(_heads(rows.width, glyphs))
    for category in budget.categories:
        lines = [line for line in category.lines if matches(words, line.title, line.id, category.title)]
        if lines or matches(words, category.title, category.id):
            rows.add(_category(category, budget, rows.width, glyphs), f"category:{category.id}")
        for line in lines:
            rows.add(_line(line, budget, rows.width, glyphs), f"line:{line.id}")
    charges = [charge for charge in budget.charges if matches(words, charge.title, charge.line)]
    if charges:
        _charges(rows, charges, budget)
    titles = {line.id: line.title for category in budget.categories for line in category.lines}
    stray = {spend.id for spend in budget.stray}
    entries = [
        spend for spend in budget.entries if matches(words, titles.get(spend.line, spend.line), spend.note, spend.who)
    ]
    rows.blank()
    rows.title("Entries", "" if entries else "none" + (", n enters one" if budget.writable else ""))
    for spend in entries:
        title = titles.get(spend.line, spend.line)
        rows.add(_entry(spend, title, spend.id in stray, budget, rows.width, glyphs), f"entry:{spend.id}")
    return rows.sheet(3)


def _header(view: RoomView, budget: BudgetView, brush: Brush) -> Line:
    ids = {source.id for source in view.sources.sources if source.kind == "ledger"} | {budget.writable}
    right = chip(budget.freshness, ids, view, brush.glyphs)
    left: list[Span] = [(" Budget", "strong"), (f"  {money(budget.total, budget.currency)}", "text")]
    filtered = f"  filter: {brush.choices.filter}" if brush.choices.filter else ""
    planned = f"  lines plan {money(budget.planned, budget.currency)}"
    room = brush.size.width - line_width((*left, *right)) - cell_width(filtered)
    if budget.planned != budget.total and cell_width(planned) < room:
        left.append((planned, "muted"))
    left.append((filtered, "accent"))
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


def _share(part: Decimal, whole: Decimal) -> float:
    return float(part / whole) if whole > 0 else float(part > 0)


def _parts(
    actual: Decimal, committed: Decimal, whole: Decimal, over: bool, glyphs: Glyphs
) -> list[tuple[float, str, str]]:
    role = "bad" if over else "bar"
    return [(_share(actual, whole), glyphs.full, role), (_share(committed, whole), glyphs.half, "mark")]


def _total(budget: BudgetView, brush: Brush) -> Line:
    glyphs, over = brush.glyphs, budget.left < 0
    if budget.freshness is Freshness.OFF:
        return ((" ", "text"), signed("warn", "no source tells what was promised and spent", glyphs))
    for form in (money, _whole, money_short):
        parts = _totals(budget, glyphs, form)
        if line_width(parts) < brush.size.width:
            break
    room = brush.size.width - 1 - line_width(parts) - 3
    if room < 6:
        return ((" ", "text"), *parts)
    filled = bar(_parts(budget.actual, budget.committed, budget.total, over, glyphs), room, glyphs.track)
    return ((" ", "text"), *filled, ("  ", "text"), *parts)


def _whole(amount: Decimal, currency: str) -> str:
    """An amount without its cents."""
    return money(Decimal(int(amount)), currency)


def _totals(budget: BudgetView, glyphs: Glyphs, form: Callable[[Decimal, str], str]) -> list[Span]:
    over, doubt = budget.left < 0, "" if budget.freshness in TRUSTED else "?"
    parts: list[Span] = [
        (f"{glyphs.full} ", "bad" if over else "bar"),
        (f"{form(budget.actual, budget.currency)}{doubt} spent  ", "text"),
        (f"{glyphs.half} ", "mark"),
        (f"{form(budget.committed, budget.currency)}{doubt} promised  ", "text"),
    ]
    if over:
        return [*parts, (f"{glyphs.bad} {form(-budget.left, budget.currency)}{doubt} over", "bad")]
    return [*parts, (f"{glyphs.track} ", "track"), (f"{form(budget.left, budget.currency)}{doubt} left", "strong")]


def _bar_width(width: int) -> int:
    return 0 if width < _BAR_FROM else min(24, (width - 60) // 2 + 4)


def _title_width(width: int) -> int:
    bars = _bar_width(width)
    return max(8, width - 2 - 4 * (_SUM + 1) - (bars + 1 if bars else 0))


def _heads(width: int, glyphs: Glyphs) -> Line:
    cells = [Cell("", _title_width(width), "muted"), Cell("", _bar_width(width))]
    cells += [Cell(word, _SUM, "muted", right=True) for word in ("Planned", "Promised", "Spent", "Left")]
    return columns(cells, glyphs)


def _sums(sums: tuple[Decimal | None, ...], left_role: str, budget: BudgetView) -> list[Cell]:
    planned, committed, actual, left = sums
    if budget.freshness is Freshness.OFF:
        committed, actual, left = None, None, None

    def said(amount: Decimal | None) -> str:
        return "-" if amount is None else money_fit(amount, budget.currency, _SUM)

    return [
        Cell(said(planned), _SUM, "text" if planned is not None else "muted", right=True),
        Cell(said(committed or None), _SUM, "text" if committed else "muted", right=True),
        Cell(said(actual or None), _SUM, "text" if actual else "muted", right=True),
        Cell(said(left), _SUM, left_role if left is not None else "muted", right=True),
    ]


def _row(title: Cell, filled: Line, sums: list[Cell], width: int, glyphs: Glyphs) -> Line:
    before = columns([title], glyphs)
    after = columns(sums, glyphs)
    return (*before, (" ", "text"), *filled, *after) if _bar_width(width) else (*before, *after)


def _category(category: CategoryView, budget: BudgetView, width: int, glyphs: Glyphs) -> Line:
    over = category.left < 0
    parts = _parts(category.actual, category.committed, category.stated, over, glyphs)
    title = f"{glyphs.bad} {category.title}, over" if over else category.title
    sums = (category.stated, category.committed, category.actual, category.left)
    cell = Cell(title, _title_width(width), "bad" if over else "title")
    filled = bar(parts, _bar_width(width), glyphs.track)
    return _row(cell, filled, _sums(sums, "bad" if over else "strong", budget), width, glyphs)


def _line(line: LineView, budget: BudgetView, width: int, glyphs: Glyphs) -> Line:
    over = line.left is not None and line.left < 0
    role = "bad" if over else "text"
    title = f"  {glyphs.bad} {line.title}, over" if over else f"  {line.title}"
    sums = _sums((line.planned, line.committed, line.actual, line.left), role, budget)
    if line.planned is None:
        blank: Line = ((fit("no figure", _bar_width(width)), "muted"),)
        return _row(Cell(title, _title_width(width), role), blank, sums, width, glyphs)
    parts = _parts(line.actual, line.committed, line.planned, over, glyphs)
    filled = bar(parts, _bar_width(width), glyphs.track)
    return _row(Cell(title, _title_width(width), role), filled, sums, width, glyphs)


def _charges(rows: Rows, charges: list[ChargeView], budget: BudgetView) -> None:
    """The charges to come, soonest first, after the sum of those whose day has come."""
    coming = sorted((charge for charge in charges if not charge.due), key=lambda charge: charge.on)
    due = [charge for charge in charges if charge.due]
    note = f"{len(due)} due so far, {money(sum((charge.amount for charge in due), Decimal(0)), budget.currency)}"
    rows.blank()
    rows.title("Recurring charges", note)
    for charge in coming[:_CHARGES]:
        cells = (
            Cell(weekday(charge.on), 10, "muted"),
            Cell(money_fit(charge.amount, budget.currency, _SUM), _SUM, right=True),
            Cell(charge.title, max(8, rows.width - 25)),
        )
        rows.add(columns(cells, rows.glyphs))
    if len(coming) > _CHARGES:
        rest = coming[_CHARGES:]
        total = money(sum((charge.amount for charge in rest), Decimal(0)), budget.currency)
        rows.text(f"{'and':<10} {total:>{_SUM}} in {len(rest)} more until {day(rest[-1].on)}", "muted")


def _entry(spend: Spend, title: str, stray: bool, budget: BudgetView, width: int, glyphs: Glyphs) -> Line:
    kind = "promised" if spend.kind == "committed" else "spent"
    state = "taken back" if spend.voided else f"{glyphs.warn} no such line" if stray else kind
    role = "muted" if spend.voided else "text"
    titles, who = (24, 10) if width >= 100 else (20, 8)
    cells = (
        Cell(weekday(spend.on), 10, "muted"),
        Cell(money_fit(spend.amount, budget.currency, _SUM), _SUM, role, right=True),
        Cell(state, 10 if not stray else 14, "warn" if stray else "muted"),
        Cell(title, titles, role),
        Cell(spend.who, who, "muted"),
        Cell(spend.note, max(0, width - 1 - 11 - (_SUM + 1) - 11 - (titles + 1) - (who + 1)), "muted"),
    )
    return columns(cells, glyphs)

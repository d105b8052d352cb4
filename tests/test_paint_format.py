"""Values as short text, and text by the cells it takes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from repz_console.facts import Exposure
from repz_console.text import safe
from repz_console.tui.paint import format as f
from repz_console.tui.paint.base import ASCII, BLOCKS, text_of

REGIONS = (("us", "United States"), ("ca", "Canada"), ("uk", "United Kingdom"))
texts = st.text(st.sampled_from("ab c1é\u0301日本語한…●▲👍🏽❤\ufe0f🇩ก็"), max_size=30).map(safe)


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("👍🏽", 2), ("❤\ufe0f", 2), ("1\ufe0f\u20e3", 2), ("한국", 4)],
)
def test_width_counts_cells(text: str, width: int) -> None:
    assert f.cell_width(text) == width


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cn", "Co", "Cf", "So", "No", "Sk")), max_size=12))
def test_width_agrees_with_what_draws_the_cells(text: str) -> None:
    assert f.cell_width(safe(text)) == cell_len(safe(text))


@given(texts, st.integers(0, 20))
def test_cut_text_fits_and_begins_as_it_did(text: str, width: int) -> None:
    shown = f.cut(text, width)
    assert f.cell_width(shown) <= width
    if f.cell_width(text) <= width:
        assert shown == text
    else:
        assert text.startswith(shown.removesuffix("…").rstrip())


@given(texts, st.integers(0, 20))
def test_fitted_text_takes_exactly_its_column(text: str, width: int) -> None:
    assert f.cell_width(f.fit(text, width)) == width
    assert f.cell_width(f.fit_right(text, width)) == width


@given(st.lists(st.tuples(texts, st.just("text")), max_size=6), st.integers(0, 30))
def test_lines_are_cut_and_padded_to_cells(line: list[tuple[str, str]], width: int) -> None:
    assert f.line_width(f.clip(line, width)) <= width
    assert f.line_width(f.pad(line, width)) == width
    assert f.line_width(f.spread(line, (("end", "muted"),), width)) <= max(width, 0)


def test_a_line_cut_between_spans_still_shows_that_it_was_cut() -> None:
    assert text_of(f.clip((("abcde", "text"), ("fgh", "bad")), 5)) == "abcd…"
    assert text_of(f.clip((("abc", "text"), ("fgh", "bad")), 5)) == "abcf…"
    assert text_of(f.clip((("abcde", "text"), ("", "bad")), 5)) == "abcde"


def test_the_end_of_a_line_is_kept_when_its_beginning_is_cut() -> None:
    assert text_of(f.spread((("a long beginning", "text"),), (("LIVE", "ok"),), 12)) == "a long… LIVE"
    assert text_of(f.spread((("ab", "text"),), (("LIVE", "ok"),), 10)) == "ab    LIVE"


def test_wrapped_text_breaks_between_words_and_is_cut_at_the_last_line() -> None:
    assert f.wrap("one two three four", 9, 5) == ["one two", "three", "four"]
    assert f.wrap("one two three four", 9, 2) == ["one two", "three fo…"]
    assert f.wrap("unbreakable", 4, 5) == ["unbr", "eaka", "ble"]
    assert f.wrap("", 4, 5) == []


@given(texts, st.integers(2, 20), st.integers(1, 5))
def test_wrapped_text_fits(text: str, width: int, most: int) -> None:
    pieces = f.wrap(text, width, most)
    assert len(pieces) <= most
    assert all(f.cell_width(piece) <= width for piece in pieces)


@pytest.mark.parametrize(
    ("value", "text"),
    [(40.0, "40 %"), (12.5, "12.5 %"), (0.0, "0 %"), (99.95, "99.95 %"), (100.0, "100 %"), (33.333, "33.33 %")],
)
def test_percent(value: float, text: str) -> None:
    assert f.percent(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (184.0, "ms", "184 ms"),
        (212.44, "ms", "212.4 ms"),
        (0.04, "%", "0.04 %"),
        (1_204_000.0, "", "1,204,000"),
        (1_200_000.0, "B/s", "1.2 MB/s"),
        (512.0, "B", "512 B"),
        (25_000.0, "$", "$25,000"),
        (-12.5, "$", "-$12.5"),
        (-0.001, "%", "0 %"),
        (23.0, "days", "23 days"),
        (90.0, "s", "90 s"),
        (12600.0, "s", "3.5 h"),
        (6205680.0, "s", "71.8 days"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert f.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text", "short"),
    [
        ("1827", "USD", "$1,827", "$1.8k"),
        ("464.99", "USD", "$464.99", "$464"),
        ("-12.5", "USD", "-$12.50", "-$12"),
        ("4210", "CHF", "4,210 CHF", "4.2k CHF"),
        ("2500000", "EUR", "€2,500,000", "€2.5M"),
        ("0", "USD", "$0", "$0"),
    ],
)
def test_money(amount: str, currency: str, text: str, short: str) -> None:
    assert f.money(Decimal(amount), currency) == text
    assert f.money_short(Decimal(amount), currency) == short


@given(st.decimals(min_value=1000, max_value=10**9, places=2))
def test_short_money_never_promises_more_than_there_is(amount: Decimal) -> None:
    short = f.money_short(amount, "USD").removeprefix("$")
    factor = {"k": 1000, "M": 1_000_000}[short[-1]]
    assert Decimal(short[:-1].replace(",", "")) * factor <= amount


def test_regions_are_named_when_they_are_not_all_alike() -> None:
    assert f.regions_of(Exposure({"us": 40, "ca": 40}, ("core",)), REGIONS) == "us ca"
    assert f.regions_of(Exposure({"us": 40, "ca": 20}, ("core",)), REGIONS) == "us:40 ca:20"
    assert f.regions_of(Exposure({"us": 40, "ca": 40, "uk": 40}, ("core",)), REGIONS) == "all regions"
    assert f.regions_of(Exposure({"us": 0}, ("core",)), REGIONS) == "nowhere"
    assert f.regions_of(Exposure({"mars": 5, "uk": 5}, ("core",)), REGIONS) == "uk mars"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], "░░░░░░░░░░"),
        ([0.5], "█████░░░░░"),
        ([0.001], "█░░░░░░░░░"),
        ([1.7], "██████████"),
        ([0.2, 0.3], "██▌▌▌░░░░░"),
    ],
)
def test_bar(parts: list[float], text: str) -> None:
    signs = (BLOCKS.full, BLOCKS.half)
    line = f.bar([(share, sign, "bar") for share, sign in zip(parts, signs, strict=False)], 10, BLOCKS.track)
    assert text_of(line) == text


@given(st.lists(st.tuples(st.floats(-1, 3), st.just("#"), st.just("bar")), max_size=4), st.integers(0, 40))
def test_a_bar_takes_exactly_its_width(parts: list[tuple[float, str, str]], width: int) -> None:
    assert f.line_width(f.bar(parts, width, ".")) == width


def test_spark_lines_show_the_last_values_at_the_right() -> None:
    assert f.spark((1, 2, 3), 5, ASCII) == "  _-^"
    assert f.spark((5, 5), 4, ASCII) == "  __"
    assert f.spark((), 4, ASCII) == "    "
    assert f.spark(tuple(range(20)), 3, ASCII) == "_-^"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.sampled_from(["USD", "CHF"]))
def test_money_in_a_column_keeps_its_digits(amount: Decimal, currency: str) -> None:
    assert f.cell_width(f.money_fit(amount, currency, 9)) <= 9


@pytest.mark.parametrize(
    ("text", "width", "said"),
    [
        ("a: /srv/a/flags.json cannot be read", 80, "a: /srv/a/flags.json cannot be read"),
        ("a: /srv/a/flags.json cannot be read", 30, "a: flags.json cannot be read"),
        ("bad (~/repz/settings.toml)", 10, "bad (settings.toml)"),
        ("https://example.org/a/b/c timed out", 10, "https://example.org/a/b/c timed out"),
        ("flagd/flags/x is odd", 4, "flagd/flags/x is odd"),
    ],
)
def test_a_path_gives_way_to_what_is_said_about_it(text: str, width: int, said: str) -> None:
    assert f.brief(text, width) == said

"""What becomes of outside text, names among it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from repz_console.text import MAX_NAME, identifier, is_identifier, safe
from repz_console.tui.cells import cells_of
from repz_console.tui.paint.format import cell_width
from repz_console.tui.sheet import shown
from tests.support import hostile
from tests.support.configs import SMALL, changed, mistakes

texts = st.text() | st.lists(st.sampled_from(hostile.PAYLOADS)).map("".join)


@given(texts, st.integers(1, 600))
def test_safe_text_is_harmless_short_and_stays_as_it_is(text: str, limit: int) -> None:
    once = safe(text, limit)
    assert hostile.harm(once) == ""
    assert len(once) <= limit
    assert safe(once, limit) == once


@given(texts)
def test_everybody_counts_the_same_columns(text: str) -> None:
    drawn = shown(text)
    assert cell_width(drawn) == cell_len(drawn) == len(cells_of(drawn))


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("Zürich — 日本語 ok", "Zürich — 日本語 ok"),
        ("e\u0301", "é"),
        ("a\u0301\u0302\u0303\u0304b", "á\u0302\u0303b"),
        ("❤\ufe0f 👍🏽", "❤ 👍"),
        ("a\u00a0b\u3000c\td\ne", "a b c d e"),
        ("\u0301x", "\ufffdx"),
        ("\x1b[2J\x7f\x9b", "␛[2J\ufffd\ufffd"),
        ("a\ufe0f" * 3000, "a" * 1024),
    ],
)
def test_what_is_kept(raw: str, kept: str) -> None:
    assert safe(raw, 3000) == kept or safe(raw, 3000).startswith(kept)


@given(st.text(max_size=10), st.text(max_size=10))
def test_two_names_are_never_shown_alike(one: str, other: str) -> None:
    assert (identifier(one) == identifier(other)) is (one == other)


@given(st.text())
def test_a_name_is_plain_ascii(name: str) -> None:
    spelt = identifier(name)
    assert len(spelt) <= MAX_NAME
    assert spelt.removesuffix("…").isascii()
    assert hostile.harm(spelt) == ""
    if is_identifier(name):
        assert spelt == name


@pytest.mark.parametrize("name", ["", "раypal", "a b", "a\u200b", "<U+0041>", "-x", "x" * 101, "a…"])
def test_what_may_not_be_chosen_for_a_change(name: str) -> None:
    assert not is_identifier(identifier(name))


def test_a_plan_whose_names_could_pass_for_others_is_refused() -> None:
    found = mistakes(changed(SMALL, {'users = ["anna"]': 'users = ["\u0430nna"]', '"PRODUCTION"': '"PR\u041eDUCTION"'}))
    assert any("launch.environment" in line and "PR<U+041E>DUCTION" in line for line in found)
    assert any("seat[0].users[0]" in line and "<U+0430>nna" in line for line in found)

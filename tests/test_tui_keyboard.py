"""What the terminal sends by itself never becomes a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.tui.keyboard import MAX_PASTE, PASTE_TIMEOUT, InputFilter

REPLIES = [
    "\x1b]11;rgb:aaaa/bbbb/cccc\x07",
    "\x1b]11;rgb:aaaa/bbbb/cccc\x1b\\",
    "\x1bP>|tmux 3.3a\x1b\\",
    "\x1bP1$r0m\x1b\\",
    "\x1b_Gi=31;OK\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b[?1;2c",
    "\x1b[>41;354;0c",
    "\x1b[?25u",
    "\x1b[?2004;1$y",
]
KEYS = ["a", "!", "\r", "\x1b[A", "\x1b[5~", "\x1b", "\x1bOP", "é", "\x03"]


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_is_taken_out(reply: str) -> None:
    assert InputFilter().feed(f"a{reply}b", 0) == "ab"


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_is_taken_out_wherever_it_is_torn(reply: str) -> None:
    for cut in range(1, len(reply)):
        keyboard = InputFilter()
        assert keyboard.feed(reply[:cut], 0) + keyboard.feed(reply[cut:], 0.01) == "", cut


def test_the_answer_about_synchronised_output_is_let_through() -> None:
    assert InputFilter().feed("\x1b[?2026;2$y", 0) == "\x1b[?2026;2$y"


@given(st.lists(st.sampled_from(KEYS)))
def test_keys_pass_unchanged(keys: list[str]) -> None:
    keyboard = InputFilter()
    passed = "".join(keyboard.feed(key, number) + keyboard.flush(number + 0.5) for number, key in enumerate(keys))
    assert passed == "".join(keys)


def test_alt_with_a_letter_that_begins_replies_comes_after_a_pause() -> None:
    keyboard = InputFilter()
    assert keyboard.feed("\x1bP", 0) == ""
    assert keyboard.waiting
    assert keyboard.flush(0.1) == "\x1bP"


def test_a_reply_that_never_ends_is_dropped() -> None:
    keyboard = InputFilter()
    assert keyboard.feed("\x1b]11;rgb:aa", 0) == ""
    assert keyboard.flush(0.2) == ""
    assert keyboard.feed("q", 1) == "q"


def test_a_paste_keeps_its_text_and_loses_its_escapes() -> None:
    assert InputFilter().feed("\x1b[200~rm\x1b[A\x1b[201~", 0) == "\x1b[200~rm\u241b[A\x1b[201~"


def test_a_paste_torn_in_its_end_mark_ends() -> None:
    keyboard = InputFilter()
    passed = keyboard.feed("\x1b[200~text\x1b[20", 0) + keyboard.feed("1~x", 0.1)
    assert passed == "\x1b[200~text\x1b[201~x"


def test_a_paste_that_never_ends_gives_the_keyboard_back() -> None:
    keyboard = InputFilter()
    keyboard.feed("\x1b[200~half", 0)
    assert keyboard.feed("x", PASTE_TIMEOUT + 0.1) == "\x1b[201~x"


def test_a_huge_paste_is_cut() -> None:
    keyboard = InputFilter()
    passed = keyboard.feed("\x1b[200~" + "x" * (3 * MAX_PASTE) + "\x1b[201~", 0)
    assert passed.count("x") == MAX_PASTE


@given(st.lists(st.text(max_size=12), max_size=12))
def test_nothing_makes_the_filter_hold_back_what_comes_later(pieces: list[str]) -> None:
    keyboard = InputFilter()
    for number, piece in enumerate(pieces):
        keyboard.feed(piece, number / 100)
    keyboard.feed("\x1b\\", 1)
    keyboard.flush(10)
    assert keyboard.feed("z", 11).endswith("z")

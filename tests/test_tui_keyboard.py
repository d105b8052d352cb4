"""What the terminal sends by itself never becomes a key, whole or torn; what is typed comes out as it went in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

from repz_console.tui.keyboard import AFTER_ESCAPE, MAX_PASTE, PASTE_TIMEOUT, PATIENCE, TORN, InputFilter
from tests.support.replies import KEYS, REPLIES, decoded

PASTE = "\x1b[200~cs!k\r\x1b[A\x1b[201~"


def fed(pieces: list[str], gap: float = 0.0, keyboard: InputFilter | None = None) -> list[str]:
    """What comes out of pieces read `gap` seconds apart, timers going off in between, until long after the last."""
    keyboard = keyboard or InputFilter()
    given: list[str] = []
    for number, piece in enumerate(pieces):
        given += keyboard.flush(number * gap)
        given += keyboard.feed(piece, number * gap)
    return given + keyboard.flush(len(pieces) * gap + 60)


def cut(text: str, places: list[int]) -> list[str]:
    return [text[start:end] for start, end in pairwise([0, *sorted(places), len(text)])]


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_is_taken_out(reply: str) -> None:
    assert fed([f"a{reply}b"]) == ["a", "b"]


@pytest.mark.parametrize("gap", [0.0, 0.01, 0.3, 0.9])
@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_is_no_key_wherever_it_is_torn(reply: str, gap: float) -> None:
    for place in range(1, len(reply)):
        # Torn right after its escape it may have been the Esc key, which changes nothing; the rest is swallowed.
        assert set(fed([reply[:place], reply[place:]], gap)) <= {"\x1b"}, place


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_that_drips_is_no_key(reply: str) -> None:
    assert set(fed(list(reply), 0.2)) <= {"\x1b"}


@pytest.mark.parametrize("sequence", ["\x1b[A", "\x1bOA", "\x1b[1;5C", "\x1b[5~", "\x1bOP"])
def test_a_key_torn_after_its_escape_is_the_esc_key_only(sequence: str) -> None:
    assert fed(["\x1b", sequence[1:]], 0.3) == ["\x1b"]
    assert fed(list(sequence), 0.3) == ["\x1b"]


def test_a_key_torn_later_is_put_together() -> None:
    assert fed(["\x1b[", "A"], 0.3) == ["\x1b[A"]
    assert fed(["\x1b", "[A"], 0.01) == ["\x1b[A"]


def test_what_is_typed_after_an_escape_is_a_key_again() -> None:
    assert fed(["\x1b", "a"], TORN) == ["\x1b", "a"]
    assert fed(["\x1b", "O"], AFTER_ESCAPE + 0.1) == ["\x1b", "O"]
    assert fed(["\x1b", "[", "n"], PATIENCE + 0.1) == ["\x1b", "[", "n"]


def test_an_escape_and_a_letter_in_one_piece_are_two_keys() -> None:
    assert fed(["\x1b!"]) == ["\x1b", "!"]


def test_the_answer_about_synchronised_output_is_let_through() -> None:
    assert fed(["\x1b[?2026;2$y"]) == ["\x1b[?2026;2$y"]


def test_the_mouse_is_heard_only_where_it_was_asked_for() -> None:
    keyboard = InputFilter()
    assert fed(["\x1b[<0;10;5M"], keyboard=keyboard) == []
    keyboard.mouse = True
    assert fed(["\x1b[<0;10;5M", "\x1b[<0;10;5m"], keyboard=keyboard) == ["\x1b[<0;10;5M", "\x1b[<0;10;5m"]


def test_every_way_that_terminals_have_to_send_a_key_in_use_comes_through() -> None:
    named = {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "delete", "insert", "shift+tab", "f1"}
    ways = {
        sequence: meant[0].value
        for sequence, meant in ANSI_SEQUENCES_KEYS.items()
        if isinstance(meant, tuple) and len(meant) == 1 and sequence[:2] in ("\x1b[", "\x1bO") and sequence != "\x1b[~"
    }
    assert named <= set(ways.values())
    for sequence, key in ways.items():
        if key in named:
            assert fed([sequence]) == [sequence], (sequence, key)


@given(st.lists(st.sampled_from(KEYS)), st.data())
def test_what_is_typed_comes_out_however_it_was_cut(keys: list[str], data: st.DataObject) -> None:
    text = "".join(keys)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    whole = fed([text])
    assert fed(cut(text, places)) == whole
    assert fed(cut(text, places), 0.001) == whole
    assert "".join(whole) == text


@given(st.text(), st.data())
def test_any_stream_gives_the_same_however_it_was_cut(text: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    assert fed(cut(text, places)) == fed([text])


@given(st.lists(st.sampled_from([*REPLIES, *KEYS]), max_size=8))
def test_keys_between_replies_are_all_that_is_left(pieces: list[str]) -> None:
    typed = [piece for piece in pieces if piece in KEYS]
    keyboard = InputFilter()
    given = [
        key for n, piece in enumerate(pieces) for key in [*keyboard.flush(n * 3.0), *keyboard.feed(piece, n * 3.0)]
    ]
    given += keyboard.flush(1e9)
    assert "".join(given) == "".join(typed)


@given(st.lists(st.binary(max_size=12), max_size=12))
def test_no_bytes_kill_or_hold_back_what_comes_later(pieces: list[bytes]) -> None:
    keyboard = InputFilter()
    for number, piece in enumerate(pieces):
        for key in keyboard.feed(decoded(piece), number / 100):
            key.encode()
    keyboard.flush(10)
    assert keyboard.feed("z", 11) == ["z"]


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert fed([decoded(b"\xe9(")]) == ["\ufffd", "("]


def test_a_string_that_never_ends_is_swallowed_until_it_is_over() -> None:
    assert fed(["\x1b]11;rgb:", "cs!k", "q"], 1.0) == []
    assert fed(["\x1b]11;rgb:", "q"], PATIENCE) == ["q"]
    assert fed(["\x1bPq" + "x" * 10_000 + "\x1b\\", "q"]) == ["q"]
    assert fed(["\x1bPcs\rq"]) == ["\r", "q"]


@pytest.mark.parametrize("place", range(1, len(PASTE)))
@pytest.mark.parametrize("gap", [0.0, 0.3])
def test_a_paste_is_one_piece_wherever_it_is_torn(place: int, gap: float) -> None:
    wanted = ["\x1b[200~cs!k\r\u241b[A\x1b[201~"]
    given = fed([PASTE[:place], PASTE[place:]], gap)
    assert given == wanted if place > 1 or not gap else given == ["\x1b", *wanted]


def test_a_paste_that_never_ends_gives_the_keyboard_back() -> None:
    assert fed(["\x1b[200~half", "x"], PASTE_TIMEOUT) == ["\x1b[200~half\x1b[201~", "x"]


def test_ctrl_c_ends_a_paste_that_does_not_end() -> None:
    assert fed(["\x1b[200~half", "x", "\x03", "q"], 0.6) == ["\x1b[200~halfx\x1b[201~", "q"]


def test_a_huge_paste_is_cut() -> None:
    (paste,) = fed(["\x1b[200~" + "x" * (3 * MAX_PASTE) + "\x1b[201~"])
    assert paste.count("x") == MAX_PASTE

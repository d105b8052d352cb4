"""Dialogs as plain objects: focus, fields, the challenge, letters, lists, and their place on any screen."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.plan.schedule import Move
from repz_console.tui.acts.rebase import _moves
from repz_console.tui.dialogs.base import Dialog, frame
from repz_console.tui.dialogs.fields import Choice, Text
from repz_console.tui.dialogs.form import Challenge, Form, confirm
from repz_console.tui.dialogs.letters import Letter, Letters, WayBack, Ways
from repz_console.tui.dialogs.lists import Alarm, Entry, Picker, Reader
from repz_console.tui.dialogs.prompt import Prompt
from repz_console.tui.paint.base import ASCII, BLOCKS, Size, text_of
from repz_console.tui.paint.format import cell_width

BOX = Size(60, 20)


def typed(dialog: Dialog, text: str) -> None:
    for char in text:
        dialog.key("space" if char == " " else char, char)


def keys(dialog: Dialog, *names: str) -> None:
    for name in names:
        dialog.key(name, None)


def shown(dialog: Dialog, size: Size = BOX) -> str:
    return "\n".join(text_of(line) for line in dialog.body(size, BLOCKS))


def form(*, dangerous: bool = False, **more: object) -> Form:
    fields = [Text("name", "Name", needed=True), Choice("kind", "Kind", [("a", "apple"), ("b", "banana")])]
    return Form("Title", fields, submit="Save", dangerous=dangerous, **more)  # type: ignore[arg-type]


def test_a_form_starts_in_its_first_field_and_enter_sends_it() -> None:
    dialog = form()
    typed(dialog, "Ana")
    keys(dialog, "tab", "right", "enter")
    assert dialog.answer == {"name": "Ana", "kind": "b"}


def test_a_dangerous_form_starts_on_cancel_and_enter_there_leaves() -> None:
    dialog = form(dangerous=True)
    typed(dialog, " ")
    keys(dialog, "enter")
    assert not dialog.open
    assert dialog.answer is None
    assert dialog.parting == ""


def test_what_is_typed_on_cancel_goes_to_the_first_line_of_text() -> None:
    dialog = form(dangerous=True)
    typed(dialog, "Ana")
    keys(dialog, "enter")
    assert dialog.open
    keys(dialog, "enter", "enter")
    assert dialog.answer == {"name": "Ana", "kind": "a"}
    pasted = form(dangerous=True)
    pasted.paste("Ana")
    assert "▶ Name  Ana" in shown(pasted)


def test_what_was_typed_is_not_given_up_in_silence() -> None:
    for leave in (("escape",), ("up", "enter")):
        dialog = form(dangerous=True)
        typed(dialog, "Ana")
        keys(dialog, *leave)
        assert not dialog.open
        assert dialog.answer is None
        assert dialog.parting == "Cancelled; nothing was done."


def test_a_question_without_a_line_of_text_swallows_letters() -> None:
    dialog = confirm("Sure?", (), "Yes")
    typed(dialog, "yes")
    keys(dialog, "enter")
    assert dialog.answer is None
    assert dialog.parting == ""


def test_the_button_in_focus_is_marked_without_colour() -> None:
    dialog = confirm("Sure?", (), "Yes")
    assert "▶ [ Cancel ]  [ Yes ]" in shown(dialog)
    keys(dialog, "right")
    assert "  [ Cancel ]▶ [ Yes ]" in shown(dialog)
    assert "> [ Yes ]" in "".join(text_of(line) for line in dialog.body(BOX, ASCII))


def test_enter_in_a_field_of_a_dangerous_form_only_moves_on() -> None:
    dialog = form(dangerous=True)
    keys(dialog, "tab")
    typed(dialog, "Ana")
    keys(dialog, "enter", "enter")
    assert dialog.open
    keys(dialog, "enter")
    assert dialog.answer == {"name": "Ana", "kind": "a"}


def test_what_is_missing_is_said_and_gets_the_focus() -> None:
    dialog = form()
    keys(dialog, "tab", "enter")
    assert dialog.open
    assert "Name: nothing is filled in" in shown(dialog)
    typed(dialog, "x")
    assert "nothing is filled in" not in shown(dialog)


def test_values_can_be_refused_together() -> None:
    dialog = form(check=lambda values: "no bananas" if values["kind"] == "b" else "")
    typed(dialog, "x")
    keys(dialog, "tab", "right", "enter")
    assert "no bananas" in shown(dialog)


def test_a_disabled_form_says_why_and_cannot_be_sent() -> None:
    dialog = form(dangerous=True, disabled="the conn is FREE")
    keys(dialog, "tab")
    typed(dialog, "x")
    keys(dialog, "tab", "enter")
    assert dialog.open or dialog.answer is None
    assert "the conn is FREE" in shown(dialog)


def test_escape_leaves_from_everywhere() -> None:
    for steps in range(5):
        dialog = form()
        keys(dialog, *["tab"] * steps, "escape")
        assert not dialog.open
        assert dialog.answer is None


def test_a_question_is_answered_with_the_other_button() -> None:
    dialog = confirm("Sure?", (), "Yes")
    keys(dialog, "right", "enter")
    assert dialog.answer == {}


def test_a_long_introduction_scrolls() -> None:
    dialog = Form("Title", intro=[((f"line {number}", "text"),) for number in range(50)], submit="Go", dangerous=True)
    assert "line 0" in shown(dialog)
    assert "more lines" in shown(dialog)
    for _ in range(10):
        keys(dialog, "pagedown")
        shown(dialog)
    assert "line 48" in shown(dialog)
    assert "[ Go ]" in shown(dialog)


def test_a_challenge_takes_exactly_its_words() -> None:
    dialog = Challenge("Confirm", (), "40", "PRODUCTION", "Widen")
    assert dialog.expected == f"40 PRODUCTION {dialog.nonce}"
    assert len(dialog.nonce) == 2
    for wrong in ("", "40 PRODUCTION", f"40 production {dialog.nonce}", f"60 PRODUCTION {dialog.nonce}"):
        keys(dialog, "tab", "ctrl+u")
        typed(dialog, wrong)
        keys(dialog, "enter")
        assert dialog.open, wrong
        keys(dialog, "shift+tab")
    keys(dialog, "tab", "ctrl+u")
    typed(dialog, f" 40  PRODUCTION {dialog.nonce} ")
    keys(dialog, "enter")
    assert dialog.answer is not None


def test_a_challenge_cannot_be_known_before() -> None:
    assert len({Challenge("", (), "40", "P", "Go").nonce for _ in range(60)}) > 20


def test_letters_choose_and_enter_does_not() -> None:
    letters = [Letter("h", "hold", "Hold it."), Letter("b", "back", "Go back.", "nothing to go back to")]
    dialog = Letters("Way back", ["Now at 40 %"], letters)
    keys(dialog, "enter", "space", "y")
    assert dialog.open
    assert "Press h, b or Esc" in shown(dialog)
    typed(dialog, "b")
    assert "nothing to go back to" in shown(dialog)
    typed(dialog, "h")
    assert dialog.answer == "h"


@pytest.mark.parametrize("size", [Size(20, 5), Size(24, 6), Size(39, 9)])
def test_letters_are_all_there_on_a_tiny_screen(size: Size) -> None:
    letters = [Letter(key, name, name * 9) for key, name in (("h", "hold"), ("b", "roll back"), ("k", "kill"))]
    lines = frame(Letters("WAY BACK  PRODUCTION", ["text"], letters), size, BLOCKS).lines
    text = "\n".join(text_of(line) for line in lines)
    assert len(lines) <= size.height
    assert all(word in text for word in ("h hold", "b roll back", "k kill", "esc"))


def test_a_list_is_narrowed_by_words_and_previewed() -> None:
    seen: list[str] = []
    entries = [Entry("dark", "Dark", "for nights"), Entry("light", "Light", "for days"), Entry("mono", "Mono")]
    dialog = Picker("Theme", entries, chosen="light", preview=seen.append)
    keys(dialog, "down")
    typed(dialog, "for")
    assert "Mono" not in shown(dialog)
    keys(dialog, "down", "enter")
    assert seen == ["mono", "dark", "dark", "dark", "light"]
    assert dialog.answer == "light"


def test_what_is_disabled_in_a_list_cannot_be_chosen() -> None:
    dialog = Picker("Commands", [Entry("a", "Apply", disabled="nothing is drafted")])
    keys(dialog, "enter")
    assert dialog.open
    assert "nothing is drafted" in shown(dialog)


def test_a_list_without_a_match_takes_keys_all_the_same() -> None:
    dialog = Picker("Commands", [Entry("a", "Apply")])
    typed(dialog, "zz")
    keys(dialog, "down", "enter", "pageup")
    assert dialog.open
    keys(dialog, "backspace", "backspace", "enter")
    assert dialog.answer == "a"


def test_a_reader_scrolls_to_both_ends() -> None:
    dialog = Reader("Keys", [((f"line {number}", "text"),) for number in range(50)])
    assert "line 0" in shown(dialog)
    keys(dialog, "end")
    assert "line 49" in shown(dialog)
    keys(dialog, "up", "home")
    assert "line 0" in shown(dialog)
    keys(dialog, "q")
    assert not dialog.open


def test_a_prompt_tells_every_change() -> None:
    seen: list[str] = []
    dialog = Prompt("/", "", seen.append)
    typed(dialog, "ab")
    keys(dialog, "backspace")
    dialog.paste("pay\nments")
    assert seen == ["a", "ab", "a", "apay ments"]
    keys(dialog, "enter")
    assert dialog.answer == "apay ments"


def test_a_choice_goes_by_arrows_and_by_what_it_begins_or_ends_with() -> None:
    field = Choice("priority", "Priority", [(f"P{n}", f"P{n} name") for n in range(5)], "P2")
    assert field.value == "P2"
    field.key("right", None)
    assert field.value == "P3"
    field.key("0", "0")
    assert field.value == "P0"
    field.key("left", None)
    assert field.value == "P4"


EDITS = st.one_of(
    st.tuples(st.sampled_from(["left", "right", "home", "end", "backspace", "delete", "ctrl+u", "ctrl+w"]), st.none()),
    st.tuples(st.just("x"), st.sampled_from("ab c漢é")),
    st.tuples(st.just("paste"), st.text(max_size=8)),
)


@given(st.lists(EDITS, max_size=40), st.integers(4, 30), st.booleans())
def test_a_line_of_text_keeps_its_width_whatever_is_typed(
    edits: list[tuple[str, str | None]], width: int, focused: bool
) -> None:
    field = Text("name", "Name", limit=30)
    for key, character in edits:
        if key == "paste":
            field.paste(character or "")
        else:
            field.key(key, character)
        line = text_of(field.line(width, focused, BLOCKS))
        assert cell_width(line) in (width, width + 1)
        assert len(field.value) <= 30
        assert not [char for char in line if unicodedata.category(char) == "Cc"]


@pytest.mark.parametrize("width", [1, 10, 23, 24, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 4, 8, 24, 60])
def test_every_dialog_stays_on_the_screen(width: int, height: int) -> None:
    screen = Size(width, height)
    dialogs: list[Dialog] = [
        form(),
        form(dangerous=True, disabled="x" * 300),
        Challenge("Confirm " * 20, [(("text " * 50, "text"),)], "40", "PRODUCTION", "Widen"),
        Letters("T" * 90, ["long " * 40], [Letter("h", "hold", "what it does " * 9)]),
        Picker("Commands", [Entry(str(n), "name" * 20, "note" * 30, "Ctrl+p") for n in range(80)]),
        Reader("Text", [(("wide " * 60, "text"),)] * 90),
    ]
    for dialog in dialogs:
        framed = frame(dialog, screen, BLOCKS)
        assert framed.left >= 0
        assert framed.top >= 0
        assert framed.left + framed.width <= width
        assert framed.top + len(framed.lines) <= height
        assert all(cell_width(text_of(line)) == framed.width for line in framed.lines)


def test_a_date_that_moves_is_shown_whole_at_80_columns() -> None:
    move = Move("stage", "A stage with a rather long title", date(2024, 1, 10), date(2027, 1, 13))
    line = text_of(_moves([move], 76, BLOCKS)[0])
    assert line.rstrip().endswith("Wed 2024-01-10 → Wed 2027-01-13")
    assert cell_width(line) <= 76


def test_tab_goes_through_a_dangerous_form_as_it_is_read_and_past_what_cannot_be_pressed() -> None:
    dialog = Form("Take it", [Text("reason", "Reason")], submit="Take it", dangerous=True)
    seen = []
    for _ in range(3):
        seen.append(next(row for row, line in enumerate(shown(dialog).splitlines()) if line.startswith("▶")))
        keys(dialog, "tab")
    assert seen == sorted(seen)
    closed = form(dangerous=True, disabled="the conn is FREE")
    for step in ("tab", "tab", "tab", "right", "shift+tab", "up"):
        keys(closed, step)
        assert "▶ (" not in shown(closed)


def test_a_dialog_has_corners() -> None:
    for glyphs, corners in ((BLOCKS, "┌┐└┘"), (ASCII, "++++")):
        lines = [text_of(line) for line in frame(form(), BOX, glyphs).lines]
        assert [lines[0][0], lines[0][-1], lines[-1][0], lines[-1][-1]] == list(corners)


@pytest.mark.parametrize("size", [Size(20, 5), Size(40, 10)])
def test_a_tiny_way_back_says_what_is_exposed_once_and_how_to_leave(size: Size) -> None:
    letters = [Letter(key, name, name * 9) for key, name in (("h", "hold"), ("b", "roll back"), ("k", "kill"))]
    letters.append(Letter("o", "other", "another", harmless=True))
    title, short = "WAY BACK  PRODUCTION  Production  20 %", "20 %  PRODUCTION  Production"
    framed = frame(WayBack(lambda: Ways(title, short, ["text"], letters)), size, BLOCKS)
    text = "\n".join(text_of(line) for line in framed.lines)
    assert len(framed.lines) <= size.height
    assert "esc cancel" in text
    assert all(f"{letter.key} {letter.short}" in text for letter in letters)
    assert text.count("PRODUCTION") <= 1
    assert "20 %" in text or size.height == 5


@pytest.mark.parametrize("size", [Size(20, 5), Size(40, 10), Size(80, 24)])
def test_an_alarm_can_be_read_to_its_end_and_no_letter_closes_it(size: Size) -> None:
    dialog = Alarm("NOT KILLED", "production: nothing was changed: " + "why " * 30 + "END", ["Try again: !, then k."])
    seen = ""
    for _ in range(40):
        seen += "\n".join(text_of(line) for line in frame(dialog, size, BLOCKS).lines)
        keys(dialog, "down")
    assert "END" in seen
    assert "then" in seen
    assert "k." in seen
    typed(dialog, "q")
    assert dialog.open
    assert dialog.decides("enter", None)
    keys(dialog, "enter")
    assert not dialog.open

"""The registry's keys and a user's own: nothing that changes something hangs on a key that may come by accident."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

from repz_console.actions import (
    ACTIONS,
    FORBIDDEN_KEYS,
    IN_DIALOGS,
    TABS,
    UNSAFE_FOR_CHANGES,
    UNSAFE_FOR_TRAFFIC,
    Effect,
    keymap_mistakes,
    name_of,
)  # fmt: skip
from repz_console.tui.dialogs.form import Challenge, Form, confirm
from repz_console.tui.dialogs.letters import Letter, Letters
from repz_console.tui.dialogs.lists import Entry, Picker
from repz_console.tui.settings import FILE, SettingsFile
from tests.support import rooms
from tests.support.console import press, showing, still_app, text_of
from tests.support.pty import Terminal


def test_no_key_is_one_that_terminals_eat_or_make_up() -> None:
    for action in ACTIONS:
        assert not FORBIDDEN_KEYS & set(action.keys), action.id
        if action.effect is not Effect.READ and action.id != "rollout.apply":
            assert not UNSAFE_FOR_CHANGES & set(action.keys), action.id


def test_no_key_means_two_things_on_one_tab() -> None:
    for tab, _ in TABS:
        keys = [key for action in ACTIONS if not action.tabs or tab in action.tabs for key in action.keys]
        assert len(keys) == len(set(keys)), tab


def test_the_built_in_keys_are_a_keymap_without_mistakes() -> None:
    assert keymap_mistakes({action.id: action.keys for action in ACTIONS}) == []


@pytest.mark.parametrize("key", sorted(UNSAFE_FOR_CHANGES))
def test_a_users_key_that_may_come_by_accident_is_refused_for_every_change(key: str) -> None:
    for action in ACTIONS:
        if action.effect is Effect.READ or key in action.keys:
            continue
        (mistake,) = keymap_mistakes({action.id: (key,)})
        assert mistake.startswith(f"{action.id}: {key} can come from"), mistake


@pytest.mark.parametrize("key", ["1", "c", "R", "n", "t", "semicolon", "question_mark"])
@pytest.mark.parametrize("action", ["rollout.apply", "rollout.resume", "way.back"])
def test_a_users_key_that_answers_are_made_of_moves_no_traffic(action: str, key: str) -> None:
    assert keymap_mistakes({action: (key,)})[0].startswith(f"{action}: {key} can come from a terminal that answers")
    assert not any("answers" in mistake for mistake in keymap_mistakes({"help": (key,)}))


@pytest.mark.parametrize("key", sorted(IN_DIALOGS - UNSAFE_FOR_TRAFFIC))
def test_the_way_back_takes_no_key_from_dialogs(key: str) -> None:
    assert "is needed in dialogs" in keymap_mistakes({"way.back": (key,)})[0]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((), "it must have a key"),
        (("[",), "there is no key '['; it is called left_square_bracket"),
        (("bang",), "there is no key 'bang'"),
        (("",), "there is no key ''"),
        (("ctrl+m",), "ctrl+m does not reach programs reliably; choose another key"),
        (("alt+w",), "alt+w does not reach programs reliably; choose another key"),
    ],
)
def test_the_way_back_never_loses_its_key(keys: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert keymap_mistakes({"way.back": keys}) == [f"way.back: {said}"]
    (tmp_path / FILE).write_text(f"[keymap]\n'way.back' = {list(keys)!r}\n")
    file = SettingsFile(tmp_path)
    assert len(file.mistakes) == 1
    assert file.keymap() == {}


def test_the_key_of_an_action_that_keeps_it_is_not_given_away() -> None:
    keymap = {"way.back": ("escape",), "note": ("exclamation_mark",)}
    assert [mistake.partition(":")[0] for mistake in keymap_mistakes(keymap)] == ["way.back", "note"]
    assert keymap_mistakes({"way.back": ("W",), "note": ("exclamation_mark",)}) == []


def test_a_sign_is_named_as_the_terminals_library_names_it() -> None:
    from textual.keys import _character_to_key

    signs = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum()]
    assert [name_of(sign) for sign in signs] == [_character_to_key(sign) for sign in signs]
    assert name_of("a") == name_of("ab") == name_of("\x1b") == ""


async def test_a_refused_key_is_said_and_does_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('[keymap]\n"conn" = ["enter"]\n"rollout.resume" = ["A"]\n')
    app = still_app(rooms.live(), tmp_path)
    assert [line for line in app.settings.mistakes if "broken escape sequence or by accident" in line] == (
        app.settings.mistakes
    )
    assert len(app.settings.mistakes) == 2
    assert app.keymap == {}


async def test_enter_on_the_rollout_only_opens_a_comparison_with_cancel_in_focus(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "3", "right", "enter")
        assert app.dialog is not None
        assert "▶ [ Cancel ]" in text_of(app)
        await press(pilot, "enter")
        assert app.dialog is None


def test_what_decides_is_never_a_key_that_may_come_by_accident() -> None:
    """In every dialog that can change something: from the start, no key of a torn sequence and no Enter decides."""
    asked = [
        confirm("Sure?", (), "Yes"),
        Form("T", submit="Go", dangerous=True),
        Challenge("T", (), "40", "PRODUCTION", "Widen"),
        Letters("T", [], [Letter(key, key, key) for key in "hbk"]),
    ]
    signs = {"left_square_bracket": "[", "enter": "\r", "escape": "\x1b"}
    for dialog in asked:
        for key in UNSAFE_FOR_CHANGES:
            assert not dialog.decides(key, signs.get(key, key)), (dialog, key)
    assert Letters("T", [], [Letter("k", "kill", "")]).decides("k", "k")
    assert Picker("T", [Entry("conn", "Conn")]).decides("enter", "\r")


def test_every_question_about_traffic_the_conn_or_the_plan_starts_on_cancel() -> None:
    """Forms that start in a field only write what was filled in: a note, a bug, money, progress."""
    from repz_console.tui import acts

    for action in ACTIONS:
        if action.effect in (Effect.WIDEN, Effect.SHRINK) or action.id in ("conn", "adopt", "quit", "bug.resolve"):
            module, _, name = acts.ACTS[action.id].partition(":")
            source = inspect.getsource(getattr(__import__(f"{acts.__name__}.{module}", fromlist=[name]), name))
            assert source.count("Form(") == source.count("dangerous=True"), action.id


def test_nothing_of_textuals_environment_presses_keys(tmp_path: Path) -> None:
    """It is gone before Textual is imported, which reads it once."""
    code = (
        "import os, sys\n"
        "from repz_console.tui import run\n"
        "assert 'textual' not in sys.modules\n"
        "def load():\n"
        "    assert 'textual' not in sys.modules\n"
        "    assert not [name for name in os.environ if name.startswith('TEXTUAL')], os.environ\n"
        "    from textual import constants\n"
        "    assert constants.PRESS == '' and not constants.DEBUG, constants.PRESS\n"
        "    raise SystemExit(7)\n"
        "run.open_on(load)\n"
    )
    environment = {"TEXTUAL_PRESS": "c,s,enter", "TEXTUAL_DEBUG": "1", "TEXTUAL_DRIVER": "no:where", "TEXTUAL": "debug"}
    with Terminal([sys.executable, "-c", code], env=environment, cwd=Path.cwd()) as terminal:
        assert terminal.wait() == 7, terminal.text()

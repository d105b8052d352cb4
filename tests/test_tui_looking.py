"""Looking around: tabs, rows, filters, help, commands, themes, small screens, late keys, a user's own keys."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual import events

from repz_console.actions import ACTIONS, TABS
from repz_console.providers import registry
from repz_console.room.views import RoomView
from repz_console.tui import acts
from repz_console.tui.acts.reading import probe_reading
from repz_console.tui.paint.base import ASCII
from repz_console.tui.settings import FILE
from tests.support import rooms
from tests.support.console import press, showing, still_app, text_of, write


def test_every_action_has_an_act_and_every_act_an_action() -> None:
    assert set(acts.ACTS) == {action.id for action in ACTIONS}
    for load in acts.loaders():
        load()
    for place in acts.ACTS.values():
        module, _, name = place.partition(":")
        assert callable(getattr(__import__(f"{acts.__name__}.{module}", fromlist=[name]), name)), place


async def test_number_keys_and_tab_open_the_tabs(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        for number, (tab, title) in enumerate(TABS, 1):
            await press(pilot, str(number))
            assert app.tab == tab
            assert f"[{number} {title}]" in text_of(app)
        await press(pilot, "tab")
        assert app.tab == "room"
        await press(pilot, "shift+tab")
        assert app.tab == "journal"


async def test_the_last_tab_and_order_are_remembered(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "5", "s")
    assert 'tab = "bugs"' in (tmp_path / FILE).read_text()
    again = still_app(rooms.live(), tmp_path)
    async with showing(again):
        assert again.tab == "bugs"
        assert again.choices["bugs"].sort == "age"


async def test_enter_goes_where_the_row_points(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "down", "down")
        assert app.selected == ("tab", "timeline")
        await press(pilot, "enter")
        assert app.tab == "timeline"


async def test_a_filter_follows_the_typing_and_esc_takes_it_back(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "7", "slash")
        await write(pilot, "noted")
        assert app.choice.filter == "noted"
        assert "Support reports slow mails" in text_of(app)
        assert "took the conn" not in text_of(app)
        await press(pilot, "enter")
        assert app.choice.filter == "noted"
        await press(pilot, "slash", "ctrl+u", "x", "escape")
        assert app.choice.filter == "noted"
        await press(pilot, "escape")
        assert app.choice.filter == ""


async def test_help_lists_every_key_of_this_tab(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app, 120, 100) as pilot:
        await press(pilot, "5", "question_mark")
        text = text_of(app)
        for action in ACTIONS:
            assert action.help[:30] in text, action.id
        await press(pilot, "escape")
        assert app.dialog is None


async def test_a_command_is_found_by_words_and_done(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "colon")
        await write(pilot, "budget tab")
        await press(pilot, "enter")
        assert app.tab == "budget"


async def test_the_palette_says_why_something_cannot_be_done(tmp_path: Path) -> None:
    app = still_app(rooms.observer(), tmp_path, rooms.CY)
    async with showing(app) as pilot:
        await press(pilot, "colon")
        await write(pilot, "rebase")
        assert "you do not have the conn" in text_of(app)
        await press(pilot, "enter")
        assert app.dialog is not None


async def test_a_theme_is_seen_before_it_is_chosen(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        before = app.theme_now.name
        await press(pilot, "T")
        await write(pilot, "light")
        assert app.theme_now.name == "repz-light"
        await press(pilot, "escape")
        assert app.theme_now.name == before
        await press(pilot, "T")
        await write(pilot, "contrast")
        await press(pilot, "enter")
        assert app.theme_now.name == "high-contrast"
    assert "high-contrast" in (tmp_path / FILE).read_text()


async def test_without_colour_when_the_environment_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = still_app(rooms.live(), tmp_path)
    async with showing(app):
        assert app.theme_now.name == "mono"


async def test_plain_characters_on_a_plain_terminal(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path, glyphs=ASCII)
    async with showing(app) as pilot:
        for number in "1234567":
            await press(pilot, number)
            assert text_of(app).isascii(), text_of(app)
        await press(pilot, "exclamation_mark")
        assert text_of(app).isascii()


@pytest.mark.parametrize("size", [(59, 24), (80, 14), (40, 10), (20, 5), (3, 2), (1, 1)])
async def test_too_small_a_screen_says_what_is_exposed(tmp_path: Path, size: tuple[int, int]) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app, *size) as pilot:
        text = text_of(app)
        if size[0] >= 20:
            assert "40 %" in text
            assert "WAY BACK" in text
        await press(pilot, "exclamation_mark", "escape", "5", "n")
        assert app.dialog is None


async def test_a_late_key_is_dropped_and_said(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        late = events.Key("5", "5")
        late.time = time.monotonic() - 1.5
        await app.on_event(late)
        await pilot.pause()
        assert app.tab == "room"
        assert "1 key typed while the screen stood still was dropped" in text_of(app)


async def test_a_late_way_back_opens_its_dialog_and_nothing_more(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        for key, character in (("exclamation_mark", "!"), ("k", "k")):
            late = events.Key(key, character)
            late.time = time.monotonic() - 1.5
            await app.on_event(late)
            await pilot.pause()
        assert app.dialog is not None
        assert app.dialog.is_way_back


async def test_a_users_own_keys_and_a_mistaken_one(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('[keymap]\n"tab.bugs" = ["b"]\n"way.back" = ["escape"]\n"no.such" = ["z"]\n')
    app = still_app(rooms.live(), tmp_path)
    assert len(app.settings.mistakes) == 2
    async with showing(app) as pilot:
        await press(pilot, "5")
        assert app.tab == "room"
        await press(pilot, "b")
        assert app.tab == "bugs"
        await press(pilot, "exclamation_mark")
        assert app.dialog is not None


async def test_every_tab_in_every_room_paints_and_takes_keys(tmp_path: Path) -> None:
    for name, make in rooms.ALL.items():
        app = still_app(make(), tmp_path / name)
        async with showing(app) as pilot:
            for number in "1234567":
                for key in (number, "down", "enter", "end", "pageup", "escape", "escape"):
                    app.hands.take(events.Key(key, None))
                await pilot.pause()
                # What Enter opened began after the keys that came with it.
                await press(pilot, "escape")
                assert app.dialog is None, (name, number)


async def test_untrusted_text_presses_nothing_and_paints_nothing(tmp_path: Path) -> None:
    making = rooms.Making().running()
    title = "[@click=app.exit]x[/] \x1b[2J [/] [red"
    making.bugs(making.bug("evil", "P1", title))
    app = still_app(making.view(), tmp_path)
    async with showing(app, 120, 40) as pilot:
        await press(pilot, "5")
        assert "[@click=app.exit]x[/]" in text_of(app)


async def test_a_pane_that_cannot_be_drawn_leaves_the_way_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("\x1b[2Jus")

    monkeypatch.setattr("repz_console.tui.paint.health.paint", broken)
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "4")
        assert "This pane cannot be drawn: KeyError" in text_of(app)
        await press(pilot, "exclamation_mark")
        assert "Nobody of visitors" in text_of(app)
        await press(pilot, "escape", "1")
        assert "JOURNAL" in text_of(app)


async def test_a_room_that_cannot_be_told_is_said_and_leaves_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:

        def broken() -> RoomView:
            raise ArithmeticError("\x1b[2Jinfinite spend")

        monkeypatch.setattr(app.session, "view", broken)
        app._tick()
        await press(pilot, "2")
        assert app.is_running
        assert "NOT UP TO DATE: the room cannot be told: ArithmeticError" in text_of(app)
        await press(pilot, "exclamation_mark")
        assert "Nobody of visitors" in text_of(app)


async def test_an_act_that_fails_is_said_and_the_console_stays(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "N")
        await write(pilot, "x")
        await press(pilot, "enter")
        assert "should not have happened" in text_of(app)


async def test_the_timeline_opens_on_the_present(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "2")
        assert app.choice.scroll > 0
        assert "Progressive launch" in text_of(app)


async def test_the_mouse_opens_tabs_and_selects_rows(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await pilot.click("#tabs", offset=(text_of(app).splitlines()[1].index("Journal"), 0))
        await pilot.pause()
        assert app.tab == "journal"
        await pilot.click("#pane", offset=(5, 6))
        await pilot.pause()
        assert app.selected[0] == "journal"


async def test_notices_are_said_one_after_the_other(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    app.messages.notice(["theme skipped: mine.toml", "settings not used"])
    async with showing(app):
        app.messages.move_on()
        assert app.messages.now == ("theme skipped: mine.toml", "warn")


@pytest.mark.parametrize(
    ("title", "unit", "reading", "minded"),
    [
        ("API response (p95)", "ms", "latency.p95", ""),
        ("Page load", "s", "latency.p95", "in ms"),
        ("Uptime", "%", "up", "1 or 0"),
        ("Up", "", "up", ""),
        ("Net promoter score", "", "", ""),
        ("Revenue", "$", "", ""),
        ("Support tickets per user", "%", "", ""),
    ],
)
def test_a_probe_is_offered_for_what_it_can_read(title: str, unit: str, reading: str, minded: str) -> None:
    metric = replace(rooms.live().health.metrics[0], title=title, unit=unit)
    found, said = probe_reading(metric)
    assert found == reading
    assert minded in said
    assert bool(said) is bool(minded)


async def test_how_to_connect_a_metric_that_no_probe_can_read(tmp_path: Path) -> None:
    view = rooms.live()
    metric = replace(view.health.metrics[0], title="Net promoter score", unit="", source="")
    app = still_app(replace(view, health=replace(view.health, metrics=(metric,))), tmp_path)
    async with showing(app, 80, 40) as pilot:
        await press(pilot, "4")
        app.choose(cursor=f"metric:{metric.id}")
        await press(pilot, "i")
        text = text_of(app)
        assert 'kind = "KIND"' in text
        assert 'reading = "READING"' in text
        assert "latency.p95" not in text
        assert all(kind in text for kind in registry.kinds())
        assert "docs/providers.md" in text


async def test_a_message_leaves_the_way_back_in_sight(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        app.say(f"Export: /{'deep/' * 20}flags.json cannot be read: permission denied", "bad")
        await pilot.pause()
        last = text_of(app).splitlines()[-1]
        assert last.startswith(" Export: flags.json cannot be read: permission denied")
        assert last.endswith("! WAY BACK")


async def test_what_was_typed_into_a_form_is_not_given_up_in_silence(tmp_path: Path) -> None:
    app = still_app(rooms.live(), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "N")
        await write(pilot, "half a note")
        await press(pilot, "escape")
        assert "Cancelled; nothing was done." in text_of(app)


async def test_who_has_no_seat_is_told_who_may_before_a_reason_is_asked_for(tmp_path: Path) -> None:
    room = rooms.live()
    refused = "eve holds no seat with the conn: Launch director (ana)"
    control = replace(room.control, mine=False, state="HELD", holder="bo@jump", may_take=False, why_not=refused)
    app = still_app(replace(room, control=control), tmp_path)
    async with showing(app) as pilot:
        await press(pilot, "c")
        assert app.dialog is None
        assert refused in text_of(app)

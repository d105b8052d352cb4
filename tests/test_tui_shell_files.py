"""Themes and settings: what a user may write, and what is said of what is wrong in it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from rich.style import Style

from repz_console.actions import ACTIONS, TABS
from repz_console.resources import shipped_themes
from repz_console.tui import defects
from repz_console.tui.run import poor_locale
from repz_console.tui.settings import FILE, SettingsFile
from repz_console.tui.themes import BrokenTheme, Palette, choose, collect, read

ROLES = [
    "text", "muted", "strong", "title", "ok", "warn", "bad", "info", "accent", "bar", "track", "mark", "now",
]  # fmt: skip


def test_five_themes_are_shipped_and_sound() -> None:
    themes, skipped = collect(shipped_themes())
    assert set(themes) == {"repz-dark", "repz-light", "ansi", "mono", "high-contrast"}
    assert skipped == []


@pytest.mark.parametrize("path", shipped_themes(), ids=lambda path: path.stem)
def test_every_role_can_be_read_on_its_ground(path: Path) -> None:
    palette = Palette(read(path))
    for role in ROLES:
        for layer in ("background", "surface", "cursor"):
            if role in ("track", "bar"):
                continue
            style = palette.style(role, layer)
            assert contrast(style) >= 3.9, (role, layer)


def contrast(style: Style) -> float:
    """The WCAG ratio of ink to ground; that of black on white where the terminal chooses."""
    colours = [style.color, style.bgcolor]
    if any(colour is None or colour.triplet is None for colour in colours):
        return 21.0
    light = sorted(luminance(*colour.triplet) for colour in colours if colour and colour.triplet)
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(*channels: int) -> float:
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_the_theme_without_colour_has_none() -> None:
    themes, _ = collect(shipped_themes())
    palette = Palette(themes["mono"])
    for role in ROLES:
        style = palette.style(role)
        assert style.color is None or style.color.is_default
        assert style.bgcolor is None or style.bgcolor.is_default
    assert palette.style("bad") != palette.style("text")
    assert palette.style("text", "cursor") != palette.style("text")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 1", "name"),
        ("name = 'x'\n[colours]\n", "background"),
        ("not toml", ""),
        ("{good}\n[styles]\nnobody = 'bold'", "nobody"),
        ("{good}\n[styles]\nbad = 'red'", "bad"),
        ("{good}\nsurplus = 1", "surplus"),
        ("{bad_colour}", "bluish"),
    ],
)
def test_a_broken_theme_is_named_and_skipped(tmp_path: Path, text: str, said: str) -> None:
    good = next(path for path in shipped_themes() if path.stem == "repz-dark").read_text()
    text = text.replace("{good}", good).replace("{bad_colour}", good.replace("#0f1318", "bluish"))
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BrokenTheme, match=r"mine\.toml") as caught:
        read(path)
    assert said in str(caught.value)
    themes, skipped = collect([*shipped_themes(), path])
    assert len(themes) == 5
    assert len(skipped) == 1


def test_a_users_theme_replaces_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    light = next(path for path in shipped_themes() if path.stem == "repz-light").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(light.replace("repz-light", "repz-dark"))
    themes, _ = collect([*shipped_themes(), path])
    assert not themes["repz-dark"].dark


def test_an_unknown_theme_falls_back() -> None:
    themes, _ = collect(shipped_themes())
    assert choose("gone", themes, {}).name == "repz-dark"
    assert choose("gone", themes, {"NO_COLOR": "1"}).name == "mono"
    assert choose("ansi", themes, {"NO_COLOR": ""}).name == "ansi"


def test_settings_come_back_as_they_were_saved(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "new")
    file.settings.theme = "ansi"
    file.settings.sort["bugs"] = "age"
    file.settings.ascii = True
    assert file.save() == ""
    again = SettingsFile(tmp_path / "new")
    assert again.settings == file.settings
    assert again.mistakes == []


def test_unchanged_settings_write_no_file(tmp_path: Path) -> None:
    assert SettingsFile(tmp_path).save() == ""
    assert list(tmp_path.iterdir()) == []


def test_a_key_for_no_action_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('[keymap]\n"way-back" = ["w"]\n"zzz" = ["z"]\n')
    assert SettingsFile(tmp_path).mistakes == [
        "settings.toml: way-back: there is no such action; did you mean way.back?",
        "settings.toml: zzz: there is no such action",
    ]


def test_the_handbook_lists_every_action_that_may_have_another_key() -> None:
    handbook = (Path(__file__).parents[1] / "docs" / "operator.md").read_text("utf-8")
    assert [action.id for action in ACTIONS if f"`{action.id}`" not in handbook] == []


def test_a_file_that_is_not_understood_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("theme = 3\n[keymap]\n")
    file = SettingsFile(tmp_path)
    assert file.settings.tab == TABS[0][0]
    assert FILE in file.mistakes[0]
    file.settings.theme = "ansi"
    assert "not written" in file.save()
    assert (tmp_path / FILE).read_text() == "theme = 3\n[keymap]\n"


def test_an_unknown_tab_opens_the_first(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('tab = "gone"\n')
    assert SettingsFile(tmp_path).settings.tab == TABS[0][0]


@pytest.mark.parametrize(
    ("environment", "poor"),
    [
        ({}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, True),
    ],
)
def test_plain_characters_are_for_terminals_that_have_no_others(environment: dict[str, str], poor: bool) -> None:
    assert poor_locale(environment) is poor


def test_a_defect_goes_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    handler = defects.keep_in(folder)
    try:
        log = logging.getLogger("repz_console.some_pane")  # fresh: others may have been switched off by a library
        log.info("nothing to keep")
        assert not folder.exists()
        try:
            raise KeyError("pane")
        except KeyError:
            log.exception("the pane health cannot be drawn")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    kept = folder / defects.NAME
    assert kept.stat().st_mode & 0o777 == 0o600
    text = kept.read_text()
    assert "the pane health cannot be drawn" in text
    assert "KeyError: 'pane'" in text
    assert "nothing to keep" not in text

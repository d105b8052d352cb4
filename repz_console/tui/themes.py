"""Colour themes: TOML files, shipped ones and a user's own, and what each role looks like under one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct, ValidationError, convert
from rich.color import Color as RichColor
from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.style import Style

DEFAULT = "repz-dark"
WITHOUT_COLOUR = "mono"
"""The theme under `NO_COLOR`."""


class Colours(Struct, frozen=True, forbid_unknown_fields=True):
    """One colour per role: `#rrggbb`, `default`, or one of the sixteen names such as `bright_blue`."""

    background: str
    surface: str
    """Behind dialogs and the selected row."""
    text: str
    muted: str
    ok: str
    warn: str
    bad: str
    info: str
    accent: str
    bar: str
    """The filled part of a bar."""
    track: str
    """The rest of it, and rules."""
    now: str
    """The line of the present moment."""


class Theme(Struct, frozen=True, forbid_unknown_fields=True):
    """A theme file."""

    name: str
    colours: Colours
    dark: bool = True
    """Whether it is meant for a dark terminal."""
    styles: dict[str, str] = {}
    """Role to attributes, such as `bold underline`, where colour alone is too little."""


class BrokenTheme(Exception):
    """A theme file that cannot be used: its path and why, in one line."""


_ATTRIBUTES = {"strong": "bold", "title": "bold", "bad": "bold", "now": "bold"}
_COLOUR_OF = {"strong": "text", "title": "accent", "mark": "accent", "cursor": "text"}
_ROLES = frozenset([*Colours.__struct_fields__, *_COLOUR_OF])


def read(path: Path) -> Theme:
    """The theme in a file; raises `BrokenTheme`."""
    try:
        theme = convert(tomllib.loads(path.read_text("utf-8")), Theme)
        for role in Colours.__struct_fields__:
            RichColor.parse(getattr(theme.colours, role))
        for role, attributes in theme.styles.items():
            if role not in _ROLES:
                raise BrokenTheme(f"{path}: styles.{role}: there is no such role")
            if Style.parse(attributes).color is not None:
                raise BrokenTheme(f"{path}: styles.{role}: attributes only; colours belong to [colours]")
    except (OSError, UnicodeError, ValueError, ColorParseError, StyleSyntaxError, ValidationError) as error:
        raise BrokenTheme(f"{path}: {error}") from error
    return theme


def collect(paths: Iterable[Path]) -> tuple[dict[str, Theme], list[str]]:
    """Every usable theme by name, a later file over an earlier one, and one line for each that was skipped."""
    themes: dict[str, Theme] = {}
    skipped: list[str] = []
    for path in paths:
        try:
            theme = read(path)
        except BrokenTheme as error:
            skipped.append(f"theme skipped: {error}")
        else:
            themes[theme.name] = theme
    return themes, skipped


class Palette:
    """What every role looks like under a theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, role: str, layer: str = "background") -> Style:
        """A role's style on a layer: `background`, `surface` (a dialog) or `cursor` (the selected row)."""
        style = self._styles.get((role, layer))
        if style is None:
            style = self._styles[role, layer] = self._make(role, layer)
        return style

    def _make(self, role: str, layer: str) -> Style:
        name, _, reverse = role.partition(".")
        colours = self.theme.colours
        ground = colours.background if layer == "background" else colours.surface
        ink: str = getattr(colours, _COLOUR_OF.get(name, name), colours.text)
        style = Style(color=ink, bgcolor=ground) + Style.parse(self._attributes(name))
        if layer == "cursor":
            style += Style.parse(self._attributes("cursor"))
        if reverse == "reverse":
            style += Style(reverse=not style.reverse)
        return style

    def _attributes(self, name: str) -> str:
        return self.theme.styles.get(name, _ATTRIBUTES.get(name, "none"))


def choose(wanted: str, themes: Mapping[str, Theme], environment: Mapping[str, str]) -> Theme:
    """The theme to begin with: the wanted one if it exists, none with colour under `NO_COLOR`."""
    if environment.get("NO_COLOR"):
        wanted = WITHOUT_COLOUR
    return themes.get(wanted) or themes.get(DEFAULT) or next(iter(themes.values()))

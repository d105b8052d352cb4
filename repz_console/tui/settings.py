"""The console's own settings: what it remembers of how this user looks at a launch, and the user's keymap."""

from __future__ import annotations

import contextlib
import os
import tempfile
import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from repz_console.actions import BY_ID, TABS, keymap_mistakes
from repz_console.tui.themes import DEFAULT

FILE = "settings.toml"

Keymap = dict[str, tuple[str, ...]]


class Settings(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """`settings.toml` in the user's config folder. The console writes it when something in it changes."""

    theme: str = DEFAULT
    """A theme's name."""
    tab: str = TABS[0][0]
    """The tab to open first: the one that was open last."""
    mouse: bool = False
    """Whether clicks and the wheel come to the console instead of selecting text in the terminal."""
    ascii: bool | None = None
    """Draw with plain characters only; absent means if the locale cannot do better."""
    sort: dict[str, str] = {}
    """Tab to how it is sorted."""
    keymap: Keymap = {}
    """Action id to its keys, in place of the built-in ones."""


class SettingsFile:
    """The file, and what was wrong with it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.mistakes: list[str] = []
        """One line for each thing in the file that is not used."""
        self._writable = True
        self.settings = self._read()
        self._kept = msgspec.to_builtins(self.settings)

    def _read(self) -> Settings:
        try:
            settings = msgspec.convert(tomllib.loads(self.path.read_text("utf-8")), Settings)
        except FileNotFoundError:
            return Settings()
        except (OSError, UnicodeError, ValueError) as error:
            # A person's keymap may be in it: a file that is not understood is not written over.
            self._writable = False
            self.mistakes.append(f"settings not used, and not written: {error} ({self.path})")
            return Settings()
        self.mistakes += [f"{FILE}: {mistake}" for mistake in keymap_mistakes(settings.keymap)]
        if settings.tab not in dict(TABS):
            settings.tab = TABS[0][0]
        return settings

    def keymap(self) -> Keymap:
        """The user's keys without those that are mistaken: such an action keeps its own."""
        mistaken = {mistake.partition(":")[0] for mistake in keymap_mistakes(self.settings.keymap)}
        return {
            action: keys for action, keys in self.settings.keymap.items() if action in BY_ID and action not in mistaken
        }

    def save(self) -> str:
        """Write the settings if something in them changed; the answer is empty or why that was not possible."""
        values = msgspec.to_builtins(self.settings)
        if values == self._kept:
            return ""
        if not self._writable:
            return self.mistakes[0]
        import tomli_w

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{FILE}.")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    tomli_w.dump(values, file)
                os.replace(temporary, self.path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            return f"settings not written: {error}"
        self._kept = values
        return ""

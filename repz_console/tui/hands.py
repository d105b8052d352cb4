"""What keys and pastes do, and when they are not trusted.

A key that cannot have been meant for what stands on the screen changes nothing: one typed while the screen stood still,
or one that came together with others, faster than anybody looks. Both are said. The way back opens whenever its key
comes; its letter has to be pressed by somebody who sees it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import events

from repz_console.actions import ACTIONS, Action, Effect, keys_of
from repz_console.tui import acts
from repz_console.tui.keyboard import HURRY
from repz_console.tui.terminal import HurriedKey

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp
    from repz_console.tui.dialogs.base import Dialog

TOO_FAST = "keys that come all at once change nothing. Press it again by itself."


class Hands:
    """The person at the keyboard."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._dropped = 0
        """Keys dropped since the last that was taken."""
        self._opened = False
        """Whether the last key opened the way back, and nothing came right before it."""
        self._letter: asyncio.TimerHandle | None = None
        """The letter of the way back that came in one piece with its key."""

    def late(self, event: events.Key | events.Paste) -> None:
        """Drop what was typed before the screen showed what it would have acted on. Only the way back is opened by it,
        and that asks again."""
        app = self._app
        self._forget_letter()
        self._opened = False
        if isinstance(event, events.Paste):
            app.say("A paste from while the screen stood still was dropped. Paste it again.", "warn")
            return
        if self._action(event.key) is acts.WAY_BACK and not _is_way_back(app.dialog):
            app.perform(acts.WAY_BACK)
        self._dropped += 1
        keys, were = ("key", "was") if self._dropped == 1 else ("keys", "were")
        app.say(f"{self._dropped} {keys} typed while the screen stood still {were} dropped. Press again.", "warn")

    def take(self, event: events.Key | events.Paste) -> None:
        """Do what it means here and now."""
        self._forget_letter()
        self._dropped = 0
        if isinstance(event, events.Key):
            self._take_key(event)
        elif self._app.dialog is not None:
            self._app.dialog.paste(event.text)
            self._app.front.show_dialog()

    def _take_key(self, event: events.Key) -> None:
        app, dialog, action = self._app, self._app.dialog, self._action(event.key)
        hurried = isinstance(event, HurriedKey)
        opened, self._opened = self._opened, False
        if app.session is not None:
            app.session.touch()
        if action is acts.WAY_BACK and not _is_way_back(dialog):
            app.perform(action)
            self._opened = not isinstance(event, HurriedKey) or event.first
        elif dialog is not None:
            key = "escape" if event.key == "ctrl+c" else event.key
            if not (hurried and dialog.decides(key, event.character)):
                self._give(dialog, key, event.character)
            elif opened and dialog.is_way_back:
                # The way back and its letter, and nothing before: it counts unless it turns out to begin a text.
                loop = asyncio.get_running_loop()
                self._letter = loop.call_later(2 * HURRY, self._give, dialog, key, event.character)
            else:
                app.say(f"Not taken: {TOO_FAST}", "warn")
        elif action is not None:
            if hurried and action.effect is not Effect.READ:
                app.say(f"{action.label}: {TOO_FAST}", "warn")
            else:
                app.perform(action)

    def _forget_letter(self) -> None:
        """Something came right behind it: it was the beginning of a text."""
        if self._letter is not None:
            self._letter.cancel()

    def _give(self, dialog: Dialog, key: str, character: str | None) -> None:
        if dialog is self._app.dialog:
            dialog.key(key, character)
            self._app.settle_dialogs()

    def _action(self, key: str) -> Action | None:
        app = self._app
        name = "enter" if key == "ctrl+j" else key
        for action in (acts.WAY_BACK, *ACTIONS):
            if (not action.tabs or app.tab in action.tabs) and name in keys_of(action, app.keymap):
                return action
        return None


def _is_way_back(dialog: Dialog | None) -> bool:
    return dialog is not None and dialog.is_way_back

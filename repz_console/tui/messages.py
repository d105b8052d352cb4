"""The line in place of the keys: what was just done or refused, then what there is to say about the console itself."""

from __future__ import annotations

import time
from collections.abc import Iterable

from repz_console.text import safe
from repz_console.tui.paint.base import Span

SECONDS = {"text": 6.0, "ok": 6.0, "info": 6.0, "warn": 10.0, "bad": 15.0}
"""How long a message stays, by its role."""


class Messages:
    """One message at a time; a newer one takes its place. Notices wait until nothing else is said."""

    def __init__(self, notices: Iterable[str]) -> None:
        """`notices` are said one after the other from the start."""
        self._waiting = list(notices)
        self._known = set(self._waiting)
        self._current: set[str] = set()
        self._message: Span = ("", "text")
        self._until = 0.0

    def say(self, text: str, role: str = "text") -> None:
        """Show `text` from now on, for as long as its role asks."""
        self._message = (safe(text), role)
        self._until = time.monotonic() + SECONDS.get(role, 6.0)

    def notice(self, notices: Iterable[str]) -> None:
        """Say each of these, which are all that hold now, once, when there is time for it. One of an earlier call that
        no longer holds is not said any more."""
        now = list(notices)
        ended = self._current.difference(now)
        self._waiting = [notice for notice in self._waiting if notice not in ended]
        self._waiting += [notice for notice in now if notice not in self._known]
        self._known.update(now)
        self._current = set(now)
        if self._message[0] in map(safe, ended):
            self._until = 0.0

    @property
    def now(self) -> Span | None:
        """What is to be shown."""
        return self._message if self._message[0] and time.monotonic() < self._until else None

    def move_on(self) -> bool:
        """Take away a message that had its time, and bring up the next notice; whether that changed anything."""
        if time.monotonic() < self._until or not (self._message[0] or self._waiting):
            return False
        self._message = ("", "text")
        if self._waiting:
            self.say(self._waiting.pop(0), "warn")
        return True

"""The secrets that a config names: fetched when they are used, from where it says that they are kept.

A place that cannot give its secret is an error; there is no other one that would be tried silently.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from repz_console.logs import guard
from repz_console.plan.secrets import SecretPlace
from repz_console.process import hide_memory
from repz_console.secret import Secret
from repz_console.secret_places import SecretError, fetch, take_from_environment
from repz_console.text import safe

__all__ = ["SecretError", "Vault"]

KEPT_SECONDS = 300.0
"""How long a secret that is only watched with is used again: a new one is known after that."""
REFUSED_SECONDS = 5.0
"""How long a place that did not give it is not asked again: several sources may want the same at once."""


class Vault:
    """Used by any thread. What fetches may block, for seconds."""

    def __init__(self, places: Mapping[str, SecretPlace], folder: Path) -> None:
        """`places` are the `[secret.NAME]` tables of this user's own config, `folder` the folder that it lies in.

        Takes the environment variables among them out of the environment, and hides this process's memory.
        """
        self._places = dict(places)
        self._folder = folder
        self._kept: dict[str, tuple[float, Secret | SecretError]] = {}
        self._turns: dict[str, threading.Lock] = {}
        guard()
        hide_memory()
        for place in self._places.values():
            take_from_environment(place.env)

    def fetch(self, name: str) -> Secret:
        """The secret as it is now, kept nowhere: for what changes something. Raises `SecretError`."""
        place = self._places.get(name)
        if place is None:
            raise SecretError(f"there is no [secret.{safe(name, 60)}] in your config")
        try:
            return Secret(fetch(place, self._folder))
        except (SecretError, ValueError) as error:
            raise SecretError(f"secret {name}: {error}") from None

    def watching(self, name: str) -> Secret:
        """The secret, fetched again every five minutes: for what only reads. Raises `SecretError`."""
        with self._turns.setdefault(name, threading.Lock()):
            at, kept = self._kept.get(name, (0.0, None))
            age = time.monotonic() - at
            if kept is None or age >= (KEPT_SECONDS if isinstance(kept, Secret) else REFUSED_SECONDS):
                try:
                    kept = self.fetch(name)
                except SecretError as error:
                    kept = error
                self._kept[name] = (time.monotonic(), kept)
        if isinstance(kept, SecretError):
            raise SecretError(str(kept))
        return kept

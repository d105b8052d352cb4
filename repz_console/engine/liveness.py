"""Which consoles are running, told by the kernel: each that changes something holds a lock on a file of its own.

A lock ends with its process, also by kill -9, and no earlier: a console that is only frozen may wake up and go on with
the change that it had begun, so nobody else may judge that change yet.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from repz_console.store import place
from repz_console.store.errors import StoreError
from repz_console.text import is_identifier


class Liveness:
    """This console's own lock, and a look at those of others. All methods do a little file work."""

    def __init__(self, folder: Callable[[], Path], console: str) -> None:
        """`folder` is asked each time: a store that was not to be had may be by now."""
        self._folder = folder
        self._console = console
        self._handle = -1
        self._held: Path | None = None

    def hold(self) -> None:
        """Say that this console runs, until `release`. Raises `StoreError` if that cannot be said."""
        path = self._path(self._console)
        if self._held == path:
            return
        self.release()
        try:
            place.create(path)
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror or error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise StoreError(f"{path} is locked by another process") from error
        self._handle, self._held = handle, path

    def release(self) -> None:
        """Say that it no longer does. Harmless twice."""
        if self._held is None:
            return
        with contextlib.suppress(OSError):
            self._held.unlink()
        os.close(self._handle)
        self._handle, self._held = -1, None

    def runs(self, console: str) -> bool:
        """Whether a console still runs. One that left no lock does not; in doubt it does."""
        if console == self._console:
            return True
        if not is_identifier(console) or "/" in console:
            return False
        path = self._path(console)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        with contextlib.suppress(OSError):
            path.unlink()
        return False

    def _path(self, console: str) -> Path:
        return self._folder() / f"console-{console}.lock"

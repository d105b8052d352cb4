"""The last status line, kept in a small file: the next start shows it, with its age, before anything else is ready."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

from repz_console.engine.storage import Storage
from repz_console.store import place
from repz_console.text import safe

NAME = "last-status.txt"
"""In the store's folder. Its modification time is when the line was true."""
WRITE_EVERY = 5.0


class StatusFile:
    """Writes the status line, every few seconds at most."""

    def __init__(self, storage: Storage, console: str) -> None:
        """Writes nothing yet."""
        self._storage = storage
        self._console = console
        self._text = ""
        self._due = 0.0
        self._writing: asyncio.Task[None] | None = None

    def remember(self, text: str) -> None:
        """Keep the newest line. Must be called on the event loop."""
        self._text = safe(text)
        if time.monotonic() >= self._due and (self._writing is None or self._writing.done()):
            self._due = time.monotonic() + WRITE_EVERY
            self._writing = asyncio.create_task(self.write())

    async def write(self) -> None:
        """Write the newest line, if there is one."""
        text = self._text
        if text:
            await self._storage.run(lambda stores: _replace(stores.folder, self._console, text))


def _replace(folder: Path, console: str, text: str) -> None:
    new = folder / f".{NAME}.{console}"
    # It is a courtesy to the next start: a full disk or a read-only folder must not be reported twice.
    with contextlib.suppress(OSError):
        try:
            place.create(new)
            new.write_text(f"{text}\n", encoding="utf-8")
            os.replace(new, folder / NAME)
        finally:
            new.unlink(missing_ok=True)

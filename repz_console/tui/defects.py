"""Where defects go that do not end the console: a file of this user's, since a screen is no place for a traceback."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from repz_console.logs import Redacting

NAME = "defects.log"
_MOST_BYTES = 1_000_000


class _PrivateFile(RotatingFileHandler):
    """Opened when there is something to write, readable by its owner alone."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(self.baseFilename, "a", encoding="utf-8", errors="replace", opener=_private)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk: the defect was told on the screen in one line already."""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def keep_in(folder: Path) -> logging.Handler:
    """Log warnings and worse, of every library too, to `defects.log` in `folder`; two files of 1 MB at most."""
    handler = _PrivateFile(folder / NAME, maxBytes=_MOST_BYTES, backupCount=1, delay=True)
    handler.setFormatter(Redacting("%(asctime)s %(name)s %(levelname)s %(message)s"))
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    return handler

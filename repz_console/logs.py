"""What libraries log, with secrets masked whoever wrote them into a message or an exception."""

from __future__ import annotations

import logging

from repz_console.secret import redact

_WHOLE_URLS = ("httpx", "httpcore")
"""Loggers that tell every request with its query."""


class Redacting(logging.Formatter):
    """Masks secrets in the finished text: message, traceback and all."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return redact(super().format(record))


def guard() -> None:
    """Mask what goes to stderr where no handler is set up, and keep whole URLs out of every handler."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Redacting())
    for name in _WHOLE_URLS:
        logging.getLogger(name).setLevel(logging.WARNING)

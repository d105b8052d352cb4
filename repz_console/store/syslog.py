"""The machine's own log, as a second witness of what the journal could not take."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from repz_console.text import safe

SOCKETS = (Path("/dev/log"), Path("/var/run/syslog"))
"""Where Linux and macOS listen."""
LONGEST = 900
"""Characters of one line: what every daemon takes in one piece."""
_ALERT = (1 << 3) | 1
"""Facility user, severity alert."""


def tell(line: str) -> bool:
    """Whether the log took the line. Never waits: a daemon that hangs must not hold up a kill, which is also why this
    is not the C library's call, that waits and cannot say whether anybody listened."""
    message = f"<{_ALERT}>repz-console[{os.getpid()}]: {safe(line, LONGEST)}".encode()
    for path in SOCKETS:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.connect(os.fspath(path))
                sender.send(message)
        except OSError:
            continue
        return True
    return False

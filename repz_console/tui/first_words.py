"""The last known status line, on the screen before anything slow is imported or read.

Which store it lies in is known from the last start: if the console was asked for in the same way and the config file
that was found then is still the same file, its store's last status is this launch's.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping

from repz_console.text import safe
from repz_console.tui.descriptor import own_description, say_last
from repz_console.tui.modes import ALTERNATE_SCREEN, LEAVE

_STATUS = "last-status.txt"
_MAX = 4096
_PATIENCE = 0.3
"""Seconds to wait for a terminal that is not reading. Nobody would see these words, and signals have to be heard."""


def show(asked: str) -> str:
    """Take the alternate screen and put the last known status line with its age on it. `asked` is the config named on
    the command line, empty if none was. Returns the line, empty if none is known."""
    text = safe(_last_known(asked), _MAX)
    columns = os.get_terminal_size(sys.stdout.fileno()).columns or 80
    _write(f"{ALTERNATE_SCREEN}\x1b[?25l\x1b[?7l\x1b[2m{text[:columns]}\x1b[0m")
    return text


def take_back() -> None:
    """Give the terminal back as it was."""
    _write(LEAVE)


def _write(text: str) -> None:
    say_last(own_description(sys.stdout.fileno()), text, _PATIENCE)


def keep(asked: str, config: str, store: str) -> None:
    """Remember for the next start where this launch's status lies: the config file found, and the store's folder."""
    memo = _memo(os.environ)
    found = os.stat(config)
    known = {**_asked(asked), "config": config, "file": [found.st_mtime_ns, found.st_size], "store": store}
    temporary = f"{memo}.{os.getpid()}"
    os.makedirs(os.path.dirname(memo), mode=0o700, exist_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(known, file)
    os.replace(temporary, memo)


def _last_known(asked: str) -> str:
    try:
        with open(_memo(os.environ), encoding="utf-8") as file:
            known = json.load(file)
        found = os.stat(known["config"])
        if known["file"] != [found.st_mtime_ns, found.st_size] or not _asked(asked).items() <= known.items():
            return ""
        path = os.path.join(known["store"], _STATUS)
        with open(path, encoding="utf-8", errors="replace") as file:
            line = file.read(_MAX).strip()
        return f"{_ago(time.time() - os.stat(path).st_mtime)} ago: {line}" if line else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Whatever is wrong with the memo, the console opens without it.
        return ""


def _asked(asked: str) -> dict[str, str]:
    return {"asked": asked, "environment": os.environ.get("REPZ_CONFIG", ""), "folder": os.getcwd()}


def _memo(environment: Mapping[str, str]) -> str:
    home = environment.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(home, "repz-console", "last-start.json")


def _ago(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"

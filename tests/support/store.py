"""Helpers of the store's tests: an actor, a clock that stands still, rows changed behind the journal's back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw

from repz_console.facts import Actor
from repz_console.store.boottime import Instant

ROOT = Path(__file__).resolve().parent.parent.parent


def actor(user: str = "ana", console: str = "c1") -> Actor:
    return Actor(user=user, uid=1000 + len(user), host="box", tty="pts/1", console=console)


class Clock:
    """Seconds since boot, moved by hand."""

    def __init__(self) -> None:
        self.boot = "boot-1"
        self.seconds = 1000.0

    def __call__(self) -> Instant:
        return Instant(self.boot, self.seconds)


def tamper(folder: Path, sql: str, bindings: tuple[Any, ...] = (), name: str = "journal.db") -> None:
    """Change a file as an insider would: without its triggers."""
    db = apsw.Connection(str(folder / name))
    for trigger in [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]:
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute(sql, bindings)
    db.close()


def python(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A Python process that knows this package, its output to be read."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        **{"stdout": subprocess.PIPE} | options,
    )

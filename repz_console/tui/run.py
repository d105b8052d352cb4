"""Opens the console on this terminal, and gives it back."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repz_console.tui.modes import ALTERNATE_SCREEN, LEAVE

if TYPE_CHECKING:
    from repz_console.config import Loaded
    from repz_console.engine.session import Session

NO_TERMINAL = 64
LEAVING = 2.0
"""Seconds after the terminal was given back in which threads that still wait for something may end."""
_POOR_TERMINALS = frozenset(["linux", "vt100", "vt220"])
"""Their fonts lack the block characters."""
_EARLY = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}


def run(loaded: Loaded) -> int:
    """Run the console on the launch of `loaded` and return the exit code: 0, 64 without a usable terminal, 129, 130
    or 143 after SIGHUP, SIGINT or SIGTERM. Raises what kept it from opening or ended it."""
    refusal = unfit(os.environ)
    if refusal:
        print(f"repz-console: {refusal}", file=sys.stderr)
        return NO_TERMINAL
    for name in [name for name in os.environ if name.startswith("TEXTUAL")]:
        # Some of them press keys by themselves.
        del os.environ[name]
    last_status = first_words(loaded)
    for number, code in _EARLY.items():
        signal.signal(number, lambda *_, code=code: _leave_early(code))
    # Until the first paint nothing is thrown away that would be worth collecting.
    gc.disable()
    try:
        code, error = _show(loaded, last_status)
    except BaseException:
        _write(LEAVE)
        raise
    if error is not None:
        raise error
    return code


def unfit(environment: Any) -> str:
    """Empty if this terminal can show the console, else what to do instead."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "the console needs a terminal (with ssh, add -t); `repz-console status` prints the room without one"
    if environment.get("TERM", "") in ("", "dumb", "unknown"):
        kind = environment.get("TERM") or "not set"
        return f"TERM is {kind}: set it to what your terminal is; `repz-console status` prints the room without one"
    return ""


def first_words(loaded: Loaded) -> str:
    """Put the last known status line, with its age, on the screen before anything slow is imported. Returns it."""
    text = last_known(loaded)
    _write(f"{ALTERNATE_SCREEN}\x1b[?25l\x1b[?7l\x1b[2m{text}\x1b[0m")
    return text


def last_known(loaded: Loaded) -> str:
    """The status line that the last console on this store kept, with its age; empty if there is none."""
    from repz_console.store import place
    from repz_console.store.errors import StoreError
    from repz_console.text import safe

    try:
        file: Path = place.folder(loaded.plan.store.path, loaded.path.parent) / "last-status.txt"
        text = safe(file.read_text("utf-8", "replace").strip())
        seconds = max(0, int(time.time() - file.stat().st_mtime))
    except (OSError, StoreError):
        return ""
    ago = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
    return f"{ago} ago: {text}" if text else ""


def _show(loaded: Loaded, last_status: str) -> tuple[int, BaseException | None]:
    import asyncio

    from repz_console.config import user_folder
    from repz_console.resources import shipped_themes
    from repz_console.tui.app import ConsoleApp
    from repz_console.tui.paint.base import ASCII, BLOCKS
    from repz_console.tui.settings import SettingsFile
    from repz_console.tui.themes import collect

    folder = user_folder()
    settings = SettingsFile(folder)
    themes, skipped = collect([*shipped_themes(), *sorted((folder / "themes").glob("*.toml"))])

    async def opening() -> Session:
        from repz_console.engine.session import Session

        return await Session.open(loaded, present=True)

    plain = settings.settings.ascii
    app = ConsoleApp(
        opening,
        settings,
        themes,
        notices=[*settings.mistakes, *skipped],
        last_status=last_status,
        glyphs=ASCII if (poor_locale(os.environ) if plain is None else plain) else BLOCKS,
        on_alternate_screen=True,
    )

    async def show() -> None:
        await app.run_async(mouse=settings.settings.mouse)
        # A thread that waits for a name server must not keep the shell from coming back.
        watch = threading.Timer(LEAVING, os._exit, (app.return_code or 0,))
        watch.daemon = True
        watch.start()

    asyncio.run(show())
    return app.return_code or 0, app.failure or app.defect


def poor_locale(environment: Any) -> bool:
    """Whether the locale or the terminal is known not to show block characters."""
    if environment.get("TERM") in _POOR_TERMINALS:
        return True
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or "UTF-8"
    return "utf-8" not in locale.lower().replace("utf8", "utf-8")


def _leave_early(code: int) -> None:
    _write(LEAVE)
    os._exit(code)


def _write(text: str) -> None:
    os.write(sys.stdout.fileno(), text.encode("utf-8", "replace"))

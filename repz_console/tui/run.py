"""Opens the console on this terminal, and gives it back."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from repz_console.text import safe
from repz_console.tui import first_words
from repz_console.tui.signals import ENDING

if TYPE_CHECKING:
    from repz_console.config import Loaded
    from repz_console.engine.session import Session

NO_TERMINAL = 64
_STDIN, _STDOUT = 0, 1
_POOR_TERMINALS = frozenset(["linux", "vt100", "vt220"])
"""Their fonts lack the block characters."""


def run(loaded: Loaded) -> int:
    """`open_on` for a config that is loaded already."""
    return open_on(lambda: loaded)


def open_on(load: Callable[[], Loaded], asked: str = "") -> int:
    """Run the console on the launch that `load` gives, and return the exit code: 0, 64 without a usable terminal, 129,
    130, 131 or 143 after SIGHUP, SIGINT, SIGQUIT or SIGTERM. Raises what `load` raises, and what kept the console from
    opening or ended it; the terminal is then as it was. `asked` is the config named on the command line, if any.
    """
    refusal = unfit(os.environ)
    if refusal:
        print(f"repz-console: {safe(refusal)}", file=sys.stderr)
        return NO_TERMINAL
    for name in [name for name in os.environ if name.startswith("TEXTUAL")]:
        # Some of them press keys by themselves.
        del os.environ[name]
    for number, code in ENDING.items():
        signal.signal(number, lambda *_, code=code: _leave_early(code))
    last_status = first_words.show(asked)
    # Until the first paint nothing is thrown away that would be worth collecting.
    gc.disable()
    try:
        code, error = _show(load(), asked, last_status)
    except BaseException:
        first_words.take_back()
        raise
    if error is not None:
        raise error
    return code


def unfit(environment: Mapping[str, str]) -> str:
    """Empty if this terminal can show the console, else what to do instead."""
    if not (os.isatty(_STDIN) and os.isatty(_STDOUT)):
        return "the console needs a terminal (with ssh, add -t); `repz-console status` prints the room without one"
    if environment.get("TERM", "") in ("", "dumb", "unknown"):
        kind = environment.get("TERM") or "not set"
        return f"TERM is {kind}: set it to what your terminal is; `repz-console status` prints the room without one"
    return ""


def _show(loaded: Loaded, asked: str, last_status: str) -> tuple[int, BaseException | None]:
    import asyncio

    from platformdirs import user_state_path

    from repz_console.config import user_folder
    from repz_console.resources import shipped_themes
    from repz_console.tui.app import ConsoleApp
    from repz_console.tui.defects import keep_in
    from repz_console.tui.paint.base import ASCII, BLOCKS
    from repz_console.tui.settings import SettingsFile
    from repz_console.tui.themes import collect

    keep_in(user_state_path("repz-console"))
    folder = user_folder()
    settings = SettingsFile(folder)
    themes, skipped = collect([*shipped_themes(), *sorted((folder / "themes").glob("*.toml"))])

    async def opening() -> Session:
        from repz_console.engine.session import Session

        session = await Session.open(loaded, present=True)
        if not session.without:
            with contextlib.suppress(OSError):
                first_words.keep(asked, str(loaded.path.resolve()), str(session.folder))
        return session

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

    asyncio.run(app.run_async(mouse=settings.settings.mouse))
    return app.return_code or 0, app.failure or app.defect


def poor_locale(environment: Mapping[str, str]) -> bool:
    """Whether the locale or the terminal is known not to show block characters."""
    if environment.get("TERM") in _POOR_TERMINALS:
        return True
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or "UTF-8"
    return "utf-8" not in locale.lower().replace("utf8", "utf-8")


def _leave_early(code: int) -> None:
    first_words.take_back()
    os._exit(code)

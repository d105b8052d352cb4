"""Consoles in terminals of their own on one small launch, and what is left of them in its journal and flag file."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from repz_console.events import AnyEvent, Entry
from repz_console.store.journal import Journal
from tests.support import sessions
from tests.support.commands import ROOT
from tests.support.pty import Terminal, console

Kind = TypeVar("Kind", bound=AnyEvent)

PATIENCE = 60.0
"""Seconds after which something that should be seen counts as missing, on a busy machine."""
STILL = 0.7
"""Seconds without a byte after which a screen is painted whole, and keys are no longer taken for typed blindly."""
TAB, ENTER, ESCAPE = "\t", "\r", "\x1b"
AGAIN = re.compile("Press again|Press it again|Paste it again")


class Consoles:
    """One launch, and whoever looks at it."""

    def __init__(self, folder: Path, bytecode: Path, config: str = sessions.CONFIG) -> None:
        """The launch's config, store and flag file lie in `folder`; `bytecode` is where compiled modules may stay."""
        self.folder = folder
        self.config = folder / "config.toml"
        self.flags = folder / "flags.json"
        self.store = folder / "store"
        self.environment = {
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(bytecode),
            "PYTHONDONTWRITEBYTECODE": "",
            "LANG": "C.UTF-8",
            "LC_ALL": "",
        }
        self._loaded = sessions.launch(folder, config)

    def open(
        self,
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
    ) -> Terminal:
        """A console that was just started; `under` is a command that is to start it."""
        return Terminal(
            [*under, *console("--config", str(self.config))],
            columns=columns,
            rows=rows,
            env={**self.environment, **(env or {})},
            cwd=self.folder,
        )

    def expose(self, percent: float) -> None:
        """Widen to `percent` beforehand."""

        async def widen() -> None:
            async with sessions.opened(self._loaded) as session:
                await session.take_conn()
                outcome = await sessions.widen(session, percent)
                assert outcome.state == "confirmed", outcome.line

        asyncio.run(widen())

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a command line says about this launch."""
        return subprocess.run(
            console("--config", str(self.config), *arguments),
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def percents(self) -> dict[str, float]:
        """Percent by region, as read back from the flag file."""
        shown = self.run("rollout", "show", "production", "--json")
        assert shown.returncode == 0, shown.stderr
        exposure: dict[str, Any] = json.loads(shown.stdout)["configured"]["exposure"]
        return dict(exposure["percent"])

    def entries(self) -> list[Entry]:
        """The journal, oldest first; empty before there is one."""
        if not (self.store / "journal.db").exists():
            return []
        journal = Journal.open(self.store, read_only=True)
        try:
            return journal.entries()
        finally:
            journal.close()

    def events(self, kind: type[Kind]) -> list[Kind]:
        """The journal's events of one kind, oldest first."""
        return [entry.event for entry in self.entries() if isinstance(entry.event, kind)]


def live(screen: str) -> bool:
    """Whether the pane is LIVE. The first line may say so from the run before."""
    return "● LIVE" in screen.partition("\n")[2]


def opened(terminal: Terminal) -> None:
    """Wait until a console shows the launch from facts of this moment."""
    terminal.until(live, PATIENCE)
    terminal.quiet(STILL)


def painted(terminal: Terminal) -> None:
    """Wait until a console shows the launch, from facts of whatever age: keys typed earlier are dropped."""
    terminal.until("! WAY BACK", PATIENCE)
    terminal.quiet(STILL)


def press(terminal: Terminal, keys: str, seen: Callable[[str], bool] | str) -> None:
    """Press keys and wait for what they do; again, as a person would, where the console says that it dropped them."""
    satisfied = (lambda screen: seen in screen) if isinstance(seen, str) else seen
    terminal.send(keys)
    terminal.until(lambda screen: satisfied(screen) or AGAIN.search(screen) is not None, PATIENCE)
    while not satisfied(terminal.text()):
        terminal.until(lambda screen: AGAIN.search(screen) is None, PATIENCE)
        terminal.send(keys)
        terminal.until(lambda screen: satisfied(screen) or AGAIN.search(screen) is not None, PATIENCE)


def eventually(fact: Callable[[], object], terminal: Terminal, seconds: float = PATIENCE) -> None:
    """Wait for something beside the screen while somebody goes on looking at it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if fact():
            return
        terminal.read(0.05)
    raise AssertionError(f"did not come true within {seconds} s\n{terminal.text()}")


def take_conn(terminal: Terminal) -> None:
    """Take the conn by its key."""
    press(terminal, "c", "You have the conn.")


def open_tab(terminal: Terminal, number: int, title: str) -> None:
    """Open a tab by its number."""
    press(terminal, str(number), f"[{number} {title}]")


def file_bug(terminal: Terminal, title: str, priority: str = "P0") -> None:
    """File a bug by the keys, until the console says that it is filed."""
    open_tab(terminal, 5, "Bugs")
    press(terminal, "n", "[ File ]")
    press(terminal, title, title)
    press(terminal, TAB + priority[-1], f"< {priority}")
    press(terminal, ENTER, f"Filed as {priority}")


def draft_next_stage(terminal: Terminal, share: str) -> None:
    """Draft the next planned stage on the Rollout tab."""
    open_tab(terminal, 3, "Rollout")
    press(terminal, "s", lambda screen: "Draft" in screen and f"→ {share}" in screen)


def to_challenge(terminal: Terminal, reason: str) -> str:
    """From a draft through the comparison to the challenge; returns what it asks to be typed."""
    press(terminal, ENTER, "[ Go on ]")
    # The focus is on Cancel, then on the reason, then on the button.
    press(terminal, TAB + reason, reason)
    press_enter_twice(terminal)
    terminal.until("and press Enter", PATIENCE)
    asked = re.search(r"Type  (.+?)  and press Enter", terminal.text())
    assert asked, terminal.text()
    return asked[1]


def press_enter_twice(terminal: Terminal) -> None:
    """From a field of a dialog to its button, and press that."""
    press(terminal, ENTER, on_button)
    terminal.send(ENTER)


def on_button(screen: str) -> bool:
    """Whether the focus of a dialog is on a button that does something."""
    return re.search(r"▶ \[ (?!Cancel)", screen) is not None


def type_challenge(terminal: Terminal, words: str) -> None:
    """Type the words of the challenge, without the Enter."""
    press(terminal, TAB + words, f"Typed  {words}")

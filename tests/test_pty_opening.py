"""Opening the console: what the first screen shows, and where it cannot be shown."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest

from repz_console.actions import TABS
from repz_console.config import load
from tests.support.commands import ROOT
from tests.support.consoles import PATIENCE, Consoles, live, opened, painted, press
from tests.support.pty import Terminal, console

NO_TERMINAL = 64


def test_the_first_screen_shows_the_room(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        terminal.until(lambda screen: "KILL ?" not in screen)  # which takes the budget's room until it was looked
        screen = terminal.text().splitlines()
        status, tabs, keys = screen[0], screen[1], screen[-1]
        assert status.startswith("PRODUCTION")
        for part in ("T-", "0%", "P0:0 P1:0", "left", "conn FREE", "LIVE"):
            assert part in status
        titles, _, blocker = tabs.partition("✖")
        assert titles.split() == [
            word for number, (_, title) in enumerate(TABS, 1) for word in _tab(number, title).split()
        ]
        assert blocker.startswith(" the conn is FREE")
        assert keys.endswith("! WAY BACK")
        for label in ("NOW", "NEXT", "STAGE", "TIMELINE", "ROLLOUT", "BUGS", "BUDGET", "CONN", "HERE", "JOURNAL"):
            assert any(line.startswith(f" {label}") for line in screen), f"{label} is missing\n{terminal.text()}"


def _tab(number: int, title: str) -> str:
    return f"[{number} {title}]" if number == 1 else f"{number} {title[:4]}"


def test_every_tab_opens_by_its_number(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        for number, (_, title) in enumerate(TABS, 1):
            press(terminal, str(number), partial(_shows, f"[{number} {title}]", title))


def _shows(tab: str, title: str, screen: str) -> bool:
    lines = screen.splitlines()
    return tab in lines[1] and (title == "Room" or title in lines[2] or "Production" in lines[2])


def test_the_shipped_launch_opens_and_says_that_its_dates_are_past(consoles: Consoles) -> None:
    title = load(ROOT / "config.toml").plan.launch.title
    with Terminal(
        console("--config", str(ROOT / "config.toml")), env=consoles.environment, cwd=consoles.folder
    ) as terminal:
        terminal.until(lambda screen: title[:12] in screen and live(screen), PATIENCE)
        terminal.until("This plan is past", PATIENCE)
        terminal.until("R then moves it", PATIENCE)
        terminal.send("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_show_it_is_refused_with_what_to_do(consoles: Consoles, kind: str) -> None:
    with consoles.open(env={"TERM": kind}) as terminal:
        assert terminal.wait(PATIENCE) == NO_TERMINAL
        said = terminal.raw.decode()
        assert f"TERM is {kind or 'not set'}" in said
        assert "repz-console status" in said
        assert b"\x1b" not in terminal.raw
    assert not consoles.store.exists()


def test_a_start_without_the_store_forgets_nothing_of_it(consoles: Consoles) -> None:
    """The next one shows the last status of the store, and not of wherever this one wrote its own."""
    memo = Path(os.environ["XDG_STATE_HOME"], "repz-console", "last-start.json")
    with consoles.open() as terminal:
        opened(terminal)
        terminal.send("q")
        assert terminal.wait() == 0
    known = memo.read_text()
    assert json.loads(known)["store"] == str(consoles.store)
    consoles.store.rename(consoles.folder / "away")
    consoles.store.touch()
    with consoles.open() as terminal:
        painted(terminal)
        terminal.until("NO JOURNAL", PATIENCE)
        terminal.send("q")
        assert terminal.wait() == 0
    assert memo.read_text() == known

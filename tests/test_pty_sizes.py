"""Every size that a terminal may say it has: alive, right, and the way back works down to 20x5."""

from __future__ import annotations

import random

import pytest

from repz_console.events import RolloutHeld
from tests.conftest import Figure
from tests.support.consoles import PATIENCE, STILL, Consoles, eventually, opened, press
from tests.support.pty import Terminal

SEED = 7
SMALL = [(20, 5), (20, 24), (40, 10), (59, 15)]
"""Sizes without room for a pane."""
ODD = [(1, 1), (3, 2), (1, 24), (80, 1), (500, 500), (0, 0)]


def shown(terminal: Terminal) -> str:
    """The screen without its line breaks, which fall where there is room."""
    return " ".join(terminal.text().split())


def whole(screen: str) -> bool:
    """Whether the screen is painted from its first line to its last."""
    lines = screen.splitlines()
    return lines[0].startswith("PRODUCTION") and lines[-1].endswith("! WAY BACK")


@pytest.mark.parametrize(("columns", "rows"), SMALL, ids=lambda size: str(size))
def test_exposure_and_the_way_back_are_shown_and_work(consoles: Consoles, columns: int, rows: int) -> None:
    consoles.expose(20)
    with consoles.open(columns=columns, rows=rows) as terminal:
        terminal.until(lambda screen: "20 %" in screen or "20%" in screen, PATIENCE)
        terminal.quiet(STILL)
        assert "!" in shown(terminal)
        press(terminal, "!", lambda screen: "kill" in screen.lower())
        terminal.quiet(STILL)
        terminal.send("k")
        eventually(lambda: not any(consoles.percents().values()), terminal)
        terminal.until(lambda screen: "0 %" in screen or "0%" in screen, PATIENCE)
        terminal.quiet(STILL)
        terminal.send("!")
        terminal.quiet(STILL)
        terminal.send("h")
        eventually(lambda: consoles.events(RolloutHeld), terminal)


def test_no_size_ends_it_and_the_next_one_is_painted(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        for number, (columns, rows) in enumerate(ODD):
            terminal.resize(columns, rows)
            terminal.read(0.3)
            assert terminal.status is None
            terminal.resize(80, 24)
            terminal.screen.reset()
            terminal.quiet(STILL)
            tab = ("2 Timeline", "5 Bugs")[number % 2]
            press(terminal, tab[0], f"[{tab}]")
            terminal.until(whole, PATIENCE)


def test_a_size_that_was_another_for_a_moment_is_painted_again(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        terminal.resize(60, 24)
        terminal.resize(80, 24)
        terminal.screen.reset()
        terminal.until(whole, PATIENCE)


@pytest.mark.parametrize(("columns", "rows"), ODD, ids=lambda size: str(size))
def test_it_opens_at_any_size_and_leaves(consoles: Consoles, columns: int, rows: int) -> None:
    with consoles.open(columns=max(columns, 1), rows=max(rows, 1)) as terminal:
        if (columns, rows) == (0, 0):
            terminal.resize(0, 0)
        terminal.until(lambda _: len(terminal.raw) > 60, PATIENCE)
        terminal.quiet(2 * STILL)
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0


@pytest.mark.figure
def test_a_storm_of_resizes_is_weathered(consoles: Consoles, figure: Figure) -> None:
    chance = random.Random(SEED)
    storm = figure.count(400, 2000)
    with consoles.open() as terminal:
        opened(terminal)
        used, before = terminal.cpu(), len(terminal.raw)
        for _ in range(storm):
            terminal.resize(chance.randrange(1, 200), chance.randrange(1, 60))
            terminal.read(0.001)
        terminal.resize(80, 24)
        terminal.screen.reset()
        terminal.quiet(STILL)
        press(terminal, "5", "[5 Bugs]")
        terminal.until(whole, PATIENCE)
        assert len(terminal.raw) - before < 2_000_000
        assert terminal.cpu() - used < 30
    figure.say(f"{storm:,} resizes in a row: alive, and painted whole after them")

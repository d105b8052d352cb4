"""No text that comes from outside acts on the terminal, wherever on the screen it is drawn."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from repz_console.room.views import RoomView
from tests.support import hostile, painting, rooms, screens

if TYPE_CHECKING:
    from tests.conftest import Figure

SEED = 2718
WIDTHS = (60, 80, 120, 160)
AT_ONCE = 8
"""Fuzzed strings that one room shows."""


@pytest.fixture(scope="module")
def bases() -> list[RoomView]:
    """Rooms that between them show every kind of text."""
    return [rooms.live(), rooms.unknown(), rooms.drifted(), rooms.down()]


def harms(bases: list[RoomView], texts: list[str], turn: int) -> Iterator[str]:
    view = hostile.poisoned(bases[turn % len(bases)], cycle(texts), screens.OURS)
    for drawing in screens.DRAWINGS:
        # A pane shows them all at once, each in many places; a dialog is about one.
        found = screens.harm(drawing, view, texts[turn % len(texts)], WIDTHS[turn % len(WIDTHS)])
        if found:
            yield f"{drawing}: {found}"


@pytest.mark.parametrize("text", hostile.PAYLOADS, ids=lambda text: ascii(text)[:40])
def test_no_payload_acts_from_any_place_on_the_screen(bases: list[RoomView], text: str) -> None:
    assert list(harms(bases, [text], hostile.PAYLOADS.index(text))) == []


@pytest.mark.figure
def test_no_fuzzed_text_acts_from_any_place_on_the_screen(bases: list[RoomView], figure: Figure) -> None:
    chance = random.Random(SEED)
    rooms_drawn = figure.count(30, 1_250)
    found = [
        one
        for turn in range(rooms_drawn)
        for one in harms(bases, [hostile.fuzzed(chance) for _ in range(AT_ONCE)], turn)
    ]
    assert found[:5] == []
    number, places = rooms_drawn * AT_ONCE, len(screens.DRAWINGS)
    figure.say(f"{number:,} fuzzed strings through {places} places of the screen, seed {SEED}: {len(found)} harmful")


def test_our_own_signs_and_words_pass_the_filter_unchanged() -> None:
    view = rooms.live()
    for drawing, lines in screens.DRAWINGS.items():
        for line in lines(view, "Zürich, Łódź: 日本語 — 100 %", 120):
            text = painting.text_of(line)
            assert screens.shown(text) == text, drawing

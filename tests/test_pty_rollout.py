"""Steering the rollout from the keyboard of a real terminal: widen by every dialog, take back by two keys."""

from __future__ import annotations

import random
import string

import pytest

from repz_console.events import ChangeEnded, ChangeIntended, ConnTaken, RolloutHeld
from tests.support.consoles import (
    ENTER,
    ESCAPE,
    PATIENCE,
    STILL,
    TAB,
    Consoles,
    draft_next_stage,
    eventually,
    live,
    open_tab,
    opened,
    press,
    take_conn,
    to_challenge,
    type_challenge,
)

NOBODY = {"us": 0.0, "world": 0.0}


def nobody(consoles: Consoles) -> bool:
    return not any(consoles.percents().values())


def test_a_widening_goes_through_conn_comparison_and_challenge(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        take_conn(terminal)
        draft_next_stage(terminal, "20 %")
        words = to_challenge(terminal, "on time")
        stage, environment, nonce = words.split()
        assert (stage, environment) == ("soft", "PRODUCTION")
        assert len(nonce) == 2
        assert not consoles.flags.exists() or nobody(consoles)
        type_challenge(terminal, words)
        assert not consoles.events(ChangeIntended)
        terminal.send(ENTER)
        terminal.until("production set to 20 %", PATIENCE)
        terminal.until(lambda screen: "NOW   Soft launch 20 %" in screen, PATIENCE)
        assert consoles.percents() == {"us": 20.0, "world": 20.0}
        intent = consoles.events(ChangeIntended)[-1]
        ending = consoles.events(ChangeEnded)[-1]
        assert (intent.action, intent.stage, intent.reason) == ("set", "soft", "on time")
        assert intent.evidence["gates"]
        assert (ending.op, ending.outcome) == (intent.op, "confirmed")


def test_the_challenge_takes_no_other_words_and_escape_leaves_it(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        take_conn(terminal)
        draft_next_stage(terminal, "20 %")
        words = to_challenge(terminal, "on time")
        wrong = words[:-1] + ("a" if words[-1] != "a" else "b")
        type_challenge(terminal, wrong)
        terminal.send(ENTER)
        terminal.until("that is not what has to be typed", PATIENCE)
        terminal.send(ESCAPE)
        terminal.until("nothing was changed", PATIENCE)
    assert not consoles.events(ChangeIntended)
    assert nobody(consoles)


def test_without_the_conn_the_comparison_cannot_go_on(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        draft_next_stage(terminal, "20 %")
        press(terminal, ENTER, "( Go on )")
        for key in (TAB, ENTER, ENTER):
            terminal.send(key)
        terminal.quiet()
        terminal.until("the conn is FREE: take it to widen", PATIENCE)
        assert "and press Enter" not in terminal.text()
    assert not consoles.events(ChangeIntended)


def test_kill_is_two_keys_without_conn_and_without_enter(consoles: Consoles) -> None:
    consoles.expose(20)
    before = consoles.flags.read_bytes()
    with consoles.open() as terminal:
        opened(terminal)
        press(terminal, "!", "WAY BACK  PRODUCTION")
        terminal.send(ENTER)
        terminal.until("Press h, b, k or Esc.", PATIENCE)
        assert consoles.flags.read_bytes() == before
        terminal.send("k")
        terminal.until("production killed", PATIENCE)
    assert nobody(consoles)
    intent, ending = consoles.events(ChangeIntended)[-1], consoles.events(ChangeEnded)[-1]
    assert (intent.action, ending.op, ending.outcome) == ("kill", intent.op, "confirmed")
    assert len(consoles.events(ConnTaken)) == 1, "only the widening beforehand needed the conn"


def test_the_letter_may_come_in_one_piece_with_the_key(consoles: Consoles) -> None:
    consoles.expose(20)
    with consoles.open() as terminal:
        opened(terminal)
        terminal.send("!k")
        terminal.until("production killed", PATIENCE)
    assert nobody(consoles)


def test_hold_and_roll_back_are_two_keys_each(consoles: Consoles) -> None:
    consoles.expose(20)
    consoles.expose(60)
    with consoles.open() as terminal:
        opened(terminal)
        press(terminal, "!", "WAY BACK  PRODUCTION")
        terminal.send("b")
        terminal.until("production rolled back to 20 %", PATIENCE)
        press(terminal, "!", "WAY BACK  PRODUCTION")
        terminal.send("h")
        terminal.until("production is held", PATIENCE)
        terminal.until("HOLD", PATIENCE)
    assert set(consoles.percents().values()) == {20.0}
    assert [event.rollout for event in consoles.events(RolloutHeld)] == ["production"]


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (59, 14)])
def test_the_way_back_works_on_a_screen_that_is_too_small_for_all_else(
    consoles: Consoles, columns: int, rows: int
) -> None:
    consoles.expose(20)
    with consoles.open(columns=columns, rows=rows) as terminal:
        terminal.until(lambda screen: "20 % of visitors" in screen and "! WAY BACK" in screen, PATIENCE)
        terminal.until("60x15", PATIENCE)
        terminal.quiet(STILL)
        press(terminal, "c", "Conn: the screen")
        press(terminal, "!", "kill")
        terminal.send("k")
        terminal.until(lambda screen: "0 % of visitors" in screen and "20 %" not in screen, PATIENCE)
        eventually(lambda: nobody(consoles), terminal)
        terminal.resize(80, 24)
        terminal.until("7 Jour", PATIENCE)
    assert len(consoles.events(ConnTaken)) == 1


def test_no_single_key_and_no_burst_of_them_changes_the_flags(consoles: Consoles) -> None:
    consoles.expose(20)
    before = consoles.flags.read_bytes()
    chance = random.Random(3)
    # The way back is two keys, so its first may be among them, but not any of its letters behind it.
    keys = [key for key in string.printable if key.isprintable() and key not in "!hbko"] + [ENTER]
    with consoles.open() as terminal:
        opened(terminal)
        take_conn(terminal)
        for number, title in ((3, "Rollout"), (1, "Room"), (2, "Timeline"), (3, "Rollout")):
            open_tab(terminal, number, title)
            terminal.send("".join(chance.sample(keys, len(keys))))
            terminal.quiet()
            for _ in range(6):
                terminal.send(ESCAPE)
                terminal.read(0.15)
            terminal.quiet(STILL)
            terminal.send("!")
            terminal.until("WAY BACK  PRODUCTION", PATIENCE)
            terminal.send(ESCAPE)
            terminal.until(lambda screen: "WAY BACK  PRODUCTION" not in screen, PATIENCE)
        for key in "hbko":
            terminal.send(key)
            terminal.quiet()
        assert terminal.status is None
    assert consoles.flags.read_bytes() == before
    assert len(consoles.events(ChangeIntended)) == 1


def test_what_was_typed_before_the_first_paint_changes_nothing(consoles: Consoles) -> None:
    consoles.expose(20)
    before = consoles.flags.read_bytes()
    with consoles.open() as terminal:
        terminal.until(lambda _: b"\x1b[?1049h" in terminal.raw, PATIENCE)
        terminal.send("cs" + ENTER + "k!k!b")
        terminal.until(live, PATIENCE)
        terminal.quiet()
        assert terminal.status is None
    assert consoles.flags.read_bytes() == before
    assert len(consoles.events(ChangeIntended)) == 1

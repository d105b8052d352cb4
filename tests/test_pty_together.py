"""Two consoles on one launch: what one writes the other shows, and when one is gone the other carries on."""

from __future__ import annotations

import signal

from repz_console.events import CollectorTaken, ConnTaken
from tests.support.consoles import (
    PATIENCE,
    TAB,
    Consoles,
    eventually,
    file_bug,
    live,
    opened,
    press,
    press_enter_twice,
    take_conn,
)  # fmt: skip


def test_they_list_each_other_and_see_each_others_bugs(consoles: Consoles) -> None:
    with consoles.open() as one, consoles.open() as other:
        opened(one)
        opened(other)
        one.until(lambda screen: _here(screen) == 2, PATIENCE)
        other.until(lambda screen: _here(screen) == 2, PATIENCE)
        file_bug(one, "checkout is down")
        other.until("P0:1", PATIENCE)
        other.until("checkout is down", PATIENCE)
        other.until("bugs)", PATIENCE)
        file_bug(other, "search is slow", "P1")
        one.until("search is slow", PATIENCE)
        one.until("P0:1 P1:1", PATIENCE)
        one.send("q")
        assert one.wait() == 0
        press(other, "1", lambda screen: _here(screen) == 1)


def _here(screen: str) -> int:
    line = next((line for line in screen.splitlines() if line.startswith(" HERE")), "")
    return len(line.split("root")) - 1


def test_the_conn_is_taken_from_a_holder_with_a_reason_that_both_see(consoles: Consoles) -> None:
    with consoles.open() as one, consoles.open() as other:
        opened(one)
        opened(other)
        take_conn(one)
        other.until("conn root", PATIENCE)
        press(other, "c", "Take the conn from")
        press(other, TAB + "the line dropped", "the line dropped")
        press_enter_twice(other)
        other.until("You have the conn.", PATIENCE)
        one.until(lambda screen: "conn YOU" not in screen and "the line dropped" in screen, PATIENCE)
    assert [event.reason for event in consoles.events(ConnTaken)] == ["", "the line dropped"]


def test_another_console_polls_on_when_the_one_that_did_is_killed(consoles: Consoles) -> None:
    with consoles.open() as one:
        opened(one)
        with consoles.open() as other:
            opened(other)
            assert len(consoles.events(CollectorTaken)) == 1
            one.kill(signal.SIGKILL)
            one.wait()
            eventually(lambda: len(consoles.events(CollectorTaken)) == 2, other)
            consoles.expose(20)
            other.until("20 % of visitors", PATIENCE)
            assert live(other.text())

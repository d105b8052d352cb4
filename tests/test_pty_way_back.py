"""The way back from the keyboard of a real terminal, on a journal of a newer program and on a disk that is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from repz_console.events import ChangeIntended, EmergencyImported, RolloutHeld
from repz_console.store.emergency import Emergency
from tests.support.broken import STATES
from tests.support.consoles import PATIENCE, Consoles, eventually, opened, painted, press


@pytest.fixture
def disk(consoles: Consoles) -> Iterator[None]:
    """A small disk of its own for the store."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    consoles.store.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", os.fspath(consoles.store)], check=True)
    yield
    subprocess.run(["umount", "-l", os.fspath(consoles.store)], check=True)


@pytest.mark.parametrize("name", ["newer", "full at the start"])
def test_hold_roll_back_and_kill_are_two_keys_each_without_a_journal(
    consoles: Consoles, disk: None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    consoles.expose(20)
    consoles.expose(60)
    with STATES[name](consoles.store, monkeypatch):
        with consoles.open(columns=100) as terminal:
            painted(terminal)
            terminal.until("NO JOURNAL", PATIENCE)
            terminal.until("60 %", PATIENCE)
            press(terminal, "c", "Conn: the journal")
            for letter, said in (("h", "production is held - NOT JOURNALED"), ("b", "rolled back"), ("k", "killed")):
                press(terminal, "!", "WAY BACK  PRODUCTION")
                press(terminal, letter, said)
            terminal.until("HOLD", PATIENCE)
        kinds = [type(record.event) for record in Emergency(consoles.store).read()]
        assert kinds.count(RolloutHeld) == 1
        assert kinds.count(ChangeIntended) == 2
        assert not any(consoles.percents().values())
    with consoles.open() as terminal, consoles.open() as other:
        opened(terminal)
        opened(other)
        eventually(lambda: consoles.events(EmergencyImported), terminal)
        terminal.until("HOLD", PATIENCE)
    assert len(consoles.events(RolloutHeld)) == 1
    assert [event.action for event in consoles.events(ChangeIntended)][2:] == ["rollback", "kill"]
    assert Emergency(consoles.store).read() == ()

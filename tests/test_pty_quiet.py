"""What a console writes to its terminal while nothing happens: the clock in the status line, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repz_console.store.telemetry import Telemetry
from tests.support import sessions
from tests.support.consoles import PATIENCE, Consoles, eventually, open_tab, opened
from tests.support.pty import Terminal

STATUS_ROW = 0
SECONDS = 3.0
CLOCK_BYTES = 250
"""Bytes of one tick of the clock, at most."""
_FAR = "full_launch = { on = 2027-02-05, time = 09:00:00 }"


def launch_in(time: timedelta) -> str:
    """The small launch's config, its T-0 that far away."""
    t0 = datetime.now(UTC) + time
    assert _FAR in sessions.CONFIG
    return sessions.CONFIG.replace(_FAR, f"full_launch = {{ on = {t0:%Y-%m-%d}, time = {t0:%H:%M:%S} }}")


def watched(terminal: Terminal, seconds: float = SECONDS) -> tuple[set[int], bytes]:
    """The rows that were written to during that time, and everything that was written. The turn of a minute, at which
    times of day may change, is waited out beforehand."""
    while datetime.now(UTC).second + seconds >= 59:
        terminal.read(0.5)
    terminal.read(0.5)
    terminal.screen.dirty.clear()
    written = terminal.read(seconds)
    return set(terminal.screen.dirty), written


@pytest.fixture
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "bytecode"


def test_unchanged_polls_write_nothing_while_the_clock_shows_days(tmp_path: Path, bytecode: Path) -> None:
    consoles = Consoles(tmp_path, bytecode, launch_in(timedelta(days=30, minutes=30)))
    with consoles.open() as terminal:
        opened(terminal)
        telemetry = Telemetry.open(consoles.store)
        eventually(lambda: "flags" in telemetry.load(), terminal)
        polled = telemetry.load()["flags"].last_ok_at
        terminal.quiet(2.0)
        rows, written = watched(terminal)
        again = telemetry.load()["flags"].last_ok_at
        telemetry.close()
        assert polled is not None
        assert again is not None
        assert again - polled >= timedelta(seconds=2), "the flag file is read every second"
        assert (rows, written) == (set(), b"")
        assert consoles.run("bug", "add", "it burns", "-p", "P0").returncode == 0
        terminal.until("P0:1", PATIENCE)


def test_only_the_clock_ticks_in_the_last_hours(tmp_path: Path, bytecode: Path) -> None:
    consoles = Consoles(tmp_path, bytecode, launch_in(timedelta(hours=3)))
    with consoles.open() as terminal:
        opened(terminal)
        open_tab(terminal, 5, "Bugs")
        terminal.read(1)
        rows, written = watched(terminal)
        assert rows == {STATUS_ROW}
        assert 0 < len(written) <= (SECONDS + 1) * CLOCK_BYTES


def test_a_change_of_the_flag_file_is_seen_by_the_next_poll(consoles: Consoles) -> None:
    with consoles.open() as terminal:
        opened(terminal)
        consoles.expose(20)
        terminal.until("20 % of visitors", PATIENCE)
        assert consoles.run("rollout", "kill", "production", "--yes").returncode == 0
        terminal.until(lambda screen: "0 % of visitors" in screen and "20 % of visitors" not in screen, PATIENCE)

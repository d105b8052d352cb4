"""The box's own readings, and those of a named process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from repz_console.facts import Facts, Reading
from repz_console.providers import host_machine
from repz_console.providers.host_process import Watch
from tests.support.providers import START, provider

NAMES = ["cpu", "memory", "disk", "load1", "net.in", "net.out", "fds", "uptime"]


def by_name(facts: Facts) -> dict[str, Reading]:
    return {reading.name: reading for reading in facts.readings}


async def test_the_first_look_has_every_value(tmp_path: Path) -> None:
    async with provider("host", tmp_path) as box:
        found = by_name(await box.fetch())
    assert list(found) == NAMES
    for name, reading in found.items():
        assert reading.value is not None or name == "fds", name
    for name in ("cpu", "memory", "disk"):
        assert found[name].unit == "%"
        assert 0 <= (found[name].value or 0) <= 100


async def test_a_look_without_opening_first_works_too(tmp_path: Path) -> None:
    assert by_name(await provider("host", tmp_path).fetch())["cpu"].value is not None


async def test_a_disk_that_is_not_there_has_no_value_and_says_so(tmp_path: Path) -> None:
    found = by_name(await provider("host", tmp_path, disk="/nowhere").fetch())
    assert found["disk"].value is None
    assert "/nowhere: No such file" in found["disk"].note
    assert found["memory"].value is not None


async def test_counters_that_went_back_give_no_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = iter([host_machine.Counters(0.0, 100, 50, 10**12, 0), host_machine.Counters(10.0, 110, 55, 500, 5000)])
    monkeypatch.setattr(host_machine, "_counters", lambda: next(counters))
    async with provider("host", tmp_path) as box:
        found = by_name(await box.fetch())
    assert (found["net.in"].value, found["net.in"].note) == (None, "the counters were set back")
    assert (found["net.out"].value, found["cpu"].value) == (500, 50)


async def test_idle_time_that_ran_ahead_is_an_idle_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = iter([host_machine.Counters(0.0, 100, 50.5, 0, 0), host_machine.Counters(10.0, 110, 50.4, 0, 0)])
    monkeypatch.setattr(host_machine, "_counters", lambda: next(counters))
    async with provider("host", tmp_path) as box:
        found = by_name(await box.fetch())
    assert found["cpu"].value == 0


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a name of its own."""
    named = tmp_path / "repz-sleeper"
    named.symlink_to(sys.executable)
    with subprocess.Popen([named, "-S", "-c", "print('up', flush=True); input()"], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


async def test_a_named_process_is_read_as_well(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    async with provider("host", tmp_path, process=psutil.Process(sleeper.pid).name()) as box:
        found = by_name(await box.fetch())
        assert list(found) == [*NAMES, "process.up", "process.cpu", "process.memory", "process.fds"]
        assert found["process.up"].value == 1
        assert (found["process.memory"].value or 0) > 100_000
        assert (found["process.fds"].value or 0) >= 3
        assert found["process.cpu"].value is not None
        sleeper.kill()
        sleeper.wait()
        found = by_name(await box.fetch())
    assert found["process.up"].value == 0
    assert found["process.memory"].value is None
    assert "no process named" in found["process.memory"].note


def test_a_process_that_just_started_has_no_processor_share_yet(sleeper: subprocess.Popen[bytes]) -> None:
    watch = Watch(psutil.Process(sleeper.pid).name())
    first = {reading.name: reading for reading in watch.readings(START)}
    second = {reading.name: reading for reading in watch.readings(START)}
    assert (first["process.cpu"].value, first["process.cpu"].note) == (None, "it just started")
    assert second["process.cpu"].value is not None

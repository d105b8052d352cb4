"""What is measured, each against a named peer in the same run and in turns, so that a slow machine slows both."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import scenarios
from bench.slow import SlowLine
from tests.support.pty import Terminal, console

BARE = [sys.executable, str(Path(__file__).with_name("bare_app.py"))]
HTOP = ["htop", "-d", "10"]
HELD, HELD_EVERY = 40, 1 / 30
"""Presses of a key that is held down, and the seconds between them."""
SETTLED = 0.9
"""Seconds without a byte after which a slow line has nothing more to bring; what ticks does so once a second."""
BURST_GAP = 0.03
"""Seconds without a byte after which what a key changed is on the screen."""


def told(screen: str) -> bool:
    """Whether a pane shows facts and how fresh they are. The first line may be of the run before."""
    pane = screen.partition("\n")[2]
    return "● LIVE" in pane or "as of" in pane


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its peer's."""

    name: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str
    limit: str
    ok: bool

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return self.ours / self.peer if self.peer else None


def against(name: str, unit: str, ours: Sequence[float], peer: Sequence[float], peer_name: str, most: float) -> Figure:
    """A figure whose limit is a multiple of the peer's."""
    mine, theirs = statistics.median(ours), statistics.median(peer)
    return Figure(name, unit, mine, theirs, peer_name, f"{most:g}x", mine <= most * theirs)


def absolute(name: str, unit: str, ours: Sequence[float], most: float) -> Figure:
    """A figure with a limit of its own."""
    mine = statistics.median(ours)
    return Figure(name, unit, mine, None, "", f"{most:g} {unit}", mine <= most)


def start(folder: Path, rounds: int) -> list[Figure]:
    """First text against htop's, first live paint and peak memory against the bare app's."""
    environment = scenarios.launch(folder)
    _warm_up(environment)
    text, htop, live, bare, ours_memory, bare_memory = [], [], [], [], [], []
    for _ in range(rounds):
        with Terminal(console(), columns=120, rows=40, env=environment) as ours:
            text.append(ours.until("PRODUCTION") * 1000)
            live.append(ours.until(told) * 1000)
            ours.read(1)
            ours_memory.append(ours.memory() / 1e6)
            _leave(ours)
        with Terminal(HTOP, columns=120, rows=40, env=scenarios.environment_of(folder)) as peer:
            htop.append(peer.until("Load average") * 1000)
        with Terminal(BARE, columns=120, rows=40, env=scenarios.environment_of(folder)) as peer:
            bare.append(peer.until("Room row 5") * 1000)
            peer.read(1)
            bare_memory.append(peer.memory() / 1e6)
    return [
        against("last known status line on screen", "ms", text, htop, "htop's first paint", 1.5),
        against("first live paint", "ms", live, bare, "bare Textual app", 1.0),
        against("peak memory", "MB", ours_memory, bare_memory, "bare Textual app", 1.4),
    ]


def tabs(folder: Path, rounds: int) -> list[Figure]:
    """Going to every tab and back, against the bare app's tabs."""
    environment = scenarios.launch(folder)

    def switches(
        command: Sequence[str], env: Mapping[str, str], ready: Callable[[str], bool] | str, marks: Mapping[str, str]
    ) -> list[float]:
        times: list[float] = []
        with Terminal(command, columns=120, rows=40, env=env) as screen:
            screen.until(ready)
            screen.quiet()
            for _ in range(rounds):
                for key, mark in marks.items():
                    screen.quiet(0.2)
                    began = time.monotonic() - screen.started
                    screen.send(key)
                    times.append((screen.until(mark) - began) * 1000)
        return times

    ours = switches(
        console(),
        environment,
        told,
        {"5": "P0 Blocker", "6": "Infrastructure  ", "2": "items done", "4": "Live monitors"},
    )
    peer = switches(
        BARE,
        scenarios.environment_of(folder),
        "Room row 5",
        {"5": "Bugs row 9", "6": "Budget row 9", "2": "Timeline row 9", "4": "Health row 9"},
    )
    return [against("tab switch", "ms", ours, peer, "bare Textual app", 1.0)]


def idle(folder: Path, seconds: float) -> list[Figure]:
    """Twenty sources polled every second, nothing changing: the clock is all that moves."""
    environment = scenarios.launch(folder, sources=scenarios.quiet_sources(20))
    with Terminal(console(), env=environment) as screen:
        screen.until(told)
        screen.read(8)
        written, used = _usage(screen, seconds)
    return [
        absolute("quiet: 20 sources, bytes", "B/s", [written], 250),
        absolute("quiet: 20 sources, processor", "%", [used], 2),
    ]


def busy(folder: Path, seconds: float) -> list[Figure]:
    """Five and more values changing every second, against htop at the same size."""
    environment = scenarios.launch(folder, sources=scenarios.busy_sources())
    figures = []
    for columns, rows in ((80, 24), (120, 40)):
        with Terminal(console(), columns=columns, rows=rows, env=environment) as screen:
            screen.until(told)
            screen.read(1)  # a key right after the start is taken for type-ahead
            screen.send("4")
            screen.until("Live monitors")
            screen.until("wave.1")
            screen.send("/")
            screen.send("wave\r")
            screen.until("wave.5")
            screen.read(5)
            ours, _ = _usage(screen, seconds)
        with Terminal(HTOP, columns=columns, rows=rows, env=scenarios.environment_of(folder)) as screen:
            screen.until("Load average")
            screen.read(2)
            peer, _ = _usage(screen, seconds)
        figures.append(against(f"Health tab live, {columns}x{rows}", "B/s", [ours], [peer], "htop", 1.0))
    return figures


def hands(folder: Path, keys: int) -> list[Figure]:
    """Key to paint with 10,000 bugs and 2,000 tasks."""
    environment = scenarios.launch(folder, tasks=2000)
    scenarios.fill_bugs(environment, 10_000)
    times: list[float] = []
    with Terminal(console(), columns=120, rows=40, env=environment) as screen:
        screen.until(told, 20)
        for tab, moves in (
            ("5", ("j", "j", "k", "\x1b[6~", "\x1b[5~", "G", "g")),
            ("2", ("j", "k", "\x1b[6~", "G", "g")),
        ):
            screen.send(tab)
            screen.quiet()
            times += [_key_to_paint(screen, moves[number % len(moves)]) for number in range(keys)]
    times.sort()
    return [absolute("key to paint, p95", "ms", [times[int(len(times) * 0.95)]], 50)]


def kill(folder: Path, rounds: int) -> list[Figure]:
    """From the letter of a kill to the flag file that shows nobody, journal first."""
    environment = scenarios.launch(folder)
    times: list[float] = []
    with Terminal(console(), env=environment) as screen:
        screen.until(told)
        for _ in range(rounds):
            file = scenarios.expose(environment)
            before = file.stat().st_mtime_ns
            screen.read(1)  # what is said of the last one, and a key that would come in a hurry
            screen.send("!")
            screen.until("WAY BACK")
            screen.quiet(0.1)
            began = time.monotonic()
            screen.send("k")
            while file.stat().st_mtime_ns == before and time.monotonic() < began + 10:
                time.sleep(0.0005)
            times.append((time.monotonic() - began) * 1000)
            screen.until("killed")
    times.sort()
    return [absolute("kill: key to flag file, p95", "ms", [times[int(len(times) * 0.95)]], 100)]


def slow(folder: Path, rounds: int) -> list[Figure]:
    """Forty keys held down over 115.2 kbit/s and 60 ms: how long it goes on moving after the key is let go."""
    environment = scenarios.launch(folder)
    scenarios.fill_bugs(environment, 200)

    def drain(
        command: Sequence[str], env: Mapping[str, str], ready: Callable[[str], bool] | str, tab: str, key: str
    ) -> float:
        with Terminal(command, env=env) as terminal:
            terminal.until(ready, 20)
            terminal.quiet()
            line = SlowLine(terminal)
            line.type(tab)
            line.settle()
            for _ in range(HELD):
                line.type(key)
                line.run(HELD_EVERY)
            released = time.monotonic()
            return max(0.0, line.settle(SETTLED) - released)

    ours = [drain(console(), environment, told, "5", "j") for _ in range(rounds)]
    peer = [drain(BARE, scenarios.environment_of(folder), "Room row 5", "5", "\x1b[B") for _ in range(rounds)]
    mine, theirs = statistics.median(ours), statistics.median(peer)
    return [Figure("40 held keys drain, 115 kbit/s 60 ms", "s", mine, theirs, "bare Textual app", "2 s", mine <= 2)]


def command_line(folder: Path, rounds: int) -> list[Figure]:
    """Commands without a screen, against the start of the screen."""
    environment = scenarios.launch(folder)
    _warm_up(environment)
    screen_times = []
    for _ in range(rounds):
        with Terminal(console(), env=environment) as screen:
            screen_times.append(screen.until(told) * 1000)
            _leave(screen)
    figures = []
    for arguments in (("status", "--json"), ("--help",)):
        times = [_wall(console(*arguments), environment) for _ in range(rounds)]
        figures.append(against(" ".join(arguments), "ms", times, screen_times, "start of the screen", 0.5))
    return figures


def _warm_up(environment: Mapping[str, str]) -> None:
    """Open the console once, so that bytecode, the store and the last known status are there."""
    with Terminal(console(), columns=120, rows=40, env=environment) as screen:
        screen.until(told)
        screen.read(6)
        _leave(screen)


def _leave(screen: Terminal) -> None:
    """Quit in an orderly way: a console that is killed keeps the others waiting for its lease."""
    screen.read(1)  # a key right after the start is taken for type-ahead
    screen.send("q")
    screen.wait()


def _wall(command: Sequence[str], environment: Mapping[str, str]) -> float:
    began = time.monotonic()
    subprocess.run(command, env={**scenarios.environment_of(Path("/")), **environment}, check=True, capture_output=True)
    return (time.monotonic() - began) * 1000


def _usage(screen: Terminal, seconds: float) -> tuple[float, float]:
    """Bytes a second and percent of a processor over `seconds`."""
    before = screen.cpu()
    began = time.monotonic()
    written = len(screen.read(seconds))
    took = time.monotonic() - began
    return written / took, (screen.cpu() - before) / took * 100


def _key_to_paint(screen: Terminal, key: str) -> float:
    """Milliseconds from typing a key to the last byte of the burst it set off; what a second later ticks is not its."""
    screen.quiet(0.05)
    written = len(screen.writes)
    began = time.monotonic()
    screen.send(key)
    screen.quiet(BURST_GAP, 2)
    while len(screen.writes) == written and time.monotonic() < began + 2:
        screen.quiet(BURST_GAP, 2)
    return (screen.writes[-1][0] - began) * 1000


MEASURES: dict[str, Callable[[Path, bool], list[Figure]]] = {
    "start": lambda folder, quick: start(folder, 3 if quick else 7),
    "tabs": lambda folder, quick: tabs(folder, 2 if quick else 5),
    "idle": lambda folder, quick: idle(folder, 5 if quick else 15),
    "busy": lambda folder, quick: busy(folder, 5 if quick else 15),
    "hands": lambda folder, quick: hands(folder, 20 if quick else 60),
    "kill": lambda folder, quick: kill(folder, 10 if quick else 100),
    "slow": lambda folder, quick: slow(folder, 1 if quick else 3),
    "command-line": lambda folder, quick: command_line(folder, 3 if quick else 7),
}

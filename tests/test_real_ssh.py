"""The shipped launch over a real SSH connection inside tmux, as an operator on a jump box has it."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repz_console.actions import TABS
from tests.support.commands import ROOT
from tests.support.ssh import MISSING, Tmux, server

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; see tests/install-real.sh"),
]

ENDS_WITHIN = 60.0
"""Seconds in which a console whose line dropped is gone."""
_DIRECTOR = 'title = "Launch Director"'


class Desk:
    """An operator's laptop: tmux, and in it a client of the jump box."""

    def __init__(self, folder: Path, client: list[str], bytecode: Path) -> None:
        self.tmux = Tmux(folder)
        self.config = folder / "config.toml"
        self.config.write_text(_plan(folder / "store"))
        self.config.chmod(0o600)
        home = os.environ
        self._environment = {
            **{name: home[name] for name in home if name.startswith("XDG_")},
            "HOME": home["HOME"],
            "TZ": "UTC",
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(bytecode),
        }
        self._client = client

    def open(self) -> None:
        """Log in and start the console there."""
        self._start([*self._client, shlex.join(self._remote())])

    def open_in_tmux_alone(self) -> None:
        """Start the console in tmux on the jump box itself, as an operator who wants to come back to it does."""
        self._start(self._remote())

    def _remote(self) -> list[str]:
        return ["env", *(f"{name}={value}" for name, value in self._environment.items()), *self.command()]

    def _start(self, command: list[str]) -> None:
        self.tmux.start(command)
        self.tmux.until(lambda screen: "! WAY BACK" in screen and "LIVE" in screen)
        # A key that came before the first whole frame was typed blindly, and is dropped.
        self.tmux.quiet()

    def journal(self) -> list[dict[str, object]]:
        """The journal as the command line tells it."""
        answer = subprocess.run(
            self.command("journal", "tail", "-n", "100", "--json"),
            env=self.surroundings,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def kinds(self) -> list[object]:
        return [entry["kind"] for entry in self.journal()]

    def consoles(self) -> list[int]:
        """The processes that run the console on this config."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == sys.executable.encode() and str(self.config).encode() in words:
                found.append(int(path.parent.name))
        return found

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment of a command on the jump box."""
        return {**os.environ, **self._environment}

    def command(self, *arguments: str) -> list[str]:
        """A command line on this launch."""
        return [sys.executable, "-m", "repz_console", "--config", str(self.config), *arguments]


def _plan(store: Path) -> str:
    """The shipped launch with its own store, and this user in the director's seat."""
    head, seat, rest = (ROOT / "config.toml").read_text().partition(_DIRECTOR)
    assert seat
    rest = rest.replace("users = []", f'users = ["{getpass.getuser()}"]', 1)
    assert '[store]\npath = ""' in rest
    return head + seat + rest.replace('[store]\npath = ""', f'[store]\npath = "{store}"')


@pytest.fixture
def desk(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with server(tmp_path) as client:
        tried = subprocess.run([*client, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if tried.returncode:
            pytest.skip(f"sshd does not let this account in: {' '.join(tried.stderr.split())}")
        desk = Desk(tmp_path, client, tmp_path_factory.getbasetemp() / "bytecode")
        try:
            yield desk
        finally:
            desk.tmux.close()
            for process in desk.consoles():
                os.kill(process, signal.SIGKILL)


def eventually(fact: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_operator_steers_the_launch_over_ssh_in_tmux(desk: Desk) -> None:
    desk.open()
    tmux = desk.tmux
    screen = tmux.screen().splitlines()
    assert len(screen) == 24
    for number, (_, title) in enumerate(TABS, 1):
        assert f"{number} {title[:4]}" in screen[1]
    for number, (_, title) in enumerate(TABS, 1):
        tmux.press(f"[{number} {title}]", str(number))

    tmux.press("[5 Bugs]", "5")
    tmux.press("[ File ]", "n")
    tmux.press("checkout is down; really", "-l", "checkout is down; really")
    tmux.press("Filed as P2", "Enter")
    tmux.press("You have the conn.", "c")
    tmux.until("conn YOU")
    filed, taken = (
        next(entry for entry in desk.journal() if entry["kind"] == kind) for kind in ("bug.filed", "conn.taken")
    )
    assert "checkout is down; really" in json.dumps(filed)
    for entry in (filed, taken):
        actor = entry["actor"]
        assert isinstance(actor, dict)
        assert actor["user"] == getpass.getuser()
        assert actor["tty"].startswith("pts/")

    tmux.press("Leave the console?", "q")
    tmux.send("Tab")
    tmux.quiet()
    tmux.send("Enter")
    eventually(lambda: tmux.ended() is not None, ENDS_WITHIN)
    assert tmux.ended() == 0
    assert desk.kinds()[-2:] == ["conn.released", "console.closed"]
    assert desk.consoles() == []


def test_a_dropped_connection_ends_the_console_and_frees_the_conn(desk: Desk) -> None:
    desk.open()
    desk.tmux.press("You have the conn.", "c")
    assert len(desk.consoles()) == 1
    os.kill(desk.tmux.pid(), signal.SIGKILL)
    eventually(lambda: desk.consoles() == [], ENDS_WITHIN)
    assert [kind for kind in desk.kinds() if kind in ("conn.taken", "conn.released", "console.closed")] == [
        "conn.taken",
        "conn.released",
        "console.closed",
    ]


def test_a_client_that_stalls_and_is_killed_takes_the_console_with_it(desk: Desk) -> None:
    desk.open()
    desk.tmux.press("You have the conn.", "c")
    (console,) = desk.consoles()
    client = desk.tmux.pid()
    os.kill(client, signal.SIGSTOP)
    for _ in range(3):
        subprocess.run(desk.command("bug", "add", "it burns"), env=desk.surroundings, check=True, capture_output=True)
    used = processor_time(console)
    time.sleep(2)
    assert processor_time(console) - used < 1, "it waits for its line without spinning"
    assert desk.consoles() == [console]
    os.kill(client, signal.SIGKILL)
    eventually(lambda: desk.consoles() == [], ENDS_WITHIN)
    assert desk.kinds()[-1] == "console.closed"


def test_a_session_of_tmux_that_is_killed_ends_the_console_in_it(desk: Desk) -> None:
    desk.open_in_tmux_alone()
    desk.tmux.press("You have the conn.", "c")
    assert len(desk.consoles()) == 1
    desk.tmux.close()
    eventually(lambda: desk.consoles() == [], ENDS_WITHIN)
    assert desk.kinds()[-2:] == ["conn.released", "console.closed"]


def processor_time(process: int) -> float:
    """Seconds of processor time that it has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

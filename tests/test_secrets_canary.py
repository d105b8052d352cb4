"""One secret, kept in each place in turn, while everything that can be told is told: it is found nowhere."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import apsw
import psutil
import pytest

from tests.conftest import Figure
from tests.support import leaky, sessions
from tests.support.commands import ROOT
from tests.support.consoles import PATIENCE, Consoles, painted
from tests.support.pty import console

CANARY = "cnry-7f3a/91+Qz-e5d0"
PLACES = ("command", "env", "file", "credential", "keyring")
FORMS = tuple(
    form.lower()
    for form in (
        CANARY.encode(),
        quote(CANARY, safe="").encode(),
        base64.b64encode(CANARY.encode())[:-4],
        base64.b64encode(b"u:" + CANARY.encode())[4:-4],
    )
)
SOURCES = "".join(
    f'[source.{how}]\nkind = "leaky"\nhow = "{how}"\nevery = 1\ntoken = {{ secret = "canary" }}\n'
    for how in ("facts", "error", "defect", "log")
)
ENDING = """
[source.echo]
kind = "probe"
every = 1
url = "{echo}"
headers = {{ Authorization = {{ secret = "canary", prefix = "Bearer " }}, X-Api-Key = {{ secret = "canary" }} }}
[source.moved]
kind = "probe"
every = 1
url = "{moved}"
headers = {{ X-Api-Key = {{ secret = "canary" }} }}
[[metric]]
id = "leak"
title = "Leak"
source = "facts"
[secret.canary]
"""


class Servers:
    """One that sends back what it was sent, one that redirects there, and what each of them was sent."""

    def __init__(self) -> None:
        self.got: dict[str, list[str]] = {"echo": [], "moved": [], "target": []}
        self.urls: dict[str, str] = {}
        self._servers = [self._start(name) for name in ("target", "echo", "moved")]

    def _start(self, name: str) -> ThreadingHTTPServer:
        servers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = str(self.headers) + self.path
                servers.got[name].append(sent)
                token = self.headers.get("X-Api-Key", "")
                self.send_response(302 if name == "moved" else 401, f"no {token} {leaky.LOUD}")
                self.send_header("WWW-Authenticate", f'Bearer error="{token}"')
                if name == "moved":
                    self.send_header("Location", f"{servers.urls['target']}/{quote(token, safe='')}?t={token}")
                self.end_headers()
                self.wfile.write(sent.encode())

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.urls[name] = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def close(self) -> None:
        """End all three."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.close()


class Trial:
    """A launch whose secret is kept in one place, and all that it told."""

    def __init__(self, folder: Path, bytecode: Path, place: str, servers: Servers) -> None:
        self.surfaces: dict[str, bytes] = {}
        kept, launch, plugin, home = (folder / name for name in ("kept", "launch", "plugin", "home"))
        for made in (kept, launch, plugin / "leaky-1.dist-info", home):
            made.mkdir(parents=True)
            made.chmod(0o700)
        (plugin / "leaky-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1\n")
        (plugin / "leaky-1.dist-info" / "entry_points.txt").write_text(
            "[repz_console.providers]\nleaky = leaky:Leaky\n"
        )
        shutil.copy(Path(leaky.__file__), plugin / "leaky.py")
        (kept / "token").write_text(CANARY + "\n")
        (kept / "token").chmod(0o600)
        (plugin / "keyring.py").write_text(
            f"def get_password(service, user):\n    return open({str(kept / 'token')!r}).read().strip()\n"
        )
        tables = {
            "command": f'command = ["cat", "{kept}/token"]',
            "env": 'env = "CANARY_TOKEN"',
            "file": f'file = "{kept}/token"',
            "credential": 'credential = "token"',
            "keyring": 'keyring = "status/ops"',
        }
        config = sessions.CONFIG + SOURCES + ENDING.format(**servers.urls) + tables[place] + "\n"
        self.consoles = Consoles(launch, bytecode)
        self.consoles.config.write_text(config)
        self.consoles.config.chmod(0o600)
        self.folder, self.home = folder, home
        self.environment = {
            **self.consoles.environment,
            "PYTHONPATH": f"{ROOT}:{plugin}",
            "HOME": str(home),
            **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "STATE", "DATA", "CACHE")},
        }
        if place == "env":
            self.environment["CANARY_TOKEN"] = CANARY
        if place == "credential":
            self.environment["CREDENTIALS_DIRECTORY"] = str(kept)

    def run(self, *arguments: str, **more: str) -> int:
        """One command line; what it said is a surface of its own."""
        said = subprocess.run(
            console("--config", str(self.consoles.config), *arguments),
            cwd=self.folder,
            env={**os.environ, **self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        name = " ".join([*arguments, *more])
        self.surfaces[name] = said.stdout + said.stderr
        return said.returncode

    def open(self) -> None:
        """A console in a terminal, through the panes that tell of sources."""
        with self.consoles.open(columns=160, rows=48, env=self.environment) as terminal:
            painted(terminal)
            for tab in "4571":
                terminal.send(tab)
                terminal.read(0.7)
            family = [psutil.Process(terminal.pid), *psutil.Process(terminal.pid).children(recursive=True)]
            self.surfaces["argv"] = "\n".join(" ".join(one.cmdline()) for one in family).encode()
            terminal.send("q")
            terminal.wait(PATIENCE)
            self.surfaces["screen"] = bytes(terminal.raw)

    def gather(self) -> None:
        """Every file that the console left, telemetry unpacked."""
        with contextlib.closing(apsw.Connection(str(self.consoles.store / "telemetry.db"))) as db:
            packed = [row[0] for row in db.execute("SELECT facts FROM source WHERE facts IS NOT NULL")]
        self.surfaces["telemetry"] = b"\n".join(zlib.decompress(each) for each in packed)
        for root in (self.folder / "launch", self.home):
            for file in sorted(root.rglob("*")):
                if file.is_file() and file != self.consoles.config:
                    kind = "crash file" if file.name.startswith("crash-") else file.name
                    self.surfaces[kind] = self.surfaces.get(kind, b"") + file.read_bytes()

    def hits(self) -> list[str]:
        """Where the secret was found, in any form."""
        return [name for name, told in self.surfaces.items() if any(form in told.lower() for form in FORMS)]


LISTENING = (
    "status --refresh",
    "status --json --refresh",
    "status --json --refresh LEAKY_CRASH",
    "doctor --json",
    "journal export",
    "screen",
    "telemetry",
    "journal.db",
    "crash file",
)  # fmt: skip
"""Where the loud word must be found, so that its silence about the secret proves something."""


@pytest.mark.figure
def test_a_canary_is_found_nowhere(tmp_path: Path, servers: Servers, figure: Figure) -> None:
    places = PLACES[: figure.count(1, len(PLACES))]
    surfaces = 0
    for place in places:
        trial = Trial(tmp_path / place, tmp_path / "bytecode", place, servers)
        assert trial.run("check") == 0, trial.surfaces
        trial.open()
        for line in ("status --refresh", "status --json --refresh", "doctor --json", "journal export"):
            trial.run(*line.split())
        assert trial.run("status", "--json", "--refresh", LEAKY_CRASH="1") == 70, trial.surfaces
        trial.gather()
        deaf = [name for name in LISTENING if leaky.LOUD.encode() not in trial.surfaces.get(name, b"")]
        assert deaf == [], "the trial proves nothing there"
        assert trial.hits() == []
        surfaces += len(trial.surfaces)
    assert any(CANARY in sent for sent in servers.got["echo"]), "it was never used"
    assert any(CANARY in sent for sent in servers.got["moved"]), "it was never used"
    assert servers.got["target"] == []
    figure.say(f"a canary secret in {len(places)} of {len(PLACES)} places, {surfaces + 1} surfaces searched: 0 hits")


def test_the_search_finds_a_canary_that_is_told(tmp_path: Path, servers: Servers) -> None:
    """The positive control: what the redactor does not know goes through, in every form."""
    trial = Trial(tmp_path / "control", tmp_path / "bytecode", "file", servers)
    for name, told in (
        ("plain", CANARY),
        ("upper", CANARY.upper()),
        ("url", f"https://x/?t={quote(CANARY, safe='')}"),
        ("basic", base64.b64encode(b"u:" + CANARY.encode()).decode()),
    ):
        trial.surfaces = {name: b"before " + told.encode() + b" after", "other": b"nothing"}
        assert trial.hits() == [name]
    program = "from repz_console import cli, secret\nsecret._register = lambda value: None\ncli.main()"
    said = subprocess.run(
        [sys.executable, "-c", program, "--config", str(trial.consoles.config), "status", "--json", "--refresh"],
        env={**os.environ, **trial.environment},
        capture_output=True,
        timeout=120,
        check=False,
    )
    trial.surfaces = {"status": said.stdout}
    trial.gather()
    assert {"status", "telemetry"} <= set(trial.hits())

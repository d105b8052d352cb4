"""A real Unleash on loopback with a PostgreSQL of its own, as `tests/install-real.sh` installs them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VERSIONS = ("6", "8")
ADMIN = "*:*.admin-of-the-tests"
CLIENT = "default:production.client-of-the-tests"
PROJECT = "/api/admin/projects/default"

_HOME = pwd.getpwuid(os.getuid()).pw_dir
_FOLDER = Path(os.environ.get("REPZ_REAL") or Path(_HOME, ".cache", "repz-console-real"))
_START = 60.0
"""Seconds."""


def _postgres(name: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])) or ""


def _node(version: str) -> str:
    own = _FOLDER / f"unleash{version}" / "node_modules" / ".bin" / "node"
    return str(own) if own.exists() else shutil.which("node") or ""


def _server(version: str) -> Path:
    return _FOLDER / f"unleash{version}" / "node_modules" / "unleash-server" / "dist" / "server.js"


def _missing() -> Iterator[str]:
    yield from (name for name in ("initdb", "postgres", "createdb") if not _postgres(name))
    for version in VERSIONS:
        if not _server(version).exists():
            yield f"Unleash {version}"
        elif not _node(version):
            yield f"Node for Unleash {version}"
    with contextlib.suppress(ImportError):
        import UnleashClient  # noqa: F401 - for whether it is there

        return
    yield "UnleashClient"


MISSING = list(_missing())
"""What of it this machine lacks."""


class Unleash:
    """A running server."""

    def __init__(self, version: str, url: str, database: subprocess.Popen[bytes]) -> None:
        self.version = version
        self.url = url
        self._database = database

    def ask(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> tuple[int, Any]:
        """One request: the status, and the JSON of the answer if it has some."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=_START)
        with contextlib.closing(connection):
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Authorization": token, "Content-Type": "application/json"})
            answer = connection.getresponse()
            raw = answer.read()
        return answer.status, json.loads(raw) if raw[:1] in (b"{", b"[") else None

    def make(self, *features: str) -> None:
        """Create feature flags, off everywhere."""
        for feature in features:
            status, said = self.ask("POST", f"{PROJECT}/features", {"name": feature, "type": "release"})
            assert status == 201, said

    def strategies(self, feature: str) -> list[dict[str, Any]]:
        """The strategies of a flag in production."""
        found: list[dict[str, Any]] = self.ask("GET", f"{PROJECT}/features/{feature}/environments/production")[1][
            "strategies"
        ]
        return found

    def edit(self, feature: str, rollout: str, token: str = ADMIN) -> int:
        """Set the share of a flag's first strategy, as anybody may; gives the status."""
        path = f"{PROJECT}/features/{feature}/environments/production/strategies/{self.strategies(feature)[0]['id']}"
        return self.ask("PATCH", path, [{"op": "replace", "path": "/parameters/rollout", "value": rollout}], token)[0]

    def events(self, feature: str) -> list[dict[str, Any]]:
        """What the server noted of a flag, oldest first."""
        found = self.ask("GET", f"/api/admin/search/events?feature=IS:{feature}&limit=100")[1]["events"]
        return sorted(found, key=lambda event: int(event["id"]))

    def person(self, name: str, role: str = "Editor") -> str:
        """A personal token of a new user, whom the server names as `name` in its events."""
        password = "Of-the-tests-0nly!"
        made = {"username": name, "password": password, "rootRole": role, "sendEmail": False}
        status, said = self.ask("POST", "/api/admin/user-admin", made)
        assert status == 201, said
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=_START)
        with contextlib.closing(connection):
            head = {"Content-Type": "application/json"}
            who = {"username": name, "password": password}
            connection.request("POST", "/auth/simple/login", json.dumps(who), head)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            head["Cookie"] = answer.getheader("Set-Cookie", "").partition(";")[0]
            answer.read()
            token = {"description": "tests", "expiresAt": "2099-01-01T00:00:00Z"}
            connection.request("POST", "/api/admin/user/tokens", json.dumps(token), head)
            secret: str = json.loads(connection.getresponse().read())["secret"]
        return secret

    @contextmanager
    def database_hangs(self) -> Iterator[None]:
        """The database stands still meanwhile, so that the server answers nothing but that it is well."""
        # Its processes are groups of their own.
        children = Path(f"/proc/{self._database.pid}/task/{self._database.pid}/children").read_text().split()
        stopped = [self._database.pid, *map(int, children)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def server(version: str) -> Iterator[Unleash]:
    """Runs PostgreSQL and Unleash of that major version on free ports."""
    folder = Path(tempfile.mkdtemp(prefix="repz-unleash-"))
    try:
        with _database(folder) as (database, port), _unleash(version, folder, port) as url:
            made = Unleash(version, url, database)
            made.ask("POST", "/api/admin/context", {"name": "country"})
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    become: Sequence[str] = ()
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:  # as whom PostgreSQL does not run
        owner = pwd.getpwnam("postgres")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        become = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env")
    quiet = {"check": True, "cwd": "/", "stdout": subprocess.DEVNULL}
    initdb = [*become, _postgres("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(initdb, **quiet)  # type: ignore[call-overload]
    port = free_port()
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=40"]
    command = [*become, _postgres("postgres"), "-D", str(data), "-p", str(port)]
    command += [word for setting in settings for word in ("-c", setting)]
    log = folder / "postgres.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd="/", start_new_session=True)
    try:
        createdb = [_postgres("createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "unleash"]
        _until(lambda: subprocess.run(createdb, capture_output=True).returncode == 0, process, log)
        yield process, port
    finally:
        _end(process, signal.SIGINT)


@contextmanager
def _unleash(version: str, folder: Path, database: int) -> Iterator[str]:
    port = free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(database),
        "DATABASE_USERNAME": "postgres",
        "DATABASE_PASSWORD": "none",
        "DATABASE_NAME": "unleash",
        "DATABASE_SSL": "false",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "INIT_ADMIN_API_TOKENS": ADMIN,
        "INIT_CLIENT_API_TOKENS" if version == "6" else "INIT_BACKEND_API_TOKENS": CLIENT,
        "CHECK_VERSION": "false",
        "SEND_TELEMETRY": "false",
        "LOG_LEVEL": "error",
    }
    log = folder / "unleash.log"
    with log.open("wb") as out:
        command = [_node(version), str(_server(version))]
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, start_new_session=True)
    try:
        _until(lambda: _is_healthy(port), process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process, signal.SIGKILL)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def _until(fact: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START
    while not fact():
        gone = process.poll() is not None or time.monotonic() > deadline
        assert not gone, log.read_text(errors="replace")[-2000:]
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, how)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

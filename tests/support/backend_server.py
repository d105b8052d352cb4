"""A web server behind a rollout backend, which can be told to spoil the answers to what changes something."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

Reply = tuple[int, Any]
"""Status, and the body as JSON; bytes are sent as they are."""

Fault = Literal["late", "lost", "other", "failing", "failing after", "garbage", "redirect", "unauthorized", "limited"]
TAKING = frozenset[Fault](["late", "lost", "other", "failing after"])
"""The faults of a server that did write."""
RETRY_AFTER = 30
EVIL = "https://login.example/?token=s3cret-of-somebody"


class BackendServer:
    """Answers on loopback, in threads. A subclass says what, by `answer`."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        """What happens to the requests that change something, from now on."""
        self.refuses_all = False
        """Whether every request is turned away, as with a wrong token."""
        self.written: list[str] = []
        """Method and path of each request that was to change something."""
        self.asked: list[str] = []
        """Method and path of every request."""
        self.released = threading.Event()
        self.turn = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Do what a request asks for, `path` with its query, names of headers in small letters."""
        raise NotImplementedError

    def distort(self) -> None:
        """Make what was written last something else."""
        raise NotImplementedError

    def arrived(self, changes: bool) -> None:
        """A request is here, and nothing was done about it. A subclass may let it wait."""

    def done(self, changes: bool) -> None:
        """What it asked for is done, and not answered."""

    @property
    def url(self) -> str:
        """Where it answers."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until left."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what is tested."""


def _handler(server: BackendServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.serve(changes=False)

        def do_POST(self) -> None:
            self.serve(changes=True)

        def do_PUT(self) -> None:
            self.serve(changes=True)

        def do_PATCH(self) -> None:
            self.serve(changes=True)

        def do_DELETE(self) -> None:
            self.serve(changes=True)

        def serve(self, changes: bool) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            line = f"{self.command} {urlsplit(self.path).path}"
            server.asked.append(line)
            if changes:
                server.written.append(line)
            fault = server.fault if changes else None
            if server.refuses_all or fault == "unauthorized":
                self.reply(401, {"message": "no"})
                return
            reply = None
            if fault is None or fault in TAKING:
                server.arrived(changes)
                with server.turn:
                    reply = server.answer(self.command, self.path, headers, body)
                server.done(changes)
            self.spoil(fault, reply)

        def spoil(self, fault: Fault | None, reply: Reply | None) -> None:
            if fault == "other":
                server.distort()
            if fault in (None, "other"):
                assert reply is not None
                self.reply(*reply)
            elif fault == "late":
                server.released.wait(60)
            elif fault == "garbage":
                self.wfile.write(bytes(range(256)))
            elif fault == "redirect":
                self.reply(302, {}, location=EVIL)
            elif fault in ("failing", "failing after"):
                self.reply(503, {"message": "down"})
            elif fault == "limited":
                self.reply(429, {}, **{"retry-after": str(RETRY_AFTER)})
            self.close_connection = True

        def reply(self, status: int, body: Any, **headers: str) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler

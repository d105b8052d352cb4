"""A receiver for the console's `webhook` backend, to start from: `python webhook_receiver.py PORT STATE.json`.

It keeps what each rollout shows in one JSON file, for an application to read, and needs nothing but Python. The key
comes from the environment variable WEBHOOK_SECRET. Put a server that speaks TLS before it.

It may be called `checks = "keyed"`: comparing, applying and remembering are one step, and a message that comes twice is
applied once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

TOLERANCE = 300
"""Seconds that a message may be old, or ahead: an older one may be somebody else's recording."""
REMEMBERED = 1000
"""Ids of applied messages that are kept."""
LONGEST = 100_000
"""Bytes of a body."""

NEVER_WRITTEN = {
    "revision": "0",
    "op": "",
    "exposure": {"regions": {}, "features": [], "key": "targetingKey"},
    "epoch": 0,
}


class Receiver:
    """What the messages add up to."""

    def __init__(self, secret: str, file: Path) -> None:
        """`secret` is `whsec_` and base64, or several with blanks between them."""
        self._keys = [base64.b64decode(each.removeprefix("whsec_")) for each in secret.split()]
        self._file = file
        self._turn = threading.Lock()
        self._kept: dict[str, Any] = {"rollouts": {}, "applied": {}}
        if file.exists():
            self._kept = json.loads(file.read_text())

    def shown(self, rollout: str) -> dict[str, Any]:
        """The read-back."""
        with self._turn:
            return {"rollout": rollout, **self._kept["rollouts"].get(rollout, NEVER_WRITTEN)}

    def receive(self, headers: dict[str, str], raw: bytes, now: float) -> tuple[int, str]:
        """Take a message; names of headers in small letters. The status to answer with, and why."""
        if not self._is_genuine(headers, raw, now):
            return 401, "the signature does not fit, or its time is too far from now"
        body = json.loads(raw)
        with self._turn:
            digest = hashlib.sha256(raw).hexdigest()
            before = self._kept["applied"].get(headers["webhook-id"])
            if before is not None and not body["force"]:  # a kill is obeyed each time that it comes
                return (200, "applied before") if before == digest else (422, "this id was another message's")
            now_shown = self._kept["rollouts"].get(body["rollout"], NEVER_WRITTEN)
            wanted = {name: body["desired"][name] for name in ("regions", "features", "key")}
            if not body["force"] and body["expected_rev"] != now_shown["revision"]:
                return 409, f"it is at revision {now_shown['revision']}"
            if widens(now_shown["exposure"], wanted):
                if body["force"]:
                    return 422, "a forced change may only show less"
                if body["epoch"] < now_shown["epoch"]:
                    return 422, "another store took it over"
            self._keep(headers["webhook-id"], digest, body, wanted, now_shown["epoch"])
        return 200, "applied"

    def _is_genuine(self, headers: dict[str, str], raw: bytes, now: float) -> bool:
        message, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not message or not at.isdigit() or abs(now - int(at)) > TOLERANCE:
            return False
        content = f"{message}.{at}.".encode() + raw
        ours = [base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()) for key in self._keys]
        theirs = [each[3:].encode() for each in headers.get("webhook-signature", "").split() if each.startswith("v1,")]
        return any(hmac.compare_digest(one, other) for one in ours for other in theirs)

    def _keep(self, message: str, digest: str, body: dict[str, Any], wanted: dict[str, Any], epoch: int) -> None:
        self._kept["rollouts"][body["rollout"]] = {
            "revision": body["rev"],
            "op": body["rev"],
            "exposure": wanted,
            "changed_by": body["actor"],
            "changed_at": datetime.now(UTC).isoformat(),
            "epoch": max(epoch, body["epoch"]),
        }
        self._kept["applied"] = dict([*self._kept["applied"].items(), (message, digest)][-REMEMBERED:])
        new = self._file.with_name(f".{self._file.name}.new")
        with open(new, "w") as file:  # whole and on the disk, before anybody is told that it is
            json.dump(self._kept, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._file)


def widens(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether anybody gets to see what they did not see before."""
    shown = after["features"] and any(after["regions"].values())
    hidden = not before["features"] or not any(before["regions"].values())
    more = any(share > before["regions"].get(region, 0) for region, share in after["regions"].items())
    others = set(after["features"]) - set(before["features"]) or after["key"] != before["key"]
    return bool(shown and (hidden or more or others))


def handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    """`POST /` takes messages, `GET /rollouts/NAME` is the read-back."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            if length > LONGEST:
                self.answer(413, {"why": "too long"})
                return
            raw = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, why = receiver.receive(headers, raw, time.time())
            self.answer(status, {"why": why})

        def do_GET(self) -> None:
            self.answer(200, receiver.shown(unquote(self.path.rpartition("/")[2])))

        def answer(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return Handler


if __name__ == "__main__":
    kept = Receiver(os.environ["WEBHOOK_SECRET"], Path(sys.argv[2]))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler(kept)).serve_forever()

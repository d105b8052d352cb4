"""Sources that do everything wrong beside one that is well: the console goes on, the well one is not disturbed, and
what is wrong is said in words and in time."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec import Struct

from repz_console.engine.session import Session
from repz_console.facts import Snapshot
from repz_console.providers import tls
from tests.conftest import ROOT, Figure
from tests.support import meter
from tests.support.sessions import CONFIG, launch, opened

EXPECTED = {
    "hang": "did not answer within",
    "drip_head": "did not answer within .*nothing came",
    "drip_body": "did not answer within .*its answer did not end",
    "error": "answered 500$",
    "busy": "answered 503, and asks to wait 120 s",
    "limited": "answered 429$",
    "limited_seconds": "answered 429, and asks to wait 90 s",
    "limited_date": "answered 429, and asks to wait 60 s",
    "limited_nonsense": "answered 429$",
    "garbage": "does not speak HTTP",
    "truncated": "hung up before its answer was whole",
    "reset": "reset|hung up|broke",
    "huge": "more than 1,000,000 bytes",
    "crumbs": "more than 1,000,000 bytes|its answer did not end",
    "bomb": "more than 1,000,000 bytes",
    "long_head": "more than 131,072 bytes before an answer|does not speak HTTP",
    "flood": "more than 131,072 bytes before an answer",
    "nan": "not strict JSON: NaN",
    "infinity": "not strict JSON: -Infinity",
    "overflow": "a number is too large",
    "twice": "a member is given twice",
    "deep": "nested more than 100 levels",
    "long_integer": "a whole number is too long",
    "text": r"Expected `float`, got `str`",
    "null": r"Expected `float`, got `null`",
    "list": r"Expected `object`, got `array`",
    "missing": "missing required field",
    "empty": "it is empty",
    "login": "a web page or XML, not JSON",
    "ahead": "the server's clock is 24 h ahead",
    "behind": "the server's clock is 24 h behind",
    "loop": r"answered 302, a redirect to 127\.0\.0\.1$",
    "elsewhere": r"answered 307, a redirect to login\.example$",
    "to_file": "answered 301, a redirect to a file: address$",
    "dns_fails": "nowhere.invalid: .*(not known|resolution|no address)",
    "dns_hangs": "did not answer within",
    "tls_expired": "certificate has expired",
    "tls_other_host": "certificate is for another (host name|address)",
    "tls_self_signed": "certificate is self-signed",
}
"""What goes wrong, and what is said of it."""
BESIDE = '[source.{id}]\nkind = "meter"\nevery = {every}\nurl = "{url}"\ntimeout = {timeout}\n'
PATIENCE = 60
"""Seconds after which what should be said counts as missing, on a busy machine."""
KEPT = 10
"""Seconds that the event loop may be kept on a busy machine; the longest is told."""
MEMORY = 20_000_000
"""Bytes that a console may grow by."""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What goes wrong, to where it does."""
    folder = tmp_path_factory.mktemp("certificates")
    certificates = _certificates(folder) if shutil.which("openssl") else []
    command = [sys.executable, "-m", "tests.support.chaos", *map(str, certificates)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        plain, *encrypted = json.loads(server.stdout.readline())
        found = {name: f"http://127.0.0.1:{plain}/{name}" for name in (*EXPECTED, "good")}
        found |= {"dns_fails": "https://nowhere.invalid/good", "dns_hangs": "https://hangs.invalid/good"}
        for name in ("tls_expired", "tls_other_host", "tls_self_signed"):
            found.pop(name)
            if encrypted:
                found[name] = f"https://127.0.0.1:{encrypted.pop(0)}/good"
        yield found
        server.kill()


def _certificates(folder: Path) -> list[Path]:
    """An expired one, one for another host, and one that nobody signed; an authority beside them."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-days", "9", "-subj", "/CN=Authority", "-keyout", "ca.key", "-out", "ca.pem")
    made = []
    for name, host, days in (("expired", "IP:127.0.0.1", "0"), ("other", "DNS:other.example", "9")):
        (folder / "names").write_text(f"subjectAltName={host}")
        openssl("req", *new, "-subj", "/CN=x", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", days)
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
        made.append(name)
    own = ("-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "self.key", "-out", "self.pem")
    openssl("req", "-x509", *new, "-days", "9", *own)
    for name in (*made, "self"):
        (folder / f"{name}.both").write_bytes(
            (folder / f"{name}.key").read_bytes() + (folder / f"{name}.pem").read_bytes()
        )
    tls.context().load_verify_locations(folder / "ca.pem")
    return [folder / f"{name}.both" for name in (*made, "self")]


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kind `meter`, and a name server that hangs for one name."""
    meter.install(monkeypatch)
    real, released = socket.getaddrinfo, threading.Event()

    def getaddrinfo(host: str, *arguments: object, **more: object) -> object:
        if host == "hangs.invalid":
            released.wait(120)
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    released.set()


class Seen(Struct):
    """What became of a console in such company."""

    said: dict[str, str]
    """Source to what was said of it."""
    after: dict[str, float]
    """Source to the seconds after which that was."""
    gap: float = 0.0
    """The longest that the event loop was kept, in seconds."""
    growth: int = 0
    """Bytes that the process grew by, at most."""
    answers: int = 0
    """Of the source that is well."""
    troubles: tuple[str, ...] = ()
    """What was said of the source that is well, and of the console."""
    leaving: float = 0.0
    """Seconds that closing took."""


def said_of(snapshot: Snapshot | None) -> str:
    if snapshot is None:
        return ""
    return snapshot.error or "".join(snapshot.facts.notes if snapshot.facts is not None else ())


async def company(
    folder: Path, addresses: dict[str, str], sick: list[str], *, timeout: float, linger: float, every: float
) -> Seen:
    """A console with the sick sources and one that is well, until all was said, and `linger` seconds more."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - before anything is measured
    text = CONFIG + BESIDE.format(id="well", url=addresses["good"], every=every, timeout=5)
    for name in sick:
        # Who answers at all may take its time on a busy machine.
        patience = timeout if EXPECTED[name].startswith("did not answer") else max(timeout, 8)
        text += BESIDE.format(id=name, url=addresses[name], every=every, timeout=patience)
    loaded = launch(folder, text)
    process = psutil.Process()
    seen, before, started = Seen({}, {}), process.memory_info().rss, time.monotonic()
    async with opened(loaded, collect=True) as session:
        last, answered, done = time.monotonic(), None, 0.0
        while not done or last < done + linger or (seen.answers < 2 and last < done + PATIENCE):
            await asyncio.sleep(0.01)
            now = time.monotonic()
            seen.gap, last = max(seen.gap, now - last - 0.01), now
            seen.growth = max(seen.growth, process.memory_info().rss - before)
            known = session._known.snapshots
            well = known.get("well")
            if well is not None and well.last_ok_at != answered:
                seen.answers, answered = seen.answers + 1, well.last_ok_at
            for name in sick:
                line = said_of(known.get(name))
                if line and re.search(EXPECTED[name], line) and name not in seen.said:
                    seen.said[name], seen.after[name] = line, now - started
            if not done and (len(seen.said) == len(sick) or now - started > timeout + PATIENCE):
                done = now
        seen.troubles = (*seen.troubles, *_troubles(session))
        for name in sick:
            seen.said.setdefault(name, f"NOT AS EXPECTED: {said_of(session._known.snapshots.get(name))}")
        leaving = time.monotonic()
    seen.leaving = time.monotonic() - leaving
    return seen


def _troubles(session: Session) -> Iterator[str]:
    yield from (notice for notice in session.notices if "defect" in notice or "stopped" in notice)
    for source, snapshot in session._known.snapshots.items():
        if snapshot.error and (source in ("well", "flags") or "defect" in snapshot.error):
            yield f"{source}: {snapshot.error}"


@pytest.mark.figure
async def test_the_console_stands_whatever_its_sources_do(
    tmp_path: Path, addresses: dict[str, str], figure: Figure
) -> None:
    sick = [name for name in EXPECTED if name in addresses]
    await company(tmp_path / "warm", addresses, ["error"], timeout=1, linger=0.2, every=0.2)
    crowd = [name for name in sick if name != "crumbs"]  # which keeps the processor at work, so that others are late
    together = await company(tmp_path / "all", addresses, crowd, timeout=2, linger=0.5, every=1)
    rounds = {"all at once": together}
    for name in sick[: figure.count(0, len(sick))]:
        rounds[name] = await company(tmp_path / name, addresses, [name], timeout=5, linger=4, every=1)
    wrong = {name: said for seen in rounds.values() for name, said in seen.said.items() if said.startswith("NOT")}
    assert not wrong
    for name, seen in rounds.items():
        assert not seen.troubles, name
        assert seen.answers >= 2, f"{name}: the source that is well did not go on"
        assert seen.growth < MEMORY * (3 if seen is together else 1), name
        assert seen.gap < KEPT, name
        assert seen.leaving < KEPT, name
    gap, late = max(seen.gap for seen in rounds.values()), max(max(seen.after.values()) for seen in rounds.values())
    over = sum(seen.gap > 0.1 for seen in rounds.values())
    growth = max(seen.growth for name, seen in rounds.items()) / 1e6
    ways = len(sick if len(rounds) > 1 else crowd)
    figure.say(
        f"{ways} ways for a source to go wrong, {len(rounds)} consoles: 0 crashes, 0 other sources disturbed; "
        f"longest gap {gap * 1000:.0f} ms ({over} over 100 ms), memory +{growth:.1f} MB, said within {late:.1f} s"
    )


def test_keys_of_encrypted_connections_are_written_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    made = tls.context.__wrapped__()
    assert made.keylog_filename is None
    assert (made.minimum_version, made.verify_mode) == (ssl.TLSVersion.TLSv1_2, ssl.CERT_REQUIRED)
    assert made.check_hostname

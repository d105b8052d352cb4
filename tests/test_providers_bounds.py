"""What bounds a source: whom it may ask, how many at once, for how long it is left alone, and whose clock is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from repz_console.providers.address import check_url, where_to
from repz_console.providers.base import ProviderError
from repz_console.providers.head import Clock, Head
from repz_console.providers.net import AT_ONCE, Client
from tests.conftest import ROOT
from tests.support.meter import Page
from tests.support.providers import provider
from tests.support.web import response, serving

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)


def head(**headers: str) -> Head:
    return Head([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "0"}, 0),
        ({"Retry_After": "Mon, 01 Feb 2027 12:01:00 GMT"}, 60),
        ({"Retry_After": "Mon, 01 Feb 2027 13:01:00 GMT", "Date": "Mon, 01 Feb 2027 13:00:00 GMT"}, 60),
        ({"Retry_After": "Mon, 01 Feb 2027 11:00:00 GMT"}, 0),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-5"}, None),
        ({"Retry_After": "1e9"}, None),
        ({"Retry_After": "٣"}, None),
        ({"Retry_After": "Mon, 01 Feb 99999 12:01:00 GMT"}, None),
        ({"Retry_After": "9" * 5000}, 999_999_999_999),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(headers: dict[str, str], seconds: float | None) -> None:
    assert head(**headers).retry_after(NOW) == seconds


@pytest.mark.parametrize(
    ("server", "took", "said"),
    [
        (47, 0.2, ("the server's clock is 47 s ahead",)),
        (-47, 0.2, ("the server's clock is 47 s behind",)),
        (4, 0.2, ()),
        (9, 20, ()),
        (-400, 1, ("the server's clock is 7 min behind",)),
        (86_400, 1, ("the server's clock is 24 h ahead",)),
    ],
)
def test_a_clock_that_is_wrong_is_said_to_be(server: float, took: float, said: tuple[str, ...]) -> None:
    clock = Clock()
    stamp = NOW + timedelta(seconds=server + took / 2)
    clock.measured(head(Date=format_datetime(stamp, usegmt=True)).ahead(NOW, NOW + timedelta(seconds=took)))
    assert clock.notes == said


def test_an_answer_that_somebody_kept_is_as_old_as_they_say() -> None:
    kept = head(Date=format_datetime(NOW - timedelta(seconds=600), usegmt=True), Age="600")
    assert kept.ahead(NOW, NOW) == 0


def test_the_same_distance_is_said_in_the_same_words() -> None:
    clock, said = Clock(), set()
    for apart in (47.4, 46.1, 48.9, 45.2, None, 47.0):
        clock.measured(apart)
        said.add(clock.notes)
    assert said == {("the server's clock is 47 s ahead",)}
    clock.measured(0.0)
    assert clock.notes == ()


async def test_a_wrong_clock_is_told_with_the_readings(tmp_path: Path) -> None:
    late = format_datetime(datetime.now(UTC) - timedelta(minutes=10), usegmt=True)
    async with serving(response(Date=late)) as url:
        facts = await provider("probe", tmp_path, url=url).fetch()
    assert facts.notes == ("the server's clock is 10 min behind",)


async def test_a_check_that_is_turned_away_tells_nothing_and_waits(tmp_path: Path) -> None:
    async with serving(response(status="429 Slow Down", Retry_After="90")) as url:
        with pytest.raises(ProviderError, match="answered 429, and asks to wait 90 s") as caught:
            await provider("probe", tmp_path, url=url).fetch()
    assert caught.value.fault.retry_after == 90


async def test_only_the_hosts_of_the_config_are_asked() -> None:
    async with serving(response(b'{"error_rate": 1}')) as url:
        client = Client("http://127.0.0.1:1/elsewhere")
        assert (await client.read(url, Page, deadline=60)).error_rate == 1
        with pytest.raises(ProviderError, match="localhost is not asked: the config does not name it"):
            await client.fetch("GET", url.replace("127.0.0.1", "localhost"), deadline=60)


async def test_a_source_has_two_requests_under_way_at_most() -> None:
    under_way = most = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        writer.write(response())

    async with serving(slow) as url:
        client = Client(url)
        await asyncio.gather(*(client.fetch("GET", url, deadline=60) for _ in range(7)))
    assert most == AT_ONCE


async def test_an_explicit_proxy_is_used() -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(b"")
        writer.write(response(b"by proxy"))

    async with serving(proxy) as url:
        answer = await Client("http://127.0.0.1:1", proxy=url).fetch("GET", "http://127.0.0.1:1/x", deadline=60)
    assert (answer.body, len(asked)) == (b"by proxy", 1)


async def test_look_ups_that_hang_are_few_and_keep_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    released, hanging = threading.Event(), 0

    def hang(*_: object, **__: object) -> list[object]:
        nonlocal hanging
        hanging += 1
        released.wait(120)
        return []

    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: (real if host == "127.0.0.1" else hang)(host, *a, **k)
    )
    async with serving(response()) as url:
        # What a client needs is loaded by its first request.
        assert (await Client(url).fetch("GET", url, deadline=60)).status == 200
    sick = Client("https://hangs.example")
    for _ in range(2):
        with pytest.raises(ProviderError, match=r"hangs.example.* did not answer within 0\.5 s"):
            await sick.fetch("GET", "https://hangs.example", deadline=0.5)
    with pytest.raises(ProviderError, match=r"still being looked up"):
        await sick.fetch("GET", "https://hangs.example", deadline=0.5)
    assert hanging == 2
    async with serving(response()) as url:
        assert (await Client(url).fetch("GET", url, deadline=60)).status == 200
    released.set()


def test_a_name_server_that_hangs_keeps_no_command(tmp_path: Path) -> None:
    config = (ROOT / "config.toml").read_text()
    config += '\n[source.site]\nkind = "probe"\nevery = 5\nurl = "https://hangs.example/"\ntimeout = 0.5\n'
    (tmp_path / "config.toml").write_text(config)
    (tmp_path / "config.toml").chmod(0o600)
    script = (
        "import socket, sys, time\n"
        "socket.getaddrinfo = lambda *a, **k: time.sleep(300)\n"
        "from repz_console.cli import main\n"
        f"sys.argv[1:] = ['status', '--refresh', '--json', '--config', {str(tmp_path / 'config.toml')!r}]\n"
        "sys.exit(main())\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    sources = {source["id"]: source for source in json.loads(done.stdout)["sources"]["sources"]}
    assert {sources[name]["freshness"] for name in ("site", "flags", "box")} == {"LIVE"}, "down is an answer of a probe"
    assert time.monotonic() - started < 60, "long before the name server would have answered"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.example/?token=x", "login.example"),
        ("//other.example/x", "other.example"),
        ("/login", "here.example"),
        ("", "here.example"),
        ("file:///etc/passwd", "a file: address"),
        ("javascript:alert(1)", "a javascript: address"),
        ("http://[", "an address that is not valid"),
    ],
)
def test_where_a_redirect_leads(location: str, said: str) -> None:
    assert where_to(location, "https://here.example/x") == said


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org:8443/x?y=z",
        "http://127.0.0.1:80",
        "http://[::1]/",
        "http://localhost",
    ],
)
def test_addresses_that_may_be_asked(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", ["http://example.org", "http://127.0.0.1.example.org", "http://0x7f.1", "http://[::2]"])
def test_plain_http_stays_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url must be https://: plain http is only for this machine"):
        check_url(url)


@pytest.mark.parametrize(
    ("end", "target"),
    [("", "/"), ("/a b/%20?q=ä b", "/a%20b/%20?q=%C3%A4%20b"), ("?q=rate(x[5m])&a=+%2B", "/?q=rate(x[5m])&a=+%2B")],
)
async def test_a_target_is_quoted_and_keeps_what_is_quoted(end: str, target: str) -> None:
    asked: list[str] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n")).decode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await Client(url).fetch("GET", url + end, deadline=60)
    assert asked == [f"GET {target} HTTP/1.1\r\n"]

"""HTTP in all its failures: bounded in time and size, never following, never telling a secret."""

from __future__ import annotations

import asyncio
import gzip
import logging
import sys
import time
import zlib
from collections.abc import AsyncIterator

import pytest

from repz_console.providers import net
from repz_console.providers.base import ProviderError
from repz_console.providers.net import BODY_CAP, Client
from tests.conftest import ROOT
from tests.support.web import response, serving

DEADLINE = 0.4


@pytest.fixture
def client() -> Client:
    return Client("http://127.0.0.1", "https://hunter2.invalid")


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(600)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhal")
    await writer.drain()
    writer.transport.abort()


@pytest.mark.parametrize("answer", [hang, drip, drip_headers])
async def test_nothing_takes_longer_than_said(client: Client, answer: object) -> None:
    async with serving(answer) as url:  # type: ignore[arg-type]
        with pytest.raises(ProviderError, match=r"127\.0\.0\.1 did not answer within 0\.4 s"):
            await client.fetch("GET", url, deadline=DEADLINE)


@pytest.mark.parametrize(
    "answer",
    [
        cut,
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 999999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000,
        response(b"not gzip", Content_Encoding="gzip"),
        response(gzip.compress(b"x" * 1000)[:-9], Content_Encoding="gzip"),
        response(b"x", Content_Encoding="br"),
    ],
    ids=["cut", "empty", "ssh", "status", "length", "head", "not gzip", "cut gzip", "unknown coding"],
)
async def test_garbage_is_a_plain_line(client: Client, answer: object) -> None:
    async with serving(answer) as url:  # type: ignore[arg-type]
        with pytest.raises(ProviderError) as caught:
            await client.fetch("GET", url, deadline=60)
    assert caught.value.fault.what.startswith("127.0.0.1: ")
    assert len(caught.value.fault.what) < 120


async def test_a_body_without_end_stops_at_the_cap(client: Client) -> None:
    async with serving(endless) as url:
        with pytest.raises(ProviderError, match="more than 1,000,000 bytes"):
            await client.fetch("GET", url, deadline=60)
        answer = await client.fetch("GET", url, deadline=60, whole=False)
        assert (len(answer.body), answer.truncated) == (BODY_CAP, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_small_body_that_unpacks_to_a_huge_one_stops_at_the_cap(client: Client, coding: str) -> None:
    huge = bytes(50_000_000)
    packed = gzip.compress(huge) if coding == "gzip" else zlib.compress(huge)
    async with serving(response(packed, Content_Encoding=coding)) as url:
        answer = await client.fetch("GET", url, deadline=60, whole=False)
    assert (len(answer.body), answer.truncated) == (BODY_CAP, True)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
async def test_a_packed_body_is_unpacked(client: Client, coding: str, pack: object) -> None:
    body = b"word " * 1000
    async with serving(response(pack(body), Content_Encoding=coding)) as url:  # type: ignore[operator]
        answer = await client.fetch("GET", url, deadline=60)
    assert (answer.status, answer.body, answer.truncated) == (200, body, False)


@pytest.mark.parametrize(
    ("location", "host"), [("https://evil.example/login?token=abc", "evil.example"), ("/login", "127.0.0.1")]
)
async def test_a_redirect_is_named_and_not_followed(client: Client, location: str, host: str) -> None:
    async with serving(response(b"", "302 Found", Location=location)) as url:
        answer = await client.fetch("GET", url, deadline=60)
    assert (answer.status, answer.redirects_to) == (302, host)


async def test_the_environment_s_proxy_is_not_used(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(response()) as url:
        assert (await client.fetch("GET", url, deadline=60)).status == 200


async def test_no_secret_gets_into_an_error_or_a_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        logging.getLogger(logger).setLevel(logging.NOTSET)
    lines = []
    headers = {"X-Api-Key": "hunter2\n1"}
    for url in ("http://127.0.0.1:1/?token=hunter2", "https://hunter2.invalid:99999/?hunter2"):
        with pytest.raises(ProviderError) as caught:
            await client.fetch("GET", url, deadline=60, headers=headers)
        lines.append(caught.value.fault.what.replace("hunter2.invalid", ""))
        assert caught.value.__cause__ is None
    async with serving(response()) as url:
        await client.fetch("GET", f"{url}/?token=hunter2", deadline=60, headers={"X-Api-Key": "hunter2"})
    assert "hunter2" not in " ".join(lines)
    assert "hunter2" not in caplog.text


async def test_what_an_answer_asks_for_is_not_done(client: Client) -> None:
    """No cookie is kept or sent, and a redirect to what is no address is an answer like any other."""
    asked: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response(b"", "302 Found", Location="http://login.example:port/", Set_Cookie="a=b"))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        answers = [await client.fetch("GET", url, deadline=60) for _ in range(2)]
    assert {answer.redirects_to for answer in answers} == {"login.example"}
    assert len(asked) == 2
    assert b"cookie" not in b"".join(asked).lower()


async def test_a_body_that_makes_much_work_leaves_the_others_their_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, pieces, turns = net._decoded, 0, 0

    async def toilsome(raw: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        nonlocal pieces, turns
        turns = 0
        async for piece in raw:
            pieces += 1
            until = time.thread_time() + 0.02
            while time.thread_time() < until:
                pass
            yield piece

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(net, "_decoded", lambda raw, encoding: decoded(toilsome(raw), encoding))
    async with serving(response(b"x" * 40_000)) as url:
        beside = asyncio.create_task(other())
        await client.fetch("GET", url, deadline=60)
        beside.cancel()
    assert pieces > 10
    assert turns > 15 * pieces, "one turn each, and nothing more, is what it leaves if it does not wait"


async def test_the_screen_goes_on_while_the_client_is_loaded() -> None:
    """In a process of its own: here it was loaded long ago."""
    script = (
        "import asyncio, sys, time\n"
        "import repz_console.providers.net as net\n"
        "real, busy = net._load, []\n"
        "def load():\n"
        "    time.sleep(0.5)\n"
        "    real()\n"
        "net._load = load\n"
        "async def main():\n"
        "    client = net.Client('http://127.0.0.1:1')\n"
        "    fetch = asyncio.create_task(client.fetch('GET', 'http://127.0.0.1:1', deadline=60))\n"
        "    turns = 0\n"
        "    while not fetch.done():\n"
        "        await asyncio.sleep(0.01)\n"
        "        turns += 1\n"
        "    print(turns, fetch.exception())\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    said = (await process.communicate())[0].decode()
    turns, line = said.split(maxsplit=1)
    assert int(turns) > 5
    assert line == "127.0.0.1: connection refused\n"

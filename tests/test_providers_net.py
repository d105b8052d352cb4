"""HTTP in all its failures: bounded in time and size, never following, never telling a secret."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib

import pytest

from repz_console.providers.base import ProviderError
from repz_console.providers.net import BODY_CAP, Client
from tests.support.web import response, serving

DEADLINE = 0.4


@pytest.fixture
def client() -> Client:
    return Client("http://127.0.0.1", "https://hunter2.invalid")


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


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
)
async def test_garbage_is_a_plain_line(client: Client, answer: object) -> None:
    async with serving(answer) as url:  # type: ignore[arg-type]
        with pytest.raises(ProviderError) as caught:
            await client.fetch("GET", url, deadline=5)
    assert caught.value.fault.what.startswith("127.0.0.1: ")
    assert len(caught.value.fault.what) < 120


async def test_a_body_without_end_stops_at_the_cap(client: Client) -> None:
    async with serving(endless) as url:
        with pytest.raises(ProviderError, match="more than 1,000,000 bytes"):
            await client.fetch("GET", url, deadline=5)
        answer = await client.fetch("GET", url, deadline=5, whole=False)
        assert (len(answer.body), answer.truncated) == (BODY_CAP, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_small_body_that_unpacks_to_a_huge_one_stops_at_the_cap(client: Client, coding: str) -> None:
    huge = bytes(50_000_000)
    packed = gzip.compress(huge) if coding == "gzip" else zlib.compress(huge)
    async with serving(response(packed, Content_Encoding=coding)) as url:
        answer = await client.fetch("GET", url, deadline=10, whole=False)
    assert (len(answer.body), answer.truncated) == (BODY_CAP, True)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)])
async def test_a_packed_body_is_unpacked(client: Client, coding: str, pack: object) -> None:
    body = b"word " * 1000
    async with serving(response(pack(body), Content_Encoding=coding)) as url:  # type: ignore[operator]
        answer = await client.fetch("GET", url, deadline=5)
    assert (answer.status, answer.body, answer.truncated) == (200, body, False)


@pytest.mark.parametrize(
    ("location", "host"), [("https://evil.example/login?token=abc", "evil.example"), ("/login", "127.0.0.1")]
)
async def test_a_redirect_is_named_and_not_followed(client: Client, location: str, host: str) -> None:
    async with serving(response(b"", "302 Found", Location=location)) as url:
        answer = await client.fetch("GET", url, deadline=5)
    assert (answer.status, answer.redirects_to) == (302, host)


async def test_the_environment_s_proxy_is_not_used(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(response()) as url:
        assert (await client.fetch("GET", url, deadline=5)).status == 200


async def test_no_secret_gets_into_an_error_or_a_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("httpcore", "httpcore.http11", "httpcore.connection"):
        logging.getLogger(logger).setLevel(logging.NOTSET)
    lines = []
    headers = {"X-Api-Key": "hunter2\n1"}
    for url in ("http://127.0.0.1:1/?token=hunter2", "https://hunter2.invalid:99999/?hunter2"):
        with pytest.raises(ProviderError) as caught:
            await client.fetch("GET", url, deadline=5, headers=headers)
        lines.append(caught.value.fault.what.replace("hunter2.invalid", ""))
        assert caught.value.__cause__ is None
    async with serving(response()) as url:
        await client.fetch("GET", f"{url}/?token=hunter2", deadline=5, headers={"X-Api-Key": "hunter2"})
    assert "hunter2" not in " ".join(lines)
    assert "hunter2" not in caplog.text

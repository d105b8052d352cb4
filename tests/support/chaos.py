"""A web server that does everything wrong, each way at a path of its own: `python -m tests.support.chaos [PEM ...]`.

A process by itself, so that what it does costs the console nothing. Prints its ports as JSON: that of plain HTTP, then
one per certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from itertools import chain, repeat

GOOD = b'{"error_rate": 0.5}'
DRIP = 0.5
"""Seconds between two bytes."""

Writer = asyncio.StreamWriter


def answer(body: bytes = GOOD, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def date(**ahead: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**ahead), usegmt=True)


async def hang(writer: Writer) -> None:
    await asyncio.sleep(3600)


async def pour(writer: Writer, *pieces: bytes, every: float = 0.0) -> None:
    """Send what fits, without end if the pieces have none."""
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(every)


async def drip_head(writer: Writer) -> None:
    for byte in chain(b"HTTP/1.1 200 OK\r\nX: ", repeat(120)):
        await pour(writer, bytes([byte]), every=DRIP)


async def drip_body(writer: Writer) -> None:
    await pour(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        await pour(writer, b" ", every=DRIP)


async def endless(writer: Writer) -> None:
    await pour(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", *[bytes(100_000)] * 1000)


async def crumbs(writer: Writer) -> None:
    await pour(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n" * 10_000] * 200)


async def flood(writer: Writer) -> None:
    await pour(writer, *[b"HTTP/1.1 100 Continue\r\n\r\n" * 1000] * 200)


async def long_head(writer: Writer) -> None:
    await pour(writer, b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"y" * 1000 + b"\r\n"] * 5000, b"\r\n")


async def reset(writer: Writer) -> None:
    await pour(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    socket = writer.get_extra_info("socket")
    socket.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER 0: closing resets
    writer.transport.abort()


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(100_000_000))


FAULTS: dict[str, Callable[[], bytes] | Callable[[Writer], Awaitable[None]]] = {
    "good": lambda: answer(Date=date()),
    "hang": hang,
    "drip_head": drip_head,
    "drip_body": drip_body,
    "error": lambda: answer(b"oops", "500 Internal Server Error"),
    "busy": lambda: answer(b"", "503 Service Unavailable", Retry_After="120"),
    "limited": lambda: answer(b"", "429 Too Many Requests"),
    "limited_seconds": lambda: answer(b"", "429 Too Many Requests", Retry_After="90"),
    "limited_date": lambda: answer(
        b"", "429 Too Many Requests", Retry_After=date(days=1, seconds=60), Date=date(days=1)
    ),
    "limited_nonsense": lambda: answer(b"", "429 Too Many Requests", Retry_After="soon"),
    "garbage": lambda: bytes(range(256)) * 40,
    "truncated": lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    "reset": reset,
    "huge": endless,
    "crumbs": crumbs,
    "bomb": lambda: answer(bomb(), Content_Encoding="gzip"),
    "long_head": long_head,
    "flood": flood,
    "nan": lambda: answer(b'{"error_rate": NaN}'),
    "infinity": lambda: answer(b'{"error_rate": -Infinity}'),
    "overflow": lambda: answer(b'{"error_rate": 1e999}'),
    "twice": lambda: answer(b'{"error_rate": 9, "error_rate": 0}'),
    "deep": lambda: answer(b"[" * 400_000 + b"]" * 400_000),
    "long_integer": lambda: answer(b'{"error_rate": ' + b"9" * 900_000 + b"}"),
    "text": lambda: answer(b'{"error_rate": "0"}'),
    "null": lambda: answer(b'{"error_rate": null}'),
    "list": lambda: answer(b"[0]"),
    "missing": lambda: answer(b"{}"),
    "empty": lambda: answer(b""),
    "login": lambda: answer(b"\n<!DOCTYPE html><html><title>Log in</title></html>", Content_Type="text/html"),
    "ahead": lambda: answer(Date=date(days=1)),
    "behind": lambda: answer(Date=date(days=-1)),
    "loop": lambda: answer(b"", "302 Found", Location="/loop"),
    "elsewhere": lambda: answer(b"", "307 Temporary Redirect", Location="https://login.example/?token=s3cret"),
    "to_file": lambda: answer(b"", "301 Moved Permanently", Location="file:///etc/passwd"),
}
"""Path to what is done there."""


async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
        head = await reader.readuntil(b"\r\n\r\n")
        fault = FAULTS[head.split()[1].decode().strip("/")]
        if asyncio.iscoroutinefunction(fault):
            await fault(writer)
        else:
            await pour(writer, fault())  # type: ignore[call-arg,arg-type]
    writer.close()


async def main(certificates: list[str]) -> None:
    ports = []
    for certificate in (None, *certificates):
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it is gone


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

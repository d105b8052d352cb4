"""How a source reaches its server: name look-ups that may hang, and answers that may never end, kept in bounds.

A loop's own name look-ups run in threads that all sources share and that a process waits for at its end. Here each
source has few of its own, which nobody waits for. httpx makes the requests, by a transport that stands on these
connections. Importing this module takes longer than a screen may wait: see `net`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterable
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from repz_console import __version__
from repz_console.providers import tls
from repz_console.providers.base import ProviderError
from repz_console.providers.threads import in_thread

HEAD_CAP = 131_072
"""Bytes that a server may send before its answer proper begins: status lines, headers, and whatever comes with them."""
_SIP = 2048
"""Bytes taken at once: what is done with them keeps the event loop for less than a screen takes."""
_HEAVY = 0.005
"""Seconds of work that a sip may make before its source has to let the others catch up."""
_LOOKUPS = 2
"""Name look-ups of one source that may hang at a time."""
_ADDRESSES = 4
"""Addresses of one name that are tried."""
_PATIENCE = 1.5
"""Seconds that an address may take to answer while there is another to try."""


class Lookups:
    """The name look-ups of one source."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_LOOKUPS)

    async def addresses(self, host: str, port: int, deadline: float) -> list[str]:
        """The addresses of a host, at least one, the resolver's preferred one first. Raises `ProviderError` or
        `OSError`."""
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        if not self._free.acquire(blocking=False):
            raise ProviderError("its name is still being looked up: the name server does not answer")

        def look_up() -> list[str]:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            finally:
                self._free.release()
            return list(dict.fromkeys(str(address[0]) for *_, address in found))

        return await in_thread(look_up, deadline=deadline, what="the name server")


class Meter:
    """What an exchange is waiting for, and how much it may still read."""

    def __init__(self) -> None:
        self.doing = "its name could not be looked up"
        """What did not happen, if the time is up now."""
        self.is_answered = False
        """Whether the head of an answer was read."""
        self._left = HEAD_CAP
        self._what = f"sent more than {HEAD_CAP:,} bytes before an answer"

    def answered(self, most: int, what: str) -> None:
        """The head of an answer is there; of the rest at most `most` bytes are taken, else `what` went wrong."""
        self.is_answered, self.doing, self._left, self._what = True, "its answer did not end", most, what

    def count(self, read: int) -> None:
        """So many bytes came. Raises `ProviderError` where they are too many."""
        self._left -= read
        if self._left < 0:
            raise ProviderError(self._what)


class Dialer(httpcore.AsyncNetworkBackend):
    """Connects for one exchange."""

    def __init__(self, lookups: Lookups, meter: Meter, deadline: float) -> None:
        self._lookups = lookups
        self._meter = meter
        self._deadline = deadline
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of `host` that takes one."""
        *others, last = (await self._lookups.addresses(host, port, self._deadline))[:_ADDRESSES]
        self._meter.doing = "no connection was made"
        for address in others:
            try:
                return self._metered(await self._plain.connect_tcp(address, port, timeout=_PATIENCE))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._metered(await self._plain.connect_tcp(last, port, timeout=timeout))

    def _metered(self, stream: httpcore.AsyncNetworkStream) -> httpcore.AsyncNetworkStream:
        self._meter.doing = "nothing came"
        return _Metered(stream, self._meter)


class _Metered(httpcore.AsyncNetworkStream):
    """A connection of which no more is read than its meter allows, in sips."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, meter: Meter) -> None:
        self._stream = stream
        self._meter = meter
        self._given = math.inf  # what the processor had spent on this thread when a sip was handed on

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What came, and the others' turn before it is looked at: a full buffer never waits by itself. They have as
        long as the last sip made work, if that was much: a body in crumbs would take the processor for itself."""
        work = time.thread_time() - self._given
        await asyncio.sleep(work if work > _HEAVY else 0)
        data = await self._stream.read(min(max_bytes, _SIP), timeout)
        self._meter.count(len(data))
        self._given = time.thread_time()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Hang up."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The same, encrypted."""
        self._meter.doing = "the TLS handshake did not end"
        encrypted = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        self._meter.doing = "nothing came"
        return _Metered(encrypted, self._meter)

    def get_extra_info(self, info: str) -> Any:
        """What the connection tells of itself."""
        return self._stream.get_extra_info(info)


class _Transport(httpx.AsyncBaseTransport):
    """Takes what httpx wants to ask to a connection of ours."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer once its head is there. The headers are an extension of it, `headers`: httpx itself gets none, as
        it would keep cookies, and make a redirect's next request, of whatever a server puts there."""
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, stream=_Body(answer), extensions={**answer.extensions, "headers": answer.headers}
        )

    async def aclose(self) -> None:
        """Hang up."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """What follows the head of an answer, as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_stream()

    async def aclose(self) -> None:
        """No more of it is wanted."""
        await self._answer.aclose()


def new_client(dialer: Dialer, proxy: str) -> httpx.AsyncClient:
    """What one exchange is made with; it ends with it, and with the connection. Time is kept by whoever asks: a limit
    on each step would let an answer drip for ever."""
    for name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below, they log what is sent
    encrypted_proxy = tls.context() if proxy.startswith("https") else None
    pool = httpcore.AsyncConnectionPool(
        ssl_context=tls.context(),
        proxy=httpcore.Proxy(proxy, ssl_context=encrypted_proxy) if proxy else None,
        max_connections=1,
        network_backend=dialer,
    )
    return httpx.AsyncClient(
        transport=_Transport(pool),
        headers={
            "User-Agent": f"repz-console/{__version__}",
            "Accept-Encoding": "gzip, deflate",
            "Connection": "close",
        },
        follow_redirects=False,
        trust_env=False,
        timeout=None,  # noqa: S113 - one deadline covers the whole exchange
    )

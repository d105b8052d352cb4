"""The one place where HTTP happens: no redirect is followed, no environment is trusted, nobody is asked whom the config
does not name, and nothing takes longer or grows larger than said.

A URL's query may hold a secret, and so may a header: neither is ever part of an error or a log line.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from repz_console.providers import strict_json, tls
from repz_console.providers.address import check_proxy, check_url, host_of, where_to
from repz_console.providers.base import ProviderError
from repz_console.providers.head import Clock, Head
from repz_console.providers.threads import in_thread
from repz_console.text import safe

if TYPE_CHECKING:
    import httpx

    from repz_console.providers.dial import Lookups, Meter

BODY_CAP = 1_000_000
"""Bytes of a decoded body that are read at most."""
AT_ONCE = 2
"""Requests of one source under way at a time: a poll that hangs leaves room for a change. The others wait, within their
deadlines."""
_WRAPPING = 262_144
"""Bytes that a body's framing may add to it."""
_LOADING = 30.0
"""Seconds that the HTTP client may take to be read from a disk that is busy."""

Result = TypeVar("Result")


class Answer(Struct, frozen=True):
    """What a server answered, whatever the status."""

    status: int
    seconds: float
    """From the request to the end of the body, or to its cap."""
    body: bytes
    """Decoded; at most `BODY_CAP` bytes."""
    truncated: bool
    """Whether the body went on beyond the cap."""
    redirects_to: str
    """What a redirect names, safe to show: a host, as a rule; empty if it is none."""
    retry_after: float | None
    """Seconds that the server asks us to stay away."""
    certificate_until: datetime | None
    """When the server's TLS certificate ends; None over plain HTTP."""

    @property
    def said(self) -> str:
        """The status in words: `answered 302, a redirect to login.example`."""
        redirect = f", a redirect to {self.redirects_to}" if self.redirects_to else ""
        wait = f", and asks to wait {self.retry_after:.0f} s" if self.retry_after else ""
        return f"answered {self.status}{redirect}{wait}"


class Client:
    """Makes the requests of one source, each over a connection of its own, so that every one sees the name, the route
    and the certificate as they are now.
    """

    def __init__(self, *addresses: str, proxy: str = "") -> None:
        """Only the hosts of `addresses` are ever asked: what the config names. `proxy` is an HTTP proxy's address, and
        the only one that is used. Raises `ValueError` for an address that no source may ask.
        """
        for address in addresses:
            check_url(address)
        if proxy:
            check_proxy(proxy)
        self._hosts = frozenset(host_of(address) for address in addresses)
        self._proxy = proxy
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._lookups: Lookups | None = None
        self._clock = Clock()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the server, for `Facts.notes`: a clock that is not ours."""
        return self._clock.notes

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        whole: bool = True,
    ) -> Answer:
        """One request, finished within `deadline` seconds from name look-up to the body's last byte.

        `whole` refuses a body beyond the cap; otherwise what fits is returned. Raises `ProviderError` with a safe line
        that names the host and nothing more of the URL.
        """
        host = host_of(url)
        shown = safe(host or "the host", 100)
        if host not in self._hosts:
            raise ProviderError(f"{shown} is not asked: the config does not name it for this source")
        try:
            if self._lookups is None:
                await in_thread(_load, deadline=_LOADING, what="the HTTP client")
            from repz_console.providers import dial

            self._lookups = self._lookups or dial.Lookups()
            meter = dial.Meter()
        except Exception as error:
            raise ProviderError(f"{shown}: {_plain(error)}") from None
        try:
            async with asyncio.timeout(deadline), self._turn:
                dialer = dial.Dialer(self._lookups, meter, deadline)
                async with dial.new_client(dialer, self._proxy) as client:
                    answer = await self._exchange(client, meter, method, url, headers or {}, content)
        except TimeoutError:
            raise ProviderError(f"{shown} did not answer within {deadline:g} s: {meter.doing}") from None
        except Exception as error:  # h11, ssl, anyio and codecs raise beyond what httpx documents
            raise ProviderError(f"{shown}: {_plain(error, meter.is_answered)}") from None
        if whole and answer.truncated:
            raise ProviderError(f"{shown} sent more than {BODY_CAP:,} bytes")
        return answer

    async def read(
        self, url: str, kind: type[Result], *, deadline: float, headers: Mapping[str, str] | None = None
    ) -> Result:
        """What `url` answers, as strict JSON of `kind`; see `strict_json.decode`. Any status but success is an error,
        a redirect too. Raises `ProviderError`, with the time for which the server asks to be left alone.
        """
        answer = await self.fetch("GET", url, deadline=deadline, headers=headers)
        shown = safe(host_of(url), 100)
        if not 200 <= answer.status < 300:
            raise ProviderError(f"{shown} {answer.said}", retry_after=answer.retry_after)
        try:
            return strict_json.decode(answer.body, kind)
        except strict_json.NotStrict as error:
            raise ProviderError(f"what {shown} sent cannot be used: {error}") from None

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        meter: Meter,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes,
    ) -> Answer:
        started, sent = time.monotonic(), datetime.now(UTC)
        async with client.stream(method, url, headers=headers, content=content) as response:
            received = datetime.now(UTC)
            meter.answered(BODY_CAP + _WRAPPING, f"sent more than {BODY_CAP:,} bytes")
            head = Head(response.extensions["headers"])
            self._clock.measured(head.ahead(sent, received))
            certificate_until = tls.certificate_end(response.extensions.get("network_stream"))
            body, truncated = await _decoded(response.aiter_raw(), head["content-encoding"])
            redirect = response.status_code in (301, 302, 303, 307, 308)
            return Answer(
                status=response.status_code,
                seconds=time.monotonic() - started,
                body=body,
                truncated=truncated,
                redirects_to=safe(where_to(head["location"], url), 100) if redirect else "",
                retry_after=head.retry_after(received),
                certificate_until=certificate_until,
            )


async def _decoded(raw: AsyncIterator[bytes], encoding: str) -> tuple[bytes, bool]:
    """The body up to the cap, and whether there was more. Decoding is bounded: a few kilobytes may hold gigabytes."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        decoder = None
    elif coding in ("gzip", "x-gzip", "deflate"):
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32 if coding != "deflate" else zlib.MAX_WBITS)
    else:
        raise ProviderError(f"the body is encoded as {safe(encoding, 40)}, which was not asked for")
    body = bytearray()
    async for chunk in raw:
        room = BODY_CAP + 1 - len(body)
        body += chunk[:room] if decoder is None else decoder.decompress(chunk, room)
        if len(body) > BODY_CAP:
            return bytes(body[:BODY_CAP]), True
    if decoder is not None and not decoder.eof:
        raise ProviderError("the compressed body ended early")
    return bytes(body), False


def _plain(error: BaseException, is_answered: bool = False) -> str:
    """Why a request failed, told from the exceptions' kinds: their texts may quote headers and URLs."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ProviderError):
            return cause.fault.what
        if isinstance(cause, ssl.SSLError):
            return tls.why_not(cause)
        if isinstance(cause, OSError) and cause.strerror:
            # asyncio puts the address in the text, the system does not
            text = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror
            return safe(text, 100).lower()
        cause = cause.__cause__ or cause.__context__
    kind = type(error).__name__
    if kind == "RemoteProtocolError" and is_answered:
        return "it hung up before its answer was whole"
    return _KINDS.get(kind, f"the exchange failed ({kind})")


_KINDS = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "ReadError": "the connection broke while it answered",
    "WriteError": "the connection broke while it was asked",
    "ProxyError": "the proxy refused",
    "RemoteProtocolError": "it does not speak HTTP as it should",
    "LocalProtocolError": "the request cannot be sent as it is",
    "InvalidURL": "the request cannot be sent as it is",
    "error": "the compressed body is damaged",
}
"""Name of an exception's class to what it means."""


def _load() -> None:
    """Make the next exchange begin at once. It takes 150 ms: a launch without the web never pays them, and one with it
    does not stand still meanwhile."""
    import repz_console.providers.dial  # noqa: F401 - for what it loads

    tls.context()

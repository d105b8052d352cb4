"""The one place where HTTP happens: no redirect is followed, no environment is trusted, nothing takes longer or grows
larger than said.

A URL's query may hold a secret, and so may a header: neither is ever part of an error or a log line.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from msgspec import Struct

from repz_console import __version__
from repz_console.providers.base import ProviderError
from repz_console.text import safe

if TYPE_CHECKING:
    import httpx

BODY_CAP = 1_000_000
"""Bytes of a decoded body that are read at most."""


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
    """The host that a redirect names, safe to show; empty if it is none."""
    certificate_until: datetime | None
    """When the server's TLS certificate ends; None over plain HTTP."""


class Client:
    """Makes requests, each over a connection of its own, so that every one sees the name, the route and the
    certificate as they are now.
    """

    def __init__(self) -> None:
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def fetch(
        self, method: str, url: str, *, deadline: float, headers: Mapping[str, str] | None = None, whole: bool = True
    ) -> Answer:
        """One request, finished within `deadline` seconds from name look-up to the body's last byte.

        `whole` refuses a body beyond the cap; otherwise what fits is returned. Raises `ProviderError` with a safe line
        that names the host and nothing more of the URL.
        """
        host = safe(urlsplit(url).hostname or "the host", 100)
        if self._http is None:
            self._http = _new_client()
        try:
            async with asyncio.timeout(deadline):
                answer = await _exchange(self._http, method, url, headers or {})
        except TimeoutError:
            raise ProviderError(f"{host} did not answer within {deadline:g} s") from None
        except Exception as error:  # h11, ssl, anyio and codecs raise beyond what httpx documents
            raise ProviderError(f"{host}: {_plain(error)}") from None
        if whole and answer.truncated:
            raise ProviderError(f"{host} sent more than {BODY_CAP:,} bytes")
        return answer


async def _exchange(http: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str]) -> Answer:
    started = time.monotonic()
    async with http.stream(method, url, headers=dict(headers)) as response:
        certificate_until = _certificate_end(response.extensions.get("network_stream"))
        body, truncated = await _decoded(response.aiter_raw(), response.headers.get("content-encoding", ""))
        redirect = ""
        if response.is_redirect:
            redirect = safe(urlsplit(response.headers.get("location", "")).hostname or urlsplit(url).hostname, 100)
        return Answer(
            status=response.status_code,
            seconds=time.monotonic() - started,
            body=body,
            truncated=truncated,
            redirects_to=redirect,
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


def _certificate_end(stream: Any) -> datetime | None:
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    if tls is None:
        return None
    end = (tls.getpeercert() or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if end else None


def _plain(error: BaseException) -> str:
    """Why a request failed, told from the exceptions' kinds: their texts may quote headers and URLs."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ProviderError):
            return cause.fault.what
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {safe(cause.verify_message, 100)}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {safe(cause.reason or 'no reason given', 100)}"
        if isinstance(cause, OSError) and cause.strerror:
            # asyncio puts the address in the text, the system does not
            text = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror
            return safe(text, 100).lower()
        cause = cause.__cause__ or cause.__context__
    return _KINDS.get(type(error).__name__, f"the exchange failed ({type(error).__name__})")


_KINDS = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time",
    "ReadError": "the connection broke while it answered",
    "WriteError": "the connection broke while it was asked",
    "RemoteProtocolError": "it does not speak HTTP as it should",
    "InvalidURL": "the address is not valid",
    "LocalProtocolError": "the request cannot be sent as it is",
    "error": "the compressed body is damaged",
}
"""Name of an exception's class to what it means."""


@cache
def _tls() -> ssl.SSLContext:
    # a bare context: the default one writes TLS keys where SSLKEYLOGFILE says
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi  # comes with httpx; for systems whose own store OpenSSL does not find

        context.load_verify_locations(certifi.where())
    return context


def _new_client() -> httpx.AsyncClient:
    import httpx  # 60 ms that a launch without network sources never pays

    for name in ("httpx", "httpcore"):  # they log whole URLs
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        verify=_tls(),
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 - the deadline around each exchange is the one that holds
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=0),
        headers={"User-Agent": f"repz-console/{__version__}", "Accept-Encoding": "gzip, deflate"},
    )

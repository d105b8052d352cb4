"""Encrypted connections: what is trusted, and why a server was not, in words."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from functools import cache
from typing import Any

from repz_console.text import safe

_DISTRUST = {
    9: "its certificate is not valid yet; is this machine's clock right?",
    10: "its certificate has expired",
    18: "its certificate is self-signed, so nobody vouches for it",
    19: "its certificate is signed by an authority that this machine does not know",
    20: "its certificate is signed by an authority that this machine does not know",
    21: "its certificate is signed by an authority that this machine does not know",
    23: "its certificate was withdrawn",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}
"""OpenSSL's X509_V_ERR codes."""


@cache
def context() -> ssl.SSLContext:
    """What every connection is made with: TLS 1.2 or newer, and the authorities that this machine trusts."""
    # a bare context: the default one writes TLS keys where SSLKEYLOGFILE says
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_default_certs()
    if not made.cert_store_stats()["x509_ca"]:
        import certifi  # for systems whose own store OpenSSL does not find

        made.load_verify_locations(certifi.where())
    return made


def why_not(error: ssl.SSLError) -> str:
    """Why a connection could not be encrypted, in one plain line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = safe(error.verify_message, 100)
        return _DISTRUST.get(error.verify_code, f"its certificate is not trusted: {said}")
    return f"TLS failed: {safe(error.reason or 'no reason given', 100)}"


def certificate_end(stream: Any) -> datetime | None:
    """When the certificate at the other end of a connection ends; None without one."""
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    if tls is None:
        return None
    end = (tls.getpeercert() or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if end else None

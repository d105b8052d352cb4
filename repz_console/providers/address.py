"""Which web addresses a config may name, and which of them a source may ask.

What is read over plain HTTP can be forged by anybody on the way, and opens gates; so it stays on this machine.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def check_url(url: str, option: str = "url") -> None:
    """Refuse what a source must not ask: raises `ValueError` with one plain line that starts with the option's name and
    quotes nothing of the address, which may hold a secret.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{option} must be an https:// address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{option} must be an https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{option} must not hold a user name or password")
    if not (url.isprintable() and parts.hostname.isascii() and " " not in parts.hostname):
        raise ValueError(f"{option} must be written in plain letters; a host of other letters in its xn-- form")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"{option} must be https://: plain http is only for this machine, such as http://127.0.0.1")


def check_proxy(url: str, option: str = "proxy") -> None:
    """Refuse what is no HTTP proxy's address. Plain HTTP to one is fine: what goes through it is encrypted to its end.
    Raises `ValueError` like `check_url`.
    """
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        named = False
    if not (named and url.isascii() and url.isprintable()) or parts.path.strip("/") or parts.query:
        raise ValueError(f"{option} must be a proxy's address such as http://proxy.example.org:3128")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{option} must not hold a user name or password")


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def host_of(url: str) -> str:
    """The host that an address names, in small letters; empty if it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def where_to(location: str, asked: str) -> str:
    """What a redirect's `location` names: a host, or the kind of address where that is not of the web. `asked` is the
    address that redirected."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "an address that is not valid"
    if parts.scheme and parts.scheme not in ("http", "https"):
        return f"a {parts.scheme}: address"
    return parts.hostname or host_of(asked)


def without_query(url: str) -> str:
    """The address as it may be shown: whatever its query holds is left out."""
    address, query, _ = url.partition("?")
    return f"{address}?…" if query else address

"""Signatures as Standard Webhooks has them: HMAC-SHA256 over the message's id, its time and its raw body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a key."""


def keys(secret: str) -> tuple[bytes, ...]:
    """The keys of a secret: `whsec_` and base64, several with blanks between them while they are exchanged. Raises
    `ValueError` with one line that quotes nothing of it.
    """
    found = tuple(_key(written) for written in secret.split())
    if not found:
        raise ValueError("it is empty")
    return found


def signed(secret: str, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, `timestamp` in Unix seconds: one signature for each key, so that a receiver that
    knows any of them takes it. Raises `ValueError` like `keys`.
    """
    content = f"{message}.{timestamp}.".encode() + body
    digests = [hmac.new(key, content, hashlib.sha256).digest() for key in keys(secret)]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }


def _key(written: str) -> bytes:
    if not written.startswith(PREFIX):
        raise ValueError(f"it does not begin with {PREFIX}")
    try:
        key = base64.b64decode(written.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} is not base64") from None
    if not LEAST <= len(key) <= MOST:
        raise ValueError(f"a key has {LEAST} to {MOST} bytes, and this one {len(key)}")
    return key

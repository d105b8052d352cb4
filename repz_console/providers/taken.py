"""What the answer to a request that changes something proves: that it was taken, that it was not, or nothing."""

from __future__ import annotations

from repz_console.providers.base import Conflict, ProviderError, Refused
from repz_console.providers.net import Answer

_GONE = 410
_CONFLICT = 409
_TIMED_OUT = 408
"""The server, or whoever stands before it, did not wait for the request or for its effect."""
_FOR_NOW = (_CONFLICT, 423, 425, 429)


def check_taken(answer: Answer, shown: str, *, force: bool = False) -> None:
    """Return if a server took a change, `shown` being its name in errors.

    Raises `Conflict` for 409 and `Refused` for other client errors: nothing was written. Raises another
    `ProviderError` where that is not known, since a server may fail or redirect after it has written, and where a
    forced change was only turned away for the moment: that one is to be sent again.
    """
    said = f"{shown} {answer.said}"
    if 200 <= answer.status < 300:
        return
    if force and answer.status in _FOR_NOW:
        raise ProviderError(f"{said}: not now", retry_after=answer.retry_after)
    if answer.status == _CONFLICT:
        raise Conflict(f"{said}: it was changed meanwhile", retry_after=answer.retry_after)
    if answer.status == _GONE:
        raise Refused(f"{said}: it is disabled", retry_after=answer.retry_after)
    if 400 <= answer.status < 500 and answer.status != _TIMED_OUT:
        raise Refused(f"{said}{_HINTS.get(answer.status, '')}", retry_after=answer.retry_after)
    raise ProviderError(f"{said}: whether it was done is not known", retry_after=answer.retry_after)


_HINTS = {401: ": is the secret right?", 403: ": has the secret the right to do this?", 404: ": is there such a thing?"}

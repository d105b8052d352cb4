"""Secrets that stay put: a value that shows itself nowhere, and a redactor that knows every one of them.

Whoever makes a `Secret` tells the redactor. From then on no text that passes `redact` holds the value: every string
that `text.safe` makes harmless, what is written to the journal, to logs and to crash files, and what commands print.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

MASK = "•••"
"""What stands where a secret stood."""
LEAST = 8
"""Characters of the shortest secret: a shorter one could not be told from ordinary words when it is to be kept out."""

_SHOWS_ITS_END = 20
"""Characters from which the last four may be shown, to tell one token from another."""

_forms: frozenset[str] = frozenset()
"""Every way to write every secret, in lower case."""
_known: re.Pattern[str] | None = None
_lock = threading.Lock()


class Secret:
    """A text that must not be seen. `reveal` is the only way to it: it prints as a mask, and cannot be compared,
    hashed, copied, pickled or encoded.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a key of a dict would be shown with it

    def __init__(self, value: str) -> None:
        """Tells the redactor. Raises `ValueError` for a value of less than `LEAST` characters."""
        if len(value) < LEAST:
            raise ValueError(
                f"{len(value)} characters are too few to be kept out of logs; a secret has {LEAST} or more"
            )
        _register(value)
        self._value = value

    def reveal(self) -> str:
        """The value, to be handed to whoever needs it and kept nowhere."""
        return self._value

    def __repr__(self) -> str:
        return MASK + (self._value[-4:] if len(self._value) >= _SHOWS_ITS_END else "")

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a secret is not compared")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither copied nor written")


def redact(text: str) -> str:
    """`text` with a mask wherever it holds a secret, as it is or as URLs, JSON, HTML, base64 or hex have it."""
    if _known is None:
        return text
    if text.isascii():
        # Nearly every text holds none, and looking for each is a tenth of what the pattern costs.
        folded = text.lower()
        if not any(form in folded for form in _forms):
            return text
    return _known.sub(MASK, text)


def redact_json(encoded: bytes) -> bytes:
    """JSON with the secrets in its strings masked. A number stays one, whatever its digits are."""
    if _known is None:
        return encoded
    text = encoded.decode()
    if redact(text) == text:
        return encoded
    import msgspec  # known to whoever has JSON

    return msgspec.json.encode(_masked(msgspec.json.decode(encoded)))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(key): _masked(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member) for member in value]
    return value


def anything_known() -> bool:
    """Whether there is any secret to keep out."""
    return _known is not None


def _register(value: str) -> None:
    global _forms, _known
    # In any case: host names come back in lower case, and escapes in either.
    forms = {form.lower() for part in _parts(value) for form in _written(part)}
    with _lock:
        if not forms <= _forms:
            every = _forms | forms
            # The longest first: a form may begin with another one, whose rest would be left standing.
            longest = sorted(every, key=len, reverse=True)
            _known = re.compile("|".join(map(re.escape, longest)), re.IGNORECASE)
            _forms = every


def _parts(value: str) -> Iterator[str]:
    """The value, and the lines of one that has several: texts are made one line, and logs are cut into lines."""
    for part in {value, value.strip(), *value.splitlines()}:
        if len(part) >= LEAST:
            yield part


def _written(value: str) -> Iterator[str]:
    # Only a console that has secrets pays for these imports.
    import base64
    import html
    import json
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogateescape")
    yield from (value, html.escape(value), repr(value)[1:-1], raw.hex())
    yield from (quote(raw), quote(raw, safe=""), quote_plus(raw))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for before in range(3):
        # Inside a longer text, as `user:token` is, the neighbours share its first and last base64 character.
        encoded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        whole = encoded[(before * 8 + 5) // 6 : len(encoded) - (1 if (before + len(raw)) % 3 else 0)]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))

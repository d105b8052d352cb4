"""How an entry stands on disk: its payload, and the hash that chains it to the one before.

The chain runs over the payload's hash, not the payload, so that a payload can be erased (a secret that leaked into a
note) and the chain still verifies.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from repz_console.events import AnyEvent, Event, PlanAdopted, Unknown
from repz_console.facts import Actor
from repz_console.secret import redact_json
from repz_console.store import outside
from repz_console.text import identifier, safe

GENESIS = bytes(32)
"""What the first entry's hash is chained to."""

_EVENT: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_ACTOR = msgspec.json.Decoder(Actor)


def kind_of(event: Event) -> str:
    """The event's name on disk."""
    return str(type(event).__struct_config__.tag)


def encode(event: Event) -> bytes:
    """The event as JSON, strings as given but for secrets, which are masked. Raises `ValueError` for what could not be
    read back."""
    if isinstance(event, Unknown):
        raise ValueError("An entry of an unknown kind cannot be written")
    payload = redact_json(msgspec.json.encode(event))
    try:
        _EVENT.decode(payload)
    except msgspec.DecodeError as error:
        raise ValueError(f"{kind_of(event)} cannot be written: {error}") from error
    return payload


def decode(kind: str, payload: bytes | None) -> AnyEvent:
    """The event of a row, its strings made safe. What this version does not know, or was erased, is `Unknown`."""
    if payload is None:
        return Unknown(original=safe(kind, 64), payload={"erased": True})
    try:
        event = _EVENT.decode(payload)
        if isinstance(event, PlanAdopted):
            # The plan's text is a file with line breaks; its strings are made safe where it is parsed.
            return msgspec.structs.replace(event, hash=identifier(event.hash), path=safe(event.path))
        return event if outside.is_harmless(payload) else outside.decode(payload, _EVENT)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Unknown(original=safe(kind, 64), payload=_members(payload))


def encode_actor(actor: Actor) -> str:
    """The actor as JSON."""
    return msgspec.json.encode(actor).decode()


def decode_actor(raw: str) -> Actor:
    """The actor of a row, made safe; nobody, unproven, if the row is damaged."""
    try:
        return outside.somebody(raw, _ACTOR)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Actor(user="?", uid=-1, host="?", proven=False)


def payload_hash(payload: bytes) -> bytes:
    """SHA-256 of a payload's bytes."""
    return sha256(payload).digest()


def entry_hash(previous: bytes, seq: int, at: str, kind: str, actor: str, unique: str | None, content: bytes) -> bytes:
    """The chain: SHA-256 over the previous hash, the row's columns framed as a JSON array, and the payload's hash."""
    columns = msgspec.json.encode([seq, at, kind, actor, unique])
    return sha256(previous + columns + content).digest()


def _members(payload: bytes) -> dict[str, Any]:
    try:
        members = outside.anything(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"unreadable": safe(payload.decode(errors="replace"))}
    if not isinstance(members, dict):
        return {"value": members}
    members.pop("kind", None)
    return members

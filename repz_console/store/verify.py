"""The chain checked: every entry is what was written, in the order in which it was written."""

from __future__ import annotations

from typing import Any

import apsw
from msgspec import Struct

from repz_console.store import database, payload

_FROM = """
    SELECT seq, at, kind, actor, payload, payload_hash, hash, uniq FROM entry WHERE seq > ? ORDER BY seq LIMIT ?
"""
_NEWEST = """
    SELECT seq, at, kind, actor, payload, payload_hash, hash, uniq FROM entry ORDER BY seq DESC LIMIT ?
"""
_ERASURES = """
    SELECT json_extract(CAST(payload AS TEXT), '$.seq') FROM entry
    WHERE kind = 'entry.erased' AND json_valid(CAST(payload AS TEXT))
"""
_CHUNK = 1000
_TAIL = 64


class Verification(Struct, frozen=True):
    """What became of the chain."""

    ok: bool
    length: int
    """Entries that were found good, from the first on."""
    broken: int | None
    """The first entry that is not what was written; None if there is none, or the damage is not in an entry."""
    why: str
    """One plain line; empty if all is well."""


def verify(db: apsw.Connection, known: tuple[int, str] | None) -> Verification:
    """Check all of it. `known` is a head noted earlier, without which missing newest entries go unseen."""
    seq, previous = 0, payload.GENESIS
    try:
        erased = {row[0] for row in db.execute(_ERASURES)}
        while rows := list(db.execute(_FROM, (seq, _CHUNK))):
            for row in rows:
                why = _fault(row, seq, previous, row[0] in erased)
                if not why and known and known[0] == row[0] and known[1] != row[6].hex():
                    why = f"entry {row[0]} is not the one that was noted: the journal was rewritten"
                if why:
                    return Verification(False, seq, seq + 1, why)
                seq, previous = row[0], row[6]
        if known and known[0] > seq:
            return Verification(False, seq, seq + 1, f"entry {seq + 1} is missing: the journal went on to {known[0]}")
        damage = database.fault(db, "integrity_check")
    except apsw.Error as error:
        return Verification(False, seq, seq + 1, f"entry {seq + 1} cannot be read: {error}")
    if damage:
        return Verification(False, seq, None, f"every entry is sound, the file is damaged: {damage}")
    return Verification(True, seq, None, "")


def verify_tail(db: apsw.Connection) -> str:
    """What is wrong with the newest entries, empty if nothing: cheap enough for every start."""
    rows = list(db.execute(_NEWEST, (_TAIL + 1,)))[::-1]
    if not rows:
        return ""
    erased = {row[0] for row in db.execute(_ERASURES)} if any(row[4] is None for row in rows) else set()
    seq, previous = 0, payload.GENESIS
    if len(rows) > _TAIL:
        seq, previous = rows[0][0], rows[0][6]
        rows = rows[1:]
    for row in rows:
        if why := _fault(row, seq, previous, row[0] in erased):
            return f"The journal is damaged: {why}"
        seq, previous = row[0], row[6]
    return ""


def _fault(row: tuple[Any, ...], last: int, previous: bytes, erased: bool) -> str:
    """Why a row is not the one that was written after entry `last`."""
    seq, at, kind, actor, content, digest, link, unique = row
    if seq != last + 1:
        return f"entry {last + 1} is missing"
    if content is None and not erased:
        return f"entry {seq} lost its content and no entry records that it was erased"
    if content is not None and payload.payload_hash(content) != digest:
        return f"the content of entry {seq} was changed"
    if payload.entry_hash(previous, seq, at, kind, actor, unique, digest) != link:
        return f"entry {seq} was changed or does not belong after entry {last}"
    return ""

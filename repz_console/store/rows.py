"""Rows of the journal: written inside a transaction, and read back as entries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import apsw

from repz_console.events import AnyEvent, Entry
from repz_console.facts import Actor
from repz_console.store import payload
from repz_console.store.errors import CutError
from repz_console.text import safe

_BY_KEY = "SELECT seq, at, kind, actor, payload, hash FROM entry WHERE uniq = ?"
_INSERT = """
    INSERT INTO entry (seq, at, kind, actor, payload, payload_hash, hash, uniq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_UNREADABLE = datetime.fromtimestamp(0, UTC)


class Writer:
    """Appends entries within one open transaction."""

    def __init__(self, db: apsw.Connection, seen: int) -> None:
        """`seen` is the highest entry that this process knows: a journal that ends before it was cut."""
        self._db = db
        row = db.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").get
        self.seq: int = row[0] if row else 0
        self._hash: bytes = row[1] if row else payload.GENESIS
        if self.seq < seen:
            raise CutError(self.seq, seen)

    def append(self, event: AnyEvent, actor: Actor, *, unique: str = "", at: datetime | None = None) -> Entry:
        """Add one entry, or with a `unique` key that is taken return the entry that has it."""
        if unique:
            row = self._db.execute(_BY_KEY, (unique,)).get
            if row is not None:
                return to_entry(row)
        content = payload.encode(event)
        kind = payload.kind_of(event)
        when = _written_time(at)
        who = payload.encode_actor(actor)
        digest = payload.payload_hash(content)
        seq, key = self.seq + 1, unique or None
        link = payload.entry_hash(self._hash, seq, when, kind, who, key, digest)
        self._db.execute(_INSERT, (seq, when, kind, who, content, digest, link, key))
        self.seq, self._hash = seq, link
        return to_entry((seq, when, kind, who, content, link))

    def execute(self, sql: str, bindings: Sequence[Any]) -> bool:
        """Change something beside the entries in the same transaction. Whether a row was changed."""
        self._db.execute(sql, bindings)
        return self._db.changes() > 0


def to_entry(row: Sequence[Any]) -> Entry:
    """A row (seq, at, kind, actor, payload, hash) as an entry. A damaged one gives what can be made of it."""
    seq, at, kind, actor, content, link = row
    return Entry(
        seq=seq,
        at=_read_time(at),
        kind=kind if kind.isascii() and kind.isprintable() else safe(kind, 64),
        event=payload.decode(kind, content),
        actor=_actor(actor),
        hash=link.hex(),
    )


# A handful of people write all the entries, so that their rows repeat.
_actor = lru_cache(maxsize=256)(payload.decode_actor)


def _written_time(at: datetime | None) -> str:
    at = at or datetime.now(UTC)
    if at.tzinfo is None:
        raise ValueError("A journal's time needs its zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _read_time(raw: str) -> datetime:
    try:
        return datetime.fromisoformat(raw).astimezone(UTC)
    except ValueError:
        return _UNREADABLE

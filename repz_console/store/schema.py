"""The tables, as steps forward: step n takes a file from version n to n + 1. A step that shipped is never edited."""

from __future__ import annotations

from msgspec import Struct


class Schema(Struct, frozen=True):
    """One kind of file and how it came to be what it is."""

    name: str
    """The file is NAME.db, its lock NAME.lock."""
    application_id: int
    """What tells the file from any other SQLite database."""
    steps: tuple[str, ...]

    @property
    def version(self) -> int:
        """The version that this program reads and writes."""
        return len(self.steps)


JOURNAL = Schema(
    name="journal",
    application_id=0x52455A4A,
    steps=(
        """
        CREATE TABLE entry (
            seq INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            actor TEXT NOT NULL,
            payload BLOB,
            payload_hash BLOB NOT NULL CHECK (length(payload_hash) = 32),
            hash BLOB NOT NULL CHECK (length(hash) = 32),
            uniq TEXT UNIQUE
        ) STRICT;

        CREATE TRIGGER entry_only_next BEFORE INSERT ON entry
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entry)
            OR NEW.payload IS NULL
            OR EXISTS (SELECT 1 FROM entry WHERE uniq = NEW.uniq)
        BEGIN SELECT raise(ABORT, 'the journal only takes the next entry'); END;

        CREATE TRIGGER entry_never_deleted BEFORE DELETE ON entry
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

        CREATE TRIGGER entry_only_erased BEFORE UPDATE ON entry
        WHEN NOT (
            NEW.payload IS NULL AND NEW.seq IS OLD.seq AND NEW.at IS OLD.at AND NEW.kind IS OLD.kind
            AND NEW.actor IS OLD.actor AND NEW.payload_hash IS OLD.payload_hash AND NEW.hash IS OLD.hash
            AND NEW.uniq IS OLD.uniq AND OLD.kind <> 'entry.erased'
            AND EXISTS (
                SELECT 1 FROM entry AS record WHERE record.seq > OLD.seq AND record.kind = 'entry.erased'
                AND json_extract(CAST(record.payload AS TEXT), '$.seq') = OLD.seq
            )
        )
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

        CREATE TABLE lease (
            name TEXT PRIMARY KEY,
            token INTEGER NOT NULL,
            holder TEXT,
            taken_at TEXT NOT NULL,
            ttl REAL NOT NULL,
            boot TEXT NOT NULL,
            expires REAL NOT NULL
        ) STRICT;
        """,
    ),
)

TELEMETRY = Schema(
    name="telemetry",
    application_id=0x52455A54,
    steps=(
        """
        CREATE TABLE source (
            source TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            interval REAL NOT NULL,
            revision INTEGER NOT NULL,
            facts BLOB,
            read_at TEXT NOT NULL,
            last_ok_at TEXT,
            last_try_at TEXT,
            error TEXT NOT NULL
        ) STRICT;

        CREATE TABLE past (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            at INTEGER NOT NULL,
            numbers_only INTEGER NOT NULL,
            facts BLOB,
            error TEXT NOT NULL
        ) STRICT;
        CREATE INDEX past_by_source ON past (source, at);

        CREATE TABLE series (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            reading TEXT NOT NULL,
            unit TEXT NOT NULL,
            UNIQUE (source, reading)
        ) STRICT;

        CREATE TABLE bucket (
            series INTEGER NOT NULL,
            width INTEGER NOT NULL,
            at INTEGER NOT NULL,
            total REAL NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (series, width, at)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE person (
            console TEXT PRIMARY KEY,
            person TEXT NOT NULL,
            boot TEXT NOT NULL,
            expires REAL NOT NULL
        ) STRICT;
        """,
    ),
)

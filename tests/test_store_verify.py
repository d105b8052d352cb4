"""The chain: whoever edits, deletes, swaps or slips in an entry is found, and the first broken entry is named."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repz_console.events import NoteAdded
from repz_console.store import payload
from repz_console.store.journal import Journal, StoreError
from repz_console.store.schema import JOURNAL
from repz_console.store.verify import verify
from tests.conftest import Figure
from tests.support.store import actor, tamper


def written(folder: Path, length: int = 6) -> tuple[int, str]:
    journal = Journal.open(folder)
    for number in range(1, length + 1):
        journal.append(NoteAdded(f"note {number}"), actor(), unique=f"key {number}" if number == 2 else "")
    head = journal.head()
    assert journal.verify(head).ok
    journal.close()
    return head


EDIT = "UPDATE entry SET payload = CAST(replace(CAST(payload AS TEXT), '3', '8') AS BLOB) WHERE seq = 3"
SWAP = """
    UPDATE entry SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4);
    UPDATE entry SET seq = -seq WHERE seq < 0
"""


@pytest.mark.parametrize(
    ("sql", "broken", "why"),
    [
        (EDIT, 3, "content of entry 3 was changed"),
        ("UPDATE entry SET payload = NULL WHERE seq = 3", 3, "no entry records that it was erased"),
        ("UPDATE entry SET actor = replace(actor, 'ana', 'bob') WHERE seq = 4", 4, "does not belong after entry 3"),
        ("UPDATE entry SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 1", 1, "entry 1 was changed"),
        ("UPDATE entry SET kind = 'bug.filed' WHERE seq = 5", 5, "entry 5 was changed"),
        ("UPDATE entry SET uniq = NULL WHERE seq = 2", 2, "entry 2 was changed"),
        ("UPDATE entry SET hash = zeroblob(32) WHERE seq = 2", 2, "entry 2 was changed"),
        ("DELETE FROM entry WHERE seq = 4", 4, "entry 4 is missing"),
        ("DELETE FROM entry WHERE seq = 1", 1, "entry 1 is missing"),
        ("DELETE FROM entry WHERE seq = 2; UPDATE entry SET seq = seq - 1 WHERE seq > 2", 2, "after entry 1"),
        (SWAP, 3, "does not belong after entry 2"),
    ],
)
def test_the_first_broken_entry_is_named(tmp_path: Path, sql: str, broken: int, why: str) -> None:
    written(tmp_path)
    tamper(tmp_path, sql)
    journal = Journal.open(tmp_path)
    result = journal.verify()
    assert not result.ok
    assert result.broken == broken
    assert result.length == broken - 1
    assert why in result.why
    # It opens for reading, and says why no more.
    assert "damaged" in journal.trouble
    assert journal.entries()
    with pytest.raises(StoreError, match="damaged"):
        journal.append(NoteAdded("more"), actor())


def test_an_edit_with_a_fitting_hash_is_still_found_at_the_next_entry(tmp_path: Path) -> None:
    written(tmp_path)
    forged = b'{"kind":"note.added","text":"forged"}'
    tamper(
        tmp_path,
        "UPDATE entry SET payload = ?, payload_hash = ? WHERE seq = 3",
        (forged, payload.payload_hash(forged)),
    )
    assert Journal.open(tmp_path).verify().broken == 3


def test_a_cut_tail_shows_only_against_a_noted_head(tmp_path: Path) -> None:
    head = written(tmp_path)
    tamper(tmp_path, "DELETE FROM entry WHERE seq > 4")
    journal = Journal.open(tmp_path)
    assert journal.verify().ok
    result = journal.verify(head)
    assert (result.ok, result.broken, result.length) == (False, 5, 4)
    assert "went on to 6" in result.why


def test_a_rewritten_journal_does_not_contain_the_noted_head(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    head = written(tmp_path / "a")
    written(tmp_path / "b", 9)
    other = Journal.open(tmp_path / "b")
    assert other.verify().ok
    result = other.verify(head)
    assert (result.ok, result.broken) == (False, 6)
    assert "rewritten" in result.why


def test_a_long_journal_is_checked_to_its_end(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.append_many([NoteAdded(str(number)) for number in range(2500)], actor())
    assert journal.verify().length == 2500
    journal.close()
    tamper(tmp_path, "UPDATE entry SET payload = x'7b7d' WHERE seq = 2001")
    assert Journal.open(tmp_path).verify().broken == 2001


@settings(max_examples=25)
@given(seq=st.integers(1, 6), column=st.sampled_from(["at", "kind", "actor"]), suffix=st.sampled_from([" ", "0", "é"]))
def test_any_changed_column_is_found(
    tmp_path_factory: pytest.TempPathFactory, seq: int, column: str, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("verify")
    written(folder)
    tamper(folder, f"UPDATE entry SET {column} = {column} || ? WHERE seq = ?", (suffix, seq))
    journal = Journal.open(folder)
    assert journal.verify().broken == seq
    assert len(journal.entries()) == 6
    journal.close()


COLUMNS = ("at", "kind", "actor", "payload", "payload_hash", "hash", "uniq")
ROW = ", ".join(("seq", *COLUMNS))


def meddle(db: apsw.Connection, chance: random.Random, length: int) -> str:
    """Change the entries as an insider would who touches single rows. What was done."""
    one, other = chance.sample(range(1, length + 1), 2)
    match chance.choice(("edit", "forge", "delete", "swap", "insert", "repeat", "renumber")):
        case "edit":
            column = chance.choice(COLUMNS)
            old = db.execute(f"SELECT {column} FROM entry WHERE seq = ?", (one,)).get
            db.execute(f"UPDATE entry SET {column} = ? WHERE seq = ?", (_altered(old, chance), one))
            return f"{column} of {one} edited"
        case "forge":  # with every hash of its own row made to fit
            content = payload.encode(NoteAdded(f"forged {chance.random()}"))
            digest = payload.payload_hash(content)
            at, kind, who, key = db.execute("SELECT at, kind, actor, uniq FROM entry WHERE seq = ?", (one,)).get
            before = db.execute("SELECT hash FROM entry WHERE seq = ?", (one - 1,)).get or payload.GENESIS
            link = payload.entry_hash(before, one, at, kind, who, key, digest)
            values = (content, digest, link, one)
            db.execute("UPDATE entry SET payload = ?, payload_hash = ?, hash = ? WHERE seq = ?", values)
            return f"{one} forged"
        case "delete":
            db.execute("DELETE FROM entry WHERE seq = ?", (one,))
            return f"{one} deleted"
        case "swap":
            db.execute("UPDATE entry SET seq = -seq WHERE seq IN (?, ?)", (one, other))
            db.execute("UPDATE entry SET seq = CASE seq WHEN ?1 THEN -?2 ELSE -?1 END WHERE seq < 0", (-one, -other))
            db.execute("UPDATE entry SET seq = abs(seq) WHERE seq < 0")
            return f"{one} and {other} swapped"
        case "insert":
            db.execute("UPDATE entry SET seq = -(seq + 1) WHERE seq >= ?", (one,))
            db.execute("UPDATE entry SET seq = -seq WHERE seq < 0")
            rest = ", ".join(COLUMNS[:-1])
            db.execute(
                f"INSERT INTO entry ({ROW}) SELECT ?, {rest}, NULL FROM entry WHERE seq <> ? LIMIT 1", (one, one)
            )
            return f"one slipped in before {one}"
        case "repeat":
            rest = ", ".join(COLUMNS[:-1])
            values = (length + 1, one)
            db.execute(f"INSERT INTO entry ({ROW}) SELECT ?, {rest}, NULL FROM entry WHERE seq = ?", values)
            return f"{one} repeated at the end"
        case _:
            db.execute("UPDATE entry SET seq = ? WHERE seq = ?", (length + 1 + chance.randrange(5), one))
            return f"{one} moved to the end"


def _altered(old: object, chance: random.Random) -> object:
    """Another value of the same kind, as like it as can be."""
    match old:
        case bytes():
            place = chance.randrange(len(old))
            return old[:place] + bytes([old[place] ^ 1 << chance.randrange(8)]) + old[place + 1 :]
        case str():
            place = chance.randrange(len(old))
            return old[:place] + chr(ord(old[place]) ^ 1) + old[place + 1 :]
        case _:
            return "made up"


@pytest.mark.figure
def test_any_meddling_with_an_entry_is_found(tmp_path: Path, figure: Figure) -> None:
    chance = random.Random(4)
    journal = Journal.open(tmp_path)
    for number in range(30):
        journal.append(NoteAdded(f"note {number}"), actor(), unique=f"key {number}" if number % 3 == 0 else "")
    head, length = journal.head(), 30
    columns = list(journal.read(f"SELECT {ROW} FROM entry"))
    journal.close()
    tried, seen = figure.count(50, 1000), set()
    table = JOURNAL.steps[0].split(";")[0]
    for _ in range(tried):
        db = apsw.Connection(":memory:")
        db.execute(table)
        db.executemany(f"INSERT INTO entry ({ROW}) VALUES ({', '.join('?' * 8)})", columns)
        assert verify(db, head).ok
        done = meddle(db, chance, length)
        seen.add(done)
        result = verify(db, head)
        assert not result.ok, done
        assert result.why
    assert len(seen) > tried // 4
    figure.say(f"{tried:,} of {tried:,} edits, deletions, swaps and insertions of single entries found")


def test_columns_cannot_flow_into_one_another() -> None:
    one = payload.entry_hash(payload.GENESIS, 1, "a", "bc", "d", None, b"")
    assert one != payload.entry_hash(payload.GENESIS, 1, "ab", "c", "d", None, b"")
    assert one != payload.entry_hash(payload.GENESIS, 1, "a", "bc", "d", "", b"")

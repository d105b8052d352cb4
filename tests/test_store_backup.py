"""Losing the box: a copy is one whole file whatever goes on meanwhile, and what is restored from it is the journal."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from repz_console.events import NoteAdded
from repz_console.store import backup
from repz_console.store.errors import FenceError, StoreError
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from tests.support.store import actor, python, tamper

WRITES = """
import sys
from pathlib import Path
from repz_console.events import NoteAdded
from repz_console.store.journal import Journal
from tests.support.store import actor
journal = Journal.open(Path(sys.argv[1]))
print("writes", flush=True)
number = 0
while True:
    number += 1
    journal.append(NoteAdded(str(number)), actor())
"""


def filled(folder: Path, entries: int = 5) -> Path:
    folder.mkdir(mode=0o700)
    journal = Journal.open(folder)
    for number in range(entries):
        journal.append(NoteAdded(f"note {number}"), actor())
    journal.close()
    return folder


def restored(copy: Path, folder: Path, *, aside: bool = False) -> str:
    folder.mkdir(mode=0o700, exist_ok=True)
    return backup.restore(backup.read(copy)[0], folder, [NoteAdded("moved")], actor("eve"), aside=aside)


def test_a_copy_is_one_private_file_that_holds_everything(tmp_path: Path) -> None:
    folder = filled(tmp_path / "store")
    copy = tmp_path / "copy"
    origin = backup.write(folder, copy)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == ["copy"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    journal = Journal.open(folder)
    assert (origin.seq, origin.hash) == journal.head()
    assert origin.folder == str(folder)
    assert backup.read(copy)[1] == origin


def test_a_copy_never_takes_another_files_place(tmp_path: Path) -> None:
    folder = filled(tmp_path / "store")
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        backup.write(folder, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "precious"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="exists already"):
        backup.write(folder, tmp_path / "link")
    with pytest.raises(StoreError, match="cannot be written"):
        backup.write(folder, tmp_path / "no" / "such" / "folder")


def test_what_is_not_there_cannot_be_copied(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no journal"):
        backup.write(tmp_path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_damaged_journal_gives_no_copy(tmp_path: Path) -> None:
    folder = filled(tmp_path / "store")
    tamper(folder, "UPDATE entry SET payload = CAST('{}' AS BLOB) WHERE seq = 3")
    with pytest.raises(StoreError, match="entry 3 was changed"):
        backup.write(folder, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_every_copy_made_while_others_write_is_whole(tmp_path: Path) -> None:
    folder = filled(tmp_path / "store")
    writers = [python(WRITES, folder, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writes\n"
        lengths: list[int] = []
        while len(set(lengths)) < 5:  # they write at their own pace
            lengths.append(backup.write(folder, tmp_path / f"copy-{len(lengths)}").seq)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
            writer.stderr.close()
    assert lengths == sorted(lengths)
    journal = Journal.open(folder)
    for number, length in enumerate(lengths):
        origin = backup.read(tmp_path / f"copy-{number}")[1]
        assert origin.seq == length
        assert journal.verify((origin.seq, origin.hash)).ok


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\x00" + bytes(5000)])
def test_what_is_no_copy_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(StoreError, match="copy"):
        backup.read(tmp_path / "copy")


def test_a_torn_or_changed_copy_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    backup.write(filled(tmp_path / "store", 200), copy)
    whole = copy.read_bytes()
    assert b"note 150" in whole
    for damaged in (whole[:-4096], whole[: len(whole) // 2], whole.replace(b"note 150", b"NOTE 150")):
        copy.write_bytes(damaged)
        with pytest.raises(StoreError, match=str(copy)):
            backup.read(copy)


def test_a_plain_journal_is_no_finished_copy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not finished"):
        backup.read(filled(tmp_path / "store") / "journal.db")


def test_what_is_restored_goes_on_where_the_copy_ended(tmp_path: Path) -> None:
    folder, copy, other = filled(tmp_path / "old"), tmp_path / "copy", tmp_path / "new"
    origin = backup.write(folder, copy)
    assert restored(copy, other) == ""
    journal = Journal.open(other)
    assert journal.trouble == ""
    assert [entry.seq for entry in journal.entries()] == [1, 2, 3, 4, 5, 6]
    assert journal.entries()[-1].event == NoteAdded("moved")
    journal.append(NoteAdded("goes on"), actor())
    assert journal.verify((origin.seq, origin.hash)).ok
    journal.close()
    # and from there on to a third machine
    backup.write(other, tmp_path / "again")
    assert restored(tmp_path / "again", tmp_path / "third") == ""
    assert Journal.open(tmp_path / "third").verify((origin.seq, origin.hash)).ok


def test_every_lease_is_free_and_above_its_old_tokens(tmp_path: Path) -> None:
    folder = filled(tmp_path / "old")
    journal = Journal.open(folder)
    held = Leases(journal).take("conn", actor("ana"), 1e9)
    assert held is not None
    journal.close()
    backup.write(folder, tmp_path / "copy")
    restored(tmp_path / "copy", tmp_path / "new")
    journal = Journal.open(tmp_path / "new")
    leases = Leases(journal)
    assert leases.holder("conn") is None
    assert not leases.renew(held)
    with pytest.raises(FenceError):
        journal.append(NoteAdded("stale"), actor("ana"), fence=held.fence)
    taken = leases.take("conn", actor("bob"), 15)
    assert taken is not None
    assert taken.token > held.token + backup.TOKEN_JUMP
    with pytest.raises(FenceError):
        journal.append(NoteAdded("stale"), actor("ana"), fence=held.fence)


def test_a_journal_that_is_there_is_left_alone_or_kept_beside(tmp_path: Path) -> None:
    backup.write(filled(tmp_path / "old"), tmp_path / "copy")
    other = filled(tmp_path / "new", 2)
    with pytest.raises(StoreError, match="already"):
        restored(tmp_path / "copy", other)
    journal = Journal.open(other)
    assert journal.head()[0] == 2
    with pytest.raises(StoreError, match="Consoles have"):
        restored(tmp_path / "copy", other, aside=True)
    journal.close()
    kept = restored(tmp_path / "copy", other, aside=True)
    assert Journal.open(other).head()[0] == 6
    (tmp_path / "kept").mkdir()
    (other / kept).rename(tmp_path / "kept" / "journal.db")
    assert Journal.open(tmp_path / "kept").head()[0] == 2


def test_a_shared_folders_journal_is_the_groups(tmp_path: Path) -> None:
    backup.write(filled(tmp_path / "old"), tmp_path / "copy")
    other = tmp_path / "new"
    other.mkdir()
    other.chmod(0o2770)
    restored(tmp_path / "copy", other)
    assert {stat.S_IMODE(path.stat().st_mode) for path in other.iterdir()} == {0o660}

"""Heads noted elsewhere: a journal that was cut or written anew is found out, one that was restored is told apart."""

from __future__ import annotations

import json
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repz_console.events import NoteAdded
from repz_console.store import anchor
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support.commands import Commands
from tests.support.sessions import CONFIG, launch
from tests.support.store import actor, tamper

AT = datetime(2027, 2, 1, 9, tzinfo=UTC)


def written(folder: Path, words: list[str]) -> Journal:
    folder.mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(folder)
    for word in words:
        journal.append(NoteAdded(word), actor())
    return journal


def note(journal: Journal, file: Path, host: str = "jump") -> None:
    line = anchor.head(journal, "small", host, AT)
    assert line is not None
    anchor.append(file, line)


def test_a_journal_holds_what_was_noted_of_it(tmp_path: Path) -> None:
    journal, file = written(tmp_path / "store", ["one"]), tmp_path / "heads"
    for word in ("two", "three"):
        note(journal, file)
        journal.append(NoteAdded(word), actor())
    found = anchor.look(file, journal, "small")
    assert (found.ok, found.heads, found.why) == (True, 2, "")
    assert [json.loads(line)["seq"] for line in file.read_text().splitlines()] == [1, 2]


def test_a_journal_that_was_cut_is_found_out(tmp_path: Path) -> None:
    journal, file = written(tmp_path / "store", ["one", "two", "three"]), tmp_path / "heads"
    note(journal, file)
    journal.close()
    tamper(tmp_path / "store", "DELETE FROM entry WHERE seq = 3")
    journal = Journal.open(tmp_path / "store")
    assert journal.verify().ok, "the chain alone does not show it"
    found = anchor.look(file, journal, "small")
    assert (found.ok, found.broken) == (False, 3)
    assert "entry 3 is missing, noted at 2027-02-01 09:00:00Z on jump: the journal was cut, it ends at 2" in found.why


def test_a_journal_that_was_written_anew_is_found_out_at_the_first_noted_entry(tmp_path: Path) -> None:
    journal, file = written(tmp_path / "store", ["one", "two"]), tmp_path / "heads"
    note(journal, file)
    journal.append(NoteAdded("three"), actor())
    note(journal, file)
    journal.close()
    shutil.rmtree(tmp_path / "store")
    journal = written(tmp_path / "store", ["one", "TWO", "three", "four"])
    assert journal.verify().ok, "the chain alone does not show it"
    found = anchor.look(file, journal, "small")
    assert (found.ok, found.broken) == (False, 2)
    assert "rewritten" in found.why


def test_an_empty_journal_in_the_place_of_a_full_one_is_found_out(tmp_path: Path) -> None:
    journal, file = written(tmp_path / "store", ["one"]), tmp_path / "heads"
    note(journal, file)
    empty = written(tmp_path / "empty", [])
    assert "cut" in anchor.look(file, empty, "small").why


def test_nothing_to_compare_with_is_no_proof(tmp_path: Path) -> None:
    journal, file = written(tmp_path / "store", ["one"]), tmp_path / "heads"
    assert "does not exist" in anchor.look(file, journal, "small").why
    note(journal, file)
    assert "no head of this launch" in anchor.look(file, journal, "another").why
    file.unlink()
    file.mkdir()
    assert not anchor.look(file, journal, "small").ok
    assert anchor.look(tmp_path / "heads-of-nothing", written(tmp_path / "empty", []), "small").ok


@pytest.mark.parametrize(
    "garbage", [b"garbage\n", b'{"seq": 1}\n', b"\xff\xfe\n", b"[" * 5000 + b"\n", b'{"launch": "sm']
)
def test_a_line_that_is_no_head_is_named_and_hides_no_other(tmp_path: Path, garbage: bytes) -> None:
    journal, file = written(tmp_path / "store", ["one"]), tmp_path / "heads"
    note(journal, file)
    with file.open("ab") as handle:
        handle.write(garbage)
    note(journal, file)
    found = anchor.look(file, journal, "small")
    assert (found.ok, found.heads) == (False, 2), "what was torn swallowed the next line"
    assert f"line 2 of {file} is no head" in found.why


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o600), (0o2770, 0o660)])
def test_the_file_has_the_rights_of_its_folder(tmp_path: Path, folder_mode: int, file_mode: int) -> None:
    folder = tmp_path / "other disk"
    folder.mkdir()
    folder.chmod(folder_mode)
    note(written(tmp_path / "store", ["one"]), folder / "heads")
    assert stat.S_IMODE((folder / "heads").stat().st_mode) == file_mode


def test_what_is_no_file_is_not_written_to(tmp_path: Path) -> None:
    journal = written(tmp_path / "store", ["one"])
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("link", "symbolic links"), ("pipe", "not a regular file"), ("no/such/folder", "No such file")):
        with pytest.raises(OSError, match=why):
            note(journal, tmp_path / name)
    assert (tmp_path / "target").read_text() == "precious"
    with pytest.raises(StoreError, match="not a regular file"):
        anchor.read(tmp_path / "pipe", "small")


def test_a_restored_journal_is_no_cut_one_and_the_one_left_behind_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repz, file = Commands(capsys), tmp_path / "heads"
    boxes = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        text = CONFIG.replace('path = "store"', f'path = "store"\n[store.anchor]\nfile = "{file}"')
        boxes.append(str(launch(tmp_path / name, text).path))
    old = written(tmp_path / "old" / "store", ["one", "two"])
    note(old, file, "old")
    assert repz("store", "backup", str(tmp_path / "copy"), "--config", boxes[0]).code == 0
    for word in ("four", "five"):  # after the third, which says that a copy was made
        old.append(NoteAdded(word), actor())
    note(old, file, "old")
    assert repz("journal", "verify", "--config", boxes[0]).code == 0
    assert repz("store", "restore", str(tmp_path / "copy"), "--config", boxes[1]).code == 0
    said = repz("journal", "verify", "--config", boxes[1])
    assert said.code == 0
    assert "2 heads noted elsewhere: all in it; 3 entries noted after the copy" in said.out
    new = Journal.open(tmp_path / "new" / "store")
    note(new, file, "new")
    assert repz("journal", "verify", "--config", boxes[1]).code == 0
    left = repz("journal", "verify", "--config", boxes[0])
    assert left.code == 1
    assert "this is not that journal" in left.out
    # and a cut of the restored one is a cut
    new.append(NoteAdded("more"), actor())
    note(new, file, "new")
    new.close()
    tamper(tmp_path / "new" / "store", "DELETE FROM entry WHERE seq = 4")
    cut = repz("journal", "verify", "--config", boxes[1])
    assert cut.code == 1
    assert "was cut" in cut.out


def test_verify_takes_heads_that_somebody_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repz, config = Commands(capsys), str(launch(tmp_path).path)
    journal = written(tmp_path / "store", ["one", "two"])
    note(journal, tmp_path / "heads")
    note(journal, tmp_path / "forged")
    forged = json.loads((tmp_path / "forged").read_text())
    (tmp_path / "forged").write_text(json.dumps({**forged, "hash": "00" * 32}) + "\n")
    assert "anchor" not in json.loads(repz("journal", "verify", "--json", "--config", config).out)
    good = repz("journal", "verify", "--json", "--anchor", str(tmp_path / "heads"), "--config", config)
    assert (good.code, json.loads(good.out)["anchor"]["heads"]) == (0, 1)
    bad = repz("journal", "verify", "--anchor", str(tmp_path / "forged"), "--config", config)
    assert bad.code == 1
    assert "rewritten" in bad.out
    assert repz("journal", "verify", "--anchor", str(tmp_path / "nowhere"), "--config", config).code == 1


def test_a_head_of_a_journal_in_doubt_is_not_noted(tmp_path: Path) -> None:
    written(tmp_path / "store", ["one", "two"]).close()
    tamper(tmp_path / "store", "UPDATE entry SET actor = '{}' WHERE seq = 2")
    journal = Journal.open(tmp_path / "store")
    assert journal.damage
    assert anchor.head(journal, "small", "jump", AT) is None


def test_a_line_that_a_full_disk_takes_in_part_is_not_called_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, write = written(tmp_path, ["one"]), os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:20]))
    with pytest.raises(OSError, match="No space"):
        note(journal, tmp_path / "heads")
    monkeypatch.undo()
    note(journal, tmp_path / "heads")
    assert [line.seq for line in anchor.read(tmp_path / "heads", "small")[0]] == [1]
    journal.close()

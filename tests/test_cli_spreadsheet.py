"""What is exported for a spreadsheet: a table that it shows and never computes."""

from __future__ import annotations

import csv
import random
from io import StringIO
from pathlib import Path

import pytest

from repz_console.commands.spreadsheet import csv_line
from repz_console.events import NoteAdded
from repz_console.facts import Actor
from repz_console.store.journal import Journal
from tests.support import hostile
from tests.support.commands import Commands

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "  =1",
    "\t=1",
    "\tx",
    "\rx",
    "\nx",
    '"=1',
    "' =1",
    "\u00a0=1",
    "＝1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "﹦1",
    " \" '＝1",
)


def cells(*texts: str) -> list[str]:
    (row,) = csv.reader(StringIO(csv_line(texts)))
    return row


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert cells("first", text)[1].startswith("'")


@pytest.mark.parametrize(
    "text", ["", "40 %", "a=b", "2027-02-03T14:03:20Z", "on time, at last", 'said "go"', "'quoted'"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert cells("first", text) == ["first", text]


def test_whatever_somebody_wrote_is_one_harmless_cell_in_one_line() -> None:
    chance = random.Random(7)
    for text in (*hostile.PAYLOADS, *(hostile.fuzzed(chance) for _ in range(500))):
        line = csv_line([text, "last"])
        assert hostile.harm(line, lines=True) == ""
        assert line.count("\n") == 1
        first, last = cells(text, "last")
        assert last == "last"
        assert first[:1] not in tuple("=+-@＝＋－＠\t\r")


def test_the_journal_is_exported_as_a_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repz = Commands(capsys)
    assert repz("init", "--full-launch", "2031-05-16").code == 0
    assert repz("bug", "add", "one").code == 0
    journal = Journal.open(tmp_path / "store")
    for number in range(2):
        journal.append(NoteAdded(f'note {number}, "quoted"'), Actor("=ana", 1001, "jump", seat="director"))
    journal.close()
    rows = list(csv.DictReader(StringIO(repz("journal", "export", "--csv", "--after", "1").out)))
    assert [row["entry"] for row in rows] == ["2", "3"]
    assert list(rows[0]) == ["entry", "time", "who", "seat", "kind", "what", "hash"]
    assert rows[1]["what"] == 'noted: note 1, "quoted"'
    assert rows[1]["kind"] == "note.added"
    assert rows[1]["who"] == "'=ana@jump"
    assert rows[1]["time"].endswith("Z")

"""Rows as CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable
from io import StringIO

from repz_console.text import safe

_LONGEST_CELL = 10_000
_FORMULA = frozenset("=+-@\t\r\n")
_SKIPPED = " \"'"
"""What a spreadsheet may pass over before it looks whether a cell is a formula."""


def csv_line(cells: Iterable[object]) -> str:
    """One row with its line break. A cell that could be taken for a formula begins with an apostrophe."""
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerow([_guarded(str(cell)) for cell in cells])
    return written.getvalue()


def _guarded(cell: str) -> str:
    shown = safe(cell, _LONGEST_CELL)
    return f"'{shown}" if _begins_formula(cell) or _begins_formula(shown) else shown


def _begins_formula(cell: str) -> bool:
    bare = cell.lstrip()
    # Tabs and line breaks are blanks, and a spreadsheet may take a cell that begins with one for a formula.
    starts = {cell[:1], bare[:1], bare.lstrip(_SKIPPED)[:1]}
    # Full-width and small forms are read as the plain signs by some.
    return not _FORMULA.isdisjoint("".join(unicodedata.normalize("NFKC", start) for start in starts))

"""What would be left if this machine, or its journal, were lost: copies elsewhere, and heads noted elsewhere."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repz_console.commands.examine.answer import Answer
from repz_console.plan.model import Anchor
from repz_console.store import anchor
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.tui.paint.format import count
from repz_console.tui.paint.times import age

AREA = "store"
OLD = timedelta(days=1)
"""Age from which a copy leaves out more than anybody remembers."""
_NEWEST_COPY = "SELECT seq, at, json_extract(CAST(payload AS TEXT), '$.to') FROM entry WHERE kind = 'store.copied' \
ORDER BY seq DESC LIMIT 1"


def examine(folder: Path, spec: Anchor | None, base: Path, launch: str) -> list[Answer]:
    """Every answer about the copies of the journal in `folder`; none as long as it is empty."""
    try:
        journal = Journal.open(folder, read_only=True)
    except StoreError:  # said where the journal is looked at
        return []
    try:
        length = journal.head()[0]
        return [_backup(journal, length), *_anchor(journal, spec, base, launch, folder)] if length else []
    except StoreError as error:
        return [Answer(AREA, "backup", "bad", str(error))]
    finally:
        journal.close()


def _backup(journal: Journal, length: int) -> Answer:
    remedy = "repz-console store backup FILE, best from cron and onto another machine"
    found = journal.read(_NEWEST_COPY)
    if not found:
        return Answer(AREA, "backup", "warn", "the journal was never copied: with this disk it would be lost", remedy)
    seq, at, to = found[0]
    old = datetime.now(UTC) - datetime.fromisoformat(at)
    line = f"copied {age(old)} ago to {to}, {count(length - seq, 'entry', 'entries')} since"
    return (
        Answer(AREA, "backup", "warn", line, remedy)
        if old > OLD and length > seq
        else Answer(AREA, "backup", "ok", line)
    )


def _anchor(journal: Journal, spec: Anchor | None, base: Path, launch: str, folder: Path) -> list[Answer]:
    if spec is None:
        line = "the journal's head is noted nowhere else: cutting it short would not show"
        return [Answer(AREA, "anchor", "note", line, "[store.anchor] names a file on another disk, or a webhook")]
    file = anchor.located(spec.file, base)
    if file is None:
        return [
            Answer(AREA, "anchor", "ok", "heads go to a webhook: compare what it kept by `journal verify --anchor`")
        ]
    found = anchor.look(file, journal, launch)
    if not found.ok:
        return [Answer(AREA, "anchor", "bad", found.why, "repz-console journal verify; keep both files as evidence")]
    line = f"all {count(found.heads, 'head')} noted in {file} are in the journal"
    if os.stat(file).st_dev == folder.stat().st_dev:
        remedy = "name a file on another disk or machine in [store.anchor]"
        return [Answer(AREA, "anchor", "note", f"{line}; it is on the journal's own disk, and is lost with it", remedy)]
    return [Answer(AREA, "anchor", "ok", line)]

"""The way back without a journal, rehearsed: what would be recorded where, and which rollouts could be taken back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from repz_console.commands.examine.answer import Answer
from repz_console.config import Loaded
from repz_console.plan.parts import controllers
from repz_console.store import identity, place, syslog
from repz_console.store.emergency import SLOTS, Emergency, EmergencyFile, Record, of_journal
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.tui.paint.format import count

AREA = "way back without a journal"
FEW_SLOTS = 16
"""Free slots below which a few kills more would find none."""

_MEND = "open a console: it journals them as soon as the journal takes them"


def examine(loaded: Loaded, state: Path | None, sources: Iterable[Answer]) -> list[Answer]:
    """Every answer; `state` is the store's folder, None without one, and `sources` is what the sources answered."""
    meant = state
    if meant is None:
        with suppress(StoreError):  # said of the store
            meant = place.located(loaded.plan.store.path, loaded.path.parent)
    files = Emergency(meant or loaded.path.parent).files[0 if state is not None else 1 :]
    answers = [_rehearsed(file) for file in files]
    answers += _waiting(files, meant)
    answers.append(_syslog())
    recorded = any(answer.state == "ok" for answer in answers[: len(files)])
    told = {answer.subject: answer for answer in sources}
    return [*answers, *(_rollout(loaded, rollout, recorded, told) for rollout in loaded.plan.rollout)]


def _rehearsed(file: EmergencyFile) -> Answer:
    subject = "emergency file" if file.shared else "own file"
    started = time.monotonic()
    try:
        file.prepare()
        file.rehearse(identity.actor())
        free = file.free()
    except StoreError as error:
        if not file.shared:
            return Answer(AREA, subject, "warn", str(error))
        remedy = "put its rights right, or make room: until then only your own consoles see what is recorded"
        return Answer(AREA, subject, "bad", str(error), remedy)
    taken = f"written, read back and cleared in {(time.monotonic() - started) * 1000:.0f} ms"
    if not free:
        return Answer(AREA, subject, "warn", f"{taken}; the room is not kept here: a full disk may stop it")
    if free < FEW_SLOTS:
        return Answer(AREA, subject, "warn", f"{taken}; {free} of {SLOTS} slots free", _MEND)
    return Answer(AREA, subject, "ok", f"{taken}; {free} of {SLOTS} slots free, on the disk already: {file.path}")


def _waiting(files: Iterable[EmergencyFile], store: Path | None) -> Iterator[Answer]:
    """What waits in the files, and what in them is none of this journal's."""
    waiting: dict[str, Record] = {}
    strange: dict[Path, int] = {}
    for file in files:
        with suppress(StoreError):  # said above
            records = file.read()
            ours = _ours(records, store)
            waiting |= {record.unique: record for record in ours}
            if len(ours) < len(records):
                strange[file.path] = len(records) - len(ours)
    if waiting:
        line = f"{count(len(waiting), 'entry', 'entries')} recorded without the journal and not in it yet"
        yield Answer(AREA, "waiting", "warn", line, _MEND)
    else:
        yield Answer(AREA, "waiting", "ok", "nothing waits to be journaled")
    for path, number in strange.items():
        line = f"{path} has {count(number, 'record')} from before this journal began: it is not taken in"
        yield Answer(AREA, "left over", "warn", line, f"of no use any more? then rm {path}; it is made anew")


def _ours(records: Sequence[Record], store: Path | None) -> Sequence[Record]:
    """Those of the journal that is in the store now; all, where none can be read."""
    if store is None or not records or not (store / "journal.db").exists():
        return records
    try:
        journal = Journal.open(store, read_only=True)
    except StoreError:  # said of the store
        return records
    try:
        return of_journal(records, journal)
    finally:
        journal.close()


def _syslog() -> Answer:
    if syslog.tell("rehearsal: nothing has happened"):
        return Answer(AREA, "syslog", "ok", "took a line")
    return Answer(AREA, "syslog", "warn", "nobody listens: a record has no second witness", "start a syslog daemon")


def _rollout(loaded: Loaded, rollout: str, recorded: bool, told: dict[str, Answer]) -> Answer:
    held = "a hold would be recorded" if recorded else "a hold would not be recorded either"
    for controller in controllers(loaded.plan.rollout[rollout]):
        would, why = _met(loaded, controller, told)
        if would:
            return Answer(AREA, rollout, "bad", f"{would}, {held}: {why}")
    if not recorded:
        line = "roll back and kill would work now, recorded nowhere but in the console; a hold would not"
        return Answer(AREA, rollout, "bad", line)
    return Answer(AREA, rollout, "ok", "hold, roll back and kill would work now")


def _met(loaded: Loaded, controller: str, told: dict[str, Answer]) -> tuple[str, str]:
    """What of a way back would fail at a backend, and why; empty if nothing."""
    fails = "roll back and kill would fail now"
    if controller not in loaded.plan.source:
        return fails, f"there is no source {controller}"
    # A source that was never asked that far could not even be opened.
    answer = told.get(f"{controller} way back") or told.get(controller)
    if answer is None or answer.state != "bad":
        return "", ""
    if answer.subject == controller:
        return fails, answer.line
    would, _, why = answer.line.partition(": ")
    return would, why

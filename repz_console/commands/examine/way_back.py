"""The way back without a journal, rehearsed: what would be recorded where, and which rollouts could be taken back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from repz_console.commands.examine.answer import Answer
from repz_console.config import Loaded
from repz_console.store import identity, place, syslog
from repz_console.store.emergency import SLOTS, Emergency, EmergencyFile
from repz_console.store.errors import StoreError
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
    answers.append(_waiting(files))
    answers.append(_syslog())
    recorded = any(answer.state == "ok" for answer in answers[: len(files)])
    obstacles = {answer.subject: answer.line for answer in sources if answer.state == "bad"}
    return [*answers, *(_rollout(loaded, rollout, recorded, obstacles) for rollout in loaded.plan.rollout)]


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


def _waiting(files: Iterable[EmergencyFile]) -> Answer:
    waiting = 0
    for file in files:
        try:
            waiting += len(file.read())
        except StoreError:  # said above
            continue
    if waiting:
        line = f"{count(waiting, 'entry', 'entries')} recorded without the journal and not in it yet"
        return Answer(AREA, "waiting", "warn", line, _MEND)
    return Answer(AREA, "waiting", "ok", "nothing waits to be journaled")


def _syslog() -> Answer:
    if syslog.tell("rehearsal: nothing has happened"):
        return Answer(AREA, "syslog", "ok", "took a line")
    return Answer(AREA, "syslog", "warn", "nobody listens: a record has no second witness", "start a syslog daemon")


def _rollout(loaded: Loaded, rollout: str, recorded: bool, obstacles: dict[str, str]) -> Answer:
    controller = loaded.plan.rollout[rollout].controller
    obstacle = obstacles.get(f"{controller} way back") or obstacles.get(controller, "")
    if controller not in loaded.plan.source:
        obstacle = f"there is no source {controller}"
    if obstacle:
        held = "a hold would be recorded" if recorded else "a hold would not be recorded either"
        return Answer(AREA, rollout, "bad", f"roll back and kill would fail now, {held}: {obstacle}")
    if not recorded:
        line = "roll back and kill would work now, recorded nowhere but in the console; a hold would not"
        return Answer(AREA, rollout, "bad", line)
    return Answer(AREA, rollout, "ok", "hold, roll back and kill would work now")

"""A named process as the kind `host` sees it: every process of that name, added up."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import psutil

from repz_console.facts import Reading
from repz_console.text import safe


class Watch:
    """Follows the processes of one name over their restarts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[int, psutil.Process] = {}

    def look(self) -> list[_Usage]:
        """What each process of the name uses now. A process's processor share is since the last look, and not known
        at the first.
        """
        found: dict[int, psutil.Process] = {}
        usages: list[_Usage] = []
        for process in psutil.process_iter():
            try:
                if process.name() != self._name or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                before = self._known.get(process.pid)
                # the object kept from last time carries the processor time since; equality guards a re-used pid
                kept = before if before is not None and before == process else process
                usages.append(_usage(kept, first=kept is not before))
                found[process.pid] = kept
            except psutil.Error:  # it ended, or is hidden from us: not there to be counted
                continue
        self._known = found
        return usages

    def readings(self, at: datetime) -> list[Reading]:
        """The sums as readings."""
        usages = self.look()
        if not usages:
            gone = f"no process named {safe(self._name)}"
            return [
                Reading("process.up", 0.0, at, note=gone),
                Reading("process.cpu", None, at, "%", gone),
                Reading("process.memory", None, at, "B", gone),
                Reading("process.fds", None, at, note=gone),
            ]
        shares = [usage.cpu for usage in usages if usage.cpu is not None]
        files = [usage.files for usage in usages if usage.files is not None]
        all_files = len(files) == len(usages)
        return [
            Reading("process.up", 1.0, at),
            Reading(
                "process.cpu", round(sum(shares), 1) if shares else None, at, "%", "" if shares else "it just started"
            ),
            Reading("process.memory", float(sum(usage.memory for usage in usages)), at, "B"),
            Reading(
                "process.fds",
                float(sum(files)) if all_files else None,
                at,
                note="" if all_files else "another user's open files cannot be counted",
            ),
        ]


class _Usage(NamedTuple):
    cpu: float | None
    memory: int
    files: int | None


def _usage(process: psutil.Process, *, first: bool) -> _Usage:
    with process.oneshot():
        share = process.cpu_percent(interval=None)
        memory = process.memory_info().rss
        try:
            files: int | None = process.num_fds()
        except psutil.AccessDenied:
            files = None
    return _Usage(None if first else share, memory, files)

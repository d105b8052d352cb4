"""The kind `plan`: checklist ticks and task progress, as people wrote them in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from repz_console.events import Entry, ItemTicked, TaskProgressed
from repz_console.facts import Facts, TaskProgress, Tick
from repz_console.providers.base import Context, Provider
from repz_console.text import safe


class Plan(Provider):
    """Folds ticks and progress; the last word on an item or a task counts."""

    kind: ClassVar[str] = "plan"
    tells = frozenset({"ticks", "progress"})
    own_config_only = False

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._ticks: dict[str, Tick] = {}
        self._progress: dict[str, TaskProgress] = {}
        self._facts: Facts | None = None

    def fold(self, entries: Sequence[Entry]) -> None:
        """Take in ticks and progress among `entries`."""
        for entry in entries:
            event = entry.event
            who = safe(entry.actor.user)
            if isinstance(event, ItemTicked):
                item = safe(event.item)
                self._ticks[item] = Tick(item, event.state, who, entry.at, safe(event.note))
                self._facts = None
            elif isinstance(event, TaskProgressed) and 0 <= event.percent <= 100:
                task = safe(event.task)
                self._progress[task] = TaskProgress(task, event.percent, who, entry.at)
                self._facts = None

    def facts(self) -> Facts:
        """Every item that was ever ticked and every task whose progress was ever said."""
        if self._facts is None:
            self._facts = Facts(ticks=tuple(self._ticks.values()), progress=tuple(self._progress.values()))
        return self._facts

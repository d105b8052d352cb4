"""The kind `local`: bugs filed in the console itself, kept in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from msgspec import structs

from repz_console.events import AnyEvent, BugChanged, BugFiled, Entry
from repz_console.facts import PRIORITIES, Bug, Facts, Priority
from repz_console.providers.base import Context, Provider, ProviderError
from repz_console.providers.keys import check_plain, new_key, settled_key
from repz_console.text import identifier, safe

_FIELDS = ("title", "priority", "assignee", "state", "note")


class Local(Provider):
    """A bug tracker that needs no server."""

    kind: ClassVar[str] = "local"
    own_config_only = False
    tells = frozenset({"bugs"})

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._bugs: dict[str, Bug] = {}
        self._facts: Facts | None = None

    def fold(self, entries: Sequence[Entry]) -> None:
        """Take in what was filed and changed in this tracker. A change of a bug that was never filed is passed over."""
        for entry in entries:
            event = entry.event
            if isinstance(event, BugFiled) and event.source == self.context.source:
                key = settled_key(identifier(event.bug), entry.seq, self._bugs)
                self._bugs[key] = Bug(
                    id=f"{event.source}:{key}",
                    title=safe(event.title),
                    priority=event.priority,
                    state="open",
                    opened_at=entry.at,
                    changed_at=entry.at,
                    assignee=safe(event.assignee),
                    reporter=identifier(entry.actor.user),
                    note=safe(event.note),
                )
                self._facts = None
            elif isinstance(event, BugChanged) and event.source == self.context.source:
                bug = self._bugs.get(identifier(event.bug))
                if bug is None:
                    continue
                said = {name: getattr(event, name) for name in _FIELDS if getattr(event, name) is not None}
                said = {name: safe(value) for name, value in said.items()}
                self._bugs[identifier(event.bug)] = structs.replace(bug, changed_at=entry.at, **said)
                self._facts = None

    def facts(self) -> Facts:
        """Every bug ever filed, in that order, as it stands now."""
        if self._facts is None:
            self._facts = Facts(bugs=tuple(self._bugs.values()))
        return self._facts

    def filed(self, title: str, priority: str, *, assignee: str = "", note: str = "") -> AnyEvent:
        """The event that files a bug under a new key. Raises `ProviderError` for an empty title or no such priority."""
        return BugFiled(
            source=self.context.source,
            bug=new_key("B", self._bugs),
            title=_title(title),
            priority=_priority(priority),
            assignee=safe(assignee).strip(),
            note=safe(note).strip(),
        )

    def changed(self, bug: str, **fields: str) -> AnyEvent:
        """The event that changes a bug, named `SOURCE:KEY` or `KEY`. Raises `ProviderError` if there is no such bug, a
        field does not exist or cannot have the value, or nothing would change.
        """
        key = safe(bug).strip().removeprefix(f"{self.context.source}:").upper()
        now = self._bugs.get(key)
        if now is None:
            raise ProviderError(f"no bug {key or '(none named)'} in {self.context.source}")
        check_plain(key)
        wanted = {name: _checked(name, value) for name, value in fields.items()}
        new = {name: value for name, value in wanted.items() if value != getattr(now, name)}
        if not new:
            raise ProviderError(f"{key} is that already: nothing to change")
        return BugChanged(source=self.context.source, bug=key, **cast("dict[str, Any]", new))


def _checked(field: str, value: str) -> str:
    if field == "title":
        return _title(value)
    if field == "priority":
        return _priority(value)
    if field == "state":
        state = value.strip().lower()
        if state not in ("open", "resolved"):
            raise ProviderError(f"a bug's state is open or resolved, not {safe(value)!r}")
        return state
    if field in _FIELDS:
        return safe(value).strip()
    raise ProviderError(f"a bug has no {safe(field)!r}: it has {', '.join(_FIELDS)}")


def _title(raw: str) -> str:
    title = safe(raw).strip()
    if not title:
        raise ProviderError("a bug needs a title")
    return title


def _priority(raw: str) -> Priority:
    for priority in PRIORITIES:
        if raw.strip().upper() == priority:
            return priority
    raise ProviderError(f"a priority is one of {', '.join(PRIORITIES)}, not {safe(raw)!r}")

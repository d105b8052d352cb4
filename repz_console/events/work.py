"""What else is written down: the plan, the work, the money, the conn, the consoles and the store itself."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec import field

from repz_console.events.base import Event
from repz_console.facts import Priority


class PlanAdopted(Event, frozen=True, tag="plan.adopted"):
    """A config's text became the plan that everyone shares."""

    hash: str
    text: str
    path: str
    includes: dict[str, str] = field(default_factory=dict)
    """Included file name to its text."""


class PlanRebased(Event, frozen=True, tag="plan.rebased"):
    """Every date of the plan was moved so that full launch falls on `full_launch`."""

    full_launch: datetime
    shift_days: int
    plan_hash: str


class ItemTicked(Event, frozen=True, tag="item.ticked"):
    """A checklist item was set to a state."""

    item: str
    """`CHECKLIST/ITEM`."""
    state: Literal["done", "open", "n/a"]
    note: str = ""


class TaskProgressed(Event, frozen=True, tag="task.progressed"):
    """Somebody said how far a task is."""

    task: str
    percent: float


class BugFiled(Event, frozen=True, tag="bug.filed"):
    """A bug was filed in the local tracker of the source named."""

    source: str
    bug: str
    """Key within the source."""
    title: str
    priority: Priority
    assignee: str = ""
    note: str = ""


class BugChanged(Event, frozen=True, tag="bug.changed"):
    """A local bug was changed; a field that is None stayed as it was."""

    source: str
    bug: str
    title: str | None = None
    priority: Priority | None = None
    assignee: str | None = None
    state: Literal["open", "resolved"] | None = None
    note: str | None = None


class SpendAdded(Event, frozen=True, tag="spend.added"):
    """Money was spent or promised."""

    source: str
    spend: str
    line: str
    amount: Decimal
    entry: Literal["committed", "actual"]
    on: date
    note: str = ""


class SpendVoided(Event, frozen=True, tag="spend.voided"):
    """A spend entry was taken back. It stays in the journal and leaves the sums."""

    source: str
    spend: str
    reason: str = ""


class EmergencyImported(Event, frozen=True, tag="emergency.imported"):
    """Entries were recorded in the emergency file while the journal could not be written, and journaled now. They have
    the time and the actor of what they tell; this entry has those of whose console brought them in."""

    entries: tuple[int, ...]
    """Their numbers in the journal."""
    why: str = ""
    """Why the journal did not take them then."""


class ConnTaken(Event, frozen=True, tag="conn.taken"):
    """Somebody took the conn; `from_whom` is named when it was taken from a holder."""

    token: int
    from_whom: str = ""
    reason: str = ""


class ConnReleased(Event, frozen=True, tag="conn.released"):
    """The conn became free: given up, or lapsed with the reason."""

    token: int
    why: str = ""


class CollectorTaken(Event, frozen=True, tag="collector.taken"):
    """A process became the one that polls for everyone."""

    token: int
    lacks: tuple[str, ...] = ()
    """Ids of the sources that it cannot use, such as for a secret that it cannot have."""
    recorder: bool = False
    """Whether it is a `record` process: only such a one does what nobody decides."""


class SourceFailed(Event, frozen=True, tag="source.failed"):
    """A source stopped answering. Written once, at the transition."""

    source: str
    error: str


class SourceRecovered(Event, frozen=True, tag="source.recovered"):
    """A source answered again."""

    source: str
    down_for: float
    """Seconds."""


class NoteAdded(Event, frozen=True, tag="note.added"):
    """Somebody wrote a remark for the record."""

    text: str


class ConsoleOpened(Event, frozen=True, tag="console.opened"):
    """Somebody opened a console."""

    version: str = ""


class ConsoleClosed(Event, frozen=True, tag="console.closed"):
    """A console ended in an orderly way."""

    why: str = ""


class StoreCopied(Event, frozen=True, tag="store.copied"):
    """A copy of the journal was made, to be carried away."""

    to: str
    seq: int
    """The newest entry in the copy."""
    hash: str


class StoreRestored(Event, frozen=True, tag="store.restored"):
    """The journal goes on from a copy, on this machine. Its rollouts are not steered from here until it says so."""

    seq: int
    """The newest entry of the copy: what was journaled after it, on the other machine, is not here."""
    hash: str
    host: str
    folder: str
    copied_at: datetime


class StoreRetired(Event, frozen=True, tag="store.retired"):
    """From here on the rollouts are not steered from this store: nobody widens them here."""

    reason: str = ""


class StoreSteers(Event, frozen=True, tag="store.steers"):
    """From here on the rollouts are steered from this store."""

    epoch: int
    """Higher than that of every store which steered them before. Backends keep the highest one that wrote to them."""
    reason: str = ""


class EntryErased(Event, frozen=True, tag="entry.erased"):
    """An entry's payload was erased for good, such as a secret in a note. The entry and its hash stay."""

    seq: int
    """The entry that was erased."""
    reason: str = ""


class Unknown(Event, frozen=True, tag="unknown"):
    """An entry of a kind that this version does not know, or whose payload was erased (`{"erased": True}`).

    Shown as it is, never dropped.
    """

    original: str
    payload: dict[str, Any] = field(default_factory=dict)

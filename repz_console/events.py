"""What can be written in the journal: one class a kind, its tag the kind's name on disk.

A payload is data about a decision, never derived state. Fields are only ever added, with a default: an old entry
must stay readable for as long as its launch is of interest.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from repz_console.facts import Actor, Exposure, Priority


class Event(Struct, frozen=True, tag_field="kind"):
    """The base of everything the journal holds."""


class PlanAdopted(Event, frozen=True, tag="plan.adopted"):
    """A config's text became the plan that everyone shares."""

    hash: str
    text: str
    path: str
    includes: dict[str, str] = {}
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


class ChangeIntended(Event, frozen=True, tag="change.intended"):
    """A rollout change was decided. Durable before the first byte leaves."""

    op: str
    rollout: str
    action: Literal["set", "rollback", "kill"]
    target: Exposure
    before: Exposure | None
    expect: str
    reason: str = ""
    stage: str = ""
    supersedes: tuple[str, ...] = ()
    """Ops whose outcome is unknown and which this one overrules."""
    evidence: dict[str, Any] = {}
    """What the screen showed: gates, ages, plan hash."""


class ChangeSent(Event, frozen=True, tag="change.sent"):
    """The backend is called next; until an outcome follows, that may or may not have happened."""

    op: str


class ChangeEnded(Event, frozen=True, tag="change.ended"):
    """What became of a change."""

    op: str
    outcome: Literal["confirmed", "rejected", "unknown", "not_applied", "superseded"]
    revision: str = ""
    why: str = ""


class BackendFenced(Event, frozen=True, tag="change.fenced"):
    """A backend is next given what it holds already, as a change of its own: one that was bound to `expect` before
    cannot come late any more once the backend took this one."""

    op: str
    """The id that the backend then shows as its last change."""
    rollout: str
    expect: str


class RolloutHeld(Event, frozen=True, tag="rollout.held"):
    """Nobody widens this rollout until it is resumed."""

    rollout: str
    reason: str = ""


class RolloutResumed(Event, frozen=True, tag="rollout.resumed"):
    """A hold was lifted."""

    rollout: str
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
    payload: dict[str, Any] = {}


AnyEvent = (
    PlanAdopted
    | PlanRebased
    | ItemTicked
    | TaskProgressed
    | BugFiled
    | BugChanged
    | SpendAdded
    | SpendVoided
    | ChangeIntended
    | ChangeSent
    | ChangeEnded
    | BackendFenced
    | RolloutHeld
    | RolloutResumed
    | EmergencyImported
    | ConnTaken
    | ConnReleased
    | CollectorTaken
    | SourceFailed
    | SourceRecovered
    | NoteAdded
    | ConsoleOpened
    | ConsoleClosed
    | StoreCopied
    | StoreRestored
    | StoreRetired
    | StoreSteers
    | EntryErased
    | Unknown
)


class Entry(Struct, frozen=True):
    """One line of the journal."""

    seq: int
    """From 1, without gaps."""
    at: datetime
    kind: str
    event: AnyEvent
    actor: Actor
    hash: str
    """Hex SHA-256 over the previous entry's hash and this one's content: the chain."""

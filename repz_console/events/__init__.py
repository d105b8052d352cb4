"""What can be written in the journal: one class a kind, its tag the kind's name on disk.

A payload is data about a decision, never derived state. Fields are only ever added, with a default: an old entry
must stay readable for as long as its launch is of interest.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from repz_console.events.base import Event
from repz_console.events.consents import (
    ApprovalAsked,
    ApprovalGiven,
    ConditionAccepted,
    GateOverridden,
    GateWaived,
    PollCalled,
    PollClosed,
    SeatTaken,
    VoteCast,
    WaiverSeconded,
)
from repz_console.events.rollouts import (
    BackendFenced,
    ChangedElsewhere,
    ChangeEnded,
    ChangeIntended,
    ChangeSent,
    ChangeStepped,
    ExposureObserved,
    LineStarted,
    LineStopped,
    RolloutHeld,
    RolloutResumed,
    StageDue,
)
from repz_console.events.work import (
    BugChanged,
    BugFiled,
    CollectorTaken,
    ConnReleased,
    ConnTaken,
    ConsoleClosed,
    ConsoleOpened,
    EmergencyImported,
    EntryErased,
    ItemTicked,
    NoteAdded,
    PlanAdopted,
    PlanRebased,
    SourceFailed,
    SourceRecovered,
    SpendAdded,
    SpendVoided,
    StoreCopied,
    StoreRestored,
    StoreRetired,
    StoreSteers,
    TaskProgressed,
    Unknown,
)
from repz_console.facts import Actor

__all__ = [
    "AnyEvent",
    "ApprovalAsked",
    "ApprovalGiven",
    "BackendFenced",
    "BugChanged",
    "BugFiled",
    "ChangeEnded",
    "ChangeIntended",
    "ChangeSent",
    "ChangeStepped",
    "ChangedElsewhere",
    "CollectorTaken",
    "ConditionAccepted",
    "ConnReleased",
    "ConnTaken",
    "ConsoleClosed",
    "ConsoleOpened",
    "EmergencyImported",
    "Entry",
    "EntryErased",
    "Event",
    "ExposureObserved",
    "GateOverridden",
    "GateWaived",
    "ItemTicked",
    "LineStarted",
    "LineStopped",
    "NoteAdded",
    "PlanAdopted",
    "PlanRebased",
    "PollCalled",
    "PollClosed",
    "RolloutHeld",
    "RolloutResumed",
    "SeatTaken",
    "SourceFailed",
    "SourceRecovered",
    "SpendAdded",
    "SpendVoided",
    "StageDue",
    "StoreCopied",
    "StoreRestored",
    "StoreRetired",
    "StoreSteers",
    "TaskProgressed",
    "Unknown",
    "VoteCast",
    "WaiverSeconded",
]

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
    | ChangeStepped
    | BackendFenced
    | RolloutHeld
    | RolloutResumed
    | ChangedElsewhere
    | ExposureObserved
    | LineStopped
    | LineStarted
    | StageDue
    | GateWaived
    | WaiverSeconded
    | GateOverridden
    | SeatTaken
    | PollCalled
    | VoteCast
    | ConditionAccepted
    | PollClosed
    | ApprovalAsked
    | ApprovalGiven
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

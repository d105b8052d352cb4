"""What is decided and found about rollouts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import field

from repz_console.events.base import Event
from repz_console.facts import Exposure


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
    """Ops whose outcome is unknown or in part, and which this one overrules."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """What the screen showed: gates, ages, plan hash."""
    by: Literal["person", "automatic", "dead man"] = "person"
    """Who decided it. What nobody decided only ever shrinks."""


class ChangeSent(Event, frozen=True, tag="change.sent"):
    """The backend is called next; until an outcome follows, that may or may not have happened."""

    op: str


class ChangeEnded(Event, frozen=True, tag="change.ended"):
    """What became of a change."""

    op: str
    outcome: Literal["confirmed", "rejected", "unknown", "not_applied", "superseded", "partial"]
    """`partial`: some of its steps were applied and some were not, and it is known which."""
    revision: str = ""
    why: str = ""


class ChangeStepped(Event, frozen=True, tag="change.stepped"):
    """What became of one step of a change that needs several."""

    op: str
    number: int
    """Of this step, from 1."""
    of: int
    controller: str
    scope: tuple[str, ...] = ()
    """The features of the step; empty for all that the controller carries."""
    outcome: Literal["sent", "applied", "refused", "unknown"] = "sent"
    revision: str = ""
    why: str = ""
    expect: str = ""
    """The revision that the step is bound to, of one that is sent."""


class BackendFenced(Event, frozen=True, tag="change.fenced"):
    """A backend is next given what it holds already, as a change of its own: one that was bound to `expect` before
    cannot come late any more once the backend took this one."""

    op: str
    """The id that the backend then shows as its last change."""
    rollout: str
    expect: str


class ChangedElsewhere(Event, frozen=True, tag="rollout.elsewhere"):
    """A backend was found at a revision that nobody here decided. Written once a revision."""

    rollout: str
    controller: str
    revision: str
    who: str
    """As the backend names them; empty where it does not."""
    at: datetime | None
    before: Exposure | None
    after: Exposure


class ExposureObserved(Event, frozen=True, tag="rollout.observed"):
    """Somebody looked at a backend and says what it shows, because the console cannot ask it."""

    rollout: str
    controller: str
    exposure: Exposure
    until: datetime
    """When it is no longer to be believed."""
    op: str = ""
    """The change that was made by hand, if it was one of the console's."""


class RolloutHeld(Event, frozen=True, tag="rollout.held"):
    """Nobody widens this rollout until it is resumed."""

    rollout: str
    reason: str = ""
    by: Literal["person", "automatic"] = "person"
    """Who decided it."""
    evidence: tuple[str, ...] = ()
    """What an automatic hold rests on, a line each."""


class RolloutResumed(Event, frozen=True, tag="rollout.resumed"):
    """A hold was lifted."""

    rollout: str
    reason: str = ""


class LineStopped(Event, frozen=True, tag="line.stopped"):
    """Nobody widens any rollout until the line is started again."""

    reason: str = ""


class LineStarted(Event, frozen=True, tag="line.started"):
    """The line was started again."""

    reason: str = ""


class StageDue(Event, frozen=True, tag="stage.due"):
    """A stage's planned instant came, and the rollout was not there. It asks; nothing happens by itself."""

    rollout: str
    stage: str
    at: datetime

"""Why an action cannot be done now: said in place of doing it, and shown beforehand in the key line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.actions import Action, Effect
from repz_console.text import is_identifier
from repz_console.tui.paint.rollout_enter import target_of

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

_ALWAYS = frozenset(["quit", "help", "palette", "theme", "mouse", "repaint", "clear"])
_OPENED = frozenset(["gate", "station", "poll", "approval", "waiver", "override", "change"])
"""Kinds of rows of the Rollout tab that Enter opens, and that change nothing by that."""
_NO_CONN = "you do not have the conn; c takes it"


def why_not(app: ConsoleApp, action: Action) -> str:
    """Empty if the action can be done, else why not in a few words."""
    if action.id in _ALWAYS or action.id.startswith("tab."):
        return ""
    view, session = app.view, app.session
    if view is None or session is None:
        return "the launch is still being opened"
    if action.effect is Effect.SHRINK:
        return ""
    if app.too_small and action.effect is not Effect.READ:
        return "the screen is too small; only the way back works here"
    if action.id == "rollout.apply" and app.selected[0] in _OPENED:
        return ""
    if action.effect is Effect.WRITE and view.journal.closed:
        return f"the journal is read-only: {view.journal.writable}"
    if action.effect is Effect.WIDEN and view.journal.closed:
        return "nothing widens while the journal cannot be written"
    kind, identity = app.selected
    if action.id == "conn" and not (view.control.mine or view.control.may_take):
        return view.control.why_not
    if action.id.startswith("bug."):
        return _bug(app, action.id, kind, identity)
    if action.id.startswith("spend."):
        return _spend(app, action.id, kind, identity)
    if action.id in ("item.tick", "item.na"):
        return "" if kind == "item" else "open a task with Enter and select an item"
    if action.id == "timeline.progress" and kind != "task":
        return "select a task"
    if action.id in ("adopt", "rebase") and not view.control.mine:
        return _NO_CONN
    if action.id.startswith("rollout."):
        return _rollout(app, action.id)
    return ""


def _bug(app: ConsoleApp, action: str, kind: str, identity: str) -> str:
    if action == "bug.sort":
        return ""
    if app.live.bugs() is None:
        return "the plan has no tracker that can be written; add a [source] of kind local"
    if action == "bug.file":
        return ""
    if kind != "bug":
        return "select a bug"
    writable = app.room.bugs.writable
    if writable and not identity.startswith(f"{writable}:"):
        return f"this bug lives in {identity.partition(':')[0]}, which is only read"
    return _strange(identity)


def _spend(app: ConsoleApp, action: str, kind: str, identity: str) -> str:
    if app.live.book() is None:
        return "the plan has no ledger; add a [source] of kind ledger"
    if action == "spend.void" and kind != "entry":
        return "select an entry"
    return _strange(identity) if action == "spend.void" else ""


def _strange(identity: str) -> str:
    """Why what somebody gave such an id cannot be chosen for a change; empty if it can."""
    return "" if is_identifier(identity) else "its key could be taken for another one, so it is only shown"


def _rollout(app: ConsoleApp, action: str) -> str:
    rollout = app.rollout
    if rollout is None:
        return "the plan has no rollout"
    if action == "rollout.apply" and target_of(rollout, app.choices["rollout"]) is None:
        return "no stage is left; the arrows draft a percent"
    if action == "rollout.switch" and app.selected[0] != "feature":
        return "select a feature"
    if action == "rollout.poll" and rollout.poll is None:
        return "the next stage needs no poll"
    if action == "rollout.approve" and rollout.approval is None:
        target = target_of(rollout, app.choices["rollout"])
        asked = next((stage for stage in rollout.stages if target is not None and stage.id == target.stage), None)
        if asked is not None and not asked.approvals:
            return f"{asked.title} needs no approval"
    if action == "rollout.forward" and (rollout.change is None or rollout.change.state != "partial"):
        return "no change was applied in part"
    if action == "rollout.resume" and rollout.hold is None:
        return "it is not held"
    if action == "rollout.accept" and not rollout.unknown and not rollout.drift:
        return "the outcome of every change is known, and nothing was changed elsewhere"
    if action in ("rollout.resume", "rollout.accept") and not app.room.control.mine:
        return _NO_CONN
    if action == "rollout.other" and len(app.room.rollout.rollouts) < 2:
        return "the plan has one rollout"
    return ""

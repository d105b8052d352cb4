"""What became of a change whose outcome nobody wrote down, judged by what the backend says now.

A change is called not applied only behind a fence: the backend has moved on from the revision that the change was bound
to, so that it cannot come late, and what moved it shows that it did not come before. Where that is not certain the
change stays unknown, or is superseded once it can no longer have any effect. A backend that compares no revisions has
no fence: there only the change's own mark proves anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from repz_console.facts import RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.providers.base import Grade
from repz_console.room import words
from repz_console.room.decisions import ChangeRecord, Decisions

Settled = Literal["confirmed", "not_applied", "superseded", "partial"]


class Judgement(Struct, frozen=True):
    """An outcome and the line that explains it."""

    outcome: Settled
    why: str
    revision: str = ""


def judge(
    change: ChangeRecord,
    state: RolloutState,
    decisions: Decisions,
    grade: Grade,
    as_step: Callable[[ChangeRecord], ChangeRecord] = lambda change: change,
) -> Judgement | None:
    """What `state`, read after the change was sent, proves of it; None while it proves nothing.

    Where a change has several steps, `change` and `state` are those of one, and `as_step` makes any change into this
    step of it.
    """
    intent = change.intent
    if state.op == intent.op:
        return Judgement("confirmed", "found when reading back", state.revision)
    if intent.action == "kill":
        return _judge_kill(state)
    if grade == "blind" or not intent.expect or state.revision == intent.expect:
        return None
    if decisions.fenced(state.op) == intent.expect:
        return Judgement(
            "not_applied", f"it did not arrive, and a fence at {intent.expect} shuts it out", state.revision
        )
    other = decisions.change(state.op)
    other = as_step(other) if other is not None else None
    if other is None and grade == "by hand":
        why = f"{state.changed_by} saw {words.exposure(state.exposure)}"
    elif other is None:
        why = f"the rollout is at {state.revision}, changed from outside since"
    elif other.intent.action != "kill" and other.intent.expect == intent.expect:
        return Judgement("not_applied", f"{other.op} was applied to {intent.expect} in its place", state.revision)
    else:
        why = f"the rollout is at {state.revision}, where {other.op} took it"
    return Judgement("superseded", why, state.revision)


def may_fence(change: ChangeRecord, state: RolloutState, grade: Grade) -> bool:
    """Whether writing `state` again would tell what became of the change, and nothing else.

    Where shares differ within a cell, no change says exactly that: writing it would give more to some.
    """
    bound = change.intent.action != "kill" and change.intent.expect == state.revision != ""
    return bound and grade not in ("blind", "by hand") and state.least is None


def together(change: ChangeRecord, names: Sequence[str], found: Sequence[Judgement | None]) -> Judgement | None:
    """What became of a change of which each step was judged; None while one of them is not known."""
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    if len(known) == 1:
        return known[0]
    revision = parts.joined(each.revision for each in known)
    outcomes = {each.outcome for each in known}
    if outcomes == {"confirmed"}:
        return Judgement("confirmed", known[0].why, revision)
    if "confirmed" not in outcomes:
        why = "; ".join(f"{name}: {each.why}" for name, each in zip(names, known, strict=True))
        return Judgement("not_applied" if outcomes == {"not_applied"} else "superseded", why, revision)
    applied = [name for name, each in zip(names, known, strict=True) if each.outcome == "confirmed"]
    rest = [f"not {name}: {each.why}" for name, each in zip(names, known, strict=True) if each.outcome != "confirmed"]
    line = "; ".join([f"{len(applied)} of {len(known)} applied: {', '.join(applied)}", *rest])
    # What a kill did not reach is called settled only where nobody is exposed there.
    return Judgement("confirmed" if change.intent.action == "kill" else "partial", line, revision)


def _judge_kill(state: RolloutState) -> Judgement | None:
    # A kill is bound to no revision, so that it may come late; where nobody is exposed that would change nothing.
    if exposures.is_nobody(state.exposure):
        return Judgement("superseded", "nobody is exposed, by another change", state.revision)
    return None

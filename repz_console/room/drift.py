"""Where the truths of a rollout disagree: who made it so, when, and in which region."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from repz_console.events import ChangedElsewhere
from repz_console.facts import Exposure, RolloutState
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.model import Rollout
from repz_console.room import words
from repz_console.room.backends import Backend, Said
from repz_console.room.decisions import ChangeRecord, RolloutDecisions

Ours = Callable[[RolloutState], bool]
"""Whether a known change or fence made a state as it is."""


def lines(
    decided: RolloutDecisions, rollout: Rollout, found: Backend, elsewhere: ChangedElsewhere | None, *, ours: Ours
) -> tuple[str, ...]:
    """Where the backends are not as decided, a line each. Empty while that is not known."""
    if decided.under_way:
        return ()
    several = len(found.said) > 1
    return tuple(
        line
        for said in found.said
        if said.state is not None
        for state in parts.leaves(said.state)
        for line in _of_part(decided, rollout, said, state, elsewhere, ours=ours, several=several)
    )


def _of_part(
    decided: RolloutDecisions,
    rollout: Rollout,
    said: Said,
    state: RolloutState,
    elsewhere: ChangedElsewhere | None,
    *,
    ours: Ours,
    several: bool,
) -> Iterable[str]:
    change = decided.desired
    whose = _whose(said, state, elsewhere, ours=ours(state))
    if change is None:
        if not exposures.is_nobody(state.exposure):
            yield f"{said.controller} has {words.exposure(state.exposure)}, nobody decided that here{whose}"
        return
    wanted = change.intent.target
    features = state.scope or (said.features if several else ())
    if features:
        wanted = parts.share_of(wanted, features)
    if not _read_since(said, state, change) or _as_decided(change, wanted, state, features):
        return
    what = (
        f"{said.controller} has {words.exposure(state.exposure)}, "
        f"decided was {words.exposure(wanted)} ({words.who(change.actor)})"
    )
    if change in decided.unknown:
        yield f"{what}: nobody knows whether that happened"
    else:
        yield f"{what}{_where(rollout, wanted, state.exposure)}{whose}"


def _read_since(said: Said, state: RolloutState, change: ChangeRecord) -> bool:
    if state.until is not None:
        return state.changed_at is not None and state.changed_at >= change.state_at
    read_at = said.snapshot.last_ok_at if said.snapshot is not None else None
    return read_at is not None and read_at >= change.state_at


def _as_decided(change: ChangeRecord, wanted: Exposure, state: RolloutState, features: tuple[str, ...]) -> bool:
    """Whether a part is as decided; of a change that went in part, also whether it has no more than before it."""
    if exposures.same(wanted, state.exposure):
        return True
    if change.state != "partial" or change.intent.before is None:
        return False
    before = parts.share_of(change.intent.before, features) if features else change.intent.before
    return not exposures.widens(before, state.exposure)


def _where(rollout: Rollout, wanted: Exposure, has: Exposure) -> str:
    """The regions that differ, where others do not."""
    if set(wanted.features) != set(has.features):
        return ""
    shares = [(region, has.percent.get(region, 0.0), wanted.percent.get(region, 0.0)) for region in rollout.regions]
    differing = [(region, is_at, meant) for region, is_at, meant in shares if is_at != meant]
    if len(differing) == len(rollout.regions):
        return ""
    told = (f"{region} {words.percent(is_at)} and not {words.percent(meant)}" for region, is_at, meant in differing)
    return f"; {', '.join(told)}"


def _whose(said: Said, state: RolloutState, elsewhere: ChangedElsewhere | None, *, ours: bool) -> str:
    """Who made the backend so, and when."""
    who, when = state.changed_by, state.changed_at
    if elsewhere is not None and elsewhere.controller == said.controller and elsewhere.revision == state.revision:
        who, when = elsewhere.who or who, elsewhere.at or when
    at = f" at {words.instant(when)}" if when is not None else ""
    by = f" by {who}" if who else ""
    if not ours:
        return f": changed outside this console{by}{at}"
    return f": changed{by}{at}" if by or at else ""

"""Makes this store the one that rollouts are steered from, and shuts the one that did until now out at the backend.

Two machines that went on from one journal share nothing but the backend, so that is where the fence is: each rollout is
written again as it is, under a higher epoch. What the other machine sent before finds another revision, and what it
decides later carries an epoch that the backend refuses to widen for. It can still roll back and kill.
"""

from __future__ import annotations

from msgspec import Struct

from repz_console.engine.conn import NEEDS_CONN
from repz_console.engine.known import Known
from repz_console.engine.read_back import read_back
from repz_console.engine.settler import Settler
from repz_console.engine.writer import JournalWriter
from repz_console.events import RolloutHeld, StoreSteers
from repz_console.facts import RolloutState
from repz_console.providers.base import ProviderError
from repz_console.store.errors import FenceError, StoreError
from repz_console.store.fence import Fence

HOLD = "taken over by this store: look what happened elsewhere before you widen"


class TakenOver(Struct, frozen=True):
    """What became of one rollout."""

    rollout: str
    fenced: bool
    """Whether no other store can widen it any more."""
    line: str


async def take_over(
    known: Known, writer: JournalWriter, settler: Settler, fence: Fence | None, reason: str
) -> tuple[TakenOver, ...]:
    """Hold every rollout, journal that this store steers, and fence each backend. Raises `StoreError`, and `FenceError`
    without the conn; then nothing is fenced."""
    if fence is None:
        raise FenceError(NEEDS_CONN)
    seen = known.decisions.epoch
    for rollout in known.plan.rollout:
        try:
            seen = max(seen, (await read_back(known, rollout)).epoch)
        except ProviderError:
            continue  # said below, where it is to be fenced
    # By the clock too: of two copies restored where the backend cannot be asked, the later one has the higher epoch.
    epoch = max(seen + 1, int(known.clock().timestamp()))
    for rollout in known.plan.rollout:
        await writer.append(RolloutHeld(rollout=rollout, reason=HOLD), fence=fence)
    await writer.append(StoreSteers(epoch=epoch, reason=reason), fence=fence)
    return tuple([await _fenced(settler, rollout, epoch) for rollout in known.plan.rollout])


async def _fenced(settler: Settler, rollout: str, epoch: int) -> TakenOver:
    try:
        fenced = await settler.fence(rollout)
    except ProviderError as error:
        return TakenOver(rollout, False, f"NOT fenced: {error.fault.what}; take over again once it answers")
    except StoreError as error:
        return TakenOver(rollout, False, f"NOT fenced: {error}")
    lines = [(_trouble(before, after, epoch), after.controller) for before, after in fenced]
    for line, controller in lines:
        if line:
            return TakenOver(rollout, False, f"{controller}: {line}" if len(lines) > 1 and controller else line)
    return TakenOver(rollout, True, "fenced: no other store can widen it any more")


def _trouble(before: RolloutState, after: RolloutState, epoch: int) -> str:
    """Why a backend is not fenced; empty if it is."""
    if before.least is not None:
        return "NOT fenced: its shares differ within regions; a roll back or a kill evens them"
    if after.epoch >= epoch:
        return ""
    if after.revision != before.revision:
        return "only what was sent before is fenced off: its backend keeps no epoch, so keep the other store shut"
    return "NOT fenced: its backend did not take the write"

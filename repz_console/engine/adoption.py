"""Taking over what somebody else made of a rollout: it counts as decided from then on, and nothing is sent."""

from __future__ import annotations

import secrets

from repz_console.engine.known import Known
from repz_console.engine.outcome import Outcome
from repz_console.engine.read_back import read_back
from repz_console.engine.writer import JournalWriter
from repz_console.events import ChangeEnded, ChangeIntended
from repz_console.facts import Exposure
from repz_console.plan import exposure as exposures
from repz_console.providers.base import ProviderError
from repz_console.room import words
from repz_console.store.errors import FenceError, StoreError
from repz_console.store.fence import Fence


async def adopt(known: Known, writer: JournalWriter, rollout: str, seen: Exposure | None, fence: Fence) -> Outcome:
    """Let what the backend shows count as decided, if that still is what a person `seen`."""
    try:
        state = await read_back(known, rollout)
    except ProviderError as error:
        return Outcome("refused", f"{rollout}: {error.fault.what}")
    shown = words.exposure(state.exposure)
    if seen is None or not exposures.same(seen, state.exposure):
        return Outcome("refused", f"{rollout}: the backend shows {shown} by now: look again")
    why = f"{words.who(known.actor)} looked: the backend shows {shown}"
    intent = ChangeIntended(
        op=secrets.token_hex(8),
        rollout=rollout,
        action="set",
        target=state.exposure,
        before=state.exposure,
        expect=state.revision,
        reason=why,
        evidence={"plan_hash": known.effective.origin.hash},
    )
    ended = ChangeEnded(op=intent.op, outcome="confirmed", revision=state.revision, why=why)
    try:
        await writer.append(intent, fence=fence, unique=f"change.intended:{intent.op}")
        await writer.append(ended, fence=fence, unique=f"change.ended:{intent.op}")
    except FenceError as error:
        return Outcome("denied", f"{error}: it is not taken over")
    except StoreError as error:
        return Outcome("refused", f"it is not taken over, for that cannot be journaled: {error}")
    return Outcome("confirmed", f"{rollout} has {shown}, which counts as decided now", intent.op, state.revision)

"""What people agree to, in this console's name: seats, go/no-go polls, approvals, waivers, overrides, the stopped line.

Each method judges everything afresh, journals, and answers with one plain line. Nothing here widens anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from repz_console.engine.conn import Conn
from repz_console.engine.known import Known
from repz_console.engine.outcome import Outcome
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.facts import Exposure

Answer = Literal["GO", "NO-GO", "GO-IF"]
_LATER = Outcome("refused", "this cannot be done yet")


class Council:
    """Says and answers in this console's name."""

    def __init__(self, storage: Storage, writer: JournalWriter, known: Known, conn: Conn) -> None:
        """Has said nothing yet."""
        self._storage = storage
        self._writer = writer
        self._known = known
        self._conn = conn

    async def take_seat(self, seat: str, reason: str = "") -> Outcome:
        """Hold a seat from now on. Taking it from somebody needs a reason, which both see."""
        return _LATER

    async def call(self, rollout: str, stage: str = "") -> Outcome:
        """Call the next round of the poll of a stage (of the next one without `stage`)."""
        return _LATER

    async def vote(
        self,
        rollout: str,
        seat: str,
        answer: Answer,
        *,
        reason: str = "",
        owner: str = "",
        due: datetime | None = None,
        verbal: str = "",
    ) -> Outcome:
        """Answer for a seat in the poll that is open. NO-GO needs a reason, GO-IF a condition (`reason`), who sees to
        it (`owner`) and by when (`due`, aware). `verbal` is who said it, where the director writes it down."""
        return _LATER

    async def accept_condition(self, rollout: str, seat: str, condition: str = "") -> Outcome:
        """Take a station's GO-IF for a GO: only the director does. `condition` is the one that was read: if it is
        another one by now, nothing is accepted."""
        return _LATER

    async def close(self, rollout: str, reason: str) -> Outcome:
        """Call a poll off. Whoever may call its rounds may."""
        return _LATER

    async def ask(self, rollout: str, target: Exposure, stage: str = "", reason: str = "") -> Outcome:
        """Ask others to approve taking a rollout to `target`."""
        return _LATER

    async def approve(self, rollout: str, ask: str = "") -> Outcome:
        """Approve what was last asked; with `ask`, only if it is that."""
        return _LATER

    async def waive(self, rollout: str, gate: str, reason: str, minutes: float, stage: str = "") -> Outcome:
        """Ask to go on for so many minutes though a gate is INCONCLUSIVE. It holds once somebody else agrees."""
        return _LATER

    async def second(self, rollout: str, waiver: str = "") -> Outcome:
        """Agree to a waiver: to the one that waits, or to the one with that id."""
        return _LATER

    async def override(self, rollout: str, gate: str, reason: str, stage: str = "") -> Outcome:
        """Go on though a gate FAILs, until the stage ends: only the director does."""
        return _LATER

    async def stop_line(self, reason: str) -> Outcome:
        """Let nobody widen any rollout until the line is started again. Anybody may."""
        return _LATER

    async def start_line(self, reason: str) -> Outcome:
        """Start the line again. Needs the conn."""
        return _LATER

    async def observe(
        self, rollout: str, controller: str, exposure: Exposure, minutes: float, *, op: str = ""
    ) -> Outcome:
        """Say what a backend shows that the console cannot ask, to be believed for so many minutes. `op` is the change
        that was made by hand, if it was one of the console's."""
        return _LATER

"""What a session can do about rollouts. Each part is loaded by its first use: who only looks pays for none."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from repz_console.engine.collector import Collector
from repz_console.engine.conn import Conn
from repz_console.engine.known import Known
from repz_console.engine.storage import Storage
from repz_console.engine.writer import JournalWriter
from repz_console.facts import Exposure
from repz_console.room.views import GateView

if TYPE_CHECKING:
    from repz_console.engine.card import Card
    from repz_console.engine.control import Controller
    from repz_console.engine.council import Council
    from repz_console.engine.readiness import Readiness
    from repz_console.engine.rehearsal import Calls
    from repz_console.engine.warden import Warden
    from repz_console.room.what_if import Forecast


class Steering:
    """The hand on the rollouts, as far as it was asked for."""

    _storage: Storage
    _writer: JournalWriter
    _known: Known
    _conn: Conn
    _collector: Collector
    _recorder: bool

    @property
    def steers(self) -> bool:
        """Whether anything was asked of `control` yet."""
        return "control" in vars(self)

    @cached_property
    def control(self) -> Controller:
        """Rollout changes: `change`, `hold`, `resume`."""
        from repz_console.engine.control import Controller

        return Controller(self._storage, self._writer, self._known, self._conn)

    @cached_property
    def council(self) -> Council:
        """What people agree to before a rollout widens: seats, polls, approvals, waivers, and the stopped line."""
        from repz_console.engine.council import Council

        return Council(self._storage, self._writer, self._known, self._conn)

    def gates(self, rollout: str, target: Exposure) -> tuple[GateView, ...]:
        """The gates of taking a rollout to `target`, judged on what is known now. Raises KeyError for an unknown
        rollout."""
        return self._known.gates(rollout, target)

    def forecast(self, rollout: str, target: Exposure, stage: str = "") -> Forecast:
        """What taking a rollout to `target`, which is the planned `stage` if it is one, would mean as things are now.
        Asks nobody. Raises KeyError for an unknown rollout."""
        from repz_console.room import what_if

        known = self._known
        view = known.view()
        shown = next((each for each in view.rollout.rollouts if each.id == rollout), None)
        if shown is None:
            raise KeyError(rollout)
        gates, state = known.gates(rollout, target), known.state(rollout)
        return what_if.forecast(known.plan, shown, state, target, gates, view.health, stage=stage)

    async def calls(self, rollout: str, target: Exposure) -> tuple[Calls, ...]:
        """What would be sent to take a rollout to `target`, in the order of sending. Sends nothing. Raises KeyError
        for an unknown rollout."""
        from repz_console.engine.rehearsal import rehearsed

        return await rehearsed(self._known, rollout, target)

    def card(self, rollout: str) -> Card:
        """How to take a rollout to nobody without the console. Asks nobody. Raises KeyError for an unknown rollout."""
        from repz_console.engine.card import card

        return card(self._known, rollout)

    async def look_back(self) -> None:
        """Look once and now whether this user could take each rollout back; what was found is in the view on return."""
        await self._readiness.look()

    @cached_property
    def _readiness(self) -> Readiness:
        from repz_console.engine.readiness import Readiness

        return Readiness(self._known)

    @cached_property
    def _warden(self) -> Warden:
        from repz_console.engine.warden import Warden

        return Warden(self._storage, self._writer, self._known, self._collector, self.control, recorder=self._recorder)

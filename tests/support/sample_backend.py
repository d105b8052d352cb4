"""A backend as somebody else would write one, made by the author's guide: the kind `board`.

One JSON file with a percent for everybody, such as the setting of a home-grown load balancer. It has no regions and no
features, keeps no epoch and nobody's name, and takes any percent.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from msgspec import convert

from repz_console.facts import Abilities, Change, Exposure, Facts, RolloutState
from repz_console.plan.exposure import cells, is_nobody, nobody
from repz_console.providers.base import Conflict, Grade, Options, Provider, ProviderError, Refused
from repz_console.providers.threads import in_thread
from repz_console.text import safe
from tests.support.backends import REGIONS, SOURCE, Backend
from tests.support.providers import FEATURES, context, plan


class BoardOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "board"`."""

    path: str


class Board(Provider):
    """Compares a counter and writes the next one, under a lock."""

    kind: ClassVar[str] = "board"
    tells = frozenset({"rollouts"})
    Options = BoardOptions
    options: BoardOptions

    async def fetch(self) -> Facts:
        """Every rollout of this source."""
        mine = [name for name, each in self.context.plan.rollout.items() if each.controller == self.context.source]
        return Facts(rollouts=tuple([await self.read(name) for name in mine]))

    async def read(self, rollout: str) -> RolloutState:
        """What the file says."""
        return await in_thread(lambda: self._state(rollout, self._load()), deadline=5, what="the board")

    async def apply(self, change: Change) -> RolloutState:
        """Write the next state if the file is at `change.expect`."""
        return await in_thread(lambda: self._apply(change), deadline=10, what="the board")

    def grade(self) -> Grade:
        """It knows its revision, and not whose change it shows."""
        return "compared"

    def propagation(self) -> float:
        """The load balancer reads the file every second."""
        return 1

    def abilities(self) -> Abilities:
        """One percent for all."""
        return Abilities(
            regions=False,
            features=False,
            compares="atomic",
            dry_run=True,
            propagation=1,
            cannot="one percent for everybody: the board knows no regions and no features",
        )

    async def ready(self) -> str:
        """Whether the folder takes a file."""
        return "" if os.access(self._path.parent, os.W_OK) else f"{safe(self._path.parent)} cannot be written"

    def calls(self, change: Change) -> tuple[str, ...]:
        """One file."""
        return (
            f"write {safe(self._path)} with {change.rollout} at {self._percent(change.target, change.rollout):g} %",
        )

    def card(self, rollout: str) -> tuple[str, ...]:
        """Zero, one number further."""
        code = (
            "import json, os, sys; path, name = sys.argv[1:]; board = json.load(open(path)); "
            "board[name] = {'percent': 0, 'number': board.get(name, {}).get('number', 0) + 1}; "
            "json.dump(board, open(path + '.new', 'w')); os.replace(path + '.new', path)"
        )
        command = f"python3 -c {shlex.quote(code)} {shlex.quote(str(self._path))} {shlex.quote(rollout)}"
        return (f"# Takes {rollout} to 0 %. Needs python3.", command)

    @property
    def _path(self) -> Path:
        return self.context.resolve(self.options.path)

    def _load(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise ProviderError(f"{safe(self._path)} cannot be read") from None
        return found

    def _state(self, rollout: str, board: dict[str, Any]) -> RolloutState:
        found = board.get(rollout, {"percent": 0, "number": 0})
        exposure = nobody()
        if found["percent"]:
            exposure = Exposure(dict.fromkeys(REGIONS, float(found["percent"])), FEATURES)
        return RolloutState(rollout, exposure, str(found["number"]))

    def _percent(self, target: Exposure, rollout: str) -> float:
        if rollout not in self.context.plan.rollout:
            raise Refused(f"no rollout {safe(rollout)}")
        if is_nobody(target):
            return 0.0
        shown = cells(target)
        percent = next(iter(shown.values()))
        if set(shown) != {(region, feature) for region in REGIONS for feature in FEATURES}:
            raise Refused("one percent for everybody and everything is all there is")
        if set(shown.values()) != {percent} or not math.isfinite(percent) or not 0 <= percent <= 100:
            raise Refused("one percent from 0 to 100 for everybody is all there is")
        return percent

    def _apply(self, change: Change) -> RolloutState:
        percent = self._percent(change.target, change.rollout)
        with open(self._path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            board = self._load()
            before = self._state(change.rollout, board)
            if not change.force and before.revision != change.expect:
                raise Conflict(f"the board is at {before.revision}")
            if change.force and percent > max(before.exposure.percent.values(), default=0.0):
                raise Refused("a forced change may only show less")
            board[change.rollout] = {"percent": percent, "number": int(before.revision) + 1}
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(board))
            os.replace(new, self._path)
            return self._state(change.rollout, board)


@asynccontextmanager
async def board(folder: Path) -> AsyncIterator[Backend]:
    """What the contract suite needs to know of it."""
    file = folder / "board.json"

    def meddle() -> None:
        found = json.loads(file.read_text())
        found["production"] = {"percent": 33, "number": found["production"]["number"] + 1}
        file.write_text(json.dumps(found))

    ramp = tuple(Exposure(dict.fromkeys(REGIONS, percent), FEATURES) for percent in (5.0, 50.0))
    async with Board(convert({"path": str(file)}, BoardOptions), context(folder, SOURCE, plan())) as provider:
        yield Backend(provider, ramp, meddle)

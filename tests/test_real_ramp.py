"""The whole ramp over a real Unleash and a flag file as one rollout, with a kill and a stranger's edit on the way.

What people see is asked of Unleash's and OpenFeature's own clients, and the journal explains all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from repz_console.engine.outcome import Outcome
from repz_console.engine.session import Session
from repz_console.facts import Exposure
from repz_console.plan.exposure import headline_percent, is_nobody, of_stage, same
from repz_console.room.rollout_views import RolloutView
from repz_console.tui.paint.sentences import sentence
from tests.conftest import Figure
from tests.support.openfeature import MANY, Client
from tests.support.sessions import eventually, launch, opened
from tests.support.unleash import ADMIN, MISSING, Unleash
from tests.support.unleash_clients import Clients, chance, clients

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; see tests/install-real.sh"),
]

REGIONS = {"us": "US", "canada": "CA", "uk": "GB", "rest": "BR"}
"""Region to a country of it."""
RAMP = (
    (20, ("us", "canada")),
    (40, ("us", "canada", "uk")),
    (60, ("us", "canada", "uk")),
    (80, (*REGIONS,)),
    (100, (*REGIONS,)),
)
"""Each stage's percent and regions."""

CONFIG = """
[launch]
name = "ramp"
title = "Ramp"
environment = "PRODUCTION"
zone = "UTC"
full_launch = { on = 2027-02-05, time = 09:00:00 }

[store]
path = "store"

[secret.unleash]
env = "RAMP_TOKEN"

[source.plan]
kind = "plan"
[source.bugs]
kind = "local"
[source.unleash]
kind = "unleash"
every = 1
url = "@URL@"
prefix = "ramp."
token = { secret = "unleash" }
timeout = 10
[source.flags]
kind = "flagd"
every = 1
path = "flags.json"

[[phase]]
id = "launch"
title = "Launch"

[[region]]
id = "us"
title = "US"
countries = ["US"]
[[region]]
id = "canada"
title = "Canada"
countries = ["CA"]
[[region]]
id = "uk"
title = "UK"
countries = ["GB"]
[[region]]
id = "rest"
title = "Rest of the world"

[[feature]]
id = "core"
title = "Core"
[[feature]]
id = "banner"
title = "Banner"

[rollout.production]
title = "Production"
cohort = "visitors"
regions = ["us", "canada", "uk", "rest"]
people = { us = 50, canada = 10, uk = 10, rest = 30 }

[[rollout.production.part]] # what the banner leads to
controller = "unleash"
features = ["core"]
[[rollout.production.part]] # what people see
controller = "flags"
features = ["banner"]
""" + "".join(
    f"""
[[rollout.production.stage]]
id = "at-{percent}"
title = "{percent} %"
at = {{ on = 2027-02-01, time = {number:02}:00:00 }}
percent = {percent}
regions = {list(regions)}
features = ["core", "banner"]
phase = "launch"
""".replace("'", '"')
    for number, (percent, regions) in enumerate(RAMP)
)


class Desk:
    """A console with the conn."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def rollout(self) -> RolloutView:
        """As it is known now."""
        return self._session.view().rollout.rollouts[0]

    async def look(self) -> RolloutView:
        """As the backends say now."""
        for controller in ("unleash", "flags"):
            await self._session.refresh(controller)
        return self.rollout

    async def to_stage(self, percent: int, judged: str = "") -> Outcome:
        """Enter a stage on what the backends say now, or on the revision that was judged."""
        plan = self._session.plan.rollout["production"]
        stage = next(each for each in plan.stage if each.percent == percent)
        seen = await self.look()
        return await self._session.control.change(
            "production",
            "set",
            of_stage(plan, stage),
            expect=judged or seen.revision,
            stage=stage.id,
            reason="as planned",
        )

    async def way_back(self, action: str) -> Outcome:
        """Kill or roll back."""
        assert action in ("kill", "rollback")
        return await self._session.control.change("production", action, reason="it fails")  # type: ignore[arg-type]

    def journal(self) -> str:
        """As it reads on the screen."""
        return "\n".join(f"{entry.actor.user}: {sentence(entry.event)}" for entry in self._session.entries())


@asynccontextmanager
async def desk(folder: Path, unleash: Unleash, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A console that steers both."""
    monkeypatch.setenv("RAMP_TOKEN", ADMIN)
    async with opened(launch(folder, CONFIG.replace("@URL@", unleash.url)), watch=True, collect=True) as session:
        assert await session.take_conn() == ""
        yield Desk(session)


async def check(exposure: Exposure, core: Clients, banner: Client) -> dict[str, set[int]]:
    """Both clients see `exposure`; returns who is let in by Unleash, by region."""
    inside = {}
    banner.reload()
    for region, country in REGIONS.items():
        share = exposure.percent.get(region, 0.0)
        inside[region] = await core.until(share, country)
        seeing = await asyncio.to_thread(_seeing, banner, country, core.people)
        assert abs(100 * seeing / core.people - share) <= chance(share, core.people)
    return inside


@pytest.mark.figure
async def test_the_whole_ramp_with_a_kill_and_a_strangers_edit(
    tmp_path: Path, unleash: Unleash, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    flag = "ramp.production.core"
    unleash.make(flag)
    with clients(unleash, tmp_path, flag, figure.count(2_000, len(MANY))) as core:
        async with desk(tmp_path, unleash, monkeypatch) as console:
            assert is_nobody((await console.look()).configured.exposure or Exposure({"us": 100}, ("core",)))
            before: dict[str, set[int]] = {region: set() for region in REGIONS}
            for percent in (20, 40):
                outcome = await console.to_stage(percent)
                assert outcome.state == "confirmed", outcome.line
                now = await check(outcome_target(console), core, Client(tmp_path / "flags.json"))
                assert all(before[region] <= now[region] for region in REGIONS), "who was in stays in"
                before = now
            banner = Client(tmp_path / "flags.json")
            outcome = await console.way_back("kill")
            assert outcome.state == "confirmed", outcome.line
            await check(Exposure({}, ()), core, banner)
            for percent in (20, 40):
                outcome = await console.to_stage(percent)
                assert outcome.state == "confirmed", outcome.line
            assert await check(outcome_target(console), core, banner) == before, "the same people as before the kill"
            # Somebody else meddles: it is seen, named, and not overwritten by what was judged before.
            judged = (await console.look()).revision
            assert unleash.edit("ramp.production.core", "55", unleash.person("mallory")) == 200
            outcome = await console.to_stage(60, judged)
            assert outcome.state == "refused", outcome.line
            assert "mallory" in outcome.line
            seen = await console.look()
            assert any("mallory" in line for line in seen.drift), seen.drift
            # The journal tells of it by itself.
            await eventually(lambda: "mallory" in console.journal())
            # Going back evens it, and gives nobody anything.
            outcome = await console.way_back("rollback")
            assert outcome.state == "confirmed", outcome.line
            for percent in (20, 40, 60, 80, 100):
                if percent > headline_percent(outcome_target(console)):
                    outcome = await console.to_stage(percent)
                    assert outcome.state == "confirmed", outcome.line
            await check(outcome_target(console), core, banner)
            assert console.rollout.next is None
            told = console.journal()
            print(told)
            assert "mallory" in told
            figure.say(f"{core.people:,} people in {len(REGIONS)} regions up the ramp: both clients see what is said")


def _seeing(banner: Client, country: str, people: int) -> int:
    return sum(banner.sees("banner", person, country) for person in MANY[:people])


def outcome_target(console: Desk) -> Exposure:
    """What was decided last, which the backends show."""
    desired, configured = console.rollout.desired.exposure, console.rollout.configured.exposure
    assert desired is not None
    assert configured is not None
    assert same(desired, configured)
    return desired

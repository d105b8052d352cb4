"""What OpenFeature's own client sees is what the console says it sees."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Set
from pathlib import Path

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError

from repz_console.facts import Exposure
from repz_console.plan.exposure import nobody
from repz_console.providers.flagd import Flagd
from tests.conftest import Figure
from tests.support.openfeature import MANY, PEOPLE, Client
from tests.support.providers import FEATURES, REGIONS, change, flags, plan

EVERYWHERE = {region.id: 100.0 for region in REGIONS}


class Rollout:
    """The console on one side and an application on the other."""

    def __init__(self, folder: Path) -> None:
        self.console: Flagd = flags(folder)
        self.path = folder / "flags.json"
        self.client: Client | None = None
        self.revision = "0"
        self.ops = 0

    async def to(self, percent: dict[str, float], *features: str, force: bool = False) -> Client:
        self.ops += 1
        state = await self.console.apply(change(f"op{self.ops}", percent, *features, expect=self.revision, force=force))
        self.revision = state.revision
        if self.client is None:
            self.client = Client(self.path)
        self.client.reload()
        return self.client


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Rollout]:
    rollout = Rollout(tmp_path)
    yield rollout
    if rollout.client is not None:
        rollout.client.provider.shutdown()


@pytest.mark.parametrize("percent", [1, 20, 33.33, 60, 99])
async def test_the_share_that_sees_is_the_share_that_is_said(rollout: Rollout, percent: float) -> None:
    client = await rollout.to({"us": percent}, "core")
    seen = sum(client.sees("core", person) for person in MANY) / len(MANY) * 100
    # five standard deviations of a fair draw of 10,000
    assert abs(seen - percent) < 5 * (percent * (100 - percent) / len(MANY)) ** 0.5


@pytest.mark.figure
async def test_a_rising_share_keeps_everyone_and_a_falling_one_lets_nobody_new_in(
    rollout: Rollout, figure: Figure
) -> None:
    before: Set[str] = set()
    percents = [*range(1, 101, 100 // figure.count(10, 100)), 100, 99.99, 50, 0.01]
    for percent in percents:
        client = await rollout.to({"us": percent}, "core")
        now = {person for person in PEOPLE if client.sees("core", person)}
        assert before <= now or now <= before
        before = now
        if percent == 100:
            assert now == set(PEOPLE)
    figure.say(f"{len(PEOPLE):,} people through {len(percents)} shares: each set holds the other or is held by it")


async def test_only_the_countries_of_the_regions_see(rollout: Rollout) -> None:
    client = await rollout.to({"us": 100, "english": 50}, "core")
    assert client.seeing(country="US") == set(PEOPLE)
    assert client.seeing(country="CA") == set()
    assert 0.42 < len(client.seeing(country="NZ")) / len(PEOPLE) < 0.58
    assert client.seeing(country="GB") == client.seeing(country="NZ")
    assert client.seeing(country="DE") == set()
    assert client.seeing(country=None) == set()


async def test_everywhere_else_are_unnamed_countries_and_the_unknown(rollout: Rollout) -> None:
    client = await rollout.to({"world": 100}, "core")
    assert client.seeing(country="DE") == set(PEOPLE)
    assert client.seeing(country=None) == set(PEOPLE)
    assert client.seeing(country="US") == set()


async def test_features_nest(rollout: Rollout) -> None:
    client = await rollout.to({"us": 30}, "core", "adaptive")
    assert client.seeing("core") == client.seeing("adaptive")
    assert client.seeing("full") == set()


async def test_people_without_a_key_are_not_let_in_all_at_once(rollout: Rollout) -> None:
    for percent in (1, 50, 99.99):
        client = await rollout.to({"us": percent}, "core")
        assert not client.sees("core", None)
        assert not client.sees("core", "")
    client = await rollout.to({"us": 100}, "core")
    assert client.sees("core", None)


async def test_a_kill_leaves_nobody(rollout: Rollout) -> None:
    await rollout.to(EVERYWHERE, *FEATURES)
    client = await rollout.to({}, force=True)
    for feature in FEATURES:
        for country in ("US", "CA", "GB", "DE", None):
            assert not any(client.sees(feature, person, country) for person in PEOPLE[:200])


async def test_a_kill_is_off_by_value_not_by_each_client_s_default(rollout: Rollout) -> None:
    await rollout.to(EVERYWHERE, "core")
    client = await rollout.to({}, force=True)
    found = client.provider.resolve_boolean_details("repz.production.core", True, EvaluationContext("anna"))
    assert found.value is False


async def test_a_kill_reaches_clients_that_hold_a_file_from_the_future(rollout: Rollout) -> None:
    client = await rollout.to(EVERYWHERE, "core")
    ahead = time.time() + 86_400
    os.utime(rollout.path, (ahead, ahead))
    client.reload()
    client = await rollout.to({}, force=True)
    assert not client.sees("core", "anna")


async def test_two_changes_in_one_instant_are_both_seen(rollout: Rollout) -> None:
    for percent in (10, 100, 0, 100, 0):
        client = await rollout.to({"us": percent}, "core")
        assert client.sees("core", PEOPLE[0]) == (percent == 100)


async def test_a_restored_backup_is_what_clients_ignore_and_the_console_says_so(rollout: Rollout) -> None:
    await rollout.to({"us": 10}, "core")
    backup, at = rollout.path.read_bytes(), rollout.path.stat().st_mtime
    client = await rollout.to({"us": 100}, "core")
    rollout.path.write_bytes(backup)
    os.utime(rollout.path, (at, at))
    client.reload()
    assert client.sees("core", "anna")
    state = await rollout.console.read("production")
    assert any("running clients ignore it" in note for note in state.notes)
    client = await rollout.to({}, force=True)
    assert not client.sees("core", "anna")


async def test_a_flag_that_clients_choke_on_does_not_outlive_a_kill(rollout: Rollout) -> None:
    client = await rollout.to(EVERYWHERE, "core")
    text = rollout.path.read_text().replace('"flags": {', '"flags": {"theirs": {"state": "ENABLED", "variant": {}},', 1)
    rollout.path.write_text(text)
    client.reload()
    assert client.sees("core", "anna")
    client = await rollout.to({}, force=True)
    assert not client.sees("core", "anna")
    with pytest.raises(FlagNotFoundError):
        client.provider.resolve_boolean_details("theirs", False)


async def test_a_plan_of_one_region_without_countries(tmp_path: Path) -> None:
    console = flags(tmp_path, of=plan((REGIONS[-1],)))
    state = await console.apply(change("a", {"world": 40}, "core"))
    client = Client(tmp_path / "flags.json")
    assert 0.32 < len(client.seeing()) / len(PEOPLE) < 0.48
    state = await console.apply(change("b", {"world": 100}, "core", expect=state.revision))
    client.reload()
    assert client.seeing() == set(PEOPLE)
    assert state.exposure == Exposure({"world": 100}, ("core",))
    state = await console.apply(change("c", {}, expect=state.revision))
    client.reload()
    assert client.seeing() == set()
    assert state.exposure == nobody()
    client.provider.shutdown()

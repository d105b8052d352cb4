"""The break-glass card: made with nothing working, and its commands do what they say."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from repz_console.providers.base import Refused
from tests.support import faulty
from tests.support.broken import exposed_at, newer
from tests.support.commands import Commands
from tests.support.faulty import Faulty
from tests.support.sessions import CONFIG, launch, opened


@pytest.fixture
def repz(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.chdir(tmp_path)
    return Commands(capsys)


def test_its_commands_take_the_rollout_to_nobody(tmp_path: Path, repz: Commands) -> None:
    loaded = launch(tmp_path)
    asyncio.run(exposed_at(loaded, 20))
    card = json.loads(repz("rollout", "card", "production", "--json").out)
    assert card["environment"] == "PRODUCTION"
    assert card["plan_hash"] == loaded.hash
    assert [(each["controller"], each["exact"]) for each in card["backends"]] == [("flags", True)]
    commands = "\n".join(card["backends"][0]["lines"])
    subprocess.run(["sh", "-euc", commands], check=True, timeout=60, capture_output=True)

    async def seen() -> dict[str, float]:
        async with opened(loaded) as session:
            await session.refresh("flags")
            exposure = session.view().rollout.rollouts[0].configured.exposure
            assert exposure is not None
            return dict(exposure.percent)

    assert asyncio.run(seen()) == {}


def test_it_is_printed_though_there_is_no_store_and_the_backend_is_dead(
    tmp_path: Path, repz: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    asyncio.run(exposed_at(loaded, 20))
    (tmp_path / "flags.json").unlink()
    (tmp_path / "flags.json").mkdir()
    with newer(tmp_path / "store", monkeypatch):
        answer = repz("rollout", "card")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "BREAK GLASS: take production (Production) to nobody in PRODUCTION"
    assert lines[1].startswith(f"Small launch, plan {loaded.hash[:12]}, made ")
    assert "What this does not do" in lines
    assert any(str(tmp_path / "flags.json") in line and "python3 -c" in line for line in lines)


def test_a_backend_without_a_card_says_what_is_left_to_do(
    tmp_path: Path, repz: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch).reads = "hang"
    launch(tmp_path, faulty.config(CONFIG))
    answer = repz("rollout", "card", "production")
    assert answer.code == 0
    assert "1 of 1: flags (faulty), by hand" in answer.out
    assert "# With the own tools of flags, set every feature of production to nobody: 0 percent, or off." in answer.out
    assert "repz-console rollout kill production --yes" in answer.out


def test_it_names_the_variables_that_its_commands_read_and_survives_a_defect(
    tmp_path: Path, repz: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("# Put the token into UNLEASH_TOKEN, not $OTHER.", 'WHEN="$(date)"', 'curl -H "$UNLEASH_TOKEN" x/$WHEN')
    faulty.install(monkeypatch)
    monkeypatch.setattr(Faulty, "calls", lambda self, change: (), raising=False)
    monkeypatch.setattr(Faulty, "card", lambda self, rollout: lines, raising=False)
    launch(tmp_path, faulty.config(CONFIG))
    card = json.loads(repz("rollout", "card", "production", "--json").out)
    assert card["variables"] == ["UNLEASH_TOKEN"]
    assert card["backends"][0]["lines"] == list(lines)

    def refuses(self: Faulty, rollout: str) -> tuple[str, ...]:
        raise Refused("flags.json: no such folder")

    monkeypatch.setattr(Faulty, "card", refuses, raising=False)
    assert "# No commands: flags.json: no such folder." in repz("rollout", "card").out
    monkeypatch.setattr(Faulty, "card", lambda self, rollout: 1 / 0, raising=False)
    assert "# No commands: defect in the provider: ZeroDivisionError" in repz("rollout", "card").out


def test_a_rollout_that_is_none_is_bad_input(tmp_path: Path, repz: Commands) -> None:
    launch(tmp_path)
    answer = repz("rollout", "card", "beta")
    assert answer.code == 2
    assert "the plan has no rollout 'beta': it has production" in answer.err

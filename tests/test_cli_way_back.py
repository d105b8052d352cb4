"""The way back on the command line without a journal, and what doctor says of it beforehand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from repz_console.config import Loaded
from repz_console.store import syslog
from repz_console.store.emergency import NAME
from tests.support.broken import exposed_at, newer
from tests.support.commands import Commands
from tests.support.sessions import launch, opened


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(syslog, "SOCKETS", ())


def percents(loaded: Loaded) -> set[float]:
    async def look() -> set[float]:
        async with opened(loaded) as session:
            await session.refresh("flags")
            exposure = session.view().rollout.rollouts[0].configured.exposure
            assert exposure is not None
            return set(exposure.percent.values()) or {0.0}

    return asyncio.run(look())


def test_the_command_line_takes_back_without_a_journal_and_everything_else_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    asyncio.run(exposed_at(loaded, 20))
    monkeypatch.chdir(tmp_path)
    repz = Commands(capsys)
    with newer(tmp_path / "store", monkeypatch):
        for words in (("hold", "production"), ("rollback", "production"), ("kill", "production", "--yes")):
            answer = repz("rollout", *words)
            assert answer.code == 0, answer
            assert "recorded in the emergency file" in answer.out
        for line in ("status", "bug add Fire", "journal tail", "rollout resume production", "record"):
            answer = repz(*line.split())
            assert answer.code == (4 if line == "status" else 3), line
            assert "newer repz-console" in answer.err, line
        status = json.loads(repz("status", "--json").out)
        assert "newer" in status["journal"]["damage"]
    assert percents(loaded) == {0.0}


def test_doctor_rehearses_the_way_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path)
    asyncio.run(exposed_at(loaded, 20))
    monkeypatch.chdir(tmp_path)
    repz = Commands(capsys)

    def told() -> dict[str, tuple[str, str]]:
        answers = json.loads(repz("doctor", "--json").out)
        return {each["subject"]: (each["state"], each["line"]) for each in answers if "way back" in each["area"]}

    before = told()
    assert before["emergency file"][0] == "ok"
    assert "written, read back and cleared" in before["emergency file"][1]
    assert before["production"] == ("ok", "hold, roll back and kill would work now")
    assert before["syslog"][0] == "warn"
    with newer(tmp_path / "store", monkeypatch):
        assert repz("rollout", "hold", "production").code == 0
        assert told()["waiting"][0] == "warn"
        assert told()["production"][0] == "ok"
    (tmp_path / "store" / NAME).unlink()
    (tmp_path / "store" / NAME).mkdir()
    assert told()["emergency file"][0] == "bad"
    (tmp_path / "flags.json").unlink()
    (tmp_path / "flags.json").mkdir()
    state, line = told()["production"]
    assert (state, line.partition(":")[0]) == ("bad", "roll back and kill would fail now, a hold would be recorded")

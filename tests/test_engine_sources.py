"""Sources beside each other: one that never answered is not passed over, and none keeps another waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from repz_console.commands.examine import sources
from repz_console.engine.session import Session
from repz_console.facts import Facts, Freshness, Verdict
from repz_console.providers import registry
from repz_console.tui.paint import areas
from repz_console.tui.paint.base import BLOCKS
from tests.support import faulty, meter
from tests.support.sessions import CONFIG, at, eventually, launch, opened
from tests.support.web import response, serving

SILENT = '[source.upstream]\nkind = "{kind}"\nevery = 0.1\nurl = "{url}"\ntimeout = 2\n'


def config(kind: str, url: str) -> str:
    return faulty.config(CONFIG) + SILENT.format(kind=kind, url=url)


def bug_gate(session: Session) -> Verdict:
    gates = session._known.gates("production", at(20))
    return next(gate.verdict for gate in gates if gate.id == "p0")


async def hang(*_: object) -> None:
    await asyncio.sleep(60)


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> faulty.Backend:
    meter.install(monkeypatch)
    return faulty.install(monkeypatch)


async def test_a_bug_source_that_never_answered_makes_the_bug_gates_inconclusive(tmp_path: Path) -> None:
    async with serving(hang) as url, opened(launch(tmp_path, config("tracker", url)), collect=True) as session:
        await eventually(lambda: any(one.id == "flags" and one.last_ok_at for one in session.view().sources.sources))
        assert session.view().bugs.freshness is Freshness.DOWN
        assert bug_gate(session) is Verdict.INCONCLUSIVE


async def test_once_it_answered_they_are_judged(tmp_path: Path) -> None:
    async with (
        serving(response(b'{"error_rate": 0}')) as url,
        opened(launch(tmp_path, config("tracker", url)), collect=True) as session,
    ):
        await eventually(lambda: session.view().bugs.freshness is Freshness.LIVE)
        assert bug_gate(session) is Verdict.PASS


async def test_a_silent_source_of_numbers_does_not_stand_in_the_way_of_the_bug_gates(tmp_path: Path) -> None:
    async with serving(hang) as url, opened(launch(tmp_path, config("meter", url)), collect=True) as session:
        await eventually(lambda: any(one.id == "flags" and one.last_ok_at for one in session.view().sources.sources))
        assert session.view().bugs.freshness is Freshness.LIVE
        assert bug_gate(session) is Verdict.PASS


async def test_a_kind_that_is_not_installed_here_might_tell_of_bugs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = launch(tmp_path, config("tracker", "http://127.0.0.1:1"))
    monkeypatch.delitem(registry.BUILT_IN, "tracker")
    async with opened(loaded) as session:
        assert bug_gate(session) is Verdict.INCONCLUSIVE


async def test_a_server_s_wrong_clock_is_told_wherever_sources_are(tmp_path: Path) -> None:
    late = format_datetime(datetime.now(UTC) - timedelta(minutes=10), usegmt=True)
    said = "the server's clock is 10 min behind"
    async with serving(response(b'{"error_rate": 0}', Date=late)) as url:
        loaded = launch(tmp_path, config("meter", url))
        async with opened(loaded, collect=True) as session:
            await eventually(lambda: any(one.notes == (said,) for one in session.view().sources.sources))
            standings = areas.standings(session.view(), BLOCKS)
        answers = await sources.examine(loaded, tmp_path)
    standing = next(each for each in standings if each.label == "SOURCES")
    assert f"upstream: {said}" in standing.text
    assert standing.role != "ok"
    answer = next(each for each in answers if each.subject == "upstream")
    assert (answer.state, said in answer.line) == ("warn", True)


@pytest.mark.parametrize("kind", sorted(registry.BUILT_IN))
def test_what_a_kind_tells_is_a_field_of_facts(kind: str) -> None:
    told = registry.load(kind).tells
    assert told <= set(Facts.__struct_fields__)
    assert bool(told) == (kind not in ("host", "probe"))

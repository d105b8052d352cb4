"""A whole console over Unleash flags: every word of the journal true, whatever happens to its changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repz_console.engine import settler
from repz_console.engine.session import Session
from repz_console.events import ChangeEnded, ChangeIntended, ChangeSent
from repz_console.facts import Change
from repz_console.plan import exposure as exposures
from repz_console.store.journal import Journal
from tests.support.sessions import CONFIG, actor, at, launch, opened, widen
from tests.support.unleash_server import ADMIN, UnleashServer

FLAG = "repz.production.core"


@pytest.fixture
def server() -> Iterator[UnleashServer]:
    made = UnleashServer(FLAG)
    with made.running():
        yield made


def config(server: UnleashServer, folder: Path) -> str:
    """The small launch, steered by flags of that server."""
    token = folder / "token"
    token.touch(0o600)
    token.write_text(ADMIN)
    plan = CONFIG.replace('kind = "flagd"', 'kind = "unleash"').replace(
        'path = "flags.json"\n', f'url = "{server.url}"\ntoken = {{ secret = "unleash" }}\ntimeout = 10\n'
    )
    return f'{plan}\n[secret.unleash]\nfile = "{token}"\n'


def ends(session: Session, op: str) -> list[str]:
    return [
        entry.event.outcome
        for entry in session.entries()
        if isinstance(entry.event, ChangeEnded) and entry.event.op == op
    ]


async def test_it_is_widened_killed_and_brought_back(tmp_path: Path, server: UnleashServer) -> None:
    async with opened(launch(tmp_path, config(server, tmp_path))) as session:
        assert await session.take_conn() == ""
        assert (await widen(session, 20)).state == "confirmed"
        assert server.flags[FLAG]["strategies"][0]["parameters"]["rollout"] == "20"
        killed = await session.control.change("production", "kill")
        assert (killed.state, server.flags[FLAG]["enabled"]) == ("confirmed", False)
        assert (await widen(session, 20)).state == "confirmed"
        assert server.flags[FLAG]["enabled"]
        server.edit(FLAG, {"op": "replace", "path": "/parameters/rollout", "value": "55"})
        stale = session.view().rollout.rollouts[0].revision
        refused = await widen(session, 60, expect=stale)
        assert refused.state in ("refused", "rejected")
        assert server.flags[FLAG]["strategies"][0]["parameters"]["rollout"] == "55"
        await session.refresh("flags")
        assert "mallory" in str(session.view().rollout)


@pytest.mark.parametrize(("arrived", "outcome"), [(False, "not_applied"), (True, "confirmed")])
async def test_what_a_dead_console_sent_is_settled_behind_a_fence(
    tmp_path: Path, server: UnleashServer, monkeypatch: pytest.MonkeyPatch, arrived: bool, outcome: str
) -> None:
    monkeypatch.setattr(settler, "LATE_WRITE", 0.05)
    loaded = launch(tmp_path, config(server, tmp_path))
    async with opened(loaded) as session:
        await session.take_conn()
        assert (await widen(session, 20)).state == "confirmed"
        before = session._known.state("production")
        assert before is not None
    journal = Journal.open(tmp_path / "store")
    intent = ChangeIntended(
        op="dead", rollout="production", action="set", target=at(40), before=before.exposure, expect=before.revision
    )
    journal.append(intent, actor("gone"))
    journal.append(ChangeSent(op="dead"), actor("gone"), unique="change.sent:dead")
    journal.close()
    async with opened(loaded, "ben") as session:
        if arrived:
            backend = await session._known.sources.writer("flags")
            await backend.apply(Change("dead", "production", at(40), before.revision, "gone"))
        await session.control.settle()
        assert ends(session, "dead") == [outcome]
        shown = session._known.state("production")
        assert shown is not None
        assert exposures.same(shown.exposure, at(40 if arrived else 20))

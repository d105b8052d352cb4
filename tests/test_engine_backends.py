"""Changes by way of a server that fails at the wrong moment: what the journal says of them, and what then holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from repz_console.engine import carrier, settler
from repz_console.engine.session import Session
from repz_console.events import ChangeEnded
from repz_console.plan import exposure as exposures
from tests.support.backend_server import BackendServer, Fault
from tests.support.backends import WEBHOOK_KEY, ReceiverServer
from tests.support.sessions import CONFIG, at, launch, opened, revision, widen
from tests.support.vercel_server import PROJECT, TEAM, TOKEN, VercelServer


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "_KILL_PAUSE", 0.01)
    monkeypatch.setattr(settler, "LONGEST_FLIGHT", 0)
    monkeypatch.setattr(settler, "BETWEEN_LOOKS", 0)


@asynccontextmanager
async def steering(folder: Path, server: BackendServer, secret: str, source: str) -> AsyncIterator[Session]:
    """Somebody with the conn whose rollout that server has."""
    file = folder / "the.secret"
    file.touch(0o600)
    file.write_text(secret)
    with server.running():
        table = source.format(url=server.url)
        config = CONFIG.replace('kind = "flagd"\nevery = 1\npath = "flags.json"\n', f"every = 1\n{table}\n")
        async with opened(launch(folder, f'{config}\n[secret.key]\nfile = "{file}"\n')) as session:
            assert await session.take_conn() == ""
            yield session
            assert secret not in repr([entry.event for entry in session.entries()])


def by_webhook(folder: Path, server: BackendServer, timeout: float = 10) -> AbstractAsyncContextManager[Session]:
    table = (
        'kind = "webhook"\nurl = "{url}/"\nread_back = "{url}/rollouts/{{rollout}}"\nchecks = "keyed"\ntimeout = 1\n'
    )
    return steering(folder, server, WEBHOOK_KEY, table + 'signing_key = {{ secret = "key" }}')


def by_vercel(folder: Path, server: BackendServer) -> AbstractAsyncContextManager[Session]:
    table = f'kind = "vercel"\napi = "{{url}}"\nproject = "{PROJECT}"\nteam = "{TEAM}"\ntimeout = 10\n'
    return steering(folder, server, TOKEN, table + 'token = {{ secret = "key" }}')


def ends(session: Session) -> list[tuple[str, str]]:
    return [
        (entry.event.outcome, entry.event.why) for entry in session.entries() if isinstance(entry.event, ChangeEnded)
    ]


@pytest.mark.parametrize("fault", ["late", "lost", "failing after"])
async def test_a_message_that_was_taken_without_an_answer_is_found_when_reading_back(
    tmp_path: Path, fault: Fault
) -> None:
    server = ReceiverServer(WEBHOOK_KEY, tmp_path / "kept.json")
    async with by_webhook(tmp_path, server, timeout=2 if fault == "late" else 10) as session:
        server.fault = fault
        outcome = await widen(session, 20)
        assert outcome.state == "confirmed"
        assert [(end, why.startswith("found when reading back")) for end, why in ends(session)] == [("confirmed", True)]
        assert session.view().rollout.rollouts[0].configured.exposure == at(20)


@pytest.mark.parametrize("fault", ["failing", "garbage", "redirect"])
async def test_a_message_that_was_not_taken_is_not_applied_once_a_fence_says_so(tmp_path: Path, fault: Fault) -> None:
    server = ReceiverServer(WEBHOOK_KEY, tmp_path / "kept.json")
    async with by_webhook(tmp_path, server) as session:
        server.fault = fault
        assert (await widen(session, 20)).state == "unknown"
        assert (await widen(session, 20)).state != "confirmed"
        server.fault = None
        await session.control.settle()
        assert [end for end, _ in ends(session)][:2] == ["unknown", "not_applied"]
        assert (await widen(session, 20)).state == "confirmed"
        assert session.view().rollout.rollouts[0].drift == ()


@pytest.mark.parametrize("fault", ["unauthorized", "limited"])
async def test_a_message_that_is_turned_away_changes_nothing_and_says_why(tmp_path: Path, fault: Fault) -> None:
    server = ReceiverServer(WEBHOOK_KEY, tmp_path / "kept.json")
    async with by_webhook(tmp_path, server) as session:
        server.fault = fault
        outcome = await widen(session, 20)
        assert outcome.state == "rejected"
        assert ("401" if fault == "unauthorized" else "429") in outcome.line
        assert exposures.is_nobody(session.view().rollout.rollouts[0].configured.exposure or at(1))


async def test_another_s_edit_is_named_and_not_overwritten(tmp_path: Path) -> None:
    server = ReceiverServer(WEBHOOK_KEY, tmp_path / "kept.json")
    async with by_webhook(tmp_path, server) as session:
        first = await widen(session, 20)
        server.distort()
        outcome = await widen(session, 40, first.revision)
        assert outcome.state == "refused"
        assert "somebody" in outcome.line


async def test_a_kill_is_sent_until_it_is_taken(tmp_path: Path) -> None:
    server = ReceiverServer(WEBHOOK_KEY, tmp_path / "kept.json")
    async with by_webhook(tmp_path, server) as session:
        assert (await widen(session, 20)).state == "confirmed"
        turned_away = iter(["limited", "failing", "lost"])

        class Healing(list[str]):
            def append(self, line: str) -> None:
                super().append(line)
                server.fault = next(turned_away, None)  # type: ignore[arg-type]

        server.written = Healing()
        outcome = await session.control.change("production", "kill", exposures.nobody(), reason="it burns")
        assert outcome.state == "confirmed"
        assert len(server.written) == 3
        assert exposures.is_nobody(session.view().rollout.rollouts[0].configured.exposure or at(1))


async def begun(session: Session, server: VercelServer) -> None:
    """A release that was started elsewhere, and taken over."""
    server.start()
    await revision(session)
    assert (await session.control.accept("production", at(10))).state == "confirmed"


async def test_a_release_goes_forward_and_a_kill_aborts_it(tmp_path: Path) -> None:
    server = VercelServer(10, 20, 100)
    async with by_vercel(tmp_path, server) as session:
        await begun(session, server)
        assert (await widen(session, 20)).state == "confirmed"
        refused = await widen(session, 50)
        assert refused.state == "rejected"
        assert "100 %" in refused.line
        outcome = await session.control.change("production", "kill", exposures.nobody(), reason="it burns")
        assert outcome.state == "confirmed"
        assert server.release is not None
        assert server.release["state"] == "ABORTED"


async def test_an_approval_whose_answer_was_lost_is_never_called_not_applied(tmp_path: Path) -> None:
    server = VercelServer(10, 20, 100)
    async with by_vercel(tmp_path, server) as session:
        await begun(session, server)
        server.fault = "lost"
        assert (await widen(session, 20)).state == "unknown"
        server.fault = None
        await session.control.settle()
        assert [end for end, _ in ends(session)] == ["confirmed", "unknown", "superseded"]
        assert session.view().rollout.rollouts[0].configured.exposure == at(20)


async def test_an_approval_that_did_not_come_stays_unknown_until_somebody_looked(tmp_path: Path) -> None:
    server = VercelServer(10, 20, 100)
    async with by_vercel(tmp_path, server) as session:
        await begun(session, server)
        server.fault = "failing"
        assert (await widen(session, 20)).state == "unknown"
        server.fault = None
        await session.control.settle()
        assert [end for end, _ in ends(session)] == ["confirmed", "unknown"]
        assert server.release is not None
        assert server.release["activeStage"]["index"] == 0, "a fence moves nobody"
        assert (await session.control.accept("production", at(10))).state == "confirmed"
        assert (await widen(session, 20)).state == "confirmed"

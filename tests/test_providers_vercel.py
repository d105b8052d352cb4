"""Rolling releases of Vercel: forward by their own stages, back by an abort, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repz_console.facts import Exposure, RolloutState
from repz_console.plan.exposure import is_nobody, nobody
from repz_console.providers import vercel_release as releases
from repz_console.providers.base import Conflict, ProviderError, Refused
from repz_console.providers.vercel import VercelOptions
from tests.support.backend_server import Reply
from tests.support.backends import REGIONS, opened, to
from tests.support.providers import FEATURES
from tests.support.vercel_server import CANARY, PROJECT, STABLE, TEAM, TOKEN, VercelServer

PRODUCTION = releases.Whole("production", REGIONS, FEATURES)


def everybody(percent: float) -> Exposure:
    return Exposure(dict.fromkeys(REGIONS, percent), FEATURES) if percent else nobody()


class Recorder(VercelServer):
    """Keeps the bodies of what changes something, and fails where it is told to."""

    def __init__(self, *percents: float, minutes: int | None = None) -> None:
        super().__init__(*percents, minutes=minutes)
        self.bodies: list[Any] = []
        self.replies: dict[str, Reply] = {}
        """Method and the end of a path to what is answered there."""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if method == "POST":
            self.bodies.append(json.loads(body))
        for key, reply in self.replies.items():
            on, _, end = key.partition(" ")
            if method == on and path.partition("?")[0].endswith(end):
                return reply
        return super().answer(method, path, headers, body)


@asynccontextmanager
async def project(folder: Path, server: VercelServer, **options: Any) -> AsyncIterator[Any]:
    with server.running():
        table = {"api": server.url, "project": PROJECT, "team": TEAM, "token": {"secret": "vercel"}, "timeout": 10}
        async with opened("vercel", folder, {"vercel": TOKEN}, **table | options) as made:
            yield made


async def forward(backend: Any, percent: float, **more: Any) -> RolloutState:
    before = await backend.read("production")
    state: RolloutState = await backend.apply(to(everybody(percent), "op", more.pop("expect", before.revision), **more))
    return state


async def test_each_stage_is_approved_by_its_index_and_its_deployment(tmp_path: Path) -> None:
    server = Recorder(10, 25, 50, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        for percent in (25, 50, 100):
            state = await forward(backend, percent)
            assert state.exposure == everybody(percent)
        assert server.bodies == [
            {"nextStageIndex": 1, "canaryDeploymentId": CANARY},
            {"nextStageIndex": 2, "canaryDeploymentId": CANARY},
            {"canaryDeploymentId": CANARY},
        ]
        assert [line.rpartition("/")[2] for line in server.written] == ["approve-stage", "approve-stage", "complete"]


@pytest.mark.parametrize("percent", [10, 24, 26, 50, 100])
async def test_what_is_not_the_next_stage_is_refused_and_what_is_possible_is_said(
    tmp_path: Path, percent: float
) -> None:
    server = Recorder(20, 25, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        with pytest.raises(Refused, match=r"next stage is possible, 25 %, or nobody"):
            await forward(backend, percent)
        assert server.written == []


async def test_only_an_abort_goes_back(tmp_path: Path) -> None:
    server = Recorder(20, 60, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        await forward(backend, 60)
        with pytest.raises(Refused, match="next stage"):
            await forward(backend, 20)
        with pytest.raises(Refused, match="abort"):
            await forward(backend, 20, force=True)
        state = await forward(backend, 0)
        assert is_nobody(state.exposure)
        assert server.written[-1] == f"POST /v1/projects/{PROJECT}/rollback/{STABLE}"
        assert server.release is not None
        assert server.release["state"] == "ABORTED"


async def test_a_complete_release_is_rolled_back_though_it_stays_complete(tmp_path: Path) -> None:
    server = Recorder(20, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        assert (await forward(backend, 100)).exposure == everybody(100)
        killed = await forward(backend, 0, force=True)
        assert is_nobody(killed.exposure)
        assert server.release is not None
        assert server.release["state"] == "COMPLETE"
        assert server.alias is not None
        server.alias["jobStatus"] = "in-progress"
        state = await backend.read("production")
        assert (state.exposure, state.notes) == (everybody(100), ("it is being rolled back",))
        server.alias |= {"jobStatus": "succeeded", "toDeploymentId": CANARY}
        assert (await backend.read("production")).exposure == everybody(100)


async def test_another_deployment_is_another_revision(tmp_path: Path) -> None:
    server = Recorder(20, 60, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        seen = (await backend.read("production")).revision
        server.start("dpl_somebody_else_s")
        with pytest.raises(Conflict):
            await forward(backend, 60, expect=seen)
        server.start(CANARY)
        with pytest.raises(Conflict):
            await forward(backend, 60, expect=seen)
        assert server.written == []


async def test_a_release_of_another_deployment_is_not_ours_to_approve_but_to_abort(tmp_path: Path) -> None:
    server = Recorder(20, 60, 100)
    async with project(tmp_path, server, deployment="dpl_mine") as backend:
        server.start("dpl_other")
        state = await backend.read("production")
        assert state.exposure == everybody(20)
        assert "dpl_other" in state.notes[0]
        with pytest.raises(Refused, match="not of dpl_mine"):
            await forward(backend, 60)
        assert is_nobody((await forward(backend, 0, force=True)).exposure)
        server.go(2)
        assert is_nobody((await backend.read("production")).exposure)


async def test_a_start_is_checked_against_the_configuration(tmp_path: Path) -> None:
    server = Recorder(20, 60, 100, minutes=10)
    async with project(tmp_path, server) as backend:
        with pytest.raises(Refused, match="deploy to production"):
            await forward(backend, 20)
    server = Recorder(20, 60, 100, minutes=10)
    async with project(tmp_path, server, deployment=CANARY) as backend:
        with pytest.raises(Refused, match="first stage is possible now, 20 %"):
            await forward(backend, 60)
        server.advancement = "automatic"
        with pytest.raises(Refused, match="by themselves"):
            await forward(backend, 20)
        server.advancement = "manual-approval"
        for config in (None, {"enabled": False}, {"enabled": True, "stages": []}):
            server.replies = {"GET /config": (200, {"rollingRelease": config})}
            with pytest.raises(Refused, match="not enabled"):
                await forward(backend, 20)
        server.replies = {"GET /config": (500, {})}
        with pytest.raises(Refused, match="nothing was sent"):
            await forward(backend, 20)
        server.replies = {}
        assert server.written == []
        assert (await forward(backend, 20)).exposure == everybody(20)
        assert server.bodies == [{"canaryDeploymentId": CANARY}]


async def test_a_start_can_come_late_so_with_it_the_backend_is_blind(tmp_path: Path) -> None:
    async with project(tmp_path, VercelServer(20, 100)) as backend:
        assert backend.grade() == "compared"
    async with project(tmp_path, VercelServer(20, 100), deployment=CANARY) as backend:
        assert backend.grade() == "blind"


async def test_a_release_that_widens_by_itself_says_when_in_the_right_unit(tmp_path: Path) -> None:
    server = Recorder(20, 100, minutes=10)
    server.advancement = "automatic"
    async with project(tmp_path, server) as backend:
        server.start()
        notes = (await backend.read("production")).notes
        assert [note for note in notes if "by itself 10 min after" in note]


async def test_a_share_that_is_moving_is_the_larger_one_and_what_everybody_has_at_least(tmp_path: Path) -> None:
    server = Recorder(20, 60, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        assert server.release is not None
        server.release["currentCanaryPercentage"] = 7.5
        state = await backend.read("production")
        assert (state.exposure, state.least) == (everybody(20), everybody(7.5))
        server.release["currentCanaryPercentage"] = 20
        assert (await backend.read("production")).least is None


async def test_a_kill_goes_back_to_what_was_seen_where_nothing_can_be_asked(tmp_path: Path) -> None:
    server = Recorder(20, 60, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        server.replies = {"GET /rolling-release": (500, {})}
        with pytest.raises(Refused, match="nothing was sent"):
            await backend.apply(to(nobody(), "kill", "", force=True))
        server.replies = {}
        await backend.read("production")
        server.replies = {"GET /rolling-release": (500, {})}
        with pytest.raises(ProviderError) as caught:
            await backend.apply(to(nobody(), "kill", "", force=True))
        assert type(caught.value) is ProviderError
        assert server.release is not None
        assert server.release["state"] == "ABORTED"


async def test_a_release_at_nobody_yet_is_aborted_all_the_same(tmp_path: Path) -> None:
    server = Recorder(0, 100, minutes=1)
    server.advancement = "automatic"
    async with project(tmp_path, server) as backend:
        server.start()
        assert is_nobody((await backend.read("production")).exposure)
        await forward(backend, 0, force=True)
        assert server.release is not None
        assert server.release["state"] == "ABORTED"


async def test_an_abort_while_another_one_is_made_is_to_be_sent_again(tmp_path: Path) -> None:
    server = Recorder(20, 100)
    async with project(tmp_path, server) as backend:
        server.start()
        server.replies = {f"POST {STABLE}": (409, {})}
        with pytest.raises(ProviderError, match="not now") as caught:
            await forward(backend, 0, force=True)
        assert type(caught.value) is ProviderError
        with pytest.raises(Conflict):
            await forward(backend, 0)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        b"<html>",
        b"",
        b'{"rollingRelease": null, "rollingRelease": null}',
        {"rollingRelease": {}},
        {"rollingRelease": {"state": "PAUSED"}},
        {"rollingRelease": {"state": "ACTIVE", "activeStage": {"index": 0, "targetPercentage": "20"}}},
        {"rollingRelease": {"state": "ACTIVE", "activeStage": {"index": 0, "targetPercentage": 120}}},
        {"rollingRelease": {"state": "ACTIVE", "canaryDeployment": {"id": "../../rollback/x"}}},
    ],
)
async def test_what_cannot_be_understood_is_never_nobody(tmp_path: Path, answer: Any) -> None:
    server = Recorder(20, 100)
    server.replies = {"GET /rolling-release": (200, answer)}
    async with project(tmp_path, server) as backend:
        with pytest.raises(ProviderError):
            await backend.read("production")


async def test_a_release_without_its_stage_counts_as_everybody(tmp_path: Path) -> None:
    server = Recorder(20, 100)
    server.replies = {"GET /rolling-release": (200, {"rollingRelease": {"state": "ACTIVE"}})}
    async with project(tmp_path, server) as backend:
        state = await backend.read("production")
        assert state.exposure == everybody(100)
        assert any("taken for everybody" in note for note in state.notes)


def test_the_latest_of_none_is_nobody() -> None:
    state = releases.state(None, PRODUCTION)
    assert (is_nobody(state.exposure), state.revision) == (True, "none")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"project": "my-site"}, "prj_"),
        ({"project": "prj_../x"}, "prj_"),
        ({"team": "us"}, "team_"),
        ({"deployment": "https://x.vercel.app"}, "dpl_"),
        ({"api": "http://api.vercel.com"}, "https"),
        ({"token": "abc"}, "token"),
        ({"timeout": 0}, "timeout"),
        ({"propagation": 4000}, "propagation"),
        ({"proxy": "x"}, "proxy"),
    ],
)
def test_options_that_could_not_work_are_refused(wrong: dict[str, Any], word: str) -> None:
    right = {"project": PROJECT, "token": {"secret": "vercel"}}
    msgspec.convert(right, VercelOptions)
    with pytest.raises(msgspec.ValidationError, match=word):
        msgspec.convert(right | wrong, VercelOptions)

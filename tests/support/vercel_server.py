"""A stand-in for the part of Vercel's API that rolling releases use, as its documentation describes it."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.backend_server import BackendServer, Reply

PROJECT, TEAM, STABLE, CANARY = "prj_abc", "team_xyz", "dpl_stable", "dpl_canary"
TOKEN = "vercel-token-0123456789"
ROOT = f"/v1/projects/{PROJECT}"


class VercelServer(BackendServer):
    """One project with at most one release."""

    def __init__(self, *percents: float, minutes: int | None = None) -> None:
        """A release of these stages is configured and the last of them final; `minutes` is how long each lasts."""
        super().__init__()
        self.percents, self.minutes = percents, minutes
        self.advancement = "manual-approval"
        self.release: dict[str, Any] | None = None
        self.alias: dict[str, Any] | None = None
        self._now = int(time.time() * 1000)

    def start(self, canary: str = CANARY) -> None:
        """What deploying to production does."""
        self.release = {
            "state": "ACTIVE",
            "substate": None,
            "currentDeployment": {"id": STABLE, "name": "web"},
            "canaryDeployment": {"id": canary, "name": "web"},
            "queuedDeploymentId": None,
            "advancementType": self.advancement,
            "startedAt": self._tick(),
        }
        self.go(0)

    def go(self, index: int) -> None:
        """Move to a stage."""
        assert self.release is not None
        final = index == len(self.percents) - 1
        self.release |= {
            "stages": [self._stage(each) for each in range(len(self.percents))],
            "activeStage": self._stage(index),
            "nextStage": None if final else self._stage(index + 1),
            "state": "COMPLETE" if final else "ACTIVE",
            "updatedAt": self._tick(),
        }

    def distort(self) -> None:
        """Somebody else at the same moment."""
        assert self.release is not None
        if self.release["state"] == "ABORTED":
            self.start()
        elif self.release["nextStage"]:
            self.go(self.release["activeStage"]["index"] + 1)
        else:
            self.go(0)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """See the class."""
        if headers.get("authorization") != f"Bearer {TOKEN}" or parse_qs(urlsplit(path).query) != {"teamId": [TEAM]}:
            return 403, {"error": {"code": "forbidden"}}
        asked = json.loads(body) if body else {}
        match method, urlsplit(path).path.removeprefix(ROOT):
            case "GET", "/rolling-release":
                return 200, {"rollingRelease": self.release}
            case "GET", "/rolling-release/config":
                return 200, {"rollingRelease": self._config()}
            case "GET", other if other == f"/v9/projects/{PROJECT}":
                return 200, {"id": PROJECT, "name": "web", "lastAliasRequest": self.alias}
            case "POST", "/rolling-release/start":
                if self.release is None or self.release["state"] != "ACTIVE":
                    self.start(asked["canaryDeploymentId"])
                return 200, {"rollingRelease": self.release}
            case "POST", "/rolling-release/approve-stage" | "/rolling-release/complete" as what:
                return self._forward(what, asked)
            case "POST", other if other.startswith("/rollback/"):
                return self._roll_back(other.removeprefix("/rollback/"))
        return 404, {"error": {"code": "not_found"}}

    def _forward(self, what: str, asked: dict[str, Any]) -> Reply:
        if self.release is None or self.release["state"] != "ACTIVE":
            return 400, {"error": {"code": "no_release"}}
        if asked["canaryDeploymentId"] != self.release["canaryDeployment"]["id"]:
            return 400, {"error": {"code": "wrong_canary"}}
        following = self.release["activeStage"]["index"] + 1
        if what.endswith("approve-stage") and asked["nextStageIndex"] != following:
            return 409, {"error": {"code": "wrong_stage"}}
        self.go(following if what.endswith("approve-stage") else len(self.percents) - 1)
        return 200, {"rollingRelease": self.release}

    def _roll_back(self, deployment: str) -> Reply:
        if deployment != STABLE:
            return 422, {"error": {"code": "not_eligible"}}
        if self.release is not None and self.release["state"] == "ACTIVE":
            self.release |= {"state": "ABORTED", "activeStage": None, "nextStage": None, "updatedAt": self._tick()}
        self.alias = {
            "fromDeploymentId": CANARY,
            "toDeploymentId": deployment,
            "jobStatus": "succeeded",
            "requestedAt": self._tick(),
            "type": "rollback",
        }
        return 201, {}

    def _stage(self, index: int) -> dict[str, Any]:
        final = index == len(self.percents) - 1
        return {
            "index": index,
            "isFinalStage": final,
            "targetPercentage": self.percents[index],
            "requireApproval": self.advancement == "manual-approval",
            "duration": None if final or self.minutes is None else self.minutes * 60,
        }

    def _config(self) -> dict[str, Any]:
        stages = [{"targetPercentage": each, "duration": self.minutes} for each in self.percents]
        return {"enabled": True, "target": "production", "advancementType": self.advancement, "stages": stages}

    def _tick(self) -> int:
        self._now += 1
        return self._now

"""An Unleash as its Admin API behaves, traps included, in memory."""

from __future__ import annotations

import copy
import itertools
import json
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.support.backend_server import BackendServer, Reply

ADMIN = "user:admin-token-0123456789"
CLIENT = "default:production.client-token"
VIEWER = "user:viewer-token-0123456789"
MALLORY = "user:mallory-token-0123456789"
PEOPLE = {ADMIN: "admin", VIEWER: "viewer", MALLORY: "mallory"}
ENVIRONMENT = "production"


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.reply: Reply = (status, {"name": name, "message": message, "details": [{"message": message}]})


class UnleashServer(BackendServer):
    """One project `default` with the environment `production`."""

    def __init__(self, *flags: str) -> None:
        super().__init__()
        self.flags: dict[str, dict[str, Any]] = {flag: {"enabled": False, "strategies": []} for flag in flags}
        self.events: list[dict[str, Any]] = []
        self.takes_tests = True
        """Whether JSON-Patch `test` is known: it is not before version 7."""
        self.between: Callable[[], None] | None = None
        """Called once, after the tests of a PATCH and before it is written: what another request does then."""
        self.usage: dict[str, list[dict[str, Any]]] = {}
        self.dependencies: dict[str, list[Any]] = {}
        self._ids = itertools.count(1)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """As the real one, version 8."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token == CLIENT:
            return 403, {"message": "invalid token: expected a different token type for this endpoint"}
        if token not in PEOPLE:
            return Refusal(401, "UnauthorizedError", "You must log in to use Unleash.").reply
        try:
            address, _, query = path.partition("?")
            parts = [urllib.parse.unquote(part) for part in address.strip("/").split("/")]
            return self._answer(method, parts, dict(urllib.parse.parse_qsl(query)), token, body)
        except Refusal as refusal:
            return refusal.reply

    def edit(self, flag: str, *patch: dict[str, Any], token: str = MALLORY, strategy: int = 0) -> None:
        """Somebody changes a strategy of a flag."""
        self._patch(flag, self.flags[flag]["strategies"][strategy]["id"], list(patch), token)

    def add(self, flag: str, token: str = MALLORY, **strategy: Any) -> None:
        """Somebody adds a strategy."""
        self._add(flag, {"name": "flexibleRollout", **strategy}, token)

    def switch(self, flag: str, on: bool, token: str = MALLORY) -> None:
        """Somebody switches a flag on or off."""
        self._switch(flag, on, token)

    def distort(self) -> None:
        for flag in self.flags.values():
            for strategy in flag["strategies"]:
                strategy["parameters"]["rollout"] = "7"
                flag["enabled"] = True

    def _answer(self, method: str, parts: list[str], query: dict[str, str], token: str, body: bytes) -> Reply:
        match method, *parts:
            case "GET", "api", "admin", "user":
                granted = [] if token == VIEWER else [{"permission": "ADMIN"}]
                return 200, {"user": {"username": PEOPLE[token]}, "permissions": granted}
            case "GET", "api", "admin", "search", "events":
                name = query["feature"].removeprefix("IS:")
                found = [event for event in self.events if event["featureName"] == name][::-1]
                return 200, {"events": found[: int(query["limit"])], "total": len(found)}
            case "GET", "api", "admin", "client-metrics", "features", name:
                return 200, {"featureName": name, "lastHourUsage": self.usage.get(name, []), "seenApplications": []}
            case _, "api", "admin", "projects", project, "features", name, *rest:
                self._check(project, name)
                if method != "GET" and token == VIEWER:
                    raise Refusal(403, "PermissionError", "You don't have the required permissions")
                return self._of_flag(method, name, rest, token, json.loads(body) if body else None)
        raise Refusal(404, "NotFoundError", f"The path you were looking for (/{'/'.join(parts)}) is not available.")

    def _check(self, project: str, name: str) -> None:
        if name not in self.flags or project != "default":
            there = ', but there\'s a feature with that name in project "default"' if name in self.flags else ""
            raise Refusal(404, "NotFoundError", f'There\'s no feature named "{name}" in project "{project}"{there}')

    def _of_flag(self, method: str, name: str, rest: list[str], token: str, body: Any) -> Reply:
        match method, *rest:
            case ("GET",):
                here = {"name": ENVIRONMENT, **copy.deepcopy(self.flags[name])}
                there = {"name": "development", "enabled": True, "strategies": []}
                known = {"name": name, "project": "default", "dependencies": self.dependencies.get(name, [])}
                return 200, {**known, "archived": False, "environments": [there, here]}
            case "GET", "environments", "production":
                return 200, {"name": name, "environment": ENVIRONMENT, **copy.deepcopy(self.flags[name])}
            case "POST", "environments", "production", ("on" | "off") as switch:
                self._switch(name, switch == "on", token)
                return 200, b""
            case "POST", "environments", "production", "strategies":
                return 200, self._add(name, body, token)
            case "PATCH", "environments", "production", "strategies", strategy:
                return 200, self._patch(name, strategy, body, token)
            case "PUT", "environments", "production", "strategies", strategy:
                return 200, self._put(name, strategy, body, token)
            case "DELETE", "environments", "production", "strategies", strategy:
                self.flags[name]["strategies"].remove(self._find(name, strategy))
                self._log(name, "feature-strategy-remove", token)
                self._switch_off_without_strategies(name)
                return 200, b""
        raise Refusal(404, "NotFoundError", f"Could not find {name} in {rest[1] if len(rest) > 1 else ''}")

    def _find(self, name: str, strategy: str) -> dict[str, Any]:
        for each in self.flags[name]["strategies"]:
            if each["id"] == strategy:
                found: dict[str, Any] = each
                return found
        raise Refusal(404, "NotFoundError", f"Could not find strategy with id: {strategy}")

    def _log(self, name: str, kind: str, token: str, data: Any = None, before: Any = None) -> None:
        self.events.append(
            {
                "id": len(self.events) + 1,
                "type": kind,
                "createdBy": PEOPLE[token],
                "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "data": copy.deepcopy(data),
                "preData": copy.deepcopy(before),
                "featureName": name,
                "environment": ENVIRONMENT,
            }
        )

    def _switch(self, name: str, on: bool, token: str) -> None:
        flag = self.flags[name]
        if on and all(each["disabled"] for each in flag["strategies"]):
            # The trap: everybody.
            self._add(
                name, {"name": "flexibleRollout", "parameters": {"stickiness": "default", "groupId": name}}, token
            )
        if flag["enabled"] != on:
            flag["enabled"] = on
            self._log(name, f"feature-environment-{'enabled' if on else 'disabled'}", token)

    def _switch_off_without_strategies(self, name: str) -> None:
        flag = self.flags[name]
        if all(each["disabled"] for each in flag["strategies"]):
            flag["enabled"] = False

    def _whole(self, given: dict[str, Any], identity: str, order: int) -> dict[str, Any]:
        """What is left out is not kept, but taken from nowhere: `rollout` becomes 100."""
        return {
            "id": identity,
            "name": given["name"],
            "title": given.get("title"),
            "disabled": given.get("disabled", False),
            "constraints": given.get("constraints", []),
            "parameters": {"rollout": "100", **given.get("parameters", {})},
            "segments": given.get("segments", []),
            "variants": given.get("variants", []),
            "sortOrder": order,
        }

    def _valid(self, strategy: dict[str, Any]) -> None:
        """Any text is a rollout: 140, abc, 33.3."""
        if any(not isinstance(value, str) for value in strategy["parameters"].values()):
            raise Refusal(400, "BadDataError", "Request validation failed: parameters must be string")

    def _add(self, name: str, given: dict[str, Any], token: str) -> dict[str, Any]:
        strategy = self._whole(given, f"s{next(self._ids)}", len(self.flags[name]["strategies"]))
        self._valid(strategy)
        self.flags[name]["strategies"].append(strategy)
        self._log(name, "feature-strategy-add", token, strategy)
        return copy.deepcopy(strategy)

    def _put(self, name: str, identity: str, given: dict[str, Any], token: str) -> dict[str, Any]:
        old = self._find(name, identity)
        return self._store(name, old, self._whole({"name": old["name"], **given}, identity, old["sortOrder"]), token)

    def _patch(self, name: str, identity: str, patch: list[dict[str, Any]], token: str) -> dict[str, Any]:
        if not self.takes_tests and any(each["op"] == "test" for each in patch):
            raise Refusal(
                400, "BadDataError", 'The `op` property must be equal to one of the allowed values. You provided "test"'
            )
        old = self._find(name, identity)
        new = copy.deepcopy(old)
        for each in patch:
            patched(new, each)
        self._valid(new)
        between, self.between = self.between, None
        if between is not None:
            between()
        return self._store(name, old, new, token, base=copy.deepcopy(old) if between is None else None)

    def _store(
        self, name: str, old: dict[str, Any], new: dict[str, Any], token: str, base: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        before = base or copy.deepcopy(old)
        old.clear()
        old.update(new)
        self._log(name, "feature-strategy-update", token, new, before)
        self._switch_off_without_strategies(name)
        return copy.deepcopy(new)


def patched(document: Any, operation: dict[str, Any]) -> None:
    """Carry out one JSON-Patch operation. Raises `Refusal` where a test fails."""
    *way, last = operation["path"].strip("/").split("/")
    for step in way:
        document = document[int(step) if isinstance(document, list) else step]
    key: Any = int(last) if isinstance(document, list) else last
    if operation["op"] == "test":
        if document.get(key) != operation["value"]:
            raise Refusal(500, "UnknownError", "Test operation failed\nname: TEST_OPERATION_FAILED\nindex: 0")
    elif operation["op"] in ("add", "replace"):
        document[key] = operation["value"]
    elif operation["op"] == "remove":
        del document[key]

"""Backends of the real kinds that note what was done to them, outlive their clients and kill them on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from repz_console.config import Loaded, load
from repz_console.facts import Change, Exposure
from repz_console.plan.exposure import nobody
from repz_console.providers import unleash_state as states
from tests.support.backend_server import BackendServer, Reply
from tests.support.backends import WEBHOOK_KEY, ReceiverServer
from tests.support.providers import provider
from tests.support.sessions import CONFIG
from tests.support.unleash_server import ADMIN, UnleashServer
from tests.support.vercel_server import PROJECT, TEAM, TOKEN, VercelServer

Shares = dict[str, float]
"""Region to percent, for those above 0."""

SEED = "seed"
"""The id of the change that made a backend what it is when a console begins."""
PATIENCE = 30
"""Seconds that a request waits at most for what is to come before it."""


class Effect(Struct, frozen=True):
    """Something that was written to a backend."""

    op: str
    """The change that wrote it, as far as the request says."""
    did: str
    """The request, to tell the same one when it comes again."""
    before: Shares
    after: Shares


class Witness:
    """What one backend of a rollout shows, and what was done to it."""

    table: str
    """Its `[source.NAME]` table, without its head."""
    secrets = ""
    """The `[secret.NAME]` tables that it needs."""

    def __init__(self, feature: str) -> None:
        self.feature = feature
        self.effects: list[Effect] = []

    def shown(self) -> Shares:
        """Who sees its feature now."""
        raise NotImplementedError

    def seed(self, percent: float) -> None:
        """Let it show that everywhere, whoever made it so."""
        raise NotImplementedError

    def look(self) -> None:
        """Note what was written since, where no server does."""

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        """Serve until left."""
        yield


class Deadly(BackendServer):
    """A server that kills its client when a request that changes something comes, or when it was done."""

    witness: Noted
    client: Path
    """The file with the process id of whom to kill."""
    doom: tuple[str, int] | None = None
    """`arrived` or `done`, and at which such request, from 1."""
    late = False
    """Whether a request whose client was killed when it arrived waits for `lets_go` before it is done."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.lets_go, self.finished = threading.Event(), threading.Event()
        self.finished.set()
        self._seen = {"arrived": 0, "done": 0}
        self._waiting: int | None = None

    def arrived(self, changes: bool) -> None:
        if changes and self._reached("arrived"):
            self.finished.clear()
            self._waiting = threading.get_ident()
            self._kill()
            if self.late:
                self.lets_go.wait(PATIENCE)

    def done(self, changes: bool) -> None:
        if changes and self._reached("done"):
            self._kill()
        if self._waiting == threading.get_ident():
            self.finished.set()

    def _reached(self, where: str) -> bool:
        self._seen[where] += 1
        return self.doom == (where, self._seen[where])

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.client.read_text()), signal.SIGKILL)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        before = self.witness.shown()
        reply = super().answer(method, path, headers, body)
        if method != "GET" and reply[0] < 300:
            op, did = self.witness.told(path, body)
            self.witness.effects.append(Effect(op, f"{method} {path} {did}", before, self.witness.shown()))
        return reply


class DeadlyReceiver(Deadly, ReceiverServer):
    """The receiver of the docs."""


class DeadlyUnleash(Deadly, UnleashServer):
    """An Unleash."""


class DeadlyVercel(Deadly, VercelServer):
    """A Vercel project."""


class Noted(Witness):
    """One behind a server that notes each request that did something."""

    server: Deadly

    def told(self, path: str, body: bytes) -> tuple[str, str]:
        """The change that a request is of, and what tells it from another one."""
        raise NotImplementedError

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        self.server = self.made(folder)
        self.server.witness, self.server.client = self, folder / "pid"
        with self.server.running():
            yield

    def made(self, folder: Path) -> Deadly:
        """Its server, and its table."""
        raise NotImplementedError


def secret(folder: Path, name: str, value: str) -> str:
    """A `[secret.NAME]` table."""
    file = folder / f"{name}.secret"
    file.touch(0o600)
    file.write_text(value)
    return f'[secret.{name}]\nfile = "{file}"\n'


class Webhook(Noted):
    """The receiver of the docs, which promises what `checks` says."""

    def __init__(self, feature: str, checks: str) -> None:
        super().__init__(feature)
        self._checks = checks

    def made(self, folder: Path) -> Deadly:
        self._file = folder / "kept.json"
        return DeadlyReceiver(WEBHOOK_KEY, self._file)

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        with super().running(folder):
            self.secrets = secret(folder, "hook", WEBHOOK_KEY)
            url = self.server.url
            self.table = (
                f'kind = "webhook"\nurl = "{url}/"\nread_back = "{url}/rollouts/{{rollout}}"\n'
                f'signing_key = {{ secret = "hook" }}\nchecks = "{self._checks}"\ntimeout = 10\n'
            )
            yield

    def shown(self) -> Shares:
        server = self.server
        assert isinstance(server, DeadlyReceiver)
        exposure = server.receiver.shown("production")["exposure"]
        return _above_0(exposure["regions"]) if exposure["features"] else {}

    def seed(self, percent: float) -> None:
        exposure = {"regions": dict.fromkeys(("us", "world"), percent), "features": [self.feature]}
        shown = {"revision": SEED, "op": SEED, "exposure": {**exposure, "key": "targetingKey"}, "epoch": 0}
        self._file.write_text(json.dumps({"rollouts": {"production": shown}, "applied": {}}))
        server = self.server
        assert isinstance(server, DeadlyReceiver)
        server.receiver = type(server.receiver)(WEBHOOK_KEY, self._file)

    def told(self, path: str, body: bytes) -> tuple[str, str]:
        return json.loads(body)["rev"], ""


class Unleash(Noted):
    """A flag of an Unleash."""

    def made(self, folder: Path) -> Deadly:
        self.flag = f"repz.production.{self.feature}"
        return DeadlyUnleash(self.flag)

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        with super().running(folder):
            self.secrets = secret(folder, "unleash", ADMIN)
            self.table = (
                f'kind = "unleash"\nurl = "{self.server.url}"\ntoken = {{ secret = "unleash" }}\ntimeout = 10\n'
            )
            yield

    def _at(self) -> dict[str, Any]:
        server = self.server
        assert isinstance(server, DeadlyUnleash)
        return server.flags[self.flag]

    def shown(self) -> Shares:
        at = self._at()
        if not at["enabled"]:
            return {}
        found = {}
        for region, country in (("us", "US"), ("world", "BR")):
            shares = [float(each["parameters"]["rollout"]) for each in at["strategies"] if _takes(each, country)]
            found[region] = max(shares, default=0.0)
        return _above_0(found)

    def seed(self, percent: float) -> None:
        parameters = {"rollout": f"{percent:g}", "groupId": "repz.production", "stickiness": "userId"}
        server = self.server
        assert isinstance(server, DeadlyUnleash)
        server.add(self.flag, ADMIN, parameters=parameters)
        self._at()["enabled"] = True

    def told(self, path: str, body: bytes) -> tuple[str, str]:
        titles = [each["title"] for each in self._at()["strategies"]]
        asked = json.loads(body) if body else {}
        if isinstance(asked, list):
            titles = [each["value"] for each in asked if each["path"] == "/title"]
        elif asked:
            titles = [asked["title"]]
        stamps = [stamp for title in titles if (stamp := states.stamp_in(title)) is not None]
        newest = max(stamps, key=lambda stamp: stamp.number, default=None)
        return newest.op if newest is not None else "", body.decode()


class Vercel(Noted):
    """A release, which somebody started."""

    def made(self, folder: Path) -> Deadly:
        return DeadlyVercel(20, 60, 100)

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        with super().running(folder):
            self.secrets = secret(folder, "vercel", TOKEN)
            self.table = (
                f'kind = "vercel"\napi = "{self.server.url}"\nproject = "{PROJECT}"\nteam = "{TEAM}"\n'
                'token = { secret = "vercel" }\ntimeout = 10\n'
            )
            yield

    def shown(self) -> Shares:
        server = self.server
        assert isinstance(server, DeadlyVercel)
        release = server.release
        if release is None or release["activeStage"] is None:
            return {}
        return dict.fromkeys(("us", "world"), float(release["activeStage"]["targetPercentage"]))

    def seed(self, percent: float) -> None:
        server = self.server
        assert isinstance(server, DeadlyVercel)
        server.start()
        server.go([20, 60, 100].index(int(percent)))

    def told(self, path: str, body: bytes) -> tuple[str, str]:
        return "", body.decode()


class Flagd(Witness):
    """A flag file, which is looked at when somebody was there."""

    table = 'kind = "flagd"\npath = "flags.json"\n'

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        self._folder = folder
        self._number, self._last = 0, Effect("", "", {}, {})
        yield

    def _read(self) -> tuple[int, str, Shares]:
        loaded: Loaded = load(self._folder / "config.toml")
        controller = next(name for name, each in loaded.plan.source.items() if each.kind == "flagd")
        flagd = provider("flagd", self._folder, controller, loaded.plan, path="flags.json")
        (state,) = flagd._read(_file(self._folder), ["production"])
        return int(state.revision.partition("-")[0]), state.op, _above_0(state.exposure.percent)

    def shown(self) -> Shares:
        return self._read()[2]

    def seed(self, percent: float) -> None:
        loaded = load(self._folder / "config.toml")
        controller = next(name for name, each in loaded.plan.source.items() if each.kind == "flagd")
        flagd = provider("flagd", self._folder, controller, loaded.plan, path="flags.json")
        exposure = Exposure(dict.fromkeys(("us", "world"), percent), (self.feature,))
        flagd._apply(_file(self._folder), Change(SEED, "production", exposure, "0", "somebody"), float("inf"))
        self._number, _, shown = self._read()
        self._last = Effect(SEED, "", {}, shown)

    def look(self) -> None:
        number, op, shown = self._read()
        # Each writing counts one on: what was written over in between shows as one too many.
        for each in range(self._number + 1, number + 1):
            by = op if each == number else ""
            self.effects.append(Effect(by, f"revision {each}", self._last.after, shown))
        self._number, self._last = number, Effect(op, "", {}, shown)


def _file(folder: Path) -> Any:
    from repz_console.providers.flagd_file import FlagFile

    return FlagFile(folder / "flags.json")


def _above_0(shares: Mapping[str, float]) -> Shares:
    return {region: percent for region, percent in sorted(shares.items()) if percent > 0}


def _takes(strategy: dict[str, Any], country: str) -> bool:
    return not strategy["disabled"] and all(
        (country in each["values"]) == (each["operator"] == "IN") for each in strategy["constraints"]
    )


_USUAL = {"set": 5.0, "rollback": 50.0, "kill": 50.0}
SEEDS: dict[str, dict[str, float]] = {
    "flagd": _USUAL,
    "webhook keyed": _USUAL,
    "webhook blind": _USUAL,
    "unleash": _USUAL,
    "unleash anew": {"set": 0, "kill": 0},
    "vercel": {"set": 20, "rollback": 60, "kill": 60},
    "parts": _USUAL,
}
"""What a backend shows everywhere when a console begins, by kind and what the console does."""


def _target(kind: str, *features: str) -> dict[str, Exposure | None]:
    shares = {"us": 60.0, "world": 60.0} if kind == "vercel" else {"us": 20.0, "world": 10.0}
    back = nobody() if kind == "vercel" else Exposure({"us": 5.0, "world": 5.0}, features)
    return {"set": Exposure(shares, features), "rollback": back, "kill": None}


TARGETS = {kind: _target(kind, *(("banner", "core") if kind == "parts" else ("core",))) for kind in SEEDS}
"""Where it takes the rollout."""


class Place:
    """A launch in a folder of its own, over backends of one kind."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        name, _, promise = kind.partition(" ")
        self.witnesses: list[Witness] = {
            "flagd": lambda: [Flagd("core")],
            "webhook": lambda: [Webhook("core", promise)],
            "unleash": lambda: [Unleash("core")],
            "vercel": lambda: [Vercel("core")],
            "parts": lambda: [Unleash("core"), Flagd("banner")],
        }[name]()

    @property
    def servers(self) -> list[Deadly]:
        """Its servers."""
        return [each.server for each in self.witnesses if isinstance(each, Noted)]

    @contextmanager
    def running(self, what: str) -> Iterator[Loaded]:
        """Ready for a console that is to do `what`."""
        with ExitStack() as stack:
            for each in self.witnesses:
                stack.enter_context(each.running(self.folder))
            path = self.folder / "config.toml"
            path.write_text(self._config())
            path.chmod(0o600)
            (self.folder / "kind").write_text(self.kind)
            percent = SEEDS[self.kind][what]
            for each in self.witnesses:
                if percent:
                    each.seed(percent)
            yield load(path)

    def _config(self) -> str:
        tables = [f"every = 1\n{each.table}" for each in self.witnesses]
        plain = '[source.flags]\nkind = "flagd"\nevery = 1\npath = "flags.json"\n'
        if len(tables) == 1:
            text = CONFIG.replace(plain, f"[source.flags]\n{tables[0]}")
        else:
            parts = "".join(
                f'[[rollout.production.part]]\ncontroller = "{each.feature}"\nfeatures = ["{each.feature}"]\n'
                for each in self.witnesses
            )
            named = [f"[source.{one.feature}]\n{table}" for one, table in zip(self.witnesses, tables, strict=True)]
            text = CONFIG.replace(plain, "".join(named)).replace('controller = "flags"\n', "")
            text = text.replace("[[rollout.production.stage]]", parts + "[[rollout.production.stage]]", 1)
            text = text.replace('features = ["core"]\nphase', 'features = ["core", "banner"]\nphase')
            text += '[[feature]]\nid = "banner"\ntitle = "Banner"\n'
        return text + "".join(each.secrets for each in self.witnesses)

"""One entry for each kind of rollout backend: how the contract suite makes one, and gets behind it.

A kind of somebody else is added by `--backend MODULE:NAME`, where NAME is a function like those in `BACKENDS`.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs

from docs.webhook_receiver import Receiver
from repz_console.facts import Exposure
from repz_console.plan.secrets import SecretPlace
from repz_console.vault import Vault
from tests.support.backend_server import BackendServer, Reply
from tests.support.providers import FEATURES, change, context, plan
from tests.support.unleash_server import ADMIN, UnleashServer
from tests.support.vercel_server import PROJECT, TEAM, TOKEN, VercelServer

SOURCE = "flags"
"""What the suite's plan calls the controller of its rollouts `production` and `beta`."""
REGIONS = ("us", "ca", "english", "world")
PATIENCE = 10.0
"""Seconds that a backend waits for a server on a busy machine."""
IMPATIENCE = 2.0
"""Seconds that one waits for a server that will not answer."""


@dataclass
class Backend:
    """A backend that is open, with all that the suite needs to know of it."""

    provider: Any
    """The backend, as source `flags`; nobody has anything yet of the rollout `production`."""
    ramp: tuple[Exposure, ...]
    """At least two exposures that it can be taken to, one after the other, each wider than the one before."""
    meddle: Callable[[], Any]
    """Somebody else changes what `production` shows, once it shows the first of `ramp`. May be a coroutine."""
    server: BackendServer | None = None
    """The server behind it; None for one without, whose faults then are not the suite's."""
    hasty: Any = None
    """The same backend over the same server, with the least patience for it."""
    one_request: bool = True
    """Whether a change is made by one request, so that it is taken whole or not at all."""
    secrets: tuple[str, ...] = ()
    """What must show nowhere."""
    environment: dict[str, str] = field(default_factory=dict)
    """The variables that its card names."""


Maker = Callable[[Path], AbstractAsyncContextManager[Backend]]
WIDE = (Exposure({"us": 20, "ca": 12.34}, ("core", "full")), Exposure({"us": 30, "ca": 12.34}, FEATURES))
"""A ramp for a backend that can do what a plan may ask for."""


@asynccontextmanager
async def flagd(folder: Path) -> AsyncIterator[Backend]:
    """A file."""
    file = folder / "flags.json"

    def meddle() -> None:
        document = json.loads(file.read_text())
        document["flags"]["repz.production.core"].pop("targeting")
        file.write_text(json.dumps(document))

    async with opened("flagd", folder, path=str(file)) as provider:
        yield Backend(provider, WIDE, meddle)


class ReceiverServer(BackendServer):
    """The receiver of docs/webhook_receiver.py."""

    def __init__(self, secret: str, file: Path) -> None:
        super().__init__()
        self.receiver, self.file = Receiver(secret, file), file
        self.gateway = ""
        """The Authorization header without which nothing passes."""
        self.now: float | None = None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        import time

        if self.gateway and headers.get("authorization") != self.gateway:
            return 403, {"why": "no"}
        if method == "GET":
            return 200, self.receiver.shown(path.rpartition("/")[2])
        status, why = self.receiver.receive(headers, body, time.time() if self.now is None else self.now)
        return status, {"why": why}

    def distort(self) -> None:
        """Make the share of every region another one."""
        kept = json.loads(self.file.read_text())
        shown = kept["rollouts"]["production"]
        shown["exposure"] |= {"regions": dict.fromkeys(shown["exposure"]["regions"], 7), "features": ["core"]}
        shown |= {"revision": "edited", "op": "", "changed_by": "somebody"}
        self.file.write_text(json.dumps(kept))
        self.receiver = Receiver(self.secret, self.file)

    @property
    def secret(self) -> str:
        """The key in use."""
        return WEBHOOK_KEY


WEBHOOK_KEY = "whsec_" + base64.b64encode(b"the webhook's own key, 32 bytes.").decode()
GATEWAY = "gateway-token-0123456789"


@asynccontextmanager
async def webhook(folder: Path) -> AsyncIterator[Backend]:
    """The receiver from the docs, behind a gateway that wants a token."""
    server = ReceiverServer(WEBHOOK_KEY, folder / "kept.json")
    server.gateway = f"Bearer {GATEWAY}"
    with server.running():
        options = {
            "url": f"{server.url}/",
            "read_back": f"{server.url}/rollouts/{{rollout}}",
            "signing_key": {"secret": "hook"},
            "headers": {"authorization": {"secret": "gate-way", "prefix": "Bearer "}},
            "checks": "keyed",
        }
        secrets = {"hook": WEBHOOK_KEY, "gate-way": GATEWAY}
        async with (
            opened("webhook", folder, secrets, timeout=PATIENCE, **options) as provider,
            opened("webhook", folder, secrets, timeout=IMPATIENCE, **options) as hasty,
        ):
            environment = {"SECRET_HOOK": WEBHOOK_KEY, "SECRET_GATE_WAY": GATEWAY}
            yield Backend(provider, WIDE, server.distort, server, hasty, True, tuple(secrets.values()), environment)


@asynccontextmanager
async def vercel(folder: Path) -> AsyncIterator[Backend]:
    """A project whose release is to be started."""
    server = VercelServer(20, 60, 100)
    with server.running():
        options = {"api": server.url, "project": PROJECT, "team": TEAM, "token": {"secret": "vercel"}}
        options["deployment"] = "dpl_canary"
        async with (
            opened("vercel", folder, {"vercel": TOKEN}, timeout=PATIENCE, **options) as provider,
            opened("vercel", folder, {"vercel": TOKEN}, timeout=IMPATIENCE, **options) as hasty,
        ):
            ramp = tuple(Exposure(dict.fromkeys(REGIONS, percent), FEATURES) for percent in (20.0, 60.0, 100.0))
            yield Backend(provider, ramp, server.distort, server, hasty, True, (TOKEN,), {"SECRET_VERCEL": TOKEN})


@asynccontextmanager
async def unleash(folder: Path) -> AsyncIterator[Backend]:
    """A server with a flag for each feature, all off."""
    server = UnleashServer(*(f"repz.{rollout}.{feature}" for rollout in plan().rollout for feature in FEATURES))
    with server.running():
        options = {"url": server.url, "token": {"secret": "un-leash"}}
        secrets = {"un-leash": ADMIN}
        async with (
            opened("unleash", folder, secrets, timeout=PATIENCE, **options) as provider,
            opened("unleash", folder, secrets, timeout=IMPATIENCE, **options) as hasty,
        ):
            ramp = tuple(structs.replace(each, percent=each.percent | {"ca": 12.0}) for each in WIDE)

            def meddle() -> None:
                patch = {"op": "replace", "path": "/parameters/rollout", "value": "77"}
                server.edit("repz.production.core", patch)

            environment = {"SECRET_UN_LEASH": ADMIN}
            yield Backend(provider, ramp, meddle, server, hasty, False, (ADMIN,), environment)


BACKENDS: dict[str, Maker] = {"flagd": flagd, "webhook": webhook, "vercel": vercel, "unleash": unleash}
"""Every built-in kind that writes rollouts."""


@asynccontextmanager
async def opened(kind: str, folder: Path, secrets: dict[str, str] | None = None, **options: Any) -> AsyncIterator[Any]:
    """A provider of a kind, with a vault of `secrets`."""
    from msgspec import convert

    from repz_console.providers import registry

    async with AsyncExitStack() as stack:
        cls = registry.load(kind)
        vault = vault_of(folder, secrets) if secrets else None
        made = cls(convert(options, cls.Options), structs.replace(context(folder, SOURCE, plan()), vault=vault))
        yield await stack.enter_async_context(made)


def vault_of(folder: Path, secrets: dict[str, str]) -> Vault:
    """A vault of files in `folder`."""
    places = {}
    for name, value in secrets.items():
        file = folder / f"{name}.secret"
        file.touch(0o600)
        file.write_text(value)
        places[name] = SecretPlace(file=os.fspath(file))
    return Vault(places, folder)


def to(exposure: Exposure, op: str, expect: str, **more: Any) -> Any:
    """A change of `production` to an exposure."""
    return structs.replace(change(op, {}, expect=expect, **more), target=exposure)

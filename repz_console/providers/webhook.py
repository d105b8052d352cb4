"""The kind `webhook`: rollouts of a system of one's own, told by signed messages and asked what it shows.

Every change is a Standard Webhooks message; what then holds is read from a second address, since that a message was
taken says nothing of what anybody sees.
"""

from __future__ import annotations

import shlex
import time
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from msgspec import field

from repz_console.facts import Abilities, Change, Facts, RolloutState
from repz_console.plan.exposure import is_nobody, nobody, same, widens
from repz_console.plan.secrets import SecretRef
from repz_console.providers import break_glass, ours, standard_webhooks
from repz_console.providers import webhook_message as messages
from repz_console.providers.address import check_proxy, check_url, host_of, without_query
from repz_console.providers.base import Conflict, Context, Grade, Options, Provider, ProviderError, Refused
from repz_console.providers.headers import Headers, check_headers, revealed
from repz_console.providers.net import Client
from repz_console.providers.taken import check_taken
from repz_console.text import safe

ROLLOUT = "{rollout}"
"""What stands in `read_back` for the rollout's id."""


class WebhookOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "webhook"`."""

    url: str
    """Where messages are posted."""
    read_back: str
    """Where the receiver tells what is configured; `{rollout}` in it stands for the rollout's id."""
    signing_key: SecretRef
    """`{ secret = "NAME" }`: `whsec_` and base64 of 24 to 64 bytes; two with a blank between them while keys change."""
    checks: Literal["keyed", "compared", "blind"] = "blind"
    """What the receiver promises. `compared`: it refuses a message whose `expected_rev` is not its revision, in one
    step with applying it. `keyed`: that, and it gives back the `rev` of what it applied as `op`, and applies one `rev`
    once. `blind`: nothing."""
    headers: Headers = field(default_factory=dict)
    """Sent with each request, for a gateway before the receiver. A secret is named: `{ secret = "NAME" }`."""
    propagation: float = 60
    """Seconds until everybody may be expected to see a change."""
    timeout: float = 3
    """Seconds for each request; a change makes up to three, and the console waits ten seconds for it."""
    proxy: str = ""
    """An HTTP proxy to go through, `http://HOST:PORT`. The environment's proxies are not used."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        check_url(self.url)
        check_url(self.read_back, "read_back")
        if ROLLOUT not in self.read_back.partition("://")[2].partition("/")[2]:
            raise ValueError(f"read_back must name the rollout, as in https://example.org/rollouts/{ROLLOUT}")
        if self.signing_key.prefix:
            raise ValueError("signing_key takes no prefix")
        check_headers(self.headers)
        if self.proxy:
            check_proxy(self.proxy)
        if not 0 <= self.propagation <= 3600:
            raise ValueError("propagation must be from 0 to 3600 seconds")
        if not 0 < self.timeout <= 10:
            raise ValueError("timeout must be more than 0 and at most 10 seconds")


class Webhook(Provider):
    """Tells a receiver of changes, and reads from it what holds."""

    kind: ClassVar[str] = "webhook"
    own_config_only = False
    tells = frozenset({"rollouts"})
    Options = WebhookOptions
    options: WebhookOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._client = Client(self.options.url, self.options.read_back, proxy=self.options.proxy)
        self._receiver = safe(host_of(self.options.url), 100)

    async def fetch(self) -> Facts:
        """What the receiver says of every rollout that this source controls. Raises `ProviderError`, also when just
        one of them cannot be understood."""
        states = tuple([await self.read(name) for name in ours.rollouts(self.context)])
        return Facts(rollouts=states, notes=self._client.notes)

    async def read(self, rollout: str) -> RolloutState:
        """What the receiver says of one rollout, read afresh."""
        ours.rollout(self.context, rollout)
        headers = await revealed(self.options.headers, self.context)
        url = self._read_back(rollout)
        said = await self._client.read(url, messages.Said, deadline=self.options.timeout, headers=headers)
        try:
            return messages.state(said, rollout, frozenset(region.id for region in self.context.plan.region))
        except ProviderError as error:
            raise ProviderError(f"what {safe(host_of(url), 100)} says: {error.fault.what}") from None

    async def apply(self, change: Change) -> RolloutState:
        """Send the message, and return what the receiver then says.

        A kill is sent without a look, so that it also works where the read-back does not. Everything else is looked at
        before: what that shows to be impossible is never sent.
        """
        ours.rollout(self.context, change.rollout)
        trouble = messages.why_not(change.target, self.context.plan, change.rollout)
        if trouble:
            raise Refused(trouble)
        if not (change.force and is_nobody(change.target)):
            before = await self._before(change)
            if before.op == change.op and same(before.exposure, change.target):
                return before
            self._check(before, change)
        await self._post(change)
        after = await self.read(change.rollout)
        if not same(after.exposure, change.target):
            raise ProviderError(f"{self._receiver} took it, but shows something else")
        if self.options.checks == "keyed" and after.op != change.op:
            raise ProviderError(f"{self._receiver} took it, but does not say that this change wrote what it shows")
        return after

    def grade(self) -> Grade:
        """What the config says that the receiver promises."""
        return self.options.checks

    def propagation(self) -> float:
        """Seconds until everybody may be expected to see a change."""
        return self.options.propagation

    def abilities(self) -> Abilities:
        """A receiver is asked for anything that a plan may ask for; what it cannot do, it refuses."""
        promised = self.options.checks != "blind"
        return Abilities(
            compares="atomic" if promised else "stale",
            dry_run=True,
            propagation=self.options.propagation,
            cannot="" if promised else "a change without an answer stays unknown: the receiver promises no comparison",
        )

    async def ready(self) -> str:
        """Empty if the receiver can be asked and there is a key to sign with. Whether it takes a message, only one that
        is sent can tell."""
        try:
            await self._key()
            for name in ours.rollouts(self.context)[:1]:
                await self.read(name)
        except ProviderError as error:
            return error.fault.what
        return ""

    def calls(self, change: Change) -> tuple[str, ...]:
        """The message, and the looks before and after it."""
        body = messages.message(change, self.context.plan).decode()
        look = f"GET {without_query(self._read_back(change.rollout))}"
        post = f"POST {without_query(self.options.url)} {safe(body, 4000)}"
        return (post, look) if change.force and is_nobody(change.target) else (look, post, look)

    def card(self, rollout: str) -> tuple[str, ...]:
        """A signed message that asks for nobody, and a look at what came of it."""
        options = self.options
        change = Change(
            "@REV@", rollout, nobody(), "", "break-glass card", reason="without the console", force=True, epoch=0
        )
        body = messages.message(change, self.context.plan).decode()
        secrets = (options.signing_key, *break_glass.secrets_in(options.headers))
        extra = break_glass.printed(options.headers)
        look = f"curl -sS --max-time 30 {shlex.quote(self._read_back(rollout))}; echo"
        key = break_glass.variable(options.signing_key.secret)
        return (
            f"# Takes {rollout} to nobody: a signed message to {self._receiver}. Needs curl and python3.",
            *break_glass.needs(*secrets),
            'REV="break-glass-$(date +%s)-$$"',
            f'BODY="$(printf %s {shlex.quote(body)} | sed "s/@REV@/$REV/")"',
            f'{{ KEYS="${key}" python3 -c {shlex.quote(_SIGN)} "$REV" "$BODY"{f"; {extra}" if extra else ""}; }}'
            f" | {break_glass.CURL} -X POST -H @- -H 'content-type: application/json' --data-binary \"$BODY\""
            f" {shlex.quote(options.url)}",
            "# Then look: every region is to be at 0.",
            f"{{ {extra}; }} | {look.replace('curl', 'curl -H @-', 1)}" if extra else look,
        )

    def _read_back(self, rollout: str) -> str:
        return self.options.read_back.replace(ROLLOUT, quote(rollout, safe=""))

    async def _before(self, change: Change) -> RolloutState:
        try:
            return await self.read(change.rollout)
        except ProviderError as error:
            raise Refused(f"nothing was sent, for {error.fault.what}", retry_after=error.fault.retry_after) from None

    def _check(self, before: RolloutState, change: Change) -> None:
        if not change.force and before.revision != change.expect:
            raise Conflict(f"{change.rollout} is at revision {before.revision}, not at {safe(change.expect, 60)}")
        if widens(before.exposure, change.target):
            if change.force:
                raise Refused("a forced change may only show less")
            if before.epoch > change.epoch:
                raise Refused(f"another store took {change.rollout} over since: only it may show more")

    async def _key(self) -> str:
        name = self.options.signing_key.secret
        key = (await self.context.secret(name, fresh=True)).reveal()
        try:
            standard_webhooks.keys(key)
        except ValueError as error:
            raise ProviderError(f"secret {name} signs nothing: {error}") from None
        return key

    async def _post(self, change: Change) -> None:
        body = messages.message(change, self.context.plan)
        try:
            headers = dict(await revealed(self.options.headers, self.context, fresh=True))
            headers |= standard_webhooks.signed(await self._key(), change.op, int(time.time()), body)
        except ProviderError as error:
            raise Refused(error.fault.what) from None
        headers |= {"idempotency-key": change.op, "content-type": "application/json"}
        answer = await self._client.fetch(
            "POST", self.options.url, deadline=self.options.timeout, headers=headers, content=body, whole=False
        )
        check_taken(answer, self._receiver, force=change.force)


_SIGN = (
    "import base64, hashlib, hmac, os, sys, time; rev, body = sys.argv[1:]; at = str(int(time.time())); "
    "sign = lambda key: base64.b64encode(hmac.new(base64.b64decode(key[6:]), "
    'f"{rev}.{at}.{body}".encode(), hashlib.sha256).digest()).decode(); '
    'print("webhook-id: " + rev); print("idempotency-key: " + rev); print("webhook-timestamp: " + at); '
    'print("webhook-signature: " + " ".join("v1," + sign(key) for key in os.environ["KEYS"].split()))'
)
"""Prints the headers of a signed message."""

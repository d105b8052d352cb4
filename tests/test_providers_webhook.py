"""Rollouts by webhook: what is signed, what is sent, and what is made of the receiver's answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.facts import Exposure
from repz_console.plan.exposure import is_nobody, nobody, same
from repz_console.providers import standard_webhooks
from repz_console.providers import webhook_message as messages
from repz_console.providers.base import Conflict, ProviderError, Refused
from repz_console.providers.webhook import WebhookOptions
from tests.support.backend_server import BackendServer, Reply
from tests.support.backends import GATEWAY, WEBHOOK_KEY, Backend, ReceiverServer, opened, to, webhook
from tests.support.providers import change, plan

VECTOR = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TWENTY = Exposure({"us": 20.0}, ("core",))
OTHER_KEY = "whsec_" + base64.b64encode(b"another key of a receiver, 34 byte").decode()


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    async with webhook(tmp_path) as made:
        yield made


def test_the_published_vector() -> None:
    headers = standard_webhooks.signed(VECTOR, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_keys_are_exchanged_each_signs() -> None:
    both = standard_webhooks.signed(f"{VECTOR} {OTHER_KEY}", "op", 1, b"x")["webhook-signature"].split()
    one, other = (standard_webhooks.signed(key, "op", 1, b"x")["webhook-signature"] for key in (VECTOR, OTHER_KEY))
    assert both == [one, other]


@pytest.mark.parametrize(
    "secret",
    ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_no base64", "whsec_%%%%", f"{VECTOR} nonsense"]
    + ["whsec_" + base64.b64encode(bytes(length)).decode() for length in (23, 65)],
)
def test_what_is_no_key_signs_nothing_and_is_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match=r"it |a key has|what follows") as caught:
        standard_webhooks.signed(secret, "op", 1, b"")
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize("length", [24, 64])
def test_keys_of_the_least_and_the_most_bytes_sign(length: int) -> None:
    key = bytes(range(length))
    signature = standard_webhooks.signed("whsec_" + base64.b64encode(key).decode(), "op", 7, b"x")["webhook-signature"]
    assert signature == "v1," + base64.b64encode(hmac.new(key, b"op.7.x", hashlib.sha256).digest()).decode()


def test_the_body_says_everything_and_names_every_region() -> None:
    asked = change("op-1", {"us": 20, "ca": 0}, "core", expect="r7", plan_hash="abc", reason="go", epoch=2)
    assert json.loads(messages.message(asked, plan())) == {
        "type": "rollout.change",
        "plan": "repz",
        "plan_hash": "abc",
        "rollout": "production",
        "rev": "op-1",
        "expected_rev": "r7",
        "force": False,
        "epoch": 2,
        "desired": {
            "percent": 20,
            "regions": {"us": 20, "ca": 0, "english": 0, "world": 0},
            "features": ["core"],
            "key": "targetingKey",
        },
        "actor": "maya",
        "reason": "go",
    }


async def test_a_change_is_sent_under_its_own_id_and_signed_anew_each_time(backend: Backend) -> None:
    sent: list[dict[str, str]] = []
    server = backend.server
    assert isinstance(server, ReceiverServer)
    answer = server.answer

    def listen(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if method == "POST":
            sent.append(headers)
        return answer(method, path, headers, body)

    server.answer = listen  # type: ignore[method-assign]
    server.fault = "failing after"
    kill = to(nobody(), "op-1", "0", force=True)
    for _ in range(2):
        with pytest.raises(ProviderError):
            await backend.provider.apply(kill)
    assert [headers["webhook-id"] for headers in sent] == ["op-1", "op-1"]
    assert [headers["idempotency-key"] for headers in sent] == ["op-1", "op-1"]
    assert all(headers["webhook-signature"].startswith("v1,") for headers in sent)
    assert all(headers["authorization"] == f"Bearer {GATEWAY}" for headers in sent)


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (200, None, ""),
        (202, None, ""),
        (204, None, ""),
        (301, ProviderError, "redirect"),
        (304, ProviderError, "not known"),
        (400, Refused, "400"),
        (403, Refused, "right"),
        (408, ProviderError, "not known"),
        (409, Conflict, "meanwhile"),
        (410, Refused, "disabled"),
        (422, Refused, "422"),
        (500, ProviderError, "not known"),
        (599, ProviderError, "not known"),
    ],
)
async def test_what_a_status_means(backend: Backend, status: int, kind: type[ProviderError] | None, word: str) -> None:
    server = backend.server
    assert isinstance(server, ReceiverServer)
    answer = server.answer

    def answered(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if method == "GET":
            return answer(method, path, headers, body)
        if status < 300:
            answer(method, path, headers, body)
        return status, {}

    server.answer = answered  # type: ignore[method-assign]
    asked = to(TWENTY, "op", "0")
    if kind is None:
        assert same((await backend.provider.apply(asked)).exposure, TWENTY)
        return
    with pytest.raises(kind, match=word) as caught:
        await backend.provider.apply(asked)
    assert type(caught.value) is kind
    assert is_nobody((await backend.provider.read("production")).exposure)


async def test_a_receiver_that_took_it_and_shows_another_s_change_is_not_believed(tmp_path: Path) -> None:
    class Forgetful(ReceiverServer):
        def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
            status, said = super().answer(method, path, headers, body)
            return status, {**said, "op": "other"} if method == "GET" else said

    server = Forgetful(WEBHOOK_KEY, tmp_path / "kept.json")
    with server.running():
        for checks, believed in (("keyed", False), ("compared", True), ("blind", True)):
            async with opened("webhook", tmp_path, {"hook": WEBHOOK_KEY}, **options(server, checks=checks)) as made:
                before = await made.read("production")
                asked = to(Exposure({"us": 20.0}, ("core",)), f"op-{checks}", before.revision)
                if believed:
                    assert same((await made.apply(asked)).exposure, TWENTY)
                else:
                    with pytest.raises(ProviderError, match="does not say that this change"):
                        await made.apply(asked)
                assert made.grade() == checks


class Naive(BackendServer):
    """A receiver that checks nothing, and may not do what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        nobody: dict[str, Any] = {"regions": {}, "features": []}
        self.shown: dict[str, Any] = {"rollout": "production", "revision": "r0", "exposure": nobody}
        self.obeys = True

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if method == "POST" and self.obeys:
            asked = json.loads(body)
            self.shown |= {"revision": asked["rev"], "exposure": asked["desired"], "epoch": asked["epoch"]}
        return 200, self.shown


async def test_what_a_receiver_does_not_check_is_looked_at_before(tmp_path: Path) -> None:
    server = Naive()
    with server.running():
        async with opened("webhook", tmp_path, {"hook": WEBHOOK_KEY}, **options(server)) as made:
            state = await made.apply(to(TWENTY, "one", "r0", epoch=2))
            assert (state.revision, state.epoch) == ("one", 2)
            server.written.clear()
            wider = Exposure({"us": 30.0}, ("core",))
            with pytest.raises(Conflict):
                await made.apply(to(wider, "two", "r0", epoch=2))
            with pytest.raises(Refused, match="took production over"):
                await made.apply(to(wider, "two", "one", epoch=1))
            with pytest.raises(Refused, match="only show less"):
                await made.apply(to(wider, "two", "one", epoch=2, force=True))
            assert server.written == []
            less = Exposure({"us": 10.0}, ("core",))
            assert same((await made.apply(to(less, "two", "one", epoch=1))).exposure, less)


async def test_a_receiver_that_says_yes_and_does_nothing_is_not_believed(tmp_path: Path) -> None:
    server = Naive()
    server.obeys = False
    with server.running():
        async with opened("webhook", tmp_path, {"hook": WEBHOOK_KEY}, **options(server)) as made:
            with pytest.raises(ProviderError, match="shows something else") as caught:
                await made.apply(to(TWENTY, "one", "r0"))
            assert type(caught.value) is ProviderError


async def test_a_kill_is_sent_though_nothing_can_be_read_back(backend: Backend) -> None:
    server = backend.server
    assert isinstance(server, ReceiverServer)
    await backend.provider.apply(to(TWENTY, "op", "0"))
    answer = server.answer
    server.answer = lambda method, *rest: (500, {}) if method == "GET" else answer(method, *rest)  # type: ignore[method-assign]
    with pytest.raises(Refused, match="nothing was sent"):
        await backend.provider.apply(to(Exposure({"us": 10.0}, ("core",)), "back", "op"))
    with pytest.raises(ProviderError) as caught:
        await backend.provider.apply(to(nobody(), "kill", "", force=True))
    assert type(caught.value) is ProviderError
    assert not any(server.receiver.shown("production")["exposure"]["regions"].values())


async def test_a_key_that_is_none_or_not_to_be_had_sends_nothing(tmp_path: Path) -> None:
    server = ReceiverServer(WEBHOOK_KEY, tmp_path / "kept.json")
    with server.running():
        for secrets in ({"hook": "not-a-webhook-key"}, {"other": WEBHOOK_KEY}):
            async with opened("webhook", tmp_path, secrets, **options(server)) as made:
                with pytest.raises(Refused, match="hook") as caught:
                    await made.apply(to(TWENTY, "op", "0"))
                assert "not-a-webhook-key" not in str(caught.value)
                assert "hook" in await made.ready()
    assert server.written == []


class Says(BackendServer):
    """A read-back that says what it is told to."""

    def __init__(self, **said: Any) -> None:
        super().__init__()
        shown = {"regions": {"us": 20}, "features": ["core"]}
        self.said: Any = {"rollout": "production", "revision": "r1", "exposure": shown} | said

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        return 200, self.said


async def read(folder: Path, **said: Any) -> Any:
    server = Says(**said)
    with server.running():
        async with opened("webhook", folder, **options(server)) as made:
            return await made.read("production")


@pytest.mark.parametrize(
    "said",
    [
        {"rollout": "beta"},
        {"revision": ""},
        {"revision": 7},
        {"revision": "a b"},
        {"revision": None},
        {"exposure": None},
        {"exposure": {"regions": {"us": "20"}, "features": []}},
        {"exposure": {"regions": {"us": 101}, "features": []}},
        {"exposure": {"regions": {"us": -1}, "features": []}},
        {"exposure": {"regions": {"atlantis": 1}, "features": ["core"]}},
        {"exposure": {"regions": {"us": True}, "features": ["core"]}},
        {"exposure": {"regions": {"us": 1}}},
        {"epoch": -1},
        {"epoch": 1.5},
        {"changed_at": "2027-02-01T09:00:00"},
        {"changed_at": "yesterday"},
    ],
)
async def test_what_does_not_fit_is_an_error_and_never_nobody(tmp_path: Path, said: dict[str, Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        await read(tmp_path, **said)
    assert str(caught.value).isprintable()


async def test_what_the_receiver_says_is_made_safe(tmp_path: Path) -> None:
    state = await read(
        tmp_path,
        op="\x1b[2J",
        changed_by="\x1b]52;c;x\x07" * 90,
        notes=["\x07" * 900],
        changed_at="2027-02-01T09:00:00+01:00",
    )
    for text in (state.op, state.changed_by, *state.notes):
        assert text.isprintable()
        assert len(text) <= 200
    assert state.changed_at.isoformat() == "2027-02-01T08:00:00+00:00"


def options(server: BackendServer, **more: Any) -> dict[str, Any]:
    return {
        "url": f"{server.url}/",
        "read_back": f"{server.url}/rollouts/{{rollout}}",
        "signing_key": {"secret": "hook"},
        "timeout": 10,
        **more,
    }


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"url": "http://example.org/"}, "https"),
        ({"read_back": "http://example.org/{rollout}"}, "https"),
        ({"read_back": "https://example.org/state"}, "rollout"),
        ({"read_back": "https://{rollout}.example.org/"}, "rollout"),
        ({"signing_key": {"secret": "hook", "prefix": "Bearer "}}, "prefix"),
        ({"signing_key": "whsec_abc"}, "signing_key"),
        ({"checks": "some"}, "checks"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 11}, "timeout"),
        ({"propagation": -1}, "propagation"),
        ({"headers": {"Host": "x"}}, "Host"),
        ({"proxy": "ftp://x"}, "proxy"),
    ],
)
def test_options_that_could_not_work_are_refused(wrong: dict[str, Any], word: str) -> None:
    right = {"url": "https://a.org/", "read_back": "https://b.org/{rollout}", "signing_key": {"secret": "hook"}}
    msgspec.convert(right, WebhookOptions)
    with pytest.raises(msgspec.ValidationError, match=word):
        msgspec.convert(right | wrong, WebhookOptions)


SHARES = st.dictionaries(st.sampled_from(["us", "ca", "world"]), st.sampled_from([0.0, 5.0, 20.0, 100.0]))
EXPOSURES = st.builds(
    Exposure, SHARES, st.sets(st.sampled_from(["core", "full"])).map(lambda each: tuple(sorted(each)))
)


@given(EXPOSURES)
def test_what_is_asked_for_is_what_a_receiver_gives_back(target: Exposure) -> None:
    asked = to(target, "op", "0")
    desired = json.loads(messages.message(asked, plan()))["desired"]
    said = {"rollout": "production", "revision": "r", "exposure": desired}
    state = messages.state(msgspec.convert(said, messages.Said), "production", frozenset(["us", "ca", "world"]))
    assert same(state.exposure, target)

"""The receiver of the docs keeps what its `checks = "keyed"` promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.webhook_receiver import REMEMBERED, TOLERANCE, Receiver
from repz_console.providers import standard_webhooks
from repz_console.providers import webhook_message as messages
from tests.support.backends import WEBHOOK_KEY, to
from tests.support.providers import plan
from tests.test_providers_webhook import OTHER_KEY, TWENTY, VECTOR


class TestReceiver:
    """The sample of the docs by itself."""

    def message(self, rev: str = "one", at: float = 1000, key: str = WEBHOOK_KEY, **more: Any) -> tuple[Any, bytes]:
        body = messages.message(to(TWENTY, rev, more.pop("expect", "0"), **more), plan())
        return standard_webhooks.signed(key, rev, int(at), body), body

    @pytest.fixture
    def receiver(self, tmp_path: Path) -> Receiver:
        return Receiver(f"{WEBHOOK_KEY} {OTHER_KEY}", tmp_path / "kept.json")

    @pytest.mark.parametrize("key", [WEBHOOK_KEY, OTHER_KEY, f"{VECTOR} {OTHER_KEY}"])
    def test_any_of_its_keys_will_do(self, receiver: Receiver, key: str) -> None:
        assert receiver.receive(*self.message(key=key), 1000)[0] == 200

    @pytest.mark.parametrize("apart", [-TOLERANCE, TOLERANCE])
    def test_a_message_may_be_as_old_as_that(self, receiver: Receiver, apart: float) -> None:
        assert receiver.receive(*self.message(), 1000 + apart)[0] == 200

    @pytest.mark.parametrize("spoil", ["key", "old", "ahead", "body", "id", "signature", "none", "time"])
    def test_what_is_not_genuine_is_not_taken(self, receiver: Receiver, spoil: str) -> None:
        headers, body = self.message(key=VECTOR if spoil == "key" else WEBHOOK_KEY)
        now = {"old": 1000 + TOLERANCE + 1, "ahead": 1000 - TOLERANCE - 1}.get(spoil, 1000)
        changed = {
            "id": {"webhook-id": "two"},
            "signature": {"webhook-signature": "v2," + headers["webhook-signature"][3:]},
            "none": {"webhook-signature": ""},
            "time": {"webhook-timestamp": "soon"},
        }.get(spoil, {})
        raw = body.replace(b"20", b"99") if spoil == "body" else body
        assert receiver.receive(headers | changed, raw, now)[0] == 401
        assert receiver.shown("production")["revision"] == "0"

    def test_what_it_was_told_outlives_it(self, receiver: Receiver, tmp_path: Path) -> None:
        receiver.receive(*self.message(), 1000)
        again = Receiver(WEBHOOK_KEY, tmp_path / "kept.json")
        assert again.shown("production") == receiver.shown("production")
        assert again.receive(*self.message(), 1000) == (200, "applied before")

    def test_an_id_means_one_message(self, receiver: Receiver) -> None:
        assert receiver.receive(*self.message(), 1000)[0] == 200
        assert receiver.receive(*self.message(reason="another"), 1000)[0] == 422

    def test_it_remembers_so_many(self, receiver: Receiver, tmp_path: Path) -> None:
        kept = {f"m{number}": "x" for number in range(REMEMBERED)}
        (tmp_path / "kept.json").write_text(json.dumps({"rollouts": {}, "applied": kept}))
        again = Receiver(WEBHOOK_KEY, tmp_path / "kept.json")
        again.receive(*self.message(), 1000)
        applied = json.loads((tmp_path / "kept.json").read_text())["applied"]
        assert (len(applied), "one" in applied, "m0" in applied) == (REMEMBERED, True, False)

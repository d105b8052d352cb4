"""A secret shows itself nowhere, and no text that passes the redactor holds one, however it is written."""

from __future__ import annotations

import base64
import copy
import html
import json
import logging
import pickle
import traceback
from pathlib import Path
from urllib.parse import quote, quote_plus

import msgspec
import pytest

from repz_console.commands import failures
from repz_console.commands.common import json_text
from repz_console.events import ConnTaken, NoteAdded
from repz_console.providers.base import ProviderError
from repz_console.secret import LEAST, MASK, Secret, redact
from repz_console.store import payload
from repz_console.text import safe
from repz_console.tui.defects import NAME, keep_in

TOKEN = 'tk-Q7/v"x+é&9<z=4mP'
HIDDEN = Secret(TOKEN)


def test_a_secret_prints_as_a_mask_whatever_prints_it() -> None:
    for shown in (repr(HIDDEN), str(HIDDEN), f"{HIDDEN}", f"{HIDDEN:>30}", "%s %r" % (HIDDEN, [HIDDEN])):  # noqa: UP031
        assert TOKEN not in shown
        assert MASK in shown
    assert "9abc" not in repr(Secret("shorter9abc"))
    assert repr(Secret("long enough to tell apart wXyZ")) == f"{MASK}wXyZ"
    assert HIDDEN.reveal() == TOKEN


@pytest.mark.parametrize(
    "write",
    [pickle.dumps, json.dumps, msgspec.json.encode, msgspec.to_builtins, copy.copy, copy.deepcopy, hash, vars],
    ids=lambda write: f"{write.__module__}.{write.__name__}",
)
def test_a_secret_cannot_be_written_or_copied(write: object) -> None:
    with pytest.raises(TypeError) as raised:
        write(HIDDEN)  # type: ignore[operator]
    assert TOKEN not in str(raised.value)


def test_comparing_a_secret_is_a_mistake_that_is_told() -> None:
    with pytest.raises(TypeError):
        _ = HIDDEN == TOKEN


def test_a_value_too_short_to_be_kept_out_is_no_secret() -> None:
    with pytest.raises(ValueError, match="too few"):
        Secret("x" * (LEAST - 1))


@pytest.mark.parametrize(
    "written",
    [
        TOKEN,
        TOKEN.upper(),
        quote(TOKEN),
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower(),
        quote_plus(TOKEN),
        json.dumps(TOKEN),
        json.dumps(TOKEN, ensure_ascii=False),
        html.escape(TOKEN),
        repr(TOKEN),
        TOKEN.encode().hex(),
        base64.b64encode(TOKEN.encode()).decode(),
        base64.urlsafe_b64encode(TOKEN.encode()).decode(),
    ],
)
def test_the_redactor_knows_every_way_to_write_it(written: str) -> None:
    told = redact(f"before {written} after")
    assert written not in told
    assert told.startswith("before ")
    assert told.endswith(" after")
    assert MASK in told


@pytest.mark.parametrize("user", ["u", "us", "use", "user"])
@pytest.mark.parametrize("rest", ["", "1", "12"])
def test_base64_of_a_text_around_it_is_known_at_every_offset(user: str, rest: str) -> None:
    told = redact(base64.b64encode(f"{user}:{TOKEN}{rest}".encode()).decode())
    assert MASK in told
    # What is left are the neighbours' characters, and at each end one that the secret shares with them.
    assert len(told.replace(MASK, "").rstrip("=")) <= 4 * (len(user) + 1 + 2) // 3 + len(rest) * 4 // 3 + 3


def test_the_lines_of_a_key_are_each_known() -> None:
    Secret("-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n")
    assert redact("it sent hkiG9w0BAQEFAASC back") == f"it sent {MASK} back"


def test_a_text_is_masked_before_it_is_cut() -> None:
    for limit in range(10, 40):
        assert TOKEN[:6] not in safe(f"refused: {TOKEN} is not accepted", limit)
    assert TOKEN[:6] not in failures._one_line(RuntimeError("x" * 175 + TOKEN))


def test_an_entry_of_the_journal_is_masked_before_it_is_chained() -> None:
    encoded = payload.encode(NoteAdded(text=f"works with {TOKEN} now"))
    assert TOKEN not in json.loads(encoded)["text"]
    assert MASK in json.loads(encoded)["text"]


def test_a_providers_error_holds_none() -> None:
    error = ProviderError(f"host: token {TOKEN} is bad")
    assert TOKEN not in error.fault.what + str(error) + repr(error)


def test_printed_data_holds_none() -> None:
    assert TOKEN not in json.loads(json_text({"error": TOKEN}))["error"]


def test_a_defect_is_logged_without_it(tmp_path: Path) -> None:
    handler = keep_in(tmp_path)
    try:
        try:
            raise RuntimeError(f"while sending {TOKEN}")
        except RuntimeError:
            logging.getLogger("tests.secrets").exception("failed with %s", TOKEN)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    told = (tmp_path / NAME).read_text()
    assert "while sending" in told
    assert MASK in told
    assert TOKEN not in told
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_a_crash_is_told_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    def crash() -> None:
        secret_local = TOKEN
        raise RuntimeError(f"what was sent: {secret_local}")

    with pytest.raises(RuntimeError) as raised:
        crash()
    assert TOKEN in "".join(traceback.format_exception(raised.value)), "the trial proves nothing"
    assert failures.report(raised.value) == 70
    line = capsys.readouterr().err
    assert TOKEN not in line
    path = Path(line.split("details are in ")[1].strip())
    told = path.read_text()
    assert "what was sent" in told
    assert TOKEN not in told
    assert path.stat().st_mode & 0o077 == 0


def test_a_number_with_a_secrets_digits_stays_a_number() -> None:
    Secret("90817263")
    event = ConnTaken(token=90817263, from_whom="ana", reason="the pin is 90817263")
    assert payload.decode("conn.taken", payload.encode(event)) == ConnTaken(90817263, "ana", f"the pin is {MASK}")

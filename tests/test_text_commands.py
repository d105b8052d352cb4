"""No text from outside acts on the terminal by way of a command's output, be it lines or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest

from repz_console import events
from repz_console.commands import failures
from repz_console.commands.common import print_json, print_line
from repz_console.commands.exits import Stop
from repz_console.config import ConfigError
from repz_console.facts import Actor
from repz_console.mistakes import Mistake
from repz_console.plan.wrong import shown
from repz_console.providers.base import ProviderError
from repz_console.store import identity, outside, payload
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.text import escaped, identifier, safe
from repz_console.tui import first_words
from repz_console.tui.messages import Messages
from tests.support import hostile, sessions
from tests.support.commands import Commands

if TYPE_CHECKING:
    from tests.conftest import Figure

_ACTOR = msgspec.json.Decoder(Actor)


def _said(text: str) -> str:
    messages = Messages([])
    messages.say(text)
    return messages.now[0] if messages.now else ""


def _told(error: Callable[[str], BaseException]) -> Callable[[str], None]:
    return lambda text: failures.say(_line(error(text)))


def _line(error: BaseException) -> str:
    known = failures._known(error)
    return known[1][0] if known else f"{type(error).__name__}: {error}"


def _host(text: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.uname", lambda: SimpleNamespace(nodename=text))
        patch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_name=text))
        patch.setattr("os.ttyname", lambda stream: f"/dev/{text}")
        actor = identity.actor()
    return f"{actor.user}{actor.host}{actor.tty}"


def _journaled(text: str) -> str:
    event = payload.decode("note.added", json.dumps({"kind": "note.added", "text": text}).encode())
    return event.text if isinstance(event, events.NoteAdded) else str(event)


def _somebody(text: str) -> str:
    actor = payload.decode_actor(json.dumps({"user": text, "uid": 1, "host": text, "tty": text, "seat": text}))
    return f"{actor.user}{actor.host}{actor.tty}{actor.seat}"


def _unknown(text: str) -> str:
    event = payload.decode(text, json.dumps({"kind": text, text: [text]}).encode())
    return str(event)


PATHS: dict[str, Callable[[str], object]] = {
    "safe": safe,
    "identifier": identifier,
    "a journal entry": _journaled,
    "an entry of an unknown kind": _unknown,
    "who wrote it": _somebody,
    "the system's names": _host,
    "a message": _said,
    "a found value": shown,
    "a line": print_line,
    "a line of errors": lambda text: print_line(text, err=True),
    "data": lambda text: print_json({"title": text.encode(errors="replace").decode()}),
    "a refusal": lambda text: failures.say(text),
    "a stop": lambda text: failures.report(Stop(2, text)),
    "a config's mistake": _told(lambda text: ConfigError([Mistake(text, 1, text, text, text, text)])),
    "a store's error": _told(StoreError),
    "a source's error": _told(ProviderError),
    "a defect": _told(RuntimeError),
}
"""Ways by which a text comes in or goes out, each tried with a raw one."""


@pytest.mark.figure
def test_no_payload_gets_past_a_boundary(capfd: pytest.CaptureFixture[str], figure: Figure) -> None:
    tried = 0
    for name, path in PATHS.items():
        for text in hostile.PAYLOADS:
            answer = path(text)
            out, err = capfd.readouterr()
            seen = f"{answer if isinstance(answer, str) else ''}{out}{err}"
            assert seen or not text, name
            assert hostile.harm(seen.rstrip("\n"), lines=name == "data", stacks=name != "data") == "", name
            tried += 1
    from tests.support import screens

    places = len(PATHS) + len(screens.DRAWINGS)
    figure.say(
        f"{places} ways in and out, {len(hostile.PAYLOADS)} payloads, {tried:,} tries beside the screen: 0 harmful"
    )


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A launch in whose plan, journal and flags stands every payload, for commands that only read."""
    tmp_path = tmp_path_factory.mktemp("poisoned")
    extra = "".join(
        f'\n[[phase]]\nid = "x{index}"\ntitle = {quoted(text)}\n' for index, text in enumerate(hostile.PAYLOADS)
    )
    loaded = sessions.launch(tmp_path, sessions.CONFIG.replace("Small launch", "Small \\u001b[2Jlaunch") + extra)
    (tmp_path / "store").mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(tmp_path / "store")
    for text in hostile.PAYLOADS:
        text = text.encode("utf-8", "replace").decode()
        eve = Actor(text, 1, text, text, text, text)
        journal.append(events.BugFiled("bugs", text, text, "P3", text, text), eve)
        journal.append(events.NoteAdded(text), eve)
        journal.append(events.RolloutHeld("production", text), eve)
        journal.append(events.ConnReleased(1, text), eve)
    journal.close()
    flags = {
        f"repz.production.{text}": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "metadata": {"repz.actor": text, "repz.op": text, "repz.rev": text, "repz.key": text},
        }
        for text in hostile.PAYLOADS
    }
    (tmp_path / "flags.json").write_text(json.dumps({"flags": flags}))
    assert loaded.plan.phase
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "--json"),
        ("check",),
        ("check", "--json"),
        ("doctor",),
        ("rollout", "show"),
        ("rollout", "show", "production", "--json"),
        ("bug", "list"),
        ("bug", "list", "--json"),
        ("spend", "list"),
        ("journal", "tail", "-n", "400"),
        ("journal", "tail", "-n", "400", "--json"),
        ("journal", "show", "1"),
        ("journal", "export"),
        ("journal", "export", "--csv"),
        ("journal", "verify"),
        ("completion", "bash"),
    ],
    ids=" ".join,
)
def test_no_command_passes_one_on(
    poisoned: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(poisoned)
    answer = Commands(capsys)("--config", "config.toml", *arguments)
    assert answer.out or answer.err
    assert answer.code != 70, answer.err
    if "completion" not in arguments:
        assert hostile.harm(answer.out, lines=True) == ""
    assert hostile.harm(answer.err, lines=True) == ""


@pytest.mark.parametrize("text", ["\x1b]52;c;eA==\x07", "\u202egnp", "e" + "\u0301" * 50, "\x9b2J", "a\nb: ok"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("{}",),
        ("--{}",),
        ("--config", "{}", "status"),
        ("rollout", "show", "{}"),
        ("rollout", "set", "production", "{}"),
        ("bug", "file", "title", "--priority", "{}"),
        ("bug", "set", "{}", "--title", "x"),
        ("spend", "add", "{}", "x"),
        ("journal", "show", "{}"),
        ("journal", "verify", "--head", "{}"),
        ("rebase", "{}"),
        ("init", "{}"),
        ("completion", "{}"),
    ],
    ids=" ".join,
)
def test_nor_does_a_message_that_repeats_an_argument(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    text: str,
) -> None:
    sessions.launch(tmp_path)
    monkeypatch.chdir(tmp_path)
    answer = Commands(capsys)(*(one.format(text) for one in arguments))
    assert hostile.harm(answer.out, lines=True) == ""
    assert hostile.harm(answer.err, lines=True) == ""
    assert answer.err.count("\n") <= 3


def test_json_keeps_the_data_that_it_escapes() -> None:
    text = "a\u202eb\ufe0fc\x9bd\U000e0041"
    assert json.loads(escaped(json.dumps({"t": text}, ensure_ascii=False))) == {"t": text}


def test_a_key_that_looks_like_another_can_be_seen_and_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions.launch(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store").mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(tmp_path / "store")
    journal.append(events.BugFiled("bugs", "\u0412-1", "twin", "P0"), Actor("eve", 1, "jump"))
    journal.close()
    run = Commands(capsys)
    assert "<U+0412>-1" in run("bug", "list").out
    answer = run("bug", "set", "<U+0412>-1", "--state", "resolved")
    assert answer.code == 2
    assert "could be taken for another key" in answer.err


def test_a_last_status_that_somebody_else_wrote_is_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in hostile.PAYLOADS:
        monkeypatch.setattr(first_words, "_last_known", lambda asked, text=text: text)
        assert hostile.harm(safe(first_words._last_known(""), 4096)) == ""


def test_people_and_facts_of_other_processes_are_made_safe() -> None:
    actor = outside.somebody(json.dumps({"user": "\u0430na", "uid": 1, "host": "a b\x1b[2J"}), _ACTOR)
    assert (actor.user, actor.host) == ("<U+0430>na", "a<U+0020>b<U+001B>[2J")

"""The console that polls notes the journal's head elsewhere; a place that fails is said, tried again, and in nobody's
way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from repz_console.config import ConfigError, Loaded
from repz_console.engine import anchor as engine
from repz_console.engine.session import Session
from repz_console.events import NoteAdded
from repz_console.store import anchor
from tests.support.sessions import CONFIG, eventually, launch, opened
from tests.support.store import tamper
from tests.support.web import response, serving


def anchored(folder: Path, *lines: str) -> Loaded:
    return launch(folder, CONFIG.replace('path = "store"', "\n".join(['path = "store"', "[store.anchor]", *lines])))


def heads(file: Path) -> list[anchor.Head]:
    return anchor.read(file, "small")[0] if file.exists() else []


def said(session: Session) -> str:
    return " ".join(session.notices)


async def noted(session: Session, file: Path) -> None:
    """Wait until the newest entry is noted."""
    await eventually(lambda: bool(heads(file)) and heads(file)[-1].seq == session.entries()[-1].seq)


async def test_the_one_who_polls_notes_every_head_and_the_others_none(tmp_path: Path) -> None:
    loaded, file = anchored(tmp_path, 'file = "heads"', "every = 1"), tmp_path / "heads"
    async with opened(loaded, "ann", watch=True, collect=True) as polls:
        await noted(polls, file)
        async with opened(loaded, "bob", watch=True, collect=True) as other:
            for word in ("one", "two"):
                await other.write(NoteAdded(word))
                await noted(other, file)
        await noted(polls, file)
        assert [line.hash for line in heads(file)] == [polls.entries()[line.seq - 1].hash for line in heads(file)]
        assert len({line.seq for line in heads(file)}) == len(heads(file)), "two consoles noted the same"
        lines = len(heads(file))
        await asyncio.sleep(1.5)
        assert len(heads(file)) == lines, "nothing new was noted"
        assert said(polls) == ""


async def test_a_console_that_opens_on_a_cut_journal_says_so(tmp_path: Path) -> None:
    loaded, file = anchored(tmp_path, 'file = "heads"', "every = 1"), tmp_path / "heads"
    async with opened(loaded, watch=True, collect=True) as session:
        for word in ("one", "two"):
            await session.write(NoteAdded(word))
        await noted(session, file)
    tamper(tmp_path / "store", "DELETE FROM entry WHERE seq > 1")
    async with opened(loaded, watch=True) as session:
        await eventually(lambda: "the journal was cut" in said(session))
        assert str(file) in said(session)


@pytest.mark.parametrize(("content", "line"), [("garbage\n", "no heads"), (None, "no head of this journal")])
async def test_a_file_that_proves_nothing_is_said(tmp_path: Path, content: str | None, line: str) -> None:
    async with opened(launch(tmp_path)) as session:
        await session.write(NoteAdded("one"))
    if content is not None:
        (tmp_path / "heads").write_text(content)
    async with opened(anchored(tmp_path, 'file = "heads"'), watch=True) as session:
        await eventually(lambda: line in said(session))


async def test_what_a_console_writes_into_an_empty_journal_needs_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = engine.Anchor._compare

    async def late(self: engine.Anchor, file: Path) -> None:
        await eventually(lambda: self._known.length > 0)
        await compare(self, file)

    monkeypatch.setattr(engine.Anchor, "_compare", late)
    async with opened(anchored(tmp_path, 'file = "heads"'), watch=True, collect=True) as session:
        await noted(session, tmp_path / "heads")
        assert said(session) == ""


async def test_a_file_that_cannot_be_written_is_said_and_tried_again_while_the_journal_goes_on(tmp_path: Path) -> None:
    loaded = anchored(tmp_path, 'file = "disk/heads"', "every = 1")
    async with opened(loaded, watch=True, collect=True) as session:
        await eventually(lambda: "not noted elsewhere" in said(session))
        assert "No such file" in said(session)
        await session.write(NoteAdded("one"))
        (tmp_path / "disk").mkdir()
        await noted(session, tmp_path / "disk" / "heads")
        await eventually(lambda: "not noted elsewhere" not in said(session))


async def test_a_disk_that_hangs_holds_up_nothing_and_keeps_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    hangs, tries = threading.Event(), []

    def append(path: Path, line: anchor.Head) -> None:
        tries.append(line.seq)
        hangs.wait(120)

    monkeypatch.setattr(engine, "DEADLINE", 0.2)
    monkeypatch.setattr(anchor, "append", append)
    try:
        async with opened(anchored(tmp_path, 'file = "heads"', "every = 1"), watch=True, collect=True) as session:
            await eventually(lambda: "did not answer" in said(session))
            async with asyncio.timeout(60):
                await session.write(NoteAdded("one"))
            await eventually(lambda: "may hang" in said(session))
            assert len(tries) == 1
    finally:
        hangs.set()


async def test_a_webhook_gets_each_head_as_json(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []
    answers = [response(status="503 Busy"), response(status="302 Found", Location="https://elsewhere.example/")]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(json.loads(await reader.readuntil(b"}")))
        writer.write(answers.pop(0) if answers else response())
        await writer.drain()

    async with serving(answer) as url:
        loaded = anchored(tmp_path, f'webhook = "{url}/heads"', "every = 1")
        async with opened(loaded, watch=True, collect=True) as session:
            await eventually(lambda: "503" in said(session))
            await eventually(lambda: "redirect" in said(session))
            await eventually(lambda: said(session) == "")
            entry = session.entries()[-1]
    assert {"launch": "small", "seq": entry.seq, "hash": entry.hash}.items() <= bodies[-1].items()
    assert len(bodies) == 3, "what was taken was sent again"


async def test_a_webhooks_secret_is_sent_and_said_nowhere(tmp_path: Path) -> None:
    heads_of: list[bytes] = []
    (tmp_path / "token").write_text("canary-4711-token")
    (tmp_path / "token").chmod(0o600)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads_of.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response(status="401 Unauthorized"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        lines = [
            f'webhook = "http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"',
            'headers = { Authorization = { secret = "audit", prefix = "Bearer " } }',
            "[secret.audit]",
            f'file = "{tmp_path / "token"}"',
        ]
        async with opened(anchored(tmp_path, *lines), watch=True, collect=True) as session:
            await eventually(lambda: "401" in said(session))
            assert "canary" not in said(session)
    assert b"Authorization: Bearer canary-4711-token" in heads_of[0]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("every = 60", "store.anchor"),
        ('webhook = "http://example.org/heads"', "webhook"),
        ('webhook = "https://user:pass@example.org/"', "webhook"),
        ('webhook = "ftp://example.org/"', "webhook"),
        ('file = "heads"\nevery = 0', "every"),
        ('file = "heads"\nevery = 1e9', "every"),
        ('fiel = "heads"', "fiel"),
        ('webhook = "https://example.org/"\nheads = 1', "heads"),
        ('webhook = "https://example.org/"\nheaders = { A = { secret = "nowhere" } }', "headers"),
    ],
)
def test_a_mistake_in_the_config_is_told(tmp_path: Path, line: str, path: str) -> None:
    with pytest.raises(ConfigError, match=path):
        anchored(tmp_path, line)

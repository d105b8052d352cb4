"""Whatever comes in by the keyboard's line: nothing widens, and only keys pressed one by one change anything."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from repz_console.engine.session import Session
from repz_console.events import ChangeIntended
from repz_console.plan.exposure import widens
from tests.conftest import Figure
from tests.support.desk import Desk, at_desk
from tests.support.replies import REPLIES
from tests.support.sessions import at, eventually, kinds, launch, opened, widen

SEED = 20270205
PAUSES = (0.0, 0.0, 0.06, 0.3, 0.9)
TEXTS = (
    "cs\r\rsoft PRODUCTION gh\r", "oh no!kill it!h!b", "3s\r\treason\r\r", ":conn\r", "!k\n!k\n", "5nbug\r\r",
    "Rc\rNc\rP\r\t\r", "2\rx x x", "full PRODUCTION jk\r", "u\t\r\r", "[A[B[COA!k",
)  # fmt: skip
SEQUENCES = ("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1bOA", "\x1bOB", "\x1b[5~", "\x1b[1;5D", "\x1b[Z", "\x1bOP")
TYPED = (
    *"13579csujkN!hbkox",
    "\r",
    "\t",
    "\x1b",
    "\x1b[C",
    "\x1b[D",
    " ",
    "why",
    "soft PRODUCTION ",
    "full PRODUCTION ",
)
DIALOGS = ("", "", "!", "c", "N", ":", "3s\r", "3s\r\t", "3s\r\tx\r\r", "5n", "/")
"""What an operator had opened, key by key, when the stream came."""


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    session = await opened(launch(tmp_path))
    assert await session.take_conn() == ""
    await widen(session, 20)
    async with at_desk(session, tmp_path / "settings", monkeypatch) as desk:
        yield desk


def torn(data: bytes, chance: random.Random) -> list[tuple[bytes, float]]:
    """`data` in a few pieces, each with the pause before it."""
    places = sorted(chance.randrange(1, len(data)) for _ in range(chance.randrange(0, 4))) if len(data) > 1 else []
    ends = [*places, len(data)]
    return [
        (data[start:end], chance.choice(PAUSES))
        for start, end in zip([0, *places], ends, strict=True)
        if end > start
    ]  # fmt: skip


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def replies(chance: random.Random) -> list[tuple[bytes, float]]:
    return torn(b"".join(encoded(chance.choice(REPLIES)) for _ in range(chance.randrange(1, 4))), chance)


def paste(chance: random.Random) -> list[tuple[bytes, float]]:
    text = "".join(chance.choice(TEXTS) for _ in range(chance.randrange(1, 4)))
    return torn(encoded(f"\x1b[200~{text}\x1b[201~"), chance)


def split(chance: random.Random) -> list[tuple[bytes, float]]:
    pieces: list[tuple[bytes, float]] = []
    for _ in range(chance.randrange(1, 4)):
        sequence = chance.choice(SEQUENCES)
        place = chance.randrange(1, len(sequence))
        pieces += [(encoded(sequence[:place]), 1.2), (encoded(sequence[place:]), chance.choice((0.06, 0.3, 0.9)))]
    return pieces


def unmarked_paste(chance: random.Random) -> list[tuple[bytes, float]]:
    return [(encoded("".join(chance.choice(TEXTS) for _ in range(chance.randrange(1, 4)))), 0.3)]


def noise(chance: random.Random) -> list[tuple[bytes, float]]:
    return torn(chance.randbytes(chance.randrange(1, 40)), chance)


def typed_ahead(chance: random.Random) -> list[tuple[bytes, float]]:
    """An operator who does not look: keys in any order, also guesses at the letters of the challenge."""
    guess = "".join(chance.choice("ghjkmnpqrstvwxz") for _ in range(2))
    keys = [chance.choice((*TYPED, guess)) for _ in range(chance.randrange(1, 12))]
    return torn(encoded("".join(keys)), chance)


CHANGES_NOTHING = (replies, paste, split)
KEEPS_TRAFFIC = (unmarked_paste,)
WIDENS_NOTHING = (noise, typed_ahead)


async def play(desk: Desk, pieces: Sequence[tuple[bytes, float]]) -> None:
    for piece, pause in pieces:
        if pause:
            await desk.pause(pause)
        await desk.send(piece)


async def open_dialog(desk: Desk, keys: str) -> None:
    await play(desk, [(key.encode(), 0.1) for key in keys])
    await desk.pause(3)


async def back(desk: Desk) -> None:
    """Leave every dialog, as a person would."""
    await desk.pause(3)
    for _ in range(6):
        await desk.send(b"\x1b")
        await desk.pause(1.1)
        if desk.app.dialog is None:
            break
    assert desk.app.dialog is None
    if not all(task.done() for task in desk.app._busy.values()):
        await eventually(lambda: all(task.done() for task in desk.app._busy.values()))


def traffic(session: Session) -> object:
    return session.view().rollout.rollouts[0].configured.exposure


@pytest.mark.figure
async def test_no_stream_widens_and_none_but_keys_changes_anything(
    desk: Desk, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, chance = desk.session, random.Random(SEED)
    monkeypatch.setattr(desk.app, "exit", lambda **_: None)
    count = figure.count(200, 10_000)
    makers = [*CHANGES_NOTHING, *KEEPS_TRAFFIC, *WIDENS_NOTHING]
    tried = dict.fromkeys(makers, 0)
    for number in range(count):
        make = makers[number % len(makers)]
        await open_dialog(desk, chance.choice(DIALOGS) if number % 3 else "")
        written, before = len(session.entries()), traffic(session)
        stream = make(chance)
        await play(desk, stream)
        await back(desk)
        told = (number, make.__name__, stream, kinds(session)[written:])
        assert not widens(before, traffic(session)), told  # type: ignore[arg-type]
        if make in KEEPS_TRAFFIC:
            assert traffic(session) == before, told
            assert not [kind for kind in kinds(session)[written:] if kind.startswith(("change", "rollout"))], told
        if make in CHANGES_NOTHING:
            assert len(session.entries()) == written, told
        tried[make] += 1
    assert not [
        entry for entry in session.entries()[3:]
        if isinstance(entry.event, ChangeIntended) and entry.event.action == "set" and entry.event.stage
    ]  # fmt: skip
    still = sum(tried[make] for make in CHANGES_NOTHING)
    figure.say(
        f"{count:,} random input streams (seed {SEED}): 0 widenings; "
        f"0 changes from {still:,} of replies, pastes and split sequences, 0 changes of traffic from "
        f"{tried[unmarked_paste]:,} pastes without marks"
    )


async def test_the_streams_would_be_noticed(desk: Desk) -> None:
    """The same desk, used as it should be: what is typed key by key reaches the journal and the flags."""
    before = len(desk.session.entries())
    await play(desk, [(key.encode(), 0.1) for key in "!h"])
    await eventually(lambda: "rollout.held" in kinds(desk.session)[before:])
    await play(desk, [(key.encode(), 0.1) for key in "!k"])
    await eventually(lambda: not widens(at(0), traffic(desk.session)))  # type: ignore[arg-type]
    assert "change.intended" in kinds(desk.session)[before:]


async def test_the_way_back_in_one_piece_counts_and_one_within_a_text_does_not(desk: Desk) -> None:
    before = len(desk.session.entries())
    await desk.pause(1)
    await desk.send(b"warning!k")
    await desk.pause(1)
    assert kinds(desk.session)[before:] == []
    assert desk.app.dialog is not None
    assert "come all at once change nothing" in desk.text()
    await back(desk)
    await desk.send(b"!kill")
    await back(desk)
    assert kinds(desk.session)[before:] == []
    await desk.send(b"!k")
    await eventually(lambda: "change.intended" in kinds(desk.session)[before:])


async def test_keys_that_waited_while_the_loop_stood_still_are_dropped(desk: Desk) -> None:
    """They lie in the kernel's queue, and are read as soon as the loop turns again."""
    before, tab = len(desk.session.entries()), desk.app.tab
    wanted = desk.taken + 4
    desk.type_unread(b"5!kc")
    time.sleep(1.3)  # noqa: ASYNC251 - the loop is to stand still
    await eventually(lambda: desk.taken >= wanted)
    await desk.idle()
    assert desk.app.tab == tab
    assert desk.app.dialog is not None
    assert desk.app.dialog.is_way_back
    assert "4 keys typed while the screen stood still were dropped" in desk.text()
    await desk.pause(1)
    await desk.send(b"\x1b")
    await desk.pause(1.2)
    assert kinds(desk.session)[before:] == []
    await desk.send(b"5")
    assert desk.app.tab == "bugs"

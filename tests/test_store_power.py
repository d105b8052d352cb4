"""The power fails: whatever was acknowledged is on the platter, at every commit and in the middle of each."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from msgspec import Struct

from repz_console.events import NoteAdded
from repz_console.store import checkpoint, database
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from tests.conftest import Figure
from tests.support.disk import Disk, Platter
from tests.support.store import actor

ANA = actor()


class Recording(Struct):
    """A session of commits on a disk that remembers."""

    disk: Disk
    acknowledged: list[tuple[int, tuple[int, str]]]
    """Steps done when a commit was acknowledged, and the journal's head then."""
    checkpoints: int


class Image(Struct, frozen=True):
    """What a power cut left, and what had been acknowledged by then."""

    folder: Path
    head: tuple[int, str]


def recorded(folder: Path, commits: int, chance: random.Random) -> Recording:
    """Entries big and small, renewals that may be lost, and checkpoints whenever the log is a dozen pages long."""
    with Disk() as disk:
        journal = Journal.open(folder)
    leases = Leases(journal)
    lease = leases.take("conn", ANA, 60)
    assert lease is not None
    acknowledged = []
    for number in range(commits):
        entry = journal.append(NoteAdded(f"{number} " + "x" * chance.choice((10, 300, 9000))), ANA)
        acknowledged.append((len(disk.steps), (entry.seq, entry.hash)))
        if chance.random() < 0.3:
            assert leases.renew(lease)
        journal.tend()
    folded = sum(step.what == "sync" and step.file == "journal.db" for step in disk.steps)
    journal.close()
    return Recording(disk, acknowledged, folded)


def images(recording: Recording, folder: Path, chance: random.Random) -> Iterator[Image]:
    """For every commit: the worst image as it is acknowledged, and torn ones from somewhere on the way to it."""
    platter, taken, head = Platter(), 0, (0, "")
    for steps, newer in recording.acknowledged:
        for cut in sorted(chance.randrange(taken, steps) for _ in range(2)):
            for step in recording.disk.steps[taken:cut]:
                platter.take(step)
            taken = max(taken, cut)
            platter.image(folder, chance)
            yield Image(folder, head)
        for step in recording.disk.steps[taken:steps]:
            platter.take(step)
        taken, head = steps, newer
        platter.image(folder)
        yield Image(folder, head)


def lost(image: Image) -> str:
    """What an image does not hold of what was acknowledged, or what else is wrong with it; empty if nothing."""
    journal = Journal.open(image.folder)
    verified = journal.verify(image.head)
    trouble = journal.trouble
    if not trouble and verified.ok and verified.length <= image.head[0] + 1:
        assert journal.append(NoteAdded("the power is back"), ANA).seq == verified.length + 1
    journal.close()
    shutil.rmtree(image.folder)
    return trouble or verified.why


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "IDLE_PAGES", 12)


@pytest.mark.figure
@pytest.mark.usefixtures("often")
def test_no_acknowledged_entry_is_lost_by_a_power_cut(tmp_path: Path, figure: Figure) -> None:
    chance = random.Random(2027)
    commits = figure.count(20, 1000)
    (tmp_path / "store").mkdir()
    recording = recorded(tmp_path / "store", commits, chance)
    assert recording.checkpoints >= commits // 10
    tried = [lost(image) for image in images(recording, tmp_path / "image", chance)]
    assert [why for why in tried if why] == []
    assert len(tried) == 3 * commits
    figure.say(
        f"{len(tried):,} power-loss images of {commits:,} commits and {recording.checkpoints:,} checkpoints: "
        f"0 of {commits:,} acknowledged entries lost, 0 corrupt, chain intact"
    )


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("mode", ["NORMAL", "OFF"])
def test_the_images_show_losses_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def careless(db: apsw.Connection, *, durable: bool) -> None:
        db.execute(f"PRAGMA synchronous = {mode}")

    with monkeypatch.context() as patch:
        patch.setattr(database, "synchronous", careless)
        (tmp_path / "store").mkdir()
        recording = recorded(tmp_path / "store", 20, random.Random(1))
    tried = [lost(image) for image in images(recording, tmp_path / "image", random.Random(2))]
    assert sum(map(bool, tried)) >= 10

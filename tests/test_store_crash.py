"""Several writers at once, and writers killed at any moment: nothing acknowledged is lost, the chain holds."""

from __future__ import annotations

import random
import resource
import signal
import time
from pathlib import Path

import pytest

from repz_console.events import ConnTaken, NoteAdded
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from tests.conftest import Figure
from tests.support.store import actor, python

WRITER = """
import sys
from pathlib import Path
from repz_console.events import NoteAdded
from repz_console.store.journal import Journal
from tests.support.store import actor

name, count = sys.argv[2], int(sys.argv[3])
journal = Journal.open(Path(sys.argv[1]))
for number in range(count):
    entry = journal.append(NoteAdded(f"{name} {number}"), actor(name))
    print(entry.seq, entry.hash, flush=True)
journal.close()
"""

KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from repz_console.events import NoteAdded
from repz_console.store import checkpoint
from repz_console.store.journal import Journal
from tests.support.store import actor

store, out, writers, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
checkpoint.IDLE_PAGES = 20
chance = random.Random(7)

def write(name):
    handle = os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    journal = Journal.open(store)
    while True:
        entry = journal.append(NoteAdded(name), actor(name))
        os.write(handle, f"{entry.seq} {entry.hash}\\n".encode())
        journal.tend()

def start(name):
    pid = os.fork()
    if not pid:
        try:
            write(name)
        finally:
            os._exit(1)
    return pid, out / name

def end(pid):
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGKILL, "a writer ended by itself"

at_work = [start(f"w{number}") for number in range(writers)]
for kill in range(kills):
    pid, path = at_work.pop(0 if kill % 2 else chance.randrange(writers))
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.02))
    end(pid)
    at_work.append(start(f"w{writers + kill}"))
for pid, path in at_work:
    end(pid)
"""

TAKER = """
import sys
from pathlib import Path
from repz_console.events import ConnTaken
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from tests.support.store import actor

leases = Leases(Journal.open(Path(sys.argv[1])))
while True:
    lease = leases.take("conn", actor("taker", sys.argv[2]), 60, over=leases.holder("conn"), event=ConnTaken)
    print(lease.token, flush=True)
    leases.release(lease)
"""

LIMITED = """
import resource, signal, sys
from pathlib import Path
from repz_console.events import NoteAdded
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from tests.support.store import actor

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    while True:
        entry = journal.append(NoteAdded("x" * 500), actor())
        print(entry.seq, entry.hash, flush=True)
except StoreError as error:
    print(error, file=sys.stderr)
"""


def test_two_processes_write_a_thousand_entries_each(tmp_path: Path) -> None:
    writers = [python(WRITER, tmp_path, name, 1000) for name in ("ana", "bo")]
    outputs = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], outputs
    journal = Journal.open(tmp_path)
    result = journal.verify()
    assert (result.ok, result.length) == (True, 2000)
    entries = journal.entries()
    assert [entry.seq for entry in entries] == list(range(1, 2001))
    for name in ("ana", "bo"):
        own = [entry.event for entry in entries if entry.actor.user == name]
        assert own == [NoteAdded(f"{name} {number}") for number in range(1000)]


def killed_at_work(output: Path, pause: float, code: str, *arguments: object) -> list[str]:
    """What a process acknowledged, line by line, before kill -9 hit it `pause` seconds after its first line."""
    with output.open("w") as out:
        worker = python(code, *arguments, stdout=out)
    deadline = time.monotonic() + 60
    while not output.stat().st_size and worker.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(pause)
    worker.kill()
    _, errors = worker.communicate(timeout=120)
    assert worker.returncode == -signal.SIGKILL, errors
    return output.read_text().split("\n")[:-1]


@pytest.mark.figure
@pytest.mark.parametrize("writers", [1, 3])
def test_no_acknowledged_entry_is_lost_by_kill_9(tmp_path: Path, figure: Figure, writers: int) -> None:
    kills = figure.count(15, 1000)
    (tmp_path / "store").mkdir()
    (tmp_path / "out").mkdir()
    killer = python(KILLER, tmp_path / "store", tmp_path / "out", writers, kills)
    _, errors = killer.communicate(timeout=600)
    assert (killer.returncode, errors) == (0, "")
    lines = [line.split() for path in (tmp_path / "out").iterdir() for line in path.read_text().split("\n")[:-1]]
    acknowledged = {int(seq): link for seq, link in lines}
    assert len(acknowledged) == len(lines) >= kills
    journal = Journal.open(tmp_path / "store")
    assert journal.trouble == ""
    assert journal.verify().ok
    found = {entry.seq: entry.hash for entry in journal.entries()}
    assert {seq: found.get(seq) for seq in acknowledged} == acknowledged
    # At most the one entry in flight at each kill is there without having been acknowledged.
    assert len(found) - len(acknowledged) <= kills + writers
    figure.say(
        f"{kills:,} kills of {writers} writer{'s' * (writers > 1)}: 0 of {len(acknowledged):,} acknowledged entries "
        "lost, 0 corrupt, chain intact"
    )


def test_a_lease_and_its_entry_are_never_parted_by_kill_9(tmp_path: Path) -> None:
    chance = random.Random(11)
    tokens: list[int] = []
    for kill in range(8):
        pause = chance.uniform(0, 0.02)
        tokens += [int(line) for line in killed_at_work(tmp_path / "out", pause, TAKER, tmp_path, f"c{kill}")]
    journal = Journal.open(tmp_path)
    journaled = [entry.event.token for entry in journal.entries() if isinstance(entry.event, ConnTaken)]
    assert journaled == list(range(1, len(journaled) + 1))
    assert set(tokens) <= set(journaled)
    leases = Leases(journal)
    last = leases.take("conn", actor(), 5, over=leases.holder("conn"))
    assert last is not None
    assert last.token == len(journaled) + 1


def test_a_disk_that_refuses_a_write_acknowledges_nothing(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    for limit in (40_000, 100_000, 300_000):
        before = Journal.open(tmp_path).head()[0]
        limited = python(LIMITED, tmp_path, limit)
        output, errors = limited.communicate(timeout=120)
        assert limited.returncode == 0, errors
        assert "disk" in errors
        assert errors.count("\n") == 1
        journal = Journal.open(tmp_path)
        acknowledged = [line.split() for line in output.splitlines()]
        found = {entry.seq: entry.hash for entry in journal.entries(after=before)}
        assert {int(seq): link for seq, link in acknowledged} == found
        assert journal.verify().ok
        assert journal.append(NoteAdded("the disk is back"), actor()).seq == journal.head()[0]
        journal.close()


OPENER = """
import sys
from pathlib import Path
from repz_console.store.journal import Journal
Journal.open(Path(sys.argv[1])).close()
"""


def test_a_new_store_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        openers = [python(OPENER, folder) for _ in range(3)]
        outputs = [opener.communicate(timeout=120) for opener in openers]
        assert [opener.returncode for opener in openers] == [0, 0, 0], outputs

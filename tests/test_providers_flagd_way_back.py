"""The way back through the flag file where the disk is full, the folder closed or gone, or another console frozen."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repz_console.facts import RolloutState
from repz_console.plan.exposure import is_nobody
from repz_console.providers import flagd_disk, flagd_file
from repz_console.providers.base import ProviderError, Refused, WayBack
from tests.conftest import ROOT
from tests.support.providers import change, flags

NO_NEW_FILE = {"full": errno.ENOSPC, "quota": errno.EDQUOT, "read only": errno.EROFS, "closed": errno.EACCES}


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def takes_no_new_file(monkeypatch: pytest.MonkeyPatch, why: int = errno.ENOSPC) -> None:
    opened = os.open

    def refused(path: Any, flag: int, *rest: Any, **more: Any) -> int:
        if flag & os.O_EXCL:
            raise FileExistsError if Path(path).exists() else OSError(why, os.strerror(why))
        return opened(path, flag, *rest, **more)

    def no_copy(*_: object) -> None:
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr("os.open", refused)
    monkeypatch.setattr("shutil.copyfile", no_copy)


async def shown(folder: Path, percent: float) -> RolloutState:
    return await flags(folder).apply(change("shown", {"us": percent, "ca": percent}, "core", "full"))


@pytest.mark.parametrize("why", NO_NEW_FILE.values(), ids=NO_NEW_FILE)
async def test_where_no_new_file_can_be_made_a_change_that_shrinks_goes_in_place_and_no_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    console, path = flags(tmp_path), tmp_path / "flags.json"
    state = await shown(tmp_path, 50)
    before, names, inode = path.read_bytes(), files(tmp_path), path.stat().st_ino
    takes_no_new_file(monkeypatch, why)
    with pytest.raises(Refused, match=os.strerror(why)):
        await console.apply(change("wider", {"us": 60}, "core", expect=state.revision))
    assert path.read_bytes() == before
    with pytest.raises(ProviderError, match="revision"):
        await console.apply(change("late", {"us": 10}, "core", expect="7-other"))
    assert path.read_bytes() == before
    back = await console.apply(change("back", {"us": 10}, "core", expect=state.revision))
    assert (back.op, back.exposure.percent, back.notes) == ("back", {"us": 10}, ())
    killed = await console.apply(change("kill", {}, expect=back.revision, force=True))
    assert is_nobody(killed.exposure)
    assert (files(tmp_path), path.stat().st_ino) == (names, inode)
    assert path.stat().st_size >= len(before), "what it gave back somebody else would take"


async def test_where_even_the_lock_cannot_be_made_the_file_is_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await shown(tmp_path, 50)
    (tmp_path / ".flags.json.lock").unlink()
    takes_no_new_file(monkeypatch, errno.EROFS)
    back = await flags(tmp_path).apply(change("back", {"us": 10}, "core", expect=state.revision))
    assert back.exposure.percent == {"us": 10}


async def test_what_clients_refuse_is_taken_back_without_a_copy_where_there_is_no_room_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shown(tmp_path, 50)
    found = json.loads((tmp_path / "flags.json").read_text())
    found["flags"]["theirs"] = {"state": "ENABLED", "variants": {"a": 1}, "colour": "red"}
    (tmp_path / "flags.json").write_text(json.dumps(found))
    state = await flags(tmp_path).read("production")
    takes_no_new_file(monkeypatch)
    back = await flags(tmp_path).apply(change("back", {"us": 10}, "core", expect=state.revision))
    assert (back.exposure.percent, back.notes) == ({"us": 10}, ())


async def test_a_file_that_cannot_grow_is_written_without_a_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await shown(tmp_path, 50)
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    size = path.stat().st_size
    pwrite = os.pwrite

    def full(descriptor: int, content: bytes, at: int) -> int:
        if at + len(content) > size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, content, at)

    takes_no_new_file(monkeypatch)
    monkeypatch.setattr("os.pwrite", full)
    back = await flags(tmp_path).apply(change("longer" * 6, {"us": 10}, "core", expect=state.revision))
    assert (back.exposure.percent, path.stat().st_size) == ({"us": 10}, size)


async def test_a_reader_never_takes_a_half_written_file_for_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await shown(tmp_path, 50)
    path = tmp_path / "flags.json"
    old = json.loads(path.read_text())
    seen: list[Any] = []
    pwrite = os.pwrite

    def byte_by_byte(descriptor: int, content: bytes, at: int) -> int:
        done = pwrite(descriptor, content[:50], at)
        try:
            seen.append(json.loads(path.read_bytes()))
        except ValueError:
            seen.append(None)
        return done

    takes_no_new_file(monkeypatch)
    monkeypatch.setattr("os.pwrite", byte_by_byte)
    await flags(tmp_path).apply(change("back", {"us": 10}, "core", expect=state.revision))
    new = json.loads(path.read_text())
    torn = seen.index(None)
    assert len(seen) > 20
    assert all(each == old for each in seen[:torn])
    assert [each for each in seen[torn:] if each is not None] in ([new], [new, new])


async def test_an_end_in_the_middle_of_overwriting_leaves_a_damaged_file_that_a_kill_mends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await shown(tmp_path, 50)
    with monkeypatch.context() as patch:
        takes_no_new_file(patch)
        write = flagd_disk._Hand.write

        def ends(hand: flagd_disk._Hand, content: bytes, at: int) -> None:
            if at == 1:
                raise OSError(errno.EIO, "the end")
            write(hand, content, at)

        patch.setattr(flagd_disk._Hand, "write", ends)
        with pytest.raises(ProviderError, match="half written") as told:
            await flags(tmp_path).apply(change("back", {"us": 10}, "core", expect=state.revision))
        assert not isinstance(told.value, Refused)
    with pytest.raises(ProviderError):
        await flags(tmp_path).read("production")
    assert (await flags(tmp_path).way_back()).kill == ""
    assert is_nobody((await flags(tmp_path).apply(change("kill", {}, force=True))).exposure)


async def test_who_overwrites_stops_where_somebody_else_wrote_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await shown(tmp_path, 50)
    path = tmp_path / "flags.json"
    takes_no_new_file(monkeypatch)
    write = flagd_disk._Hand.write

    def frozen(hand: flagd_disk._Hand, content: bytes, at: int) -> None:
        if at == 1:
            path.write_text('{"flags": {}}')
            flagd_disk.make_newer(path, path.stat().st_mtime_ns)
        write(hand, content, at)

    monkeypatch.setattr(flagd_disk._Hand, "write", frozen)
    with pytest.raises(Refused, match="somebody else"):
        await flags(tmp_path).apply(change("back", {"us": 10}, "core", expect=state.revision))
    assert json.loads(path.read_text()) == {"flags": {}}


async def test_a_folder_that_is_gone_is_not_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    state = await shown(folder, 50)
    folder.rename(tmp_path / "moved")
    for console in (flags(folder), flags(tmp_path / "never")):
        with pytest.raises(ProviderError, match=r"the folder .* does not exist"):
            await console.fetch()
        with pytest.raises(ProviderError, match=r"the folder .* does not exist"):
            await console.read("production")
        for asked in (change("a", {"us": 60}, "core", expect=state.revision), change("k", {}, force=True)):
            with pytest.raises(Refused, match=r"the folder .* does not exist"):
                await console.apply(asked)
        assert "does not exist" in (await console.way_back()).kill
    assert files(tmp_path) == ["moved"]


async def test_an_empty_folder_in_the_place_of_one_that_held_the_file_is_not_nobody(tmp_path: Path) -> None:
    console = flags(tmp_path)
    await shown(tmp_path, 50)
    await console.fetch()
    for name in files(tmp_path):  # as where a disk was unmounted
        (tmp_path / name).unlink()
    with pytest.raises(ProviderError, match="is gone"):
        await console.fetch()


async def test_a_kill_works_where_a_roll_back_does_not_and_it_says_so(tmp_path: Path) -> None:
    assert await flags(tmp_path).way_back() == WayBack()
    (tmp_path / "flags.json").write_text("{")
    told = await flags(tmp_path).way_back()
    assert told.kill == ""
    assert "flags.json" in told.roll_back


FROZEN = """
import asyncio, os, signal, sys, threading
from pathlib import Path
from repz_console.providers import flagd_file
from tests.conftest import ROOT
from tests.support.providers import change, flags

replace = os.replace
def frozen(*paths):
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # another thread would be stopped too late
    replace(*paths)
flagd_file.os.replace = frozen
asked = change("wider", {"us": 90}, "core", expect=sys.argv[2])
try:
    print(asyncio.run(flags(Path(sys.argv[1])).apply(asked)))
except Exception as error:
    print(type(error).__name__, error)
"""


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_a_console_frozen_at_the_last_moment_writes_nothing_over_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flagd_file, "_LOCK_WAIT", 0.05)
    state = await shown(tmp_path, 20)
    # Its stopping and going on is what is tried here: nothing else runs meanwhile.
    command = [sys.executable, "-c", FROZEN, str(tmp_path), state.revision]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as frozen:  # noqa: ASYNC220
        try:
            stat = Path(f"/proc/{frozen.pid}/stat")
            _until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
            killed = await flags(tmp_path).apply(change("kill", {}, force=True))
            frozen.send_signal(signal.SIGCONT)
            told, _ = frozen.communicate(timeout=30)
        finally:
            frozen.kill()
    assert told.startswith("Refused")
    assert "nothing of this was written" in told
    assert is_nobody(killed.exposure)
    assert await flags(tmp_path).read("production") == killed
    assert files(tmp_path) == [".flags.json.lock", "flags.json"]


async def test_a_kill_that_another_kill_held_up_is_to_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shown(tmp_path, 20)
    write_new = flagd_file.FlagFile._write_new

    def withdrawn(file: flagd_file.FlagFile, temporary: Path, encoded: bytes) -> None:
        write_new(file, temporary, encoded)
        temporary.unlink()

    monkeypatch.setattr(flagd_file.FlagFile, "_write_new", withdrawn)
    with pytest.raises(ProviderError) as told:
        await flags(tmp_path).apply(change("kill", {}, force=True))
    assert not isinstance(told.value, Refused)

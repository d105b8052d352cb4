"""The kind `flagd` on disks that take nothing, in folders that are gone, and beside a console that froze."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from repz_console.plan.exposure import is_nobody
from repz_console.providers import flagd_file
from repz_console.providers.base import Conflict, ProviderError, Refused
from tests.support.providers import change, flags


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@contextlib.contextmanager
def frozen_console(folder: Path) -> Iterator[None]:
    with open(folder / ".flags.json.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def test_a_frozen_console_holds_up_a_change_but_not_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flagd_file, "_LOCK_WAIT", 0.05)
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 50}, "core"))
    with frozen_console(tmp_path):
        with pytest.raises(Refused, match="another console"):
            await console.apply(change("b", {"us": 60}, "core", expect=state.revision))
        assert is_nobody((await console.apply(change("k", {}, force=True))).exposure)


async def test_a_full_disk_refuses_what_widens_and_what_shrinks_overwrites_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 50}, "core"))
    before = (tmp_path / "flags.json").read_bytes()
    names = files(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(flagd_file.FlagFile, "_write_new", full)
    with pytest.raises(Refused, match="No space left"):
        await console.apply(change("b", {"us": 60}, "core", expect=state.revision))
    assert (tmp_path / "flags.json").read_bytes() == before
    with pytest.raises(Conflict):
        await console.apply(change("b", {"us": 10}, "core", expect="7"))
    less = await console.apply(change("b", {"us": 10}, "core", expect=state.revision))
    assert (less.exposure.percent["us"], less.op) == (10, "b")
    assert is_nobody((await console.apply(change("k", {}, force=True))).exposure)
    assert files(tmp_path) == names


async def test_what_shrinks_in_place_does_not_overwrite_an_edit_of_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 50}, "core"))

    def edited_meanwhile(*_: object) -> None:
        (tmp_path / "flags.json").write_text("{}")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(flagd_file.FlagFile, "_write_new", edited_meanwhile)
    with pytest.raises(Refused, match="same moment"):
        await console.apply(change("b", {"us": 10}, "core", expect=state.revision))
    assert json.loads((tmp_path / "flags.json").read_text()) == {}


async def test_a_folder_that_is_gone_is_not_a_file_that_was_never_written(tmp_path: Path) -> None:
    console = flags(tmp_path / "flags")
    with pytest.raises(ProviderError, match="does not exist"):
        await console.read("production")
    with pytest.raises(ProviderError, match="does not exist"):
        await console.fetch()
    for force in (False, True):
        with pytest.raises(Refused):
            await console.apply(change("a", {}, expect="0", force=force))
    (tmp_path / "flags").mkdir()
    assert is_nobody((await console.read("production")).exposure)

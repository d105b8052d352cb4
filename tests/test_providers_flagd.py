"""The definition file: compare and set, strangers' edits, strangers' flags, and the way back over any damage."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from repz_console.facts import Exposure
from repz_console.plan.exposure import is_nobody, nobody
from repz_console.providers import flagd_file, registry
from repz_console.providers.base import Conflict, ProviderError, Refused
from tests.support.providers import change, context, flags, provider

THEIRS: dict[str, Any] = {
    "$schema": "https://flagd.dev/schema/v0/flags.json",
    "flags": {
        "checkout": {"state": "DISABLED", "variants": {"é": 1.5, "b": 12345678901234567890}, "defaultVariant": None},
        "repz.staging.core": {"state": "ENABLED", "variants": {"x": "y"}, "metadata": {"owner": "ops", "level": 3}},
    },
    "$evaluators": {"eu": {"in": [{"var": "country"}, ["DE"]]}},
    "metadata": {"flagSetId": "shop"},
}


def document(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "flags.json").read_text())
    return read


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def set_aside(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir() if "set-aside" in file.name]


async def test_a_missing_file_is_nobody_at_revision_0_and_says_so(tmp_path: Path) -> None:
    facts = await flags(tmp_path).fetch()
    assert facts.rollouts is not None
    assert [state.rollout for state in facts.rollouts] == ["beta", "production"]
    for state in facts.rollouts:
        assert (state.exposure, state.revision) == (nobody(), "0")
        assert "does not exist yet" in state.notes[0]
    assert files(tmp_path) == []


async def test_a_change_is_stamped_with_who_and_what(tmp_path: Path) -> None:
    console = flags(tmp_path)
    asked = change("op-1", {"us": 20}, "core", plan_hash="f00d")
    state = await console.apply(asked)
    assert state == await console.read("production")
    assert (state.op, state.changed_by, state.exposure) == ("op-1", "maya", asked.target)
    assert state.revision.startswith("1-")
    assert state.notes == ()
    assert document(tmp_path)["flags"]["repz.production.core"]["metadata"]["repz.plan_hash"] == "f00d"


async def test_a_change_judged_against_another_revision_is_a_conflict(tmp_path: Path) -> None:
    console, other = flags(tmp_path), flags(tmp_path)
    first = await console.apply(change("a", {"us": 20}, "core"))
    with pytest.raises(Conflict):
        await other.apply(change("b", {"us": 90}, "core"))
    assert await other.read("production") == first


async def test_only_one_of_many_at_once_wins(tmp_path: Path) -> None:
    consoles = [flags(tmp_path) for _ in range(8)]
    results = await asyncio.gather(
        *(console.apply(change(f"op{n}", {"us": n + 1}, "core")) for n, console in enumerate(consoles)),
        return_exceptions=True,
    )
    won = [result for result in results if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert all(isinstance(result, Refused | Conflict) for result in results if isinstance(result, BaseException))
    assert await flags(tmp_path).read("production") == won[0]


async def test_the_same_op_twice_is_done_once(tmp_path: Path) -> None:
    console = flags(tmp_path)
    asked = change("a", {"us": 20}, "core")
    first = await console.apply(asked)
    before = (tmp_path / "flags.json").stat()
    assert await console.apply(asked) == first
    assert (tmp_path / "flags.json").stat() == before
    kill = change("k", {}, force=True)
    assert await console.apply(kill) == await console.apply(kill)


async def test_rollouts_in_one_file_have_revisions_of_their_own(tmp_path: Path) -> None:
    console = flags(tmp_path)
    beta = await console.apply(change("b", {"us": 50}, "core", rollout="beta"))
    production = await console.apply(change("p", {"us": 20}, "core"))
    assert await console.read("beta") == beta
    await console.apply(change("b2", {"us": 60}, "core", rollout="beta", expect=beta.revision))
    assert await console.read("production") == production


async def test_what_others_keep_in_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "flags.json").write_text(json.dumps(THEIRS, ensure_ascii=False))
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 20}, "core"))
    await console.apply(change("k", {}, expect=state.revision, force=True))
    found = document(tmp_path)
    ours = [key for key in found["flags"] if key.startswith("repz.production.")]
    assert len(ours) == 3
    for key in ours:
        del found["flags"][key]
    assert found == THEIRS
    assert '"é": 1.5' in (tmp_path / "flags.json").read_text()


@pytest.mark.parametrize("edit", ["weights", "metadata", "gone"])
async def test_a_stranger_s_edit_is_another_revision_without_an_op(tmp_path: Path, edit: str) -> None:
    console = flags(tmp_path)
    state = await console.apply(change("a", {"world": 20}, "core"))
    found = document(tmp_path)
    core = found["flags"]["repz.production.core"]
    if edit == "weights":
        core["targeting"]["if"][-1]["if"][1]["fractional"][1:] = [["on", 9000], ["off", 1000]]
    elif edit == "metadata":
        core["metadata"]["repz.actor"] = "somebody else"
    else:
        del found["flags"]["repz.production.full"]
    (tmp_path / "flags.json").write_text(json.dumps(found))
    now = await console.read("production")
    assert now.revision != state.revision
    assert (now.op, now.changed_by) == ("", "")
    assert any("outside this console" in note for note in now.notes)
    assert now.exposure.percent == {"world": 90 if edit == "weights" else 20}
    assert any("repz.production.full is missing" in note for note in now.notes) == (edit == "gone")
    with pytest.raises(Conflict):
        await console.apply(change("b", {"us": 30}, "core", expect=state.revision))
    settled = await console.apply(change("c", {"us": 30}, "core", expect=now.revision))
    assert settled.notes == ()
    assert settled.revision.startswith("2-")


DAMAGES = {
    "empty": b"",
    "torn": b'{"flags": {"repz.production.core": {"state": "ENA',
    "not text": b"\xff\xfe\x00",
    "a list": b"[]",
    "no flags": b"{}",
    "flags in a list": b'{"flags": []}',
    "NaN": b'{"flags": {}, "x": NaN}',
    "infinite": b'{"flags": {}, "x": 1e999}',
    "twice": b'{"flags": {}, "flags": {}}',
    "too deep to parse": b'{"flags":' + b"[" * 100_000,
    "too deep to copy": b'{"flags": {}, "x": ' + b"[" * 400 + b"]" * 400 + b"}",
    "long number": b'{"flags": {}, "x": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_file_is_not_nobody_and_a_kill_works_on_it(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "flags.json"
    path.write_bytes(damage)
    console = flags(tmp_path)
    with pytest.raises(ProviderError, match=r"flags\.json"):
        await console.fetch()
    assert "flags.json" in await console.ready()
    with pytest.raises(Refused):
        await console.apply(change("a", {"us": 20}, "core"))
    assert path.read_bytes() == damage
    state = await console.apply(change("k", {}, expect="7-abc", force=True))
    assert is_nobody(state.exposure)
    assert state.revision.startswith("8-")
    assert set_aside(tmp_path) == [damage]


async def test_a_kill_over_damage_keeps_the_flags_of_others_that_were_seen_last(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(THEIRS))
    console = flags(tmp_path)
    await console.fetch()
    path.write_bytes(b"")
    await console.apply(change("k", {}, force=True))
    assert document(tmp_path)["flags"]["checkout"] == THEIRS["flags"]["checkout"]


async def test_a_kill_over_a_file_that_clients_can_still_read_keeps_the_flags_of_others(tmp_path: Path) -> None:
    twice = '{"metadata": {}, "metadata": {}, ' + json.dumps(THEIRS)[1:]
    (tmp_path / "flags.json").write_text(twice)
    console = flags(tmp_path)
    with pytest.raises(ProviderError, match="given twice"):
        await console.fetch()
    await console.apply(change("k", {}, force=True))
    assert document(tmp_path)["flags"]["checkout"] == THEIRS["flags"]["checkout"]
    assert set_aside(tmp_path) == [twice.encode()]


async def test_a_file_that_is_gone_is_not_nobody(tmp_path: Path) -> None:
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 20}, "core"))
    (tmp_path / "flags.json").unlink()
    with pytest.raises(ProviderError, match="is gone"):
        await flags(tmp_path).fetch()
    with pytest.raises(Refused):
        await console.apply(change("b", {"us": 10}, "core", expect=state.revision))
    assert is_nobody((await console.apply(change("k", {}, force=True))).exposure)


async def test_a_file_that_clients_refuse_can_shrink_but_not_widen(tmp_path: Path) -> None:
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 50}, "core"))
    found = document(tmp_path)
    found["flags"]["theirs"] = {"state": "ENABLED", "variants": {"a": 1}, "colour": "red"}
    (tmp_path / "flags.json").write_text(json.dumps(found))
    state = await console.read("production")
    assert any("clients refuse the whole file" in note and "colour" in note for note in state.notes)
    assert "colour" in await console.ready()
    with pytest.raises(Refused, match="clients refuse the whole file"):
        await console.apply(change("b", {"us": 60}, "core", expect=state.revision))
    state = await console.apply(change("c", {"us": 10}, "core", expect=state.revision))
    assert state.exposure == Exposure({"us": 10}, ("core",))
    assert "theirs" not in document(tmp_path)["flags"]
    assert set_aside(tmp_path) == [json.dumps(found).encode()]


async def test_a_forced_change_only_shows_less(tmp_path: Path) -> None:
    console = flags(tmp_path)
    await console.apply(change("a", {"us": 50}, "core"))
    with pytest.raises(Refused, match="only show less"):
        await console.apply(change("b", {"us": 60}, "core", force=True))
    assert (await console.apply(change("c", {"us": 5}, "core", force=True))).exposure.percent == {"us": 5}


@pytest.mark.parametrize(
    "asked",
    [
        change("a", {"mars": 1}, "core"),
        change("a", {"us": 1}, "teleport"),
        change("a", {"us": 0.001}, "core"),
        change("a", {"us": 1}, "core", rollout="staging"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_nothing_is_written(tmp_path: Path, asked: Any) -> None:
    with pytest.raises(Refused):
        await flags(tmp_path).apply(asked)
    assert not (tmp_path / "flags.json").exists()


async def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "v1.json").write_text(json.dumps(THEIRS))
    (real / "v1.json").chmod(0o640)
    (tmp_path / "flags.json").symlink_to("real/v1.json")
    await flags(tmp_path).apply(change("a", {"us": 20}, "core"))
    assert (tmp_path / "flags.json").is_symlink()
    assert (real / "v1.json").stat().st_mode & 0o777 == 0o640
    assert "repz.production.core" in json.loads((real / "v1.json").read_text())["flags"]


async def test_a_new_file_can_be_read_by_clients_of_other_users(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        await flags(tmp_path).apply(change("a", {"us": 20}, "core"))
    finally:
        os.umask(old)
    assert (tmp_path / "flags.json").stat().st_mode & 0o777 == 0o644


async def test_a_change_whose_caller_stopped_waiting_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repz_console.providers.flagd._GIVE_UP", -1)
    with pytest.raises(Refused, match="took too long"):
        await flags(tmp_path).apply(change("a", {"us": 50}, "core"))
    assert not (tmp_path / "flags.json").exists()


async def test_an_edit_at_the_same_moment_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = flags(tmp_path)
    state = await console.apply(change("a", {"us": 50}, "core"))
    write_new = flagd_file.FlagFile._write_new

    def edited_meanwhile(file: flagd_file.FlagFile, *rest: Any) -> None:
        write_new(file, *rest)
        (tmp_path / "flags.json").write_text(json.dumps(THEIRS))

    monkeypatch.setattr(flagd_file.FlagFile, "_write_new", edited_meanwhile)
    with pytest.raises(Refused, match="same moment"):
        await console.apply(change("b", {"us": 60}, "core", expect=state.revision))
    assert document(tmp_path) == THEIRS
    assert files(tmp_path) == [".flags.json.lock", "flags.json"]


async def test_ready_names_what_is_in_the_way(tmp_path: Path) -> None:
    assert await flags(tmp_path).ready() == ""
    assert "does not exist" in await flags(tmp_path / "nowhere").ready()
    lost = registry.load("flagd")(registry.load("flagd").Options(path="state:flags.json"), context(tmp_path))
    assert await lost.ready() == ""
    assert files(tmp_path) == []


async def test_ready_tries_whether_the_disk_takes_a_file_that_does_not_exist_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(flagd_file.os, "fsync", full)
    assert "No space left on device" in await flags(tmp_path).ready()
    assert files(tmp_path) == []
    (tmp_path / "flags.json").write_text(json.dumps(THEIRS))
    assert await flags(tmp_path).ready() == "", "one that exists is overwritten in place"


@pytest.mark.parametrize("path", ["state:/etc/flags.json", "state:../flags.json"])
async def test_a_path_in_the_store_stays_in_the_store(tmp_path: Path, path: str) -> None:
    console = provider("flagd", tmp_path, "flags", path=path)
    with pytest.raises(ProviderError, match="inside the store"):
        await console.fetch()
    with pytest.raises(Refused):
        await console.apply(change("a", {"us": 1}, "core"))

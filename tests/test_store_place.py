"""Where the store lies and who may use it: rights under any umask, shared folders, network file systems, identity."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repz_console.events import NoteAdded
from repz_console.store import identity, place
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.store.telemetry import Telemetry
from tests.support.store import actor
from tests.support.users import as_user, needs_root

UMASKS = (0o000, 0o022, 0o027, 0o077)


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_the_users_state_folder_by_default(umask: int) -> None:
    folder = place.folder("", Path("/nowhere"))
    assert folder == Path(os.environ["XDG_STATE_HOME"]).resolve() / "repz-console"
    assert mode(folder) == 0o700
    assert mode(folder.parent) == 0o700


def test_a_relative_folder_starts_at_the_config(tmp_path: Path) -> None:
    assert place.folder("state/here", tmp_path) == tmp_path / "state" / "here"
    assert place.folder(str(tmp_path / "x"), Path("/nowhere")) == tmp_path / "x"
    assert place.folder("~/launch", tmp_path) == Path.home() / "launch"


def test_files_in_ones_own_folder_are_private(tmp_path: Path, umask: int) -> None:
    folder = place.folder(str(tmp_path / "own"), tmp_path)
    journal, telemetry = Journal.open(folder), Telemetry.open(folder)
    journal.append(NoteAdded("x"), actor())
    names = {path.name for path in folder.iterdir()}
    assert {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock", "telemetry.db"} <= names
    assert {path.name: oct(mode(path)) for path in folder.iterdir()} == dict.fromkeys(names, oct(0o600))
    telemetry.close()


def test_files_in_a_shared_folder_are_the_groups(tmp_path: Path, umask: int) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2770)
    folder = place.folder(str(shared), tmp_path)
    assert mode(folder) == 0o2770
    journal, telemetry = Journal.open(folder), Telemetry.open(folder)
    journal.append(NoteAdded("x"), actor())
    names = {path.name for path in folder.iterdir()}
    assert {path.name: oct(mode(path)) for path in folder.iterdir()} == dict.fromkeys(names, oct(0o660))
    telemetry.close()


def test_a_folder_that_everyone_may_write_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(StoreError, match="writable by everyone"):
        place.folder(str(open_to_all), tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="not a folder"):
        place.folder("file", tmp_path)
    with pytest.raises(StoreError, match="cannot be used"):
        place.folder("file/inside", tmp_path)


def mounts(tmp_path: Path, *lines: str) -> Path:
    table = tmp_path / "mountinfo"
    table.write_text("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n" + "".join(line + "\n" for line in lines))
    return table


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse", "ceph", "virtiofs"])
def test_a_network_file_system_is_found(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    table = mounts(tmp_path, f"40 22 0:40 / {home} rw shared:1 master:2 - {kind} server:/export rw")
    assert place.network_filesystem(home / "not" / "yet" / "made", table) == kind
    assert place.network_filesystem(tmp_path, table) == ""
    (tmp_path / "homework").mkdir()
    assert place.network_filesystem(tmp_path / "homework", table) == ""


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk", "nfsd"])
def test_a_local_file_system_is_let_through(tmp_path: Path, kind: str) -> None:
    assert place.network_filesystem(tmp_path, mounts(tmp_path, f"40 22 0:40 / {tmp_path} rw - {kind} x rw")) == ""


def test_the_nearest_and_latest_mount_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a b" / "inner"
    inner.mkdir(parents=True)
    escaped = str(tmp_path / "a b").replace(" ", "\\040")
    network = f"40 22 0:40 / {escaped} rw - nfs4 server:/ rw"
    local = f"41 40 0:41 / {escaped}/inner rw - ext4 /dev/sdb rw"
    over = f"42 40 0:42 / {escaped} rw - tmpfs tmpfs rw"
    assert place.network_filesystem(inner, mounts(tmp_path, network)) == "nfs4"
    assert place.network_filesystem(inner, mounts(tmp_path, local, network)) == ""
    assert place.network_filesystem(inner, mounts(tmp_path, network, over)) == ""
    assert place.network_filesystem(inner, mounts(tmp_path, over, network)) == "nfs4"
    assert place.network_filesystem(inner, tmp_path / "no table here") == ""


def test_a_network_folder_is_refused_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "network_filesystem", lambda path: "nfs4")
    with pytest.raises(StoreError, match=r"network file system \(nfs4\).*local disk"):
        place.folder("state", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can get to, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def append_as(folder: Path, umask: int, user: str) -> Callable[[], None]:
    def work() -> None:
        os.umask(umask)
        place.folder(str(folder), folder)
        journal, telemetry = Journal.open(folder), Telemetry.open(folder)
        assert journal.trouble == "", journal.trouble
        journal.append(NoteAdded("x"), actor(user))
        telemetry.close()
        # Some leave without closing, so that the log stays behind for the next.
        if umask != 0o077:
            journal.close()

    return work


@needs_root
def test_everyone_of_the_group_can_write_whoever_came_first(reachable: Path) -> None:
    shared = reachable / "shared"
    shared.mkdir()
    os.chown(shared, 0, 7000)
    shared.chmod(0o2770)
    for turn, (uid, umask) in enumerate([(7001, 0o077), (7002, 0o022), (7003, 0o027), (7001, 0o077), (7002, 0o077)]):
        assert as_user(uid, [7000], append_as(shared, umask, f"u{turn}")) == ""
    journal = Journal.open(shared)
    assert [entry.actor.user for entry in journal.entries()] == ["u0", "u1", "u2", "u3", "u4"]
    assert journal.verify().ok


@needs_root
def test_a_stranger_is_told_what_is_missing(reachable: Path) -> None:
    own = reachable / "own"
    own.mkdir()
    os.chown(own, 7001, 7001)
    own.chmod(0o700)
    assert as_user(7001, [], lambda: Journal.open(place.folder(str(own), own)).close()) == ""

    def look() -> None:
        with pytest.raises(StoreError, match="group"):
            place.folder(str(own), own)

    assert as_user(7002, [], look) == ""


@needs_root
def test_who_may_only_read_reads(reachable: Path) -> None:
    shared = reachable / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    journal = Journal.open(shared)
    journal.append(NoteAdded("x"), actor())
    for path in shared.iterdir():
        path.chmod(0o644)

    def read() -> None:
        reader = Journal.open(shared)
        assert "may not be written by you" in reader.trouble
        assert reader.damage == ""
        assert len(reader.entries()) == 1
        with pytest.raises(StoreError, match="may not be written"):
            reader.append(NoteAdded("y"), actor())

    assert as_user(7002, [], read) == ""


@needs_root
def test_root_does_not_lock_the_folders_owner_out(reachable: Path) -> None:
    own = reachable / "own"
    own.mkdir()
    os.chown(own, 7001, 7001)
    own.chmod(0o700)
    append_as(own, 0o077, "root")()
    assert as_user(7001, [], append_as(own, 0o022, "owner")) == ""


def test_the_actor_is_who_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "mallory")
    monkeypatch.setenv("LOGNAME", "mallory")
    me = identity.actor()
    assert me.uid == os.getuid()
    assert me.user == identity.user_name(os.getuid()) != "mallory"
    assert me.host == os.uname().nodename
    assert identity.actor("c7").console == "c7"
    assert identity.actor().console != me.console
    assert identity.user_name(3_999_999) == "3999999"


@pytest.mark.parametrize(("content", "uid"), [("1000\n", 1000), ("0", 0), ("4294967295", None), ("rubbish", None)])
def test_the_login_account_is_read(tmp_path: Path, content: str, uid: int | None) -> None:
    (tmp_path / "loginuid").write_text(content)
    assert identity.login_uid(tmp_path / "loginuid") == uid
    assert identity.login_uid(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("uid", "login", "proven"), [(1000, 1000, True), (1000, None, True), (1000, 1001, False), (0, 0, False)]
)
def test_a_shared_account_proves_nobody(
    monkeypatch: pytest.MonkeyPatch, uid: int, login: int | None, proven: bool
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(identity, "login_uid", lambda: login)
    assert identity.actor().proven is proven

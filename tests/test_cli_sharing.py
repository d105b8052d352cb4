"""A store for several unix users: made and mended by `init --shared`, looked at by `doctor`, used under any umask."""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import random
import stat
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from repz_console.commands.examine import sharing
from repz_console.config import load
from repz_console.engine.liveness import Liveness
from repz_console.events import NoteAdded
from repz_console.facts import Snapshot
from repz_console.plan.model import Seat
from repz_console.providers.flagd_document import SCHEMA
from repz_console.providers.flagd_file import FlagFile
from repz_console.store import place
from repz_console.store.emergency import Emergency, Record
from repz_console.store.journal import Journal
from repz_console.store.telemetry import Telemetry
from tests.conftest import Figure
from tests.support.commands import Answer, Commands
from tests.support.store import actor
from tests.support.users import Worker, as_user, needs_root

NOW = datetime(2027, 2, 1, tzinfo=UTC)
UMASKS = (0o022, 0o027, 0o077)
UIDS = (7001, 7002, 7003)


def own_group() -> grp.struct_group:
    """A group that this process can give a folder to, and that has a name."""
    numbers = [group.gr_gid for group in grp.getgrall() if group.gr_gid] if os.geteuid() == 0 else os.getgroups()
    for number in numbers:
        try:
            return grp.getgrgid(number)
        except KeyError:
            continue
    pytest.skip("this account is in no group that has a name")


GROUP = own_group()


@pytest.fixture
def repz(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def init(repz: Commands, folder: Path, *more: str) -> Answer:
    config = str(folder / "config.toml")
    return repz("init", "--shared", GROUP.gr_name, "--store", str(folder / "srv" / "store"), *more, config)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def states(folder: Path, *seats: Seat) -> dict[str, str]:
    return {answer.subject: answer.state for answer in sharing.examine(folder, seats)}


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_the_folder_and_every_file_are_the_groups(repz: Commands, reachable: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        said = init(repz, reachable)
    finally:
        os.umask(before)
    assert said.code == 0, said
    folder = reachable / "srv" / "store"
    assert mode(folder) == 0o2770
    assert mode(folder.parent) == 0o755, "the group could not get to it"
    assert {"journal.db", "journal.lock", "telemetry.db", "telemetry.lock", "emergency.slots"} <= {
        path.name for path in folder.iterdir()
    }
    assert {(mode(path), path.stat().st_gid) for path in folder.iterdir()} == {(0o660, GROUP.gr_gid)}
    assert load(reachable / "config.toml").plan.store.path == str(folder)
    assert mode(reachable / "config.toml") == 0o644
    assert f"usermod -aG {GROUP.gr_name}" in said.out
    assert "log in again" in said.out
    assert set(states(folder).values()) == {"ok"}


def test_a_store_that_is_there_is_mended_and_keeps_what_is_in_it(repz: Commands, reachable: Path) -> None:
    folder = reachable / "srv" / "store"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o755)
    journal = Journal.open(folder)
    journal.append(NoteAdded("before"), actor())
    (folder / "flags.json").write_text("{}")
    (folder / "flags.json").chmod(0o644)
    assert mode(folder / "journal.db") == 0o600
    assert init(repz, reachable).code == 0
    assert mode(folder / "journal.db-wal") == 0o660
    assert mode(folder / "flags.json") == 0o664, "clients can no longer read the flags"
    assert set(states(folder).values()) == {"ok"}
    journal.close()
    assert len(Journal.open(folder).entries()) == 1
    again = init(repz, reachable)
    assert again.code == 0
    assert "left alone: its [store] path is that folder" in again.out


def test_two_commands_set_a_machine_up(repz: Commands, reachable: Path) -> None:
    before = os.umask(0o077)
    try:
        config = reachable / "etc" / "repz" / "config.toml"
        store = reachable / "srv" / "store"
        assert repz("init", "--shared", GROUP.gr_name, "--store", str(store), str(config)).code == 0
    finally:
        os.umask(before)
    assert [mode(path) for path in (config, config.parent, config.parent.parent)] == [0o644, 0o755, 0o755]


def test_a_config_that_names_another_store_is_left_alone_and_told(repz: Commands, reachable: Path) -> None:
    assert repz("init", str(reachable / "config.toml")).code == 0
    text = (reachable / "config.toml").read_text()
    said = init(repz, reachable)
    assert (reachable / "config.toml").read_text() == text
    assert f'set path = "{reachable / "srv" / "store"}" in its [store] table' in said.out


def test_a_folder_of_somebodys_is_not_opened_to_the_group(repz: Commands, reachable: Path) -> None:
    folder = reachable / "srv" / "store"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "id_ed25519").write_text("private")
    (folder / "id_ed25519").chmod(0o600)
    said = init(repz, reachable)
    assert said.code == 3
    assert "holds id_ed25519, which is no store's" in said.err
    assert (mode(folder), mode(folder / "id_ed25519")) == (0o700, 0o600)
    (folder / "id_ed25519").unlink()
    (folder / "journal.db").symlink_to("/etc/passwd")
    assert init(repz, reachable).code == 3
    assert mode(folder) == 0o700


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--shared", "no-such-group"], 2, "there is no group 'no-such-group': sudo groupadd"),
        (["--store", "/tmp/x"], 2, "--store goes with --shared"),
        (["--shared", GROUP.gr_name, "--store", "/proc/store"], 3, "cannot be"),
        (["--shared", GROUP.gr_name, "--store", "/etc/passwd/x"], 3, "is not a folder"),
        (["--shared", GROUP.gr_name, "--store", '/tmp/a"b'], 2, "without quotes"),
    ],
)
def test_a_mistake_is_one_line(repz: Commands, tmp_path: Path, arguments: list[str], code: int, line: str) -> None:
    said = repz("init", *arguments, str(tmp_path / "config.toml"))
    assert (said.code, said.err.count("\n")) == (code, 1), said
    assert line in said.err
    assert not (tmp_path / "config.toml").exists()


@needs_root
def test_who_may_not_is_told_what_would_help(reachable: Path) -> None:
    from repz_console.commands.exits import Stop
    from repz_console.commands.sharing import group_id

    nobody = pwd.getpwnam("nobody")

    def ask() -> None:
        with pytest.raises(Stop, match="you are not in the group"):
            group_id(GROUP.gr_name)

    assert as_user(nobody.pw_uid, [], ask) == ""

    def elsewhere() -> None:
        with pytest.raises(place.StoreError, match="run it with sudo"):
            place.share(reachable / "store", GROUP.gr_gid)

    assert as_user(nobody.pw_uid, [GROUP.gr_gid], elsewhere) == ""


def test_doctor_names_who_is_locked_out_and_what_lets_them_in(reachable: Path) -> None:
    stranger = next(
        each for each in pwd.getpwall() if each.pw_uid and each.pw_name not in sharing.members(GROUP.gr_gid)
    )
    seat = Seat(id="lead", title="Lead", users=(stranger.pw_name, "no-such-account"))
    folder = place.share(reachable / "store", GROUP.gr_gid)
    answer = next(answer for answer in sharing.examine(folder, [seat]) if answer.subject == "people")
    assert answer.state == "bad"
    assert stranger.pw_name in answer.line
    assert "no-such-account" not in answer.line
    assert f"usermod -aG {GROUP.gr_name} {stranger.pw_name}" in answer.remedy
    private = reachable / "private"
    private.mkdir(mode=0o700)
    answer = next(answer for answer in sharing.examine(private, [seat]) if answer.subject == "people")
    assert (answer.state, stranger.pw_name in answer.line) == ("warn", True)


def test_doctor_names_each_file_and_folder_with_wrong_rights(reachable: Path) -> None:
    folder = place.share(reachable / "srv" / "store", GROUP.gr_gid)
    Journal.open(folder).close()
    (folder / "journal.db").chmod(0o640)
    answer = next(answer for answer in sharing.examine(folder, ()) if answer.subject == "files")
    assert answer.state == "bad"
    assert "journal.db 0640" in answer.line
    assert "init --shared" in answer.remedy
    (folder / "journal.db").chmod(0o666)
    assert states(folder)["files"] == "bad"
    (folder / "journal.db").chmod(0o660)
    assert states(folder)["files"] == "ok"
    folder.parent.chmod(0o700)
    assert states(folder)["reach"] == "bad"
    folder.chmod(0o2775)
    assert states(folder)["rights"] == "warn"
    folder.chmod(0o770)
    assert states(folder)["rights"] == "warn"


def everything(folder: Path, console: str) -> None:
    """What a console writes in the store, without leaving in an orderly way."""
    journal, telemetry = Journal.open(folder), Telemetry.open(folder)
    assert journal.trouble == "", journal.trouble
    journal.append(NoteAdded(console), actor(console))
    telemetry.save([Snapshot("box", "host", 5.0, error=console)], NOW)
    Liveness(lambda: folder, console).hold()
    flags = FlagFile(folder / "flags.json")
    with flags.locked():
        flags.replace({"$schema": SCHEMA, "flags": {}}, flags.load(), force=False, not_after=float("inf"))
    emergency = Emergency(folder)
    emergency.prepare()
    assert emergency.unprepared == ""
    emergency.files[0].write(Record(console, NOW, actor(console), NoteAdded(console)))


@needs_root
@pytest.mark.figure
def test_all_can_write_whoever_came_first_and_whatever_their_umask(reachable: Path, figure: Figure) -> None:
    # What others import for themselves may lie where only root reads.
    everything(place.share(reachable / "first", GROUP.gr_gid), "first")
    rounds = figure.count(2, 60)
    done = 0
    for number in range(rounds):
        folder = place.share(reachable / f"store-{number}", GROUP.gr_gid)
        turns = list(itertools.product(UIDS, UMASKS))
        random.Random(number).shuffle(turns)
        for step in range(0, len(turns), 3):
            workers = [
                Worker(uid, [GROUP.gr_gid], partial(everything, folder, f"c{number}-{step}-{at}"), umask)
                for at, (uid, umask) in enumerate(turns[step : step + 3])
            ]
            assert "\n".join(worker.end() for worker in workers).strip() == ""
            done += len(workers)
        found = {path.name: oct(mode(path)) for path in folder.iterdir() if not path.name.endswith(".json")}
        assert found == dict.fromkeys(found, oct(0o660))
        assert mode(folder / "flags.json") & 0o664 == 0o664
        assert set(states(folder).values()) == {"ok"}
        journal = Journal.open(folder)
        assert len(journal.entries()) == len(turns)
        assert journal.verify().ok
        journal.close()
    figure.say(f"{done:,} consoles of 3 unix users under umask 022, 027 and 077: 0 locked out of a file")

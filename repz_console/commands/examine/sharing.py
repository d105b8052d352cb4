"""Whether everybody who has a seat can use the store's folder, and nobody else."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from repz_console.commands.examine.answer import Answer
from repz_console.plan.model import Seat
from repz_console.store import database, place
from repz_console.text import safe

AREA = "store"
_NAMED = 5


def examine(folder: Path, seats: Iterable[Seat]) -> list[Answer]:
    """Every answer about who can use `folder`, which exists."""
    status = folder.stat()
    shared = place.is_shared(folder)
    answers = [_rights(folder, status, shared), _files(folder, status.st_gid, shared)]
    if shared:
        answers += _reach(folder, status.st_gid)
    return [*answers, *_people(seats, status, shared)]


def members(gid: int) -> frozenset[str]:
    """Names of the accounts that are in a group, by it being theirs or by its list. May ask a directory server."""
    group = grp.getgrgid(gid)
    return frozenset(group.gr_mem) | {each.pw_name for each in pwd.getpwall() if each.pw_gid == gid}


def seated(seats: Iterable[Seat]) -> list[str]:
    """The accounts of this machine that the plan's seats name, as users, deputies or members of groups."""
    named: set[str] = set()
    for seat in seats:
        named.update(seat.users, seat.deputies)
        for group in seat.groups:
            try:
                named.update(grp.getgrnam(group).gr_mem)
            except KeyError:
                continue
    return sorted(name for name in named if _exists(name))


def locked_out(seats: Iterable[Seat], gid: int) -> list[str]:
    """Those who have a seat and an account here, and are not in the group. Root needs none."""
    try:
        inside = members(gid)
    except KeyError:
        inside = frozenset()
    return [name for name in seated(seats) if name not in inside and pwd.getpwnam(name).pw_uid != 0]


def group_name(gid: int) -> str:
    """The group's name, or its number where the system has none."""
    try:
        return safe(grp.getgrgid(gid).gr_name, 64)
    except KeyError:
        return str(gid)


def _rights(folder: Path, status: os.stat_result, shared: bool) -> Answer:
    mode = f"mode {stat.S_IMODE(status.st_mode):04o}"
    group = group_name(status.st_gid)
    line = f"{mode}, {f'shared by the group {group}' if shared else 'yours alone'}"
    if database.is_read_only(folder / "journal.db"):
        remedy = "`dmesg` tells why; then remount it: consoles that are open go on by themselves"
        return Answer(AREA, "rights", "bad", f"{line}; its disk is mounted read-only", remedy)
    if not os.access(folder, os.W_OK):
        return Answer(AREA, "rights", "bad", f"{line}; you may not write it", _entry(status.st_gid, shared))
    if status.st_mode & stat.S_IWGRP and not shared:
        line = f"{mode}: group-writable, but new files do not take over the group"
        return Answer(AREA, "rights", "warn", line, f"chmod g+s {folder}")
    if shared and not status.st_mode & stat.S_IRGRP:
        return Answer(AREA, "rights", "bad", f"{mode}: the group {group} may not read it", f"chmod 2770 {folder}")
    if status.st_mode & stat.S_IRWXO:
        return Answer(AREA, "rights", "warn", f"{line}; others may look into it", f"chmod o-rwx {folder}")
    return Answer(AREA, "rights", "ok", line)


def _entry(gid: int, shared: bool) -> str:
    """How somebody gets to write the folder."""
    group, me = group_name(gid), _me()
    if not shared:
        return "ask its owner to share it"
    if gid in os.getgroups():
        return f"you are in the group {group}: sudo repz-console init --shared {group} puts its rights right"
    with suppress(KeyError):
        if me in members(gid):
            return f"you are in the group {group} since after you logged in: log in again"
    return f"sudo usermod -aG {group} {me}, then log in again"


def _files(folder: Path, gid: int, shared: bool) -> Answer:
    """Whether each file has the rights that the folder asks for. Clients of other accounts may read flag files."""
    wrong = []
    for path in place.files(folder):
        try:
            status = path.lstat()
        except FileNotFoundError:  # a console has just closed
            continue
        mode = stat.S_IMODE(status.st_mode)
        open_to_group = mode & 0o060 == 0o060 and status.st_gid == gid
        too_open = mode & 0o007 and ".json" not in path.name
        if too_open or (shared and not open_to_group):
            wrong.append(f"{path.name} {mode:04o} {group_name(status.st_gid)}")
    if not wrong:
        return Answer(AREA, "files", "ok", "each has the rights that its folder asks for")
    line = f"with other rights than the folder asks for: {_listed(wrong)}"
    if shared:
        group = group_name(gid)
        return Answer(
            AREA, "files", "bad", line, f"sudo repz-console init --shared {group} --store {folder} puts it right"
        )
    return Answer(AREA, "files", "warn", line, f"chmod 600 the files in {folder}")


def _reach(folder: Path, gid: int) -> Iterator[Answer]:
    """Whether the group gets to the folder at all."""
    for above in folder.parents:
        status = above.stat()
        if not status.st_mode & stat.S_IXOTH and not (status.st_gid == gid and status.st_mode & stat.S_IXGRP):
            line = f"{above} is closed to the group {group_name(gid)}: nobody else gets to the store below it"
            yield Answer(AREA, "reach", "bad", line, f"chmod o+x {above}, or a [store] path elsewhere")


def _people(seats: Iterable[Seat], status: os.stat_result, shared: bool) -> Iterator[Answer]:
    if shared:
        group = group_name(status.st_gid)
        missing = locked_out(seats, status.st_gid)
        if missing:
            line = f"locked out, for they have a seat and are not in the group {group}: {_listed(missing)}"
            commands = "; ".join(f"sudo usermod -aG {group} {name}" for name in missing[:_NAMED])
            yield Answer(AREA, "people", "bad", line, f"{commands}; then they log in again")
        else:
            yield Answer(AREA, "people", "ok", f"everybody with a seat and an account here is in the group {group}")
        return
    others = [name for name in seated(seats) if pwd.getpwnam(name).pw_uid not in (0, status.st_uid)]
    if others:
        line = f"locked out, for they have a seat and the folder is private: {_listed(others)}"
        yield Answer(AREA, "people", "warn", line, "sudo repz-console init --shared GROUP makes a folder for a team")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(safe(name, 80) for name in names[:_NAMED]) + more


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True

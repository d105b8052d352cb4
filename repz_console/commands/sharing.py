"""Making the store that a team shares, and saying what is left for whoever administers the machine."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import click

from repz_console.commands.common import print_line
from repz_console.commands.examine.sharing import group_name, locked_out
from repz_console.commands.exits import Exit, Stop
from repz_console.config import Loaded
from repz_console.store import place
from repz_console.store.emergency import Emergency
from repz_console.store.errors import StoreError
from repz_console.store.journal import Journal
from repz_console.store.telemetry import Telemetry
from repz_console.text import safe


def group_id(name: str) -> int:
    """The group's number. Raises `Stop` for one that is not there or that the caller cannot give a folder to."""
    try:
        group = grp.getgrnam(name)
    except KeyError:
        raise Stop(Exit.INPUT, f"there is no group {safe(name)!r}: sudo groupadd {safe(name)}") from None
    if os.geteuid() == 0 or group.gr_gid in {os.getegid(), *os.getgroups()}:
        return group.gr_gid
    user = pwd.getpwuid(os.geteuid()).pw_name
    if user in group.gr_mem:
        raise Stop(Exit.HELD, f"you are in the group {name} since after you logged in: log in again")
    raise Stop(Exit.HELD, f"you are not in the group {name}: let root do this, or sudo usermod -aG {name} {user}")


def make(folder: Path, group: int) -> None:
    """Make or mend a folder that the group shares, with every file that its members are to write. Raises
    `StoreError`."""
    shared = place.share(folder, group)
    Journal.open(shared).close()
    Telemetry.open(shared).close()
    emergency = Emergency(shared)
    emergency.prepare()
    if emergency.unprepared:
        raise StoreError(emergency.unprepared)


def say_what_is_left(folder: Path, group: int, loaded: Loaded, *, written: bool) -> None:
    """Print what nobody but a person can do. `written` tells a config that was made just now."""
    named = group_name(group)
    file = safe(loaded.path.absolute())
    if written:
        print_line(f"{file} is ready: its [store] path is that folder. Edit it, then: repz-console check {file}")
    elif place.located(loaded.plan.store.path, loaded.path.parent) == folder:
        print_line(f"{file} exists already and was left alone: its [store] path is that folder")
    else:
        print_line(f'{file} exists already and was left alone: set path = "{folder}" in its [store] table')
    click.echo("what is left:")
    missing = locked_out(loaded.plan.seat, group)
    for name in missing:
        print_line(f"  sudo usermod -aG {named} {name}    has a seat, and is not in the group")
    print_line(f"  sudo usermod -aG {named} NAME    for every other operator, and the recorder's account")
    click.echo("  they log in again, for a session keeps the groups that it began with")
    if loaded.path.stat().st_uid != 0:
        print_line(f"  sudo chown root {file}    for others: a config is refused unless it is root's or one's own")
    print_line(f"  export REPZ_CONFIG={file}    in /etc/profile.d, so that everybody opens this launch")
    click.echo("  repz-console doctor    as each of them")

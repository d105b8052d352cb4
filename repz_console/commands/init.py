"""`repz-console init`: a commented config.toml to start another launch from, and the store that a team shares."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import click

from repz_console.commands import sharing
from repz_console.commands.common import print_line
from repz_console.commands.exits import Exit, Stop
from repz_console.config import load
from repz_console.store import place

_STARTER = Path(__file__).with_name("starter.toml")
SHARED_STORE = Path("/var/lib/repz")
"""Where a team's store is unless another folder is named."""
_WEEKS_AHEAD = 4
_MOST_TITLE = 80


@click.command
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("config.toml"))
@click.option("--title", default="My launch", show_default=True, help="What is launched.")
@click.option("--environment", default="PRODUCTION", show_default=True, help="The word that dangerous steps repeat.")
@click.option("--zone", default="UTC", show_default=True, help="IANA name of the launch's time zone.")
@click.option("--full-launch", "day", metavar="DATE", help="The day of full launch; a Friday in a month if not given.")
@click.option("--shared", metavar="GROUP", help="Make a store that everybody in this unix group can use.")
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"The folder of that store; {SHARED_STORE} if not given.",
)
def command(
    file: Path, title: str, environment: str, zone: str, day: str | None, shared: str | None, store: Path | None
) -> None:
    """Write a commented config to FILE (./config.toml) and check it. A file that exists is left alone.

    With --shared also make the store of a team: a folder with mode 2770 and files with 0660, whatever anybody's umask
    is. A store that is there already is put right and keeps what is in it.
    """
    if shared is None:
        if store is not None:
            raise click.UsageError("--store goes with --shared GROUP")
        _write(file, filled(title, environment, zone, _day(day)))
        lines = len(load(file).text.splitlines())
        print_line(f"{file} is ready: {lines} lines. Edit it, then: repz-console check {file}")
        return
    folder = (store or SHARED_STORE).expanduser().resolve()
    text = filled(title, environment, zone, _day(day), str(folder))
    group = sharing.group_id(shared)
    sharing.make(folder, group)
    print_line(f"{folder} is shared by the group {shared}, mode 2770")
    written = not file.exists()
    if written:
        with suppress(OSError):  # said by what is written there next
            place.make(file.absolute().parent, 0o755)
        _write(file, text)
    sharing.say_what_is_left(folder, group, load(file), written=written)


def _write(file: Path, text: str) -> None:
    try:
        # Not the umask's rights: a config that its group could write would be refused.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            os.fchmod(descriptor, 0o644)
            written.write(text)
    except FileExistsError:
        raise Stop(Exit.INPUT, f"{file} exists already and was left alone") from None
    except OSError as error:
        raise Stop(Exit.INPUT, f"{file} cannot be written: {error.strerror}") from error


def filled(title: str, environment: str, zone: str, launch: date, store: str = "store") -> str:
    """The starter config for a launch on that day. Raises `Stop` for what could not stand in it."""
    if not store.isprintable() or re.search(r'["\\]', store):
        raise Stop(Exit.INPUT, "--store must be a path of printable characters without quotes")
    for name, value in (("title", title), ("environment", environment)):
        if not value.strip() or len(value) > _MOST_TITLE or not value.isprintable() or re.search(r'["\\]', value):
            raise Stop(Exit.INPUT, f"--{name} must be one line of text without quotes, at most {_MOST_TITLE} letters")
    if zone not in available_timezones():
        raise Stop(Exit.INPUT, f"{zone!r} is no time zone: write it like America/New_York")
    values = {
        "NAME": re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "launch",
        "TITLE": title.strip(),
        "ENVIRONMENT": environment.strip(),
        "ZONE": zone,
        "LAUNCH": launch.isoformat(),
        "STORE": store,
        "WEEK": (launch - timedelta(days=launch.weekday())).isoformat(),
        "REHEARSAL": (launch - timedelta(days=launch.weekday() + 7)).isoformat(),
    }
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], _STARTER.read_text(encoding="utf-8"))


def _day(text: str | None) -> date:
    if text is None:
        ahead = datetime.now(UTC).date() + timedelta(weeks=_WEEKS_AHEAD)
        return ahead + timedelta(days=(4 - ahead.weekday()) % 7)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Stop(Exit.INPUT, f"{text!r} is no date: write it like 2027-02-05") from None

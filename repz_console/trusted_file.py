"""Reads a file that may be obeyed: one that nobody but its reader or root could have written or put in its place."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path

from repz_console.mistakes import ConfigError, Mistake
from repz_console.text import safe

MOST_BYTES = 4_000_000


def read_trusted(path: Path, *, ours: bool) -> str:
    """A config's text. `ours` is the one that came with the program, which is trusted as far as the program is.

    Raises `ConfigError` where it cannot be read or others could have written it.
    """
    name = displayed(path)
    try:
        folders = [] if ours else [(folder, folder.stat()) for folder in _folders(path)]
        # Without O_NONBLOCK a FIFO put in its place would wait forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        found = "no such file" if missing else f"a file that cannot be opened ({os.strerror(error.errno or 0)})"
        raise ConfigError([Mistake(name, 0, "", found, "a readable config file")]) from error
    refused = _refusal(os.fstat(descriptor), ours=ours)
    if not refused:
        refused = next(filter(None, (folder_refusal(*folder) for folder in folders)), None)
    if refused:
        os.close(descriptor)
        raise ConfigError([Mistake(name, 0, "", *refused)])
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(MOST_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigError([Mistake(name, line, "", "bytes that are not UTF-8", "UTF-8 text")]) from error


def _refusal(status: os.stat_result, *, ours: bool) -> tuple[str, str] | None:
    """What was found and what is allowed, where a file cannot be trusted."""
    if not stat.S_ISREG(status.st_mode):
        return "something that is not a file", "a plain file"
    if status.st_size > MOST_BYTES:
        return f"{status.st_size} bytes", f"at most {MOST_BYTES}"
    if ours:
        return None
    if status.st_uid not in (0, os.geteuid()):
        owners = " or ".join(dict.fromkeys((_user(os.geteuid()), _user(0))))
        return f"a file of {_user(status.st_uid)}", f"one owned by {owners}, as a config is code"
    if status.st_mode & stat.S_IWOTH:
        return "a file that everyone can write", "one that only its owner can write: chmod go-w"
    if status.st_mode & stat.S_IWGRP and not _is_private_group(status):
        return (
            f"a file that the group {_group(status.st_gid)} can write",
            "one that only its owner can write: chmod g-w",
        )
    return None


def readers(path: Path) -> str:
    """Who beside the owner may read a file: empty for nobody. One that cannot be looked at is read by nobody."""
    try:
        status = path.stat()
    except OSError:
        return ""
    if status.st_mode & stat.S_IROTH:
        return "everyone"
    if status.st_mode & stat.S_IRGRP and not _is_private_group(status):
        return f"the group {_group(status.st_gid)}"
    return ""


def _folders(path: Path) -> list[Path]:
    """Where the file could be replaced: the folder of its name and, where that is a link, the one it leads to."""
    named, real = path.absolute().parent, Path(os.path.realpath(path)).parent
    return [named] if named.samefile(real) else [named, real]


def folder_refusal(folder: Path, status: os.stat_result) -> tuple[str, str] | None:
    """What was found and what is allowed, where others can put a file of theirs in place of one in `folder`."""
    if status.st_mode & stat.S_ISVTX:  # as in /tmp: only a file's owner can replace it
        return None
    name = safe(folder)
    if status.st_mode & stat.S_IWOTH:
        return f"a file in {name}, a folder that everyone can write", f"one that only its owner can: chmod go-w {name}"
    if status.st_mode & stat.S_IWGRP and not _is_private_group(status):
        group = _group(status.st_gid)
        return (
            f"a file in {name}, a folder that the group {group} can write",
            f"one that only its owner can: chmod g-w {name}",
        )
    return None


def _is_private_group(status: os.stat_result) -> bool:
    """Whether the file's or folder's group is its owner's alone, as many systems give each user one."""
    try:
        group = grp.getgrgid(status.st_gid)
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return False
    return group.gr_name == owner and set(group.gr_mem) <= {owner}


def _user(uid: int) -> str:
    try:
        return safe(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return f"user {uid}"


def _group(gid: int) -> str:
    try:
        return safe(grp.getgrgid(gid).gr_name)
    except KeyError:
        return str(gid)


def displayed(path: Path) -> str:
    """A path as messages show it: short where it lies below the working folder."""
    try:
        return safe(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return safe(path)

"""Where the store's files are, who may read them, and which file systems can hold them."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from platformdirs import user_state_path

from repz_console.store.errors import StoreError

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = re.compile(
    r"(9p|afs|beegfs|ceph|cifs|coda|gfs2|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs|prl_fs|smb[23]|smbfs|vboxsf|virtiofs"
    r"|fuse(\..*)?)\Z"
)


def folder(path: str, base: Path) -> Path:
    """The store's folder, made if it does not exist (then 0700). `path` is the config's `[store] path`.

    Empty means the user's state folder; a relative one starts at `base`, the config's folder. Raises `StoreError`
    if the folder lies on a network file system, is writable by everyone or cannot be used.
    """
    place = base / Path(path).expanduser() if path else user_state_path("repz-console")
    try:
        place = place.resolve()
        _refuse_network(place)
        _make(place)
        _refuse_network(place)
        mode = place.stat().st_mode
    except OSError as error:
        raise StoreError(f"The store's folder {place} cannot be used: {error.strerror or error}") from error
    if not stat.S_ISDIR(mode):
        raise StoreError(f"The store's folder {place} is not a folder")
    if mode & stat.S_IWOTH:
        raise StoreError(f"The store's folder {place} is writable by everyone: chmod 700, or 2770 for a group")
    if not os.access(place, os.R_OK | os.X_OK):
        raise StoreError(f"The store's folder {place} may not be read by you: ask its owner to put you in its group")
    return place


def is_shared(place: Path) -> bool:
    """Whether a folder is meant for a group: group-writable, and new files take over its group (setgid)."""
    mode = place.stat().st_mode
    return bool(mode & stat.S_IWGRP and mode & stat.S_ISGID)


def create(path: Path) -> bool:
    """Make an empty file with the rights its folder asks for, whatever the umask; False if it exists already.

    0660 in a folder shared by a group, else 0600. SQLite gives its side files the same rights.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return False
    try:
        if is_shared(path.parent):
            os.fchmod(handle, 0o660)
        elif os.geteuid() == 0:
            # A console run once through sudo must not lock the folder's owner out.
            owner = path.parent.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
    finally:
        os.close(handle)
    return True


def network_filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the network or FUSE file system that `path` lies on, or empty.

    SQLite's write-ahead log needs memory that all processes share, and locks that hold, which these do not give. An
    overlay (a container's root) is let through: it is local to the container that sees it.
    """
    here = os.fspath(_existing(path))
    best, found = -1, ""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    for line in lines:
        left, separator, right = line.partition(" - ")
        fields = left.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = _unescape(fields[4])
        inside = here == point or here.startswith(point.rstrip("/") + "/")
        # Of two mounts at one point the later one hides the earlier.
        if inside and len(point) >= best:
            best, found = len(point), right.split(" ")[0]
    return found if _NETWORK.match(found) else ""


def _refuse_network(place: Path) -> None:
    kind = network_filesystem(place)
    if kind:
        raise StoreError(
            f"The store's folder {place} is on a network file system ({kind}), where the journal could be lost: "
            "set [store] path to a local disk"
        )


def _make(place: Path) -> None:
    missing = []
    level = place
    while not level.exists():
        missing.append(level)
        level = level.parent
    for level in reversed(missing):
        try:
            level.mkdir(mode=0o700)
        except FileExistsError:
            continue


def _existing(path: Path) -> Path:
    path = path.resolve()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _unescape(field: str) -> str:
    """Mount points have blanks, tabs, newlines and backslashes as three octal digits."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, char)
    return field

"""Where the store's files are, who may read them, and which file systems can hold them."""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from repz_console.store.errors import StoreError
from repz_console.text import safe

_MOUNTS = Path("/proc/self/mountinfo")
_OURS = re.compile(
    r"\.?(journal|telemetry|emergency|last-status|console-)[\w.-]*\Z|\.?[\w.-]+\.json(\.lock|\.set-aside-\w+)?\Z"
)
"""Names of a store's files. Flag files are among them, which `state:NAME` paths put there."""
_NETWORK = re.compile(
    r"(9p|afs|beegfs|ceph|cifs|coda|gfs2|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs|prl_fs|smb[23]|smbfs|vboxsf|virtiofs"
    r"|fuse(\..*)?)\Z"
)


def named(path: str, base: Path) -> Path:
    """A path of a config, whose folder is `base`, as it is written. Raises `StoreError` for the home folder of somebody
    who has none here."""
    try:
        return base.absolute() / Path(path).expanduser()
    except RuntimeError:
        raise StoreError(f"{safe(path)} names the home folder of somebody who has none here") from None


def unresolved(path: str, base: Path) -> Path:
    """The folder that a config's `[store] path` means, without a look at any disk; `base` is the config's folder.
    Raises `StoreError` as `named` does."""
    return named(path, base) if path else user_state_path("repz-console")


def located(path: str, base: Path) -> Path:
    """The same, links followed, whether there is such a folder or not."""
    return Path(os.path.realpath(unresolved(path, base)))


def folder(path: str, base: Path) -> Path:
    """The store's folder, made if it does not exist (then 0700). `path` is the config's `[store] path`.

    Empty means the user's state folder; a relative one starts at `base`, the config's folder. Raises `StoreError`
    if the folder lies on a network file system, is writable by everyone or cannot be used.
    """
    place = located(path, base)
    try:
        _refuse_network(place)
        make(place, 0o700)
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


def share(path: Path, group: int) -> Path:
    """Make `path` a folder shared by a group, 2770, and what a store left in it the group's; folders on the way to it
    that do not exist are made 0755. Raises `StoreError`, before anything is opened to the group if there is something
    in it that is no store's.
    """
    place = path.expanduser().resolve()
    try:
        _refuse_network(place)
        make(place.parent, 0o755)
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
        inside = sorted(place.iterdir())
        strange = next((each.name for each in inside if not _OURS.match(each.name) or not _is_file(each)), None)
        if strange is not None:
            raise StoreError(f"{place} holds {safe(strange)}, which is no store's: name a folder of its own")
        os.chown(place, -1, group)
        place.chmod(0o2770)
        for each in inside:
            handle = os.open(each, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.fchown(handle, -1, group)
                os.fchmod(handle, stat.S_IMODE(os.fstat(handle).st_mode) | 0o660)
            finally:
                os.close(handle)
    except NotADirectoryError:
        raise StoreError(f"{place} is not a folder") from None
    except OSError as error:
        hint = "; run it with sudo" if isinstance(error, PermissionError) and os.geteuid() else ""
        raise StoreError(f"{place} cannot be shared: {error.strerror or error}{hint}") from error
    if not is_shared(place):
        raise StoreError(f"{place} did not take mode 2770: its file system keeps no such rights")
    return place


def files(place: Path) -> list[Path]:
    """What of a store is in a folder, by name; also what was set aside and what is made anew."""
    return sorted(each for each in place.iterdir() if _OURS.match(each.name) and _is_file(each))


def is_shared(place: Path) -> bool:
    """Whether a folder is meant for a group: group-writable, and new files take over its group (setgid)."""
    mode = place.stat().st_mode
    return bool(mode & stat.S_IWGRP and mode & stat.S_ISGID)


def create(path: Path) -> bool:
    """Make an empty file with the rights its folder asks for, whatever the umask; False if it exists already.

    0660 in a folder shared by a group, else 0600. In a shared folder it has its rights from the first moment on:
    another user who opens it just then would otherwise be refused.
    """
    if is_shared(path.parent):
        return _create_shared(path)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return False
    try:
        if os.geteuid() == 0:
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
    found = filesystem(path, mounts)
    return found if _NETWORK.match(found) else ""


def filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system that `path` lies on; empty where the system does not tell."""
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
    return found


def _refuse_network(place: Path) -> None:
    kind = network_filesystem(place)
    if kind:
        raise StoreError(
            f"The store's folder {place} is on a network file system ({kind}), where the journal could be lost: "
            "set [store] path to a local disk"
        )


def _create_shared(path: Path) -> bool:
    if os.path.lexists(path):
        return False
    new = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(handle, 0o660)
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        os.close(handle)
        new.unlink()
    return True


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def make(place: Path, mode: int) -> None:
    """Make a folder, and those on the way to it, with exactly `mode`; what exists stays as it is. Raises `OSError`."""
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
        level.chmod(mode)


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

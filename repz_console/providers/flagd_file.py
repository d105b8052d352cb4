"""The flag definition file on disk: replaced as a whole, never torn and never older than before.

Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from repz_console.providers.flagd_disk import (
    NO_NEW_FILE,
    Busy,
    Unsettled,
    Withdrawn,
    make_newer,
    overwrite,
    sync_folder,
)
from repz_console.providers.flagd_document import Damaged, Document, encode, parse, rejected
from repz_console.text import safe

MOST_BYTES = 4_000_000
_PROBE_BYTES = 4096
_NEW = ".new"
"""How the name of a document ends that is not yet in its place."""

_LOCK_WAIT = 2.0
"""Seconds that a writer waits for another to finish; one takes milliseconds."""

_DROPPED = "the disk took too long; the change was dropped"

_RIGHTS_WAIT = 0.2
"""Seconds between a lock's being made and its being the group's, at most."""


class Loaded(Struct, frozen=True):
    """A file as it was found."""

    document: Document
    modified_ns: int
    rejected: dict[str, str]
    """Flags for which clients refuse the whole file, with the reason. An empty key stands for the top level."""
    older: bool
    """Whether it is older than what was written last: running clients pass such a file over."""

    @property
    def modified(self) -> datetime:
        """When the file was last written."""
        return datetime.fromtimestamp(self.modified_ns / 1e9, UTC)


class FlagFile:
    """One definition file, and the lock beside it that all consoles share. Lives for one look or one change."""

    def __init__(self, path: Path) -> None:
        self._named = path

    @cached_property
    def path(self) -> Path:
        """The file itself, behind any symbolic link: replacing a link would leave its target as it was. Links among
        the folders above do no harm."""
        return Path(os.path.realpath(self._named)) if self._named.is_symlink() else self._named

    @property
    def _lock_path(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def load(self) -> Loaded | None:
        """The file's content; None if there is no file. Raises `Damaged` and `OSError`."""
        try:
            raw, modified_ns = self._raw()
        except FileNotFoundError:
            return None
        document = parse(raw)
        return Loaded(document, modified_ns, rejected(document), modified_ns < self._newest_ns())

    def salvage(self) -> Document | None:
        """What clients may still read from a damaged file; None if nothing. Raises `OSError`."""
        with contextlib.suppress(Damaged):
            return parse(self._raw()[0], strict=False)
        return None

    def vanished(self) -> bool:
        """Whether the console wrote the file once and it is gone: running clients go on with what they read last."""
        return self._newest_ns() > 0 and not self.path.exists()

    def _raw(self) -> tuple[bytes, int]:
        with open(self.path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Damaged("it is not a regular file")
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise Damaged(f"it is larger than {MOST_BYTES:,} bytes")
        return raw, status.st_mtime_ns

    @contextlib.contextmanager
    def locked(self, *, force: bool = False) -> Iterator[None]:
        """Hold the lock that every console takes to write. Raises `Busy` and `OSError`; with `force` goes on without:
        a frozen console must not stand in the way of a kill.
        """
        try:
            descriptor = self._open_lock()
        except OSError:
            if not force:
                raise
            yield
            return
        try:
            deadline = time.monotonic() + _LOCK_WAIT
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    if force:
                        break
                    raise Busy("another console has been writing it for too long")
                time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    def set_aside(self) -> None:
        """Keep a copy, as `NAME.set-aside-TIME`, of what is about to be overwritten. Raises `OSError`."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        copy = self.path.with_name(f"{self.path.name}.set-aside-{stamp}")
        try:
            shutil.copyfile(self.path, copy)
        except OSError:
            with contextlib.suppress(OSError):
                copy.unlink()
            raise

    def replace(
        self, document: Document, before: Loaded | None, *, force: bool, not_after: float, in_place: bool = False
    ) -> None:
        """Put `document` in the file's place, durable on return and newer than everything before.

        Raises `Busy` and `OSError` when nothing was written: the file is no longer `before`, or the monotonic clock is
        past `not_after`, when nobody waits for the outcome any more. Raises `Unsettled` when something was.
        `in_place` is what to do if the folder takes no new file, as on a full disk: whether to overwrite the old one
        or to give up. `force` overwrites whatever is there, and whoever has been about to put something else in its
        place finds that he cannot.
        """
        newest_ns = max(self._newest_ns(), self._modified_ns())
        judged_ns = before.modified_ns if before else 0
        try:
            modified_ns = self._put_new(encode(document), newest_ns, None if force else judged_ns, not_after)
        except OSError as error:
            if not force and not (in_place and error.errno in NO_NEW_FILE):
                raise
            if time.monotonic() > not_after:
                raise Busy(_DROPPED) from None
            modified_ns = self._overwrite(document, newest_ns, None if force else judged_ns, error)
        if force:
            # After the file is in place and not before: who makes a new one from now on finds the file changed.
            self._withdraw_others()
            if self._modified_ns() != modified_ns:
                raise Unsettled("another console wrote it at the same moment")
        self._remember(modified_ns)
        try:
            sync_folder(self.path.parent)
        except OSError as error:
            raise Unsettled(f"it was written, but may not survive a power cut: {safe(error.strerror)}") from error

    def trouble(self, *, force: bool = False) -> str:
        """Why this user could not shrink what the file shows now, in one line; empty if nothing stands in the way.
        With `force`, why not even a kill could be written.
        """
        folder = self.path.parent
        if not folder.is_dir():
            return f"the folder {safe(folder)} does not exist"
        if self.path.exists() and not self.path.is_file():
            return f"{safe(self.path)} is not a regular file"
        if not force and self._lock_path.exists() and not os.access(self._lock_path, os.R_OK):
            return f"no permission to take the lock {safe(self._lock_path)}"
        if os.access(self.path, os.W_OK):
            return ""  # could be overwritten in place
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"no permission to write in {safe(folder)}"
        return self._refused()

    def _refused(self) -> str:
        """Why the disk takes no new file, as a full one does; empty if it does."""
        probe = self.path.with_name(f".{self.path.name}.{os.getpid()}.{time.monotonic_ns()}.probe")
        try:
            try:
                with open(probe, "xb") as file:
                    file.write(bytes(_PROBE_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            return f"no new file can be written in {safe(self.path.parent)}: {safe(error.strerror)}"
        return ""

    def _put_new(self, encoded: bytes, newest_ns: int, judged_ns: int | None, not_after: float) -> int:
        """Replace the file by a new one; returns its time. Without `judged_ns` whatever is there is replaced."""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.{time.monotonic_ns()}{_NEW}")
        try:
            self._write_new(temporary, encoded)
            try:
                modified_ns = make_newer(temporary, newest_ns)
                if judged_ns is not None:
                    if self._modified_ns() != judged_ns:
                        raise Busy("somebody else wrote it at the same moment")
                    if time.monotonic() > not_after:
                        raise Busy(_DROPPED)
                os.replace(temporary, self.path)
            except FileNotFoundError:
                raise Withdrawn("a kill was written at the same moment; nothing of this was written") from None
        except (OSError, Busy):
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        return modified_ns

    def _withdraw_others(self) -> None:
        """Take away what others have been about to put in the file's place: a console that was frozen just before
        would do so when it thaws, whatever was written meanwhile."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self.path.parent):
                if name.startswith(f".{self.path.name}.") and name.endswith(_NEW):
                    with contextlib.suppress(OSError):
                        self.path.with_name(name).unlink()

    def _write_new(self, temporary: Path, encoded: bytes) -> None:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(encoded)
            file.flush()
            # clients run as other users: what could read the old file must be able to read the new one
            try:
                old = os.stat(self.path)
            except FileNotFoundError:
                os.fchmod(descriptor, 0o644 | self._shared())
            else:
                with contextlib.suppress(PermissionError):
                    os.fchown(descriptor, -1, old.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            os.fsync(descriptor)

    def _overwrite(self, document: Document, newest_ns: int, judged_ns: int | None, why: OSError) -> int:
        try:
            return overwrite(self.path, document, newest_ns, judged_ns)
        except OSError:
            raise why from None

    def _open_lock(self) -> int:
        mode = 0o600 | self._shared()
        try:
            descriptor = os.open(self._lock_path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        except FileExistsError:
            return self._open_made_lock()
        except OSError as error:
            if self._lock_path.exists():
                return self._open_made_lock()
            # Where nobody can make the lock, the file itself is one: nobody can replace it there either.
            if error.errno not in NO_NEW_FILE or not self.path.is_file():
                raise
            return os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        os.fchmod(descriptor, mode)  # the umask would shut out the other operators
        return descriptor

    def _open_made_lock(self) -> int:
        deadline = time.monotonic() + _RIGHTS_WAIT
        while True:
            try:
                return os.open(self._lock_path, os.O_RDONLY | os.O_NOFOLLOW)
            except PermissionError:
                # Whoever is making it at this moment gives it its rights next.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def _shared(self) -> int:
        """The group's permission bits for new files here: a folder that the group may write is a shared one."""
        return 0o060 if self.path.parent.stat().st_mode & stat.S_IWGRP else 0

    def _modified_ns(self) -> int:
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def _newest_ns(self) -> int:
        """The modification time of what was written last. Kept in the lock, so that it outlives a restored backup."""
        try:
            return int(self._lock_path.read_bytes()[:24])
        except (OSError, ValueError):
            return 0

    def _remember(self, modified_ns: int) -> None:
        with contextlib.suppress(OSError):
            descriptor = os.open(self._lock_path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600 | self._shared())
            try:  # in place: a full disk would not give back what was cut off
                os.pwrite(descriptor, f"{modified_ns:<23}\n".encode(), 0)
            finally:
                os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

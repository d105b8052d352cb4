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

from repz_console.providers.flagd_document import Damaged, Document, encode, parse, rejected
from repz_console.text import safe

MOST_BYTES = 4_000_000
_PROBE_BYTES = 4096
_NEW = ".new"
"""How the name of a document ends that is not yet in its place."""
_LOCK_WAIT = 2.0
"""Seconds that a writer waits for another to finish; one takes milliseconds."""

_RIGHTS_WAIT = 0.2
"""Seconds between a lock's being made and its being the group's, at most."""

_CLIENT_STEP_NS = 1_000_000
"""By how much a file must be newer for every client to see it: they compare times as floating-point seconds."""


class Busy(Exception):
    """Another console holds the lock for longer than a write takes."""


class Unsettled(Exception):
    """Something was written, but not surely all that had to be."""


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
        self._has_lock = False

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
            else:
                self._has_lock = True
            yield
        finally:
            self._has_lock = False
            os.close(descriptor)

    def set_aside(self) -> None:
        """Keep a copy, as `NAME.set-aside-TIME`, of what is about to be overwritten. Raises `OSError`."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.set-aside-{stamp}"))

    def replace(
        self, document: Document, before: Loaded | None, *, force: bool, in_place: bool, not_after: float
    ) -> None:
        """Put `document` in the file's place, durable on return and newer than everything before.

        Raises `Busy` and `OSError` when nothing was written: the file is no longer `before`, or the monotonic clock is
        past `not_after`, when nobody waits for the outcome any more. Raises `Unsettled` when something was. `force`
        overwrites whatever is there. `in_place` is what to do if the folder takes no new file, as on a full disk:
        whether to overwrite the old one, which is torn for a moment, or to give up.
        """
        encoded = encode(document)
        newest_ns = max(self._newest_ns(), self._modified_ns())

        def check() -> None:
            if force:
                return
            if self._modified_ns() != (before.modified_ns if before else 0):
                raise Busy("somebody else wrote it at the same moment")
            if time.monotonic() > not_after:
                raise Busy("the disk took too long; the change was dropped")

        if force and not self._has_lock:
            self._disarm_others()
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.{time.monotonic_ns()}{_NEW}")
        try:
            self._write_new(temporary, encoded)
            modified_ns = _make_newer(temporary, newest_ns)
            check()
            os.replace(temporary, self.path)
        except (OSError, Busy) as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if not in_place or isinstance(error, Busy):
                raise
            check()
            modified_ns = self._overwrite(encoded, newest_ns, error)
        self._remember(modified_ns)
        try:
            _sync_folder(self.path.parent)
        except OSError as error:
            raise Unsettled(f"it was written, but may not survive a power cut: {safe(error.strerror)}") from error

    def _disarm_others(self) -> None:
        """Take away what a console that froze with the lock was about to put in place: when it wakes it finds nothing
        to put there, and not its old document over this one."""
        for waiting in self.path.parent.glob(f".{self.path.name}.*{_NEW}"):
            with contextlib.suppress(OSError):
                waiting.unlink()

    def trouble(self) -> str:
        """Why this user could not write the file now, in one line; empty if nothing stands in the way."""
        folder = self.path.parent
        if not folder.is_dir():
            return f"the folder {safe(folder)} does not exist"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"no permission to write in {safe(folder)}"
        if self._lock_path.exists() and not os.access(self._lock_path, os.R_OK):
            return f"no permission to take the lock {safe(self._lock_path)}"
        return "" if self.path.exists() else self._refused()

    def _refused(self) -> str:
        """Why the disk takes no new file, as a full one does; empty if it does. One that exists could be overwritten
        in place."""
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

    def _overwrite(self, encoded: bytes, newest_ns: int, why: Exception) -> int:
        """Without a new file: works on a full disk and in a folder that takes none, at the price of a torn moment."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY)
        except OSError:
            raise why from None
        try:
            with open(descriptor, "wb") as file:
                file.write(encoded)
                file.truncate()
                file.flush()
                os.fsync(descriptor)
            return _make_newer(self.path, newest_ns)
        except OSError as error:
            raise Unsettled(f"it may be half written: {safe(error.strerror)}") from error

    def _open_lock(self) -> int:
        mode = 0o600 | self._shared()
        try:
            descriptor = os.open(self._lock_path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        except FileExistsError:
            return self._open_made_lock()
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
            self._lock_path.write_text(f"{modified_ns}\n")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_newer(path: Path, than_ns: int) -> int:
    """Give the file a time that every client sees as newer; returns it. Raises `OSError`."""
    for step in (_CLIENT_STEP_NS, 2_000_000_000, 4_000_000_000):  # some file systems keep whole or even seconds only
        wanted = max(time.time_ns(), than_ns + step)
        with contextlib.suppress(PermissionError):  # another user's file overwritten in place: it has the time of now
            os.utime(path, ns=(wanted, wanted))
        if path.stat().st_mtime > than_ns / 1e9:
            return path.stat().st_mtime_ns
    raise OSError(f"{path.name} cannot be given a newer time")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

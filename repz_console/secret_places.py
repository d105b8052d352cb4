"""One way to fetch a secret from each place that one may be kept in. All of them may block.

What a command prints to stderr, and what a file or an answer holds that is refused, is never part of an error: it may
be the secret.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import time
from importlib import import_module
from pathlib import Path

from repz_console.plan.secrets import SecretPlace
from repz_console.process import child_environment
from repz_console.text import safe
from repz_console.trusted_file import folder_refusal

MOST_BYTES = 8192
"""The longest secret."""
COMMAND_SECONDS = 5.0
"""How long a command may take to print its secret."""
_ENDING = 0.5
"""Seconds that a command may take to end once it has closed its output."""

_taken: dict[str, str] = {}
"""Secrets that were taken out of the environment, by variable, until this process ends."""


class SecretError(Exception):
    """A secret cannot be had. One plain, safe line that does not hold it."""


def take_from_environment(variable: str) -> None:
    """Remove a variable from the environment, so that no child inherits it; `fetch` still knows it."""
    if variable in os.environ:
        _taken[variable] = os.environ.pop(variable)


def fetch(place: SecretPlace, folder: Path) -> str:
    """What the place holds, without the line's end. `folder` is the config's. Raises `SecretError`."""
    if place.command:
        raw = _printed(place.command, place.inherit)
    elif place.credential:
        raw = _credential(place.credential)
    elif place.file:
        raw = _private_file(place.file, folder)
    elif place.keyring:
        raw = _in_keyring(place.keyring)
    else:
        raw = _in_environment(place.env)
    if len(raw) > MOST_BYTES:
        raise SecretError(f"more than {MOST_BYTES:,} bytes are there; a secret is shorter")
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError("what is there is not UTF-8 text") from None


def _printed(command: tuple[str, ...], inherit: tuple[str, ...]) -> bytes:
    """What a command prints. It is ended with all that it started, whatever becomes of it."""
    import subprocess  # only a config with such a command pays for it

    program = safe(command[0], 100)
    try:
        child = subprocess.Popen(  # noqa: S603 - the user's own config, which nobody else can write, names it
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(inherit),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it cannot be started"
        raise SecretError(f"{program} could not be run: {why}") from None
    assert child.stdout is not None
    code = None
    try:
        printed = _read(child.stdout.fileno(), time.monotonic() + COMMAND_SECONDS)
        if printed is not None and len(printed) <= MOST_BYTES:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = child.wait(_ENDING)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.stdout.close()
        child.wait()
    if printed is not None and len(printed) > MOST_BYTES:
        return printed
    if printed is None or code is None:
        raise SecretError(f"{program} did not end within {COMMAND_SECONDS:g} s")
    if code != 0:
        raise SecretError(f"{program} failed with exit code {code}; run it by hand to see why")
    return printed


def _read(descriptor: int, until: float) -> bytes | None:
    """All that comes, up to what is too much; None if it did not end in time."""
    import select

    collected = b""
    while len(collected) <= MOST_BYTES:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        piece = os.read(descriptor, MOST_BYTES + 1)
        if not piece:
            return collected
        collected += piece
    return collected


def _credential(name: str) -> bytes:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise SecretError("$CREDENTIALS_DIRECTORY is not set: no systemd service with LoadCredential= started this")
    descriptor = _open(Path(folder) / name)
    with os.fdopen(descriptor, "rb") as file:
        # The service manager made the folder and watches over it: the mode is an access list's mask there.
        return file.read(MOST_BYTES + 1)


def _private_file(named: str, folder: Path) -> bytes:
    try:
        path = folder / Path(named).expanduser()
    except RuntimeError:
        raise SecretError(f"{safe(named)} names the home folder of somebody who has none here") from None
    descriptor = _open(path)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        name = safe(path)
        if status.st_uid not in (0, os.geteuid()):
            raise SecretError(f"{name} belongs to uid {status.st_uid}; only yours or root's is used")
        if status.st_mode & 0o077:
            raise SecretError(f"{name} is open to others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {name}")
        refused = folder_refusal(path.parent, path.parent.stat())
        if refused is not None:
            raise SecretError(f"found {refused[0]}; allowed: {refused[1]}")
        return file.read(MOST_BYTES + 1)


def _open(path: Path) -> int:
    """A plain file, open: no link that somebody could turn elsewhere, and no pipe that would wait for ever."""
    name = safe(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SecretError(f"{name} is a link; name the file itself") from None
        raise SecretError(f"{name} cannot be opened: {os.strerror(error.errno or 0)}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SecretError(f"{name} is not a plain file")
    return descriptor


def _in_keyring(address: str) -> bytes:
    service, _, user = address.partition("/")
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise SecretError("the Python package keyring is not installed beside the console") from None
    try:
        password = keyring.get_password(service, user)
    except Exception as error:  # back ends raise what they like
        raise SecretError(f"the keyring gives nothing ({type(error).__name__}); is one running and unlocked?") from None
    if password is None:
        raise SecretError(f"the keyring holds nothing for {safe(address, 100)}")
    return str(password).encode()


def _in_environment(variable: str) -> bytes:
    value = _taken.get(variable)
    if value is None:
        raise SecretError(f"${variable} is not set")
    return os.fsencode(value)

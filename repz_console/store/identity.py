"""Who is at the keyboard, as the operating system knows it. Environment variables prove nothing and are not asked."""

from __future__ import annotations

import os
import pwd
import secrets
from pathlib import Path

from repz_console.facts import Actor
from repz_console.text import identifier

_LOGIN_UID = Path("/proc/self/loginuid")
_LOGIN_UID_UNSET = 0xFFFFFFFF
_STANDARD_STREAMS = (0, 1, 2)


def actor(console: str = "") -> Actor:
    """The person who runs this process. `console` is the program's own id; a new one is made if it is empty.

    `proven` is False for root and for an account that was entered from another one (`su`, `sudo -u`): such an
    account is shared, so that its name says nothing about the person.
    """
    uid = os.getuid()
    return Actor(
        user=user_name(uid),
        uid=uid,
        host=identifier(os.uname().nodename) or "localhost",
        tty=terminal(),
        console=console or new_console(),
        proven=uid != 0 and login_uid() in (None, uid),
    )


def new_console() -> str:
    """An id for a running program: its process id, for the eye, and enough chance to be unique over reboots."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def user_name(uid: int) -> str:
    """The account's name, or its number where the system has no name for it."""
    try:
        return identifier(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return str(uid)


def terminal() -> str:
    """The terminal without its `/dev/`, such as `pts/3`; empty without one."""
    for stream in _STANDARD_STREAMS:
        try:
            return identifier(os.ttyname(stream).removeprefix("/dev/"))
        except OSError:
            continue
    return ""


def login_uid(path: Path = _LOGIN_UID) -> int | None:
    """The account that logged in, which `su` and `sudo` do not change; None where the system does not say."""
    try:
        uid = int(path.read_text())
    except (OSError, ValueError):
        return None
    return None if uid == _LOGIN_UID_UNSET else uid

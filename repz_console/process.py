"""What this process lets others see of it: the files it makes, its memory, and what its children are given."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable

_INHERITED = (
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
"""What a child needs to find its own files and agents."""
_DUMPABLE = 4
"""PR_SET_DUMPABLE of <sys/prctl.h>."""


def harden() -> None:
    """Make files for this user alone unless said otherwise, leave no core file, and let no library write TLS keys."""
    os.umask(0o077)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.pop("SSLKEYLOGFILE", None)


def hide_memory() -> bool:
    """Keep other processes, of the same account too, from reading this one's memory and environment. Returns whether
    the system does so.
    """
    import ctypes  # 8 ms that a launch without secrets never pays

    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(_DUMPABLE, 0, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def child_environment(also: Iterable[str] = ()) -> dict[str, str]:
    """The environment that a child is given: what it needs to find its way, and the variables named in `also`."""
    return {name: os.environ[name] for name in (*_INHERITED, *also) if name in os.environ}

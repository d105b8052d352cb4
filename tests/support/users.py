"""Work done as another user of this machine, as far as the tests run as root."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Sequence

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


class Worker:
    """A child process of another user that does one thing."""

    def __init__(self, uid: int, groups: Sequence[int], work: Callable[[], None], umask: int = 0o022) -> None:
        self._reading, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            problem = ""
            try:
                os.umask(umask)
                os.setgroups(list(groups))
                os.setgid(uid)
                os.setuid(uid)
                work()
            except BaseException:
                problem = traceback.format_exc()
            os.write(writing, problem.encode()[-4000:])
            os._exit(0)
        os.close(writing)

    def end(self) -> str:
        """Wait until it ended; what went wrong, empty if nothing."""
        with os.fdopen(self._reading) as pipe:
            problem = pipe.read()
        os.waitpid(self._child, 0)
        return problem

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self._child, signal.SIGKILL)


def as_user(uid: int, groups: Sequence[int], work: Callable[[], None]) -> str:
    """Do `work` as another user; what went wrong, empty if nothing."""
    return Worker(uid, groups, work).end()

"""Signals, heard also where the event loop stands still: whoever was told to end, ends in time.

The interpreter runs a signal's handler between two steps of the main thread, which a hanging call never reaches. Its
number is written to a descriptor at once, whichever thread the kernel chose; a thread of its own reads it there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

ENDING = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGQUIT: 131, signal.SIGTERM: 143}
"""The signals that end the console, also where they were inherited as ignored, and its exit codes."""
ENDS_WITHIN = 2.2
"""Seconds that an orderly end may take once a signal asked for it."""
LEAVES_WITHIN = 4.0
"""Seconds that closing everything may take after the terminal was given back for another reason."""

_TERMINAL = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class Signals:
    """Hears every signal that concerns a full-screen program, from its making until the process ends."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        heard: Callable[[int], None],
        leave: Callable[[int], None],
    ) -> None:
        """`heard` is called on `loop` with each signal's number. `leave` ends the process at once with an exit code;
        it is called in a thread of its own, after `ENDS_WITHIN` of a signal that is to end the console."""
        self._loop = loop
        self._heard = heard
        self._leave = leave
        self.ending = False
        """Whether a signal has come that is to end the console, also if `heard` does not know yet."""
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._writer, False)
        for number in (*ENDING, *_TERMINAL):
            signal.signal(number, self._noted)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, name="repz signals", daemon=True).start()

    def end_within(self, seconds: float, code: int) -> None:
        """End the process with that exit code then, if it has not ended by itself."""
        deadline = threading.Timer(seconds, self._leave, (code,))
        deadline.daemon = True
        deadline.start()

    def _listen(self) -> None:
        while numbers := os.read(self._reader, 256):
            # A storm of one signal says no more than the last of it.
            for number in dict.fromkeys(numbers):
                if number in ENDING:
                    self.end_within(ENDS_WITHIN, ENDING[signal.Signals(number)])
                with contextlib.suppress(RuntimeError):  # the loop is closed: the process is about to end
                    self._loop.call_soon_threadsafe(self._heard, number)

    def stop_here(self) -> None:
        """Stop as a job of the shell does, until continued; does nothing where no shell could continue it."""
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._noted)

    def _noted(self, number: int, _frame: FrameType | None) -> None:
        """What else there is to do is done by whoever reads the descriptor."""
        self.ending = self.ending or number in ENDING

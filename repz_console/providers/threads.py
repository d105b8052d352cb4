"""Calls that may hang, kept off the event loop.

A disk or a resolver that hangs must not hold up the console, nor its end: the threads are daemons, so that a process
leaves without them, which the loop's own executor does not allow.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

from repz_console.providers.base import ProviderError

Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result], *, deadline: float, what: str) -> Result:
    """What `call` returns or raises, run in a thread that does nothing else meanwhile, though perhaps after others.

    After `deadline` seconds raises `ProviderError` naming `what`. The call then goes on unseen: it may still have its
    effect.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]  # without an error the result is the call's own

    def run() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    _start(run, loop)
    try:
        async with asyncio.timeout(deadline):
            return await answer
    except TimeoutError:
        if answer.done() and not answer.cancelled():
            raise
        raise ProviderError(f"{what} did not answer within {deadline:g} s") from None


class _Worker(threading.Thread):
    """Does the calls that wait, one after the other. One whose call hangs is simply not there for the next."""

    def __init__(self) -> None:
        super().__init__(name="repz blocking call", daemon=True)
        self.woken: SimpleQueue[None] = SimpleQueue()

    def run(self) -> None:
        while True:
            self.woken.get()
            with contextlib.suppress(IndexError):
                while True:
                    _waiting.popleft()()
            _idle.append(self)


_waiting: deque[Callable[[], None]] = deque()
"""Calls that no worker has begun."""
_idle: list[_Worker] = []
"""Workers without a call. Starting a thread costs more than most of the calls."""
_relief: asyncio.TimerHandle | None = None
"""What wakes a further worker for the calls that still wait then."""

_PATIENCE = 0.02
"""Seconds that calls wait behind one that may hang."""


def _start(call: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
    """Have the call done. Calls of one moment are done by one worker: waking one for each costs more than the calls."""
    global _relief
    _waiting.append(call)
    if len(_waiting) <= 1:
        _wake()
    elif _relief is None or _relief.when() < loop.time():
        _relief = loop.call_later(_PATIENCE, _relieve, loop)


def _relieve(loop: asyncio.AbstractEventLoop) -> None:
    global _relief
    _relief = None
    if _waiting:
        _wake()
        _relief = loop.call_later(_PATIENCE, _relieve, loop)


def _wake() -> None:
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.start()
    worker.woken.put(None)

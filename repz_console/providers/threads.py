"""Calls that may hang, kept off the event loop.

A disk or a resolver that hangs must not hold up the console, nor its end: the threads are daemons, so that a process
leaves without them, which the loop's own executor does not allow.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

from repz_console.providers.base import ProviderError

Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result], *, deadline: float, what: str) -> Result:
    """What `call` returns or raises, run in a thread that does nothing else meanwhile.

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

    _start(run)
    try:
        async with asyncio.timeout(deadline):
            return await answer
    except TimeoutError:
        if answer.done() and not answer.cancelled():
            raise
        raise ProviderError(f"{what} did not answer within {deadline:g} s") from None


class _Worker(threading.Thread):
    """Does one call after the other. One whose call hangs is simply not there for the next."""

    def __init__(self) -> None:
        super().__init__(name="repz blocking call", daemon=True)
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def run(self) -> None:
        while True:
            self.calls.get()()
            _idle.append(self)


_idle: list[_Worker] = []
"""Workers without a call. Starting a thread costs more than most of the calls."""


def _start(call: Callable[[], None]) -> None:
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.start()
    worker.calls.put(call)

"""Waiting for somebody else's code, and for no longer than was promised."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_CANCEL_GRACE = 1.0


class Overdue(Exception):
    """The answer did not come in time. What was asked for may still happen."""

    def __init__(self, seconds: float, task: asyncio.Task[Any]) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.task = task
        """What was started: cancelled, though it may not listen and be under way still."""


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns or raises; `Overdue` after `seconds`, even if it does not react to being cancelled."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_hear_out)
    if not task.done():
        await asyncio.wait({task}, timeout=_CANCEL_GRACE)
        raise Overdue(seconds, task)
    if task.cancelled():
        raise RuntimeError("the work cancelled itself")
    return task.result()


def _hear_out(task: asyncio.Task[Any]) -> None:
    """Look at a late result, so that nobody complains that nobody looked."""
    if not task.cancelled():
        task.exception()

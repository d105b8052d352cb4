"""The dialogs that are open, the last one in front."""

from __future__ import annotations

import asyncio
from typing import Any

from repz_console.tui.dialogs.base import Dialog


class DialogStack:
    """Dialogs waiting for their answers."""

    def __init__(self) -> None:
        self._open: list[tuple[Dialog, asyncio.Future[Any]]] = []

    @property
    def top(self) -> Dialog | None:
        """The dialog that has the keyboard."""
        return self._open[-1][0] if self._open else None

    def push(self, dialog: Dialog) -> asyncio.Future[Any]:
        """Put a dialog in front; the future is its answer, None after a cancel."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open.append((dialog, future))
        return future

    def settle(self) -> None:
        """Give the answers of dialogs that have closed to those who asked."""
        for pair in list(self._open):
            dialog, future = pair
            if not dialog.open:
                self._open.remove(pair)
                if not future.done():
                    future.set_result(dialog.answer)

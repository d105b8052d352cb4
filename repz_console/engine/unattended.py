"""A change that no person decides."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from repz_console.store.fence import Fence


class Unattended(Struct, frozen=True):
    """By what a roll back is decided where no person does, and what it takes to be the only one that decides it."""

    by: Literal["automatic", "dead man"]
    op: str
    """The change's id, the same whoever decides it: it is decided once."""
    fence: Fence
    """The collector's lease: only a process that polls for everyone decides."""

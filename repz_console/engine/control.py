"""Rollout changes: checked, journaled before the effect, applied once, read back, and their outcome journaled."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """What became of a change, a hold or a resume."""

    state: Literal["confirmed", "denied", "refused", "rejected", "unknown"]
    """`confirmed`: done and read back. `denied`: the conn is not held. `refused`: a check said no and nothing was
    sent. `rejected`: the backend said no and wrote nothing. `unknown`: sent, and nobody knows yet whether it happened.
    """
    line: str
    """One plain line for the operator."""
    op: str = ""
    """The change's id in the journal, once it was decided."""
    revision: str = ""
    """The backend's revision afterwards, if confirmed."""
    journaled: bool = True
    """False for a way back that worked though the journal could not be written."""

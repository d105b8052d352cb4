"""What became of something that an operator asked of a rollout."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """The answer to a change, a hold or a resume."""

    state: Literal["confirmed", "denied", "refused", "rejected", "unknown", "partial"]
    """`confirmed`: done and read back. `denied`: the conn is not held. `refused`: a check said no and nothing was
    sent. `rejected`: the backend said no and wrote nothing. `unknown`: sent, and nobody knows yet whether it happened.
    `partial`: some of its steps were applied, and it is known which.
    """
    line: str
    """One plain line for the operator."""
    op: str = ""
    """The change's id in the journal, once it was decided."""
    revision: str = ""
    """The backend's revision afterwards, if confirmed."""
    journaled: bool = True
    """False for a way back that went on though the journal could not be written."""

"""What a rule reports."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Gravest first. An error cannot be carried out as written; a warning is for the launch director to settle."""


class Finding(Struct, frozen=True):
    """A contradiction or a trap in the plan."""

    rule: str
    """The rule's id, such as `sum-mismatch`: stable, for scripts to name."""
    severity: Severity
    text: str
    """One plain sentence."""
    figures: tuple[str, ...] = ()
    """What stands against what, each as a reader would quote it."""
    where: tuple[str, ...] = ()
    """Path of each figure in turn, then of further places; `findings` puts `file:line` in front."""

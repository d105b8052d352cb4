"""Who looks at the room."""

from __future__ import annotations

from msgspec import Struct

from repz_console.facts import Actor


class Viewer(Struct, frozen=True):
    """Who looks at the room."""

    actor: Actor
    groups: frozenset[str] = frozenset()
    """Unix groups of the actor, by name."""
    known: frozenset[str] | None = None
    """User and group names of the plan that exist on this machine; None takes all for existing."""

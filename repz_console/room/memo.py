"""Keeps an area's view while nothing that it was built from has changed.

Inputs are compared by identity, plain values by equality. A view that was rebuilt and says the same is thrown away in
favour of the one that the screens already hold, so that `is` tells them whether to paint.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

V = TypeVar("V")

_PLAIN = (str, int, float, bool, date, datetime)


def same_but_for_expiry(old: Any, new: Any) -> bool:
    """Whether two views of an area say the same, whenever they expire."""
    if isinstance(old, Struct) and isinstance(new, Struct) and hasattr(old, "next_change"):
        old = replace(old, next_change=getattr(new, "next_change", None))
    return bool(old == new)


class Memo(Generic[V]):
    """One area's memory. A view that has a `next_change` holds until then."""

    def __init__(self, equal: Callable[[V, V], bool] = same_but_for_expiry) -> None:
        """`equal` says whether a rebuilt view would look the same on a screen as the old one."""
        self._equal = equal
        self._inputs: tuple[Any, ...] = ()
        self._since: datetime | None = None
        self._view: V | None = None
        self.until: datetime | None = None
        """When the present view expires by itself. Later than the view's own `next_change` after it was kept."""

    def get(self, inputs: tuple[Any, ...], now: datetime, build: Callable[[], V]) -> V:
        """The view of these inputs at `now`: the one at hand if it still holds, else what `build` makes."""
        if self._view is not None and self._holds(inputs, now):
            return self._view
        view = build()
        self._inputs, self._since, self.until = inputs, now, getattr(view, "next_change", None)
        if self._view is None or not self._equal(self._view, view):
            self._view = view
        return self._view

    def _holds(self, inputs: tuple[Any, ...], now: datetime) -> bool:
        if self._since is None or now < self._since or (self.until is not None and now >= self.until):
            return False
        return len(inputs) == len(self._inputs) and all(map(_unchanged, self._inputs, inputs))


def _unchanged(old: Any, new: Any) -> bool:
    return old is new or (isinstance(new, _PLAIN) and type(old) is type(new) and bool(old == new))

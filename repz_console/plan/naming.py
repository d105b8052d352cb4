"""Names of a plan that decide something and are no ids: who may steer, and the word typed before each widening."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repz_console.plan.model import Plan
from repz_console.plan.wrong import Wrong
from repz_console.text import identifier

_TYPED = re.compile(r"[ -~]+\Z")


def name_problems(plan: Plan) -> Iterator[Wrong]:
    """Those that could be taken for another: an account in letters of two scripts, a word that nobody can type."""
    environment = plan.launch.environment
    if environment.strip() and not _TYPED.match(environment):
        allowed = "letters, digits and signs of ASCII, as it is typed before each widening"
        yield Wrong(("launch", "environment"), _spelt(environment), allowed)
    for index, seat in enumerate(plan.seat):
        for field in ("users", "groups", "deputies"):
            for number, name in enumerate(getattr(seat, field)):
                if not name or identifier(name) != name:
                    path = ("seat", index, field, number)
                    yield Wrong(path, _spelt(name), "an account's name, in ASCII and without blanks")


def _spelt(name: str) -> str:
    return f'"{" ".join(map(identifier, name.split()))}"'

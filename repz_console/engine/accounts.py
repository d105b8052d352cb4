"""Who may hold which seat, as far as the operating system knows: an operator's groups, and which names exist."""

from __future__ import annotations

import grp
import os
import pwd

from repz_console.facts import Actor
from repz_console.plan.model import Plan


def groups(actor: Actor) -> frozenset[str]:
    """Names of the unix groups that the actor is in. May ask a directory server."""
    try:
        account = pwd.getpwuid(actor.uid)
    except KeyError:
        return frozenset()
    return frozenset(
        name for name in map(_group_name, os.getgrouplist(account.pw_name, account.pw_gid)) if name is not None
    )


def existing(plan: Plan) -> frozenset[str]:
    """Those of the user and group names in the plan's seats that this machine knows. May ask a directory server."""
    users = {name for seat in plan.seat for name in (*seat.users, *seat.deputies)}
    named = {name for seat in plan.seat for name in seat.groups}
    return frozenset({name for name in users if _is_user(name)} | {name for name in named if _is_group(name)})


def _group_name(number: int) -> str | None:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return None


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True

"""Rules about people: roles, owners, channels, and who is called when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Plan
from repz_console.plan.wrong import listed

_EVERYONE = re.compile(
    r"\b(?:all|full|whole|entire)\b[a-z ]*\b(?:team|members|hands|staff)\b|\beveryone\b", re.IGNORECASE
)
_EITHER = re.compile(r"[a-z]/[A-Z]")
"""`Linear/Jira`: two names. `GDPR/CCPA` and `Go/no-go` are none."""


def undefined_role(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Something is owned by, or escalated to, a role that no seat has."""
    seats = {seat.id for seat in plan.seat} | {seat.title for seat in plan.seat}
    titles = [seat.title for seat in plan.seat]
    paths_of: dict[str, list[str]] = {}
    for path, role in _roles(plan):
        if role and role not in seats and not _EVERYONE.search(role):
            paths_of.setdefault(role, []).append(path)
    for role, paths in paths_of.items():
        close = next((title for title in titles if _abbreviates(role, title)), "")
        hint = f"; the seat may be {close}" if close else ""
        yield Finding(
            "undefined-role",
            "error",
            f"{role} has no seat{hint}.",
            (role, f"seats: {', '.join(titles) or 'none'}"),
            (paths[0], "seat", *paths[1:]),
        )


def unowned(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Tasks that nobody owns."""
    alone = [index for index, task in enumerate(plan.task) if not task.owner]
    if alone:
        yield Finding(
            "unowned",
            "warning",
            f"{len(alone)} of {len(plan.task)} tasks have no owner.",
            (listed([plan.task[index].title for index in alone], "and"),),
            tuple(f"task[{index}]" for index in alone),
        )


def empty_seat(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Seats that name no person."""
    empty = [index for index, seat in enumerate(plan.seat) if not seat.users and not seat.deputies]
    if empty:
        yield Finding(
            "empty-seat",
            "warning",
            f"{len(empty)} of {len(plan.seat)} seats name no person: who may decide hangs on unix groups alone.",
            (listed([plan.seat[index].title for index in empty], "and"),),
            tuple(f"seat[{index}].users" for index in empty),
        )


def conflicting_channel(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The team is sent to two places of the same kind."""
    by_kind: dict[str, list[int]] = {}
    for index, channel in enumerate(plan.channel):
        if channel.audience == "internal":
            by_kind.setdefault(channel.kind.casefold(), []).append(index)
    for indexes in by_kind.values():
        channels = [plan.channel[index] for index in indexes]
        if len({channel.address for channel in channels}) > 1:
            addresses = listed([channel.address for channel in channels], "and")
            yield Finding(
                "conflicting-channel",
                "error",
                f"{channels[0].kind} has {len(channels)} channels for the team: {addresses}.",
                tuple(f"{it.address} ({it.said or it.purpose or it.audience})" for it in channels),
                tuple(f"channel[{index}]" for index in indexes),
            )


def either_or(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A choice between two tools was left open."""
    for index, tracker in enumerate(plan.trackers):
        if _EITHER.search(tracker):
            yield Finding(
                "either-or",
                "error",
                f"Where bugs are tracked is left open: {tracker}.",
                tuple(plan.trackers),
                (f"trackers[{index}]",),
            )
    for number, checklist in enumerate(plan.checklist):
        for index, item in enumerate(checklist.items):
            if _EITHER.search(item.title):
                yield Finding(
                    "either-or",
                    "warning",
                    f"A choice is left open: {item.title}.",
                    (item.title,),
                    (f"checklist[{number}].items[{index}]",),
                )


def escalation_conflict(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A runbook calls everybody before the escalation does."""
    levels = [(index, step) for index, step in enumerate(plan.escalation) if _EVERYONE.search(step.who)]
    if not levels:
        return
    place, level = min(levels, key=lambda pair: pair[1].from_minute)
    for index, runbook in enumerate(plan.runbook):
        for number, part in enumerate(runbook.parts):
            if part.limit_minutes is None or part.limit_minutes >= level.from_minute:
                continue
            for position, step in enumerate(part.steps):
                if _EVERYONE.search(step.title):
                    yield Finding(
                        "escalation-conflict",
                        "error",
                        f"{runbook.title} calls everybody within {part.limit_minutes} minutes, the escalation only "
                        f"after {level.from_minute}.",
                        (
                            f'"{step.title}" within {part.limit_minutes} min',
                            f"{level.who} from {level.from_minute} min",
                        ),
                        (f"runbook[{index}].parts[{number}].steps[{position}]", f"escalation[{place}]"),
                    )


def risk_without_plan(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Risks that no runbook answers."""
    bare = [index for index, risk in enumerate(plan.risk) if not risk.runbook]
    if bare:
        yield Finding(
            "risk-without-plan",
            "warning",
            f"{len(bare)} of {len(plan.risk)} risks have no runbook.",
            (listed([plan.risk[index].title for index in bare], "and"),),
            tuple(f"risk[{index}]" for index in bare),
        )


def _abbreviates(role: str, title: str) -> bool:
    """Whether each word of `role` begins the word of `title` in its place: `Tech lead` and `Technical Lead`."""
    short, long = role.casefold().split(), title.casefold().split()
    return len(short) == len(long) and all(
        full.startswith(start.rstrip(".")) for start, full in zip(short, long, strict=True)
    )


def _roles(plan: Plan) -> Iterator[tuple[str, str]]:
    for index, task in enumerate(plan.task):
        yield f"task[{index}].owner", task.owner
    for index, checklist in enumerate(plan.checklist):
        yield f"checklist[{index}].owner", checklist.owner
    for index, step in enumerate(plan.escalation):
        yield f"escalation[{index}].who", step.who


RULES = (
    undefined_role,
    unowned,
    empty_seat,
    conflicting_channel,
    either_or,
    escalation_conflict,
    risk_without_plan,
)

"""A rollout as lines for people at a plain prompt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from repz_console.commands.common import columns
from repz_console.commands.steer import poll
from repz_console.room import words
from repz_console.room.views import RolloutView, RoomView
from repz_console.tui.paint.base import Glyphs
from repz_console.tui.paint.times import age
from repz_console.tui.paint.words import VERDICT_ROLE, sign


def report(view: RolloutView, room: RoomView, glyphs: Glyphs) -> Iterator[str]:
    """All that is known of a rollout."""
    yield f"{view.id}  {view.title}, of {view.cohort}, on {view.backend} ({room.launch.environment})"
    yield from _truths(view, room.clock.now)
    yield f"  revision    {view.revision or 'unknown'}"
    yield f"  stage       {view.current.title if view.current else 'none yet'}"
    yield f"  next        {_next(view)}"
    yield from _where(view)
    yield from _states(view)
    yield from _agreed(view)
    for gate in view.gates:
        yield f"  {sign(VERDICT_ROLE[gate.verdict], glyphs)} {gate.verdict.value:<12} {gate.title}: {gate.line}"
        if gate.excused:
            yield f"    {'OVERRIDDEN' if gate.overridden else 'WAIVED'}: {gate.excused}"


def _truths(view: RolloutView, now: datetime) -> Iterator[str]:
    yield from columns(
        [
            (
                f"  {truth.name}",
                words.exposure(truth.exposure) if truth.exposure is not None else "unknown",
                truth.freshness.value,
                f"{age(now - truth.at)} ago" if truth.at is not None and truth.at <= now else "",
                truth.by,
                truth.note,
            )
            for truth in (view.planned, view.desired, view.configured, view.measured)
        ]
    )


def _next(view: RolloutView) -> str:
    if view.next is None:
        return "none"
    return f"{view.next.title} ({view.next.id}), planned for {words.instant(view.next.at)}"


def _where(view: RolloutView) -> Iterator[str]:
    if view.of_all is not None:
        yield f"  of all      {words.percent(view.of_all)} of the {view.cohort} see something"
    rows = [
        (
            f"  {region.id}",
            region.title,
            _share(region.planned),
            _share(region.desired),
            _share(region.configured),
            _share(region.next) if view.next is not None else "-",
            "enters" if region.enters else "",
        )
        for region in view.where
    ]
    if rows:
        yield from columns(
            [("  region", "", "planned", "desired", "configured", "next", ""), *rows], right=(2, 3, 4, 5)
        )


def _share(percent: float | None) -> str:
    return "unknown" if percent is None else words.percent(percent)


def _states(view: RolloutView) -> Iterator[str]:
    """What is under way, held or wrong."""
    if view.hold is not None:
        because = f": {view.hold.reason}" if view.hold.reason else ""
        yield f"  HELD        by {view.hold.who} since {words.instant(view.hold.at)}{because}"
    if view.change is not None:
        because = f": {view.change.why}" if view.change.why else ""
        yield f"  change      {view.change.action} {view.change.op} {view.change.state} by {view.change.who}{because}"
        for number, step in enumerate(view.change.steps, 1):
            of = f" {', '.join(step.features)}" if step.features else ""
            yield f"    {number} of {len(view.change.steps)}  {step.controller}{of}: {step.state} {step.why}".rstrip()
    for part in view.parts:
        yield f"  backend     {part.controller} ({', '.join(part.features)}): {part.state} {part.why}".rstrip()
    for line in view.drift:
        yield f"  DRIFT       {line}"
    for line in view.overrides:
        yield f"  OVERRIDDEN  {line}"
    for found in view.readiness:
        if found.state != "ready":
            yield f"  KILL        {found.controller} {found.state.upper()}: {found.line}"
    for label, line in (
        ("DUE", view.due),
        ("automatic", view.automatic),
        ("UNARMED", view.unarmed),
        ("cannot", view.cannot),
        ("settles", words.instant(view.settles_at) if view.settles_at is not None else ""),
    ):
        if line:
            yield f"  {label:<11} {line}"


def _agreed(view: RolloutView) -> Iterator[str]:
    """Who said go."""
    if view.poll is not None:
        yield from (f"  {line}" for line in poll.stations(view.poll))
    if view.approval is not None:
        asked = view.approval
        stands = asked.void or f"{len(asked.given)} of {asked.needed}: {', '.join(asked.given) or 'nobody yet'}"
        what = asked.stage or words.exposure(asked.target)
        yield f"  approval    {asked.ask} for {what}, asked by {asked.who}: {stands}"
    for waiver in view.waivers:
        second = f"with {waiver.second}" if waiver.second else "waits for a second person"
        who = f"{waiver.who}, {second}, until {words.instant(waiver.until)}"
        yield f"  waiver      {waiver.waiver} of {waiver.gate} by {who}: {waiver.reason}"

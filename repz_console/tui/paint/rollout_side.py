"""The detail beside a rollout: what the selected row stands on, the truths, the parts, who answered when."""

from __future__ import annotations

from collections.abc import Iterator

from repz_console.facts import Freshness
from repz_console.room.views import GateView, RolloutView, RoomView, Truth
from repz_console.tui.paint.base import Brush, Line
from repz_console.tui.paint.format import exposure_percent, regions_of, wrap
from repz_console.tui.paint.rollout_gates import answer, said, short, station_of
from repz_console.tui.paint.room import blocking
from repz_console.tui.paint.times import clock, moment, zone_of
from repz_console.tui.paint.words import FRESHNESS_ROLE, READY_ROLE, sign, signed

_STEP_ROLE = {"applied": "ok", "refused": "bad", "unknown": "bad", "sent": "warn"}


def details(view: RoomView, rollout: RolloutView, brush: Brush, width: int) -> list[Line]:
    """From what is selected down to what is always good to know."""
    kind, _, identity = brush.choices.cursor.partition(":")
    lines: list[Line] = []
    gate = next((gate for gate in rollout.gates if kind == "gate" and gate.id == identity), None)
    station = station_of(rollout.poll, identity) if kind == "station" else None
    if station is None:
        gate = gate or next(iter(blocking(rollout.gates)), None)
        lines += [*evidence(gate, view, brush, width), ()] if gate is not None else []
    lines += [*_truths(view, rollout, brush, width), ()]
    lines += _parts(rollout, brush, width)
    lines += _poll(rollout, brush, width)
    lines += _readiness(rollout, brush, width)
    return lines


def evidence(gate: GateView, view: RoomView, brush: Brush, width: int) -> list[Line]:
    """A gate's answer, why, what it was judged on, and when it could change."""
    word, role = answer(gate)
    lines: list[Line] = [((gate.title, "title"), ("  ", "text"), signed(role, word, brush.glyphs))]
    lines += _broken(gate.line, width, "text")
    lines += _broken(gate.excused, width, role)
    for fact in gate.evidence:
        pieces = wrap(fact, width - 2, 4, brush.glyphs.ellipsis)
        lines += [
            (((f"{brush.glyphs.dot} " if not number else "  "), "muted"), (piece, "muted"))
            for number, piece in enumerate(pieces)
        ]
    if gate.next_change is not None:
        at = moment(gate.next_change, view.clock.now, zone_of(view.clock.zone))
        lines.append(((f"could change at {at}", "muted"),))
    return lines


def _broken(text: str, width: int, role: str) -> list[Line]:
    return [((piece, role),) for piece in wrap(text, width, 6)]


def _truths(view: RoomView, rollout: RolloutView, brush: Brush, width: int) -> Iterator[Line]:
    yield (("Four truths", "title"),)
    for truth in (rollout.planned, rollout.desired, rollout.configured, rollout.measured):
        yield _truth(truth, view, rollout, brush)
    if rollout.settles_at is not None and rollout.settles_at > view.clock.now:
        yield ((f"{'effective':<11}expected by {clock(rollout.settles_at, zone_of(view.clock.zone))}", "info"),)
    if rollout.automatic:
        armed = f"UNARMED: {rollout.unarmed}" if rollout.unarmed else rollout.automatic
        yield from _broken(armed, width, "warn" if rollout.unarmed else "muted")


def _truth(truth: Truth, view: RoomView, rollout: RolloutView, brush: Brush) -> Line:
    at = f" {moment(truth.at, view.clock.now, zone_of(view.clock.zone))}" if truth.at else ""
    if truth.exposure is None:
        needed = truth.name == "configured"
        return ((f"{truth.name:<11}", "muted"), ("unknown " if needed else "- ", "bad"), (truth.note, "muted"))
    said = f"{exposure_percent(truth.exposure)} {regions_of(truth.exposure, rollout.regions)}"
    line: Line = ((f"{truth.name:<11}", "muted"), (f"{said}  ", "text"), (f"{truth.by}{at}", "muted"))
    if truth.freshness in (Freshness.LIVE, Freshness.OFF):
        return line
    return (*line, ("  ", "text"), signed(FRESHNESS_ROLE[truth.freshness], truth.freshness.value, brush.glyphs))


def _parts(rollout: RolloutView, brush: Brush, width: int) -> Iterator[Line]:
    change = rollout.change
    steps = change.steps if change is not None and change.state != "confirmed" else ()
    if not steps and not rollout.parts:
        return
    yield (("Steps" if steps else "Parts", "title"),)
    for part in steps or rollout.parts:
        role = _STEP_ROLE.get(part.state, "muted")
        yield (
            signed(role, part.controller, brush.glyphs),
            (f"  {' '.join(part.features)}  ", "muted"),
            (part.state, role),
        )
        yield from (((f"  {piece}", "muted"),) for piece in wrap(part.why, width - 2, 2, brush.glyphs.ellipsis))
    yield ()


def _poll(rollout: RolloutView, brush: Brush, width: int) -> Iterator[Line]:
    asked = rollout.poll
    if asked is None:
        return
    yield ((asked.title, "title"), (f"  {asked.verdict}", "muted"))
    for station in asked.stations:
        word, role = short(station, brush.glyphs)
        yield ((word, role),)
        told = f"stale: {station.stale}" if station.stale else said(station)
        if told not in word:
            yield from (((f"  {piece}", "muted"),) for piece in wrap(told, width - 2, 2, brush.glyphs.ellipsis))
    yield ()


def _readiness(rollout: RolloutView, brush: Brush, width: int) -> Iterator[Line]:
    if not rollout.readiness:
        return
    yield (("Kill", "title"), ("  (K: the card)", "muted"))
    for each in rollout.readiness:
        role = READY_ROLE[each.state]
        for number, piece in enumerate(wrap(f"{each.controller}: {each.line}", width - 2, 3, brush.glyphs.ellipsis)):
            yield ((f"{sign(role, brush.glyphs)} " if not number else "  ", role), (piece, "text"))

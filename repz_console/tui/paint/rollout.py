"""The Rollout tab: where it stands, what is next, what is in the way, and what Enter does.

What is told in one glance comes first; what can be looked at and chosen comes below it. Row keys: `region:ID`,
`feature:ID`, `stage:ID`, `gate:ID`, `poll:ID`, `station:ROUND/SEAT`, `approval:ID`, `waiver:ID`, `override:N`,
`change:OP`.
"""

from __future__ import annotations

from repz_console.facts import Freshness
from repz_console.room.views import RolloutView, RoomView
from repz_console.tui.paint.base import Brush, Line, Sheet, Span
from repz_console.tui.paint.format import exposure_percent, line_width, percent, spread
from repz_console.tui.paint.rollout_enter import what_enter_does
from repz_console.tui.paint.rollout_gates import consents, gates, passing, poll, stations
from repz_console.tui.paint.rollout_regions import features, rounded, table, told_of_all
from repz_console.tui.paint.rollout_side import details
from repz_console.tui.paint.rollout_stages import stages, when
from repz_console.tui.paint.rollout_trouble import trouble
from repz_console.tui.paint.rows import Rows, clip_all, side, side_width
from repz_console.tui.paint.times import moment, zone_of
from repz_console.tui.paint.words import TRUSTED, chip, kill_chip, stage_name

_LABEL = 6


def shown(view: RoomView, brush: Brush) -> RolloutView | None:
    """The rollout that the choices name, else the first one."""
    rollouts = view.rollout.rollouts
    chosen = [rollout for rollout in rollouts if rollout.id == brush.choices.rollout]
    return (*chosen, *rollouts, None)[0]


def paint(view: RoomView, brush: Brush) -> Sheet:
    """One rollout. From 120 columns what is selected stands in detail at the right."""
    rollout = shown(view, brush)
    aside = side_width(brush.size) if rollout is not None else 0
    rows = Rows(brush.size.width - aside, brush.glyphs)
    if rollout is None:
        ended = chip(Freshness.OFF, (), view, brush.glyphs)
        rows.add(spread(((" Rollout", "strong"),), ended, rows.width, brush.glyphs.ellipsis))
        rows.text("The plan has no rollout. Add a [rollout.NAME] table to config.toml.", "muted")
        return rows.sheet(1)
    roomy = brush.size.height >= 30
    rows.lines.append(_header(view, rollout, brush))
    rows.keys.append("")
    _now(rows, view, rollout, brush)
    _next(rows, view, rollout, brush)
    trouble(rows, view, rollout, brush)
    table(rows, rollout, brush, rows.width)
    _part(rows, roomy)
    gates(rows, rollout, 14 if roomy else 6)
    poll(rows, view, rollout)
    consents(rows, view, rollout, brush)
    _part(rows, roomy)
    features(rows, rollout, brush)
    _part(rows, roomy)
    stages(rows, view, rollout, brush)
    _part(rows, roomy)
    stations(rows, rollout)
    passing(rows, rollout)
    said = what_enter_does(rollout, brush.choices, brush.size.width - 2, brush.glyphs)
    foot = clip_all([((f" {said}", "accent"),)], brush.size.width, brush.glyphs)
    height = brush.size.height - 1 - len(foot)
    beside = side(details(view, rollout, brush, aside - 3), aside, height, brush.glyphs) if aside else ()
    return Sheet(rows.lines, rows.keys, 1, beside, aside, foot)


def _part(rows: Rows, roomy: bool) -> None:
    if roomy:
        rows.blank()


def _header(view: RoomView, rollout: RolloutView, brush: Brush) -> Line:
    right: list[Span] = list(kill_chip(rollout.readiness, brush.glyphs))
    right.append(("  " if right else "", "text"))
    right += chip(rollout.configured.freshness, set(rollout.controllers), view, brush.glyphs)
    left: list[Span] = [(f" {rollout.title}", "strong")]
    if len(view.rollout.rollouts) > 1:
        place = [each.id for each in view.rollout.rollouts].index(rollout.id) + 1
        left.append((f"  {place} of {len(view.rollout.rollouts)} (o)", "muted"))
    revision = f" at {rollout.revision}" if rollout.revision else ""
    extra: list[Span] = [(f"  {rollout.cohort}", "text"), (f"  {rollout.backend}{revision}", "muted")]
    for piece in extra:
        if line_width(left) + len(piece[0]) + line_width(right) + 1 < brush.size.width:
            left.append(piece)
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


def _label(text: str) -> Span:
    return (f" {text:<{_LABEL}}", "title")


def _now(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    configured, glyphs = rollout.configured, brush.glyphs
    line: list[Span] = [_label("NOW")]
    if configured.exposure is None:
        line.append((f"{glyphs.bad} configured is not known: {configured.note or 'no answer yet'}", "bad"))
        line.append(("  (m enters what it shows)", "muted"))
        rows.add(line)
        return
    doubt = "" if configured.freshness in TRUSTED else "?"
    share = f"{exposure_percent(configured.exposure)}{doubt}"
    line += [(f"{stage_name(rollout.current)} ", "text"), (share, "warn" if doubt else "accent")]
    if rollout.of_all is not None and told_of_all(rollout):
        line.append((f"  {rounded(rollout.of_all)} of all {rollout.cohort}", "text"))
    if rollout.planned.note:
        # What is configured stands beside it already.
        line.append((f"  {rollout.planned.note.rpartition(': ')[2]}", "muted"))
    at = f" {moment(configured.at, view.clock.now, zone_of(view.clock.zone))}" if configured.at else ""
    right: list[Span] = [(f"by {configured.by}{at}", "muted")] if configured.by else []
    if rollout.measured.exposure is not None:
        right.append((f"  measured {exposure_percent(rollout.measured.exposure)}", "text"))
    rows.add(spread(line, right, rows.width - 1, glyphs.ellipsis))


def _next(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    coming, glyphs = rollout.next, brush.glyphs
    if coming is None:
        rows.add((_label("NEXT"), ("no stage is left", "muted")))
        return
    line: list[Span] = [_label("NEXT"), (f"{stage_name(coming)} ", "text"), (percent(coming.percent), "strong")]
    if coming.of_all is not None:
        line.append((f"  {rounded(coming.of_all)} of all {rollout.cohort}", "text"))
    line.append((f"  {when(coming, view)}", "text"))
    if coming.due or rollout.due:
        line.append(("  ", "text"))
        line.append((f"{glyphs.warn} DUE", "warn.reverse"))
    right: list[Span] = [(rollout.automatic, "muted")] if rollout.automatic and not rollout.unarmed else []
    rows.add(spread(line, right, rows.width - 1, glyphs.ellipsis))

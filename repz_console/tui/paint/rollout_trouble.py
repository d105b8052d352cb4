"""What is wrong with a rollout or wants somebody, one sentence each, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

from repz_console.facts import Freshness
from repz_console.room.views import ChangeView, RolloutView, RoomView
from repz_console.tui.paint.base import Brush
from repz_console.tui.paint.format import brief, exposure_percent, wrap
from repz_console.tui.paint.rows import Rows
from repz_console.tui.paint.times import clock, moment, zone_of
from repz_console.tui.paint.words import sign

CHANGE_ROLE = {
    "intended": "warn",
    "sent": "warn",
    "confirmed": "ok",
    "rejected": "bad",
    "unknown": "bad",
    "not_applied": "warn",
    "superseded": "muted",
    "partial": "bad",
}
_OVER = ("confirmed", "superseded", "unknown")
"""States of a change that need no line of their own."""

_Said = tuple[str, str, str]
"""(text, role, row key)."""


def trouble(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    """Every such sentence, over two lines where it needs them."""
    for text, role, key in _sentences(view, rollout, rows.width):
        mark = f"{sign(role.removesuffix('.reverse'), brush.glyphs)} "
        for number, piece in enumerate(wrap(text, rows.width - 2 - len(mark), 2, brush.glyphs.ellipsis)):
            rows.text((" " * len(mark) if number else mark) + piece, role, "" if number else key)


def _sentences(view: RoomView, rollout: RolloutView, width: int) -> Iterator[_Said]:
    zone, now = zone_of(view.clock.zone), view.clock.now
    for number, line in enumerate(rollout.overrides):
        yield f"OVERRIDE {line}", "bad.reverse", f"override:{number}"
    for lost in rollout.unknown:
        what = f"{lost.action} to {exposure_percent(lost.target)} by {lost.who}"
        yield f"UNKNOWN whether {what} happened: nothing widens until it is settled (v)", "bad", f"change:{lost.op}"
    if rollout.change is not None and rollout.change.state not in _OVER:
        yield _change(rollout.change)
    for line in rollout.drift:
        yield f"DRIFT (v accepts it) {line}", "bad", ""
    backends = [source for source in view.sources.sources if source.id in rollout.controllers and source.error]
    for source in (source for source in backends if source.error not in rollout.configured.note):
        yield brief(f"{source.id} is not read back: {source.error}", width - 4), "bad", ""
    if rollout.hold is not None:
        because = f": {rollout.hold.reason}" if rollout.hold.reason else ""
        yield f"HOLD by {rollout.hold.who} since {moment(rollout.hold.at, now, zone)}{because} (u resumes)", "warn", ""
    if rollout.unarmed:
        yield f"UNARMED {rollout.unarmed}", "warn", ""
    if rollout.cannot:
        yield f"{rollout.backend or rollout.controller} cannot: {rollout.cannot}", "info", ""
    if rollout.settles_at is not None and rollout.settles_at > now:
        seen = rollout.measured
        measured = exposure_percent(seen.exposure) if seen.exposure is not None else seen.note or "unknown"
        if seen.exposure is None and seen.freshness is Freshness.OFF:
            measured = "by nothing"
        settled = clock(rollout.settles_at, zone)
        share = exposure_percent(rollout.configured.exposure)
        yield f"SETTLING configured {share}, seen by everybody by {settled}, measured {measured}", "info", ""


def _change(change: ChangeView) -> _Said:
    role = CHANGE_ROLE[change.state]
    why = f": {change.why}" if change.why else ""
    target = f"{change.action} to {exposure_percent(change.target)} by {change.who}"
    if change.state == "partial":
        told = f"{sum(step.state == 'applied' for step in change.steps)} of {len(change.steps)} applied"
        which = f"{target}: {change.why.removeprefix(told).lstrip(':; ')}".rstrip(": ")
        said = f"PARTIAL {told} (f rolls forward, ! then b rolls back): {which}"
        return said, role, f"change:{change.op}"
    word = change.state.replace("_", " ").upper()
    return f"{word} {target}{why}", role, f"change:{change.op}"

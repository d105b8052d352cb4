"""The Journal tab: who did what and when, newest first.

Row keys: `journal:SEQ`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from repz_console import events
from repz_console.facts import Exposure, Freshness
from repz_console.room.views import RoomView
from repz_console.tui.paint.base import Brush, Glyphs, Line, Sheet, Span
from repz_console.tui.paint.format import spread, wrap
from repz_console.tui.paint.rows import (
    Cell,
    Listing,
    clip_all,
    columns,
    labelled,
    longest,
    matches,
    side,
    side_width,
    unfolded,
)
from repz_console.tui.paint.sentences import exposed, sentence
from repz_console.tui.paint.times import clock, moment, weekday, zone_of
from repz_console.tui.paint.words import chip, journal_length

_ROLES: dict[type, str] = {
    events.ChangeIntended: "strong",
    events.RolloutHeld: "warn",
    events.StoreRestored: "warn",
    events.StoreRetired: "warn",
    events.StoreSteers: "strong",
    events.SourceFailed: "bad",
    events.SourceRecovered: "ok",
    events.ConnTaken: "accent",
    events.ConnReleased: "accent",
    events.ConsoleOpened: "muted",
    events.ConsoleClosed: "muted",
    events.CollectorTaken: "muted",
    events.ChangeSent: "muted",
    events.ChangedElsewhere: "bad",
    events.LineStopped: "bad",
    events.LineStarted: "strong",
    events.StageDue: "warn",
    events.GateWaived: "warn",
    events.WaiverSeconded: "warn",
    events.GateOverridden: "bad",
    events.SeatTaken: "accent",
    events.PollCalled: "strong",
}
_OUTCOME_ROLES = {
    "confirmed": "ok",
    "rejected": "bad",
    "unknown": "bad",
    "partial": "bad",
    "not_applied": "warn",
    "superseded": "muted",
}


def paint(view: RoomView, brush: Brush) -> Sheet:
    """The newest entries, newest first."""
    glyphs, choices = brush.glyphs, brush.choices
    words = choices.filter
    entries: Sequence[events.Entry] = view.journal.latest
    if words:
        entries = [entry for entry in entries if matches(words, sentence(entry.event), entry.kind, entry.actor.user)]
    aside = side_width(brush.size)
    width = brush.size.width - aside
    head: list[Line] = [_header(view, brush)]
    if not entries:
        nothing = f" Not known: {view.journal.damage}." if view.journal.damage else " Nothing has been decided yet."
        said = f" No entry has the words {words}." if words else nothing
        return Sheet(clip_all([*head, ((said, "muted"),)], brush.size.width, glyphs), ["", ""], 1)
    zone, now = zone_of(view.clock.zone), view.clock.now
    # The last entry is the oldest: if it is of today, so is every other.
    when_width = 8 if entries[-1].at.astimezone(zone).date() == now.astimezone(zone).date() else 12
    who_width = longest((entry.actor.user for entry in entries), 10)

    def row(entry: events.Entry) -> Line:
        same_day = entry.at.astimezone(zone).date() == now.astimezone(zone).date()
        when = clock(entry.at, zone) if same_day else moment(entry.at, now, zone)
        cells = (
            Cell(when, when_width, "muted"),
            Cell(entry.actor.user, who_width),
            Cell(sentence(entry.event), max(10, width - when_width - who_width - 4), _role(entry.event)),
        )
        return columns(cells, glyphs)

    def place(key: object) -> int | None:
        return next((index for index, entry in enumerate(entries) if f"journal:{entry.seq}" == key), None)

    looked_at = place(choices.cursor if aside else choices.open)
    detail = [] if looked_at is None else _detail(entries[looked_at], view, (aside or width - 4) - 3, glyphs)
    listing = Listing(
        head=clip_all(head, brush.size.width, glyphs),
        items=entries,
        line=row,
        key=lambda entry: f"journal:{entry.seq}",
        place=place,
        opened=None if aside else looked_at,
        detail=unfolded(detail, width, glyphs),
    )
    if not aside:
        return listing.sheet()
    return listing.sheet(side(detail, aside, brush.size.height - len(head), glyphs), aside)


def _header(view: RoomView, brush: Brush) -> Line:
    journal, glyphs = view.journal, brush.glyphs
    left: list[Span] = [(" Journal", "strong"), (f"  {journal_length(journal)}", "text")]
    if journal.head:
        left.append((f"  chain {journal.head[:8]}", "muted"))
    if brush.choices.filter:
        left.append((f"  filter: {brush.choices.filter}", "accent"))
    if journal.writable:
        left.append((f"  {glyphs.bad} READ-ONLY", "bad"))
    right = chip(Freshness.DOWN if journal.damage else Freshness.LIVE, (), view, glyphs)
    return spread(left, right, brush.size.width, glyphs.ellipsis)


def _role(event: events.AnyEvent) -> str:
    if isinstance(event, events.ChangeEnded):
        return _OUTCOME_ROLES[event.outcome]
    return _ROLES.get(type(event), "text")


def _detail(entry: events.Entry, view: RoomView, room: int, glyphs: Glyphs) -> list[Line]:
    """Everything that the entry holds."""
    zone, actor = zone_of(view.clock.zone), entry.actor
    local = entry.at.astimezone(zone)
    seat = f", seat {actor.seat}" if actor.seat else ""
    shared = "" if actor.proven else ", a shared account"
    lines: list[Line] = [((piece, "strong"),) for piece in wrap(sentence(entry.event), room, 4, glyphs.ellipsis)]
    facts = (
        ("entry", f"{entry.seq:,} {entry.kind}"),
        ("at", f"{weekday(local.date())} {local:%Y %H:%M:%S %Z}"),
        ("by", f"{actor.user} ({actor.uid}) on {actor.host} {actor.tty}{seat}{shared}".rstrip()),
        ("hash", entry.hash),
        *_fields(entry.event),
    )
    for name, value in facts:
        pieces = wrap(value, max(8, room - 10), 6, glyphs.ellipsis)
        lines += [labelled("" if number else name, piece) for number, piece in enumerate(pieces)]
    return lines


def _fields(event: events.AnyEvent) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if value in ("", None, (), {}) or (isinstance(event, events.PlanAdopted) and name in ("text", "includes")):
            continue
        if isinstance(event, events.ChangeIntended) and name == "by":
            if value == "person":
                continue
            name = "decided"
        if isinstance(value, Exposure):
            text = f"{exposed(value)}, {' '.join(value.features) or 'no feature'}, by {value.key}"
        else:
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        found.append((name.replace("_", " ")[:9], text))
    return found

"""The Bugs tab: a lane a priority with what it blocks, then the table. Ten thousand bugs cost what twenty do.

Row keys: `bug:ID`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from repz_console.facts import Bug, Freshness
from repz_console.room.views import LaneView, RoomView
from repz_console.tui.paint.base import Brush, Glyphs, Line, Sheet, Span
from repz_console.tui.paint.format import cut, pad, spread, wrap
from repz_console.tui.paint.rows import Cell, Listing, clip_all, columns, labelled, matches, side, side_width, unfolded
from repz_console.tui.paint.times import age, moment, zone_of
from repz_console.tui.paint.words import TRUSTED, chip, sign

SORTS = ("priority", "age", "assignee")
"""What `Choices.sort` may be here; the first is the default."""

_PRIORITY_ROLE = {"P0": "bad", "P1": "warn", "P2": "text", "P3": "text", "P4": "muted"}
_ID, _WHO, _AGE = 12, 10, 8


@dataclass(frozen=True)
class _Arranged:
    """Bugs filtered and sorted, with what that depended on."""

    given: tuple[Bug, ...]
    words: str
    sort: str
    bugs: Sequence[Bug]
    sources: frozenset[str] = frozenset()
    """The sources of all bugs given."""
    places: dict[str, int] = field(default_factory=dict)
    """Row key to place; filled when first asked for."""

    def place(self, key: object) -> int | None:
        """The place of a row key; None if the filter leaves it out."""
        if not self.places:
            self.places.update((f"bug:{bug.id}", place) for place, bug in enumerate(self.bugs))
        return self.places.get(key) if isinstance(key, str) else None


_latest = _Arranged((), "", "", ())


def arranged(given: tuple[Bug, ...], words: str, sort: str) -> _Arranged:
    """The bugs that have the words, in order. The last answer is kept: moving the cursor arranges nothing."""
    global _latest
    if _latest.given is not given or (_latest.words, _latest.sort) != (words, sort):
        kept: Sequence[Bug] = given
        if words:
            kept = [bug for bug in given if matches(words, bug.title, bug.id, bug.priority, bug.assignee, bug.state)]
        if sort == "age":
            kept = sorted(kept, key=lambda bug: (bug.state != "open", bug.opened_at))
        elif sort == "assignee":
            kept = sorted(kept, key=lambda bug: (bug.state != "open", not bug.assignee, bug.assignee.casefold()))
        same = _latest.given is given
        sources = _latest.sources if same else frozenset(bug.id.partition(":")[0] for bug in given)
        _latest = _Arranged(given, words, sort, kept, sources)
    return _latest


def paint(view: RoomView, brush: Brush) -> Sheet:
    """The lanes, which stay, and the table below them."""
    glyphs, choices = brush.glyphs, brush.choices
    found = arranged(view.bugs.bugs, choices.filter, choices.sort)
    aside = side_width(brush.size)
    width = brush.size.width - aside
    head = [_header(view, brush, found.sources), *_lanes(view, brush), _table_head(width, glyphs)]
    if not found.bugs:
        nothing: Line = ((_nothing(view, choices.filter), "muted"),)
        lines = clip_all([*head, nothing], brush.size.width, glyphs)
        return Sheet(lines, [""] * len(lines), len(head))
    looked_at = found.place(choices.cursor if aside else choices.open)
    detail = [] if looked_at is None else _detail(found.bugs[looked_at], view, (aside or width - 4) - 3, glyphs)
    listing = Listing(
        head=clip_all(head, brush.size.width, glyphs),
        items=found.bugs,
        line=lambda bug: _row(bug, view, width, glyphs),
        key=lambda bug: f"bug:{bug.id}",
        place=found.place,
        opened=None if aside else looked_at,
        detail=unfolded(detail, width, glyphs),
    )
    if not aside:
        return listing.sheet()
    return listing.sheet(side(detail, aside, brush.size.height - len(head), glyphs), aside)


def _nothing(view: RoomView, words: str) -> str:
    if words:
        return f" No bug has the words {words}."
    if view.bugs.freshness is Freshness.OFF:
        return ' OFF: no source reads bugs. Add a [source.NAME] table with kind = "local" to config.toml.'
    return " No bug is filed." + (" n files one." if view.bugs.writable else "")


def _header(view: RoomView, brush: Brush, known: frozenset[str]) -> Line:
    bugs, choices = view.bugs, brush.choices
    open_now = sum(lane.open for lane in bugs.lanes)
    left: list[Span] = [(" Bugs", "strong")]
    if bugs.freshness is not Freshness.OFF:
        left.append((f"  {open_now:,} open of {len(bugs.bugs):,}", "text"))
    left.append((f"  by {choices.sort or SORTS[0]}", "muted"))
    if choices.filter:
        left.append((f"  filter: {choices.filter}", "accent"))
    sources = known | {bugs.writable}
    right = chip(bugs.freshness, sources, view, brush.glyphs)
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


# The lanes


def _lanes(view: RoomView, brush: Brush) -> list[Line]:
    lanes, glyphs = view.bugs.lanes, brush.glyphs
    if not lanes:
        return []
    width = (brush.size.width - 1) // len(lanes)
    lines = [
        _across([((f"{lane.priority} ", "strong"), (lane.name, "muted")) for lane in lanes], width, glyphs),
        _across([_open(lane, view, glyphs) for lane in lanes], width, glyphs),
        _across([((_oldest(lane, view), "muted"),) for lane in lanes], width, glyphs),
        _across([_blocks(lane, width, glyphs) for lane in lanes], width, glyphs),
    ]
    if brush.size.height < 20:
        del lines[2]
    return lines if brush.size.height < 24 else [*lines, ()]


def _across(parts: Sequence[Line], width: int, glyphs: Glyphs) -> Line:
    spans: list[Span] = [(" ", "text")]
    for part in parts:
        spans += [*pad(part, width - 1, glyphs.ellipsis), (" ", "text")]
    return tuple(spans)


def _open(lane: LaneView, view: RoomView, glyphs: Glyphs) -> Line:
    if view.bugs.freshness is Freshness.OFF:
        return (("not known", "warn"),)
    doubt = "" if view.bugs.freshness in TRUSTED else "?"
    role = _PRIORITY_ROLE[lane.priority] if lane.open else "muted"
    mark = f"{sign(role, glyphs)} " if role in ("bad", "warn") else ""
    return ((f"{mark}{lane.open:,}{doubt} open", role),)


def _oldest(lane: LaneView, view: RoomView) -> str:
    return f"oldest {age(view.clock.now - lane.oldest)}" if lane.oldest is not None else ""


def _blocks(lane: LaneView, width: int, glyphs: Glyphs) -> Line:
    wide = width > 14
    if lane.blocking:
        return ((f"{glyphs.bad} blocks{' now' if wide else ''}", "bad"),)
    if not lane.blocks_from:
        return (("blocks nothing" if wide else "no block", "muted"),)
    rule = lane.blocks_from if lane.blocks_from.startswith("every") else f"from {lane.blocks_from}"
    return ((rule, "muted"),)


# The table


def _title_width(width: int) -> int:
    return max(10, width - 1 - 5 - (_ID + 1) - (_WHO + 1) - _AGE - 1)


def _table_head(width: int, glyphs: Glyphs) -> Line:
    cells = (
        Cell("Pri", 4, "muted"),
        Cell("Bug", _ID, "muted"),
        Cell("Title", _title_width(width), "muted"),
        Cell("Assignee", _WHO, "muted"),
        Cell("Age", _AGE, "muted", right=True),
    )
    return columns(cells, glyphs)


def _row(bug: Bug, view: RoomView, width: int, glyphs: Glyphs) -> Line:
    resolved = bug.state == "resolved"
    role = "muted" if resolved else _PRIORITY_ROLE[bug.priority]
    mark = glyphs.done if resolved else sign(role, glyphs) if role in ("bad", "warn") else glyphs.open
    since = bug.changed_at if resolved else bug.opened_at
    old = age(view.clock.now - since)
    unowned = not bug.assignee and not resolved and bug.priority in ("P0", "P1")
    cells = (
        Cell(f"{mark} {bug.priority}", 4, role),
        Cell(bug.id, _ID, "muted"),
        Cell(bug.title, _title_width(width), "muted" if resolved else "text"),
        Cell(bug.assignee or ("nobody" if unowned else "-"), _WHO, "warn" if unowned else "muted"),
        Cell(f"done {old}" if resolved else old, _AGE, "muted" if resolved else "text", right=True),
    )
    return columns(cells, glyphs)


def _detail(bug: Bug, view: RoomView, room: int, glyphs: Glyphs) -> list[Line]:
    zone, now = zone_of(view.clock.zone), view.clock.now
    lane = next((lane for lane in view.bugs.lanes if lane.priority == bug.priority), None)
    rule = f"{lane.name}: {lane.rule}" if lane else ""
    lines: list[Line] = [((piece, "strong"),) for piece in wrap(bug.title, room, 3, glyphs.ellipsis)]
    lines.append(labelled("bug", bug.id))
    lines.append(labelled("priority", f"{bug.priority} {rule}", _PRIORITY_ROLE[bug.priority]))
    lines.append(labelled("state", bug.state))
    lines.append(labelled("assignee", bug.assignee or "nobody"))
    if bug.reporter:
        lines.append(labelled("reporter", bug.reporter))
    lines.append(labelled("opened", moment(bug.opened_at, now, zone)))
    if bug.changed_at != bug.opened_at:
        lines.append(labelled("changed", moment(bug.changed_at, now, zone)))
    if bug.url:
        lines.append(labelled("address", cut(bug.url, room - 10, glyphs.ellipsis)))
    if bug.note:
        lines += [
            labelled("" if number else "note", piece) for number, piece in enumerate(wrap(bug.note, room - 10, 6))
        ]
    return lines

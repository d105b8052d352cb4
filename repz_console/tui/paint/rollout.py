"""The Rollout tab: the slider, the truths side by side, the planned stages, and what stands in the way.

Row keys: `stage:ID`, `gate:ID`.
"""

from __future__ import annotations

from collections.abc import Sequence

from repz_console.facts import Freshness, Verdict
from repz_console.plan.exposure import headline_percent, is_nobody
from repz_console.room.views import GateView, RolloutView, RoomView, StageView, Truth
from repz_console.tui.paint.base import Brush, Glyphs, Line, Sheet, Span
from repz_console.tui.paint.format import (
    brief,
    cell_width,
    count,
    cut,
    exposure_percent,
    fit,
    line_width,
    percent,
    regions_of,
    spread,
    wrap,
)
from repz_console.tui.paint.gantt import Cells, cells_of, line_of
from repz_console.tui.paint.room import blocking
from repz_console.tui.paint.rows import Cell, Rows, columns, longest
from repz_console.tui.paint.times import minute, moment, weekday, zone_of
from repz_console.tui.paint.words import FRESHNESS_ROLE, VERDICT_ROLE, chip, sign, signed, stage_name

_WIDE = 100
"""Columns from which every region and feature of a stage is listed."""

_EDGE = 8
"""Columns on each side of the slider for its ends."""
_STATE_ROLE = {"done": "ok", "current": "accent", "next": "strong", "planned": "muted"}
_CHANGE_ROLE = {
    "intended": "warn",
    "sent": "warn",
    "confirmed": "ok",
    "rejected": "bad",
    "unknown": "bad",
    "not_applied": "warn",
    "superseded": "muted",
}


def shown(view: RoomView, brush: Brush) -> RolloutView | None:
    """The rollout that the choices name, else the first one."""
    rollouts = view.rollout.rollouts
    chosen = [rollout for rollout in rollouts if rollout.id == brush.choices.rollout]
    return (*chosen, *rollouts, None)[0]


def paint(view: RoomView, brush: Brush) -> Sheet:
    """One rollout."""
    rollout = shown(view, brush)
    rows = Rows(brush.size.width, brush.glyphs)
    if rollout is None:
        ended = chip(Freshness.OFF, (), view, brush.glyphs)
        rows.add(spread(((" Rollout", "strong"),), ended, rows.width, brush.glyphs.ellipsis))
        rows.text("The plan has no rollout. Add a [rollout.NAME] table to config.toml.", "muted")
        return rows.sheet(1)
    rows.add(_header(view, rollout, brush))
    _slider(rows, rollout, brush)
    _truths(rows, view, rollout, brush)
    _trouble(rows, view, rollout, brush)
    if brush.size.height >= 24:
        rows.blank()
    _stages(rows, view, rollout, brush)
    if brush.size.height >= 24:
        rows.blank()
    _gates(rows, rollout, brush)
    return rows.sheet(1)


def _header(view: RoomView, rollout: RolloutView, brush: Brush) -> Line:
    revision = f" at {rollout.revision}" if rollout.revision else ""
    left: list[Span] = [(f" {rollout.title}", "strong"), (f"  {rollout.cohort}", "text")]
    left.append((f"  {rollout.backend}{revision}", "muted"))
    if len(view.rollout.rollouts) > 1:
        place = [each.id for each in view.rollout.rollouts].index(rollout.id) + 1
        left.append((f"  {place} of {len(view.rollout.rollouts)} (o)", "muted"))
    right = chip(rollout.configured.freshness, {rollout.controller}, view, brush.glyphs)
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


# The slider


def _slider(rows: Rows, rollout: RolloutView, brush: Brush) -> None:
    glyphs, width = brush.glyphs, brush.size.width
    length = width - 2 * _EDGE
    labels: Cells = cells_of((), width)
    marks: Cells = cells_of((), width)
    for stage in rollout.stages:
        column = _EDGE + _at(stage.percent, length)
        role = "mark" if stage is rollout.next else _STATE_ROLE[stage.state]
        marks[column] = (glyphs.mark, role)
        _write(labels, column, percent(stage.percent), role)
    rows.add(line_of(labels))
    rows.add(line_of(marks))
    configured = rollout.configured.exposure
    filled = 0 if configured is None or is_nobody(configured) else _at(headline_percent(configured), length) + 1
    bar: Line = (
        (f"{'0 %':>{_EDGE - 1}} ", "muted"),
        (glyphs.full * filled, "bar"),
        (glyphs.track * (length - filled), "track"),
        (" 100 %", "muted"),
    )
    rows.add(bar)
    draft = brush.choices.draft
    pointers: Cells = cells_of((), width)
    if configured is None:
        _write(pointers, _EDGE, "configured: unknown", "bad", centred=False)
    share = headline_percent(configured) if configured is not None else 0.0
    drafted = headline_percent(draft) if draft is not None else 0.0
    # The words of two pointers stand on their outer sides, so that close ones do not run into each other.
    named: list[tuple[str, float, str, bool]] = []
    if configured is not None:
        named.append(("configured", share, "bar", draft is not None and drafted >= share))
    if draft is not None:
        named.append(("draft", drafted, "mark", drafted < share))
    for _, at, role, _ in named:
        pointers[_EDGE + _at(at, length)] = (glyphs.point, role)
    for word, at, role, to_left in named:
        _point(pointers, _EDGE + _at(at, length), f"{word} {percent(at)}", role, to_left)
    rows.add(line_of(pointers))
    if draft is not None:
        said = f"{glyphs.point} draft {exposure_percent(draft)} (Enter compares)"
        where = regions_of(draft, rollout.regions)
        rows.add(((" ", "text"), (said, "mark"), (f"  {where}: {_features(draft.features, rollout)}", "muted")))


def _at(share: float, length: int) -> int:
    return round(max(0.0, min(100.0, share)) * (length - 1) / 100)


def _write(cells: Cells, column: int, text: str, role: str, centred: bool = True) -> bool:
    """Put text around a column if every cell there and next to it is free."""
    first = column - cell_width(text) // 2 if centred else column
    first = max(1, min(first, len(cells) - len(text) - 1))
    near = range(max(0, first - 1), min(len(cells), first + len(text) + 1))
    if first < 0 or any(cells[index][0] != " " for index in near):
        return False
    for offset, char in enumerate(text):
        cells[first + offset] = (char, role)
    return True


def _point(cells: Cells, column: int, text: str, role: str, to_left: bool) -> None:
    """A pointer's words beside it, on the side asked for if there is room, else on the other, else not at all."""
    sides = [column - cell_width(text) - 1, column + 2]
    for first in sides if to_left else reversed(sides):
        if first >= 1 and first + cell_width(text) < len(cells) and _write(cells, first, text, role, centred=False):
            break


# The truths


def _truths(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    truths = (rollout.planned, rollout.desired, rollout.configured, rollout.measured)
    wheres = [regions_of(truth.exposure, rollout.regions) if truth.exposure else "" for truth in truths]
    width = brush.size.width
    region_width = longest(wheres, 34 if width >= _WIDE else 20)
    for truth, where in zip(truths, wheres, strict=True):
        rows.add(_truth(truth, where, region_width, view, rollout, brush))


def _truth(truth: Truth, where: str, region_width: int, view: RoomView, rollout: RolloutView, brush: Brush) -> Line:
    glyphs, zone = brush.glyphs, zone_of(view.clock.zone)
    role = {"configured": "strong", "planned": "text", "desired": "text"}.get(truth.name, "text")
    at = f" {moment(truth.at, view.clock.now, zone)}" if truth.at else ""
    right: list[Span] = [(f"{cut(truth.by, 14, glyphs.ellipsis)}{at}", "muted")]
    if truth.name in ("configured", "measured") and truth.freshness is not Freshness.LIVE:
        right.append((" ", "text"))
        right.append(signed(FRESHNESS_ROLE[truth.freshness], truth.freshness.value, glyphs))
    if truth.exposure is None:
        needed = truth.name == "configured"
        nothing = Cell("unknown" if needed else "-", 7, "bad" if needed else "muted", right=True)
        left = (*columns((Cell(truth.name, 11, "muted"), nothing), glyphs, 2), (f"  {truth.note}", "muted"))
        return spread(left, right, brush.size.width - 1, glyphs.ellipsis)
    features = _features(truth.exposure.features, rollout)
    left = columns(
        (
            Cell(truth.name, 11, "muted"),
            Cell(exposure_percent(truth.exposure), 7, role, right=True),
            Cell(where, region_width, role),
            Cell(features, max(4, cell_width(features)), role),
        ),
        glyphs,
        2,
    )
    noted = (*left, (f"  {truth.note}", "muted"))
    if truth.note and line_width(noted) + line_width(right) + 2 < brush.size.width:
        left = noted
    return spread(left, right, brush.size.width - 1, glyphs.ellipsis)


def _features(features: tuple[str, ...], rollout: RolloutView) -> str:
    """Feature ids in the plan's order, what it does not know after them."""
    known = [feature for feature, _ in rollout.features if feature in features]
    return " ".join([*known, *(feature for feature in features if feature not in known)]) or "no feature"


def _trouble(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    glyphs, zone = brush.glyphs, zone_of(view.clock.zone)
    if rollout.hold is not None:
        because = f": {rollout.hold.reason}" if rollout.hold.reason else ""
        since = moment(rollout.hold.at, view.clock.now, zone)
        rows.text(f"{glyphs.warn} HOLD by {rollout.hold.who} since {since}{because} (u resumes)", "warn")
    source = next((source for source in view.sources.sources if source.id == rollout.controller), None)
    if source is not None and source.error and source.error not in rollout.configured.note:
        room = rows.width - 3
        rows.text(brief(f"{glyphs.bad} {source.id} is not read back: {source.error}", room), "bad")
    change = rollout.change
    for lost in rollout.unknown:
        what = f"{lost.action} to {exposure_percent(lost.target)} by {lost.who}"
        _said(rows, f"{glyphs.bad} ", f"UNKNOWN whether {what} happened: nothing widens until it is settled", "bad")
    for line in rollout.drift:
        _said(rows, f"{glyphs.bad} ", f"DRIFT {line}", "bad")
    if change is not None and change.state not in ("confirmed", "superseded", "unknown"):
        role = _CHANGE_ROLE[change.state]
        why = f": {change.why}" if change.why else ""
        word = change.state.replace("_", " ").upper()
        target = exposure_percent(change.target)
        rows.text(f"{sign(role, glyphs)} {word} {change.action} to {target} by {change.who}{why}", role)


def _said(rows: Rows, mark: str, text: str, role: str) -> None:
    """A sentence over two lines if it needs them."""
    for number, piece in enumerate(wrap(text, rows.width - 2 - len(mark), 2, rows.glyphs.ellipsis)):
        rows.text((" " * len(mark) if number else mark) + piece, role)


# The stages


def _stages(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    """The planned stages. Where there is no room for every region and feature, what each one adds to the one before."""
    glyphs, width = brush.glyphs, brush.size.width
    wide = width >= _WIDE
    names = [stage_name(stage) for stage in rollout.stages]
    whens = [_when(stage, view) for stage in rollout.stages]
    wheres = [regions_of(stage.exposure, rollout.regions) for stage in rollout.stages]
    whats = [_features(stage.features, rollout) for stage in rollout.stages]
    if not wide:
        wheres, whats = _additions(wheres), _additions(whats)
    title = max(5, longest(names, 28 if wide else 17))
    when = max(4, longest(whens, 20))
    where = max(7, longest(wheres, 34 if wide else 15))
    left = max(0, width - 1 - (3 + title + when + 7 + where + 8))
    head = (
        Cell("", 1),
        Cell("Stage", title, "muted"),
        Cell("When", when, "muted"),
        Cell("Share", 7, "muted", right=True),
        Cell("Regions", where, "muted"),
        Cell("Features", left, "muted"),
    )
    rows.add(_stage_row(head, glyphs))
    for index, stage in enumerate(rollout.stages):
        role = _STATE_ROLE[stage.state]
        body = "muted" if stage.state in ("done", "planned") else "text"
        note = f"  {glyphs.dot} {stage.note}" if stage.note and wide else ""
        row = (
            Cell(_stage_sign(stage, glyphs), 1, role),
            Cell(names[index], title, role if stage.state != "done" else "text"),
            Cell(whens[index], when, body),
            Cell(percent(stage.percent), 7, role if stage.state in ("current", "next") else body, right=True),
            Cell(wheres[index], where, body),
            Cell(whats[index] + note, left, body),
        )
        rows.add(_stage_row(row, glyphs), f"stage:{stage.id}")


def _additions(lists: Sequence[str]) -> list[str]:
    """Each list of words as what it adds to the one before, or drops; a list of something else as it is."""
    said: list[str] = []
    before: list[str] = []
    for words in lists:
        now = words.split()
        gained, lost = [word for word in now if word not in before], [word for word in before if word not in now]
        if not before or not set(before) & set(now):
            said.append(words)
        else:
            said.append(" ".join([*(f"+{word}" for word in gained), *(f"-{word}" for word in lost)]) or "the same")
        before = now
    return said


def _stage_row(cells: tuple[Cell, ...], glyphs: Glyphs) -> Line:
    line = columns(cells, glyphs, 2)
    # The sign stands close to its title.
    return (line[0], line[1], (" ", "text"), *line[3:])


def _stage_sign(stage: StageView, glyphs: Glyphs) -> str:
    signs = {"done": glyphs.done, "current": glyphs.ok, "next": glyphs.arrow[-1:], "planned": glyphs.off}
    return signs[stage.state]


def _when(stage: StageView, view: RoomView) -> str:
    zone = zone_of(view.clock.zone)
    on = weekday(stage.at.astimezone(zone).date())
    return f"{on} {minute(stage.at, zone)}" if stage.timed else on


# The gates


def _gates(rows: Rows, rollout: RolloutView, brush: Brush) -> None:
    glyphs = brush.glyphs
    if rollout.next is None:
        rows.add(((" Gates", "title"), ("  no stage is left to enter", "muted")))
        return
    passed = [gate for gate in rollout.gates if gate not in blocking(rollout.gates)]
    role = VERDICT_ROLE[rollout.verdict]
    note = f"{len(passed)} of {count(len(rollout.gates), 'gate')} pass" if rollout.gates else "no gate applies"
    rows.add(
        (
            (f" Gates for {rollout.next.title}  ", "title"),
            signed(role, rollout.verdict.value, glyphs),
            (f"  {note}", "muted"),
        )
    )
    titles = longest((gate.title for gate in rollout.gates), 28)
    left = brush.size.height - len(rows.lines)
    blockers = blocking(rollout.gates)
    # Shorter reasons rather than a gate that nobody sees.
    for most in (3, 2, 1):
        own = Rows(rows.width, glyphs)
        for gate in blockers:
            _gate(own, gate, titles, most)
        if len(own.lines) <= left:
            break
    left -= len(own.lines)
    for line, key in zip(own.lines, own.keys, strict=True):
        rows.add(line, key)
    if len(passed) <= max(1, left):
        for gate in passed:
            _gate(rows, gate, titles, 1)
    else:
        _passing(rows, passed)


def _passing(rows: Rows, passed: list[GateView]) -> None:
    """Gates that pass, by name only, where there is no room for a line each."""
    mark = f" {fit(f'{rows.glyphs.ok} {Verdict.PASS.value}', 14)}  "
    titles = [gate.title for gate in passed]
    for number in range(len(titles), 0, -1):
        rest = len(titles) - number
        names = ", ".join(titles[:number]) + (f" and {rest} more" if rest else "")
        if cell_width(mark + names) < rows.width:
            break
    rows.add(((mark, "ok"), (names, "muted")), f"gate:{passed[0].id}")


def _gate(rows: Rows, gate: GateView, titles: int, most: int) -> None:
    """A gate; one that does not pass says why in up to `most` lines."""
    role, glyphs = VERDICT_ROLE[gate.verdict], rows.glyphs
    passed = gate.verdict is Verdict.PASS
    left: Line = (
        (f" {fit(f'{sign(role, glyphs)} {gate.verdict.value}', 14)}  ", role),
        (f"{fit(gate.title, titles, glyphs.ellipsis)}  ", "text"),
    )
    taken = line_width(left)
    pieces = wrap(gate.line, rows.width - taken - 1, most, glyphs.ellipsis) or [""]
    rows.add((*left, (pieces[0], "muted" if passed else "text")), f"gate:{gate.id}")
    for piece in pieces[1:]:
        rows.add(((" " * taken, "text"), (piece, "text")))

"""The Room tab: what happens now and next, what stands in the way, how each area is, who is here, what was decided.

Row keys: `tab:TAB` for an area, `gate:ID` for the next stage and what blocks it, `journal:SEQ` for an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from repz_console import events
from repz_console.facts import Person, Verdict
from repz_console.room.views import GateView, Happening, RoomView
from repz_console.tui.paint.areas import standings
from repz_console.tui.paint.base import Brush, Glyphs, Line, Sheet, Span
from repz_console.tui.paint.format import brief, count, cut, exposure_percent, fit, line_width, percent, spread, wrap
from repz_console.tui.paint.rows import Rows, longest, side, side_width
from repz_console.tui.paint.sentences import sentence
from repz_console.tui.paint.times import age, minute, moment, weekday, zone_of
from repz_console.tui.paint.words import VERDICT_ROLE, chip, journal_length, signed, stage_name

_LABEL = 9
_JOURNAL_LEAST = 3
_IDLE_MINUTES = 5
_ROUTINE = (events.ChangeSent, events.CollectorTaken, events.ConsoleOpened, events.ConsoleClosed)
"""What the Journal tab shows and this one leaves out while there is anything else: nobody decided it."""


def paint(view: RoomView, brush: Brush) -> Sheet:
    """The whole room. From 120 columns the journal stands at the right."""
    width, height = brush.size
    aside = side_width(brush.size)
    left = width - aside
    roomy = height >= 24
    rows = Rows(left, brush.glyphs)
    rows.lines.append(_header(view, brush))
    rows.keys.append("")
    _now_and_next(rows, view, brush, 3 if roomy else 2, 3 if roomy else 1)
    rows.blank()
    _stage(rows, view, brush, 6 if roomy else 2)
    rows.blank()
    for standing in standings(view, brush.glyphs):
        said = brief(standing.text, left - 1 - _LABEL - 2)
        text: Line = (_label(standing.label), signed(standing.role, said, brush.glyphs))
        right: Line = ((standing.aside, "muted"),)
        fits = line_width(text) + line_width(right) + 3 < left
        rows.add(spread(text, right, left - 1, brush.glyphs.ellipsis) if fits else text, _tab_key(standing.tab))
    rows.blank()
    _people(rows, view, brush)
    if aside:
        lines = side(_journal_side(view, aside - 3, height - 1, brush.glyphs), aside, height - 1, brush.glyphs)
        return rows.sheet(1, lines, aside)
    if height - len(rows.lines) > _JOURNAL_LEAST:
        rows.blank()
    for line, key in _journal(view, brush, max(_JOURNAL_LEAST, height - len(rows.lines))):
        rows.add(line, key)
    return rows.sheet(1)


def _tab_key(tab: str) -> str:
    return f"tab:{tab}" if tab else ""


def _label(text: str) -> Span:
    return (f" {fit(text, _LABEL)}", "title")


def _header(view: RoomView, brush: Brush) -> Line:
    zone = zone_of(view.clock.zone)
    worst = view.sources.worst
    local = view.clock.now.astimezone(zone)
    left: list[Span] = [
        (f" {view.launch.title}", "strong"),
        (f"  {weekday(local.date())}", "text"),
        (f" {local:%Z}", "muted"),
    ]
    if view.clock.phase:
        left.append((f"  {view.clock.phase}", "text"))
    right = chip(worst, {source.id for source in view.sources.sources}, view, brush.glyphs)
    findings = f"  {count(len(view.findings), 'finding')} (F)"
    if view.findings and line_width(left) + len(findings) + line_width(right) < brush.size.width:
        left.append((findings, "muted"))
    return spread(left, right, brush.size.width, brush.glyphs.ellipsis)


def _now_and_next(rows: Rows, view: RoomView, brush: Brush, most_now: int, most_next: int) -> None:
    clock = view.clock
    if clock.hold is not None:
        since = moment(clock.hold.at, clock.now, zone_of(clock.zone))
        because = f": {clock.hold.reason}" if clock.hold.reason else ""
        held = f"HOLD by {clock.hold.who} since {since}{because}"
        rows.add((_label("NOW"), (f"{brush.glyphs.warn} {held}", "warn")))
        most_now -= 1
    elif clock.past:
        rows.add((_label("NOW"), (f"{brush.glyphs.warn} the plan is over", "warn")))
        most_now -= 1
    elif not clock.current:
        rows.add((_label("NOW"), ("nothing is planned for this moment", "muted")))
    for number, happening in enumerate(clock.current[: max(0, most_now)]):
        first = number == 0 and clock.hold is None and not clock.past
        _happening(rows, view, brush, "NOW" if first else "", happening, until=True)
    if not clock.upcoming:
        rows.add((_label("NEXT"), ("nothing more is planned", "muted")))
    for number, happening in enumerate(clock.upcoming[:most_next]):
        _happening(rows, view, brush, "" if number else "NEXT", happening, until=False)


def _happening(rows: Rows, view: RoomView, brush: Brush, label: str, what: Happening, until: bool) -> None:
    zone, now = zone_of(view.clock.zone), view.clock.now
    at = what.until if until else what.at
    if at is None:
        when = ""
    elif at.astimezone(zone).date() == now.astimezone(zone).date():
        when = minute(at, zone)
    else:
        when = f"{weekday(at.astimezone(zone).date())} {minute(at, zone)}"
    role = "strong" if what.kind in ("stage", "launch") else "text"
    left: Line = (_label(label), (what.title, role))
    said = f"until {when}" if until and when else when
    rows.add(spread(left, ((said, "muted"),), rows.width - 1, brush.glyphs.ellipsis))


def _stage(rows: Rows, view: RoomView, brush: Brush, most: int) -> None:
    glyphs = brush.glyphs
    if not view.rollout.rollouts:
        rows.add((_label("STAGE"), ("no rollout is planned", "muted")))
        return
    rollout = view.rollout.rollouts[0]
    configured = rollout.configured.exposure
    line: list[Span] = [_label("STAGE")]
    if configured is None:
        line.append(("exposure unknown", "bad"))
    else:
        line += [(f"{stage_name(rollout.current)} ", "text"), (exposure_percent(configured), "accent")]
    if rollout.next is None:
        rows.add((*line, (f" {glyphs.dot} no stage is left", "muted")), "gate:stage")
        return
    zone = zone_of(view.clock.zone)
    on = rollout.next.at.astimezone(zone)
    due = f"{weekday(on.date())} {minute(on, zone)}" if rollout.next.timed else weekday(on.date())
    line += [
        (f" {glyphs.arrow} ", "muted"),
        (f"{stage_name(rollout.next)} ", "strong"),
        (percent(rollout.next.percent), "strong"),
        (f", planned {due}", "muted"),
    ]
    verdict: Line = (signed(VERDICT_ROLE[rollout.verdict], rollout.verdict.value, glyphs),)
    rows.add(spread(line, verdict, rows.width - 1, glyphs.ellipsis), "gate:stage")
    blockers = blocking(rollout.gates)
    if not blockers and view.rollout.blocker:
        rows.add((_label(""), signed("bad", view.rollout.blocker, glyphs)), "gate:other")
    shown = blockers if len(blockers) <= most else blockers[: most - 1]
    spare = most - len(blockers)
    for gate in shown:
        role = VERDICT_ROLE[gate.verdict]
        pieces = wrap(gate.line, rows.width - _LABEL - 4, 1 + max(0, spare), glyphs.ellipsis) or [gate.title]
        spare -= len(pieces) - 1
        rows.add((_label(""), signed(role, pieces[0], glyphs)), f"gate:{gate.id}")
        for piece in pieces[1:]:
            rows.add((_label(""), (f"  {piece}", role)))
    if len(shown) < len(blockers):
        more = ", ".join(gate.title for gate in blockers[len(shown) :])
        rows.add((_label(""), (f"{glyphs.dot} and {len(blockers) - len(shown)} more: {more}", "warn")), "gate:more")


def blocking(gates: tuple[GateView, ...]) -> list[GateView]:
    """The gates that stand in the way, what fails before what is inconclusive."""
    closed = [gate for gate in gates if not gate.lets_pass]
    return [gate for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for gate in closed if gate.verdict is verdict]


def _people(rows: Rows, view: RoomView, brush: Brush) -> None:
    control, zone, now = view.control, zone_of(view.clock.zone), view.clock.now
    if control.state == "FREE":
        line: list[Span] = [_label("CONN"), (f"{brush.glyphs.off} FREE", "text")]
        hints = ["c takes it"] if control.may_take else []
        line.append(("".join(f", {hint}" for hint in (*hints, control.why_not) if hint), "muted"))
    elif control.state == "UNKNOWN":
        line = [_label("CONN"), (f"{brush.glyphs.warn} UNKNOWN", "warn"), (", the journal cannot be read", "muted")]
    else:
        who = f"YOU ({control.holder})" if control.mine else control.holder
        line = [_label("CONN"), (f"{brush.glyphs.cursor} {who}", "accent" if control.mine else "strong")]
        seat = f", {control.seat}" if control.seat else ""
        since = f" since {moment(control.since, now, zone)}" if control.since else ""
        line.append((f"{seat}{since}", "muted"))
    rows.add(line)
    people = [_person(person, now) for person in control.people]
    rows.add((_label("HERE"), (", ".join(people) or "nobody else is known", "text")))


def _person(person: Person, now: datetime) -> str:
    where = [person.tab] if person.tab else []
    if person.typed_at is not None and now - person.typed_at >= timedelta(minutes=_IDLE_MINUTES):
        where.append(f"idle {age(now - person.typed_at)}")
    return f"{person.user} ({', '.join(where)})" if where else person.user


def _told(view: RoomView) -> Sequence[events.Entry]:
    """The newest entries that somebody decided; the routine ones where there is nothing else."""
    decided = [entry for entry in view.journal.latest if not isinstance(entry.event, _ROUTINE)]
    return decided or view.journal.latest


def _journal(view: RoomView, brush: Brush, most: int) -> list[tuple[Line, str]]:
    zone, glyphs = zone_of(view.clock.zone), brush.glyphs
    latest = _told(view)[:most]
    if not latest:
        empty = journal_length(view.journal) if view.journal.damage else "empty"
        return [((_label("JOURNAL"), (empty, "muted")), "")]
    names = longest((entry.actor.user for entry in latest), 10)
    whens = [moment(entry.at, view.clock.now, zone) for entry in latest]
    column = longest(whens, 12)
    found: list[tuple[Line, str]] = []
    for number, (entry, when) in enumerate(zip(latest, whens, strict=True)):
        line: Line = (
            _label("" if number else "JOURNAL"),
            (f"{fit(when, column)} ", "muted"),
            (f"{fit(entry.actor.user, names, glyphs.ellipsis)} ", "text"),
            (sentence(entry.event), "text"),
        )
        found.append((line, f"journal:{entry.seq}"))
    return found


def _journal_side(view: RoomView, room: int, most: int, glyphs: Glyphs) -> list[Line]:
    zone = zone_of(view.clock.zone)
    lines: list[Line] = [(("JOURNAL", "title"), (f"  {journal_length(view.journal)}", "muted"))]
    for entry in _told(view):
        if len(lines) >= most:
            break
        when = moment(entry.at, view.clock.now, zone)
        lines.append(((f"{when} ", "muted"), (cut(entry.actor.user, 12, glyphs.ellipsis), "strong")))
        pieces = wrap(sentence(entry.event), room - 2, 2, glyphs.ellipsis)
        lines += [((f"  {piece}", "text"),) for piece in pieces]
    return lines

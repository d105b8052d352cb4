"""What stands in the way of the next stage: gates, who must still say go, what waits to be approved."""

from __future__ import annotations

from repz_console.facts import Verdict
from repz_console.room.views import ApprovalView, GateView, PollView, RolloutView, RoomView, StationView
from repz_console.tui.paint.base import Brush, Glyphs, Line, Span
from repz_console.tui.paint.format import cell_width, count, fit, line_width, wrap
from repz_console.tui.paint.room import blocking
from repz_console.tui.paint.rows import Rows, longest
from repz_console.tui.paint.times import moment, zone_of
from repz_console.tui.paint.words import VERDICT_ROLE, sign, signed


def gates(rows: Rows, rollout: RolloutView, most: int) -> None:
    """What does not pass with its reasons, in about `most` lines; what passes by name."""
    glyphs = rows.glyphs
    if rollout.next is None:
        rows.add(((" Gates", "title"), ("  no stage is left to enter", "muted")))
        return
    blockers = blocking(rollout.gates)
    excused = [gate for gate in rollout.gates if gate.excused]
    passed = [gate for gate in rollout.gates if gate not in blockers and gate not in excused]
    role = VERDICT_ROLE[rollout.verdict]
    note = f"{len(rollout.gates) - len(blockers)} of {count(len(rollout.gates), 'gate')} let it pass"
    rows.add(
        (
            (f" Gates for {rollout.next.title}  ", "title"),
            signed(role, rollout.verdict.value, glyphs),
            (f"  {note if rollout.gates else 'no gate applies'}", "muted"),
        )
    )
    titles = longest((gate.title for gate in rollout.gates), 20)
    # Shorter reasons rather than a gate that nobody sees.
    for lines in (3, 2, 1):
        own = Rows(rows.width, glyphs)
        for gate in (*blockers, *excused):
            gate_row(own, gate, titles, lines)
        if len(own.lines) <= most:
            break
    for line, key in zip(own.lines, own.keys, strict=True):
        rows.add(line, key)
    if passed:
        _passing(rows, passed)


def passing(rows: Rows, rollout: RolloutView) -> None:
    """A line for each gate that passes, further down, so that each can be opened."""
    passed = [gate for gate in rollout.gates if gate.verdict is Verdict.PASS]
    if rollout.next is None or not passed:
        return
    rows.title("Gates that pass")
    titles = longest((gate.title for gate in passed), 24)
    for gate in passed:
        gate_row(rows, gate, titles, 1)


def _passing(rows: Rows, passed: list[GateView]) -> None:
    """Gates that pass, by name only."""
    mark = f" {fit(f'{rows.glyphs.ok} {Verdict.PASS.value}', 14)}  "
    titles = [gate.title for gate in passed]
    for number in range(len(titles), 0, -1):
        rest = len(titles) - number
        names = ", ".join(titles[:number]) + (f" and {rest} more" if rest else "")
        if cell_width(mark + names) < rows.width:
            break
    rows.add(((mark, "ok"), (names, "muted")))


def answer(gate: GateView) -> tuple[str, str]:
    """A gate's answer in a word, and its role: an excuse does not make it pass."""
    if gate.overridden:
        return "OVERRIDDEN", "bad"
    if gate.excused and gate.verdict is not Verdict.PASS:
        return "WAIVED", "warn"
    return gate.verdict.value, VERDICT_ROLE[gate.verdict]


def gate_row(rows: Rows, gate: GateView, titles: int, most: int) -> None:
    """A gate; one that does not pass says why in up to `most` lines."""
    word, role = answer(gate)
    glyphs, passed = rows.glyphs, gate.verdict is Verdict.PASS
    left: Line = (
        (f" {fit(f'{sign(role, glyphs)} {word}', 14)}  ", role),
        (f"{fit(gate.title, titles, glyphs.ellipsis)}  ", "text"),
    )
    taken = line_width(left)
    line = gate.line.removeprefix(f"{gate.title}: ")
    told = line if passed or not gate.excused else f"{gate.excused}. {line}"
    pieces = wrap(told, rows.width - taken - 1, most, glyphs.ellipsis) or [""]
    rows.add((*left, (pieces[0], "muted" if passed else "text")), f"gate:{gate.id}")
    for piece in pieces[1:]:
        rows.add(((" " * taken, "text"), (piece, "text")))


def short(station: StationView, glyphs: Glyphs) -> Span:
    """A station's answer in a few words."""
    if station.stands:
        return f"{glyphs.done} {station.title}", "ok"
    if station.stale:
        return f"{glyphs.warn} {station.title} STALE", "warn"
    if station.answer == "NO-GO":
        return f"{glyphs.bad} {station.title} NO-GO", "bad"
    if station.answer == "GO-IF":
        return f"{glyphs.warn} {station.title} GO-IF", "warn"
    if station.turn:
        return f"{glyphs.arrow} {station.title} {'YOU' if station.mine else 'silent'}", "strong"
    return f"{glyphs.open} {station.title} silent", "muted"


def said(station: StationView) -> str:
    """Who said what and when, where the station's title stands beside it."""
    return station.line.removeprefix(f"{station.title}: ")


def poll(rows: Rows, view: RoomView, rollout: RolloutView) -> None:
    """Who said go and who must still, in a line or a few."""
    asked = rollout.poll
    if asked is None:
        return
    glyphs = rows.glyphs
    armed = ""
    if asked.armed_until is not None:
        armed = f"ARMED until {moment(asked.armed_until, view.clock.now, zone_of(view.clock.zone))}"
    role = {"GO": "ok", "NO-GO": "bad", "open": "warn", "not called": "muted"}[asked.verdict]
    word = asked.verdict.upper() if asked.verdict in ("open", "not called") else asked.verdict
    title: list[Span] = [(f" {asked.title}  ", "title"), signed(role, word, glyphs)]
    title.append(
        (
            f"  {armed}" if armed else f"  {asked.line.removeprefix(asked.verdict).removeprefix(':').lstrip()}",
            "strong" if armed else "muted",
        )
    )
    rows.add(title, f"poll:{asked.id}")
    line: list[Span] = [(" ", "text")]
    for station in asked.stations:
        word, word_role = short(station, glyphs)
        if line_width(line) + cell_width(word) + 2 >= rows.width and len(line) > 1:
            rows.add(line)
            line = [(" ", "text")]
        line.append((f" {word} ", word_role))
    if len(line) > 1:
        rows.add(line)


def stations(rows: Rows, rollout: RolloutView) -> None:
    """A line for each station, in the order in which they are asked."""
    asked = rollout.poll
    if asked is None or not asked.stations:
        return
    rows.title("Stations", "Enter answers for yours")
    titles = longest((station.title for station in asked.stations), 20)
    glyphs = rows.glyphs
    for station in asked.stations:
        word, role = short(station, glyphs)
        mark = word[: word.index(" ")]
        line: list[Span] = [(f" {fit(mark, 2)} ", role), (fit(station.title, titles, glyphs.ellipsis), "text")]
        line.append((f"  {'STALE: ' + station.stale if station.stale else said(station)}", role))
        if station.mine:
            line.append(("  (yours)", "accent"))
        rows.add(line, station_key(station))


def station_key(station: StationView) -> str:
    """A seat may be asked in each round."""
    return f"station:{station.round}/{station.seat}"


def station_of(asked: PollView | None, identity: str) -> StationView | None:
    """The station of a row key, without its kind."""
    stations = asked.stations if asked is not None else ()
    return next((one for one in stations if station_key(one) == f"station:{identity}"), None)


def consents(rows: Rows, view: RoomView, rollout: RolloutView, brush: Brush) -> None:
    """What waits for another person: an approval, waivers."""
    glyphs = brush.glyphs
    if rollout.approval is not None:
        told, role = _approval(rollout.approval, view)
        rows.text(f"{sign(role, glyphs)} {told}", role, f"approval:{rollout.approval.ask}")
    for waiver in rollout.waivers:
        if not waiver.second:
            how = "Enter agrees" if not waiver.may_second else waiver.may_second
            title = next((gate.title for gate in rollout.gates if gate.id == waiver.gate), waiver.gate)
            told = f"WAIVER of {title} asked by {waiver.who}: {waiver.reason} ({how})"
            rows.text(f"{glyphs.warn} {told}", "warn", f"waiver:{waiver.waiver}")


def _approval(asked: ApprovalView, view: RoomView) -> tuple[str, str]:
    if asked.void:
        return f"APPROVAL void: {asked.void}", "bad"
    until = f" until {moment(asked.until, view.clock.now, zone_of(view.clock.zone))}" if asked.until else ""
    what = f"for {asked.stage or 'a target off the plan'}, asked by {asked.who}"
    if len(asked.given) >= asked.needed:
        return f"APPROVED by {', '.join(asked.given)} {what}{until}", "ok"
    how = "Enter approves" if not asked.may_give else asked.may_give
    return f"APPROVAL {len(asked.given)} of {asked.needed} {what}{until} ({how})", "warn"

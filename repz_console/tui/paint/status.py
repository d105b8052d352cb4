"""The lines that frame every pane: status, tabs, keys, banner; and the whole of a screen too small for a pane."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from repz_console.actions import TABS, Action, keys_of
from repz_console.facts import Freshness
from repz_console.room.views import RoomView
from repz_console.tui.paint.base import BLOCKS, Glyphs, Line, Size, Span
from repz_console.tui.paint.format import (
    brief,
    cell_width,
    clip,
    count,
    cut,
    exposure_percent,
    line_width,
    money,
    money_short,
    pad,
    spread,
    wrap,
)
from repz_console.tui.paint.status_rollouts import SPARE, Part, alarms, kill, stage
from repz_console.tui.paint.times import countdown, moment, zone_of
from repz_console.tui.paint.words import FRESHNESS_ROLE, TRUSTED, health_role, open_bugs, sign

SMALLEST = Size(60, 15)
"""Below this there is no pane: only what is exposed, and the way back."""

_KEY_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "slash": "/",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "backspace": "Bksp",
    "delete": "Del",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


_REASON = 24
"""Columns of a reason for which the tabs' titles are shortened."""
_NO_JOURNAL = "NO JOURNAL"
_SHORTEST_REASON = 12
"""Columns below which a reason says nothing."""


def status_line(view: RoomView, width: int, glyphs: Glyphs = BLOCKS, now: datetime | None = None) -> Line:
    """The answers that are on every tab: where, when, how far, how well, what is broken, what is left, who steers.

    Each part starts in its shortest wording; the parts that matter most grow first while there is room. `now` moves
    the clock between two views.
    """
    rollout = view.rollout.rollouts[0] if view.rollout.rollouts else None
    parts = [
        _place(view),
        _clock(view, now or view.clock.now),
        stage(rollout, glyphs),
        *alarms(view, glyphs),
        _health(view, glyphs),
        _bugs(view, glyphs),
        _budget(view, glyphs),
        _conn(view, glyphs),
        _freshness(view, glyphs),
    ]
    parts = [part for part in parts if part.forms]
    levels = _choose(parts, width, 1)

    def keeps(others: Mapping[int, int]) -> bool:
        return all(index in others and others[index] >= min(levels[index], parts[index].wanted) for index in levels)

    ready = kill(view, glyphs)
    more = _choose([*parts, ready], width, 1) if ready.forms else {}
    if len(parts) in more and (keeps(more) or ready.keep < SPARE):
        parts, levels = [*parts, ready], more
    gap: Line = ((" ", "text"),)
    levels = _choose(parts, width, 1)
    for wider in (f" {glyphs.now} ", "  "):
        roomy = _choose(parts, width, len(wider))
        if keeps(roomy):
            gap, levels = ((wider, "muted"),), roomy
            break
    line: list[Span] = []
    for index in sorted(levels):
        line.extend(gap if line else ())
        # What separates the answers is ours alone: no name and no title can add an answer.
        line.extend((text.replace(glyphs.now, "/"), role) for text, role in parts[index].forms[levels[index]])
    return pad(line, width, glyphs.ellipsis)


def _choose(parts: Sequence[Part], width: int, gap: int) -> dict[int, int]:
    """The parts that fit, by index, each with the wording that it gets."""
    levels: dict[int, int] = {}
    widths = [[line_width(form) + gap for form in part.forms] for part in parts]

    def fits() -> bool:
        return sum(widths[index][level] for index, level in levels.items()) - gap <= width

    def grow(index: int, most: int) -> None:
        before = levels[index]
        for level in range(most, before, -1):
            levels[index] = level
            if fits():
                return
        levels[index] = before

    for index in sorted(range(len(parts)), key=lambda index: parts[index].keep):
        levels[index] = 0
        if len(levels) > 1 and not fits():
            del levels[index]
    for index in levels:
        grow(index, parts[index].wanted)
    for index in sorted(levels, key=lambda index: parts[index].grow):
        grow(index, len(parts[index].forms) - 1)
    return levels


def _place(view: RoomView) -> Part:
    environment: Line = ((cut(view.launch.environment, 16), "strong"),)
    if not view.launch.backend:
        return Part(0, 6, (environment,))
    kind = cut(view.launch.backend.split()[0], 12)
    backends = dict.fromkeys((f"/{kind}", f" on {kind}", f" on {cut(view.launch.backend, 24)}"))
    return Part(0, 6, tuple((*environment, (backend, "muted")) for backend in backends))


def _clock(view: RoomView, now: datetime) -> Part:
    held: Line = (("HOLD", "warn.reverse"), (" ", "text")) if view.clock.hold else ()
    texts = dict.fromkeys(countdown(now, view.clock.t0, detail) for detail in (0, 1, 2))
    return Part(1, 1, tuple((*held, (text, "strong")) for text in texts))


def _health(view: RoomView, glyphs: Glyphs) -> Part:
    health, role = view.health, health_role(view.health)
    mark = sign(role, glyphs)
    words = [f"{health.missed} missed"] * bool(health.missed) + [f"{health.blind} blind"] * bool(health.blind)
    words = words or ([f"all {health.met} met"] if health.met else ["nothing to judge"])
    short = str(health.missed or health.blind or ("ok" if role == "ok" else "none"))
    texts = [("SLI ", f"{mark}{short}"), ("SLI ", f"{mark} {words[0]}"), ("health ", f"{mark} {', '.join(words)}")]
    return Part(4, 5, tuple(((label, "muted"), (text, role)) for label, text in texts))


def _bugs(view: RoomView, glyphs: Glyphs) -> Part:
    if view.bugs.freshness is Freshness.OFF:
        return Part(3, 8, ((("bugs OFF", "warn"),), ((f"bugs {glyphs.off} OFF: no source", "warn"),)))
    doubt = "" if view.bugs.freshness in TRUSTED else "?"
    spans: list[Span] = []
    for priority in ("P0", "P1"):
        number = open_bugs(view, priority)
        role = "text" if not number else "bad" if priority == "P0" else "warn"
        spans += [(f"{' ' if spans else ''}{priority}:", "muted"), (f"{number}{doubt}", role)]
    return Part(3, 8, (tuple(spans), (*spans, (" open", "muted"))))


def _budget(view: RoomView, glyphs: Glyphs) -> Part:
    budget = view.budget
    if budget is None:
        return Part(7, 7, ())
    if budget.freshness is Freshness.OFF:
        return Part(7, 7, ((("budget OFF", "warn"),), ((f"budget {glyphs.off} OFF: no source", "warn"),)))
    over, role = (f"{glyphs.bad} ", "bad") if budget.left < 0 else ("", "text")
    doubt = "" if budget.freshness in TRUSTED else "?"
    texts = dict.fromkeys(make(budget.left, budget.currency) + doubt for make in (money_short, money))
    forms: list[Line] = [((over + text, role), (" left", "muted")) for text in texts]
    return Part(7, 7, (*forms, (*forms[-1], (f" of {money(budget.total, budget.currency)}", "muted"))))


def _conn(view: RoomView, glyphs: Glyphs) -> Part:
    control, label = view.control, ("conn ", "muted")
    if control.state == "FREE":
        return Part(6, 4, ((label, ("FREE", "text")),))
    if control.state == "UNKNOWN":
        return Part(6, 4, ((label, ("?", "warn")), (label, ("UNKNOWN", "warn"))))
    name = control.holder.split("@")[0]
    if control.mine:
        return Part(6, 4, ((label, ("YOU", "accent")), (label, (f"YOU ({cut(name, 16)})", "accent"))))
    if name.upper() in ("FREE", "YOU"):
        name = f"@{name}"
    texts = dict.fromkeys((cut(name, 6, glyphs.ellipsis), cut(control.holder, 24, glyphs.ellipsis)))
    return Part(6, 4, tuple((label, (text, "text")) for text in texts))


def _freshness(view: RoomView, glyphs: Glyphs) -> Part:
    worst = view.sources.worst
    role = FRESHNESS_ROLE[worst]
    troubled = [source for source in view.sources.sources if source.freshness is worst]
    forms: list[Line] = [((worst.value, role),), ((f"{sign(role, glyphs)} {worst.value}", role),)]
    if worst not in (Freshness.LIVE, Freshness.OFF) and troubled:
        name = troubled[0].id if len(troubled) == 1 else f"{len(troubled)} sources"
        forms.append(((f"{sign(role, glyphs)} {worst.value}: {cut(name, 16, glyphs.ellipsis)}", role),))
    return Part(5, 3, tuple(forms))


def tab_line(active: str, width: int, blocker: str = "", glyphs: Glyphs = BLOCKS) -> Line:
    """The tabs with their number keys, the active one in brackets; at the end `blocker`, what is in the way of the next
    step. The other tabs' titles are shortened to make room for it.
    """
    said: Line = ((f"{glyphs.bad} {blocker}", "bad"),) if blocker else ()
    wanted = min(line_width(said) + 1, _REASON) if said else 0
    tabs = _tabs(active, 12)
    if line_width(tabs) + wanted > width:
        tabs = _tabs(active, 4)
    if line_width(tabs) > width:
        tabs = _tabs(active, 0)
    room = width - line_width(tabs) - 1
    if not said or room < min(line_width(said), _SHORTEST_REASON):
        return pad(tabs, width)
    return spread(tabs, clip(said, room, glyphs.ellipsis), width)


def _tabs(active: str, length: int) -> Line:
    """Titles cut to `length` characters; the active one is whole unless there are none."""
    texts = [
        (tab == active, f"{number} {title if tab == active and length else title[:length]}".rstrip())
        for number, (tab, title) in enumerate(TABS, 1)
    ]
    return tuple((f"[{text}]", "title.reverse") if here else (f" {text} ", "muted") for here, text in texts)


def key_name(key: str) -> str:
    """A key as it is printed on the keyboard: `?` for `question_mark`."""
    if key.startswith("shift+"):
        return f"Shift+{key_name(key.removeprefix('shift+'))}"
    if key.startswith("ctrl+"):
        return f"Ctrl+{key_name(key.removeprefix('ctrl+'))}"
    return _KEY_NAMES.get(key, key)


def key_line(
    actions: Sequence[Action],
    width: int,
    disabled: Collection[str] = (),
    keymap: Mapping[str, tuple[str, ...]] | None = None,
) -> Line:
    """The keys of what can be done here, the way back always last and always whole.

    What has less room is left out from the end. An action named in `disabled` stays, in parentheses.
    """
    way_back = next((action for action in actions if action.id == "way.back"), None)
    right = _key(way_back, keymap or {}, False) if way_back else ()
    rest = [action for action in actions if action.shown and action is not way_back]
    # Help first: it lists what has no room here. Then what only this tab can do.
    rest.sort(key=lambda action: (action.id != "help", not action.tabs))
    shown: dict[str, Line] = {}
    room = width - line_width(right) - 2
    for action in rest:
        spans = _key(action, keymap or {}, action.id in disabled)
        if line_width(spans) + 2 <= room:
            shown[action.id] = spans
            room -= line_width(spans) + 2
    left: list[Span] = []
    for action in actions:
        if action.id in shown and (action.tabs or action.id == "help"):
            left += [("  " if left else " ", "text"), *shown.pop(action.id)]
    for spans in shown.values():
        left += [("  " if left else " ", "text"), *spans]
    return spread(left, right, width) if right else pad(left, width)


def message_line(
    message: Span, actions: Sequence[Action], width: int, keymap: Mapping[str, tuple[str, ...]], glyphs: Glyphs = BLOCKS
) -> Line:
    """A message in place of the keys, with the way back still at the end. Paths in it give way to what it says."""
    text, role = message
    way_back = next((action for action in actions if action.id == "way.back"), None)
    right = _key(way_back, keymap, False) if way_back else ()
    said: Line = ((f" {brief(text, width - line_width(right) - 3)}", role),)
    return spread(said, right, width, glyphs.ellipsis) if right else pad(said, width, glyphs.ellipsis)


def _key(action: Action, keymap: Mapping[str, tuple[str, ...]], disabled: bool) -> Line:
    keys = keys_of(action, keymap)
    key = key_name(keys[0]) if keys else "-"
    if disabled:
        return ((f"({key} {action.label})", "muted"),)
    dangerous = action.id == "way.back"
    return ((key, "bad.reverse" if dangerous else "accent"), (f" {action.label}", "bad" if dangerous else "text"))


def banner(view: RoomView, width: int, glyphs: Glyphs = BLOCKS) -> list[Line]:
    """What is above the pane only while something is wrong with the console's own footing: at most two lines."""
    footing = _footing(view)
    if footing:
        why = view.journal.damage if footing == _NO_JOURNAL else view.journal.writable
        pieces = _in_two_lines(footing, why.rstrip("."), width - 3, glyphs)
        return [
            pad([(sign + piece, "bad")], width) for sign, piece in zip((f" {glyphs.bad} ", "   "), pieces, strict=False)
        ]
    if view.launch.differs:
        text, role = f"{glyphs.warn} This console's plan differs: {view.launch.differs}", "warn"
    elif view.clock.past:
        ended = moment(view.clock.ends, view.clock.now, zone_of(view.clock.zone))
        how = "R moves it" if view.control.mine else "c takes the conn, R then moves it"
        text, role = f"{glyphs.warn} This plan is past (it ended {ended}): {how}.", "warn"
    else:
        return []
    return [pad(clip([(f" {text}", role)], width, glyphs.ellipsis), width, glyphs.ellipsis)]


def _in_two_lines(footing: str, why: str, width: int, glyphs: Glyphs) -> list[str]:
    """The cause first, and shortened from its end until the way back behind it is whole."""
    short = brief(why, 0)
    shorter = (cut(short, length, glyphs.ellipsis) for length in range(cell_width(short), 0, -1))
    pieces: list[str] = []
    for cause in (why, *shorter):
        pieces = wrap(f"{footing}: {cause}. Hold, roll back and kill work (!).", width, 3, glyphs.ellipsis)
        if len(pieces) <= 2:
            break
    return pieces[:2]


def _footing(view: RoomView) -> str:
    """What the journal lacks, in two words; empty if nothing."""
    if view.journal.damage and not view.journal.length:
        return _NO_JOURNAL
    return "READ-ONLY" if view.journal.writable else ""


def small(view: RoomView, size: Size, glyphs: Glyphs = BLOCKS, now: datetime | None = None) -> list[Line]:
    """A screen too small for a pane: what is exposed, the way back, then as much else as there are rows for."""
    now = now or view.clock.now
    exposed: list[Line] = []
    for rollout in view.rollout.rollouts:
        share = exposure_percent(rollout.configured.exposure)
        exposed.append(((f"{share} ", "accent"), (f"of {rollout.cohort}", "text")))
    smallest = f"{SMALLEST.width}x{SMALLEST.height}"
    need = f"{size.width}x{size.height}: widening and editing need {smallest}"
    if cell_width(need) > size.width:
        need = f"{size.width}x{size.height}, needs {smallest}"
    footing = _footing(view)
    hold: Line = (("HOLD ", "warn.reverse"),) if view.clock.hold else ()
    lines: list[Line] = [
        ((view.launch.environment, "strong"), (f" {view.launch.backend}", "muted")),
        *exposed[:1],
        (*hold, ("!", "bad.reverse"), (" WAY BACK", "bad")),
        *([((f"{glyphs.bad} {footing}", "bad.reverse"),)] if footing else []),
        *(part.forms[-1] for part in alarms(view, glyphs) if part.forms and part.keep == 1),
        ((countdown(now, view.clock.t0, 1), "strong"),),
        ((need, "warn"),),
        *exposed[1:],
        _bugs(view, glyphs).forms[0],
        _health(view, glyphs).forms[0],
        _conn(view, glyphs).forms[0],
    ]
    if not exposed:
        lines.insert(1, ((count(0, "rollout"), "muted"),))
    return [pad(line, size.width, glyphs.ellipsis) for line in lines[: size.height]]

"""The one registry of what an operator can do: keys, help, palette and the refusal of dangerous remaps come from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from repz_console.plan.wrong import nearest


class Effect(StrEnum):
    """What an action may change."""

    READ = "read"
    WRITE = "write"
    WIDEN = "widen"
    SHRINK = "shrink"


class Action(Struct, frozen=True):
    """One thing an operator can do."""

    id: str
    """`area.verb`; what a user's keymap names."""
    keys: tuple[str, ...]
    """In Textual's names; the first is shown."""
    label: str
    """Two words at most, for the key line."""
    help: str
    """One line for the help page and the palette."""
    effect: Effect = Effect.READ
    tabs: tuple[str, ...] = ()
    """Tabs where it works; empty means everywhere."""
    shown: bool = True
    """Whether the key line shows it."""


TABS: tuple[tuple[str, str], ...] = (
    ("room", "Room"),
    ("timeline", "Timeline"),
    ("rollout", "Rollout"),
    ("health", "Health"),
    ("bugs", "Bugs"),
    ("budget", "Budget"),
    ("journal", "Journal"),
)
"""(id, title) in order; the number keys 1 to 7 open them."""

_READ, _WRITE, _WIDEN, _SHRINK = Effect.READ, Effect.WRITE, Effect.WIDEN, Effect.SHRINK

ACTIONS: tuple[Action, ...] = (
    *(
        Action(f"tab.{tab}", (str(number),), title, f"Open the {title} tab", shown=False)
        for number, (tab, title) in enumerate(TABS, 1)
    ),
    Action("tab.next", ("tab",), "Next tab", "Go to the next tab", shown=False),
    Action("tab.previous", ("shift+tab",), "Previous tab", "Go to the previous tab", shown=False),
    Action("help", ("question_mark",), "Help", "List every key"),
    Action("palette", ("colon", "ctrl+p"), "Commands", "Find a command by its name"),
    Action("quit", ("q", "ctrl+c"), "Quit", "Leave the console; asks first while you have the conn"),
    Action("theme", ("T",), "Theme", "Choose the colours, with a live preview", shown=False),
    Action("mouse", ("M",), "Mouse", "Switch the mouse on or off", shown=False),
    Action("repaint", ("ctrl+l",), "Repaint", "Draw the whole screen again", shown=False),
    Action("note", ("N",), "Note", "Write a remark into the journal", _WRITE, shown=False),
    Action("conn", ("c",), "Conn", "Take the conn, or give it up", _WRITE, shown=False),
    Action("rebase", ("R",), "Rebase", "Move every date of the plan to a new full launch", _WRITE, shown=False),
    Action("findings", ("F",), "Findings", "Show what contradicts itself in the plan", shown=False),
    Action(
        "adopt",
        ("P",),
        "Adopt plan",
        "Make this console's config the plan everyone shares",
        _WRITE,
        shown=False,
    ),
    Action(
        "filter",
        ("slash",),
        "Filter",
        "Show only rows with these words",
        tabs=("bugs", "budget", "journal", "health"),
    ),
    Action("clear", ("escape",), "Clear", "Clear the filter or close what is open", shown=False),
    Action(
        "open",
        ("enter",),
        "Open",
        "Open the row",
        tabs=("timeline", "health", "bugs", "budget", "journal", "room"),
    ),
    Action("up", ("up", "k"), "Up", "Move up", shown=False),
    Action("down", ("down", "j"), "Down", "Move down", shown=False),
    Action("page.up", ("pageup",), "Page up", "Move a page up", shown=False),
    Action("page.down", ("pagedown",), "Page down", "Move a page down", shown=False),
    Action("top", ("home", "g"), "Top", "Go to the first row", shown=False),
    Action("bottom", ("end", "G"), "Bottom", "Go to the last row", shown=False),
    Action("timeline.fold", ("f",), "Fold", "Fold or unfold a section", tabs=("timeline",)),
    Action(
        "timeline.in",
        ("plus", "equals_sign"),
        "Zoom in",
        "Hour, day, week: one step closer",
        tabs=("timeline",),
    ),
    Action("timeline.out", ("minus",), "Zoom out", "One step further away", tabs=("timeline",)),
    Action("timeline.left", ("left",), "Earlier", "Scroll to earlier days", tabs=("timeline",), shown=False),
    Action("timeline.right", ("right",), "Later", "Scroll to later days", tabs=("timeline",), shown=False),
    Action("timeline.now", ("n",), "Now", "Bring the present into view", tabs=("timeline",)),
    Action("timeline.progress", ("p",), "Progress", "Say how far a task is", _WRITE, tabs=("timeline",)),
    Action("item.tick", ("space",), "Tick", "Tick or untick a checklist item", _WRITE, tabs=("timeline",)),
    Action("item.na", ("x",), "Not appl.", "Mark an optional item not applicable", _WRITE, tabs=("timeline",)),
    Action("rollout.less", ("left",), "Less", "Draft a smaller percent", tabs=("rollout",), shown=False),
    Action("rollout.more", ("right",), "More", "Draft a larger percent", tabs=("rollout",), shown=False),
    Action("rollout.stage", ("s",), "To stage", "Draft the next planned stage", tabs=("rollout",)),
    Action(
        "rollout.apply",
        ("enter",),
        "Compare",
        "Open the selected row, or compare the draft (the next stage without one) and apply it",
        _WIDEN,
        tabs=("rollout",),
    ),
    Action(
        "rollout.switch",
        ("space",),
        "Switch",
        "Switch the selected feature on or off in the draft",
        tabs=("rollout",),
        shown=False,
    ),
    Action("rollout.poll", ("p",), "Go/no-go", "Call the poll, answer, accept a condition", _WRITE, tabs=("rollout",)),
    Action("rollout.approve", ("a",), "Approval", "Ask for an approval, or give it", _WRITE, tabs=("rollout",)),
    Action(
        "rollout.forward",
        ("f",),
        "Forward",
        "Go on with a change that was applied in part",
        _WIDEN,
        tabs=("rollout",),
        shown=False,
    ),
    Action(
        "rollout.observe",
        ("m",),
        "Observed",
        "Enter what a backend shows that the console cannot ask",
        _WRITE,
        tabs=("rollout",),
        shown=False,
    ),
    Action(
        "rollout.line",
        ("l",),
        "The line",
        "Stop the line for every rollout, or start it again",
        _WRITE,
        tabs=("rollout",),
        shown=False,
    ),
    Action("rollout.seat", ("t",), "Take seat", "Hold a seat from now on", _WRITE, tabs=("rollout",), shown=False),
    Action(
        "rollout.card",
        ("K",),
        "Kill card",
        "Show whether a kill would work, and the commands that do it without the console",
        tabs=("rollout",),
        shown=False,
    ),
    Action("rollout.other", ("o",), "Other", "Show the other rollout", tabs=("rollout",)),
    Action("rollout.resume", ("u",), "Resume", "Lift a hold", _WIDEN, tabs=("rollout",)),
    Action("rollout.reread", ("r",), "Read back", "Read the backend again now", tabs=("rollout",)),
    Action(
        "rollout.accept",
        ("v",),
        "Accept",
        "Take what the backend shows for the outcome of unknown changes, or over from whoever changed it",
        _WIDEN,
        tabs=("rollout",),
    ),
    Action(
        "way.back",
        ("exclamation_mark",),
        "WAY BACK",
        "Hold, roll back, kill, one feature off: opens a choice by letter",
        _SHRINK,
    ),
    Action("health.connect", ("i",), "Connect", "Show how to connect a source to this metric", tabs=("health",)),
    Action("bug.file", ("n",), "New bug", "File a bug", _WRITE, tabs=("bugs",)),
    Action("bug.priority", ("p",), "Priority", "Give the bug another priority", _WRITE, tabs=("bugs",)),
    Action("bug.assign", ("a",), "Assign", "Say who has the bug", _WRITE, tabs=("bugs",)),
    Action("bug.resolve", ("x",), "Resolve", "Resolve the bug, or open it again", _WRITE, tabs=("bugs",)),
    Action("bug.sort", ("s",), "Sort", "Sort by priority, age or assignee", tabs=("bugs",)),
    Action("spend.add", ("n",), "New entry", "Enter money spent or promised", _WRITE, tabs=("budget",)),
    Action("spend.void", ("x",), "Take back", "Take a spend entry back", _WRITE, tabs=("budget",)),
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

FORBIDDEN_KEYS = frozenset(["ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+z"])
"""Eaten by terminals, multiplexers or flow control."""

UNSAFE_FOR_CHANGES = frozenset(["escape", "left_square_bracket", "O", "A", "B", "C", "D", "enter"])
"""What a split escape sequence can turn into, and what is pressed without thinking: never bound to an action that
changes something by itself."""

UNSAFE_FOR_TRAFFIC = UNSAFE_FOR_CHANGES.union(
    "0123456789cnrgbtuxyR",
    [
        "semicolon",
        "colon",
        "question_mark",
        "greater_than_sign",
        "equals_sign",
        "slash",
        "dollar_sign",
        "vertical_line",
    ],
)
"""Besides, what terminals' answers are made of: never bound by a user to what widens or shrinks."""

IN_DIALOGS = frozenset("abcdefghijklmnopqrstuvwxyz").union(
    ["tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"],
    ["backspace", "delete", "space"],
)
"""Keys that a dialog needs: the way back, which opens over every dialog, cannot have them."""

_NAMED = frozenset(
    ["escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown"]
)
_KEY = re.compile(r"((ctrl|shift)\+)*([a-zA-Z0-9]|f([1-9]|1[0-9]|2[0-4])|up|down|left|right)")
_SIGNS = {
    "/": "slash", "\\": "backslash", "@": "at", "-": "minus", "+": "plus", "_": "underscore",
}  # fmt: skip


def keys_of(action: Action, keymap: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The keys of an action under a user's keymap."""
    return keymap.get(action.id, action.keys)


def keymap_mistakes(keymap: Mapping[str, tuple[str, ...]]) -> list[str]:
    """What is wrong with a user's keymap, one plain line each. An action with a mistake keeps its own keys."""
    mistakes = [f"{name}: {wrong}" for name, keys in keymap.items() for wrong in _wrong(name, keys)]
    while True:
        mistaken = {mistake.partition(":")[0] for mistake in mistakes}
        used = {name: keys for name, keys in keymap.items() if name not in mistaken}
        # An action that keeps its own keys after all may stand in the way of another.
        clashes = [f"{name}: {wrong}" for name in used for wrong in _clashes(BY_ID[name], used)]
        if not clashes:
            return mistakes
        mistakes += clashes


def _wrong(identity: str, keys: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with an action's keys whatever the others are."""
    action = BY_ID.get(identity)
    if action is None:
        meant = nearest(identity, BY_ID)
        yield "there is no such action" + (f"; did you mean {meant}?" if meant else "")
        return
    moves_traffic = action.effect in (Effect.WIDEN, Effect.SHRINK)
    if not keys and action.effect is Effect.SHRINK:
        yield "it must have a key"
    for key in keys:
        if key in FORBIDDEN_KEYS or key.startswith("alt+"):
            yield f"{key} does not reach programs reliably; choose another key"
        elif not _is_key(key):
            named = name_of(key)
            yield f"there is no key {key!r}" + (f"; it is called {named}" if named else "")
        elif key in action.keys:
            continue
        elif action.effect is not Effect.READ and key in UNSAFE_FOR_CHANGES:
            yield f"{key} can come from a broken escape sequence or by accident; choose another key"
        elif moves_traffic and key in UNSAFE_FOR_TRAFFIC:
            yield f"{key} can come from a terminal that answers; choose another key"
        elif action.effect is Effect.SHRINK and key in IN_DIALOGS:
            yield f"{key} is needed in dialogs, and the way back opens over them; choose another key"


def _clashes(action: Action, keymap: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    keys = set(keys_of(action, keymap))
    for other in ACTIONS:
        together = not other.tabs or not action.tabs or set(other.tabs) & set(action.tabs)
        clash = sorted(keys & set(keys_of(other, keymap)))
        if other.id != action.id and together and clash:
            yield f"{clash[0]} is already {other.id}"


def _is_key(key: str) -> bool:
    plain = key.removeprefix("ctrl+").removeprefix("shift+")
    return bool(_KEY.fullmatch(key)) or plain in _NAMED or plain in _SIGN_NAMES


def name_of(sign: str) -> str:
    """How a keymap names the key of a printed sign, such as `slash` for `/`; empty if `sign` is not one."""
    if len(sign) != 1 or sign.isalnum() or not "!" <= sign <= "~":
        return ""
    return _SIGNS.get(sign) or unicodedata.name(sign).lower().replace("-", "_").replace(" ", "_")


_SIGN_NAMES = frozenset(filter(None, map(name_of, map(chr, range(0x21, 0x7F)))))

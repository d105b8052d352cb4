"""The one registry of what an operator can do: keys, help, palette and the refusal of dangerous remaps come from it."""

from __future__ import annotations

from collections.abc import Mapping
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
        "Apply",
        "Compare the draft with what is configured, and apply it",
        _WIDEN,
        tabs=("rollout",),
    ),
    Action("rollout.other", ("o",), "Other", "Show the other rollout", tabs=("rollout",)),
    Action("rollout.resume", ("u",), "Resume", "Lift a hold", _WIDEN, tabs=("rollout",)),
    Action("rollout.reread", ("r",), "Read back", "Read the backend again now", tabs=("rollout",)),
    Action(
        "way.back",
        ("exclamation_mark",),
        "WAY BACK",
        "Hold, roll back or kill: opens a choice by letter",
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

UNSAFE_FOR_CHANGES = frozenset(["escape", "left_square_bracket", "O", "A", "B", "C", "D"])
"""What a split escape sequence can turn into: never bound to an action that changes something by itself."""


def keys_of(action: Action, keymap: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The keys of an action under a user's keymap."""
    return keymap.get(action.id, action.keys)


def keymap_mistakes(keymap: Mapping[str, tuple[str, ...]]) -> list[str]:
    """What is wrong with a user's keymap, one plain line each. An action with a mistake keeps its own keys."""
    mistakes: list[str] = []
    for identity, keys in keymap.items():
        action = BY_ID.get(identity)
        if action is None:
            meant = nearest(identity, BY_ID)
            mistakes.append(f"{identity}: there is no such action" + (f"; did you mean {meant}?" if meant else ""))
            continue
        for key in keys:
            if key in FORBIDDEN_KEYS or key.startswith("alt+"):
                mistakes.append(f"{identity}: {key} does not reach programs reliably; choose another key")
            elif action.effect is not Effect.READ and key in UNSAFE_FOR_CHANGES:
                mistakes.append(f"{identity}: {key} can come from a broken escape sequence; choose another key")
        for other in ACTIONS:
            together = not other.tabs or not action.tabs or set(other.tabs) & set(action.tabs)
            if other.id != identity and together and set(keys) & set(keys_of(other, keymap)):
                clash = sorted(set(keys) & set(keys_of(other, keymap)))[0]
                mistakes.append(f"{identity}: {clash} is already {other.id}")
    return mistakes

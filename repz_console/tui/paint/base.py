"""What painters make: lines of spans, each span a text with a role that a theme colours.

Painting knows the room and a few choices of the operator, and nothing of Textual: the same lines can be tested as text,
drawn by a widget, or printed by the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from repz_console.facts import Exposure

Span = tuple[str, str]
"""(text, role). Roles: `text`, `muted`, `strong`, `title`, `ok`, `warn`, `bad`, `info`, `accent`, `bar`, `track`,
`mark`, `now`; each may end in `.reverse`."""

Line = tuple[Span, ...]


class Size(NamedTuple):
    """Columns and rows that a painter may use."""

    width: int
    height: int


@dataclass(frozen=True)
class Sheet:
    """A painted pane. `lines` and `keys` run in parallel and may be lazy sequences: only visible rows are asked for.

    A line that can be selected leaves its first column blank: the widget draws the cursor sign there.
    """

    lines: Sequence[Line]
    keys: Sequence[str]
    """Each line's row key, `KIND:ID`; an empty one cannot be selected."""
    header: int = 0
    """How many of the first lines stay in place while the rest scrolls."""
    side: Sequence[Line] = ()
    """The detail at the right of the scrolling lines: it stays in place, its first line beside the first line below
    the header. Scrolling lines are then at most `size.width - side_width` wide; header lines keep the whole width."""
    side_width: int = 0
    """Columns that the side takes; 0 means that there is none."""
    foot: Sequence[Line] = ()
    """Lines that stay at the foot of the pane, whatever scrolls above them."""


@dataclass(frozen=True)
class Choices:
    """What the operator has chosen to look at. Replaced, never changed."""

    cursor: str = ""
    """The selected row's key."""
    filter: str = ""
    sort: str = ""
    folded: frozenset[str] = frozenset()
    """Keys of the sections folded, such as `section:beta`."""
    zoom: str = "day"
    """Timeline: `hour`, `day` or `week` a column group."""
    scroll: int = 0
    """Timeline: columns scrolled from the plan's start; negative is not used."""
    rollout: str = ""
    """The rollout shown."""
    draft: Exposure | None = None
    """The rollout pane's draft."""
    draft_stage: str = ""
    """The stage that the draft was taken from."""
    draft_on: str = ""
    """What was configured when the draft was begun: the rollout's revision, empty while it has none."""
    open: str = ""
    """The row whose detail is open."""


@dataclass(frozen=True)
class Glyphs:
    """The signs a screen may use. The plain set is for terminals and fonts without block characters."""

    ok: str = "●"
    warn: str = "▲"
    bad: str = "✖"
    off: str = "○"
    done: str = "✔"
    open: str = "·"
    now: str = "│"
    full: str = "█"
    half: str = "▌"
    track: str = "░"
    line: str = "─"
    corners: str = "┌┐└┘"
    """Top left, top right, bottom left, bottom right."""
    mark: str = "▼"
    point: str = "▲"
    arrow: str = "→"
    fold: str = "▸"
    unfold: str = "▾"
    cursor: str = "▶"
    spark: str = "▁▂▃▄▅▆▇█"
    ellipsis: str = "…"
    dot: str = "·"


BLOCKS = Glyphs()
ASCII = Glyphs(
    ok="*",
    warn="!",
    bad="X",
    off="o",
    done="v",
    open=".",
    now="|",
    full="#",
    half="-",
    track=".",
    line="-",
    corners="++++",
    mark="v",
    point="^",
    arrow="->",
    fold="+",
    unfold="-",
    cursor=">",
    spark="_.-=^",
    ellipsis="~",
    dot="-",
)


@dataclass(frozen=True)
class Brush:
    """What every painter needs besides the room: the space, the choices, the signs, the viewer."""

    size: Size
    choices: Choices = field(default_factory=Choices)
    glyphs: Glyphs = BLOCKS
    user: str = ""


def text_of(line: Line) -> str:
    """A line's characters without roles."""
    return "".join(text for text, _ in line)

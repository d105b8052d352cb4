"""Everything that is drawn on a screen, on a room whose texts are all one hostile text, down to the bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from rich.cells import cell_len

from repz_console.actions import ACTIONS, TABS
from repz_console.resources import shipped_themes
from repz_console.room.views import RoomView
from repz_console.tui import panes
from repz_console.tui.cells import PLAIN, Cells
from repz_console.tui.dialogs.base import Dialog, frame
from repz_console.tui.dialogs.fields import Choice, Text
from repz_console.tui.dialogs.form import Form, confirm
from repz_console.tui.dialogs.letters import Letter, Letters
from repz_console.tui.dialogs.lists import Entry, Picker, Reader
from repz_console.tui.dialogs.prompt import Prompt
from repz_console.tui.paint.base import ASCII, BLOCKS, Brush, Choices, Glyphs, Line, Size
from repz_console.tui.paint.status import banner, key_line, message_line, small, status_line, tab_line
from repz_console.tui.sheet import Artist, shown
from repz_console.tui.themes import Palette, read
from tests.support import hostile

__all__ = ["DRAWINGS", "OURS", "harm", "shown"]

OURS = frozenset(["state", "priority", "action", "outcome", "entry", "kind", "op", "severity", "name", "zone"])
"""Fields whose words are not outside text: they choose what is drawn."""

Drawing = Callable[[RoomView, str, int], Iterable[Line]]
"""Lines of a room in which every text is the one given, on a screen of that width."""

_ARTISTS = {glyphs: Artist(Palette(read(shipped_themes()[0])), glyphs) for glyphs in (BLOCKS, ASCII)}
_HEIGHT = 24


def _pane(tab: str, view: RoomView, text: str, width: int) -> Iterable[Line]:
    first = panes.paint(tab, view, Brush(Size(width, _HEIGHT)))
    rows = [key for key in first.keys if key]
    opened = Choices(cursor=rows[0] if rows else "", open=rows[0] if rows else "")
    for sheet in (first, panes.paint(tab, view, Brush(Size(width, _HEIGHT), opened, user=text))):
        yield from (sheet.lines[index] for index in range(min(len(sheet.lines), 2 * _HEIGHT)))
        yield from sheet.side


def _dialog(make: Callable[[str], Dialog], view: RoomView, text: str, width: int) -> Iterable[Line]:
    return frame(make(text), Size(width, _HEIGHT), BLOCKS).lines


def _form(text: str) -> Dialog:
    return Form(text, [Text("title", text, text), Text("owner", text, hint=text)], submit=text)


def _choice(text: str) -> Dialog:
    return Form("A choice", [Choice("line", text, [(text, text), ("b", text)])], submit="Choose")


def _typed(text: str) -> Dialog:
    form = Form(text, [Text("note", text, needed=True, hint=text)], submit="File")
    form.paste(text)
    return form


def _reading(text: str) -> Dialog:
    return Reader(text, [((text, "text"),), ((text, "muted"), (text, "bad"))])


def _choosing(text: str) -> Dialog:
    return Picker(text, [Entry(text, text, text, text), Entry("b", text, "", "", text)])


def _one(make: Callable[[RoomView, str, int], Line | None]) -> Drawing:
    def lines(view: RoomView, text: str, width: int) -> Iterable[Line]:
        line = make(view, text, width)
        return [] if line is None else [line]

    return lines


DRAWINGS: Mapping[str, Drawing] = {
    **{f"pane {tab}": partial(_pane, tab) for tab, _ in TABS},
    "status line": _one(lambda view, text, width: status_line(view, width)),
    "banner": lambda view, text, width: banner(view, width),
    "message": _one(lambda view, text, width: message_line((text, "warn"), ACTIONS, width, {})),
    "key line": _one(lambda view, text, width: key_line(ACTIONS, width, (), {"bug.file": (text,), "help": (text,)})),
    "tab line": _one(lambda view, text, width: tab_line("room", width, text)),
    "small screen": lambda view, text, width: small(view, Size(40, 10)),
    "last status": _one(lambda view, text, width: ((text, "muted"),)),
    "form": partial(_dialog, _form),
    "typed text": partial(_dialog, _typed),
    "choice": partial(_dialog, _choice),
    "question": partial(_dialog, lambda text: confirm(text, [((text, "warn"),)], "Yes")),
    "letters": partial(_dialog, lambda text: Letters(text, [text], [Letter("h", text, text, text)])),
    "list": partial(_dialog, _choosing),
    "reading": partial(_dialog, _reading),
    "filter": partial(_dialog, lambda text: Prompt(text, text, str.upper)),
}


def harm(drawing: str, view: RoomView, text: str, width: int, glyphs: Glyphs = BLOCKS) -> str:
    """What a drawing of the text writes to the terminal that could act on it; empty if nothing."""
    cells = Cells(width, 2)
    cells.changes()
    for line in DRAWINGS[drawing](view, text, width):
        strip = _ARTISTS[glyphs].strip(line, width)
        if not strip.cell_length == cell_len(strip.text) == width:
            return f"{cell_len(strip.text)} columns instead of {width}: {strip.text!a}"
        if not hostile.same_width(strip.text, width):
            return f"not {width} columns: {strip.text!a}"
        if any(style is not None and (style.link or style.meta) for _, style, _ in strip):
            return f"something to click on: {strip.text}"
        cells.put(0, 0, [(strip.text, PLAIN)])
        found = hostile.harm_in_frame(cells.changes())
        if found:
            return found
    return ""

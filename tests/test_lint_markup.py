"""What the source may not say: nothing that parses markup gets a text it did not write, nothing prints past the filter.

Textual's `escape` is no protection: what it lets through runs actions. So markup is not escaped here, but never parsed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DRAWING = {
    "rich.cells": {"get_character_cell_size"},
    "rich.color": {"Color", "ColorParseError", "ColorSystem"},
    "rich.console": {"RenderableType"},
    "rich.errors": {"StyleSyntaxError"},
    "rich.segment": {"Segment"},
    "rich.style": {"Style"},
    "textual": {"constants", "events"},
    "textual._compositor": {"ChopsUpdate", "LayoutUpdate"},
    "textual._xterm_parser": {"XTermParser"},
    "textual.app": {"App", "ComposeResult"},
    "textual.driver": {"Driver"},
    "textual.events": None,
    "textual.geometry": {"Region", "Size"},
    "textual.message": {"Message"},
    "textual.screen": {"Screen"},
    "textual.strip": {"Strip"},
    "textual.widget": {"Widget"},
}
"""What may be imported of Rich and Textual. None of it parses markup; None stands for every name."""

MARKUP = {
    "Button",
    "Checkbox",
    "Collapsible",
    "DataTable",
    "Label",
    "Link",
    "Log",
    "Markdown",
    "OptionList",
    "RadioButton",
    "RichLog",
    "Select",
    "Static",
    "TabPane",
    "Tree",
    "add_column",
    "add_row",
    "from_markup",
    "notify",
    "render_str",
    "rprint",
    "to_content",
    "visualize",
}
"""Calls that parse markup, or lead to it, in a text they are given."""
MARKUP_ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "sub_title"}
PRINTING = {"print", "echo", "secho", "echo_via_pager", "style"}
FILTERS = {"safe", "escaped", "json_text", "csv_line"}
SCRIPTS = "commands/completion.py"
"""Prints a script of click's own about our own commands."""
STRINGS = ("\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x9b", "\x9d", "\x90")
"""How OSC, DCS, APC, PM and SOS begin: links, titles, the clipboard."""
LISTENING = {"tui/keyboard.py"}
"""Knows such beginnings to keep a terminal's replies from becoming keys."""


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    package = root / "repz_console"
    for file in sorted(package.rglob("*.py")):
        yield str(file.relative_to(package)), ast.parse(file.read_text(encoding="utf-8"))


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def is_ours(value: ast.expr) -> bool:
    """Whether a text was written here, or whatever else is in it was made harmless on the spot."""
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.JoinedStr):
        return all(is_ours(part) for part in value.values)
    if isinstance(value, ast.FormattedValue):
        return is_ours(value.value)
    if isinstance(value, ast.Call):
        called = name_of(value.func)
        return called in FILTERS or (
            called == "encode" and isinstance(value.func, ast.Attribute) and is_ours(value.func.value)
        )
    return False


def mistakes(file: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        place = f"{file}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("rich", "textual"):
            allowed = DRAWING.get(node.module or "", set())
            if allowed is not None:
                yield from (f"{place} imports {one.name}" for one in node.names if one.name not in allowed)
        elif isinstance(node, ast.Import):
            named = [one.name for one in node.names if one.name.split(".")[0] in ("rich", "textual")]
            yield from (f"{place} imports {one}" for one in named)
        elif isinstance(node, ast.Call):
            called = name_of(node.func)
            given = [*node.args, *(one.value for one in node.keywords if one.arg not in ("file", "flush", "err", "nl"))]
            if called in MARKUP and not all(isinstance(one, ast.Constant) for one in given):
                yield f"{place} lets {called} parse a text"
            is_style = called == "style" and name_of(getattr(node.func, "value", ast.Name(""))) != "click"
            if called in PRINTING and not is_style and file != SCRIPTS and not all(map(is_ours, given)):
                yield f"{place} prints without a filter"
            if ast.unparse(node.func) in ("sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write"):
                yield f"{place} prints without a filter"
            if called == "escape" and ast.unparse(node.func) != "html.escape":
                yield f"{place} escapes markup, which is not safe"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            titled = any(isinstance(one, ast.Attribute) and one.attr in MARKUP_ATTRIBUTES for one in targets)
            if titled and not isinstance(node.value, ast.Constant):
                yield f"{place} gives a widget a title that is parsed"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and file not in LISTENING:
            yield from (f"{place} writes a control string" for begins in STRINGS if begins in node.value)


def test_nothing_parses_markup_and_nothing_prints_past_the_filter(root: Path) -> None:
    assert [mistake for file, tree in sources(root) for mistake in mistakes(file, tree)] == []


@pytest.mark.parametrize(
    "line",
    [
        "self.notify(bug.title)",
        "Static(title)",
        "Label(f'{title}')",
        "table.add_row(title, owner)",
        "Content.from_markup(title)",
        "from rich.markup import escape",
        "from textual.markup import escape",
        "from textual.widgets import Static",
        "from rich import print",
        "import rich.console",
        "text.escape(title)",
        "widget.border_title = title",
        "print(title)",
        "print('at', file, file=sys.stderr)",
        "click.echo(f'{path} is ready')",
        "click.secho(title)",
        "sys.stdout.write(title)",
        "write('\\x1b]8;;https://example.com\\x1b\\\\')",
        "write(f'\\x1b]0;{title}\\x07')",
    ],
)
def test_each_of_these_would_be_found(line: str) -> None:
    assert list(mistakes("some.py", ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    ["print('ready')", "click.echo(safe(title, 100), err=err)", "print(f'repz: {safe(line)}', file=sys.stderr)"],
)
def test_none_of_these_would(line: str) -> None:
    assert list(mistakes("some.py", ast.parse(line))) == []

"""The arrows between the packages point down, and what needs no screen starts without one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.support.commands import environment

PURE = ("plan", "room")
CLOCKS = frozenset(["now", "utcnow", "today", "time_ns", "monotonic"])


def test_imports_obey_every_contract(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(root)
    assert lint_imports(config_filename=str(root / "pyproject.toml"), cache_dir=str(tmp_path)) == 0


def test_plan_and_room_read_no_clock_and_no_file(root: Path) -> None:
    asked = [
        f"{file.relative_to(root)}:{call.lineno}"
        for package in PURE
        for file in sorted((root / "repz_console" / package).rglob("*.py"))
        for call in _calls(file)
        if (isinstance(call.func, ast.Attribute) and call.func.attr in CLOCKS)
        or (isinstance(call.func, ast.Name) and call.func.id == "open")
    ]
    assert asked == []


def test_only_one_file_leans_on_textuals_private_names(root: Path) -> None:
    leaning = {
        file.name
        for file in (root / "repz_console").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("textual._")
    }
    assert leaning <= {"terminal.py"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("status", "--json"),
        ("check", "--json"),
        ("journal", "verify"),
        ("rollout", "show", "--json"),
        ("bug", "list"),
    ],
    ids=" ".join,
)
def test_a_command_that_prints_imports_no_screen(arguments: tuple[str, ...], tmp_path: Path) -> None:
    loaded = _loaded_by(f"from repz_console.cli import entry; entry({list(arguments)!r})", tmp_path)
    assert not {"textual", "rich"} & loaded


def test_help_imports_little(tmp_path: Path) -> None:
    loaded = _loaded_by("from repz_console.cli import entry; entry(['--help'])", tmp_path)
    assert not {"asyncio", "apsw", "httpx", "httpcore", "psutil", "msgspec"} & loaded


def test_the_recorder_needs_no_screen(tmp_path: Path) -> None:
    assert not {"textual", "rich"} & _loaded_by("import repz_console.commands.record", tmp_path)


def test_a_config_without_web_sources_loads_no_http_client(tmp_path: Path) -> None:
    loaded = _loaded_by("from repz_console.cli import entry; entry(['status', '--json'])", tmp_path)
    assert not {"httpx", "httpcore"} & loaded


def _calls(file: Path) -> Iterator[ast.Call]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _loaded_by(code: str, folder: Path) -> set[str]:
    """The top-level modules that are loaded after `code` ran in a process of its own."""
    told = folder / "modules"
    ending = "; import sys; open(sys.argv[1], 'w').write(chr(10).join({m.partition('.')[0] for m in sys.modules}))"
    answer = subprocess.run(
        [sys.executable, "-c", code + ending, os.fspath(told)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "this should not have happened" not in answer.stderr
    return set(told.read_text().split())

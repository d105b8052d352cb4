"""The wheel stands alone: built from the sources, installed into an empty folder, run from somewhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.commands import environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(__file__).resolve().parent.parent
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], root)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    _run(pip, target)
    return target


def test_the_wheel_holds_themes_the_default_launch_and_the_starter(wheel: Path, root: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "repz_console/shipped/config.toml" in names
    assert "repz_console/commands/starter.toml" in names
    for theme in (root / "themes").glob("*.toml"):
        assert f"repz_console/shipped/themes/{theme.name}" in names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "docs/"))]


def test_an_installed_console_checks_the_packaged_launch_from_anywhere(installed: Path, tmp_path: Path) -> None:
    said = _run([*_program(), "check"], tmp_path, installed)
    assert str(installed / "repz_console" / "shipped" / "config.toml") in said
    assert "(the packaged default) is valid" in said


def test_an_installed_console_tells_the_room_and_starts_another_launch(installed: Path, tmp_path: Path) -> None:
    assert '"launch"' in _run([*_program(), "status", "--json"], tmp_path, installed)
    _run([*_program(), "init"], tmp_path, installed)
    assert "config.toml (./config.toml) is valid" in _run([*_program(), "check"], tmp_path, installed)


def test_an_installed_console_finds_its_themes_and_its_kinds(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.metadata import entry_points; from repz_console.resources import shipped_themes;"
        "print(len(shipped_themes()), *sorted(p.name for p in entry_points(group='repz_console.providers')))"
    )
    said = _run([sys.executable, "-c", code], tmp_path, installed)
    assert said.split()[0] == "5"
    assert {"flagd", "host", "ledger", "local", "plan", "probe"} <= set(said.split())


def _program() -> list[str]:
    return [sys.executable, "-c", "from repz_console.cli import main; main()"]


def _run(command: list[str], cwd: Path, installed: Path | None = None) -> str:
    """What a program printed; it must end well."""
    env = {**environment(), "PYTHONPATH": os.fspath(installed)} if installed else environment()
    answer = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout

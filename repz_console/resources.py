"""The files that come with the program: the default launch and the themes."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped_folder() -> Path:
    """Where they are: inside an installed package, or the top of a source checkout."""
    packaged = _PACKAGE / "shipped"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def shipped(name: str) -> Path:
    """The path of one shipped file, such as `config.toml`."""
    return shipped_folder() / name


def shipped_themes() -> list[Path]:
    """Every shipped theme file, by name."""
    return sorted((shipped_folder() / "themes").glob("*.toml"))

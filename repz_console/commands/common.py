"""What several commands share: the config option, the session, and printing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from repz_console.commands.exits import Exit, Stop

if TYPE_CHECKING:
    from repz_console.config import Loaded

Result = TypeVar("Result")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_KEY = "repz_console.config"


def config_option(command: Decorated) -> Decorated:
    """`--config FILE`, understood before and after the command's name."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=_keep,
        help="The config.toml to use; otherwise $REPZ_CONFIG, ./config.toml, your config folder, the shipped plan.",
    )(command)


def config_path(ctx: click.Context) -> Path | None:
    """The `--config` given, wherever it stood; None leaves the choice to the order of places."""
    path = ctx.meta.get(_KEY)
    return path if isinstance(path, Path) else None


def loaded(ctx: click.Context) -> Loaded:
    """The plan that this command line means. Raises `ConfigError`."""
    from repz_console import config

    return config.load(config_path(ctx))


def print_json(value: object) -> None:
    """`value` on stdout as JSON, in UTF-8 whatever the locale is."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Runs a command's coroutine to its end."""
    return asyncio.run(coroutine)


def has_terminal() -> bool:
    """Whether a person can be asked: both what they type and what they see is a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, otherwise: str) -> str:
    """What a person types at the terminal. Without a terminal, stops with `otherwise` as the reason."""
    if not has_terminal():
        raise Stop(Exit.NOT_ALLOWED, otherwise)
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise click.exceptions.Abort
    return answer.strip()


def columns(rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as aligned lines, two spaces between columns; the columns in `right` are flush right."""
    table = [list(row) for row in rows]
    if not table:
        return []
    widths = [max(len(row[index]) for row in table) for index in range(len(table[0]))]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _keep(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[_KEY] = value

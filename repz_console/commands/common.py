"""What several commands share: the config option, the session, and printing."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from repz_console.commands.exits import Exit, Stop
from repz_console.secret import redact
from repz_console.text import escaped, safe

if TYPE_CHECKING:
    from repz_console.config import Loaded
    from repz_console.engine.session import Session
    from repz_console.tui.paint.base import Glyphs

Result = TypeVar("Result")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_KEY = "repz_console.config"
_LONGEST_LINE = 10_000


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


def json_text(value: object, *, indent: int = 2) -> str:
    """`value` as JSON in which nothing can act on a terminal; with an `indent` of 0 on one line."""
    import msgspec

    encoded = msgspec.json.encode(value)
    return escaped(redact((msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()))


def print_json(value: object, *, indent: int = 2) -> None:
    """`value` on stdout as JSON, in UTF-8 whatever the locale is."""
    click.echo(json_text(value, indent=indent).encode())


def print_line(text: str, *, err: bool = False) -> None:
    """One line of text, which cannot act on the terminal whoever wrote what is in it."""
    click.echo(safe(text, _LONGEST_LINE), err=err)


def in_session(ctx: click.Context, work: Callable[[Session], Awaitable[Result]]) -> Result:
    """What `work` returns, given a session that follows nothing, polls nothing and is not listed as an open console."""
    import asyncio

    return asyncio.run(_with_session(loaded(ctx), work))


async def _with_session(config: Loaded, work: Callable[[Session], Awaitable[Result]]) -> Result:
    from repz_console.engine.session import Session

    async with Session.open(config, watch=False, collect=False) as session:
        return await work(session)


def refuse_damaged(damage: str) -> None:
    """Stops with why the journal could not be read in full, once what could be read is printed; does nothing for an
    empty text."""
    if damage:
        raise Stop(Exit.INCOMPLETE, f"this is not all: {damage}")


@contextmanager
def as_input() -> Iterator[None]:
    """What a source says of a person's words is about those words, not about the source."""
    from repz_console.providers.base import ProviderError

    try:
        yield
    except ProviderError as error:
        raise Stop(Exit.INPUT, error.fault.what) from None


def has_terminal() -> bool:
    """Whether a person can be asked: both what they type and what they see is a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def ask(question: str, *, otherwise: str) -> str:
    """What a person types at the terminal, while the session goes on. Without a terminal, stops with `otherwise`."""
    import asyncio

    if not has_terminal():
        raise Stop(Exit.HELD, otherwise)
    click.echo(safe(question, _LONGEST_LINE), nl=False, err=True)
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    # Not in a thread: Ctrl+C could not end one that waits for a line.
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    answer = sys.stdin.readline()
    if not answer:
        raise Stop(Exit.HELD, "nothing was typed; nothing was changed")
    return answer.strip()


def printed_glyphs() -> Glyphs:
    """The signs that stdout can print."""
    from repz_console.tui.paint.base import ASCII, BLOCKS

    return BLOCKS if sys.stdout.encoding.lower().replace("-", "") == "utf8" else ASCII


def columns(rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as aligned lines, two spaces between columns; the columns in `right` are flush right."""
    from repz_console.tui.paint.format import cell_width, fit, fit_right

    table = [list(row) for row in rows]
    if not table:
        return []
    widths = [max(cell_width(row[index]) for row in table) for index in range(len(table[0]))]
    return [
        "  ".join(
            fit_right(cell, width) if index in right else fit(cell, width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _keep(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[_KEY] = value

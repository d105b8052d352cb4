"""`repz-console run`: the console itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click


def open_console(explicit: Path | None) -> int:
    """Opens the console on the plan found, and returns its exit code."""
    from repz_console import config
    from repz_console.tui.run import run

    return run(config.load(explicit))


def __getattr__(name: str) -> Any:
    """The click command, made when it is asked for: opening the console without arguments needs no option parser."""
    if name != "command":
        raise AttributeError(name)
    return _command()


def _command() -> click.Command:
    import click

    from repz_console.commands.common import config_option, config_path

    @click.command
    @config_option
    @click.pass_context
    def command(ctx: click.Context) -> int:
        """Open the console on this terminal. Exits 64 where there is none."""
        return open_console(config_path(ctx))

    return command

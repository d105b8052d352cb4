"""`repz-console run`: the console itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click

    from repz_console.config import Loaded


def open_console(explicit: Path | None) -> int:
    """Opens the console on the plan found, and returns its exit code."""
    from repz_console.tui.run import open_on

    return open_on(lambda: _load(explicit), str(explicit or ""))


def _load(explicit: Path | None) -> Loaded:
    # Reading the plan takes longer than showing the last known status, which comes first.
    from repz_console import config

    return config.load(explicit)


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

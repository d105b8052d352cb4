"""The command line: finds the command, imports only that one, and turns every failure into a line and an exit code.

Help needs nothing but this file: what each command is for stands in the table below, not in its module.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Any

PROGRAM = "repz-console"

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Open the console (also when no command is given)."),
    "status": ("status", "Print the whole room, as text or as data."),
    "check": ("check", "Validate a config and report what contradicts itself."),
    "rollout": ("rollout", "Show a rollout and steer it: stages, polls, the way back."),
    "bug": ("bug", "File, list and change bugs."),
    "spend": ("spend", "Enter, list and take back money spent."),
    "journal": ("journal", "Read, export and verify what was decided."),
    "store": ("store", "Back the journal up, restore it elsewhere, and take over."),
    "rebase": ("rebase", "Move every date of the plan to a new full launch."),
    "record": ("record", "Poll for everyone, without a screen, until told to end."),
    "doctor": ("doctor", "Look at the terminal, config, store, sources and clock."),
    "reset": ("reset", "Put a terminal right that a killed console left behind."),
    "init": ("init", "Write a commented config.toml to start another launch from."),
    "completion": ("completion", "Print the completion script of a shell."),
}
"""Command name to (module in `repz_console.commands`, help line)."""


def main() -> None:
    """The program's entry point."""
    from repz_console.process import harden

    harden()
    sys.exit(entry(sys.argv[1:]))


def entry(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code."""
    from repz_console.commands import failures

    # Most commands end before anything is worth collecting; the screen and the recorder switch it on again.
    gc.disable()
    try:
        if not arguments and not completing():
            # The console is opened far more often than any command: it need not wait for the option parser.
            from repz_console.commands.run import open_console

            return open_console(None)
        return parsed(arguments)
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        return failures.report(error)
    finally:
        gc.enable()
        failures.flush()


def completing() -> bool:
    """Whether a shell asks for completions rather than for a run."""
    return "_REPZ_CONSOLE_COMPLETE" in os.environ


def parsed(arguments: Sequence[str]) -> int:
    """Runs a command line that has something to parse."""
    code = command_line().main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    return code if isinstance(code, int) else 0


def command_line() -> Any:
    """The click group of all commands. Built on demand, so that opening the console does not import click."""
    import click

    from repz_console import __version__
    from repz_console.commands.common import config_option, config_path
    from repz_console.commands.exits import ReaderLeft
    from repz_console.commands.lazy import Lazy

    class Commands(Lazy):
        """The commands of the program."""

        def resolve_command(
            self, ctx: click.Context, args: list[str]
        ) -> tuple[str | None, click.Command | None, list[str]]:
            # On a terminal left raw, Enter ends no line for a plain shell: it becomes part of the word.
            args = [word.rstrip("\r") for word in args[:1]] + args[1:]
            if args and args[0] not in COMMANDS and not args[0].startswith("-"):
                raise click.exceptions.UsageError(unknown_command(args[0]), ctx)
            return super().resolve_command(ctx, args)

        def invoke(self, ctx: click.Context) -> Any:
            try:
                return super().invoke(ctx)
            except BrokenPipeError as error:
                raise ReaderLeft from error

    @click.group(
        cls=Commands,
        table=COMMANDS,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @click.version_option(__version__, prog_name=PROGRAM)
    @config_option
    @click.pass_context
    def group(ctx: click.Context) -> int | None:
        """The launch day's war room in one terminal.

        Exit codes: 0 done, 2 bad input, 3 held: nothing was changed, 4 incomplete, 64 no terminal, 70 defect.
        """
        if ctx.invoked_subcommand is not None:
            return None
        from repz_console.commands.run import open_console

        return open_console(config_path(ctx))

    return group


def unknown_command(name: str) -> str:
    """What to say about a command that does not exist."""
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    return f"there is no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")

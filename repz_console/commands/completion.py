"""`repz-console completion`: the script that teaches a shell to complete commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash:  repz-console completion bash > ~/.local/share/bash-completion/completions/repz-console
    zsh:   repz-console completion zsh > "${fpath[1]}/_repz-console"
    fish:  repz-console completion fish > ~/.config/fish/completions/repz-console.fish
    """
    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"this version of click cannot complete in {shell}", ctx)
    click.echo(completer(ctx.find_root().command, {}, "repz-console", "_REPZ_CONSOLE_COMPLETE").source())

"""`repz-console reset`: puts a terminal right whose console was killed, whatever that left on."""

from __future__ import annotations

import os
import signal

import click

from repz_console.commands.exits import Exit, Stop
from repz_console.tui.descriptor import make_sane, own_description, say_last
from repz_console.tui.modes import EVERYTHING_OFF

_PATIENCE = 1.0
_STANDARD = (0, 1, 2)


@click.command
def command() -> None:
    """Put this terminal right: echo and lines, the shell's screen, no mouse reports, a cursor.

    For a terminal whose console was killed. Type it blindly if nothing shows. If Enter does nothing, press Ctrl+J as
    well: the Enter before it does no harm.
    Reads no config and asks nothing.
    """
    terminal = next((number for number in _STANDARD if os.isatty(number)), None)
    if terminal is None:
        raise Stop(Exit.NO_TERMINAL, "there is no terminal here to put right: run it on the one that is broken")
    # Also from the background: a broken terminal cannot be asked to bring it to the foreground first.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        # A console may have made the shell's own descriptor one that does not wait.
        os.set_blocking(terminal, True)
        make_sane(terminal)
    except OSError as error:
        raise Stop(Exit.HELD, f"the terminal cannot be set: {error.strerror}") from None
    say_last(own_description(terminal), EVERYTHING_OFF, _PATIENCE)

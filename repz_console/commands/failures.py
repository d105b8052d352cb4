"""Every way to fail as one line on stderr and an exit code. A traceback never reaches the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from repz_console.commands.exits import Exit, ReaderLeft, Stop

_LONGEST_LINE = 4000


def report(error: BaseException) -> int:
    """Says what went wrong on stderr and returns the exit code."""
    if isinstance(error, BrokenPipeError | ReaderLeft):
        return _reader_left()
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else Exit.DONE
    if isinstance(error, Stop):
        say(error.line)
        return error.code
    if type(error).__name__ == "NoArgsIsHelpError":
        # A group without a command: its message is the help page, which is to be read as lines.
        from repz_console.text import safe

        for line in str(error).splitlines():
            print(safe(line), file=sys.stderr, flush=True)
        return Exit.INPUT
    try:
        known = _known(error)
    except ImportError:
        # A broken installation: the classes that would explain the error cannot be loaded either.
        known = None
    if known is None:
        say(f"this should not have happened: {_one_line(error)}; details are in {_crash_file(error)}")
        return Exit.DEFECT
    code, lines = known
    for line in lines:
        say(line)
    return code


def say(line: str) -> None:
    """One line on stderr, under the program's name."""
    from repz_console.text import safe

    print(f"repz-console: {safe(line, _LONGEST_LINE)}", file=sys.stderr, flush=True)


def flush() -> None:
    """Hands what was printed to the reader while a reader that left can still be ignored."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_left()


def _known(error: BaseException) -> tuple[int, list[str]] | None:
    """The code and lines of a failure that has a name."""
    import click

    from repz_console.config import ConfigError
    from repz_console.providers.base import ProviderError
    from repz_console.store.errors import FenceError, StoreError

    if isinstance(error, click.exceptions.Abort):
        return 130, []
    if isinstance(error, click.ClickException):
        where = f" (see {error.ctx.command_path} --help)" if isinstance(error, click.UsageError) and error.ctx else ""
        return Exit.INPUT, [error.format_message() + where]
    if isinstance(error, ConfigError):
        return Exit.INPUT, [str(mistake) for mistake in error.mistakes]
    if isinstance(error, FenceError):
        return Exit.HELD, [f"the conn was lost meanwhile: {error}"]
    if isinstance(error, StoreError):
        return Exit.HELD, [str(error)]
    if isinstance(error, ProviderError):
        return Exit.HELD, [error.fault.what]
    return None


def _one_line(error: BaseException) -> str:
    from repz_console.secret import redact

    return redact(f"{type(error).__name__}: {error}")[:200]


def _crash_file(error: BaseException) -> str:
    """Writes the traceback where only this user reads it, and names the file. Locals stay out: they hold secrets."""
    from repz_console.secret import redact

    text = redact("".join(traceback.format_exception(error)))
    name = f"crash-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt"
    for folder in (_state_folder, lambda: Path(tempfile.gettempdir())):
        try:
            path = folder() / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except (OSError, ImportError):
            continue
        return str(path)
    return "no file, because none could be written"


def _state_folder() -> Path:
    import platformdirs

    folder = platformdirs.user_state_path("repz-console")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _reader_left() -> int:
    """The reader of our output went away, as `head` does: nothing to report, and nothing more to write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141

"""Whether this terminal can show the console, and whether tmux or SSH get in its way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping

from repz_console.commands.examine.answer import Answer
from repz_console.process import child_environment
from repz_console.text import safe

AREA = "terminal"
LEAST_COLUMNS, LEAST_ROWS = 60, 15
"""Below this the console shows the exposure and the way back only."""

SLOW_ESCAPE = 50
"""Milliseconds of tmux's `escape-time` above which the Escape key feels stuck."""


def examine(
    environment: Mapping[str, str],
    *,
    is_terminal: bool,
    size: tuple[int, int] | None,
    encoding: str,
    tmux: Callable[[str], str | None],
) -> list[Answer]:
    """Every answer about the terminal; `tmux` gives the value of one tmux option, or None."""
    return [
        _presence(is_terminal),
        *_size(size),
        _kind(environment),
        _colours(environment),
        _encoding(encoding),
        *_multiplexer(environment, tmux),
    ]


def here() -> list[Answer]:
    """The answers about the terminal that this process runs on."""
    return examine(
        os.environ,
        is_terminal=sys.stdin.isatty() and sys.stderr.isatty(),
        size=_terminal_size(),
        encoding=sys.stdout.encoding,
        tmux=_ask_tmux,
    )


def _presence(is_terminal: bool) -> Answer:
    if is_terminal:
        return Answer(AREA, "tty", "ok", "stdin and stderr are a terminal")
    return Answer(
        AREA,
        "tty",
        "warn",
        "stdin or stderr is not a terminal: the console cannot open here",
        "over SSH use `ssh -t`; `status`, `record` and the other commands need no terminal",
    )


def _size(size: tuple[int, int] | None) -> list[Answer]:
    if size is None:
        return []
    columns, rows = size
    if columns >= LEAST_COLUMNS and rows >= LEAST_ROWS:
        return [Answer(AREA, "size", "ok", f"{columns}x{rows}")]
    return [
        Answer(
            AREA,
            "size",
            "warn",
            f"{columns}x{rows}: only the exposure and the way back fit",
            f"make it at least {LEAST_COLUMNS}x{LEAST_ROWS}; 80x24 is what the console is drawn for",
        )
    ]


def _kind(environment: Mapping[str, str]) -> Answer:
    term = environment.get("TERM", "")
    if term and term != "dumb":
        return Answer(AREA, "TERM", "ok", safe(term))
    return Answer(
        AREA,
        "TERM",
        "warn",
        f"TERM is {term or 'not set'}: the console does not open on it",
        "set it to what the terminal is, such as xterm-256color",
    )


def _colours(environment: Mapping[str, str]) -> Answer:
    if environment.get("NO_COLOR"):
        return Answer(AREA, "colours", "note", "NO_COLOR is set: the console starts without colours")
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Answer(AREA, "colours", "ok", "16 million")
    if "256color" in environment.get("TERM", "") or "direct" in environment.get("TERM", ""):
        return Answer(AREA, "colours", "ok", "256")
    return Answer(AREA, "colours", "note", "16: the themes `ansi` and `mono` look best", "press T in the console")


def _encoding(encoding: str) -> Answer:
    if encoding.lower().replace("-", "") == "utf8":
        return Answer(AREA, "encoding", "ok", "UTF-8")
    return Answer(
        AREA, "encoding", "note", f"{encoding}: signs are drawn in plain ASCII", "use a UTF-8 locale for block signs"
    )


def _multiplexer(environment: Mapping[str, str], tmux: Callable[[str], str | None]) -> list[Answer]:
    if environment.get("TMUX"):
        return [Answer(AREA, "tmux", "ok", "inside tmux: a dropped line leaves the console running"), *_tmux(tmux)]
    if environment.get("STY"):
        return [Answer(AREA, "screen", "ok", "inside GNU screen: a dropped line leaves the console running")]
    if environment.get("SSH_CONNECTION"):
        return [
            Answer(
                AREA,
                "session",
                "warn",
                "over SSH without tmux: a dropped line ends this console and gives up the conn",
                "start it inside tmux",
            )
        ]
    return []


def _tmux(tmux: Callable[[str], str | None]) -> list[Answer]:
    answers: list[Answer] = []
    escape = tmux("escape-time")
    if escape is not None and escape.isdigit():
        if int(escape) > SLOW_ESCAPE:
            answers.append(
                Answer(
                    AREA,
                    "escape-time",
                    "warn",
                    f"tmux waits {escape} ms after Escape",
                    "in ~/.tmux.conf: set -sg escape-time 20",
                )
            )
        else:
            answers.append(Answer(AREA, "escape-time", "ok", f"{escape} ms"))
    clipboard = tmux("set-clipboard")
    if clipboard is not None:
        answers.append(
            Answer(AREA, "set-clipboard", "ok", "on")
            if clipboard == "on"
            else Answer(
                AREA,
                "set-clipboard",
                "note",
                f"{clipboard}: what the console sends to the clipboard is dropped by tmux",
                "in ~/.tmux.conf: set -s set-clipboard on",
            )
        )
    terminal = tmux("default-terminal")
    if terminal is not None:
        answers.append(
            Answer(AREA, "default-terminal", "ok", terminal)
            if "256color" in terminal or "direct" in terminal
            else Answer(
                AREA,
                "default-terminal",
                "note",
                f"{terminal}: tmux offers 16 colours",
                "in ~/.tmux.conf: set -g default-terminal tmux-256color",
            )
        )
    return answers


def _terminal_size() -> tuple[int, int] | None:
    for stream in (sys.stderr, sys.stdin, sys.stdout):
        try:
            size = os.get_terminal_size(stream.fileno())
        except (OSError, ValueError):
            continue
        return size.columns, size.lines
    return None


def _ask_tmux(option: str) -> str | None:
    program = shutil.which("tmux")
    if program is None:
        return None
    for scope in ("-sv", "-gv"):
        try:
            answer = subprocess.run(  # noqa: S603 - a fixed command line, the program found on PATH
                [program, "show-options", scope, option],
                env=child_environment(["TMUX", "TMUX_TMPDIR"]),
                capture_output=True,
                text=True,
                timeout=2,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if answer.returncode == 0 and answer.stdout.strip():
            return safe(answer.stdout.strip(), 60)
    return None

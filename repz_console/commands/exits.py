"""What the program's exit codes mean, and the exception that carries one with its line."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; `docs/operator.md` explains them to scripts."""

    DONE = 0
    FOUND = 1
    """`check`, `doctor` and `journal verify` looked, and found something wrong."""
    INPUT = 2
    """A command line or a config that cannot be understood."""
    HELD = 3
    """Nothing was changed: the conn, a gate, a missing vote or approval, the challenge, the backend or the store said
    no."""
    INCOMPLETE = 4
    """Some of it happened, or nobody knows yet; or what was printed is not all."""
    NO_TERMINAL = 64
    DEFECT = 70
    """The program failed in a way that nobody foresaw; the line names a file with the details."""


class Stop(Exception):
    """Ends a command with a code and one plain line on stderr."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(line)
        self.code = code
        self.line = line


class ReaderLeft(Exception):
    """What reads our output went away, as `head` does. A class of its own: click swallows the broken pipe itself."""

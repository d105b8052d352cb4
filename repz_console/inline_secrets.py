"""Secrets that stand in the config itself: refused where others can read the file, else kept out of sight."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repz_console.mistakes import ConfigError, Mistake
from repz_console.plan.secrets import literals
from repz_console.process import hide_memory
from repz_console.secret import LEAST, Secret
from repz_console.toml_lines import written
from repz_console.toml_merge import Document
from repz_console.trusted_file import readers

REMEDY = 'a [secret.NAME] table that says where it is kept, and { secret = "NAME" } here'
"""What belongs in its place."""


def inline_secrets(document: Document, text: str, files: Mapping[str, Path]) -> tuple[str, ...]:
    """The paths of such secrets, such as `source.status.headers.Authorization`. From here on no text shows them.

    `files` are the document's files by the name that messages give them. Raises `ConfigError` for each that stands in a
    file which somebody else can read.
    """
    found = list(literals(document.data, text))
    if found:
        from repz_console.logs import guard  # 16 ms that a config without such secrets never pays

        guard()
        hide_memory()
    for literal in found:
        if len(literal.value) >= LEAST:
            Secret(literal.value)
    mistakes = []
    for literal in found:
        path = written(literal.path)
        file, line = document.place(path)
        known_to = readers(files[file])
        if known_to:
            mistakes.append(
                Mistake(file, line, path, f"a secret that {known_to} can read", f"{REMEDY}; or chmod 600 {file}")
            )
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(written(literal.path) for literal in found)

"""On which line of a TOML text each key stands.

The standard parser gives values without their places, and a mistake is only found quickly when its line is named. This
reads the places alone, of a text that `tomllib` has already accepted, so it can leave out every check.

A path is written as a person would: `rollout.production.stage[2].percent`. Indexes count from 0; a key that is not a
bare one is quoted.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right

from repz_console.plan.wrong import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_LAST_PART = re.compile(r'(?:(?:\A|\.)(?:"(?:[^"\\]|\\.)*"|[A-Za-z0-9_-]+)|\[\d+\])\Z')
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"{3,5}(?!")'
    r"|'''[\s\S]*?'{3,5}(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_PLAIN = re.compile(r"[^,\]}\n#]+")


def written(path: Path) -> str:
    """A path as text."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE.match(part) else json.dumps(part, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def parent(path: str) -> str:
    """The path without its last part; empty for a top-level key."""
    return _LAST_PART.sub("", path)


class Lines:
    """The line of every key and element of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._places: dict[str, int] = {}
        self._elements: dict[Path, int] = {}
        self._document()

    def line(self, path: str) -> int:
        """The line, from 1, on which `path` is first written, else that of the nearest table around it, else 1."""
        while path:
            if path in self._places:
                return self._places[path]
            path = parent(path)
        return 1

    def paths(self) -> tuple[str, ...]:
        """Every path that has a line, in the order of the text."""
        return tuple(self._places)

    def _document(self) -> None:
        table: Path = ()
        while self._skip() < len(self._text):
            start = self._at
            if self._text.startswith("[[", self._at):
                table = self._header(2, start)
            elif self._text[self._at] == "[":
                table = self._header(1, start)
            else:
                self._pair(table)

    def _header(self, brackets: int, start: int) -> Path:
        self._at += brackets
        self._skip()
        keys = self._keys()
        self._skip()
        self._at += brackets
        path: Path = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            self._note(path, start)
            if number == len(keys) and brackets == 2:
                index = self._elements.get(path, 0)
                self._elements[path] = index + 1
                path = (*path, index)
                self._note(path, start)
            elif path in self._elements:
                path = (*path, self._elements[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, start)
        self._skip()
        self._at += 1
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening in "\"'":
            self._take(_STRING)
        elif opening == "[":
            self._at += 1
            index = 0
            while self._skip_commas() != "]":
                self._note((*path, index), self._at)
                self._value((*path, index))
                index += 1
            self._at += 1
        elif opening == "{":
            self._at += 1
            while self._skip_commas() != "}":
                self._pair(path)
            self._at += 1
        else:
            self._take(_PLAIN)

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            raw = self._take(_KEY)
            keys.append(_unquoted(raw))
            dot = _DOT.match(self._text, self._at)
            if dot is None:
                return keys
            self._at = dot.end()

    def _skip(self) -> int:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._at

    def _skip_commas(self) -> str:
        while self._text[self._skip()] == ",":
            self._at += 1
        return self._text[self._at]

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not TOML at character {self._at}")
        self._at = match.end()
        return match.group()

    def _note(self, path: Path, at: int) -> None:
        self._places.setdefault(written(path), bisect_right(self._starts, at))


def _unquoted(raw: str) -> str:
    if raw.startswith("'"):
        return raw[1:-1]
    if raw.startswith('"'):
        wide = re.sub(r"\\U([0-9A-Fa-f]{8})", lambda match: chr(int(match.group(1), 16)), raw)
        return str(json.loads(wide, strict=False))
    return raw

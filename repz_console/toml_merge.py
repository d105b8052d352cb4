"""Several TOML files read as one document, every key still knowing the file and line it came from.

The first file is the main one; each further one adds its tables: lists grow, named tables join, and a table that may
exist only once is a mistake when it comes twice.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from repz_console.mistakes import ConfigError, Mistake
from repz_console.plan.wrong import Wrong
from repz_console.toml_lines import Lines, written

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)\Z")
_NAMED = re.compile(r'(?:source|secret|rollout)\.(?:"(?:[^"\\]|\\.)*"|[A-Za-z0-9_-]+)')
_INDEXED = re.compile(r"([A-Za-z0-9_-]+)\[(\d+)\](.*)\Z", re.DOTALL)


class Document:
    """The merged tables of several texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts` maps the file's name, as messages show it, to its text; the main file comes first.

        Raises `ConfigError` where a text is not TOML or a table comes twice.
        """
        self._texts = dict(texts)
        self._main = next(iter(self._texts))
        self._files_of_key: dict[str, str] = {}
        self._shares_of_list: dict[str, list[tuple[str, int]]] = {}
        self.data: dict[str, Any] = {}
        """The tables, as `tomllib` gives them."""
        mistakes: list[Mistake] = []
        for name, text in self._texts.items():
            try:
                tables = tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                mistakes.append(_syntax_mistake(name, text, error))
            except RecursionError:
                mistakes.append(Mistake(name, 1, "", "brackets nested hundreds deep", "valid TOML 1.0, nested less"))
            else:
                mistakes.extend(self._add(name, tables))
        if mistakes:
            raise ConfigError(mistakes)

    def place(self, path: str) -> tuple[str, int]:
        """File name and line of a path, or of the nearest table around it."""
        key = re.split(r"[.\[]", path, maxsplit=1)[0]
        if key in self._shares_of_list:
            return self._place_in_list(key, path)
        named = _NAMED.match(path)
        owner = self._files_of_key.get(named.group() if named else key, self._main)
        return owner, self._lines[owner].line(path)

    def where(self, path: str) -> str:
        """`file:line` of a path."""
        file, line = self.place(path)
        return f"{file}:{line}"

    def mistake(self, wrong: Wrong) -> Mistake:
        """A mistake with its place."""
        path = written(wrong.path)
        file, line = self.place(path)
        return Mistake(file, line, path, wrong.found, wrong.allowed, wrong.nearest)

    @cached_property
    def _lines(self) -> dict[str, Lines]:
        """Read when the first place is asked for: a sound config never needs them."""
        return {name: Lines(text) for name, text in self._texts.items()}

    def _place_in_list(self, key: str, path: str) -> tuple[str, int]:
        shares = self._shares_of_list[key]
        indexed = _INDEXED.match(path)
        if indexed is None:
            return shares[0][0], self._lines[shares[0][0]].line(path)
        index = int(indexed.group(2))
        for file, count in shares:
            if index < count:
                return file, self._lines[file].line(f"{key}[{index}]{indexed.group(3)}")
            index -= count
        return self._main, 1

    def _add(self, name: str, tables: dict[str, Any]) -> list[Mistake]:
        mistakes: list[Mistake] = []
        for key, value in tables.items():
            if key == "include" and name != self._main:
                line = Lines(self._texts[name]).line(key)
                mistakes.append(Mistake(name, line, key, "an include", f"include only in {self._main}"))
            elif isinstance(value, list) and isinstance(self.data.setdefault(key, []), list):
                self.data[key].extend(value)
                self._shares_of_list.setdefault(key, []).append((name, len(value)))
            elif key in ("source", "secret", "rollout") and isinstance(value, dict):
                merged = self.data.setdefault(key, {})
                for inner, table in value.items():
                    path = written((key, inner))
                    if inner in merged:
                        mistakes.append(self._twice(name, path, self._files_of_key[path]))
                    else:
                        merged[inner] = table
                        self._files_of_key[path] = name
            elif key in self.data:
                mistakes.append(self._twice(name, key, self._files_of_key.get(key, self._main)))
            else:
                self.data[key] = value
                self._files_of_key[key] = name
        return mistakes

    def _twice(self, name: str, path: str, first: str) -> Mistake:
        line = Lines(self._texts[name]).line(path)
        return Mistake(name, line, path, "a second table of this name", f"only the one in {first}")


def _syntax_mistake(name: str, text: str, error: tomllib.TOMLDecodeError) -> Mistake:
    message = str(error)
    place = _PLACE.search(message)
    line = text.count("\n") + 1
    if place is not None:
        message = message[: place.start()]
        line = int(place.group(1)) if place.group(1) else line
    return Mistake(name, line, "", f"text that is not TOML ({message[:1].lower()}{message[1:]})", "valid TOML 1.0")

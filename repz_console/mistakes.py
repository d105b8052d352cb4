"""What is wrong with a config, said so that a person can mend it: all of it at once, each with its place.

`check` walks a document along the types it must have. msgspec stops at the first error and knows no lines; it still
judges every single value here, so what passes the walk also passes the conversion.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

from repz_console.plan.model import Plan, Source
from repz_console.plan.wrong import Path, Wrong, listed, nearest, shown

_NAMES: dict[Any, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Decimal: "a sum such as 149 or 149.50",
    date: "a date such as 2027-02-05",
    time: "a time such as 09:00:00",
    datetime: "an instant such as 2027-02-05T09:00:00Z",
}
_STAND_INS: dict[Any, Any] = {str: "", bool: False, int: 1, float: 1.0, Decimal: 0, date: date.min, time: time()}


class Mistake(Struct, frozen=True):
    """One thing that is wrong, and what would be right."""

    file: str
    line: int
    """From 1; 0 where the whole file is meant."""
    path: str
    """Of the key, such as `rollout.production.stage[2].percent`; empty where the whole file is meant."""
    found: str
    allowed: str
    nearest: str = ""
    """The known word that comes closest to what was found."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{place}: {self.path}: " if self.path else f"{place}: "
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{subject}found {self.found}; allowed: {self.allowed}{hint}"


class ConfigError(Exception):
    """A config that cannot be used, with every mistake that was found in it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def check(value: object, kind: Any, path: Path = (), *, also: tuple[str, ...] = ()) -> Iterator[Wrong]:
    """Every way in which `value`, as parsed from TOML, does not fit the type `kind`.

    `also` are keys that belong beside a table's own ones and are judged elsewhere.
    """
    kind = _without_none(kind)
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield from _check_table(value, kind, path, also)
    elif origin in (tuple, list, frozenset, set):
        yield from _check_list(value, kind, path)
    elif origin is dict:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from check(inner, get_args(kind)[1], (*path, key))
        else:
            yield Wrong(path, shown(value), "a table")
    else:
        yield from _check_leaf(value, kind, path)


def _check_table(value: object, kind: type[Struct], path: Path, also: tuple[str, ...]) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield Wrong(path, shown(value), "a table")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    known = [*also, *(name for name in fields if not (kind is Source and name == "options"))]
    for key, inner in value.items():
        if key in fields:
            yield from check(inner, fields[key].type, (*path, key))
        elif kind.__struct_config__.forbid_unknown_fields:
            words = "a known table" if kind is Plan else listed(known)
            yield Wrong((*path, key), "an unknown key", words, nearest(key, known))
    for name, field in fields.items():
        if name not in value and field.default is NODEFAULT and field.default_factory is NODEFAULT:
            yield Wrong((*path, name), "nothing", f"{allowed(field.type)}; the key is required")


def _check_list(value: object, kind: Any, path: Path) -> Iterator[Wrong]:
    if not isinstance(value, list | tuple):
        yield Wrong(path, shown(value), "a list")
        return
    inner = get_args(kind)
    if get_origin(kind) is tuple and (len(inner) != 2 or inner[1] is not Ellipsis):
        if len(value) != len(inner):
            yield Wrong(path, f"a list of {len(value)}", f"a list of {len(inner)}")
            return
        for index, (element, element_kind) in enumerate(zip(value, inner, strict=True)):
            yield from check(element, element_kind, (*path, index))
        return
    for index, element in enumerate(value):
        yield from check(element, inner[0], (*path, index))


def _check_leaf(value: object, kind: Any, path: Path) -> Iterator[Wrong]:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, ArithmeticError):
        near = ""
        if get_origin(kind) is Literal and isinstance(value, str):
            near = nearest(value, [str(choice) for choice in get_args(kind)])
        yield Wrong(path, shown(value), allowed(kind), near)


def stand_in(value: object, kind: Any) -> Any:
    """`value` with something of the right type wherever it does not fit `kind`, so that the rest can be judged too."""
    kind = _without_none(kind)
    origin = get_origin(kind)
    inner = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        table = value if isinstance(value, dict) else {}
        return {
            field.encode_name: stand_in(table.get(field.encode_name), field.type)
            for field in msgspec.structs.fields(kind)
            if field.encode_name in table or field.required
        }
    if origin is tuple and inner[-1] is not Ellipsis:
        given = [*value] if isinstance(value, list) else []
        given += [None] * len(inner)
        return [stand_in(element, element_kind) for element, element_kind in zip(given, inner, strict=False)]
    if origin in (tuple, list):
        return [stand_in(element, inner[0]) for element in value] if isinstance(value, list) else []
    if origin is dict:
        return {key: stand_in(table, inner[1]) for key, table in value.items()} if isinstance(value, dict) else {}
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, ArithmeticError):
        return inner[0] if origin is Literal else _STAND_INS.get(kind)
    return value


def allowed(kind: Any) -> str:
    """What a type accepts, in plain words."""
    kind = _without_none(kind)
    origin = get_origin(kind)
    if origin is Literal:
        return listed([str(choice) for choice in get_args(kind)])
    if origin is Annotated:
        return f"{allowed(get_args(kind)[0])} within its limits"
    if origin in (tuple, list, frozenset, set):
        return "a list"
    if origin in (Union, types.UnionType):
        return listed([allowed(choice) for choice in get_args(kind)])
    if origin is dict or (isinstance(kind, type) and issubclass(kind, Struct)):
        return "a table"
    return _NAMES.get(kind, f"a value for {getattr(kind, '__name__', kind)}")


def _without_none(kind: Any) -> Any:
    """TOML has no null: an optional value is one that may be left out."""
    if get_origin(kind) in (Union, types.UnionType):
        choices = [choice for choice in get_args(kind) if choice is not types.NoneType]
        if len(choices) == 1:
            return choices[0]
    return kind

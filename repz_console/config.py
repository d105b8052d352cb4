"""Finds, reads and validates `config.toml`.

Places are tried in a fixed order and the first one that has a file wins. A file that others could have written is
refused: a config decides what runs and where it writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import platformdirs
from msgspec import Struct
from msgspec.structs import replace

from repz_console.inline_secrets import inline_secrets
from repz_console.mistakes import ConfigError, Mistake, check, stand_in
from repz_console.plan.model import Plan
from repz_console.plan.references import problems
from repz_console.plan.secrets import reference_problems
from repz_console.plan.wrong import Wrong, listed, shown
from repz_console.resources import shipped
from repz_console.text import safe
from repz_console.toml_merge import Document
from repz_console.trusted_file import MOST_BYTES, displayed, read_trusted

if TYPE_CHECKING:
    from repz_console.vault import Vault

__all__ = ["ConfigError", "Loaded", "Mistake", "find", "load", "load_text", "user_folder"]

NAME = "config.toml"
_LAUNCH_TABLE = re.compile(r"^[ \t]*\[[ \t]*launch[ \t]*\]", re.MULTILINE)
_SOURCE_KEYS = ("kind", "every")
_UNTOUCHED = ("source", "secret")
"""Tables whose texts are arguments, not words to show: their kinds and places make safe what they tell."""


class Loaded(Struct, frozen=True):
    """A sound config: the plan, and where each part of it stands."""

    plan: Plan
    path: Path
    text: str
    includes: dict[str, str]
    """Included file's name, as `include` has it, to its text."""
    hash: str
    """Hex SHA-256 over the text and the included texts."""
    why: str
    """Which place it was found in, such as `./config.toml`."""
    options: dict[str, Any]
    """Source id to its kind's own validated options."""
    document: Document
    vault: Vault | None = None
    """The secrets that it names. None without any, and for a text that is not this user's own file: what it names is
    never fetched."""
    inline: tuple[str, ...] = ()
    """Paths of secrets that stand in the file itself, which nobody else can read."""

    def where(self, path: str) -> str:
        """`file:line` of a path such as `rollout.production.stage[2].percent`."""
        return self.document.where(path)


def user_folder() -> Path:
    """The user's own folder for configs, themes and settings."""
    return platformdirs.user_config_path("repz-console")


def find(explicit: Path | None = None) -> tuple[Path, str]:
    """The config to use, and which place that is. A file that was named need not exist; `load` says so."""
    if explicit is not None:
        return explicit, "--config"
    named = os.environ.get("REPZ_CONFIG", "")
    if named:
        return Path(named), "$REPZ_CONFIG"
    here = Path(NAME)
    skipped = ""
    if here.is_file():
        if _has_launch(here):
            return here, "./config.toml"
        skipped = "; ./config.toml has no [launch] table"
    own = user_folder() / NAME
    if own.is_file():
        return own, f"the user's config folder{skipped}"
    return shipped(NAME), f"the packaged default{skipped}"


def load(explicit: Path | None = None) -> Loaded:
    """Find, read and validate. Raises `ConfigError` with every mistake."""
    path, why = find(explicit)
    text = read_trusted(path, ours=path == shipped(NAME))
    includes: dict[str, str] = {}
    mistakes: list[Mistake] = []
    display = displayed(path)
    first = Document({display: text})
    for index, name in enumerate(_included(first, path)):
        try:
            includes[name] = read_trusted(path.parent / name, ours=False)
        except ConfigError as error:
            place, line = first.place(f"include[{index}]")
            mistakes += [Mistake(place, line, f"include[{index}]", it.found, it.allowed) for it in error.mistakes]
    if mistakes:
        raise ConfigError(mistakes)
    # Reading the text takes most of the time: a config in one piece, as most are, is read once.
    document = _document(text, includes, path) if includes else first
    files = {displayed(file): file for file in (path, *(path.parent / name for name in includes))}
    inline = inline_secrets(document, "\n".join([text, *includes.values()]), files)
    loaded = _loaded(document, text, includes, path, why)
    return replace(loaded, vault=_vault(loaded), inline=inline)


def _vault(loaded: Loaded) -> Vault | None:
    if not loaded.plan.secret:
        return None
    from repz_console.vault import Vault  # a launch without secrets never pays for it

    return Vault(loaded.plan.secret, loaded.path.resolve().parent)


def load_text(text: str, includes: Mapping[str, str], path: Path, *, why: str = "the adopted plan") -> Loaded:
    """Validate texts that are at hand, such as those of an adopted plan; `path` names the main one in messages.

    Raises `ConfigError` with every mistake.
    """
    return _loaded(_document(text, includes, path), text, includes, path, why)


def _document(text: str, includes: Mapping[str, str], path: Path) -> Document:
    texts = {displayed(path): text}
    return Document(texts | {displayed(path.parent / name): included for name, included in includes.items()})


def _loaded(document: Document, text: str, includes: Mapping[str, str], path: Path, why: str) -> Loaded:
    plan, options = _validated(document)
    return Loaded(
        plan=plan,
        path=path,
        text=text,
        includes=dict(includes),
        hash=text_hash(text, includes),
        why=why,
        options=options,
        document=document,
    )


def text_hash(text: str, includes: Mapping[str, str]) -> str:
    """Hex SHA-256 over a config's text and its included texts with their names."""
    digest = hashlib.sha256(text.encode())
    for name, included in sorted(includes.items()):
        for part in (name, included):
            digest.update(b"\0" + part.encode())
    return digest.hexdigest()


def _included(document: Document, main: Path) -> list[str]:
    """The names that the file `main` includes, none of them itself and none of them twice by another spelling."""
    names = document.data.get("include", [])
    wrongs = list(check(names, tuple[str, ...], ("include",)))
    if not wrongs:
        itself = os.path.realpath(main)
        seen: set[str] = set()
        for index, name in enumerate(names):
            path = ("include", index)
            real = os.path.realpath(main.parent / name)
            if not name or Path(name).is_absolute():
                wrongs.append(Wrong(path, shown(name), "a relative path"))
            elif real == itself:
                wrongs.append(Wrong(path, f"{shown(name)}, which is this file itself", "another file"))
            elif real in seen:
                wrongs.append(Wrong(path, f"{shown(name)} a second time", "each file once"))
            seen.add(real)
    if wrongs:
        raise ConfigError(document.mistake(wrong) for wrong in wrongs)
    return list(names)


def _validated(document: Document) -> tuple[Plan, dict[str, Any]]:
    tables = _tables(document.data)
    wrongs: list[Wrong] = []
    try:
        plan = msgspec.convert(tables, Plan)
    except (msgspec.ValidationError, ArithmeticError):
        wrongs = list(check(tables, Plan))
        plan = msgspec.convert(stand_in(tables, Plan), Plan)
    # What was put in only to go on judging is itself no mistake of the person's.
    told = [wrong.path for wrong in wrongs]
    wrongs += [it for it in problems(plan) if not any(it.path[: len(path)] == path for path in told)]
    wrongs += reference_problems(document.data.get("store", {}), ("store",), plan.secret)
    options: dict[str, Any] = {}
    sources = document.data.get("source", {})
    if isinstance(sources, dict):
        for name, source in sources.items():
            if isinstance(source, dict) and isinstance(source.get("kind"), str):
                wrongs += reference_problems(source, ("source", name), plan.secret)
                for found in _source_options(name, source):
                    if isinstance(found, Wrong):
                        wrongs.append(found)
                    else:
                        options[name] = found
    if wrongs:
        mistakes = [document.mistake(wrong) for wrong in wrongs]
        raise ConfigError(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line, mistake.path)))
    return plan, options


def _tables(data: dict[str, Any]) -> dict[str, Any]:
    """The document with every text made safe, and each source's own keys gathered under `options`, untouched."""
    tables = {key: value if key in _UNTOUCHED else _made_safe(value) for key, value in data.items()}
    sources = tables.get("source")
    if isinstance(sources, dict):
        tables["source"] = {
            name: {
                **{key: _made_safe(source[key]) for key in _SOURCE_KEYS if key in source},
                "options": {key: value for key, value in source.items() if key not in _SOURCE_KEYS},
            }
            if isinstance(source, dict)
            else source
            for name, source in sources.items()
        }
    return tables


def _made_safe(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, list):
        return [_made_safe(element) for element in value]
    if isinstance(value, dict):
        return {key: _made_safe(inner) for key, inner in value.items()}
    return value


def _source_options(name: str, source: dict[str, Any]) -> Iterator[Any]:
    """The options of one source's kind, or every `Wrong` that is in them."""
    # A provider's module is loaded only where the config names its kind, and none for a mistake's sake alone.
    from repz_console.providers import registry

    path = ("source", name)
    kind = source["kind"]
    try:
        options = registry.load(kind).Options
    except registry.UnknownKind as error:
        yield Wrong((*path, "kind"), shown(kind), listed(error.known), error.nearest)
        return
    except (registry.BrokenKind, ImportError) as error:
        yield Wrong((*path, "kind"), f"{shown(kind)}, which cannot be loaded ({safe(error)})", "a kind that loads")
        return
    given = {key: value for key, value in source.items() if key not in _SOURCE_KEYS}
    wrongs = list(check(given, options, path, also=_SOURCE_KEYS))
    if wrongs:
        yield from wrongs
        return
    try:
        yield msgspec.convert(given, options)
    except msgspec.ValidationError as error:
        yield Wrong(path, f"options that do not fit ({safe(error)})", f"what the kind {kind} takes")


def _has_launch(path: Path) -> bool:
    """Whether a file in the working folder speaks of a launch. One that cannot be read counts: `load` must say so."""
    try:
        with path.open("rb") as file:
            return _LAUNCH_TABLE.search(file.read(MOST_BYTES).decode(errors="replace")) is not None
    except OSError:
        return True

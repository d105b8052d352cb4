"""Where secrets come from, who refers to them, and which stand in a config for everyone who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from repz_console.plan.wrong import Path, Wrong, listed, nearest, shown

PLACES = ("command", "credential", "file", "keyring", "env")
"""The keys of a `[secret.NAME]` table of which it has exactly one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class SecretPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[secret.NAME]`: where a secret is kept. Exactly one of the places; the secret itself stands in none."""

    command: tuple[str, ...] = ()
    """A program and its arguments, run without a shell; what it prints is the secret."""
    inherit: tuple[str, ...] = ()
    """Environment variables that the command is given beyond the usual ones, such as `VAULT_ADDR`."""
    credential: str = ""
    """Name of a systemd credential, a file in `$CREDENTIALS_DIRECTORY`."""
    file: str = ""
    """A file that only its owner can read; `~` is your home, a relative path starts at the config's folder."""
    keyring: str = ""
    """`service/user` in the system's keyring, through the Python package `keyring`."""
    env: str = ""
    """An environment variable. The weakest place: whatever started the console knows it too."""

    @property
    def place(self) -> str:
        """Which of `PLACES` it is; empty if there is not exactly one."""
        named = [place for place in PLACES if getattr(self, place)]
        return named[0] if len(named) == 1 else ""


class SecretRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{ secret = "NAME", prefix = "Bearer " }`: the place of a secret in a source's options."""

    secret: str
    """Name of a `[secret.NAME]` table."""
    prefix: str = ""
    """What stands before it."""


def secret_problems(places: Mapping[str, SecretPlace]) -> Iterator[Wrong]:
    """What types cannot say of `[secret]` tables."""
    for name, place in places.items():
        path = ("secret", name)
        if not _NAME.match(name):
            yield Wrong(path, "this name", "letters, digits, `_`, `-` and `.`, at most 60")
        if not place.place:
            named = listed([key for key in PLACES if getattr(place, key)], "and")
            yield Wrong(path, named if named != "none" else "no place", f"exactly one of {listed(PLACES)}")
        if place.inherit and not place.command:
            yield Wrong((*path, "inherit"), "this key", "only with command")
        for index, variable in enumerate(place.inherit):
            if not _VARIABLE.match(variable):
                yield Wrong((*path, "inherit", index), "this name", "an environment variable's name")
        if place.env and not _VARIABLE.match(place.env):
            yield Wrong((*path, "env"), "this name", "an environment variable's name")
        if place.credential and ("/" in place.credential or place.credential.startswith(".")):
            yield Wrong((*path, "credential"), "a path", "the credential's name alone")
        if place.keyring and not all(place.keyring.partition("/")):
            yield Wrong((*path, "keyring"), "this", "service/user")


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where in a table, as parsed from TOML, a secret is referred to, and its name."""
    for inner_path, inner in _walk(value, path):
        if _is_reference(inner):
            yield inner_path, inner["secret"]


def reference_problems(value: Any, path: Path, known: Mapping[str, SecretPlace]) -> Iterator[Wrong]:
    """References to secrets that no `[secret.NAME]` table describes."""
    for found, name in references(value, path):
        if name not in known:
            tables = f"the name of a [secret] table: {listed(list(known))}"
            yield Wrong((*found, "secret"), shown(name), tables, nearest(name, known))


class Literal(Struct, frozen=True):
    """A secret that stands in the config itself."""

    path: Path
    value: str
    """The part that is secret."""


_SECRET_KEY = re.compile(
    r"(?:^|[_.-])(?:authorization|cookie|passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|signing[_-]?key|app(?:lication)?[_-]?key)s?\Z",
    re.IGNORECASE,
)
_OPTIONS = ("source", "store")
"""The tables whose keys are options; elsewhere a key's name says nothing."""
_SECRET_TEXT = re.compile(
    r"""[a-z][a-z0-9+.-]*://[^\s/:@?#]*:(?P<userinfo>[^\s/@]+)@
      | ://[^\s?]+\?(?:[^\s]*&)?(?:api_?key|key|sig|signature|(?:access_|auth_|private_)?token|secret|password)=(?P<query>[^&\s"']{8,})
      | \b(?:Bearer|Basic)\s+(?P<header>[A-Za-z0-9._~+/=-]{16,})
      | (?P<token>\bgh[opusr]_[A-Za-z0-9]{30,} | \bgithub_pat_\w{30,} | \bglpat-[\w-]{20,} | \bxox[abeprs]-[\w-]{10,}
          | \bsk_live_\w{16,} | \bsk-[A-Za-z0-9_-]{32,} | \bAKIA[0-9A-Z]{16}\b | \beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)
      | hooks\.slack\.com/services/(?P<hook>[A-Z0-9]+/[A-Z0-9]+/\w+)
      | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----(?P<key>.+)""",
    re.VERBOSE | re.DOTALL,
)
_HINTS = (
    *("Bearer ", "Basic ", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "sk_live_", "sk-"),
    *("AKIA", "eyJ", "hooks.slack.com", "PRIVATE KEY"),
)
"""What every text that `_SECRET_TEXT` finds has in it, if not a URL with a user or a query."""
_URL = re.compile(r"://[^\s]*[@?]")
_PLACEHOLDER = re.compile(r"[<\[{$*%•]|\.\.\.|x+\Z", re.IGNORECASE)
"""How documents write what a reader is to fill in."""


def literals(data: Mapping[str, Any], text: str) -> Iterator[Literal]:
    """Secrets that stand in a config's tables, as parsed from `text`: by what they look like and, in the options of
    sources and of the store, by their key's name.
    """
    # Most configs are prose without a trace of one: the look at the text costs a tenth of the walk.
    whole = any(hint in text for hint in _HINTS) or _URL.search(text)
    tables = data if whole else {name: data[name] for name in _OPTIONS if name in data}
    for path, value in _walk(tables, ()):
        if isinstance(value, str) and value and (secret := _literal(path, value)):
            yield Literal(path, secret)


def _literal(path: Path, value: str) -> str:
    found = _SECRET_TEXT.search(value)
    if found is not None:
        secret = next(part for part in found.groups() if part is not None)
        return "" if _PLACEHOLDER.match(secret) else secret
    named = path[0] in _OPTIONS and isinstance(path[-1], str) and _SECRET_KEY.search(path[-1])
    return value if named and not _PLACEHOLDER.match(value) else ""


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if _is_reference(value):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, index))


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("secret"), str) and value.keys() <= {"secret", "prefix"}

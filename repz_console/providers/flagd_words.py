"""What a change does to a flag definition file, in words, and how to do without the console what a kill does."""

from __future__ import annotations

import shlex
from pathlib import Path

from repz_console.facts import Change
from repz_console.plan.exposure import cells
from repz_console.providers.flagd_state import Layout
from repz_console.text import safe

_OFF = (
    "import json, os, shutil, sys, time; path, start, rollout = sys.argv[1:]; path = os.path.realpath(path); "
    "old = os.stat(path); document = json.load(open(path)); "
    'ours = [flag for key, flag in document["flags"].items() if key.startswith(start) '
    'and (flag.get("metadata") or {}).get("repz.rollout", rollout) == rollout]; '
    '[(flag.pop("targeting", 0), flag.update(state="ENABLED", variants={"on": True, "off": False}, '
    'defaultVariant="off")) for flag in ours]; '
    'new = path + ".break-glass"; out = open(new, "w"); json.dump(document, out, indent=2); out.flush(); '
    "os.fsync(out.fileno()); out.close(); shutil.copymode(path, new); "
    "os.stat(new).st_gid == old.st_gid or os.chown(new, -1, old.st_gid); "
    "at = max(time.time_ns(), old.st_mtime_ns + 10**9); os.utime(new, ns=(at, at)); os.replace(new, path); "
    'print(len(ours), "flags off")'
)
"""Replaced whole, with what others keep in it, and newer than before, since clients pass an older file over."""


def calls(layout: Layout, path: Path, change: Change) -> tuple[str, ...]:
    """A line for each flag that a change writes, and one for the file they are in."""
    shown = cells(change.target)
    lines = []
    for feature in sorted({*layout.features, *change.target.features}):
        shares = [f"{region} {percent:g} %" for (region, of), percent in sorted(shown.items()) if of == feature]
        lines.append(f"  {layout.key(feature)}: {', '.join(shares) or 'off for everybody'}")
    return (f"replace {safe(path)} if {layout.rollout} is at {_revision(change)}, with", *lines)


def card(layout: Layout, path: Path) -> tuple[str, ...]:
    """What takes a rollout to nobody in the file itself."""
    arguments = " ".join(shlex.quote(each) for each in (str(path), layout.key(""), layout.rollout))
    return (
        f"# Takes {layout.rollout} to nobody: every flag of it off in {safe(path)}. Needs python3.",
        f"python3 -c {shlex.quote(_OFF)} {arguments}",
        "# A file that is no JSON stays as it is, and clients with what they had: put one in its place whose flags",
        '# have "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", and nothing else;',
        "# clients refuse a file whole for one member that they do not know. It must be newer than before: touch it.",
    )


def _revision(change: Change) -> str:
    return "any revision" if change.force else safe(change.expect, 60)

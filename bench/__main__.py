"""`python -m bench [--quick] [NAME ...]`: measure the console and print every figure beside its peer's.

Never fails for a slow figure: it prints what missed. Needs htop for the comparisons with it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.measures import MEASURES, Figure


def main() -> int:
    """Measure what is named, or everything."""
    arguments = sys.argv[1:]
    quick = "--quick" in arguments
    names = [name for name in arguments if not name.startswith("-")] or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no such measurement: {', '.join(unknown)}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    if shutil.which("htop") is None:
        print("htop is needed as a peer: install it first (Debian: apt-get install htop)", file=sys.stderr)
        return 2
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"{'figure':<38} {'ours':>10} {'peer':>10} {'ratio':>6}  {'limit':<9} against")
    for name in names:
        with tempfile.TemporaryDirectory(prefix="repz-bench-") as folder:
            for figure in MEASURES[name](Path(folder), quick):
                print(_row(figure), flush=True)
    return 0


def _row(figure: Figure) -> str:
    peer = f"{figure.peer:.0f} {figure.unit}" if figure.peer is not None else ""
    ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
    ours = f"{figure.ours:.1f}" if figure.ours < 10 else f"{figure.ours:.0f}"
    missed = "" if figure.ok else "  MISSED"
    figures = f"{figure.name:<38} {ours + ' ' + figure.unit:>10} {peer:>10} {ratio:>6}"
    return f"{figures}  {figure.limit:<9} {figure.peer_name}{missed}"


if __name__ == "__main__":
    raise SystemExit(main())

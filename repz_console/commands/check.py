"""`repz-console check`: whether a config is valid, and where its plan contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from repz_console import config
from repz_console.commands.common import config_option, config_path, print_json, print_line
from repz_console.commands.exits import Exit
from repz_console.inline_secrets import REMEDY
from repz_console.plan.lint import Finding, findings
from repz_console.tui.paint.format import count

_SEVERITIES = ("error", "warning", "info")


@click.command
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print mistakes and findings as data.")
@click.option("--strict", is_flag=True, help="Exit 1 if there is any error or warning, for use before a commit.")
@config_option
@click.pass_context
def command(ctx: click.Context, file: Path | None, as_json: bool, strict: bool) -> int:
    """Validate FILE, or the config that would be used, and report where its plan contradicts itself.

    Exits 2 with every mistake if the file cannot be used. Contradictions are reported and leave the exit code at 0,
    unless --strict is given: a plan is allowed to be imperfect.
    """
    try:
        loaded = config.load(file or config_path(ctx))
    except config.ConfigError as error:
        if not as_json:
            raise
        print_json({"valid": False, "mistakes": msgspec.to_builtins(error.mistakes), "findings": []})
        return Exit.INPUT
    found = [*_inline(loaded), *findings(loaded.plan, loaded.where, datetime.now(UTC))]
    if as_json:
        print_json(
            {
                "valid": True,
                "file": str(loaded.path),
                "hash": loaded.hash,
                "mistakes": [],
                "findings": msgspec.to_builtins(found),
            }
        )
    else:
        for line in _report(loaded, found):
            print_line(line)
    return Exit.FOUND if strict and any(finding.severity != "info" for finding in found) else Exit.DONE


def _inline(loaded: config.Loaded) -> Iterator[Finding]:
    """Secrets in a config that nobody else can read: one chmod or one commit would give them away."""
    for path in loaded.inline:
        text = f"a secret stands in the config itself; better {REMEDY}"
        yield Finding("inline-secret", "warning", text, (path,), (loaded.where(path),))


def _report(loaded: config.Loaded, found: Sequence[Finding]) -> Iterator[str]:
    for severity in _SEVERITIES:
        for finding in found:
            if finding.severity == severity:
                yield f"{severity:<8} {finding.rule}: {finding.text}"
                for figure, where in zip(finding.figures, finding.where, strict=False):
                    yield f"           {figure}  ({where})"
    told = ", ".join(
        count(number, severity) if severity != "info" else f"{number} info"
        for severity in _SEVERITIES
        if (number := sum(finding.severity == severity for finding in found))
    )
    found_in = "" if loaded.why == "--config" else f" ({loaded.why})"
    yield f"{loaded.path}{found_in} is valid: {told or 'nothing contradicts itself'}"

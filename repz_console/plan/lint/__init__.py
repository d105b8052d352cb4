"""Where a plan contradicts itself, or holds a trap: each with its rule, both figures and where they stand.

A finding never refuses a plan: the plan is kept as written and the launch director settles it. Every rule reads any
plan, and knows nothing of a particular one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec.structs import replace

from repz_console.plan.lint import calendar, figures, gates, launch, people, ramp, steps
from repz_console.plan.lint.finding import SEVERITIES, Finding, Severity
from repz_console.plan.model import Plan

__all__ = ["RULES", "Finding", "Severity", "findings"]

Rule = Callable[[Plan, datetime], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    *calendar.RULES,
    *launch.RULES,
    *ramp.RULES,
    *steps.RULES,
    *gates.RULES,
    *figures.RULES,
    *people.RULES,
)


def findings(plan: Plan, where: Callable[[str], str], now: datetime) -> tuple[Finding, ...]:
    """Everything that the rules find, errors first; `where` gives `file:line` of a path."""
    found = [finding for rule in RULES for finding in rule(plan, now)]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(replace(finding, where=tuple(f"{where(path)} {path}" for path in finding.where)) for finding in found)

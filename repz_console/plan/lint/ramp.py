"""Rules about the rollout: stages, features, regions, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Plan
from repz_console.plan.wrong import listed

_ROLL_BACK = re.compile(r"\broll(?:ing)?[ -]?back\b", re.IGNORECASE)
_EVERYBODY = 100


def terminal_stage_missing(plan: Plan, now: datetime) -> Iterator[Finding]:
    """The plan never says when everybody is let in."""
    for name, rollout in plan.rollout.items():
        if not rollout.stage or any(stage.percent >= _EVERYBODY and stage.percent_stated for stage in rollout.stage):
            continue
        stages = list(enumerate(rollout.stage))
        highest, top = max(stages, key=lambda pair: pair[1].percent if pair[1].percent_stated else -1)
        last, end = stages[-1]
        said = f"{end.percent:g} %" if end.percent_stated else "no percent stated"
        yield Finding(
            "terminal-stage-missing",
            "error",
            f"{rollout.title} is never said to reach 100 %: the plan states no stage, and no time, for it.",
            tuple(dict.fromkeys([f"{top.title}: {top.percent:g} %", f"{end.title}: {said}"])),
            tuple(dict.fromkeys(f"rollout.{name}.stage[{index}].percent" for index in (highest, last))),
        )


def stage_without_time(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Stages have a day and no time."""
    for name, rollout in plan.rollout.items():
        silent = [index for index, stage in enumerate(rollout.stage) if stage.at.time is None]
        if silent:
            titles = listed([rollout.stage[index].title for index in silent], "and")
            yield Finding(
                "stage-without-time",
                "warning",
                f"{rollout.title}: no time is stated for {titles}; read as 00:00.",
                tuple(f"{rollout.stage[index].title} {rollout.stage[index].at.on}" for index in silent),
                tuple(f"rollout.{name}.stage[{index}].at" for index in silent),
            )


def undefined_set(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A region's countries were filled in, not planned."""
    for index, region in enumerate(plan.region):
        if not region.countries_stated:
            yield Finding(
                "undefined-set",
                "warning",
                f"The plan does not say which countries {region.title} are; the list here is a guess.",
                (region.title, " ".join(region.countries) or "every other country"),
                (f"region[{index}].countries",),
            )


def unresolved_reference(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A rollout's features and the plan's flags have no name in common."""
    flags = [flag.id for flag in plan.flag]
    for name, rollout in plan.rollout.items():
        used = list(dict.fromkeys(feature for stage in rollout.stage for feature in stage.features))
        if flags and used and not set(used) & set(flags):
            yield Finding(
                "unresolved-reference",
                "error",
                f"{rollout.title} switches features that none of the plan's flags is named after.",
                (f"features {', '.join(used)}", f"flags {', '.join(flags)}"),
                (f"rollout.{name}.stage", "flag"),
            )


def missing_rollback(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A runbook asks to roll back, and no runbook says with which command."""
    asked = ""
    title = ""
    for index, runbook in enumerate(plan.runbook):
        for number, part in enumerate(runbook.parts):
            for position, step in enumerate(part.steps):
                if _ROLL_BACK.search(step.command):
                    return
                if not asked and _ROLL_BACK.search(step.title):
                    asked = f"runbook[{index}].parts[{number}].steps[{position}]"
                    title = step.title
    if asked:
        commands = sum(bool(step.command) for book in plan.runbook for part in book.parts for step in part.steps)
        yield Finding(
            "missing-rollback",
            "error",
            "A runbook says to roll back, and none has the command that does it.",
            (f'"{title}"', f"0 of {commands} commands roll back"),
            (asked, "runbook"),
        )


RULES = (terminal_stage_missing, stage_without_time, undefined_set, unresolved_reference, missing_rollback)

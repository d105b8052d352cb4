"""`repz-console doctor`: everything the console stands on, looked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click

from repz_console.commands.common import config_option, config_path, print_json, print_line
from repz_console.commands.examine import (
    clock,
    configuration,
    copies,
    secrets,
    sharing,
    sources,
    storage,
    terminal,
    way_back,
)
from repz_console.commands.examine.answer import Answer
from repz_console.commands.exits import Exit
from repz_console.plan.model import Plan
from repz_console.store import place
from repz_console.store.errors import StoreError

_SIGNS = {"ok": "ok  ", "note": "note", "warn": "WARN", "bad": "BAD "}


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print the answers as data.")
@config_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """Look at the terminal, tmux, the config, the store, every source and the clock, and say what to mend.

    Each source is asked once. Nothing is written but the store's folder and its emergency file if they are missing, and
    there, to see that it can be, what is taken out again at once. Exits 0 if nothing stands in the way of running a
    launch, else 1.
    """
    answers = _everything(config_path(ctx))
    if as_json:
        print_json(answers)
    else:
        for line in _report(answers):
            print_line(line)
    return Exit.FOUND if any(answer.state == "bad" for answer in answers) else Exit.DONE


def _everything(explicit: Path | None) -> list[Answer]:
    answers = terminal.here()
    configured, loaded = configuration.examine(explicit)
    answers += configured
    if loaded is not None:
        answers += asyncio.run(secrets.examine(loaded))
        answers += storage.examine(loaded.plan.store.path, loaded.path.parent)
        try:
            state = place.folder(loaded.plan.store.path, loaded.path.parent)
        except StoreError:
            state = None
        if state is not None:
            answers += sharing.examine(state, loaded.plan.seat)
            answers += copies.examine(state, loaded.plan.store.anchor, loaded.path.parent, loaded.plan.launch.name)
        asked = asyncio.run(sources.examine(loaded, state))
        answers += [*asked, *way_back.examine(loaded, state, asked)]
    return answers + clock.examine(zones(loaded.plan) if loaded is not None else ())


def zones(plan: Plan) -> set[str]:
    """Every time zone that the plan names."""
    moments = [plan.launch.full_launch, *(stage.at for rollout in plan.rollout.values() for stage in rollout.stage)]
    named = {plan.launch.zone, *(moment.zone for moment in moments), *(ritual.zone for ritual in plan.ritual)}
    return named - {""}


def _report(answers: list[Answer]) -> Iterator[str]:
    area = ""
    width = max(len(answer.subject) for answer in answers)
    for answer in answers:
        if answer.area != area:
            yield from ([""] if area else [])
            area = answer.area
            yield area
        yield f"  {_SIGNS[answer.state]}  {answer.subject.ljust(width)}  {answer.line}"
        if answer.remedy:
            yield f"        {' ' * width}  > {answer.remedy}"
    bad = sum(answer.state == "bad" for answer in answers)
    warned = sum(answer.state == "warn" for answer in answers)
    yield ""
    yield f"{bad} to mend, {warned} to know about" if bad or warned else "all is well"

"""Launches to measure: the shipped plan in a folder of its own, made quiet, busy or large."""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from bench import waves
from repz_console.config import load
from repz_console.events import BugFiled
from repz_console.facts import PRIORITIES, Change, Exposure
from repz_console.providers.base import Context
from repz_console.providers.flagd import Flagd, FlagdOptions
from repz_console.resources import shipped
from repz_console.store.identity import actor
from repz_console.store.journal import Journal

CHUNK = 500


def launch(folder: Path, *, sources: str = "", tasks: int = 0) -> dict[str, str]:
    """Write the shipped plan into `folder`, its own sources replaced by `sources` if given; returns the environment.

    `tasks` adds so many bars to the plan's first phase.
    """
    text = shipped("config.toml").read_text()
    start = text.index("[source.")
    if sources:
        text = text[:start] + sources
    text += "".join(
        f'\n[[task]]\nid = "extra-{number}"\ntitle = "Extra task {number}"\nphase = "preparation"\n'
        f"start = 2024-01-{number % 28 + 1:02}\ndays = {number % 5 + 1}\n"
        for number in range(tasks)
    )
    config = folder / "config.toml"
    config.write_text(text)
    config.chmod(0o600)
    state = folder / "state"
    state.mkdir(exist_ok=True)
    waves.install(folder / "plugins")
    environment = {
        "REPZ_CONFIG": str(config),
        "XDG_STATE_HOME": str(state),
        "XDG_CONFIG_HOME": str(folder / "settings"),
        "HOME": str(folder),
        "PYTHONPATH": f"{folder / 'plugins'}:{Path(__file__).resolve().parent.parent}",
    }
    return environment


def quiet_sources(count: int) -> str:
    """`count` flag files polled every second, none of which changes."""
    return '[source.plan]\nkind = "plan"\n[source.bugs]\nkind = "local"\n[source.spend]\nkind = "ledger"\n' + "".join(
        f'[source.flags{number or ""}]\nkind = "flagd"\nevery = 1\npath = "state:flags{number}.json"\n'
        for number in range(count)
    )


def busy_sources() -> str:
    """Five values that change every second, and the machine's own figures."""
    return (
        '[source.plan]\nkind = "plan"\n[source.bugs]\nkind = "local"\n[source.spend]\nkind = "ledger"\n'
        '[source.flags]\nkind = "flagd"\nevery = 60\npath = "state:flags.json"\n'
        '[source.box]\nkind = "host"\nevery = 1\n[source.sea]\nkind = "waves"\nevery = 1\n'
    )


def fill_bugs(environment: dict[str, str], count: int) -> None:
    """File `count` bugs in the launch's journal."""
    folder = Path(environment["XDG_STATE_HOME"]) / "repz-console"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = Journal.open(folder)
    who = actor()
    at = datetime.now(UTC)
    events = [
        BugFiled(
            source="bugs",
            bug=f"B{number:05}",
            title=f"Something is wrong with part {number} of the product",
            priority=PRIORITIES[2 + number % 3],
        )
        for number in range(count)
    ]
    for start in range(0, count, CHUNK):
        journal.append_many(events[start : start + CHUNK], who, at=at)
    journal.close()


def expose(environment: dict[str, str]) -> Path:
    """Let 20 % of everybody in, as somebody outside the console would; returns the flag file."""
    plan, state = load(Path(environment["REPZ_CONFIG"])).plan, Path(environment["XDG_STATE_HOME"]) / "repz-console"
    flags = Flagd(FlagdOptions(path="state:flags.json"), Context("flags", plan, state, state))
    target = Exposure(dict.fromkeys(plan.rollout["production"].regions, 20.0), ("core",))

    async def write() -> None:
        before = await flags.read("production")
        await flags.apply(Change(secrets.token_hex(8), "production", target, before.revision, "bench"))

    asyncio.run(write())
    return state / "flags.json"


def environment_of(folder: Path) -> dict[str, str]:
    """A plain environment for a peer, with nothing of this machine's own settings."""
    return {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PATH": os.environ["PATH"]}

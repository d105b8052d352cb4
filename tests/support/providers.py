"""A small plan and the providers of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from repz_console.events import AnyEvent, Entry
from repz_console.facts import Actor, Change, Exposure
from repz_console.plan.model import (
    Budget,
    BudgetCategory,
    BudgetLine,
    Feature,
    Launch,
    Moment,
    Plan,
    Region,
    Rollout,
    Source,
    Stage,
)
from repz_console.providers import registry
from repz_console.providers.base import Context
from repz_console.providers.flagd import Flagd

START = datetime(2027, 2, 1, 9, tzinfo=UTC)
FEATURES = ("adaptive", "core", "full")


def stage(percent: float) -> Stage:
    """A stage of all regions and features."""
    return Stage(id=f"at{percent:g}", title="", at=Moment(on=date(2027, 2, 1)), percent=percent, features=FEATURES)


REGIONS = (
    Region(id="us", title="United States", countries=("US",)),
    Region(id="ca", title="Canada", countries=("CA",)),
    Region(id="english", title="English-speaking", countries=("GB", "IE", "AU", "NZ")),
    Region(id="world", title="Everywhere else"),
)


def plan(regions: tuple[Region, ...] = REGIONS) -> Plan:
    """Two rollouts in one controller `flags`, and a budget."""
    ids = tuple(region.id for region in regions)
    return Plan(
        launch=Launch(
            name="repz", title="REPZ", environment="PRODUCTION", zone="UTC", full_launch=Moment(on=date(2027, 2, 5))
        ),
        region=regions,
        feature=tuple(Feature(id=feature, title=feature) for feature in FEATURES),
        rollout={
            name: Rollout(title=name, controller="flags", cohort="visitors", regions=ids, stage=(stage(20), stage(100)))
            for name in ("beta", "production")
        },
        budget=Budget(
            currency="USD",
            total=Decimal(10000),
            category=(
                BudgetCategory(
                    id="infra",
                    title="Infrastructure",
                    amount=Decimal(2000),
                    line=(BudgetLine(id="hosting", title="Hosting"), BudgetLine(id="monitoring", title="Monitoring")),
                ),
            ),
        ),
    )


def context(folder: Path, source: str = "s", of: Plan | None = None) -> Context:
    """Everything in one folder."""
    return Context(source=source, plan=of or plan(), folder=folder, state=folder)


def provider(kind: str, folder: Path, source: str = "s", of: Plan | None = None, **options: Any) -> Any:
    """A provider of a kind, as a config table would make it."""
    return registry.create(source, Source(kind=kind, options=options), None, context(folder, source, of))


def flags(folder: Path, of: Plan | None = None, **options: Any) -> Flagd:
    """The controller of the plan's rollouts, its file `flags.json` in `folder`."""
    made: Flagd = provider("flagd", folder, "flags", of, path="flags.json", **options)
    return made


def change(op: str, percent: dict[str, float], *features: str, expect: str = "0", **more: Any) -> Change:
    """A change of the production rollout."""
    target = Exposure(percent, tuple(sorted(features)), more.pop("key", "targetingKey"))
    return Change(op=op, rollout=more.pop("rollout", "production"), target=target, expect=expect, who="maya", **more)


def entries(*events: AnyEvent, user: str = "maya", first: int = 1) -> Sequence[Entry]:
    """Events as the journal gives them, a minute apart."""
    return [
        Entry(
            seq=seq,
            at=START + timedelta(minutes=seq),
            kind=type(event).__name__,
            event=event,
            actor=Actor(user=user, uid=1000, host="jump"),
            hash="",
        )
        for seq, event in enumerate(events, first)
    ]

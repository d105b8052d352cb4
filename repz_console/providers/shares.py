"""From who is let in by country to a rollout's exposure by region. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from repz_console.facts import Exposure
from repz_console.plan.model import Region
from repz_console.providers.base import ProviderError
from repz_console.text import identifier

EVERYWHERE_ELSE = ""
"""Stands for a country that nobody names, and for people whose country is not known."""

Shares = Mapping[str, tuple[float, float]]
"""Region to the lowest and the highest percent that any of its people have of seeing a feature."""


class ByCountry(Protocol):
    """Who a flag lets in."""

    @property
    def countries(self) -> AbstractSet[str]:
        """Those that it treats by name."""
        ...

    def percent(self, country: str) -> float:
        """The highest share that people of a country may have."""
        ...

    def least(self, country: str) -> float:
        """The share that people of a country have at least."""
        ...


def by_region(regions: Sequence[Region], rule: ByCountry, flag: str, notes: list[str]) -> Shares:
    """Each region's shares of one flag; `notes` takes what a share does not tell. Raises `ProviderError` where people
    are let in that no region counts.
    """
    named = {country for region in regions for country in region.countries}
    others = (rule.countries - named) | {EVERYWHERE_ELSE}
    elsewhere = {rule.percent(country) for country in others}
    shares: dict[str, tuple[float, float]] = {}
    for region in regions:
        values = {rule.percent(country) for country in region.countries} or elsewhere
        shares[region.id] = min(rule.least(country) for country in region.countries or others), max(values)
        if len(values) > 1:
            notes.append(
                f"flag {identifier(flag)}: not all countries of region {region.id} are alike: "
                "the highest share is given"
            )
    if all(region.countries for region in regions) and max(elsewhere) > 0:
        raise ProviderError(f"flag {identifier(flag)}: it is shown to people who are in no region of the plan")
    return shares


def together(
    regions: Sequence[Region], shares: Mapping[str, Shares], key: str, notes: list[str]
) -> tuple[Exposure, Exposure | None]:
    """What features with these shares show, and what they show at least where shares differ within that."""
    shown = {feature: share for feature, share in shares.items() if any(high for _, high in share.values())}
    percent: dict[str, float] = {}
    lowest: dict[str, float] = {}
    for region in regions:
        values = {share[region.id][1] for share in shown.values()}
        if len(values) > 1:
            notes.append(f"the features' shares differ in region {region.id}: the highest is given")
        if max(values, default=0.0) > 0:
            percent[region.id] = max(values)
            lowest[region.id] = min(share[region.id][0] for share in shown.values())
    exposure = Exposure(percent=percent, features=tuple(sorted(map(identifier, shown))), key=key)
    return exposure, None if lowest == percent else Exposure(percent=lowest, features=exposure.features, key=key)

"""Whom the strategies of an Unleash flag let in, and the strategies that let in whom a rollout means to. No I/O.

A person is let in who satisfies any enabled strategy. One of `flexibleRollout` takes those whose hash of group and
stickiness, from 1 to 100, is at most its rollout: with one group and one stickiness the higher share holds the lower
one. Unleash itself takes anything for a rollout, and what it then shows depends on the client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from repz_console.facts import Exposure
from repz_console.plan.exposure import cells
from repz_console.plan.model import Region
from repz_console.providers.base import Refused
from repz_console.text import identifier, safe

FLEXIBLE = "flexibleRollout"
"""The one type of strategy that is written."""
KEY = "targetingKey"
"""What an exposure calls the bucketing that the source's options say."""

_WHOLE = re.compile(r"(100|[1-9]?[0-9])\Z")
_IN, _NOT_IN = "IN", "NOT_IN"


class Strategy(Struct, frozen=True):
    """One strategy as the Admin API has it."""

    id: str
    name: str
    title: str | None = None
    disabled: bool | None = False
    constraints: tuple[dict[str, Any], ...] = ()
    parameters: dict[str, Any] = {}
    segments: tuple[int, ...] | None = ()
    variants: tuple[Any, ...] | None = ()


class Environment(Struct, frozen=True):
    """A flag in one environment."""

    name: str
    enabled: bool = False
    strategies: tuple[Strategy, ...] = ()

    @property
    def active(self) -> tuple[Strategy, ...]:
        """The strategies that clients are given."""
        return tuple(strategy for strategy in self.strategies if not strategy.disabled)


class Flag(Struct, frozen=True):
    """What `GET .../features/NAME` says of a flag, as far as it matters here."""

    name: str
    environments: tuple[Environment, ...] = ()
    dependencies: tuple[Any, ...] | None = field(default=())

    def at(self, environment: str) -> Environment | None:
        """Its state in that environment; None where the project does not have it."""
        return next((each for each in self.environments if each.name == environment), None)


class Bucketing(Struct, frozen=True):
    """What people are told apart by."""

    group: str
    stickiness: str
    attribute: str
    """The context field that holds a person's ISO 3166 country code."""

    def key(self, strategy: Strategy) -> str:
        """The bucketing of a strategy, in the word that an exposure has for it."""
        group = strategy.parameters.get("groupId")
        stickiness = strategy.parameters.get("stickiness")
        if (group, stickiness) == (self.group, self.stickiness):
            return KEY
        return identifier(f"{stickiness}:{group}")


class Wanted(Struct, frozen=True):
    """A strategy that is to be: so many percent of the people whom its constraints name."""

    percent: int
    constraints: tuple[dict[str, Any], ...]
    countries: frozenset[str]
    """The regions' countries that it takes by name; with `EVERYWHERE_ELSE` for the region of all others."""


class Rule:
    """Whom one flag lets in, by country."""

    def __init__(self, flag: Flag, environment: Environment, bucketing: Bucketing) -> None:
        """`environment` is the flag's."""
        self._bucketing = bucketing
        self._open = environment.enabled and not environment.active
        self._strategies = environment.active if environment.enabled else ()
        self.countries: set[str] = set()
        """The countries that some strategy names."""
        self.keys: set[str] = set()
        """What people are bucketed by, where there is a choice."""
        self.odd: list[str] = []
        """What a share does not tell, one line each."""
        self._held_back = environment.enabled and bool(flag.dependencies)
        if self._open:
            self.odd.append("it is on without any enabled strategy, which lets in everybody")
        if self._held_back:
            self.odd.append("it depends on another flag, which may take people out")
        for strategy in self._strategies:
            for constraint in strategy.constraints:
                if self._names_countries(constraint):
                    self.countries |= set(map(str, constraint.get("values") or ()))
            self.odd += _oddities(strategy, bucketing)
            low, high = _rollout(strategy)
            if high > 0 and (low, high) != (100, 100):
                self.keys.add(bucketing.key(strategy) if strategy.name == FLEXIBLE else identifier(strategy.name))

    def percent(self, country: str) -> float:
        """The highest share of a country's people who may be let in."""
        if self._open:
            return 100.0
        highest: dict[str, float] = {}
        for strategy in self._strategies:
            key = self._bucketing.key(strategy)
            highest[key] = max(highest.get(key, 0.0), self._share(strategy, country)[1])
        return min(100.0, sum(highest.values()))  # at most: two bucketings know nothing of each other

    def least(self, country: str) -> float:
        """The share of a country's people who are let in whatever else is asked of them."""
        if self._held_back:
            return 0.0
        if self._open:
            return 100.0
        return max((self._share(strategy, country)[0] for strategy in self._strategies), default=0.0)

    def _names_countries(self, constraint: dict[str, Any]) -> bool:
        return names_countries(constraint, self._bucketing.attribute)

    def _share(self, strategy: Strategy, country: str) -> tuple[float, float]:
        low, high = _rollout(strategy)
        if strategy.segments:
            low = 0.0
        for constraint in strategy.constraints:
            if not self._names_countries(constraint):
                low = 0.0
                continue
            named = country in (constraint.get("values") or ())
            if (named == (constraint["operator"] == _IN)) == bool(constraint.get("inverted")):
                return 0.0, 0.0
        return low, high


def names_countries(constraint: dict[str, Any], attribute: str) -> bool:
    """Whether a constraint does nothing but take or leave out countries."""
    return constraint.get("contextName") == attribute and constraint.get("operator") in (_IN, _NOT_IN)


def steerable(strategy: Strategy, attribute: str) -> bool:
    """Whether a strategy is of the shape that this console writes, whoever wrote it."""
    return (
        strategy.name == FLEXIBLE
        and not strategy.segments
        and not strategy.variants
        and all(names_countries(constraint, attribute) for constraint in strategy.constraints)
    )


def wanted(target: Exposure, feature: str, regions: Sequence[Region], attribute: str) -> tuple[Wanted, ...]:
    """The strategies that show a feature to whom `target` says, the highest share first; none for nobody. Raises
    `Refused` for what Unleash cannot do."""
    known = {region.id for region in regions}
    groups: dict[int, list[Region]] = {}
    for name, percent in target.percent.items():
        if name not in known:
            raise Refused(f"the plan has no region {safe(name, 60)}")
        whole_percent(percent)
    shares = cells(target)
    for region in regions:
        percent = shares.get((region.id, feature), 0.0)
        if percent > 0:
            groups.setdefault(whole_percent(percent), []).append(region)
    return tuple(_group(percent, members, regions, attribute) for percent, members in sorted(groups.items())[::-1])


def whole_percent(percent: float) -> int:
    """A share as Unleash can give it. Raises `Refused`: clients take what is no whole percent for nobody, or for
    everybody."""
    if not 0 <= percent <= 100 or percent != int(percent):
        raise Refused(f"Unleash takes whole percents from 0 to 100, and {percent:g} is none")
    return int(percent)


def canonical(strategy: Strategy, title: str) -> str:
    """What a strategy means, in a form in which nothing counts that the server may arrange otherwise."""
    constraints = sorted(
        json.dumps(
            {
                **{name: value for name, value in constraint.items() if value not in (None, False, "")},
                "values": sorted(map(str, constraint.get("values") or ())),
            },
            sort_keys=True,
        )
        for constraint in strategy.constraints
    )
    meant = [
        strategy.name,
        title,
        bool(strategy.disabled),
        constraints,
        strategy.parameters,
        sorted(strategy.segments or ()),
        list(strategy.variants or ()),
    ]
    return json.dumps(meant, sort_keys=True)


def countries_of(strategy: Strategy, attribute: str, regions: Iterable[Region]) -> frozenset[str]:
    """The plan's countries that a strategy of our shape takes, with `EVERYWHERE_ELSE` for all others."""
    rule = Rule(
        Flag("", ()),
        Environment(
            "", True, (Strategy("", FLEXIBLE, constraints=strategy.constraints, parameters={"rollout": "100"}),)
        ),
        Bucketing("", "", attribute),
    )
    named = {country for region in regions for country in region.countries} | {""}
    return frozenset(country for country in named if rule.percent(country) > 0)


def percent_of(strategy: Strategy) -> int:
    """The highest share that a strategy may give to those whom it takes."""
    return int(_rollout(strategy)[1])


def _group(percent: int, members: Sequence[Region], regions: Sequence[Region], attribute: str) -> Wanted:
    inside = {country for region in members for country in region.countries}
    constraint: dict[str, Any] = {"contextName": attribute, "operator": _IN, "values": sorted(inside)}
    if all(region.countries for region in members):
        return Wanted(percent, (constraint,), frozenset(inside))
    outside = {country for region in regions for country in region.countries} - inside
    constraint |= {"operator": _NOT_IN, "values": sorted(outside)}
    return Wanted(percent, (constraint,) if outside else (), frozenset(inside | {""}))


def _rollout(strategy: Strategy) -> tuple[float, float]:
    """The least and the highest share that a strategy's type and parameters may mean."""
    if strategy.name == "default":
        return 100.0, 100.0
    rollout = strategy.parameters.get("rollout")
    if strategy.name == FLEXIBLE and isinstance(rollout, str) and _WHOLE.match(rollout):
        return float(rollout), float(rollout)
    return 0.0, 100.0


def _oddities(strategy: Strategy, bucketing: Bucketing) -> list[str]:
    which = f"strategy {safe(strategy.title or strategy.id, 60)}"
    found = []
    if strategy.name not in (FLEXIBLE, "default"):
        found.append(f"{which} is of the type {safe(strategy.name, 40)}: whom it lets in is not known here")
    elif strategy.name == FLEXIBLE and _rollout(strategy) == (0.0, 100.0):
        rollout = safe(repr(strategy.parameters.get("rollout")), 40)
        found.append(f"{which} has the rollout {rollout}, which some clients take for nobody and some for everybody")
    elif bucketing.key(strategy) != KEY and strategy.name == FLEXIBLE and _rollout(strategy)[1] > 0:
        found.append(f"{which} lets in others than this rollout: it is bucketed by {bucketing.key(strategy)}")
    if strategy.segments:
        found.append(f"{which} is bound to segments, which may take people out")
    if strategy.variants:
        found.append(f"{which} has variants")
    if not all(names_countries(constraint, bucketing.attribute) for constraint in strategy.constraints):
        found.append(f"{which} is bound to more than {bucketing.attribute}, which may take people out")
    return found

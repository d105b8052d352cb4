"""One rollout as flagd flags: an exposure written as targeting rules, and read back from them.

Every feature has a flag; all flags of a rollout share one bucketing seed, so that features nest: whoever is in at 20 %
is in for each feature. The order of variants and the total weight never change, so a rising share keeps everyone it
had. A flag that shows nothing stays ENABLED with `off` as its default: DISABLED would hand the decision to the default
that each client's code happens to have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from repz_console.facts import Exposure
from repz_console.plan.exposure import is_nobody
from repz_console.plan.model import Region
from repz_console.providers.shares import EVERYWHERE_ELSE
from repz_console.text import is_identifier, safe

TOTAL = 10_000
"""Weights add up to this: steps of 0.01 %."""

_DEEPEST = 20


class Unreadable(Exception):
    """A flag whose rule is not of the shape that this module writes: who sees it is not known."""


class Unwritable(Exception):
    """An exposure that cannot be written as rules."""


def weight(percent: float) -> int:
    """A percent as a weight out of `TOTAL`. Raises `Unwritable` outside 0 to 100 or finer than 0.01."""
    if not math.isfinite(percent) or not 0 <= percent <= 100:
        raise Unwritable(f"{percent} is not a percent from 0 to 100")
    whole = round(percent * TOTAL / 100)
    if abs(percent * TOTAL / 100 - whole) > 1e-6:
        raise Unwritable(f"{percent} % is finer than a step of 0.01 %")
    return whole


def check(exposure: Exposure, regions: Sequence[Region], features: Iterable[str]) -> None:
    """Raise `Unwritable` unless the exposure names only known regions and features, shares and a key that can be
    written, and no country is claimed by two regions.
    """
    if is_nobody(exposure):
        return  # nothing may stand in the way of showing nothing
    known = {region.id for region in regions}
    for name, percent in exposure.percent.items():
        if name not in known:
            raise Unwritable(f"the plan has no region {safe(name)}")
        weight(percent)
    unknown = sorted(set(exposure.features) - set(features))
    if unknown:
        raise Unwritable(f"the plan has no feature {safe(unknown[0])}")
    if not is_identifier(exposure.key):
        raise Unwritable(f"people cannot be bucketed by {safe(exposure.key)!r}")
    claimed: dict[str, str] = {}
    for region in regions:
        for country in region.countries or (EVERYWHERE_ELSE,):
            if claimed.setdefault(country, region.id) != region.id:
                where = country or "every other country"
                raise Unwritable(f"regions {claimed[country]} and {region.id} both name {safe(where)}")


def flag(rollout: str, feature: str, exposure: Exposure, regions: Sequence[Region], attribute: str) -> dict[str, Any]:
    """The definition, without metadata, of the flag that shows `feature` to the people of `exposure`."""
    definition: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    if feature in exposure.features and any(exposure.percent.values()):
        definition["targeting"] = _targeting(rollout, exposure, regions, attribute)
    return definition


def _targeting(rollout: str, exposure: Exposure, regions: Sequence[Region], attribute: str) -> dict[str, Any]:
    branches: list[Any] = []
    elsewhere: Any = "off"
    for region in regions:  # also those at 0: else their people would fall in with everywhere else
        share = _share(rollout, exposure.key, weight(exposure.percent.get(region.id, 0.0)))
        if region.countries:
            branches += [{"in": [{"var": attribute}, list(region.countries)]}, share]
        else:
            elsewhere = share
    if branches:
        return {"if": [*branches, elsewhere]}
    return elsewhere if isinstance(elsewhere, dict) else {"if": [True, elsewhere, "off"]}


def _share(rollout: str, key: str, on: int) -> Any:
    if on == 0:
        return "off"
    if on == TOTAL:
        return "on"  # everybody, also those who have no key
    # without a key everybody would fall in one bucket and be let in, or not, all together
    return {
        "if": [
            {"!!": [{"var": key}]},
            {"fractional": [_bucket(rollout, key), ["on", on], ["off", TOTAL - on]]},
            "off",
        ]
    }


def _bucket(rollout: str, key: str) -> dict[str, Any]:
    return {"cat": [f"{rollout}:", {"var": key}]}


class Rule:
    """What one flag's definition shows to whom."""

    def __init__(self, rollout: str, definition: Mapping[str, Any], attribute: str) -> None:
        """Raises `Unreadable` if the definition is not of the shape that `flag` writes."""
        self._rollout = rollout
        self._attribute = attribute
        self._variants = definition.get("variants")
        self._default = definition.get("defaultVariant")
        targeting = definition.get("targeting")
        if targeting and not isinstance(targeting, dict):
            raise Unreadable("its targeting is not a rule")
        self._targeting = targeting or self._default
        if definition.get("state") != "ENABLED":
            raise Unreadable("it is not ENABLED, so each client falls back on its own default")
        self.keys: set[str] = set()
        """What people are bucketed by."""
        self.countries: set[str] = set()
        """The countries that the rule names."""
        self.odd: set[str] = set()
        """What differs from what this module writes without changing who is meant."""
        self._explore(self._targeting, 0)

    def percent(self, country: str) -> float:
        """The share of a country's people who are shown the feature; `EVERYWHERE_ELSE` for all countries unnamed."""
        return self._percent(self._targeting, country)

    def least(self, country: str) -> float:
        """The same share, of those alone who have a key: without one nobody falls in a share below all."""
        return self._least(self._targeting, country)

    def _explore(self, node: Any, depth: int) -> None:
        """Refuse every branch that is not understood, also those that no country of the plan would reach."""
        if depth > _DEEPEST:
            raise Unreadable("its rule is nested too deep")
        if not isinstance(node, dict):
            self._variant(node)
        elif "if" in node:
            for condition, result in self._branches(node):
                if condition is not None and not self._asks_key(condition):
                    self.countries |= self._countries(condition)
                self._explore(result, depth + 1)
        else:
            self._fraction(node)

    def _percent(self, node: Any, country: str) -> float:
        if not isinstance(node, dict):
            return 100.0 if self._variant(node) else 0.0
        if "if" not in node:
            return self._fraction(node)
        highest = 0.0
        for condition, result in self._branches(node):
            if condition is not None and self._asks_key(condition):
                highest = max(highest, self._percent(result, country))  # those without a key go on to the rest
            elif condition is None or country in self._countries(condition):
                return max(highest, self._percent(result, country))
        return max(highest, 100.0 if self._variant(None) else 0.0)

    def _least(self, node: Any, country: str) -> float:
        if isinstance(node, dict) and "if" in node:
            for condition, result in self._branches(node):
                if condition is None or self._asks_key(condition) or country in self._countries(condition):
                    return self._least(result, country)
        return self._fraction(node, math.floor) if isinstance(node, dict) else self._percent(node, country)

    def _branches(self, node: dict[str, Any]) -> list[tuple[Any, Any]]:
        """(condition, result) in order; the condition of the last is None where it holds for all."""
        parts = node["if"]
        if len(node) != 1 or not isinstance(parts, list) or len(parts) < 2:
            raise Unreadable("its rule has an `if` without branches")
        branches: list[tuple[Any, Any]] = list(zip(parts[0::2], parts[1::2], strict=False))
        if branches[0][0] is True:
            return [(None, branches[0][1])]
        return [*branches, (None, parts[-1])] if len(parts) % 2 else branches

    def _variant(self, name: Any) -> bool:
        name = self._default if name is None else name
        if not isinstance(self._variants, dict) or not isinstance(name, str) or name not in self._variants:
            raise Unreadable(f"its rule gives {safe(name, 40)}, which is none of its variants")
        shown = self._variants[name]
        if not isinstance(shown, bool):
            raise Unreadable(f"its variant {safe(name, 40)} is neither true nor false")
        return shown

    def _asks_key(self, condition: Any) -> bool:
        """Whether the condition is that a person has a key at all, as nearly all have."""
        arguments = _arguments(condition, "!!")
        if arguments is None or len(arguments) != 1:
            return False
        self.keys.add(_variable(arguments[0]))
        return True

    def _countries(self, condition: Any) -> set[str]:
        arguments = _arguments(condition, "in")
        if arguments is not None and len(arguments) == 2 and _variable(arguments[0]) == self._attribute:
            countries = arguments[1]
            if isinstance(countries, list) and all(isinstance(country, str) for country in countries):
                return set(countries)
        raise Unreadable(f"its rule has a condition on something other than {self._attribute}")

    def _fraction(self, node: dict[str, Any], rounded: Callable[[float], int] = math.ceil) -> float:
        """Its share in whole steps: where others wrote weights between two of them, no more must be said to be there
        at least than is."""
        arguments = _arguments(node, "fractional")
        if arguments is None:
            raise Unreadable("its rule is not one that this console writes")
        bucket, *shares = arguments
        seeded = _arguments(bucket, "cat")
        if seeded is None or len(seeded) != 2 or self._variant("off") or not self._variant("on"):
            raise Unreadable(_OTHER_BUCKETS)
        key = _variable(seeded[1])
        weights = [share[1] for share in shares if isinstance(share, list) and len(share) == 2]
        order = [share[0] for share in shares if isinstance(share, list) and len(share) == 2]
        if bucket != _bucket(self._rollout, key) or order != ["on", "off"] or len(shares) != 2:
            raise Unreadable(_OTHER_BUCKETS)
        if any(type(each) is not int for each in weights):
            raise Unreadable("its weights are not whole numbers, which clients pass over")
        on, off = (max(each, 0) for each in weights)  # as the clients do
        if on + off == 0:
            raise Unreadable("its weights add up to nothing")
        if on + off != TOTAL:
            self.odd.add(f"its weights add up to {on + off}, not {TOTAL}")
        self.keys.add(key)
        return rounded(on * TOTAL / (on + off)) * 100 / TOTAL


_OTHER_BUCKETS = "its rule buckets people in another way than this console"


def _arguments(node: Any, operator: str) -> list[Any] | None:
    """The arguments of a rule that is one use of `operator`, else None."""
    arguments = node.get(operator) if isinstance(node, dict) and len(node) == 1 else None
    return arguments if isinstance(arguments, list) and arguments else None


def _variable(node: Any) -> str:
    name = node.get("var") if isinstance(node, dict) and len(node) == 1 else None
    if not isinstance(name, str):
        raise Unreadable("its rule asks for something that is not a plain attribute")
    return name

"""The fourth truth: what traffic saw, against what the backends are set to.

A count of evaluations is a sample. It disagrees with a share only where that lies outside the sample's Wilson interval,
which unlike the usual one also holds near 0 and 100 %. Who asks is not who lives where: where regions have different
shares, any percent between the lowest and the highest of them may be what traffic sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from repz_console.facts import Abilities, Exposure, Freshness, Measured, Snapshot
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.model import Rollout
from repz_console.room import words
from repz_console.room.decisions import RolloutDecisions
from repz_console.room.freshness import freshness, next_change, trustworthy, worst
from repz_console.room.rollout_views import Truth

MOST = 10**15
"""Evaluations that anybody can have counted."""
Z = 3.2905
"""Standard deviations on either side that hold 99.9 % of all samples."""


def found(snapshots: Mapping[str, Snapshot], identity: str, now: datetime) -> tuple[tuple[Measured, Freshness], ...]:
    """The last count of each feature of a rollout, with how fresh its source is."""
    newest: dict[str, tuple[Measured, Freshness]] = {}
    for snapshot in snapshots.values():
        for count in snapshot.facts.measured if snapshot.facts is not None else ():
            if count.rollout != identity or not _counted(count):
                continue
            if count.feature not in newest or count.at > newest[count.feature][0].at:
                newest[count.feature] = count, freshness(snapshot, now)
    return tuple(newest[feature] for feature in sorted(newest))


def expiries(snapshots: Mapping[str, Snapshot], identity: str, now: datetime) -> Iterator[datetime | None]:
    """When how fresh these counts are next changes by itself."""
    for snapshot in snapshots.values():
        if snapshot.facts is not None and any(count.rollout == identity for count in snapshot.facts.measured):
            yield next_change(snapshot, now)


def _counted(count: Measured) -> bool:
    """Whether it is a count at all: of nothing, or of what nobody can have counted, is none."""
    return 0 <= count.percent <= 100 and 0 < count.samples <= MOST


def truth(counts: tuple[tuple[Measured, Freshness], ...], rollout: Rollout, configured: Exposure | None) -> Truth:
    """What traffic saw, in words: a count tells a percent of all, and nothing of regions."""
    if not counts:
        return Truth("measured", None, None, "", Freshness.OFF, "no source measures exposure yet")
    told = []
    for count, _ in counts:
        line = f"{count.feature} {words.percent(count.percent)} of {count.samples:,} evaluations"
        share = expected(rollout, configured, count.feature) if configured is not None else None
        told.append(f"{line}, expected {words.percent(share)}" if share is not None else line)
    return Truth(
        "measured",
        None,
        min(count.at for count, _ in counts),
        "",
        worst(bucket for _, bucket in counts),
        "; ".join(told),
    )


def expected(rollout: Rollout, configured: Exposure, feature: str) -> float | None:
    """The percent of all people who should see a feature; None where the plan does not say who lives where and the
    regions' shares differ."""
    share = parts.share_of(configured, (feature,))
    low, high = _bounds(rollout, share)
    return low if low == high else exposures.of_all(share, rollout.people)


def settles_at(plan_rollout: Rollout, decided: RolloutDecisions, abilities: Mapping[str, Abilities]) -> datetime | None:
    """When the last change may be expected to be seen by everybody; None where nothing was changed."""
    change = decided.desired
    if change is None or change.state not in ("confirmed", "partial"):
        return None
    slowest = max(
        (abilities[each].propagation for each in parts.controllers(plan_rollout) if each in abilities), default=0.0
    )
    return change.state_at + timedelta(seconds=slowest)


def drift(
    counts: Iterable[tuple[Measured, Freshness]],
    rollout: Rollout,
    configured: Exposure | None,
    changed_at: datetime | None,
    settled: datetime | None,
) -> tuple[str, ...]:
    """Where traffic saw what it should not, a line each. Only a count that ended after the last change was seen by
    everybody can tell, and only one that is trustworthy."""
    since = max((at for at in (changed_at, settled) if at is not None), default=None)
    if configured is None:
        return ()
    lines = []
    for count, bucket in counts:
        if not trustworthy(bucket) or (since is not None and count.at <= since) or count.samples <= 0:
            continue
        low, high = _bounds(rollout, parts.share_of(configured, (count.feature,)))
        least, most = interval(count.percent, count.samples)
        if most < low or least > high:
            between = words.percent(low) if low == high else f"{words.percent(low)} to {words.percent(high)}"
            lines.append(
                f"traffic sees {count.feature} in {words.percent(count.percent)} of {count.samples:,} evaluations,"
                f" configured is {between}"
            )
    return tuple(lines)


def interval(percent: float, samples: int) -> tuple[float, float]:
    """The percents that a sample speaks for (Wilson's score interval)."""
    share, z2 = min(max(percent, 0.0), 100.0) / 100, Z * Z
    middle = (share + z2 / (2 * samples)) / (1 + z2 / samples)
    reach = Z / (1 + z2 / samples) * math.sqrt(share * (1 - share) / samples + z2 / (4 * samples * samples))
    # What is told is rounded to two decimals.
    return max(100 * (middle - reach) - 0.005, 0.0), min(100 * (middle + reach) + 0.005, 100.0)


def _bounds(rollout: Rollout, share: Exposure) -> tuple[float, float]:
    shares = [share.percent.get(region, 0.0) if share.features else 0.0 for region in rollout.regions]
    return min(shares, default=0.0), max(shares, default=0.0)

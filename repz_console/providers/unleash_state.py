"""What an Unleash flag says of one feature of a rollout, and the calls that make it say something else. No I/O.

The titles of the console's strategies carry its stamp: the revision `NUMBER-DIGEST`, the change, its epoch, when and
who. The digest covers the flag in its environment as it was to be, so that a change that was broken off in the middle,
and anybody's edit, shows as somebody else's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs

from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan.exposure import cells, is_nobody, nobody
from repz_console.plan.model import Region
from repz_console.plan.parts import combined
from repz_console.providers import unleash_strategy as strategies
from repz_console.providers.base import ProviderError, Refused
from repz_console.providers.shares import by_region, together
from repz_console.providers.unleash_api import REHEARSAL, Request
from repz_console.providers.unleash_strategy import Bucketing, Environment, Flag, Strategy, Wanted
from repz_console.text import identifier, safe

NO_FLAG = "0"
"""The revision of a flag that the server does not have."""

_STAMP = re.compile(r"repz (\d{1,9})-([0-9a-f]{8}) (\S{1,100}) (\d{1,9}) (\S{1,40}) (.*)\Z")


class Layout(Struct, frozen=True):
    """How a rollout is laid out in Unleash."""

    rollout: str
    environment: str
    bucketing: Bucketing
    regions: tuple[Region, ...]
    """All regions of the plan, the rollout's own or not."""
    flags: dict[str, str]
    """Feature to flag, in the order in which the stages switch them on."""


class Stamp(Struct, frozen=True):
    """Which change of this console family wrote a flag."""

    number: int
    digest: str
    op: str
    epoch: int
    at: str
    who: str

    @property
    def title(self) -> str:
        """As a strategy carries it."""
        return f"repz {self.number}-{self.digest} {self.op} {self.epoch} {self.at} {self.who}"


class Part(Struct, frozen=True):
    """One feature as it was read."""

    feature: str
    flag: str
    """The flag's name."""
    at: Environment | None
    """None where the server has no such flag."""
    state: RolloutState

    @property
    def written(self) -> bool:
        """Whether anything was ever set up in it."""
        return self.at is not None and (self.at.enabled or bool(self.at.strategies))

    @property
    def loaded(self) -> bool:
        """Whether it is off, and somebody would be let in if it were switched on: without a strategy everybody."""
        if self.at is None or self.at.enabled:
            return False
        return not self.at.active or any(strategies.percent_of(each) > 0 for each in self.at.active)


def read(layout: Layout, feature: str, flag: Flag | None) -> Part:
    """What a flag says. Raises `ProviderError` where who sees what cannot be known."""
    name = layout.flags[feature]
    if flag is None:
        note = f"there is no flag {identifier(name)}: clients use their own default"
        state = RolloutState(layout.rollout, nobody(), NO_FLAG, notes=(note,), scope=(feature,))
        return Part(feature, name, None, state)
    at = flag.at(layout.environment)
    if at is None:
        raise ProviderError(f"flag {identifier(name)} has no environment {safe(layout.environment, 60)}")
    rule = strategies.Rule(flag, at, layout.bucketing)
    notes: list[str] = [f"flag {identifier(name)}: {what}" for what in dict.fromkeys(rule.odd)]
    shares = by_region(layout.regions, rule, name, notes)
    key = "+".join(sorted(rule.keys)) or strategies.KEY
    exposure, least = together(layout.regions, {feature: shares}, key, [])
    stamp = newest(at)
    revision = revision_of(at, stamp)
    state = RolloutState(
        layout.rollout, exposure, revision, notes=tuple(notes), least=least, scope=(feature,), epoch=epoch_of(at)
    )
    if stamp is not None and revision == f"{stamp.number}-{stamp.digest}":
        state = structs.replace(
            state, changed_by=safe(stamp.who, 100), changed_at=_instant(stamp.at), op=identifier(stamp.op)
        )
    return Part(feature, name, at, state)


def whole(parts: Sequence[Part]) -> RolloutState:
    """All features of a rollout as one state, theirs in its `parts` where there are several."""
    if len(parts) == 1:
        return structs.replace(parts[0].state, scope=())
    return combined([part.state for part in parts])


def plan(layout: Layout, part: Part, change: Change, at: datetime) -> tuple[tuple[Request, ...], Stamp]:
    """The calls that take a feature to what the change says, in order, and the stamp that it then has. Switching the
    environment on is not among them: that has to wait until the strategies are known to be right.

    Whatever is in between, nobody is let in whom neither the old nor the new strategies let in. A strategy is added
    with a rollout of 0, which lets in nobody, so that one that comes late harms nobody. Raises `Refused`.
    """
    environment = _steerable(layout, part, change)
    bucketing, attribute = layout.bucketing, layout.bucketing.attribute
    kept = environment.active
    goal = strategies.wanted(change.target, part.feature, layout.regions, attribute)
    follows = _follows(part, change, bucketing)
    pairs, added = _matched(kept, goal, attribute, layout.regions)
    if not kept and not added:
        added = (Wanted(0, (), frozenset()),)  # there has to be something that bears the stamp
    if added and follows is not None:
        raise Refused(f"flag {identifier(part.flag)} is bucketed by {follows}: only its shares can be lowered")
    changed = [(old, _rewritten(old, new, bucketing, follows is None)) for old, new in pairs]
    fresh = [_fresh(each, bucketing) for each in added]
    rest = [each for each in environment.strategies if each.disabled]
    stamp = _stamp(environment, change, at, [new for _, new in changed] + fresh, rest, enabled(environment, goal))

    requests = [*([REHEARSAL] if fresh else []), *(_post(each, stamp.title) for each in fresh)]
    late = [
        _loses(old, new, layout) and (len(changed) + len(fresh) > 1) for old, new in changed
    ]  # it goes last, lest somebody drops out for a moment who is to be let in by another one
    for (old, new), waits in zip(changed, late, strict=True):
        requests.append(_patch(old, structs.replace(old, title=None) if waits else new, stamp.title))
    for number, each in enumerate(fresh):
        if each.parameters["rollout"] != "0":
            nothing = structs.replace(_zero(each), id=added_id(number), title=stamp.title)
            requests.append(_patch(nothing, each, stamp.title))
    for (old, new), waits in zip(changed, late, strict=True):
        if waits:
            requests.append(_patch(structs.replace(old, title=stamp.title), new, stamp.title))
    return tuple(requests), stamp


def enabled(environment: Environment, goal: Sequence[Wanted]) -> bool:
    """Whether the environment is to be on: what is off goes on only for somebody."""
    return environment.enabled or bool(goal)


def newest(environment: Environment) -> Stamp | None:
    """The stamp of the change that wrote last; None if none of the console's ever did."""
    stamps = [stamp for each in environment.strategies if (stamp := stamp_in(each.title)) is not None]
    return max(stamps, key=lambda stamp: stamp.number, default=None)


def epoch_of(environment: Environment) -> int:
    """The highest epoch that ever wrote."""
    return max((stamp.epoch for each in environment.strategies if (stamp := stamp_in(each.title))), default=0)


def revision_of(environment: Environment, stamp: Stamp | None) -> str:
    """The version of a flag in its environment, whoever wrote it."""
    meant = sorted(
        strategies.canonical(each, "" if stamp and each.title == stamp.title else safe(each.title or ""))
        for each in environment.strategies
    )
    told = [stamp.op, stamp.epoch, stamp.at, stamp.who] if stamp else []
    return f"{stamp.number if stamp else 0}-{_digest([environment.enabled, meant, told])}"


def _stamp(
    environment: Environment,
    change: Change,
    at: datetime,
    ours: Sequence[Strategy],
    rest: Sequence[Strategy],
    on: bool,
) -> Stamp:
    old = newest(environment)
    blank = Stamp(
        number=(old.number if old else 0) + 1,
        digest="0" * 8,
        op=identifier(change.op),
        epoch=max(change.epoch, epoch_of(environment)),
        at=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        who=safe(change.who, 60),
    )
    stamped = tuple(structs.replace(each, title=blank.title) for each in ours)
    after = Environment(environment.name, on, (*stamped, *rest))
    return structs.replace(blank, digest=revision_of(after, blank).partition("-")[2])


def _steerable(layout: Layout, part: Part, change: Change) -> Environment:
    name = identifier(part.flag)
    if part.at is None:
        raise Refused(f"there is no flag {name}: create it in Unleash first, off in every environment")
    for strategy in part.at.active:
        if not strategies.steerable(strategy, layout.bucketing.attribute):
            which = safe(strategy.title or strategy.name, 60)
            raise Refused(
                f"flag {name} has a strategy that is not the console's to change ({which}): "
                "take it out in Unleash first; a kill works"
            )
    return part.at


def _follows(part: Part, change: Change, bucketing: Bucketing) -> str | None:
    """The foreign bucketing that a change keeps; None where it is the console's own. Raises `Refused`."""
    key = change.target.key
    shown = part.feature in change.target.features and not is_nobody(change.target)
    if key == strategies.KEY or not shown:
        return None
    if key != part.state.exposure.key or "+" in key:
        raise Refused(f"people cannot be bucketed by {safe(key, 60)} here")
    return key


def _matched(
    kept: Sequence[Strategy], goal: Sequence[Wanted], attribute: str, regions: Sequence[Region]
) -> tuple[list[tuple[Strategy, Wanted]], tuple[Wanted, ...]]:
    """Which strategy becomes which, those with most countries in common, and what is still to be added."""
    covers = {strategy.id: strategies.countries_of(strategy, attribute, regions) for strategy in kept}
    free, open_goals = list(kept), list(goal)
    pairs: list[tuple[Strategy, Wanted]] = []
    while free and open_goals:
        best = max(
            ((strategy, each) for each in open_goals for strategy in free),
            key=lambda pair: len(covers[pair[0].id] & pair[1].countries),
        )
        pairs.append(best)
        free.remove(best[0])
        open_goals.remove(best[1])
    pairs += [(strategy, Wanted(0, strategy.constraints, covers[strategy.id])) for strategy in free]
    return sorted(pairs, key=lambda pair: [one.id for one in kept].index(pair[0].id)), tuple(open_goals)


def _rewritten(old: Strategy, new: Wanted, bucketing: Bucketing, own: bool) -> Strategy:
    parameters = {**old.parameters, "rollout": str(new.percent)}
    if own:
        parameters |= {"groupId": bucketing.group, "stickiness": bucketing.stickiness}
    alike = strategies.canonical(structs.replace(old, constraints=new.constraints), "")
    same = alike == strategies.canonical(old, "")
    return structs.replace(old, parameters=parameters, constraints=old.constraints if same else new.constraints)


def _fresh(wanted: Wanted, bucketing: Bucketing) -> Strategy:
    parameters = {"rollout": str(wanted.percent), "groupId": bucketing.group, "stickiness": bucketing.stickiness}
    return Strategy("", strategies.FLEXIBLE, constraints=wanted.constraints, parameters=parameters)


def _zero(strategy: Strategy) -> Strategy:
    return structs.replace(strategy, parameters={**strategy.parameters, "rollout": "0"})


def _loses(old: Strategy, new: Strategy, layout: Layout) -> bool:
    """Whether a strategy stops letting in somebody."""
    attribute = layout.bucketing.attribute
    before = strategies.countries_of(old, attribute, layout.regions)
    after = strategies.countries_of(new, attribute, layout.regions)
    had = strategies.percent_of(old)
    return had > 0 and (bool(before - after) or strategies.percent_of(new) < had)


def _post(strategy: Strategy, title: str) -> Request:
    body = {
        "name": strategy.name,
        "title": title,
        "constraints": list(strategy.constraints),
        "parameters": _zero(strategy).parameters,
    }
    return Request("POST", "/strategies", body)


def _patch(old: Strategy, new: Strategy, title: str) -> Request:
    """Tests all that was judged of `old`, and makes it `new`."""
    # Also that there still is no title: a fence changes nothing else.
    body: list[dict[str, Any]] = [{"op": "test", "path": "/title", "value": old.title}]
    body.append({"op": "test", "path": "/parameters", "value": old.parameters})
    body.append({"op": "test", "path": "/constraints", "value": list(old.constraints)})
    body.append({"op": "test", "path": "/disabled", "value": False})
    if old.title != title:
        body.append({"op": "replace" if old.title is not None else "add", "path": "/title", "value": title})
    if new.constraints != old.constraints:
        body.append({"op": "replace", "path": "/constraints", "value": list(new.constraints)})
    for name in ("groupId", "stickiness", "rollout"):
        value = new.parameters.get(name)
        if value is not None and value != old.parameters.get(name):
            op = "replace" if name in old.parameters else "add"
            body.append({"op": op, "path": f"/parameters/{name}", "value": value})
    return Request("PATCH", f"/strategies/{old.id}", body)


def added_id(number: int) -> str:
    """What stands for the id of a strategy that a change adds, counted from 0, until the server has given it one."""
    return f"{{added-{number + 1}}}"


def of_feature(target: Exposure, feature: str) -> Exposure:
    """What an exposure shows of one feature."""
    shown = {region: percent for (region, each), percent in cells(target).items() if each == feature}
    return Exposure(percent=shown, features=(feature,) if shown else (), key=target.key)


def stamp_in(title: str | None) -> Stamp | None:
    """The stamp that a strategy's title is; None if it is none."""
    found = _STAMP.match(title or "")
    if found is None:
        return None
    number, digest, op, epoch, at, who = found.groups()
    return Stamp(int(number), digest, op, int(epoch), at, who)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _instant(raw: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
